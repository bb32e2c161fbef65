#!/usr/bin/python3
"""run.py SALESD SCRATCH ENGINE: what a provider of enrichment says reaches scores and decisions, as
the stand-in speaks it, through the real server; what is not allowed is not sent; nothing of the
subject is in logs or metrics."""
import json
import pathlib
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
import standin  # noqa: E402
import world  # noqa: E402

SALESD, SCRATCH, ENGINE = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
WAIT_S = 30
MAIL = "zaphodina.beeblequux@quuxheart.com"


def wait(what, fn):
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        if fn():
            return
        time.sleep(0.1)
    raise AssertionError(what)


def lead_of(client, mail):
    return client.call("SalesAgent/CreateLead", lead={"full_name": "Ada Lovelace", "email": mail}).lead


def score(client, lead):
    return client.call("SalesAgent/QualifyLead", id=lead.id).score


def allow(client, yes):
    client.call("Admin/UpdateTenantPolicy", policy={"enrichment": {"external_allowed": yes}},
                update_mask={"paths": ["enrichment"]})
    time.sleep(5.5)  # POLICY_TTL_MS


def jobs(client):
    return [j for j in client.call("Admin/ListJobs", page_size=500).jobs if j.kind == "enrichment.refresh"]


def metrics_of(folder):
    for line in (folder / "env").read_text().splitlines():
        if line.startswith("export SALES_HTTP"):
            at = line.split("=", 1)[1].strip("'\"")
            with urllib.request.urlopen(f"http://{at.removeprefix('http://')}/metrics") as r:
                return r.read().decode()
    raise AssertionError("where metrics are")


def run(w, them, folder):
    key = folder / "key"
    key.write_text("first-key\n")
    root = w.start("--enrich-url", them.url, "--enrich-key-file", str(key), "--enrich-auth", "basic")
    lead = lead_of(root, MAIL)
    score(root, lead)
    time.sleep(1)
    assert not them.requests("clearbit"), "the policy says nothing: nothing is sent"
    assert not jobs(root)
    print("ok without the tenant's word nothing is sent", flush=True)

    allow(root, True)
    before = score(root, lead)
    wait("asked", lambda: them.requests("clearbit"))
    wait("the job has ended", lambda: not jobs(root))
    after = score(root, lead)
    assert len(after.missing_inputs) < len(before.missing_inputs), (before.missing_inputs, after.missing_inputs)
    assert len(them.requests("clearbit")) == 1, "known is not asked again"
    replay = root.call("SalesAgent/ReplayDecision", id=after.decision_id)
    assert replay.identical, replay.differing_fields
    print("ok the next score knows, and replays", flush=True)

    them.admin("/faults", {"provider": "clearbit", "fault": "hang", "times": 50})
    other = lead_of(root, "grace.hopper@navy-systems.com")
    began = time.monotonic()
    score(root, other)
    assert time.monotonic() - began < 0.5, "a provider that hangs delays no score"
    wait("tried", lambda: any(j.reason == "HTTP_TIMEOUT" for j in jobs(root)))
    began = time.monotonic()
    score(root, other)
    assert time.monotonic() - began < 0.5
    print("ok a provider that hangs delays no score", flush=True)

    metrics = metrics_of(folder)
    assert 'sales_enrichment_lookups_total{provider="clearbit",result="ok"} 1' in metrics, metrics
    assert "quuxheart" not in metrics
    for log in folder.glob("log.*"):
        text = log.read_text(encoding="utf-8").lower()
        assert "quuxheart" not in text and "navy-systems" not in text and "first-key" not in text
    print("ok logs and metrics name nobody", flush=True)

    root.call("Admin/UpdateTenantPolicy", policy={"hipaa_mode": True, "enrichment": {}},
              update_mask={"paths": ["hipaa_mode", "enrichment"]})
    time.sleep(5.5)
    score(root, lead_of(root, "new.person@quuxheart.com"))
    time.sleep(1)
    assert not any("new.person" in json.dumps(r) for r in them.requests("clearbit"))
    print("ok nothing is sent in HIPAA mode", flush=True)


def main():
    world.generate(SCRATCH / "py")
    world.learn()
    them = standin.Standin()
    with tempfile.TemporaryDirectory(prefix="salesd-enrichment-") as name:
        folder = pathlib.Path(name)
        w = world.World(SALESD, ENGINE, folder)
        try:
            run(w, them, folder)
            w.stop()
        finally:
            w.close()
            them.close()


main()
