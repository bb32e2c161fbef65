"""What must hold when all is over. The facts are read once; each rule is a function over them that
returns what it misses, by the three words that the campaign ends with. Every rule is then shown
facts that were spoilt on purpose: one that sees nothing is worse than none."""
import collections
import copy
import json
import random

import grpc

from servers import Failed
from world import PASSING

KINDS = {"CreateLead": "lead", "LogActivity": "activity", "ConvertLead": "deal"}  # what a request makes
GONE = {"DeleteLead", "EraseSubject"}
REPLAYS = 1500


def made_by(tenant, method, packed):
    out = tenant.message(f"{method}Response").FromString(packed)
    return getattr(out, KINDS[method])


class Facts:
    def __init__(self, stage):
        self.tenants = {t.name: t for t in stage.tenants}
        self.numbers = {key: int(n) for key, n in stage.sql("SELECT key, number FROM tenant")}
        self.ids = {key: i for key, i in stage.sql(f"SELECT key, {stage.hex('id')} FROM tenant")}
        names = {n: key for key, n in self.numbers.items()}
        self.records = {}  # kind -> {id: (tenant, version)}
        for kind in KINDS.values():
            rows = stage.sql(f"SELECT {stage.hex('id')}, tenant_id, version FROM {kind}")
            self.records[kind] = {i: (names[int(t)], int(v)) for i, t, v in rows}
        self.outbox = [((int(t), int(s)), i, kind, subject, names.get(int(n), "")) for t, s, i, kind, subject, n in stage.sql(
            f"SELECT txid, seq, {stage.hex('id')}, type, {stage.hex('subject')}, tenant_id FROM outbox ORDER BY txid, seq")]
        self.streams = {shard: [(place, f["id"].replace("-", ""), f["tenant"], json.loads(f["envelope"])["tenantid"]) for place, f in entries]
                        for shard, entries in stage.redis.entries().items()}
        self.entries = collections.Counter((r.replace("-", ""), k) for r, k in stage.sql(
            "SELECT record_id, record_kind FROM audit WHERE record_id IS NOT NULL"))
        self.n_audit = {names.get(int(t), ""): int(n) for t, n in stage.sql("SELECT tenant_id, COUNT(*) FROM audit GROUP BY tenant_id")}
        self.proofs = {t.name: t.read("VerifyAudit") for t in stage.tenants}
        self.listed = {t.name: {lead.id.replace("-", ""): lead.source for lead in t.all_of("ListLeads", "leads")} for t in stage.tenants}
        self.hooks = {t.name: [(event, stage.receiver.ask(f"/got/{place}")) for place, event in t.hooks] for t in stage.tenants}
        self.known, self.gone = self.read_ledgers()

    def read_ledgers(self):
        """{kind: {id: tenant}} of what was acknowledged, and the leads that were taken away after."""
        known, gone = {kind: {} for kind in KINDS.values()}, set()
        for tenant in self.tenants.values():
            for method, message, packed in tenant.ledger:
                if method in KINDS:
                    known[KINDS[method]][made_by(tenant, method, packed).id.replace("-", "")] = tenant.name
                elif method in GONE:
                    gone.add((message.id if method == "DeleteLead" else message.subject.lead_id).replace("-", ""))
            known["activity"].update((i.replace("-", ""), tenant.name) for i in tenant.made_by_jobs)
        return known, gone


def records(f):
    """What was acknowledged is on record, and nothing else is."""
    leads, known = f.records["lead"], f.known["lead"]
    mine = {i for i, (t, _) in leads.items() if t in f.tenants}
    lost = len(set(known) - f.gone - mine)
    for kind in ("deal",):
        lost += len(set(f.known[kind]) - set(f.records[kind]))
    doubled = len(mine - set(known)) + len(mine & f.gone)
    doubled += sum(1 for kind in ("deal", "activity") for i, (t, _) in f.records[kind].items() if t in f.tenants and i not in f.known[kind])
    foreign = sum(1 for kind, rows in f.records.items() for i, (t, _) in rows.items() if f.known[kind].get(i, t) != t)
    return {"lost": lost, "doubled": doubled, "foreign": foreign}


def lists(f):
    """A tenant's list holds what the table does, and nothing of others."""
    missing = {"lost": 0, "doubled": 0, "foreign": 0}
    for name, listed in f.listed.items():
        own = {i for i, (t, _) in f.records["lead"].items() if t == name}
        missing["lost"] += len(own - set(listed))
        missing["foreign"] += len(set(listed) - own) + sum(
            1 for source in listed.values() if source.startswith("once-") and not source.startswith(f"once-{name}-"))
    return missing


def events(f):
    """One event of its making for each record, for the right tenant."""
    counts = collections.Counter((subject, kind) for _, _, kind, subject, _ in f.outbox)
    missing = {"lost": 0, "doubled": 0, "foreign": 0}
    for kind in ("lead", "deal"):
        for i in f.known[kind]:
            n = counts[(i, f"sales.{kind}.created")]
            missing["lost"] += n == 0
            missing["doubled"] += n > 1
    owners = {i: t for kind in f.known for i, t in f.known[kind].items()}
    missing["foreign"] = sum(1 for *_, subject, t in f.outbox if owners.get(subject, t) != t)
    return missing


def streams(f):
    """Every event is in its stream, in commit order, under its own tenant."""
    outbox, seen = {i: (place, t) for place, i, _, _, t in f.outbox}, set()
    missing = {"lost": 0, "doubled": 0, "foreign": 0}
    for entries in f.streams.values():
        places = [place for place, *_ in entries]
        missing["lost"] += places != sorted(places)
        for place, i, tenant, in_envelope in entries:
            missing["doubled"] += i in seen or outbox.get(i, (None,))[0] != place
            missing["foreign"] += i in outbox and not f.ids.get(outbox[i][1]) == tenant.replace("-", "") == in_envelope.replace("-", "")
            seen.add(i)
    missing["lost"] += len(set(outbox) - seen)
    return missing


def webhooks(f):
    """Every event that somebody asked for came at least once, signed, always with the same body."""
    missing = {"lost": 0, "doubled": 0, "foreign": 0}
    for name, hooks in f.hooks.items():
        for event, got in hooks:
            want = {i for _, i, kind, _, t in f.outbox if t == name and kind.startswith(event)}
            others = {i for _, i, _, _, t in f.outbox if t != name}
            bodies = collections.defaultdict(set)
            for g in got:
                bodies[g["headers"]["webhook-id"].replace("-", "")].add(g["body"])
                missing["lost"] += g["verified"] != [True]
            missing["lost"] += len(want - set(bodies))
            missing["doubled"] += sum(len(b) > 1 for b in bodies.values()) + len(set(bodies) - want - others)
            missing["foreign"] += len(set(bodies) & others)
    return missing


def audit(f):
    """The chains hold and are whole; each change of a record left one entry."""
    missing = {"lost": 0, "doubled": 0, "foreign": 0}
    for name, proof in f.proofs.items():
        missing["lost"] += not proof.intact or proof.unsealed > 0 or proof.checked != f.n_audit.get(name, 0)
    for kind, rows in f.records.items():
        for i, (_, version) in rows.items():
            n = f.entries[(i, kind)]
            missing["lost"] += max(version - n, 0)
            missing["doubled"] += max(n - version, 0)
    return missing


RULES = (records, lists, events, streams, webhooks, audit)


def first(mapping):
    return next(iter(sorted(mapping)))


def lose_lead(f):
    i = first(set(f.known["lead"]) - f.gone)
    del f.records["lead"][i]


def double_lead(f):
    i = first(set(f.known["lead"]) - f.gone)
    f.records["lead"]["00" * 16] = f.records["lead"][i]


def move_lead(f):
    i = first(set(f.known["lead"]) - f.gone)
    f.records["lead"][i] = (next(t for t in f.tenants if t != f.known["lead"][i]), 1)


def show_lead(f):
    a, b = list(f.listed)[:2]
    f.listed[a].update(f.listed[b])


def lose_event(f):
    at = next(n for n, e in enumerate(f.outbox) if e[2] == "sales.lead.created" and e[3] in f.known["lead"])
    del f.outbox[at]


def double_event(f):
    e = next(e for e in f.outbox if e[2] == "sales.lead.created" and e[3] in f.known["lead"])
    f.outbox.append(((e[0][0], e[0][1] + 1), "00" * 16, *e[2:]))


def lose_entry(f):
    next(e for e in f.streams.values() if e).pop()


def swap_entries(f):
    entries = next(e for e in f.streams.values() if len(e) > 1)
    entries[0], entries[1] = entries[1], entries[0]


def lose_delivery(f):
    _, got = next(h for hooks in f.hooks.values() for h in hooks if h[1])
    i = got[0]["headers"]["webhook-id"]
    got[:] = [g for g in got if g["headers"]["webhook-id"] != i]


def other_body(f):
    _, got = next(h for hooks in f.hooks.values() for h in hooks if h[1])
    got.append({**got[0], "body": "{}"})


def lose_audit(f):
    i = first(set(f.known["lead"]) - f.gone)
    f.entries[(i, "lead")] -= 1


def double_audit(f):
    i = first(set(f.known["lead"]) - f.gone)
    f.entries[(i, "lead")] += 1


DAMAGE = ((lose_lead, records, "lost"), (double_lead, records, "doubled"), (move_lead, records, "foreign"), (show_lead, lists, "foreign"),
          (lose_event, events, "lost"), (double_event, events, "doubled"), (lose_entry, streams, "lost"), (swap_entries, streams, "lost"),
          (lose_delivery, webhooks, "lost"), (other_body, webhooks, "doubled"), (lose_audit, audit, "lost"), (double_audit, audit, "doubled"))


def spoilt(f):
    """A copy to be damaged; what is not damaged is shared."""
    out = copy.copy(f)
    for name in ("records", "outbox", "streams", "entries", "listed"):
        setattr(out, name, copy.deepcopy(getattr(f, name)))
    out.hooks = {t: [(event, list(got)) for event, got in hooks] for t, hooks in f.hooks.items()}
    return out


def judge(f):
    """{rule: {word: n}}, after the rules have shown that they see."""
    for damage, rule, word in DAMAGE:
        bad = spoilt(f)
        before = rule(bad)[word]
        damage(bad)
        if rule(bad)[word] <= before:
            raise Failed(f"the rule on {rule.__name__} does not see {damage.__name__}")
    return {rule.__name__: rule(f) for rule in RULES}


def replay(stage, seed):
    """Requests sent once more get the same bytes; how many, and how many did not."""
    rng, wrong, n = random.Random(seed), 0, 0
    ledger = [(t, *row) for t in stage.tenants for row in t.ledger]
    for tenant, method, message, packed in rng.sample(ledger, min(REPLAYS, len(ledger))):
        try:
            wrong += tenant.call(method, message) != packed
            n += 1
        except grpc.RpcError as e:
            if e.code() in PASSING:
                continue
            if not any(b"ANSWER_ERASED" in v for k, v in e.trailing_metadata() or () if k == "grpc-status-details-bin"):
                raise Failed(f"{method}: a repetition is refused: {e.code()} {e.details()}") from e
    return n, wrong


