"""Starts and stops what is measured: salesd and its Node peer, each on a store of its own."""
import os
import re
import signal
import subprocess
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "../../.."))
SALESD = os.path.join(ROOT, "build/bench/server/salesd")
START_S, STOP_S = 60, 60


class Failed(Exception):
    """Something that makes the figures worthless."""


def wait_for(process, log, pattern, what):
    """The match of pattern in the file `log`, written by the process."""
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        with open(log, encoding="utf-8", errors="replace") as f:
            match = re.search(pattern, f.read(), re.M)
        if match:
            return match
        if process.poll() is not None:
            break
        time.sleep(0.05)
    with open(log, encoding="utf-8", errors="replace") as f:
        raise Failed(f"{what} did not start: {f.read()[-2000:]}")


class Server:
    """A running server. `label` is salesd or node; `data` the files or database behind it."""

    def __init__(self, label, process, address, key, data):
        self.label, self.process, self.address, self.key, self.data = label, process, address, key, data
        self.pid, self.ids, self.next_lead = process.pid, data + ".ids", 0

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired as e:
                self.process.kill()
                raise Failed(f"{self.label} did not end on SIGTERM") from e
        if self.process.returncode != 0:
            raise Failed(f"{self.label} ended with {self.process.returncode}")


def start_salesd(store, folder, name, extra=()):
    if not os.access(SALESD, os.X_OK):
        raise Failed(f"there is no {os.path.relpath(SALESD, ROOT)}: ./dev build bench")
    base = os.path.join(folder, name)
    with open(base + ".out", "wb") as out, open(base + ".err", "wb") as err:
        process = subprocess.Popen(
            [SALESD, "--store", store, "--master-key-file", base + ".key", "--listen", "127.0.0.1:0",
             "--http-listen", "127.0.0.1:0", "--bootstrap-tenant", "bench", "--bootstrap-env", base + ".env",
             "--tenant-rate", "1000000", "--tenant-burst", "10000000", *extra], stdout=out, stderr=err)
    try:
        wait_for(process, base + ".out", r"^salesd ready", "salesd")
    except Failed as e:
        process.kill()
        with open(base + ".err", encoding="utf-8", errors="replace") as f:
            raise Failed(f"{e} {f.read()[-2000:]}") from e
    with open(base + ".env", encoding="utf-8") as f:
        env = dict(re.findall(r"(SALES_\w+)=['\"]?([^'\"\n]*)", f.read()))
    return Server("salesd", process, env["SALES_ADDRESS"], env["SALES_API_KEY"], base)


def start_node(store, folder, name):
    base = os.path.join(folder, name)
    with open(base + ".out", "wb") as out:
        process = subprocess.Popen(["node", os.path.join(HERE, "peer/server.js"), store], stdout=out,
                                   stderr=subprocess.STDOUT)
    match = wait_for(process, base + ".out", r"^ready (\S+) (\S+)$", "the Node peer")
    return Server("node", process, match[1], match[2], base)


class Postgres:
    """Databases on the server that SALES_TEST_PG_ADMIN and SALES_TEST_PG name."""

    def __init__(self):
        self.admin_url, self.app_url = os.environ["SALES_TEST_PG_ADMIN"], os.environ["SALES_TEST_PG"]
        data = self.query(self.admin_url, "SHOW data_directory")
        with open(os.path.join(data, "postmaster.pid"), encoding="utf-8") as f:
            self.postmaster = int(f.readline())

    @staticmethod
    def query(url, sql):
        done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"psql: {done.stderr.strip()}")
        return done.stdout.strip()

    @staticmethod
    def with_database(url, name):
        parts = urllib.parse.urlsplit(url)
        return urllib.parse.urlunsplit(parts._replace(path="/" + name))

    def create(self, name):
        """A fresh database; (admin URL, URL of the role that serves)."""
        self.query(self.admin_url, f'CREATE DATABASE "{name}"')
        return self.with_database(self.admin_url, name), self.with_database(self.app_url, name)

    def drop(self, name):
        self.query(self.admin_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def cpu_s(self):
        """User and system time of the whole database server so far, ended backends included."""
        total = 0
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as f:
                    fields = f.read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(entry) == self.postmaster:
                total += sum(int(x) for x in fields[11:15])  # its own and that of ended children
            elif int(fields[1]) == self.postmaster:
                total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")


def migrate(admin_url):
    done = subprocess.run([SALESD, "--store", admin_url, "--migrate"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"salesd --migrate: {done.stdout[-2000:]}")


class Engine:
    """SQLite or PostgreSQL: makes stores and starts servers on them."""

    def __init__(self, name, folder):
        self.name, self.folder = name, folder
        self.postgres = Postgres() if name == "postgres" else None
        self.databases = []

    def start(self, label, name):
        base = f"{self.name}_{name}"
        if self.postgres is None:
            store = f"sqlite:{os.path.join(self.folder, base)}.db"
            return (start_salesd if label == "salesd" else start_node)(store, self.folder, base)
        admin, app = self.postgres.create(f"bench_{os.getpid()}_{name}")
        self.databases.append(f"bench_{os.getpid()}_{name}")
        if label == "node":
            return start_node(admin, self.folder, base)
        migrate(admin)
        return start_salesd(app, self.folder, base)

    def settle(self):
        """After a bulk import: statistics as autovacuum would bring them within a minute."""
        for name in self.databases:
            self.postgres.query(self.postgres.with_database(self.postgres.admin_url, name), "VACUUM ANALYZE")

    def database_cpu_s(self):
        return self.postgres.cpu_s() if self.postgres else 0.0

    def close(self):
        for name in self.databases:
            self.postgres.drop(name)
