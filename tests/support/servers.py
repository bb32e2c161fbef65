"""Starts and stops salesd on a store of its own, and makes databases on the private PostgreSQL that
`./dev` started. For programs that drive the server from outside: benchmarks and crash tests."""
import os
import re
import secrets
import signal
import subprocess
import time
import urllib.parse
import urllib.request

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
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

    def metric(self, name, labels=""):
        """One value of /metrics."""
        with open(self.data + ".out", encoding="utf-8") as f:
            page = "http://" + re.search(r"http=(\S+)", f.read()).group(1) + "/metrics"
        with urllib.request.urlopen(page, timeout=10) as f:
            text = f.read().decode()
        series = re.escape(name + (f"{{{labels}}}" if labels else ""))
        return float(re.search(f"^{series} (\\S+)$", text, re.M).group(1))

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


def salesd(preset):
    """The binary of a preset."""
    path = os.path.join(ROOT, "build", preset, "server/salesd")
    if not os.access(path, os.X_OK):
        raise Failed(f"there is no {os.path.relpath(path, ROOT)}: ./dev build {preset}")
    return path


def start_salesd(binary, store, folder, name, extra=(), listen="127.0.0.1:0"):
    """Waits until it is ready. Its key, output and log are FOLDER/NAME.*; a second start with the same
    name goes on with the same store."""
    base = os.path.join(folder, name)
    if not os.path.exists(base + ".key"):
        with open(os.open(base + ".key", os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as f:
            f.write(secrets.token_hex(32) + "\n")
    with open(base + ".out", "wb") as out, open(base + ".err", "wb") as err:
        process = subprocess.Popen(
            [binary, "--store", store, "--master-key-file", base + ".key", "--listen", listen,
             "--http-listen", "127.0.0.1:0", "--bootstrap-tenant", "bench", "--bootstrap-env", base + ".env",
             *extra], stdout=out, stderr=err)
    try:
        wait_for(process, base + ".out", r"^salesd ready", "salesd")
    except Failed as e:
        process.kill()
        with open(base + ".err", encoding="utf-8", errors="replace") as f:
            raise Failed(f"{e} {f.read()[-2000:]}") from e
    with open(base + ".env", encoding="utf-8") as f:
        env = dict(re.findall(r"(SALES_\w+)=['\"]?([^'\"\n]*)", f.read()))
    return Server("salesd", process, env["SALES_ADDRESS"], env["SALES_API_KEY"], base)


class Postgres:
    """Databases on the private server of tests/support/pg.sh. Three roles, as in production: the
    superuser makes databases and looks into them, the owner migrates, the app role serves."""

    def __init__(self):
        if "SALES_TEST_PG_SUPER" not in os.environ:
            raise Failed("SALES_TEST_PG_SUPER is not set: ./dev sets it")
        self.super, self.owner, self.app = (
            dict(word.split("=", 1) for word in os.environ[f"SALES_TEST_PG{suffix}"].split())
            for suffix in ("_SUPER", "_ADMIN", ""))
        data = self.query(self.url(self.super, self.super["dbname"]), "SHOW data_directory")
        with open(os.path.join(data, "postmaster.pid"), encoding="utf-8") as f:
            self.postmaster = int(f.readline())

    @staticmethod
    def url(role, database):
        return f"postgres://{role['user']}@127.0.0.1:{role['port']}/{database}"

    @staticmethod
    def query(url, sql):
        done = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"psql: {done.stderr.strip()}")
        return done.stdout.strip()

    def create(self, name):
        """A fresh database; its URL for the superuser, the owner and the role that serves."""
        self.query(self.url(self.super, self.super["dbname"]), f'CREATE DATABASE "{name}" OWNER {self.owner["user"]}')
        return tuple(self.url(role, name) for role in (self.super, self.owner, self.app))

    def drop(self, name):
        self.query(self.url(self.super, self.super["dbname"]), f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

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


def migrate(binary, owner_url, app_role):
    done = subprocess.run([binary, "--store", owner_url, "--migrate", "--migrate-role", app_role], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"salesd --migrate: {done.stdout[-2000:]}")
