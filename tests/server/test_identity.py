"""Tokens and certificates against the real salesd, by real gRPC clients, with a real issuer.

usage: test_identity.py SALESD   (ctest does it)
"""
import base64
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import grpc

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from authority import Authority  # noqa: E402
from issuer import Issuer  # noqa: E402
from server_log import ServerLog  # noqa: E402

SALESD = sys.argv[1]
FREE = "127.0.0.1:0"
LIST = "/sales.v1.SalesAgent/ListLeads"
ADMIN = "/sales.v1.Admin/ListApiKeys"
WATCH = "/sales.v1.SalesAgent/WatchLeads"
SPIFFE = "spiffe://mesh.example/ns/sales/sa/web"
TEXT = "the call carries no valid credential"
TIMEOUT_S = 30
OK, NOBODY = grpc.StatusCode.OK, grpc.StatusCode.UNAUTHENTICATED


def bearer(token):
    return ("authorization", f"Bearer {token}")


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def environment():
    return {k: v for k, v in os.environ.items() if not k.startswith(("SALES_", "GRPC_"))}


class Salesd:
    def __init__(self, scratch, *flags):
        self.log = ServerLog()
        self.process = subprocess.Popen(
            [SALESD, f"--listen={FREE}", f"--http-listen={FREE}", f"--store=sqlite:{scratch}/sales.db",
             "--bootstrap-tenant=demo", f"--bootstrap-env={scratch}/env", *flags],
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


class Identity(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.issuer = Issuer()
        cls.addClassCleanup(cls.issuer.stop)

    def setUp(self):
        self.scratch = tempfile.mkdtemp(prefix="test_identity.")
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
        self.trust = os.path.join(self.scratch, "trust.json")

    def write(self, trust):
        text = trust if isinstance(trust, str) else json.dumps(trust)
        with open(self.trust + ".new", "w", encoding="utf-8") as f:
            f.write(text)
        os.rename(self.trust + ".new", self.trust)

    def rules(self, issuer=None, **more):
        url = (issuer or self.issuer).url
        return {"issuers": [{"issuer": url, "jwks_uri": url + "/jwks", "audiences": ["sales"], **more}]}

    def start(self, trust, *flags):
        self.write(trust)
        server = Salesd(self.scratch, f"--trust-file={self.trust}", *flags)
        self.addCleanup(server.kill)
        return server

    def call(self, server, *metadata, method=LIST, channel=None, timeout=TIMEOUT_S):
        """Code and text of a call."""
        with channel or grpc.insecure_channel(server.address) as c:
            try:
                c.unary_unary(method)(b"", metadata=metadata, timeout=timeout)
                return OK, ""
            except grpc.RpcError as e:
                return e.code(), e.details()

    def refused(self, server, why, *metadata, **options):
        n = len(server.log.events("call.refused"))
        self.assertEqual(self.call(server, *metadata, **options), (NOBODY, TEXT))
        self.assertEqual(server.log.wait("call.refused", n)[0]["reason"], why)

    # What gets in.

    def test_every_algorithm(self):
        server = self.start(self.rules())
        for alg in ("RS256", "PS256", "ES256", "EdDSA"):
            for typ in ("JWT", "at+jwt", None):
                token = self.issuer.mint(alg=alg, header={"typ": typ})
                self.assertEqual(self.call(server, bearer(token)), (OK, ""), alg)
        self.assertEqual(self.call(server, bearer(self.issuer.mint(claims={"aud": ["x", "sales"]}))), (OK, ""))
        self.assertEqual(server.stop(), 0)

    def test_only_the_algorithms_of_the_issuer(self):
        server = self.start(self.rules(algorithms=["ES256"]))
        self.assertEqual(self.call(server, bearer(self.issuer.mint(alg="ES256"))), (OK, ""))
        self.refused(server, "algorithm", bearer(self.issuer.mint(alg="RS256")))

    def test_roles_are_those_of_the_token(self):
        server = self.start(self.rules())
        for roles, method, want in ((["admin"], ADMIN, OK), (["sales_rep"], ADMIN, grpc.StatusCode.PERMISSION_DENIED),
                                    ([], LIST, grpc.StatusCode.PERMISSION_DENIED),
                                    (["root", "x" * 200], LIST, grpc.StatusCode.PERMISSION_DENIED),
                                    (None, LIST, grpc.StatusCode.PERMISSION_DENIED)):
            token = self.issuer.mint(claims={"roles": roles})
            self.assertEqual(self.call(server, bearer(token), method=method)[0], want, roles)

    def test_names_of_claims_and_roles_can_be_configured(self):
        server = self.start(self.rules(tenant_claim="https://sales.example/org", roles_claim="/realm_access/roles",
                                       roles={"Vertrieb": "rep"}, subject_prefix="corp:"))
        claims = {"tenant_id": None, "roles": None, "https://sales.example/org": "demo"}
        good = self.issuer.mint(claims={**claims, "realm_access": {"roles": ["Vertrieb"]}})
        other = self.issuer.mint(claims={**claims, "realm_access": {"roles": ["sales_rep"]}})
        self.assertEqual(self.call(server, bearer(good)), (OK, ""))
        self.assertEqual(self.call(server, bearer(other))[0], grpc.StatusCode.PERMISSION_DENIED)

    def test_discovery_over_tls(self):
        authority = Authority(self.scratch)
        issuer = Issuer(authority.issue(), authority)
        self.addCleanup(issuer.stop)
        trust = {"issuers": [{"issuer": issuer.url, "audiences": ["sales"]}]}
        server = self.start(trust, f"--trust-ca={authority.own.cert}")
        self.assertEqual(self.call(server, bearer(issuer.mint())), (OK, ""))
        self.assertEqual(issuer.stats()["discovery"], 1)
        self.assertEqual(server.stop(), 0)
        stranger = self.start(trust)
        self.assertEqual(self.call(stranger, bearer(issuer.mint()))[0], grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(stranger.log.wait("issuer.failed", 0)[0]["reason"], "HTTP_TLS")

    def test_discovery_may_not_point_elsewhere(self):
        other = Issuer()
        self.addCleanup(other.stop)
        other.set(jwks_uri=self.issuer.url + "/jwks")
        server = self.start({"issuers": [{"issuer": other.url, "audiences": ["sales"]}]})
        self.assertEqual(server.log.wait("issuer.failed", 0)[0]["reason"], "DISCOVERY")

    # Attacks.

    def attacks(self):
        now = int(time.time())
        good = json.dumps({"iss": self.issuer.url, "aud": "sales", "sub": "u", "tenant_id": "demo", "roles": ["admin"],
                           "exp": now + 60, "iat": now})
        rsa = self.issuer.mint(alg="RS256")
        kid = json.loads(base64.urlsafe_b64decode(rsa.split(".")[0] + "=="))["kid"]
        claims = lambda **c: {"claims": c}  # noqa: E731
        return (
            ("algorithm", {"alg": "none"}), ("algorithm", {"alg": "None"}), ("algorithm", {"alg": "nOnE"}),
            ("algorithm", {"alg": "none", "tamper": "zero"}), ("algorithm", {"alg": "HS256"}),
            ("algorithm", {"header": {"alg": None}}), ("algorithm", {"header": {"alg": ["ES256"]}}),
            ("key", {"alg": "ES256", "kid": kid, "sign_with": "RS256"}),
            ("signature", {"tamper": "zero"}), ("signature", {"tamper": "flip"}), ("signature", {"tamper": "short"}),
            ("signature", {"alg": "RS256", "tamper": "short"}), ("signature", {"signature": ""}),
            ("signature", {"signature": "AA=="}), ("key", {"alg": "PS256", "sign_with": "RS256"}),
            ("signature", {"alg": "RS256", "sign_with": "outsider", "kid": kid, "header": {"jwk": "outsider"}}),
            ("signature", {"alg": "RS256", "sign_with": "outsider", "kid": kid,
                           "header": {"jku": self.issuer.url + "/evil", "x5u": self.issuer.url + "/evil"}}),
            ("header", {"kid": "../../etc/passwd"}), ("header", {"kid": "' OR 1=1"}), ("header", {"kid": ""}),
            ("header", {"kid": "k" * 129}), ("header", {"header": {"kid": 7}}), ("malformed", {"kid": "k" * 1500}),
            ("header", {"header": {"crit": ["exp"]}}), ("header", {"header": {"b64": False}}),
            ("header", {"header": {"typ": "JWE"}}), ("header", {"header": {"zip": "DEF"}}),
            ("expired", {"ttl": -31}), ("expired", claims(exp=1)), ("not_yet", claims(nbf=now + 60)),
            ("not_yet", claims(iat=now + 60)), ("lifetime", {"ttl": 3700}), ("claims", claims(exp=str(now + 60))),
            ("claims", claims(exp=now + 60.5)), ("claims", claims(exp=None)), ("claims", claims(exp=-1)),
            ("claims", claims(exp=True)), ("claims", claims(exp=300000000000)),
            ("malformed", {"payload": good.replace(str(now + 60), "1e400")}),
            ("malformed", {"payload": good.replace(str(now + 60), "9" * 30)}),
            ("audience", claims(aud="other")), ("audience", claims(aud=["a", "b"])), ("audience", claims(aud=None)),
            ("claims", claims(aud=["sales", 7])), ("audience", claims(aud=[])), ("claims", claims(aud={"sales": 1})),
            ("issuer", claims(iss=self.issuer.url + "/")), ("issuer", claims(iss=None)), ("issuer", claims(iss=7)),
            ("issuer", claims(iss=self.issuer.url.upper())), ("claims", claims(sub="")), ("claims", claims(sub=None)),
            ("claims", claims(sub="a\nb")), ("claims", claims(sub="s" * 129)), ("claims", claims(tenant_id=None)),
            ("claims", claims(tenant_id=["demo"])), ("tenant", claims(tenant_id="nobody")),
            ("tenant", claims(tenant_id="00000000-0000-7000-8000-000000000000")), ("claims", claims(roles=["x"] * 33)),
            ("claims", claims(roles={"admin": True})), ("claims", claims(roles=["admin", 1])),
            ("claims", claims(teams=["t"] * 51)), ("claims", claims(kind="system")),
            ("malformed", {"payload": good[:-1] + ', "sub": "v"}'}),
            ("malformed", {"payload": '{"a":' * 500 + "1" + "}" * 500}),
            ("malformed", {"payload": "[]"}), ("malformed", {"payload": ""}), ("malformed", {"payload": good + "x"}),
            ("malformed", {"payload": "base64:" + b64(good.replace('"u"', '"\xff"').encode("latin-1"))}),
            ("malformed", {"payload": good.replace('"u"', '"a\\u0000b"')}),
            ("malformed", {"payload": "base64:a+/="}),
        )

    def test_attacks(self):
        server = self.start(self.rules())
        self.assertEqual(self.call(server, bearer(self.issuer.mint())), (OK, ""))
        for why, wish in self.attacks():
            with self.subTest(wish=str(wish)[:200]):
                self.refused(server, why, bearer(self.issuer.mint(**wish)))
        self.assertEqual(self.issuer.stats()["evil"], 0, "no key is fetched from where a token says")

    def test_attacks_on_the_header(self):
        server = self.start(self.rules())
        good = self.issuer.mint()
        head, payload, signature = good.split(".")
        raw = (("encrypted", f"{head}.{payload}.{signature}.{payload}.{signature}"),
               ("encrypted", b64(b'{"alg":"dir","enc":"A256GCM","zip":"DEF"}') + "..AAAA.AAAA.AAAA"),
               ("malformed", f"{head}.{payload}"), ("malformed", f"{good}.{signature}"), ("malformed", "a.b.c"),
               ("malformed", f"{head}=.{payload}.{signature}"), ("signature", f"{head}.{payload}.{signature}="),
               ("malformed", f"{b64(b'[]')}.{payload}.{signature}"), ("malformed", f".{payload}.{signature}"),
               ("malformed", f"{b64(b'{' * 500)}.{payload}.{signature}"),
               ("malformed", b64(b'{"alg":"ES256","alg":"none"}') + f".{payload}.{signature}"),
               ("malformed", "x" * 7000 + "." * 2))
        for why, token in raw:
            with self.subTest(token=token[:80]):
                self.refused(server, why, bearer(token))
        self.refused(server, "doubled", bearer(good), bearer(good))
        self.refused(server, "doubled", bearer(good), ("authorization", "Basic eDp5"))
        self.refused(server, "scheme", ("authorization", good))
        self.refused(server, "missing", ("x-access-token", good))
        code, _ = self.call(server, bearer("x" * (1 << 20)))
        self.assertIn(code, (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE, NOBODY))
        self.assertEqual(self.call(server, bearer(good), method=LIST), (OK, ""), "it still serves")
        with grpc.insecure_channel(server.address) as c, self.assertRaises(grpc.RpcError) as e:
            c.unary_unary(f"{LIST}?access_token={good}")(b"", timeout=TIMEOUT_S)
        self.assertNotEqual(e.exception.code(), OK, "a token in the path is nothing")
        log = server.log.text()
        for secret in (signature, payload):
            self.assertNotIn(secret, log)

    def test_an_issuer_speaks_for_its_tenants_only(self):
        server = self.start(self.rules(tenants=["acme"]))
        self.refused(server, "tenant", bearer(self.issuer.mint()))

    # Keys.

    def test_rotation(self):
        issuer = Issuer()
        self.addCleanup(issuer.stop)
        server = self.start(self.rules(issuer))
        old = issuer.mint()
        self.assertEqual(self.call(server, bearer(old)), (OK, ""))
        fetched = issuer.stats()["jwks"]
        issuer.rotate(alg="ES256", drop_old=True)
        new = issuer.mint()
        self.assertEqual(self.call(server, bearer(old)), (OK, ""), "nobody told the server yet")
        self.refused(server, "key", bearer(new))  # within 30 s of the last fetch nobody is asked
        self.assertEqual(issuer.stats()["jwks"], fetched)

    def test_a_file_of_keys(self):
        import urllib.request
        path = os.path.join(self.scratch, "jwks.json")

        def publish():
            with urllib.request.urlopen(self.issuer.url + "/jwks") as r:
                text = r.read()
            with open(path + ".new", "wb") as f:
                f.write(text)
            os.rename(path + ".new", path)

        publish()
        rules = self.rules()
        del rules["issuers"][0]["jwks_uri"]
        rules["issuers"][0]["jwks_file"] = path
        server = self.start(rules)
        old = self.issuer.mint(alg="EdDSA")
        self.assertEqual(self.call(server, bearer(old)), (OK, ""))
        n = len(server.log.events("issuer.loaded"))
        self.issuer.rotate(alg="EdDSA", drop_old=True)
        publish()
        server.log.wait("issuer.loaded", n)
        self.refused(server, "key", bearer(old))
        self.assertEqual(self.call(server, bearer(self.issuer.mint(alg="EdDSA"))), (OK, ""))

    def test_an_issuer_that_is_down_blocks_nobody_else(self):
        issuer = Issuer()
        self.addCleanup(issuer.stop)
        issuer.set(mode="hang")
        both = {"issuers": self.rules()["issuers"] + self.rules(issuer)["issuers"]}
        server = self.start(both, "--workers=2")
        slow, good = issuer.mint(), self.issuer.mint()
        self.assertEqual(self.call(server, bearer(good)), (OK, ""))
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            waiting = [pool.submit(self.call, server, bearer(slow)) for _ in range(24)]
            for _ in range(20):
                began = time.monotonic()
                self.assertEqual(self.call(server, bearer(good), timeout=10), (OK, ""))
                self.assertLess(time.monotonic() - began, 3)
            self.assertEqual({w.result()[0] for w in waiting}, {grpc.StatusCode.UNAVAILABLE})
        self.assertLessEqual(issuer.stats()["jwks"], 2)
        began = time.monotonic()
        self.assertEqual(self.call(server, bearer(slow))[0], grpc.StatusCode.UNAVAILABLE)
        self.assertLess(time.monotonic() - began, 8)
        self.assertEqual(server.stop(), 0)

    # Streams.

    def test_a_stream_ends_with_its_token(self):
        server = self.start(self.rules(leeway_s=0))
        token = self.issuer.mint(ttl=3)
        began = time.monotonic()
        with grpc.insecure_channel(server.address) as c, self.assertRaises(grpc.RpcError) as e:
            for _ in c.unary_stream(WATCH)(b"", metadata=[bearer(token)], timeout=TIMEOUT_S):
                pass
        self.assertEqual((e.exception.code(), e.exception.details()), (NOBODY, TEXT))
        self.assertLess(time.monotonic() - began, 20)
        self.assertGreater(time.monotonic() - began, 1)
        self.assertEqual(server.log.wait("call.refused", 0)[0]["reason"], "expired")

    # API keys.

    def test_the_last_use_of_a_key_is_written_once_an_hour(self):
        server = self.start({})
        with open(f"{self.scratch}/env", encoding="utf-8") as f:
            key = re.search(r"SALES_API_KEY=['\"]?([^'\"\n]+)", f.read())[1]
        last_use = re.compile(rb"\x52\x06\x08([\x80-\xff]{4}[\x00-\x7f])")  # ApiKey.last_use_time, to the second
        end = time.monotonic() + TIMEOUT_S
        found = None
        with grpc.insecure_channel(server.address) as c:
            while not found and time.monotonic() < end:
                answer = c.unary_unary(ADMIN)(b"", metadata=[bearer(key)], timeout=TIMEOUT_S)
                found = last_use.search(answer)
                time.sleep(0.05)
        self.assertTrue(found, "it is written behind the back of the call")
        seconds = sum((byte & 127) << 7 * i for i, byte in enumerate(found[1]))
        self.assertEqual(seconds % 3600, 0)
        self.assertLess(abs(time.time() - seconds), 3700)
        self.assertEqual(server.stop(), 0)

    # The file.

    def test_the_file_is_read_again_when_it_changes(self):
        server = self.start(self.rules())
        token = self.issuer.mint()
        self.assertEqual(self.call(server, bearer(token)), (OK, ""))
        self.write("{")
        server.log.wait("trust.refused", 0)
        self.assertEqual(self.call(server, bearer(token)), (OK, ""), "what cannot be read changes nothing")
        os.remove(self.trust)
        server.log.wait("trust.refused", 1)
        self.assertEqual(self.call(server, bearer(token)), (OK, ""))
        self.write({"issuers": []})
        server.log.wait("trust.loaded", 1)
        self.refused(server, "issuer", bearer(token))
        self.write(self.rules())
        server.log.wait("trust.loaded", 2)
        self.assertEqual(self.call(server, bearer(token)), (OK, ""))
        self.assertEqual(server.stop(), 0)

    def test_a_wrong_file_is_no_start(self):
        rules = self.rules()
        one = {**rules["issuers"][0]}
        rows = (("{", "JSON"), ({"isuers": []}, "not known"), ({"issuers": [{}]}, "issuer is missing"),
                ({"issuers": [{**one, "audiences": []}]}, "audiences"), ({"issuers": [one, one]}, "twice"),
                ({"issuers": [{**one, "algorithms": ["HS256"]}]}, "algorithms"),
                ({"issuers": [{**one, "max_lifetime_s": 0}]}, "max_lifetime_s"),
                ({"issuers": [{**one, "leeway_s": 3600}]}, "leeway_s"),
                ({"issuers": [{**one, "roles": {"x": "root"}}]}, "roles"),
                ({"issuers": [{**one, "jwks_file": "x"}]}, "exclude"),
                ({"certificates": [{"spiffe_id": "spiffe://*", "tenant": "demo", "roles": ["agent"]}]}, "trust domain"),
                ({"certificates": [{"spiffe_id": "spiffe://m/x*", "tenant": "demo", "roles": ["agent"]}]}, "star"),
                ({"certificates": [{"tenant": "demo", "roles": ["agent"]}]}, "one of"),
                ({"certificates": [{"common_name": "*", "tenant": "demo", "roles": ["agent"]}]}, "star"),
                ('{"issuers": [], "issuers": []}', "twice"))
        for trust, said in rows:
            with self.subTest(said=said):
                self.write(trust)
                done = subprocess.run([SALESD, f"--listen={FREE}", f"--http-listen={FREE}", f"--trust-file={self.trust}",
                                       f"--store=sqlite:{self.scratch}/sales.db"], capture_output=True, text=True,
                                      timeout=TIMEOUT_S, env=environment(), check=False)
                self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
                self.assertIn(said, done.stderr)

    # Certificates.

    def machine(self, *flags, **more):
        self.authority = Authority(self.scratch)
        pair = self.authority.issue()
        trust = {**self.rules(), "certificates": [
            {"spiffe_id": SPIFFE, "tenant": "demo", "subject": "svc:web", "roles": ["agent", "admin"], **more},
            {"common_name": "batch-*", "tenant": "demo", "roles": ["rep"]},
            {"common_name": "lost", "tenant": "nobody", "roles": ["rep"]}]}
        return self.start(trust, f"--tls-cert={pair.cert}", f"--tls-key={pair.key}",
                          f"--tls-client-ca={self.authority.own.cert}", *flags)

    def channel(self, server, subject, names):
        cert, key = self.authority.issue(subject, names).read()
        with open(self.authority.own.cert, "rb") as f:
            credentials = grpc.ssl_channel_credentials(f.read(), key, cert)
        return grpc.secure_channel(server.address, credentials, [("grpc.use_local_subchannel_pool", 1)])

    def test_a_certificate_is_a_service(self):
        server = self.machine()
        rows = (("/CN=x", f"URI:{SPIFFE}", LIST, OK, None), ("/CN=x", f"URI:{SPIFFE}", ADMIN, OK, None),
                ("/CN=batch-7", "DNS:x", LIST, OK, None),
                ("/CN=batch-7", "DNS:x", ADMIN, grpc.StatusCode.PERMISSION_DENIED, "role"),
                ("/CN=batch-", "DNS:x", LIST, NOBODY, "certificate"), ("/CN=lost", "DNS:x", LIST, NOBODY, "tenant"),
                ("/CN=x", f"URI:{SPIFFE}2", LIST, NOBODY, "certificate"), ("/O=x", "DNS:x", LIST, NOBODY, "missing"),
                ("/CN=x", f"URI:{SPIFFE},URI:spiffe://mesh.example/b", LIST, NOBODY, "certificate"))
        for subject, names, method, want, why in rows:
            with self.subTest(subject=subject, names=names, method=method):
                n = len(server.log.events("call.refused"))
                code, _ = self.call(server, method=method, channel=self.channel(server, subject, names))
                self.assertEqual(code, want)
                if want == NOBODY:
                    self.assertEqual(server.log.wait("call.refused", n)[0]["reason"], why)
        self.assertEqual(server.stop(), 0)

    def test_a_token_goes_before_a_certificate(self):
        server = self.machine()
        token = self.issuer.mint()
        web, lost = ("/CN=x", f"URI:{SPIFFE}"), ("/CN=lost", "DNS:x")
        self.assertEqual(self.call(server, bearer(token), channel=self.channel(server, *web)), (OK, ""))
        code, _ = self.call(server, bearer(token), method=ADMIN, channel=self.channel(server, *web))
        self.assertEqual(code, grpc.StatusCode.PERMISSION_DENIED, "the roles of the token, not of the machine")
        self.refused(server, "conflict", bearer(token), channel=self.channel(server, *lost))
        self.refused(server, "expired", bearer(self.issuer.mint(ttl=-60)), channel=self.channel(server, *web))

    def node(self, *args):
        """The code that grpc-js gets."""
        here = os.path.dirname(os.path.abspath(__file__))
        env = {**environment(), "NODE_PATH": os.path.join(here, "../node_modules")}
        done = subprocess.run(["node", os.path.join(here, "identity_client.js"), *args], capture_output=True,
                              text=True, timeout=TIMEOUT_S, env=env, check=False)
        return done.stdout.strip() or done.stderr

    def test_node_clients_too(self):
        server = self.machine()
        token = self.issuer.mint()
        web = self.authority.issue("/CN=x", f"URI:{SPIFFE}")
        lost = self.authority.issue("/CN=lost", "DNS:x")
        rows = ((web, LIST, "", "OK"), (web, ADMIN, "", "OK"), (web, LIST, token, "OK"),
                (web, ADMIN, token, "PERMISSION_DENIED"), (lost, LIST, "", "UNAUTHENTICATED"),
                (lost, LIST, token, "UNAUTHENTICATED"), (web, LIST, token[:-8], "UNAUTHENTICATED"))
        for pair, method, shown, want in rows:
            with self.subTest(method=method, want=want):
                self.assertEqual(self.node(server.address, method, shown, self.authority.own.cert, pair.cert, pair.key),
                                 want)
        plain = self.start(self.rules())
        self.assertEqual(self.node(plain.address, LIST, token), "OK")
        self.assertEqual(self.node(plain.address, LIST, self.issuer.mint(alg="none")), "UNAUTHENTICATED")

    def test_services_by_allow_list(self):
        server = self.machine(services=["sales.v1.SalesAgent"])
        web = ("/CN=x", f"URI:{SPIFFE}")
        self.assertEqual(self.call(server, channel=self.channel(server, *web)), (OK, ""))
        self.refused(server, "certificate", method=ADMIN, channel=self.channel(server, *web))

    def test_services_that_need_a_certificate(self):
        rules = {**self.rules(), "certificate_services": ["sales.v1.Admin"]}
        server = self.start(rules)
        token = self.issuer.mint(claims={"roles": ["admin"]})
        self.assertEqual(self.call(server, bearer(token)), (OK, ""))
        self.refused(server, "certificate", bearer(token), method=ADMIN)

    def test_forwarded_certificates(self):
        rules = {"certificates": [{"spiffe_id": "spiffe://mesh.example/ns/sales/*", "tenant": "demo", "roles": ["rep"]}]}
        header = lambda v: ("x-forwarded-client-cert", v)  # noqa: E731
        good = f'By=spiffe://mesh.example/ns/sales/sa/api;Hash=0a;Subject="CN=a,O=\\"b;c";URI={SPIFFE}'
        off = self.start(rules)
        self.refused(off, "missing", header(good))
        self.assertEqual(off.stop(), 0)
        server = self.start({**rules, "forwarded_certificates": True})
        self.assertEqual(self.call(server, header(good)), (OK, ""))
        self.assertEqual(self.call(server, header(f"URI=spiffe://evil/x,{good}")), (OK, ""), "the last is the next")
        for why, values in (("certificate", [f"{good},URI=spiffe://evil/x"]), ("missing", [f"{good};URI={SPIFFE}"]),
                            ("missing", [good, good]), ("missing", [f'{good};Cert="open']), ("missing", ["By=x"])):
            with self.subTest(values=values):
                self.refused(server, why, *map(header, values))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
