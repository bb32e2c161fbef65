#!/usr/bin/python3
"""access.py SALESD SCRATCH ENGINE: who may call what, and which records a rep ever sees.

1. Every method of all five services, called with every role alone, with none, and without a
   credential; what must come of it is computed from the options of the .proto.
2. Reps under each rep_scope, on random owners and teams, by every method that shows or changes
   records: never one out of scope, against a model that knows who owns what.
"""
import pathlib
import random
import sys
import tempfile
import threading

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import world  # noqa: E402

SALESD, SCRATCH, ENGINE = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
ROLES = {1: "admin", 2: "manager", 3: "rep", 4: "agent", 5: "viewer", 6: "auditor"}
OWN, TEAM, TENANT = 1, 2, 3
PEOPLE = {"ann": ["north"], "bob": ["south", "west"], "cid": []}
TEAMS = ["", "north", "south", "west", "east"]
N_LEADS = 60


def make_key(root, subject, roles, teams=()):
    return root.like(root.call("Admin/CreateApiKey", api_key={
        "name": subject, "subject": subject, "roles": roles, "team_ids": teams}).secret)


# ---- every method with every role


def outcome(client, method):
    """The code and the details of a call that says nothing."""
    try:
        client.call(method, timeout=3)
        return "OK", None
    except world.Refused as e:
        return e.code, e


def check_matrix(root):
    from sales.v1 import options_pb2

    keys = {role: make_key(root, name, [role]) for role, name in ROLES.items()}
    n = 0
    for name, method in sorted(world.METHODS.items()):
        allowed = set(world.PROTOS[method.full_name].options.Extensions[options_pb2.roles])
        assert allowed and allowed <= set(ROLES), f"{name} is nobody's"
        for role, client in keys.items():
            code, e = outcome(client, name)
            n += 1
            if role in allowed:
                assert code not in ("UNAUTHENTICATED", "PERMISSION_DENIED"), (name, ROLES[role], e)
                continue
            assert (code, e.reason, e.metadata.get("rule")) == (
                "PERMISSION_DENIED", "ROLE_REQUIRED", "method.roles"), (name, ROLES[role], code, e)
            held, may = e.metadata["roles_held"], e.metadata["roles_allowed"]
            assert held == ROLES[role], held
            assert set(may.split(", ")) == {ROLES[r] for r in allowed}, (name, may)
        for client in (root.like(None), root.like("sk_nonsense")):
            assert outcome(client, name)[0] == "UNAUTHENTICATED", name
            n += 1
    print(f"{len(world.METHODS)} methods, {n} calls: as the contract says")


# ---- ownership


class Records:
    """What is on record, and whose it is."""

    def __init__(self, manager, chance):
        self.leads, self.deals, self.activities = {}, {}, {}
        for i in range(N_LEADS):
            owner, team = chance.choice(["", *PEOPLE]), chance.choice(TEAMS)
            lead = manager.call("SalesAgent/CreateLead", lead={
                "full_name": f"P {i}", "email": f"p{i}@x{i}.example", "owner_id": owner,
                "team_id": team}).lead
            self.leads[lead.id] = (owner, team)
            owner, team = chance.choice(["", *PEOPLE]), chance.choice(TEAMS)
            deal = manager.call("SalesAgent/CreateDeal", deal={
                "name": f"D {i}", "owner_id": owner, "team_id": team, "lead_id": lead.id,
                "amount": {"amount_minor": 100, "currency_code": "USD"}}).deal
            self.deals[deal.id] = (owner, team)
            on_lead = chance.random() < 0.5
            logged = manager.call("SalesAgent/LogActivity", activity={
                "kind": 1, ("lead_id" if on_lead else "deal_id"): lead.id if on_lead else deal.id})
            self.activities[logged.activity.id] = (self.leads[lead.id] if on_lead
                                                   else self.deals[deal.id])


def within(scope, who, record):
    owner, team = record
    return scope == TENANT or owner == who or (scope == TEAM and team in PEOPLE[who])


def listed(client, method, field, chance, **more):
    seen, token = [], ""
    while True:
        page = client.call(method, page_size=chance.randint(1, 9), page_token=token, **more)
        seen += [r.id for r in getattr(page, field)]
        token = page.next_page_token
        if not token:
            assert len(seen) == len(set(seen)), "a record twice"
            return set(seen)


def check_lists(client, who, scope, known, chance):
    for method, field, records in (("ListLeads", "leads", known.leads),
                                   ("ListDeals", "deals", known.deals),
                                   ("ListActivities", "activities", known.activities)):
        want = {i for i, r in records.items() if within(scope, who, r)}
        orders = ("",) if field == "activities" else ("", "create_time", "score desc")
        for order in orders:
            got = listed(client, f"SalesAgent/{method}", field, chance, order_by=order)
            assert got == want, (who, scope, method, order, len(got), len(want))
    hostile = 'owner_id = "ann" OR owner_id = "bob" OR NOT owner_id = "cid"'
    got = listed(client, "SalesAgent/ListLeads", "leads", chance, filter=hostile)
    assert got <= {i for i, r in known.leads.items() if within(scope, who, r)}


def check_each(client, who, scope, known):
    for method, records in (("GetLead", known.leads), ("GetDeal", known.deals)):
        for i, r in records.items():
            code, e = outcome_of(client, method, id=i)
            assert code == ("OK" if within(scope, who, r) else "NOT_FOUND"), (who, scope, r, e)
    for i, r in list(known.leads.items())[:20]:
        want = {"OK"} if within(scope, who, r) else {"NOT_FOUND"}
        for method, fields in (("UpdateLead", {"lead": {"id": i, "job_title": "x"}}),
                               ("QualifyLead", {"id": i}),
                               ("LogActivity", {"activity": {"kind": 5, "lead_id": i}})):
            code, e = outcome_of(client, method, **fields)
            assert code in want, (who, scope, r, method, e)
            if method == "LogActivity" and code == "OK":
                known.activities[e.activity.id] = r
    for i, r in list(known.deals.items())[:20]:
        code, e = outcome_of(client, "ProgressDeal", id=i, to_stage="lost", validate_only=True)
        assert (code == "NOT_FOUND") != within(scope, who, r), (who, scope, r, code, e)
    for i, r in list(known.leads.items())[20:]:
        if not within(scope, who, r):
            assert outcome_of(client, "ConvertLead", id=i)[0] == "NOT_FOUND"


def outcome_of(client, method, **fields):
    try:
        return "OK", client.call(f"SalesAgent/{method}", **fields)
    except world.Refused as e:
        return e.code, e


def check_summary(client, who, scope, known):
    mine = [i for i, r in known.deals.items() if within(scope, who, r)]
    summary = client.call("SalesAgent/GetPipelineSummary")
    assert summary.total.count == len(mine), (who, scope, summary.total.count, len(mine))


def check_making(client, who, scope, known):
    """What a rep makes, and what it makes of a record, stays in scope; what it may not know of is
    not told either."""
    for owner, team in ((who, ""), ("", ""), ("ann", "east"), ("zoe", "north"), ("zoe", "")):
        code, e = outcome_of(client, "CreateLead", lead={
            "full_name": "New", "owner_id": owner, "team_id": team}, duplicate_policy=5)
        stored = (owner or who, team or (PEOPLE[who] or [""])[0])
        assert code == ("OK" if within(scope, who, stored) else "PERMISSION_DENIED"), (owner, team, e)
        if code == "OK":
            assert (e.lead.owner_id, e.lead.team_id) == stored
            known.leads[e.lead.id] = stored
        else:
            assert (e.reason, e.metadata["rule"]) == ("OUT_OF_REACH", "rep.lead"), e
    mine = next((i for i, r in known.leads.items() if r[0] == who), None)
    if scope != TENANT and mine:
        code, e = outcome_of(client, "UpdateLead", lead={
            "id": mine, "owner_id": "zoe", "team_id": "east"})
        assert (code, e.reason) == ("PERMISSION_DENIED", "OUT_OF_REACH"), e
    foreign = next((i for i, r in known.leads.items() if not within(scope, who, r)), None)
    if foreign:
        n = list(known.leads).index(foreign)
        for policy in range(0, 5):
            code, e = outcome_of(client, "CreateLead", duplicate_policy=policy, lead={
                "full_name": "P", "email": f"p{n}@x{n}.example"})
            assert code == "ALREADY_EXISTS" and foreign not in str(e.metadata), (policy, code, e)


def check_watch(root, manager, scopes):
    """Reps watch while leads of all owners and teams change."""
    from google.protobuf import message_factory as factory

    method = world.METHODS["SalesAgent/WatchLeads"]
    found, calls, ready = {}, {}, threading.Barrier(len(scopes) + 1)

    def watch(who, client):
        make = (getattr(factory, "GetMessageClass", None) or
                factory.MessageFactory().GetPrototype)
        stub = client.channel.unary_stream(
            "/sales.v1.SalesAgent/WatchLeads", lambda m: m.SerializeToString(),
            make(method.output_type).FromString)
        call = stub(make(method.input_type)(), metadata=[("authorization", f"Bearer {client.key}")])
        calls[who], found[who] = call, []
        call.initial_metadata()
        ready.wait(world.TIMEOUT_S)
        try:
            for m in call:
                if m.WhichOneof("message") == "event":
                    found[who].append((m.event.lead.id, m.event.lead.owner_id, m.event.lead.team_id))
        except grpc.RpcError as e:
            assert e.code() is grpc.StatusCode.CANCELLED, e

    threads = [threading.Thread(target=watch, args=item, daemon=True) for item in scopes.items()]
    for t in threads:
        t.start()
    ready.wait(world.TIMEOUT_S)
    made = {}
    for n, (owner, team) in enumerate((o, t) for o in ("", *PEOPLE) for t in TEAMS):
        lead = manager.call("SalesAgent/CreateLead", lead={
            "full_name": f"W {n}", "owner_id": owner, "team_id": team}, duplicate_policy=5).lead
        made[lead.id] = (owner, team)
        if n % 3 == 0:
            manager.call("SalesAgent/DeleteLead", id=lead.id)
    for who in scopes:
        want = {i for i, r in made.items() if within(TEAM, who, r)}
        for _ in range(300):
            if want <= {f[0] for f in found[who]}:
                break
            threading.Event().wait(0.05)
        calls[who].cancel()
        assert {f[0] for f in found[who]} == want, (who, len(found[who]), len(want))
    for t in threads:
        t.join(world.TIMEOUT_S)
    return made


def check_reps(root):
    chance = random.Random(7)
    manager = make_key(root, "mia", [2])
    known = Records(manager, chance)
    reps = {who: make_key(root, who, [3], teams) for who, teams in PEOPLE.items()}
    for scope in (OWN, TEAM, TENANT):
        root.call("Admin/UpdateTenantPolicy", policy={"rep_scope": scope})
        for who, client in reps.items():
            check_lists(client, who, scope, known, chance)
            check_each(client, who, scope, known)
            check_summary(client, who, scope, known)
            check_making(client, who, scope, known)
    root.call("Admin/UpdateTenantPolicy", policy={"rep_scope": 0},
              update_mask={"paths": ["rep_scope"]})
    check_watch(root, manager, reps)
    print(f"reps on {len(known.leads)} leads, {len(known.deals)} deals: nothing out of scope")


def main():
    world.generate(SCRATCH / "py_access")
    world.learn()
    with tempfile.TemporaryDirectory(prefix="salesd-access-") as folder:
        w = world.World(SALESD, ENGINE, pathlib.Path(folder))
        try:
            root = w.start()
            check_matrix(root)
            check_reps(root)
            w.stop()
        finally:
            w.close()


main()
