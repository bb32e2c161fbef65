#!/usr/bin/python3
"""usage: run.py SALESCTL SALESD ENGINE [PATTERN]

Webhooks through the real server and command line to a receiver that the reference library judges.
A case is a function called case_*; each has a webhook of its own and may run alone."""
import json
import os
import re
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
sys.path.insert(0, os.path.join(ROOT, "tests/support"))
import authority  # noqa: E402
import hooks  # noqa: E402
import servers  # noqa: E402
from hooks import PATIENCE_S, Receiver, wait_until  # noqa: E402

SALESCTL, SALESD, ENGINE = sys.argv[1:4]
OK, INVALID, NOT_FOUND, REFUSED = 0, 3, 4, 5
FIRST_WAIT_S = 5  # between the first and the second attempt, 20 % less or more
LEASE_S = 30
PEER_TIMEOUT_S = 15
server = receiver = ca = store = folder = None


def start():
    global server  # pylint: disable=global-statement
    flags = ["--webhook-ca", ca.own.cert, "--webhook-allow", "127.0.0.1", "--job-poll", "100ms"]
    server = servers.start_salesd(SALESD, store, folder, "salesd", flags)


def ctl(*words, **more):
    return hooks.ctl(SALESCTL, server, *words, **more)


n_leads = 0


def lead(**more):
    """One event sales.lead.created; its lead's id."""
    global n_leads  # pylint: disable=global-statement
    n_leads += 1
    words = [w for k, v in more.items() for w in (f"--{k}", v)]
    return ctl("lead", "create", "--name", "Grace Hopper", "--email", f"grace{n_leads}@navy.example.com",
               "--duplicates", "keep_both", *words)["lead"]["id"]


def hook(name, steps=(), event="sales.lead.created"):
    """A webhook of its own for this case: (id, secret)."""
    made = ctl("webhook", "create", receiver.url(name), "--event", event)
    receiver.plan(name, secrets=[made["secret"]], steps=list(steps))
    return made["webhook"]["id"], made["secret"]


def deliveries(webhook_id):
    return ctl("webhook", "deliveries", webhook_id).get("deliveries", [])


def arrived(name, n=1, seconds=PATIENCE_S):
    wait_until(f"{n} deliveries to {name}", lambda: len(receiver.got(name)) >= n, seconds)
    return receiver.got(name)


def settled(webhook_id, state, seconds=PATIENCE_S):
    return wait_until(f"state {state}", lambda: [d for d in deliveries(webhook_id) if d["state"] == state], seconds)


def done_with(webhook_id):
    ctl("webhook", "delete", webhook_id, "--yes")


def case_the_reference_library_accepts_what_we_send():
    webhook, secret = hook("plain")
    lead_id = lead()
    (got,) = arrived("plain")
    assert got["verified"] == [True], got
    body, headers = json.loads(got["body"]), got["headers"]
    assert body["type"] == "sales.lead.created" and body["data"]["lead_id"] == lead_id, body
    assert headers["content-type"] == "application/json" and headers["user-agent"].startswith("salesd/")
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 10
    for private in ("Grace", "navy"):
        assert private not in got["body"], "personal data was sent"
    (d,) = settled(webhook, "DELIVERY_STATE_DELIVERED")
    assert d["event_id"] == headers["webhook-id"] and d["http_status"] == 200 and d["attempts"] == 1, d
    check_offline(got, secret)
    done_with(webhook)
    assert ctl("webhook", "deliveries", webhook, expect=NOT_FOUND) is not None


def check_offline(got, secret):
    """salesctl says the same as the library, with the same bytes."""
    path = os.path.join(folder, "secret")
    with open(path, "w", encoding="ascii") as f:
        f.write(secret + "\n")
    headers = got["headers"]
    words = ["webhook", "verify", "-", "--secret-file", path, "--id", headers["webhook-id"], "--timestamp",
             headers["webhook-timestamp"], "--signature", headers["webhook-signature"]]
    assert ctl(*words, feed=got["body"].encode())["valid"] is True
    assert ctl(*words, feed=got["body"].encode() + b" ", expect=INVALID)["valid"] is False


def case_only_events_asked_for():
    webhook, _ = hook("deals", event="sales.deal.*")
    other, _ = hook("all", event="*")
    lead()
    arrived("all")
    assert receiver.got("deals") == []
    done_with(webhook)
    done_with(other)


def case_a_failure_is_tried_again_with_the_same_id():
    webhook, _ = hook("flaky", [{"status": 500}, {"status": 200}])
    lead()
    first, second = arrived("flaky", 2)
    assert first["headers"]["webhook-id"] == second["headers"]["webhook-id"]
    assert first["headers"]["webhook-timestamp"] != second["headers"]["webhook-timestamp"]
    assert second["verified"] == [True] and first["body"] == second["body"]
    assert FIRST_WAIT_S * 0.8 <= second["at"] - first["at"], second["at"] - first["at"]
    (d,) = settled(webhook, "DELIVERY_STATE_DELIVERED")
    assert d["attempts"] == 2
    done_with(webhook)


def case_gone_is_disabled():
    webhook, _ = hook("gone", [{"status": 410}])
    lead()
    settled(webhook, "DELIVERY_STATE_FAILED")
    (w,) = [w for w in ctl("webhook", "list")["webhooks"] if w["id"] == webhook]
    assert w["state"] == "WEBHOOK_STATE_FAILED" and "410" in w["state_reason"], w
    lead()
    time.sleep(1)
    assert len(receiver.got("gone")) == 1
    delivery = deliveries(webhook)[0]["id"]
    ctl("webhook", "redeliver", delivery, expect=REFUSED)
    receiver.plan("gone", steps=[])
    ctl("webhook", "update", webhook, "--state", "enabled")
    ctl("webhook", "redeliver", delivery)
    first, second = arrived("gone", 2)
    assert first["headers"]["webhook-id"] == second["headers"]["webhook-id"]
    done_with(webhook)


def case_a_busy_address_is_left_alone_and_others_are_not():
    webhook, _ = hook("busy", [{"status": 429, "headers": {"retry-after": "10"}}, {"status": 200}])
    other, _ = hook("idle")
    lead()
    (first,) = arrived("busy")
    settled(webhook, "DELIVERY_STATE_PENDING")
    for _ in range(4):
        lead()
    idle = arrived("idle", 5)
    got = arrived("busy", 6)
    assert max(g["at"] for g in idle) < got[1]["at"], "another address waited too"
    assert got[1]["at"] - first["at"] >= 9.9, "Retry-After counts for all of the address's deliveries"
    done_with(webhook)
    done_with(other)


def case_a_slow_address_holds_up_nobody():
    slow = [hook(f"slow{i}", [{"after_ms": 60000}])[0] for i in range(2)] + [hook("drip", [{"drip": True}])[0]]
    other, _ = hook("quick")
    lead()
    arrived("quick", 1, PEER_TIMEOUT_S - 3)  # none of the slow ones has ended by then
    for webhook in slow:
        d = wait_until("the timeout", lambda w=webhook: [d for d in deliveries(w) if d.get("attempts")], 40)[0]
        assert d["error"] == "the peer did not answer in time" and float(d["latency"].rstrip("s")) > PEER_TIMEOUT_S - 1, d
    for _ in range(6):
        lead()
    arrived("quick", 7, PEER_TIMEOUT_S - 3)
    for webhook in (*slow, other):
        done_with(webhook)


def case_addresses_that_answer_late_do_not_delay_others():
    """Each of them could hold both of its lanes for 12 s per delivery, and they could hold all places."""
    quick, _ = hook("brisk")
    lead()
    arrived("brisk")
    late = [hook(f"late{i}", [{"after_ms": 12000}])[0] for i in range(4)]
    for n in range(12):
        began = time.time()
        lead()
        got = arrived("brisk", n + 2)
        assert got[n + 1]["at"] - began < 5, f"delivery {n + 2} came {got[n + 1]['at'] - began:.1f} s late"
        time.sleep(1)
    assert server.metric("sales_webhook_attempts_total", 'result="shed"') > 0, "nobody had to wait for a place"
    for webhook in (*late, quick):
        done_with(webhook)


def case_metrics_say_what_became_of_deliveries():
    counted = {"delivered": [{}], "rejected": [{"status": 500}, {}], "gone": [{"status": 410}]}
    for result, steps in counted.items():
        before = server.metric("sales_webhook_attempts_total", f'result="{result}"')
        aged = server.metric("sales_webhook_age_seconds_count")
        webhook, _ = hook("metric-" + result, steps)
        lead()
        wait_until(f"a count of {result}", lambda: server.metric("sales_webhook_attempts_total", f'result="{result}"') > before)
        wait_until("the end", lambda: server.metric("sales_webhook_age_seconds_count") > aged)
        done_with(webhook)
    assert server.metric("sales_webhook_attempt_seconds_count") == server.metric("sales_webhook_wait_seconds_count") >= 4
    assert server.metric("sales_webhook_given_up_total") >= 1


def case_a_redirect_is_a_failure():
    target = f"http://127.0.0.1:{receiver.admin}/plan/redirected"
    webhook, _ = hook("moved", [{"status": 307, "headers": {"location": target}}])
    lead()
    d = wait_until("the attempt", lambda: [d for d in deliveries(webhook) if d.get("attempts")])[0]
    assert d["http_status"] == 307 and d["state"] == "DELIVERY_STATE_PENDING", d
    done_with(webhook)


def case_an_endless_answer_is_cut():
    webhook, _ = hook("huge", [{"huge": True}])
    lead()
    settled(webhook, "DELIVERY_STATE_DELIVERED")
    done_with(webhook)


def case_an_answer_that_breaks_is_tried_again():
    webhook, _ = hook("broken", [{"close": True}, {"status": 204}])
    lead()
    arrived("broken", 2)
    settled(webhook, "DELIVERY_STATE_DELIVERED")
    done_with(webhook)


def case_private_addresses_are_refused():
    for url in ("https://10.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest", "https://127.1.1.1/",
                "https://2130706434/", "http://127.0.0.1/", "https://user:pass@example.com/"):
        ctl("webhook", "create", url, expect=INVALID)
    address = socket.gethostbyname(socket.gethostname())
    names = ["ip6-localhost"] + ([socket.gethostname()] if address.startswith(("10.", "172.", "192.168.")) else [])
    for name in names:
        made = ctl("webhook", "create", f"https://{name}:8443/", "--event", "sales.lead.created")["webhook"]["id"]
        lead()
        d = wait_until("the attempt", lambda w=made: [d for d in deliveries(w) if d.get("attempts")])[0]
        assert d["error"].startswith("the address is refused: ") or "resolve" in d["error"], d
        assert "8443" not in d["error"] and name not in d["error"]
        done_with(made)


def case_a_certificate_of_somebody_else_is_refused():
    stranger = Receiver(authority.Authority(folder, "stranger").issue())
    try:
        made = ctl("webhook", "create", stranger.url("x"), "--event", "sales.lead.created")["webhook"]["id"]
        lead()
        d = wait_until("the attempt", lambda: [d for d in deliveries(made) if d.get("attempts")])[0]
        assert d["error"] == "the peer's certificate is not trusted" and stranger.got("x") == [], d
        done_with(made)
    finally:
        stranger.process.kill()


def case_a_secret_is_rotated_under_load():
    webhook, old = hook("rotated")
    stop = threading.Event()

    def load():
        while not stop.is_set():
            lead()

    worker = threading.Thread(target=load)
    worker.start()
    try:
        arrived("rotated", 3)
        new = ctl("webhook", "update", webhook, "--rotate-secret")["secret"]
        assert new != old
        n = len(receiver.got("rotated"))
        receiver.plan("rotated", secrets=[old, new])
        arrived("rotated", n + 10)
    finally:
        stop.set()
        worker.join()
    for got in receiver.got("rotated"):
        assert got["verified"][0], "somebody who has the old secret only must not notice"
    last = receiver.got("rotated")[-1]
    assert last["verified"] == [True, True] and last["headers"]["webhook-signature"].count("v1,") == 2, last
    done_with(webhook)


def case_a_webhook_chooses_the_asymmetric_signature():
    made = ctl("webhook", "create", receiver.url("public"), "--event", "sales.lead.created", "--signature", "ed25519")
    webhook, key = made["webhook"]["id"], made["public_key"]
    assert key.startswith("whpk_") and not made.get("secret"), made
    lead()
    (got,) = arrived("public")
    assert re.fullmatch("v1a,[A-Za-z0-9+/=]{88}", got["headers"]["webhook-signature"]), got
    check_offline(got, key)
    changed = ctl("webhook", "update", webhook, "--signature", "hmac_sha256")  # both sign for a day
    assert changed["secret"].startswith("whsec_") and not changed.get("public_key"), changed
    receiver.plan("public", secrets=[changed["secret"]])
    lead()
    got = arrived("public", 2)[1]
    assert got["verified"] == [True], got
    assert [s.split(",")[0] for s in got["headers"]["webhook-signature"].split(" ")] == ["v1", "v1a"]
    check_offline(got, key)
    done_with(webhook)


def case_a_crash_between_send_and_commit_sends_again():
    webhook, _ = hook("crash", [{"after_ms": 3000}, {"status": 200}])
    lead()
    arrived("crash")
    server.process.send_signal(signal.SIGKILL)  # the answer is still to come
    server.process.wait()
    start()
    first, second = arrived("crash", 2, LEASE_S + PATIENCE_S)[:2]
    assert first["headers"]["webhook-id"] == second["headers"]["webhook-id"] and second["verified"] == [True]
    (d,) = settled(webhook, "DELIVERY_STATE_DELIVERED")
    assert d["attempts"] == 1, "the first one was never recorded"
    assert len(deliveries(webhook)) == 1
    done_with(webhook)


def case_a_crash_while_events_fan_out_loses_none():
    webhook, _ = hook("fan")
    ids = set()
    for _ in range(3):
        for _ in range(10):
            ids.add(lead())
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        start()
    wait_until("every lead", lambda: {json.loads(g["body"])["data"]["lead_id"] for g in receiver.got("fan")} >= ids,
               LEASE_S + PATIENCE_S)
    assert len(deliveries(webhook)) == len(ids), "one delivery for each event"
    done_with(webhook)


def case_nothing_secret_is_logged():
    with open(os.path.join(folder, "salesd.err"), encoding="utf-8", errors="replace") as f:
        log = f.read()
    for word in ("whsec_", "geheim", "token="):
        assert word not in log, f"{word} is in the log"


def run_cases(pattern):
    failed = 0
    for name, run in [(k[5:], v) for k, v in globals().items() if k.startswith("case_") and re.search(pattern, k)]:
        began = time.monotonic()
        try:
            run()
        except Exception as e:  # pylint: disable=broad-except
            failed += 1
            print(f"FAIL {name}: {type(e).__name__} {e}", flush=True)
        else:
            print(f"ok   {name} {time.monotonic() - began:.1f} s", flush=True)
    return 1 if failed else 0


def main():
    global receiver, ca, store, folder  # pylint: disable=global-statement
    folder = tempfile.mkdtemp(prefix="webhooks.")
    ca = authority.Authority(folder)
    receiver = Receiver(ca.issue())
    postgres, name = None, f"webhooks_{os.getpid()}"
    store = f"sqlite:{folder}/sales.db"
    if ENGINE == "postgres":
        postgres = servers.Postgres()
        _, owner, store = postgres.create(name)
        servers.migrate(SALESD, owner, postgres.app["user"])
    try:
        start()
        code = run_cases(sys.argv[4] if len(sys.argv) > 4 else "")
        server.stop()
    finally:
        if server and server.process.poll() is None:
            server.process.kill()
        receiver.process.kill()
        if postgres:
            postgres.drop(name)
    shutil.rmtree(folder)
    return code


sys.exit(main())
