#!/usr/bin/python3
"""kill.py SALESD SCRATCH ENGINE: kill -9 between an entry and its seal, and in the middle of sealing.

Writers keep the sealer busy while the server is killed, again and again, at random times; on
PostgreSQL once more with the sealer held inside of its transaction. Whatever was acknowledged must
have its one entry, every entry must get its place after the restart, and the chain must hold.
"""
import os
import pathlib
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import world  # noqa: E402

SALESD, SCRATCH, ENGINE = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
ROUNDS, WRITERS, WAIT_S = 3, 3, 10
UNSEALED = "SELECT COUNT(*) FROM audit WHERE sequence = 9223372036854775807"


class Writer(threading.Thread):
    """Creates leads until the server is gone; keeps the ids of those it was told of."""

    def __init__(self, client, made):
        super().__init__()
        self.client, self.made = client.like(client.key), made

    def run(self):
        while True:
            try:
                lead = {"full_name": f"P {random.getrandbits(60)}"}
                self.made.append(self.client.call("SalesAgent/CreateLead", timeout=5, lead=lead).lead.id)
            except world.Refused:
                return


def psql(w, sql):
    at = dict(word.split("=", 1) for word in os.environ["SALES_TEST_PG_SUPER"].split())
    return subprocess.run(["psql", "-qXAt", "-h", at["host"], "-p", at["port"], "-U", at["user"], "-c", sql,
                           w.database], check=True, timeout=30, stdout=subprocess.PIPE, text=True).stdout.strip()


def unsealed(w):
    """As the dead server left them."""
    if w.database:
        return int(psql(w, UNSEALED))
    db = sqlite3.connect(w.store.removeprefix("sqlite:"))
    try:
        return db.execute(UNSEALED).fetchone()[0]
    finally:
        db.close()


def hold_head(w):
    """Holds the end of every chain, so that a sealer waits inside of its transaction; the process."""
    at = dict(word.split("=", 1) for word in os.environ["SALES_TEST_PG_SUPER"].split())
    p = subprocess.Popen(["psql", "-qXAt", "-h", at["host"], "-p", at["port"], "-U", at["user"], w.database],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    p.stdin.write("BEGIN; SELECT 'held' FROM (SELECT 1 FROM audit_head FOR UPDATE) x GROUP BY 1;\n")
    p.stdin.flush()
    assert p.stdout.readline().strip() == "held", "nothing is sealed yet"
    return p


def wait_for_sealer(w):
    end = time.monotonic() + WAIT_S
    while psql(w, "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                  "AND query LIKE '%audit_head%' AND datname = current_database()") == "0":
        assert time.monotonic() < end, "no sealer came"
        time.sleep(0.02)


def kill(w):
    w.servers[-1].kill()
    w.servers[-1].wait()
    w.servers.clear()


def round_of(w, made, held):
    """One life of a server under load; how many entries it left without a seal."""
    client = w.start()
    holder = hold_head(w) if held else None
    writers = [Writer(client, made) for _ in range(WRITERS)]
    for t in writers:
        t.start()
    if holder:
        wait_for_sealer(w)
    else:
        time.sleep(random.uniform(0.35, 0.8))
    kill(w)
    for t in writers:
        t.join()
    if holder:
        holder.communicate("ROLLBACK;\n", timeout=10)
    return unsealed(w)


def check(w, made, cut):
    client = w.start()
    end, began = time.monotonic() + WAIT_S, time.monotonic()
    while client.call("Admin/VerifyAudit").unsealed:
        assert time.monotonic() < end, "entries of the dead were not sealed"
        time.sleep(0.02)
    verdict = client.call("Admin/VerifyAudit")
    assert verdict.intact, verdict
    entries, token = [], ""
    while True:
        page = client.call("Admin/ListAuditEntries", page_size=500, page_token=token)
        entries += [e for e in page.entries if e.record_kind == "lead"]
        token = page.next_page_token
        if not token:
            break
    ids = [e.record_id for e in entries]
    assert len(ids) == len(set(ids)), "an entry twice"
    lost = set(made) - set(ids)
    assert not lost, f"{len(lost)} acknowledged changes are not on the trail"
    print(f"{len(made)} acknowledged, {verdict.checked} entries, {cut} found without a seal, "
          f"sealed {time.monotonic() - began:.2f} s after the start: intact, lost 0")


def main():
    SCRATCH.mkdir(parents=True, exist_ok=True)
    world.generate(SCRATCH / "gen")
    world.learn()
    made, cut = [], 0
    with tempfile.TemporaryDirectory() as folder:
        w = world.World(SALESD, ENGINE, pathlib.Path(folder))
        try:
            for _ in range(ROUNDS):
                cut += round_of(w, made, False)
            if w.database:
                left = round_of(w, made, True)
                assert left, "killed in the middle of sealing, and nothing was left to seal"
                cut += left
            assert cut, "no kill came between an entry and its seal"
            check(w, made, cut)
        finally:
            w.close()


main()
