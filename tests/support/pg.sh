#!/bin/bash
# pg.sh start DIR | stop DIR | kill DIR | resume DIR: a private PostgreSQL with its files in DIR, on a
# unix socket in DIR and a free loopback port.
# `start` prints the environment to source, libpq connection strings of
#   SALES_TEST_PG        the role that servers use: no superuser, owns nothing
#   SALES_TEST_PG_ADMIN  the owner of database and tables: migrations, schemas of tests
#   SALES_TEST_PG_SUPER  the superuser
# `kill` ends it as a crash does (SIGQUIT), `resume` starts it again on the same port.
set -euo pipefail
dir=$(realpath -m "$2")
bin=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin | sort -V | tail -1)

# PostgreSQL refuses to run as root.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

run_server() {
    as_postgres "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 start >&2
}

info() { echo "host=$dir port=$port dbname=sales user=$1"; }

case $1 in
start)
    mkdir -p "$dir"
    if [ "$(id -u)" = 0 ]; then
        chown postgres "$dir"
        chmod o+x "$(dirname "$dir")"
    fi
    as_postgres "$bin/initdb" -D "$dir/data" -U postgres --auth=trust -E UTF8 --locale=C >"$dir/initdb.log" 2>&1 ||
        { cat "$dir/initdb.log" >&2; exit 1; }
    for _ in 1 2 3 4 5; do
        port=$((20000 + RANDOM % 20000))
        as_postgres tee "$dir/data/postgresql.auto.conf" >/dev/null <<CONF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$dir'
max_connections = 100
max_wal_size = 4GB
wal_compression = lz4
shared_buffers = 256MB
log_min_messages = warning
CONF
        if run_server; then
            as_postgres "$bin/psql" -qX -h "$dir" -p "$port" -U postgres -v ON_ERROR_STOP=1 postgres >&2 <<'SQL'
CREATE ROLE salesd_owner LOGIN NOSUPERUSER;
CREATE ROLE salesd_app LOGIN NOSUPERUSER NOBYPASSRLS;
CREATE DATABASE sales OWNER salesd_owner;
SQL
            printf 'export SALES_TEST_PG=%q\n' "$(info salesd_app)"
            printf 'export SALES_TEST_PG_ADMIN=%q\n' "$(info salesd_owner)"
            printf 'export SALES_TEST_PG_SUPER=%q\n' "$(info postgres)"
            exit 0
        fi
    done
    cat "$dir/log" >&2
    exit 1 ;;
stop)
    [ ! -s "$dir/data/postmaster.pid" ] || as_postgres "$bin/pg_ctl" -D "$dir/data" -m fast -w stop >&2 ;;
kill)
    [ ! -s "$dir/data/postmaster.pid" ] || as_postgres "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >&2 ;;
resume) run_server ;;
*) sed -n '2,9s/^# //p' "$0" >&2; exit 2 ;;
esac
