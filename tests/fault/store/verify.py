"""What must hold after every restart, by the API and by looking into the store."""
import os
import sqlite3

from client import OUTCOMES, require
from servers import Postgres

SAMPLE = 6  # leads per restart that are looked for by search and by external_id

# One statement, so that all counts are of one moment. Each must be 0 but the first.
COUNTS = """SELECT (SELECT count(*) FROM lead),
  (SELECT count(*) FROM lead l LEFT JOIN (SELECT subject, count(*) AS n FROM outbox
     WHERE type = 'sales.lead.created' GROUP BY subject) o ON o.subject = l.id WHERE coalesce(o.n, 0) <> 1),
  (SELECT count(*) FROM (SELECT subject FROM outbox WHERE type = 'sales.lead.created' EXCEPT SELECT id FROM lead) e),
  (SELECT count(*) FROM (SELECT id FROM lead EXCEPT SELECT id FROM word) e),
  (SELECT count(*) FROM (SELECT id FROM word EXCEPT SELECT id FROM lead) e),
  (SELECT count(*) FROM lead l LEFT JOIN (SELECT id, count(*) AS n FROM word GROUP BY id) w ON w.id = l.id
     WHERE coalesce(w.n, 0) * 8 <> length(l.tokens))"""
NAMES = ("leads", "leads without exactly one created event", "created events without a lead",
         "leads without search words", "search words without a lead", "leads whose words differ from their tokens")


# What each count is for, tried out on the store in a transaction that is rolled back: damage, and the
# counts (by place) that must see it.
ONE_LEAD = "(SELECT id FROM lead ORDER BY id DESC LIMIT 1)"
ONE_EVENT = "(SELECT max(seq) FROM outbox WHERE type = 'sales.lead.created')"
DAMAGE = (
    (f"DELETE FROM outbox WHERE seq = {ONE_EVENT}", (1,)),
    (f"UPDATE outbox SET subject = {ONE_LEAD} WHERE seq = (SELECT min(seq) FROM outbox"
     " WHERE type = 'sales.lead.created')", (1,)),
    (f"DELETE FROM lead WHERE id = {ONE_LEAD}", (2, 4)),
    (f"DELETE FROM word WHERE id = {ONE_LEAD}", (3, 5)),
    (f"DELETE FROM word WHERE id = {ONE_LEAD} AND token = (SELECT min(token) FROM word WHERE id = {ONE_LEAD})", (5,)),
)


class Store:
    """The tables, read beside the server."""

    def __init__(self, sqlite_path=None, super_url=None):
        self.path, self.url = sqlite_path, super_url

    def counts(self, damage=None):
        """COUNTS, as they would be after a statement that is not kept."""
        if self.url:
            sql = f"BEGIN; {damage}; {COUNTS}; ROLLBACK" if damage else COUNTS
            return [int(x) for x in Postgres.query(self.url, sql).split("|")]
        con = sqlite3.connect(f"file:{os.path.abspath(self.path)}?mode={'rw' if damage else 'ro'}", uri=True)
        try:
            if damage:
                con.execute(damage)  # opens a transaction; closing rolls it back
            return list(con.execute(COUNTS).fetchone())
        finally:
            con.close()

    def check_file(self):
        """SQLite's own look at every page and index."""
        if self.url:
            return
        con = sqlite3.connect(f"file:{os.path.abspath(self.path)}?mode=ro", uri=True)
        try:
            found = con.execute("PRAGMA integrity_check").fetchall()
        finally:
            con.close()
        require(found == [("ok",)], f"integrity_check: {found[:5]}")


def check_store(store):
    """Leads in the store; records, events and words agree."""
    counts = store.counts()
    for name, n in list(zip(NAMES, counts))[1:]:
        require(n == 0, f"{n} {name}")
    return counts[0]


def check_that_counts_bite(store):
    """A check that sees nothing is worse than none."""
    for damage, places in DAMAGE:
        counts = store.counts(damage)
        for place in places:
            require(counts[place] > 0, f"the count of {NAMES[place]} misses: {damage}")
    check_store(store)  # nothing of it stayed


def check_lead(sent, found):
    """A lead came back whole: everything that was sent is there, as normalised."""
    for field in ("given_name", "family_name", "phone", "job_title", "source", "country_code", "owner_id"):
        require(getattr(found, field) == getattr(sent, field), f"{sent.external_id}: {field} differs")
    local, domain = sent.email.split("@")
    require(found.email == f"{local}@{domain.lower()}", f"{sent.external_id}: email differs")
    require(found.company.name == sent.company.name and found.company.employees == sent.company.employees,
            f"{sent.external_id}: company differs")
    require(list(found.tags) == list(sent.tags), f"{sent.external_id}: tags differ")
    require(dict(found.attributes) == dict(sent.attributes), f"{sent.external_id}: attributes differ")
    require(found.etag and found.HasField("create_time") and found.status == 1, f"{sent.external_id}: half a lead")


def check_import(client, source, leads, acknowledged, rng):
    """Leads of this import on record, by external_id; nothing acknowledged is missing, nothing is there
    twice, and a lead is found by its columns and by its words alike."""
    sent = {lead.external_id: lead for lead in leads}
    listed = client.list_all(filter=f'source = "{source}"')
    found = {lead.external_id: lead for lead in listed}
    require(len(found) == len(listed), f"{source}: {len(listed) - len(found)} leads are there twice")
    for external_id, lead_id in acknowledged.items():
        require(external_id in found, f"{external_id} was acknowledged and is gone")
        require(found[external_id].id == lead_id, f"{external_id} has another id than acknowledged")
    for external_id, lead in found.items():
        require(external_id in sent, f"{external_id} was never sent")
        check_lead(sent[external_id], lead)
    for lead in rng.sample(listed, min(SAMPLE, len(listed))) + listed[:2]:  # the newest are the likeliest to be torn
        for how in ({"filter": f'external_id = "{lead.external_id}"'}, {"search": lead.family_name}):
            hits = [hit.id for hit in client.list_all(**how)]
            require(hits == [lead.id], f"{lead.external_id} is not found by {next(iter(how))}: {hits}")
    return found


def check_results(results, allowed):
    """Every row had one of the outcomes that can be, given what happened before."""
    outcomes = [OUTCOMES[name] for name in allowed]
    for row, (outcome, _, error) in results.items():
        require(outcome in outcomes, f"row {row}: outcome {outcome}, {error or 'no error'}")
