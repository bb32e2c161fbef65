"""TLS of the real salesd, probe_server and salesctl: real certificates, real clients.

usage: test_tls.py SALESD SALESCTL PROBE_SERVER   (ctest does it)
"""
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

import grpc

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from authority import Authority, openssl  # noqa: E402
from server_log import ServerLog  # noqa: E402
from stub import Feed, Server as Probe  # noqa: E402

SALESD, SALESCTL, PROBE = sys.argv[1:4]
FREE = "127.0.0.1:0"
CHECK = "/grpc.health.v1.Health/Check"
REFLECT = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
GET_LEAD = "/sales.v1.SalesAgent/GetLead"
LIST = b"\x3a\x00"  # list_services
SERVING = b"\x08\x01"
TIMEOUT_S = 30
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"


def environment(**more):
    return {**{k: v for k, v in os.environ.items() if not k.startswith(("SALES_", "GRPC_"))}, **more}


def read(path, mode="rb"):
    with open(path, mode) as f:
        return f.read()


def replace(path, data):
    """As Vault does: another file under the same name."""
    with open(path + ".new", "wb") as f:
        f.write(data)
    os.rename(path + ".new", path)


class Salesd:
    def __init__(self, scratch, *flags):
        self.log = ServerLog()
        self.process = subprocess.Popen(
            [SALESD, f"--http-listen={FREE}", f"--store=sqlite:{scratch}/sales.db", *flags],
            stdout=subprocess.PIPE, stderr=self.log.file, env=environment(), text=True)
        ready = self.process.stdout.readline()
        match = re.fullmatch(r"salesd ready address=(\S+) http=(\S+)\n", ready)
        if not match:
            raise AssertionError(f"no ready line but {ready!r}: {self.log.text()}")
        self.address = match[1]

    def stop(self):
        self.process.terminate()
        code = self.process.wait(TIMEOUT_S)
        self.process.stdout.close()
        return code

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()


class Tls(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.mkdtemp(prefix="test_tls.")
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
        self.authority = Authority(self.scratch)
        self.cert, self.key = os.path.join(self.scratch, "cert"), os.path.join(self.scratch, "key")

    # Servers.

    def install(self, pair):
        """Certificate first: for a moment the key does not fit."""
        cert, key = pair.read()
        replace(self.cert, cert)
        replace(self.key, key)

    def start(self, *flags, pair=None, listen=FREE):
        self.first = pair or self.authority.issue()
        self.install(self.first)
        server = Salesd(self.scratch, f"--listen={listen}", f"--tls-cert={self.cert}",
                        f"--tls-key={self.key}", *flags)
        self.addCleanup(server.kill)
        return server

    # Clients.

    def channel(self, address, client=None, authority=None, **options):
        cert, key = client.read() if client else (None, None)
        credentials = grpc.ssl_channel_credentials(read((authority or self.authority).own.cert),
                                                   key, cert)
        return grpc.secure_channel(address, credentials,
                                   [("grpc.use_local_subchannel_pool", 1), *options.items()])

    def ask(self, channel, method=CHECK, request=b"", **options):
        """The answer, or the code it failed with."""
        with channel:
            try:
                return channel.unary_unary(method)(request, timeout=TIMEOUT_S, **options)
            except grpc.RpcError as e:
                return e.code()

    def handshake(self, address, client=None, authority=None, name="localhost"):
        """Serial that the server shows, once it has also answered in HTTP/2 over it."""
        context = ssl.create_default_context(cafile=(authority or self.authority).own.cert)
        context.set_alpn_protocols(["h2"])
        if client:
            context.load_cert_chain(client.cert, client.key)
        host, port = address.rsplit(":", 1)
        with socket.create_connection((host, port), TIMEOUT_S) as plain:
            with context.wrap_socket(plain, server_hostname=name) as s:
                s.sendall(PREFACE)
                if len(s.recv(9)) == 0:
                    raise ssl.SSLError("closed")
                return s.getpeercert()["serialNumber"]

    def cut_off(self, server, client, why):
        """The server ends the handshake, and not for any reason; this core sends no alert."""
        noted = len(server.log.events("transport.noted"))
        with self.assertRaises((ssl.SSLError, ConnectionResetError)):
            self.handshake(server.address, client)
        server.log.wait("transport.noted", noted, lambda e: why in e["text"])

    # What gets in.

    def test_serves_tls_and_nothing_else_on_tcp(self):
        path = os.path.join(self.scratch, "s")
        server = self.start(listen=f"{FREE},{FREE},unix:{path}")
        first, second, unix = server.address.split(",")
        for address in (first, second):
            self.assertEqual(self.ask(self.channel(address)), SERVING)
            self.assertEqual(self.ask(grpc.insecure_channel(address)), grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(self.ask(grpc.insecure_channel(unix)), SERVING)
        self.assertEqual(server.stop(), 0)

    def test_old_protocols_are_refused(self):
        server = self.start()
        for flag, spoken in (("-tls1", None), ("-tls1_1", None), ("-tls1_2", "TLSv1.2"),
                             ("-tls1_3", "TLSv1.3")):
            done = subprocess.run(["openssl", "s_client", "-connect", server.address, flag, "-brief",
                                   "-alpn", "h2", "-cipher", "ALL:@SECLEVEL=0"], env=environment(),
                                  input=b"", capture_output=True, timeout=TIMEOUT_S, check=False)
            said = re.search(r"Protocol version: (\S+)", done.stderr.decode(errors="replace"))
            self.assertEqual(said and said[1], spoken, (flag, done.stderr))
        self.assertEqual(server.stop(), 0)
        refusals = [e for e in server.log.events("transport.noted") if "unsupported protocol" in e["text"]]
        self.assertEqual(len(refusals), 2, "it is the server that refused, not the client")

    def test_clients_refuse_what_they_should(self):
        stranger = Authority(self.scratch, "stranger")
        server = self.start()
        self.assertEqual(self.handshake(server.address), self.first.serial())
        with self.assertRaisesRegex(ssl.SSLError, "unable to get local issuer"):
            self.handshake(server.address, authority=stranger)
        with self.assertRaisesRegex(ssl.SSLError, "Hostname mismatch"):
            self.handshake(server.address, name="example.com")
        self.assertEqual(self.ask(self.channel(server.address, authority=stranger)),
                         grpc.StatusCode.UNAVAILABLE)
        self.install(self.authority.issue(days=-1))
        with self.assertRaisesRegex(ssl.SSLError, "certificate has expired"):
            self.handshake(server.address)
        self.assertEqual(self.ask(self.channel(server.address)), grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(server.stop(), 0)
        loaded = server.log.events("certificate.loaded")
        self.assertEqual([(e["level"], e["is_expired"]) for e in loaded],
                         [("info", False), ("error", True)])

    def test_mtls_lets_in_only_certificates_of_its_issuer(self):
        stranger = Authority(self.scratch, "stranger")
        good = self.authority.issue("/CN=gateway", names=None)
        server = self.start(f"--tls-client-ca={self.authority.own.cert}")
        self.assertEqual(self.ask(self.channel(server.address, good)), SERVING)
        self.assertEqual(self.handshake(server.address, good), self.first.serial())
        for bad, why in ((None, "peer did not return a certificate"),
                         (stranger.issue("/CN=gateway"), "certificate verify failed"),
                         (stranger.own, "certificate verify failed"),
                         (self.authority.issue("/CN=gateway", days=-1), "certificate verify failed")):
            self.cut_off(server, bad, why)
            self.assertEqual(self.ask(self.channel(server.address, bad)),
                             grpc.StatusCode.UNAVAILABLE, why)
        self.assertEqual(self.ask(grpc.insecure_channel(server.address)),
                         grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(server.stop(), 0)

    # Reload.

    def test_a_new_certificate_is_shown_while_streams_go_on(self):
        server = self.start(listen=f"{FREE},{FREE}")
        addresses = server.address.split(",")
        with self.channel(addresses[0]) as channel:
            feed = Feed(LIST)
            answers = channel.stream_stream(REFLECT)(iter(feed), timeout=TIMEOUT_S)
            next(answers)
            for _ in range(3):
                pair = self.authority.issue()
                self.install(pair)
                for address in addresses:
                    self.assertEqual(self.handshake(address), pair.serial())
                feed.put(LIST)
                self.assertIn(b"SalesAgent", next(answers), "the open stream goes on")
            feed.close()
            self.assertEqual(list(answers), [])
        self.assertEqual(server.stop(), 0)
        self.assertEqual(len(server.log.events("certificate.loaded")), 4, "once each, not per address")

    def test_the_swap_of_a_mounted_secret_is_seen(self):
        """Kubernetes: files are links through ..data, a link to a folder that is replaced."""
        pairs = [self.authority.issue() for _ in range(3)]
        data = os.path.join(self.scratch, "..data")
        for i, pair in enumerate(pairs):
            folder = os.path.join(self.scratch, f"v{i}")
            os.mkdir(folder)
            shutil.copy(pair.cert, os.path.join(folder, "tls.crt"))
            shutil.copy(pair.key, os.path.join(folder, "tls.key"))
        os.symlink("v0", data)
        server = Salesd(self.scratch, f"--listen={FREE}", f"--tls-cert={data}/tls.crt",
                        f"--tls-key={data}/tls.key")
        self.addCleanup(server.kill)
        self.assertEqual(self.handshake(server.address), pairs[0].serial())
        for i in (1, 2, 0):
            os.symlink(f"v{i}", data + "_tmp")
            os.rename(data + "_tmp", data)
            self.assertEqual(self.handshake(server.address), pairs[i].serial())
        self.assertEqual(server.stop(), 0)
        self.assertEqual(server.log.events("certificate.refused"), [])

    def test_a_file_written_in_place_is_seen_even_within_a_clock_tick(self):
        server = self.start()
        pairs = [self.authority.issue() for _ in range(10)]
        for pair in pairs:
            cert, key = pair.read()
            for path, data in ((self.key, key), (self.cert, cert)):
                with open(path, "r+b") as f:
                    f.write(data)
                    f.truncate()
            self.assertEqual(self.handshake(server.address), pair.serial())
        self.assertEqual(server.stop(), 0)

    def test_broken_files_keep_the_old_certificate_and_are_told_once(self):
        server = self.start()
        good, other = self.first, self.authority.issue()
        cert, key = good.read()
        encrypted = os.path.join(self.scratch, "encrypted")
        openssl("pkey", "-in", good.key, "-aes256", "-passout", "pass:x", "-out", encrypted)
        breaks = (("half a certificate", self.cert, cert[:len(cert) // 2]),
                  ("a broken chain", self.cert, cert + cert[:len(cert) // 2]),
                  ("empty", self.cert, b""),
                  ("no certificate", self.cert, key),
                  ("no text", self.cert, cert + b"\0"),
                  ("endless", self.cert, cert + b"\n" * (1 << 20)),
                  ("gone", self.cert, None),
                  ("half a key", self.key, key[:len(key) // 2]),
                  ("another key", self.key, other.read()[1]),
                  ("a locked key", self.key, read(encrypted)))
        for i, (what, path, data) in enumerate(breaks):
            with self.subTest(what):
                if data is None:
                    os.remove(path)
                else:
                    replace(path, data)
                for _ in range(3):
                    self.assertEqual(self.handshake(server.address), good.serial())
                self.assertEqual(self.ask(self.channel(server.address)), SERVING)
                server.log.wait("certificate.refused", i, lambda e, p=path: p in e["why"])
                self.install(good)
                self.assertEqual(self.handshake(server.address), good.serial())
        self.install(other)
        self.assertEqual(self.handshake(server.address), other.serial(), "it still reloads")
        self.assertEqual(server.stop(), 0)
        self.assertEqual(len(server.log.events("certificate.refused")), len(breaks))
        self.assertEqual([e["serial"] for e in server.log.events("certificate.loaded")],
                         [good.serial(), other.serial()])
        for secret in key.decode().splitlines()[1:-1]:
            self.assertNotIn(secret, server.log.text())

    def test_issuers_of_clients_reload_too(self):
        new = Authority(self.scratch, "new")
        old_client, new_client = self.authority.issue("/CN=old"), new.issue("/CN=new")
        path = os.path.join(self.scratch, "ca")
        replace(path, read(self.authority.own.cert))
        server = self.start(f"--tls-client-ca={path}")
        self.handshake(server.address, old_client)
        replace(path, read(self.authority.own.cert) + read(new.own.cert))
        self.handshake(server.address, old_client)
        self.handshake(server.address, new_client)
        replace(path, read(new.own.cert))
        self.handshake(server.address, new_client)
        self.cut_off(server, old_client, "certificate verify failed")
        replace(path, b"")
        self.handshake(server.address, new_client)
        self.cut_off(server, old_client, "certificate verify failed")
        self.assertEqual(server.stop(), 0)

    def test_no_handshake_fails_while_certificates_rotate(self):
        server = self.start()
        pairs = [self.authority.issue() for _ in range(4)]
        serials = {p.serial() for p in pairs} | {self.first.serial()}
        seen = set()
        for i in range(200):
            cert, key = pairs[i % len(pairs)].read()
            replace(self.cert, cert)
            seen.add(self.handshake(server.address))  # the key does not fit now
            replace(self.key, key)
            seen.add(self.handshake(server.address))
        self.assertEqual(seen, serials)
        self.assertEqual(server.stop(), 0)

    # Starts that must not happen.

    def test_refuses_to_start_without_what_it_needs(self):
        pair, other = self.authority.issue(), self.authority.issue()
        garbage = os.path.join(self.scratch, "garbage")
        replace(garbage, b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        own = [f"--tls-cert={pair.cert}", f"--tls-key={pair.key}"]
        rows = ((["--listen=0.0.0.0:0"], "--tls-cert"),
                (["--listen=0.0.0.0:0"], "--insecure"),
                (["--listen=[::]:0"], "--insecure"),
                (["--listen=127.0.0.1.example.com:0"], "--insecure"),
                ([f"--listen={FREE},0.0.0.0:0"], "--insecure"),
                (["--listen=0.0.0.0:0", own[0]], "--tls-key"),
                (["--listen=0.0.0.0:0", *own, "--insecure"], "contradicts"),
                ([f"--listen={FREE}", f"--tls-client-ca={pair.cert}"], "--tls-cert"),
                ([f"--listen={FREE}", own[0], f"--tls-key={other.key}"], "not the key"),
                ([f"--listen={FREE}", own[0], "--tls-key=/nowhere"], "No such file"),
                ([f"--listen={FREE}", f"--tls-cert={garbage}", own[1]], "broken"),
                ([f"--listen={FREE}", f"--tls-cert={self.scratch}", own[1]], "Is a directory"),
                ([f"--listen={FREE}", *own, f"--tls-client-ca={garbage}"], "issuer"))
        for flags, said in rows:
            with self.subTest(flags=flags):
                done = subprocess.run(
                    [SALESD, f"--http-listen={FREE}", f"--store=sqlite:{self.scratch}/sales.db",
                     *flags], capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
                    env=environment())
                self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
                self.assertIn(said, done.stderr)
        server = Salesd(self.scratch, "--listen=0.0.0.0:0", *own)
        self.addCleanup(server.kill)
        self.assertEqual(self.ask(self.channel(server.address.replace("0.0.0.0", "127.0.0.1"))), SERVING)
        self.assertEqual(server.stop(), 0)

    # Identity.

    def log_of(self, client, *flags):
        """The access log's line about one call of the client."""
        server = self.start(f"--tls-client-ca={self.authority.own.cert}", *flags)
        self.assertEqual(self.ask(self.channel(server.address, client), GET_LEAD),
                         grpc.StatusCode.UNAUTHENTICATED)
        self.assertEqual(server.stop(), 0)
        (line,) = server.log.events("rpc.finished")
        return line

    def test_the_access_log_names_machines_and_only_when_told_to(self):
        spiffe = "spiffe://mesh.example/ns/sales/sa/web"
        rows = (("/CN=web", f"URI:{spiffe}", spiffe),
                ("/CN=web-1.mesh.example", "DNS:web-1", "web-1.mesh.example"),
                ("/CN=web", f"URI:{spiffe},URI:https://example.com/", "web"),
                ("/CN=web", "URI:https://example.com/", "web"),
                ("/CN=Ada Byron", "DNS:web-1", None),
                ("/CN=ada@example.com", "email:ada@example.com", None),
                ("/O=nobody", "DNS:web-1", None))
        for subject, names, want in rows:
            with self.subTest(subject=subject, names=names):
                client = self.authority.issue(subject, names)
                self.assertEqual(self.log_of(client, "--log-peer-identity").get("peer_id"), want)
        line = json.dumps(self.log_of(self.authority.issue("/CN=web", f"URI:{spiffe}")))
        self.assertNotIn("web", line, "nothing unless told")

    def probe(self, *args):
        pair = self.authority.issue()
        return Probe(PROBE, f"address={FREE}", f"cert={pair.cert}", f"key={pair.key}", *args)

    def peer_seen(self, server, client=None):
        with self.channel(server.address, client) as channel:
            _, call = channel.unary_unary("/probe.v1.Probe/Echo").with_call(b"", timeout=TIMEOUT_S)
        return [(k[7:], v) for k, v in call.initial_metadata() if k.startswith("x-peer-")]

    def test_interceptors_see_who_calls(self):
        spiffe = "spiffe://mesh.example/web"
        with self.probe(f"ca={self.authority.own.cert}") as server:
            client = self.authority.issue(
                "/O=Org/CN=web", f"DNS:a.example,DNS:b.example,URI:{spiffe},email:x@y.example,IP:10.0.0.1")
            self.assertEqual(self.peer_seen(server, client),
                             [("common-name", "web"), ("spiffe-id", spiffe), ("name", "a.example"),
                              ("name", "b.example"), ("name", spiffe), ("name", "x@y.example"),
                              ("name", "10.0.0.1")])
            plain = self.authority.issue("/O=Org", None)
            self.assertEqual(self.peer_seen(server, plain), [("common-name", ""), ("spiffe-id", "")])
        with self.probe() as server:
            self.assertEqual(self.peer_seen(server), [])
            self.assertEqual(self.peer_seen(server, client), [], "nobody asked, nobody verified")

    def test_the_watchdog_is_content_with_tls(self):
        for args in ((), (f"ca={self.authority.own.cert}",)):
            with self.probe("watchdog_ms=20", "watchdog_failures=1", *args) as server:
                time.sleep(1)
            self.assertEqual(server.text, "", "neither dead, nor a line per look")

    def test_a_dead_listener_is_noticed_behind_tls_too(self):
        dead = 9
        pair = self.authority.issue()
        with Probe(PROBE, f"address={FREE}", f"cert={pair.cert}", f"key={pair.key}", "nofile=40",
                   "watchdog_ms=100", "watchdog_failures=3", code=dead) as server:
            crowd = [socket.create_connection(("127.0.0.1", server.ports[0])) for _ in range(80)]
            self.assertEqual(server.finish(), dead)
            for s in crowd:
                s.close()

    def test_a_handshake_that_does_not_end_is_ended(self):
        with self.probe("handshake_ms=300") as server:
            for said in (b"", b"\x16\x03\x01"):
                with socket.create_connection(("127.0.0.1", server.ports[0]), TIMEOUT_S) as s:
                    s.sendall(said)
                    began = time.monotonic()
                    self.assertEqual(s.recv(1), b"")
                    self.assertLess(time.monotonic() - began, 5)

    # salesctl.

    def salesctl(self, server, *flags, **env):
        done = subprocess.run([SALESCTL, "health", "--address", server.address, "--timeout", "10s", *flags],
                              capture_output=True, text=True, timeout=TIMEOUT_S, env=environment(**env),
                              check=False)
        return done.returncode, done.stderr

    def test_salesctl_speaks_tls(self):
        ok, usage, unavailable = 0, 2, 7
        client = self.authority.issue("/CN=cli")
        pair = self.authority.issue(names="DNS:sales.example")
        server = self.start(f"--tls-client-ca={self.authority.own.cert}", pair=pair)
        named = ["--tls-name", "sales.example"]
        own = ["--tls-cert", client.cert, "--tls-key", client.key]
        ca = ["--tls-ca", self.authority.own.cert]
        rows = ((ok, [*ca, *own, *named]), (unavailable, [*ca, *own]), (unavailable, [*ca, *named]),
                (unavailable, [*own, *named]), (unavailable, ["--tls", *own, *named]), (unavailable, []),
                (usage, [*ca, *own[:2]]), (usage, [*ca, *own[2:]]), (usage, ["--tls-ca", "/nowhere"]),
                (usage, ["--tls-ca", self.scratch]))
        for want, flags in rows:
            with self.subTest(flags=flags):
                code, text = self.salesctl(server, *flags)
                self.assertEqual(code, want, text)
        code, text = self.salesctl(server, SALES_TLS_CA=self.authority.own.cert, SALES_TLS_CLIENT_CERT=client.cert,
                                   SALES_TLS_CLIENT_KEY=client.key, SALES_TLS_NAME="sales.example")
        self.assertEqual(code, ok, text)
        self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:], verbosity=2)
