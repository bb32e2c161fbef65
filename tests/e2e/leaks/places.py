"""A private PostgreSQL and Redis with passwords, to be stopped and to change their passwords."""
import os
import pathlib
import re
import subprocess
import time

SUPPORT = pathlib.Path(__file__).resolve().parents[2] / "support"
TIMEOUT_S = 60


def run(*command, **more):
    return subprocess.run([str(c) for c in command], check=True, timeout=TIMEOUT_S, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **more).stdout


def exports(text):
    return {k: v.replace("\\", "") for k, v in re.findall(r"^export (\w+)=(.*)$", text, re.M)}


class Postgres:
    """Over TCP its application role needs a password."""

    def __init__(self, folder, password):
        self.folder = folder / "pg"
        os.environ.update(exports(run(SUPPORT / "pg.sh", "start", self.folder)))
        at = dict(w.split("=", 1) for w in os.environ["SALES_TEST_PG"].split())
        self.user, self.port = at["user"], at["port"]
        hba = self.folder / "data/pg_hba.conf"
        hba.write_text(f"host all {self.user} 127.0.0.1/32 scram-sha-256\n" + hba.read_text())
        self.set_password(password)
        self.ask("SELECT pg_reload_conf()")

    def ask(self, sql):
        return run("psql", "-qXAt", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-p", self.port, "-U", "postgres",
                   "-c", sql, "postgres")

    def set_password(self, password):
        self.ask(f"ALTER ROLE {self.user} PASSWORD '{password}'")

    def hang_up(self):
        self.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                 "WHERE pid <> pg_backend_pid() AND datname IS NOT NULL")

    def url(self, database, password):
        return f"postgres://{self.user}:{password}@127.0.0.1:{self.port}/{database}"

    def unbound_url(self, database):
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def kill(self):
        run(SUPPORT / "pg.sh", "kill", self.folder)

    def resume(self):
        run(SUPPORT / "pg.sh", "resume", self.folder)

    def close(self):
        run(SUPPORT / "pg.sh", "stop", self.folder)


class Redis:
    def __init__(self, folder, password):
        self.folder, self.password = folder / "redis", ""
        self.at = exports(run(SUPPORT / "redis.sh", "start", self.folder))["SALES_TEST_REDIS"]
        self.set_password(password)

    def ask(self, *words):
        environment = {**os.environ, **({"REDISCLI_AUTH": self.password} if self.password else {})}
        return run("redis-cli", "-p", self.at.split(":")[1], *words, env=environment)

    def set_password(self, password):
        self.ask("CONFIG", "SET", "requirepass", password)
        self.password = password

    def hang_up(self):
        self.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def url(self, password):
        return f"redis://:{password}@{self.at}/0"

    def close(self):
        pid = int((self.folder / "pid").read_text())
        run(SUPPORT / "redis.sh", "stop", self.folder)
        wait_until("Redis ends", lambda: not pathlib.Path(f"/proc/{pid}").exists())


def wait_until(what, is_so, seconds=30):
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.1)
