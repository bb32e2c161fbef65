"""One engine, its Redis, a receiver of webhooks, and a server that can be told where to die."""
import json
import os
import random
import re
import secrets
import signal
import sqlite3
import subprocess
import threading
import time
import urllib.request

import grpc

from authority import Authority
from model import Request
from servers import ROOT, Failed, Postgres, migrate, wait_for
from streams import SHARDS, Redis
from stub import Schema
from world import CALL_S, PASSING

TENANTS = ("bench", "left", "right")  # the first is the operator's
DRAIN_S = 90
HOOK_EVENTS = ("sales.lead.created", "sales.deal.*")
# A dead process holds leases until they run out, one of them for ten minutes. We do not wait.
TIME_PASSES = ("UPDATE job SET lease_until = 1 WHERE state = 1", "UPDATE event_cursor SET lease_until = 1")


class Cluster:
    """A PostgreSQL of our own, because it is stopped and paused."""

    def __init__(self, folder):
        self.script, self.folder = os.path.join(ROOT, "tests/support/pg.sh"), os.path.join(folder, "pg")
        done = subprocess.run([self.script, "start", self.folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"PostgreSQL did not start: {done.stderr[-500:]}")
        for name, value in re.findall(r"export (\w+)=(.*)", done.stdout):
            os.environ[name] = value.replace("\\", "")

    def do(self, word):
        subprocess.run([self.script, word, self.folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)

    def signal(self, number):
        """To the postmaster and all that it has started."""
        with open(os.path.join(self.folder, "data/postmaster.pid"), encoding="utf-8") as f:
            master = int(f.readline())
        found = subprocess.run(["pgrep", "-P", str(master)], stdout=subprocess.PIPE, text=True, check=False)
        for pid in [master, *(int(x) for x in found.stdout.split())]:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass


class Receiver:
    def __init__(self, folder):
        self.ca = Authority(folder)
        pair = self.ca.issue()
        self.process = subprocess.Popen(
            ["node", os.path.join(ROOT, "tests/standin/receiver.js"), "--cert", pair.cert, "--key", pair.key],
            stdout=subprocess.PIPE, text=True)
        _, self.port, self.admin = self.process.stdout.readline().split()

    def ask(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}{path}", data, timeout=30) as f:
            return json.load(f)


class Tenant:
    """What a Worker of model.py calls a world: the calls of one tenant."""

    def __init__(self, world, name, key=None):
        self.world, self.name, self.schema, self.key = world, name, world.schema, key
        self.hooks, self.ledger, self.lock = [], [], threading.Lock()
        self.made_by_jobs = []  # ids of activities

    def message(self, name, /, **fields):
        return self.schema.message(f"sales.v1.{name}")(**fields)

    def call(self, method, request):
        """The packed answer."""
        if self.world.over:
            raise Failed("the run was given up")
        service = self.world.services[method]
        stub = self.world.channel.unary_unary(f"/sales.v1.{service}/{method}", lambda m: m.SerializeToString(), lambda packed: packed)
        return stub(request, metadata=(("authorization", f"Bearer {self.key or self.world.operator_key}"),), timeout=CALL_S)

    def read(self, method, **fields):
        request, reply = self.message(f"{method}Request", **fields), self.schema.message(f"sales.v1.{method}Response")
        while True:
            try:
                return reply.FromString(self.call(method, request))
            except grpc.RpcError as e:
                if e.code() not in PASSING:
                    raise
            time.sleep(0.02)

    def all_of(self, method, field, **fields):
        token, found = "", []
        while True:
            page = self.read(method, page_size=500, page_token=token, **fields)
            found += getattr(page, field)
            token = page.next_page_token
            if not token:
                return found

    def remember(self, method, message, packed):
        with self.lock:
            self.ledger.append((method, message, packed))


class Stage:
    def __init__(self, engine, binary, folder):
        self.engine, self.binary, self.folder, self.cluster = engine, binary, folder, None
        self.schema = Schema(os.path.join(os.path.dirname(binary), "../../gen/sales_descriptor_set.pb"))
        self.services = {m.name: s.name for f in self.schema.files.file for s in f.service for m in s.method
                         if f.package == "sales.v1"}
        self.redis, self.receiver = Redis(folder), Receiver(folder)
        self.process, self.channel, self.old = None, None, []
        self.over = False  # nobody waits for answers any more
        self.key = os.path.join(folder, "master.key")
        with open(os.open(self.key, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as f:
            f.write(secrets.token_hex(32) + "\n")
        if engine == "sqlite":
            self.path = os.path.join(folder, "sales.db")
            self.url = f"sqlite:{self.path}"
        else:
            self.cluster = Cluster(folder)
            self.postgres = Postgres()
            self.super_url, owner_url, self.url = self.postgres.create("trust")
            migrate(binary, owner_url, self.postgres.app["user"])
        self.tenants, self.operator_key = [Tenant(self, TENANTS[0])], None

    def flags(self):
        return ["--store", self.url, "--master-key-file", self.key, "--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0",
                "--bootstrap-tenant", TENANTS[0], "--bootstrap-env", os.path.join(self.folder, "env"), "--redis", self.redis.url,
                "--event-shards", str(SHARDS), "--webhook-ca", self.receiver.ca.own.cert, "--webhook-allow", "127.0.0.1",
                "--job-poll", "100ms", "--tenant-rate", "100000", "--tenant-burst", "100000"]

    def start(self, kill_at=None):
        """False: it died of its point before it was ready."""
        out, err, env = os.path.join(self.folder, "out"), os.path.join(self.folder, "err"), dict(os.environ)
        if kill_at:
            env["KILL_AT"] = kill_at
        with open(out, "wb") as o, open(err, "ab") as e:
            self.process = subprocess.Popen([self.binary, *self.flags()], stdout=o, stderr=e, env=env)
        try:
            wait_for(self.process, out, r"^salesd ready", "salesd")
        except Failed as e:
            if self.process.poll() == -signal.SIGKILL and kill_at:
                return False
            raise Failed(f"{e}: {self.log()}") from e
        with open(os.path.join(self.folder, "env"), encoding="utf-8") as f:
            known = dict(re.findall(r"(SALES_\w+)=['\"]?([^'\"\n]*)", f.read()))
        self.operator_key = known["SALES_API_KEY"]
        if self.channel:
            self.old.append(self.channel)
        self.channel = grpc.insecure_channel(known["SALES_ADDRESS"], options=[("grpc.use_local_subchannel_pool", 1)])
        return True

    def log(self):
        with open(os.path.join(self.folder, "err"), "a+", encoding="utf-8", errors="replace") as f:
            f.seek(0)
            return f.read()[-1500:]

    def died(self, seconds):
        """True: of its point, within that time."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        if code != -signal.SIGKILL:
            raise Failed(f"salesd ended with {code} by itself: {self.log()}")
        return True

    def kill(self):
        self.process.kill()
        self.process.wait(30)

    def sql(self, text, change=False):
        """Rows of texts; bytes as hex, by the caller's hex()."""
        if self.cluster:
            return [line.split("|") for line in self.postgres.query(self.super_url, text).splitlines()]
        with sqlite3.connect(f"file:{self.path}?mode={'rw' if change else 'ro'}", uri=True, timeout=30) as db:
            rows = [["" if x is None else str(x) for x in row] for row in db.execute(text).fetchall()]
        db.close()
        return rows

    def hex(self, column):
        return f"encode({column}, 'hex')" if self.cluster else f"lower(hex({column}))"

    def time_passes(self):
        for text in TIME_PASSES:
            self.sql(text, change=True)

    def settle(self, why):
        """Waits until the outbox is in Redis, webhooks are delivered and entries are sealed."""
        left = None
        end = time.monotonic() + DRAIN_S
        while time.monotonic() < end:
            waiting = [int(x) for x in self.sql(
                "SELECT (SELECT COUNT(*) FROM outbox), (SELECT COUNT(*) FROM webhook_delivery WHERE state = 1),"
                " (SELECT COUNT(*) FROM audit WHERE sequence = 9223372036854775807), (SELECT COUNT(*) FROM job WHERE kind"
                " LIKE 'webhook.%' AND state = 1)")[0]]
            left = [waiting[0] - self.redis.count(), *waiting[1:]]
            if not any(left):
                return
            time.sleep(0.2)
        raise Failed(f"{why}: after {DRAIN_S} s (events, deliveries, entries, lanes) left are {left}: {self.log()}")

    def close(self):
        for channel in [*self.old, self.channel]:
            if channel:
                channel.close()
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(30)
        self.receiver.process.kill()
        self.receiver.process.wait(10)
        self.redis.close()
        if self.cluster:
            self.cluster.signal(signal.SIGCONT)
            self.cluster.do("kill")


class Asker:
    """What Request wants to know of who sends it."""

    def __init__(self, tenant, seed, pool, totals):
        self.world, self.rng, self.pool, self.totals, self.blind = tenant, random.Random(seed), pool, totals, False

    def send(self, method, **fields):
        request = Request(self, method, **fields)
        answer = request.drive()
        self.world.remember(method, request.message, request.answer)
        return answer
