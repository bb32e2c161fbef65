"""Starts the real salesd on free ports and looks at it from outside.

usage: test_salesd.py SALESD PROMTOOL   (ctest does it)
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.error
import urllib.parse
import urllib.request

import grpc

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from server_log import ServerLog  # noqa: E402

SALESD, PROMTOOL = sys.argv[1:3]
FREE = "127.0.0.1:0"
REFLECT = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
GET_LEAD = "/sales.v1.SalesAgent/GetLead"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TIMEOUT_S = 30


def clean_environment(**more):
    env = {k: v for k, v in os.environ.items() if not k.startswith("SALES_")}
    return {**env, **more}


def command(scratch, *flags):
    """Every flag once: what the test says replaces the default."""
    flags = dict(f.split("=", 1) if "=" in f else (f, "true") for f in flags)
    defaults = {"--listen": FREE, "--http-listen": FREE, "--store": f"sqlite:{scratch}/sales.db"}
    return [SALESD] + [f"{k}={v}" for k, v in {**defaults, **flags}.items()]


class Server:
    """A running salesd; its log is kept in a file."""

    def __init__(self, scratch, *flags):
        self.log = ServerLog()
        self.process = subprocess.Popen(command(scratch, *flags), stdout=subprocess.PIPE,
                                        stderr=self.log.file, env=clean_environment(), text=True)
        ready = self.process.stdout.readline()
        self.announced_key = None
        if ready.startswith("salesd api-key "):
            self.announced_key = ready.split("key=")[-1].strip()
            ready = self.process.stdout.readline()
        match = re.fullmatch(r"salesd ready address=(\S+) http=(\S+)\n", ready)
        if not match:
            raise AssertionError(f"no ready line but {ready!r}: {self.log.text()}")
        self.address, self.http = match.groups()

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://{self.http}{path}", timeout=TIMEOUT_S) as r:
                return r.status, r.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()

    def call(self, method, request=b"", key=None, **options):
        """The answer, or the RpcError; both tell metadata."""
        if key:
            options["metadata"] = (("authorization", f"Bearer {key}"),)
        with grpc.insecure_channel(self.address) as channel:
            stub = channel.unary_unary(method, lambda m: m, lambda m: m)
            try:
                return stub.with_call(request, timeout=TIMEOUT_S, **options)
            except grpc.RpcError as e:
                return None, e

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        code = self.process.wait(TIMEOUT_S)
        self.process.stdout.close()
        return code


class Salesd(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.mkdtemp(prefix="test_salesd.")
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)

    def start(self, *flags):
        server = Server(self.scratch, *flags)

        def kill():
            if server.process.poll() is None:
                server.process.kill()
                server.process.wait()
                server.process.stdout.close()
            server.log.close()

        self.addCleanup(kill)
        return server

    def refused(self, *flags, **env):
        """Exit code and stderr of a start that must fail."""
        done = subprocess.run(command(self.scratch, *flags), capture_output=True, text=True,
                              timeout=TIMEOUT_S, env=clean_environment(**env), check=False)
        self.assertEqual(done.stdout, "")
        return done.returncode, done.stderr

    def test_serves_and_stops_cleanly(self):
        server = self.start()
        self.assertEqual(server.get("/healthz"), (200, "ok\n"))
        self.assertEqual(server.get("/livez"), (200, "ok\n"))
        self.assertEqual(server.get("/nowhere")[0], 404)
        answer, _ = server.call("/grpc.health.v1.Health/Check")
        self.assertEqual(answer, b"\x08\x01")
        self.assertEqual(server.stop(), 0)
        events = [e["event"] for e in server.log.events()]
        self.assertEqual([e for e in events if e in ("store.opened", "server.started")],
                         ["store.opened", "server.started"])
        self.assertEqual(events[-3:], ["server.drained", "jobs.drained", "server.stopped"])

    def test_without_the_api_role_nobody_is_served_but_probes(self):
        server = self.start("--roles=lead,email")
        self.assertEqual(server.call("/grpc.health.v1.Health/Check")[0], b"\x08\x01")
        self.assertEqual(server.get("/healthz")[0], 200)
        _, error = server.call(GET_LEAD)
        self.assertEqual(error.code(), grpc.StatusCode.UNIMPLEMENTED)
        self.assertEqual(self.start("--roles=api", f"--store=sqlite:{self.scratch}/b.db").call(GET_LEAD)[1].code(),
                         grpc.StatusCode.UNAUTHENTICATED)

    def test_interrupt_is_as_good_as_term(self):
        self.assertEqual(self.start().stop(signal.SIGINT), 0)

    def bootstrap(self, path):
        return self.start("--bootstrap-tenant=demo", f"--bootstrap-env={path}")

    def read_env(self, path):
        """What a shell would see that sources the file."""
        text = subprocess.run(["sh", "-c", '. "$0"; env', path], capture_output=True, text=True,
                              env={"PATH": os.environ["PATH"]}, check=True).stdout
        return dict(line.split("=", 1) for line in text.splitlines() if line.startswith("SALES_"))

    def opens(self, server, key):
        """Whether the key gets past authentication: an id that is none is then INVALID_ARGUMENT."""
        _, error = server.call(GET_LEAD, b"\x0a\x01x", key)
        self.assertIn(error.code(), (grpc.StatusCode.INVALID_ARGUMENT,
                                     grpc.StatusCode.UNAUTHENTICATED), error.details())
        return error.code() == grpc.StatusCode.INVALID_ARGUMENT

    def test_a_first_start_makes_a_tenant_and_a_key_that_lasts(self):
        path = os.path.join(self.scratch, "env")
        server = self.bootstrap(path)
        env = self.read_env(path)
        key = env["SALES_API_KEY"]
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        self.assertEqual((env["SALES_ADDRESS"], env["SALES_HTTP"]), (server.address, server.http))
        self.assertTrue(self.opens(server, key))
        self.assertFalse(self.opens(server, key[:-2] + ("AA" if key[-2:] != "AA" else "BA")))
        self.assertFalse(self.opens(server, "sk_nonsense"))
        self.assertEqual(server.stop(), 0)
        self.assertNotIn(key, server.log.text())

        server = self.bootstrap(path)
        again = self.read_env(path)
        self.assertEqual(again["SALES_API_KEY"], key, "a restart keeps the key")
        self.assertEqual(again["SALES_ADDRESS"], server.address, "and tells the new port")
        self.assertTrue(self.opens(server, key))
        self.assertEqual(server.stop(), 0)

        os.remove(path)
        server = self.bootstrap(path)
        other = self.read_env(path)["SALES_API_KEY"]
        self.assertNotEqual(other, key, "who lost the file gets another key")
        self.assertTrue(self.opens(server, other))
        self.assertTrue(self.opens(server, key))
        self.assertEqual(server.stop(), 0)

    def test_without_a_file_the_key_is_said_once(self):
        server = self.start("--bootstrap-tenant=demo")
        key = server.announced_key
        self.assertRegex(key, r"^sk_[0-9a-f-]{36}_[A-Za-z0-9_-]{43}$")
        self.assertTrue(self.opens(server, key))
        self.assertEqual(server.stop(), 0)
        server = self.start("--bootstrap-tenant=demo")
        self.assertIsNone(server.announced_key)
        self.assertTrue(self.opens(server, key))
        self.assertEqual(server.stop(), 0)

    def test_an_unusable_store_is_3(self):
        bad_key = os.path.join(self.scratch, "key")
        with open(bad_key, "w", encoding="utf-8") as f:
            f.write("no key at all")
        for flags in ([f"--master-key-file={bad_key}"],
                      [f"--master-key-file={self.scratch}"],
                      [f"--store=sqlite:{self.scratch}/no/such/folder/sales.db"],
                      ["--store=postgres://nobody@127.0.0.1:1/none", f"--master-key-file={bad_key}"]):
            code, text = self.refused(*flags)
            self.assertEqual(code, 3, (flags, text))

    def test_another_master_key_is_refused(self):
        self.assertEqual(self.start("--bootstrap-tenant=demo").stop(), 0)
        os.rename(os.path.join(self.scratch, "sales.db.key"), os.path.join(self.scratch, "old"))
        code, text = self.refused("--bootstrap-tenant=demo")
        self.assertEqual(code, 3, text)

    def test_migrate_ends_by_itself(self):
        self.assertEqual(self.refused("--migrate")[0], 0)
        self.assertEqual(self.start().stop(), 0)

    def test_metrics_please_promtool_and_count(self):
        server = self.start()
        _, error = server.call(GET_LEAD)
        self.assertEqual(error.code(), grpc.StatusCode.UNAUTHENTICATED)
        code, text = server.get("/metrics")
        self.assertEqual(code, 200)
        lint = subprocess.run([PROMTOOL, "check", "metrics"], input=text, text=True,
                              capture_output=True, timeout=TIMEOUT_S, check=False)
        self.assertEqual((lint.returncode, lint.stdout + lint.stderr), (0, ""))
        handled = ('grpc_server_handled_total{grpc_type="unary",grpc_service="sales.v1.SalesAgent",'
                   'grpc_method="GetLead",grpc_code="%s"} %d\n')
        self.assertIn(handled % ("Unauthenticated", 1), text)
        self.assertIn(handled % ("OK", 0), text)
        self.assertIn('sales_auth_failures_total{reason="missing"} 1\n', text)
        for service in ("SalesAgent", "Outreach", "Coaching", "Forecast", "Admin"):
            self.assertIn(f'grpc_server_started_total{{grpc_type="unary",grpc_service="sales.v1.{service}"',
                          text)
        self.assertEqual(server.stop(), 0)

    def test_refusals_are_explained_and_traced(self):
        server = self.start()
        _, error = server.call(GET_LEAD, metadata=(("traceparent", TRACE), ("x-request-id", "r-1")))
        head = dict(error.initial_metadata())
        head.update(error.trailing_metadata())
        self.assertEqual(head["x-request-id"], "r-1")
        self.assertEqual(head["traceparent"].split("-")[1], TRACE.split("-")[1])
        self.assertIn(b"CREDENTIAL_INVALID", head["grpc-status-details-bin"])
        self.assertEqual(server.stop(), 0)
        lines = server.log.events()
        call = [line for line in lines if line["event"] == "rpc.finished"]
        self.assertEqual(len(call), 1, "one line per call")
        self.assertEqual(call[0]["trace_id"], TRACE.split("-")[1])
        self.assertEqual(call[0]["rpc"].strip("/"), GET_LEAD.strip("/"))
        self.assertEqual(call[0]["code"], "UNAUTHENTICATED")
        self.assertEqual(call[0]["peer"], "127.0.0.0")

    def test_reflection_can_be_switched_off(self):
        for flag, want in (("true", None), ("false", grpc.StatusCode.UNIMPLEMENTED)):
            server = self.start(f"--reflection={flag}")
            with grpc.insecure_channel(server.address) as channel:
                stub = channel.stream_stream(REFLECT, lambda m: m, lambda m: m)
                code = None
                try:
                    answers = list(stub(iter([b"\x3a\x00"]), timeout=TIMEOUT_S))
                    self.assertIn(b"sales.v1.SalesAgent", answers[0])
                except grpc.RpcError as e:
                    code = e.code()
            self.assertEqual(code, want, flag)
            self.assertEqual(server.stop(), 0)

    def test_bad_configuration_is_2(self):
        code, text = self.refused("--workerz=3", SALES_LOG_LEVEL="loud")
        self.assertEqual(code, 2)
        self.assertIn("did you mean --workers?", text)
        self.assertIn("SALES_LOG_LEVEL", text)
        self.assertEqual(self.refused("--listen=0.0.0.0:0")[0], 2)
        self.assertEqual(self.refused("--http-listen=nonsense")[0], 2)

    def test_a_taken_port_is_4(self):
        server = self.start()
        other = tempfile.mkdtemp(dir=self.scratch)
        store = f"--store=sqlite:{other}/sales.db"
        code, text = self.refused(f"--listen={server.address}", store)
        self.assertEqual(code, 4, text)
        code, text = self.refused(f"--http-listen={server.http}", store)
        self.assertEqual(code, 4, text)
        self.assertEqual(server.get("/healthz")[0], 200, "the first is not hurt")
        self.assertEqual(server.stop(), 0)

    def test_a_log_that_cannot_be_written_is_5(self):
        code, text = self.refused("--log-file=/nowhere/at/all")
        self.assertEqual(code, 5)
        self.assertIn("/nowhere/at/all", text)

    def test_hangup_opens_the_log_again(self):
        path = os.path.join(self.scratch, "log")
        server = self.start(f"--log-file={path}")
        os.rename(path, path + ".1")
        server.process.send_signal(signal.SIGHUP)
        for _ in range(1000):
            if os.path.exists(path):
                break
            server.get("/livez")
        self.assertEqual(server.stop(), 0)
        with open(path, encoding="utf-8") as f:
            self.assertIn("server.stopped", f.read())
        self.assertEqual(server.log.text(), "")

    def test_unix_sockets_and_several_addresses(self):
        path = os.path.join(self.scratch, "s")
        server = self.start(f"--listen=unix:{path},{FREE}")
        unix, tcp = server.address.split(",")
        for address in (unix, tcp):
            server.address = address
            self.assertEqual(server.call("/grpc.health.v1.Health/Check")[0], b"\x08\x01", address)
        self.assertEqual(server.stop(), 0)

    def test_the_drain_waits_for_busy_calls_but_not_after_a_second_signal(self):
        for grace, signals, want in (("500ms", 1, 0), ("60s", 2, 6)):
            server = self.start(f"--drain-grace={grace}")
            over = threading.Event()
            with grpc.insecure_channel(server.address) as channel:
                stub = channel.stream_stream(REFLECT, lambda m: m, lambda m: m)
                answers = stub(self.requests_until(over), timeout=TIMEOUT_S)
                next(answers)
                self.assertIn("sales_rpc_calls_active 1\n", server.get("/metrics")[1])
                if signals == 2:
                    server.process.send_signal(signal.SIGTERM)
                    self.await_draining(server)
                self.assertEqual(server.stop(), want)
                over.set()

    @staticmethod
    def requests_until(over):
        """A stream that is never idle: it asks for the list of services ten times a second."""
        while not over.wait(0.1):
            yield b"\x3a\x00"

    def await_draining(self, server):
        for _ in range(1000):
            if server.get("/readyz") == (503, "draining\n"):
                return
        self.fail("never draining")

    def new_database(self):
        """URLs for owner, server role and superuser of a database of this test's own."""
        infos = {}
        for role, name in (("app", "SALES_TEST_PG"), ("owner", "SALES_TEST_PG_ADMIN"),
                           ("super", "SALES_TEST_PG_SUPER")):
            self.assertIn(name, os.environ, "run this through ./dev test, or source the output of "
                                            "tests/support/pg.sh start DIR")
            infos[role] = dict(word.split("=", 1) for word in os.environ[name].split())
        name = f"test_salesd_{os.getpid()}"

        def psql(sql):
            at = infos["super"]
            subprocess.run(["psql", "-qX", "-h", at["host"], "-p", at["port"], "-U", at["user"],
                            "-c", sql, "postgres"], check=True, timeout=TIMEOUT_S)

        psql(f"CREATE DATABASE {name} OWNER {infos['owner']['user']}")
        self.addCleanup(psql, f"DROP DATABASE {name} WITH (FORCE)")
        return {role: "postgres:///{}?{}".format(name, urllib.parse.urlencode(
            {key: at[key] for key in ("host", "port", "user")})) for role, at in infos.items()}

    def test_postgres_is_migrated_by_its_owner_and_served_under_a_bound_role(self):
        urls = self.new_database()
        role = os.environ["SALES_TEST_PG"].split("user=")[1]
        key_file = os.path.join(self.scratch, "master.key")
        with open(key_file, "w", encoding="utf-8") as f:
            f.write(os.urandom(32).hex() + "\n")
        on = lambda who: (f"--store={urls[who]}", f"--master-key-file={key_file}")
        code, text = self.refused(*on("app"))
        self.assertEqual(code, 3, "nothing is migrated yet")
        self.assertIn("SCHEMA_OLD", text)
        self.assertEqual(self.refused(*on("owner"), "--migrate", f"--migrate-role={role}")[0], 0)
        self.assertEqual(self.refused(*on("owner"), "--migrate", f"--migrate-role={role}")[0], 0)
        code, text = self.refused(*on("super"))
        self.assertEqual(code, 3, "row-level security would not bind it")
        self.assertIn("ROLE_UNBOUND", text)
        env = os.path.join(self.scratch, "env")
        for _ in range(2):
            server = self.start(*on("app"), "--bootstrap-tenant=demo", f"--bootstrap-env={env}")
            self.assertTrue(self.opens(server, self.read_env(env)["SALES_API_KEY"]))
            self.assertEqual(server.get("/readyz"), (200, "ok\n"))
            self.assertEqual(server.stop(), 0)

    def test_questions_are_answered(self):
        ask = lambda flag: subprocess.run([SALESD, flag], capture_output=True, text=True,
                                          timeout=TIMEOUT_S, check=True).stdout
        self.assertRegex(ask("--version"), r"^salesd \d+\.\d+\.\d+\n$")
        self.assertIn("--drain-grace", ask("--help"))
        with open("docs/config.md", encoding="utf-8") as f:
            self.assertEqual(ask("--print-config-doc"), f.read())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
