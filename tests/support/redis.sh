#!/bin/bash
# redis.sh start DIR | stop DIR: a private Redis on a free loopback port, with its files in DIR.
# `start` prints the environment to source: SALES_TEST_REDIS=HOST:PORT.
set -euo pipefail
dir=$2
case $1 in
start)
    mkdir -p "$dir"
    for _ in 1 2 3 4 5; do
        rm -f "$dir/log"
        port=$((20000 + RANDOM % 20000))
        redis-server --bind 127.0.0.1 --port "$port" --dir "$dir" --appendonly yes --save "" \
            --daemonize yes --pidfile "$dir/pid" --logfile "$dir/log" >&2
        for _ in $(seq 300); do
            [ "$(redis-cli -p "$port" ping 2>/dev/null)" = PONG ] && [ -s "$dir/pid" ] && {
                echo "export SALES_TEST_REDIS=127.0.0.1:$port"
                exit 0
            }
            ! grep -q "Failed listening" "$dir/log" 2>/dev/null || break # the port is taken
            sleep 0.1
        done
    done
    cat "$dir/log" >&2
    exit 1 ;;
stop)
    [ -s "$dir/pid" ] || exit 0
    pid=$(cat "$dir/pid")
    kill "$pid"
    for _ in $(seq 300); do # until it no longer writes to its folder
        kill -0 "$pid" 2>/dev/null || exit 0
        sleep 0.1
    done
    kill -9 "$pid" ;;
esac
