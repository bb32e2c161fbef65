#!/usr/bin/python3
"""gcal.py SALESD SCRATCH: approved follow-ups in Google Calendar, as the stand-in speaks it, through
the real client code: one event however often it is tried, each class of refusal, no other tenant's."""
import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
import world  # noqa: E402

SALESD, SCRATCH = sys.argv[1], pathlib.Path(sys.argv[2])
WAIT_S = 30


class Standin:
    def __init__(self):
        self.process = subprocess.Popen(["node", str(ROOT / "tests/standin/server.js"), "--port", "0"],
                                        stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if "listening on" in line:
                self.url = [w for w in line.split() if w.startswith("http://")][0].rstrip("/")
                return
        raise AssertionError("the stand-in did not start")

    def ask(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data, {"content-type": "application/json"})) as r:
            return json.load(r)

    def fault(self, fault, times=1):
        self.ask("/_admin/faults", {"provider": "gcal", "match": "/events", "fault": fault, "times": times})

    def events(self):
        return json.dumps(self.ask("/_admin/gcal/events"))

    def tries(self):
        found = self.ask("/_admin/requests?provider=gcal")
        return len(found["requests"] if isinstance(found, dict) else found)

    def close(self):
        self.process.kill()
        self.process.wait()


def approve(client, lead, **more):
    args = {"lead_id": lead.id, "title": "Call Ada", "notes": "about \"seats\"\nand more",
            "start_time": {"seconds": int(time.time()) + 86400}, **more}
    p = client.call("SalesAgent/ProposeAction", proposal={"schedule_follow_up": args}).proposal
    client.call("SalesAgent/DecideProposal", id=p.id, verdict=1, arguments_sha256=p.arguments_sha256)
    return p


def event_id(p):
    return base64.b32hexencode(uuid.UUID(p.id).bytes).decode().rstrip("=").lower()


def wait(what, fn):
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        if fn():
            return
        time.sleep(0.1)
    raise AssertionError(what)


def jobs(client):
    return {j.key: j for j in client.call("Admin/ListJobs", page_size=500).jobs if j.kind == "proposal.calendar"}


def lead_of(client):
    return client.call("SalesAgent/CreateLead", lead={"full_name": "Ada", "email": f"ada@{uuid.uuid4().hex[:8]}.example"}).lead


def main():
    world.generate(SCRATCH / "py_calendar")
    world.learn()
    standin = Standin()
    with tempfile.TemporaryDirectory(prefix="salesd-calendar-") as name:
        folder = pathlib.Path(name)
        token = folder / "token"
        token.write_text("ya29.first\n")
        w = world.World(SALESD, "sqlite", folder)
        try:
            root = w.start("--calendar-tenant", "demo", "--calendar-url", standin.url + "/calendar/v3",
                           "--calendar-token-file", str(token))
            lead = lead_of(root)
            p = approve(root, lead)
            wait("inserted", lambda: event_id(p) in standin.events())
            assert "Call Ada" in standin.events()
            print("ok an approved follow-up is an event", flush=True)

            for fault in ("503", "429;retry-after=1", "403", "reset-mid", "500"):
                standin.fault(fault)
                q = approve(root, lead)
                wait(f"inserted after {fault}", lambda: event_id(q) in standin.events())
                wait(f"the job has ended after {fault}", lambda: q.id not in jobs(root))
                assert standin.events().count(f'"id": "{event_id(q)}"') == 1
            print("ok what passes is tried again, and is one event", flush=True)

            token.write_text("invalid\n")
            os.utime(token, (time.time() + 5, time.time() + 5))
            q = approve(root, lead)
            wait("refused token", lambda: (j := jobs(root).get(q.id)) and j.reason == "CALENDAR_TOKEN")
            token.write_text("ya29.second\n")
            os.utime(token, (time.time() + 10, time.time() + 10))
            wait("inserted with the renewed token", lambda: event_id(q) in standin.events())
            print("ok a token file that is renewed is read again", flush=True)

            standin.fault("403;reason=forbidden")
            q = approve(root, lead)
            wait("parked", lambda: (j := jobs(root).get(q.id)) and j.reason == "CALENDAR_REFUSED" and j.attempts == 1)
            assert event_id(q) not in standin.events()
            root.call("Admin/RetryJob", kind="proposal.calendar", key=q.id)
            wait("inserted by an admin", lambda: event_id(q) in standin.events())
            print("ok a refusal is not tried again by itself", flush=True)

            before = standin.tries()
            made = root.call("Admin/CreateTenant", tenant={"key": "other"}, admin_subject="eve")
            eve = root.like(made.secret if hasattr(made, "secret") else made.admin_key_secret)
            approve(eve, lead_of(eve))
            root.call("Admin/UpdateTenantPolicy", policy={"hipaa_mode": True}, update_mask={"paths": ["hipaa_mode"]})
            approve(root, lead)
            time.sleep(2)
            assert standin.tries() == before, "nothing of other tenants, nothing in HIPAA mode"
            print("ok other tenants and HIPAA mode stay inside", flush=True)
            w.stop()
        finally:
            w.close()
            standin.close()


main()
