#!/usr/bin/python3
"""usage: two.py SALESCTL SALESD

Two servers on one PostgreSQL, requests to both, a slow webhook and two quick ones: under normal
running each event comes to each webhook exactly once, counted at the receiver by event id."""
import collections
import json
import os
import shutil
import sys
import tempfile
import threading

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
sys.path.insert(0, os.path.join(ROOT, "tests/support"))
import authority  # noqa: E402
import servers  # noqa: E402
from hooks import Receiver, ctl, wait_until  # noqa: E402

SALESCTL, SALESD = sys.argv[1:3]
LEADS, HOOKS = 60, {"quick0": 0, "quick1": 0, "slower": 150}  # answers after so many milliseconds


def make_leads(server, who, n):
    for i in range(n):
        ctl(SALESCTL, server, "lead", "create", "--name", "Grace", "--email", f"{who}.{i}@navy.example.com")


def by_event(got):
    return collections.Counter(g["headers"]["webhook-id"] for g in got)


def check(pair, receiver):
    hooks = {}
    for name, after_ms in HOOKS.items():
        made = ctl(SALESCTL, pair[0], "webhook", "create", receiver.url(name), "--event", "sales.lead.created")
        receiver.plan(name, secrets=[made["secret"]], steps=[{"after_ms": after_ms}])
        hooks[name] = made["webhook"]["id"]
    threads = [threading.Thread(target=make_leads, args=(server, who, LEADS // 2))
               for who, server in zip(("ada", "ben"), pair)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for name, webhook in hooks.items():
        wait_until(f"{LEADS} events at {name}", lambda n=name: len(by_event(receiver.got(n))) == LEADS, 120)
        wait_until(f"the log of {name}", lambda w=webhook: all(
            d["state"] == "DELIVERY_STATE_DELIVERED" for d in log(pair[1], w)))
    for name, webhook in hooks.items():
        counts = by_event(receiver.got(name))
        assert set(counts.values()) == {1}, f"{name}: {[k for k, n in counts.items() if n != 1]} came more than once"
        assert len({json.loads(g["body"])["data"]["lead_id"] for g in receiver.got(name)}) == LEADS
        assert {d["event_id"] for d in log(pair[0], webhook)} == set(counts), "the log says other events"
        assert all(g["verified"] == [True] for g in receiver.got(name))


def log(server, webhook):
    return ctl(SALESCTL, server, "webhook", "deliveries", webhook, "--limit", "500")["deliveries"]


def both_sent(pair):
    """Neither server did all of it, or the test shows nothing."""
    return [server.metric("sales_webhook_attempts_total", 'result="delivered"') for server in pair]


def main():
    folder = tempfile.mkdtemp(prefix="two.")
    ca = authority.Authority(folder)
    receiver = Receiver(ca.issue())
    postgres, name, pair = servers.Postgres(), f"two_{os.getpid()}", []
    _, owner, store = postgres.create(name)
    servers.migrate(SALESD, owner, postgres.app["user"])
    flags = ["--webhook-ca", ca.own.cert, "--webhook-allow", "127.0.0.1", "--job-poll", "100ms", "--job-tenant", "64"]
    try:
        # The first reads the outbox, so it is the first to know: with few workers it leaves some to the second.
        pair.append(servers.start_salesd(SALESD, store, folder, "first", [*flags, "--job-workers", "2"]))
        shutil.copy(os.path.join(folder, "first.key"), os.path.join(folder, "second.key"))
        shutil.copy(os.path.join(folder, "first.env"), os.path.join(folder, "second.env"))
        pair.append(servers.start_salesd(SALESD, store, folder, "second", flags))
        pair[1].key = pair[0].key
        check(pair, receiver)
        sent = both_sent(pair)
        assert min(sent) > 0 and sum(sent) == LEADS * len(HOOKS), sent
        for server in pair:
            server.stop()
    finally:
        for server in pair:
            if server.process.poll() is None:
                server.process.kill()
        receiver.process.kill()
        postgres.drop(name)
    shutil.rmtree(folder)
    print(f"ok   {LEADS} events to {len(HOOKS)} webhooks exactly once; sent by the servers: {sent}")


main()
