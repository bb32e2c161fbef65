"""The event relay over rediss://, at a Redis with TLS, a password and several databases: what it is
told reaches the database of the URL; a certificate that nobody vouches for, one of another name and a
wrong password do not get an event, nor does a request wait for them.

usage: test_redis_tls.py SALESD   (ctest does it)
"""
import os
import random
import subprocess
import sys
import tempfile
import time
import unittest

import grpc

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../support"))
from authority import Authority  # noqa: E402
from servers import start_salesd  # noqa: E402
from stub import Schema, Stub  # noqa: E402

SALESD = os.path.abspath(sys.argv.pop(1))
PASSWORD, DATABASE, WAIT_S, QUIET_S = "s3cr@t:/", "3", 20, 2
URL_PASSWORD = "s3cr%40t%3a%2f"


class Redis:
    """TLS only, with a certificate for the name localhost."""

    def __init__(self, folder, ca, pair):
        self.ca = ca
        for _ in range(5):
            self.port = random.randrange(20000, 40000)
            self.process = subprocess.Popen(
                ["redis-server", "--port", "0", "--tls-port", str(self.port), "--bind", "127.0.0.1", "::1", "--tls-cert-file", pair.cert,
                 "--tls-key-file", pair.key, "--tls-ca-cert-file", ca, "--tls-auth-clients", "no", "--requirepass",
                 PASSWORD, "--save", "", "--dir", folder], stdout=subprocess.DEVNULL)
            for _ in range(100):
                if self.process.poll() is not None:
                    break  # the port is taken
                if self.ask("PING") == "PONG":
                    return
                time.sleep(0.05)
            self.stop()
        raise AssertionError("no Redis")

    def ask(self, *words, database="0"):
        done = subprocess.run(
            ["redis-cli", "--tls", "--cacert", self.ca, "-h", "localhost", "-p", str(self.port), "-n", database, *words],
            env={**os.environ, "REDISCLI_AUTH": PASSWORD}, capture_output=True, text=True, timeout=10)
        return done.stdout.strip()

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)


class RedisTls(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="salesd-redis-tls.")
        self.addCleanup(self.folder.cleanup)
        self.authority = Authority(self.folder.name)
        self.schema = Schema(os.path.join(os.path.dirname(SALESD), "../gen/sales_descriptor_set.pb"))

    def redis(self, names="DNS:localhost"):
        r = Redis(self.folder.name, self.authority.own.cert, self.authority.issue(names=names))
        self.addCleanup(r.stop)
        return r

    def create_lead(self, url, trusted=True):
        """By a server that relays to url."""
        if trusted:
            os.environ["SSL_CERT_FILE"] = self.authority.own.cert
        else:
            os.environ.pop("SSL_CERT_FILE", None)
        server = start_salesd(SALESD, f"sqlite:{self.folder.name}/sales.db", self.folder.name, "salesd", ["--redis", url])
        self.addCleanup(server.stop)
        channel = grpc.insecure_channel(server.address)
        self.addCleanup(channel.close)
        m = self.schema.message
        began = time.monotonic()
        Stub(self.schema, channel, "sales.v1.SalesAgent").CreateLead(
            m("sales.v1.CreateLeadRequest")(lead=m("sales.v1.Lead")(full_name="Ada Lovelace")),
            metadata=(("authorization", f"Bearer {server.key}"),), timeout=10)
        self.assertLess(time.monotonic() - began, 5, "the request waited for Redis")
        return server

    def refuses(self, redis, url, trusted=True):
        server = self.create_lead(url, trusted)
        time.sleep(QUIET_S)
        self.assertEqual([redis.ask("DBSIZE", database=d) for d in ("0", DATABASE)], ["0", "0"])
        with open(server.data + ".err", encoding="utf-8") as log:
            text = log.read()
        self.assertNotIn(PASSWORD, text)
        self.assertNotIn(URL_PASSWORD, text)

    def test_events_reach_the_database_of_the_url(self):
        redis = self.redis()
        self.create_lead(f"rediss://:{URL_PASSWORD}@localhost:{redis.port}/{DATABASE}")
        end, entries = time.monotonic() + WAIT_S, ""
        while "sales.lead.created" not in entries:  # the rate limiter's keys come first
            self.assertLess(time.monotonic(), end, "no event arrived")
            time.sleep(0.1)
            streams = redis.ask("KEYS", "sales:events:*", database=DATABASE).split()
            entries = "".join(redis.ask("XRANGE", s, "-", "+", database=DATABASE) for s in streams)
        self.assertEqual(redis.ask("DBSIZE"), "0", "in another database")

    def test_an_authority_that_is_not_trusted_gets_nothing(self):
        redis = self.redis()
        self.refuses(redis, f"rediss://:{URL_PASSWORD}@localhost:{redis.port}/{DATABASE}", trusted=False)

    def test_a_certificate_of_another_name_gets_nothing(self):
        redis = self.redis(names="DNS:elsewhere.example")
        redis_url = f"rediss://:{URL_PASSWORD}@localhost:{redis.port}/{DATABASE}"
        self.refuses(redis, redis_url)

    def test_a_wrong_password_stores_nothing(self):
        redis = self.redis()
        self.refuses(redis, f"rediss://:wrong@localhost:{redis.port}/{DATABASE}")

    def test_plain_text_is_not_spoken_to_a_port_with_tls(self):
        redis = self.redis()
        self.refuses(redis, f"redis://:{URL_PASSWORD}@localhost:{redis.port}/{DATABASE}")


unittest.main()
