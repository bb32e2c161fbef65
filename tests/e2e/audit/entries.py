#!/usr/bin/python3
"""entries.py SALESD SCRATCH ENGINE: what each method leaves on the audit trail.

Every served method that changes something has a row below: the call, and exactly the entries that
it leaves; without one the test fails. Reads, with a row or without, must leave none. Whatever changes something is called again with its request id, which
must add nothing; a viewer is refused by all that is not its own, which must be on the trail; so must
a revoked key be that is used again.
"""
import collections
import pathlib
import sys
import tempfile
import threading
import time
import uuid

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import parked  # noqa: E402
import world  # noqa: E402

SALESD, SCRATCH, ENGINE = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
ADMIN, VIEWER = 1, 5
DENIED, UNAUTHENTICATED = 7, 16
WAIT_S, SOON_S, CUT_S = 20, 2, 6
IMPORT_ID = str(uuid.uuid4())  # in the place of a request id
known = {}  # what earlier rows made: the ids that later ones need


class Trail:
    """The entries of a tenant, in the order in which they became visible to us."""

    def __init__(self, client):
        self.client, self.seen, self.jobs = client, set(), collections.Counter()
        self.new()

    def all(self):
        token, entries = "", []
        while True:
            page = self.client.call("Admin/ListAuditEntries", page_size=500, page_token=token)
            entries += page.entries
            token = page.next_page_token
            if not token:
                return entries

    def new(self):
        """Since the last time; jobs of the background are counted apart."""
        fresh = [e for e in self.all() if e.id not in self.seen]
        self.seen.update(e.id for e in fresh)
        for e in fresh:
            if not e.action.startswith("/"):
                self.jobs[e.action] += 1
        return [e for e in fresh if e.action.startswith("/")]

    def expect(self, n, what):
        """n entries, within the time that refusals may take."""
        end, found = time.monotonic() + WAIT_S, []
        while len(found) < n and time.monotonic() < end:
            found += self.new()
            time.sleep(0.05)
        assert len(found) == n, f"{what}: {n} entries expected, not {found}"
        return found


def lead(i, **more):
    return {"full_name": f"Person {i}", "email": f"p{i}@x{i}.example", **more}


def mask(*paths):
    return {"paths": list(paths)}


# Rows, in this order: the method, its fields, the entries that it leaves - each "kind", "kind*n" for
# one entry that stands for n records, "kind~" for a change (both digests and the fields), "kind+"
# for what is new, "kind-" for what is gone; plain: a decision, without digests - and what to keep.
TABLE = [
    ("SalesAgent/CreateLead", lambda: {"lead": lead(1)}, ["lead+"], lambda a: {"lead": a.lead.id}),
    ("SalesAgent/UpdateLead", lambda: {
        "lead": {"id": known["lead"], "job_title": "COO"}, "update_mask": mask("job_title")}, ["lead~"], None),
    ("SalesAgent/ImportLeads", lambda: [
        {"open": {"import_id": IMPORT_ID}},
        {"rows": {"rows": [{"row_number": i, "lead": lead(100 + i)} for i in range(1, 31)]}}],
     ["lead*30"], None),
    ("SalesAgent/QualifyLead", lambda: {"id": known["lead"]}, ["lead~"], None),
    ("SalesAgent/BatchQualifyLeads", lambda: {"lead_ids": {"ids": [made_lead(6)]}}, ["lead~"], None),
    ("SalesAgent/LogActivity", lambda: {"activity": {"lead_id": known["lead"], "kind": 1}},
     ["activity+", "lead~"], None),
    ("SalesAgent/CreateDeal", lambda: {"deal": {
        "name": "Fifty seats", "lead_id": known["lead"], "amount": {"amount_minor": 100, "currency_code": "EUR"}}},
     ["deal+"], lambda a: {"deal": a.deal.id}),
    ("SalesAgent/UpdateDeal", lambda: {
        "deal": {"id": known["deal"], "next_step": "offer"}, "update_mask": mask("next_step")}, ["deal~"], None),
    ("SalesAgent/ProgressDeal", lambda: {"id": known["deal"], "to_stage": "lost", "close_reason": {"code": "price"}},
     ["deal~", "lead~"], None),
    ("SalesAgent/ReopenDeal", lambda: {"id": known["deal"], "note": "they called"}, ["deal~", "lead~"], None),
    ("SalesAgent/ConvertLead", lambda: {"id": good_lead()}, ["deal+", "lead~"], None),
    ("SalesAgent/RecommendActions", lambda: {"lead_id": made_lead(9), "limit": 1}, ["recommendation+"], None),
    ("SalesAgent/RespondToRecommendation", lambda: {"id": made_advice(), "state": 2}, ["recommendation~"], None),
    ("SalesAgent/ProposeAction", lambda: {"proposal": note(known["lead"])}, ["proposal+"], None),
    ("SalesAgent/DecideProposal", lambda: {"id": made_proposal(), "verdict": 2}, ["proposal~"], None),
    ("SalesAgent/DeleteLead", lambda: {"id": made_lead(2)}, ["lead-"], None),
    ("Forecast/TrainModel", lambda: {"kind": 1}, ["model"], None),
    ("Admin/CreateTenant", lambda: {"tenant": {"key": "acme"}, "admin_subject": "ada"},
     ["api_key+", "tenant+"], None),
    ("Admin/SuspendTenant", lambda: {"key": "acme", "reason": "unpaid"}, ["tenant", "tenant~"], None),
    ("Admin/ResumeTenant", lambda: {"key": "acme", "reason": "paid"}, ["tenant", "tenant~"], None),
    ("Admin/UpdateTenantPolicy", lambda: {"policy": {"default_currency_code": "EUR"},
                                          "update_mask": mask("default_currency_code")}, ["tenant~"], None),
    ("Admin/CreateApiKey", lambda: {"api_key": {"name": "v", "subject": "vera", "roles": [VIEWER]}}, ["api_key+"],
     lambda a: {"viewer": a.secret}),
    ("Admin/RevokeApiKey", lambda: {"id": made_key()}, ["api_key~"], None),
    ("Admin/RotateDataKey", lambda: {}, ["data_key"], None),
    ("Admin/RetryJob", lambda: {"kind": parked.KIND, "key": parked.park(known["store"])}, ["job"], None),
    ("Admin/ExportSubject", lambda: {"subject": {"lead_id": known["lead"]}}, ["lead*1"], None),
    ("Admin/SetLegalHold", lambda: {"subject": {"lead_id": made_lead(3)}, "hold": True, "reason": "case 7"},
     ["lead*1", "lead~"], None),
    ("Admin/EraseSubject", lambda: {"subject": {"lead_id": made_lead(4)}, "reason": "request 4"},
     ["lead*1", "lead-"], lambda a: {"erased": a.audit_sequence}),
    ("Admin/CreateWebhook", lambda: {"webhook": {"url": "https://127.0.0.1:9/in"}}, ["webhook+"],
     lambda a: {"webhook": a.webhook.id}),
    ("Admin/UpdateWebhook", lambda: {"webhook": {"id": known["webhook"], "description": "ours"},
                                     "update_mask": mask("description")}, ["webhook~"], None),
    ("Admin/RedeliverWebhook", lambda: {"delivery_id": made_delivery()}, ["webhook_delivery"], None),
    ("Admin/DeleteWebhook", lambda: {"id": known["webhook"]}, ["webhook-"], None),
    ("SalesAgent/GetLead", lambda: {"id": known["lead"]}, [], None),
    ("SalesAgent/ListLeads", lambda: {}, [], None),
    ("SalesAgent/WatchLeads", lambda: {}, [], None),
    ("SalesAgent/ListActivities", lambda: {}, [], None),
    ("SalesAgent/GetDeal", lambda: {"id": known["deal"]}, [], None),
    ("SalesAgent/ListDeals", lambda: {}, [], None),
    ("SalesAgent/ListProposals", lambda: {}, [], None),
    ("SalesAgent/ListPipelines", lambda: {}, [], None),
    ("SalesAgent/GetPipelineSummary", lambda: {}, [], None),
    ("Admin/GetTenant", lambda: {}, [], None),
    ("Admin/ListApiKeys", lambda: {}, [], None),
    ("Admin/ListAuditEntries", lambda: {}, [], None),
    ("Admin/VerifyAudit", lambda: {}, [], None),
    ("Admin/ListJobs", lambda: {}, [], None),
    ("Admin/ListWebhooks", lambda: {}, [], None),
    ("Admin/ListWebhookDeliveries", lambda: {"webhook_id": made_webhook()}, [], None),
    ("Admin/GetServerInfo", lambda: {}, [], None),
]


def note(lead_id):
    return {"log_sales_activity": {"activity": {"lead_id": lead_id, "kind": 5}}}


def made_advice():
    return known["root"].call("SalesAgent/RecommendActions", lead_id=made_lead(8), limit=1).recommendations[0].id


def made_proposal():
    return known["root"].call("SalesAgent/ProposeAction", proposal=note(known["lead"])).proposal.id


def made_lead(i):
    return known["root"].call("SalesAgent/CreateLead", lead=lead(i)).lead.id


def good_lead():
    """One that qualifies: only these are converted."""
    root = known["root"]
    made = root.call("SalesAgent/CreateLead", lead=lead(7, job_title="CEO", company={
        "name": "Good GmbH", "domain": "x7.example", "employees": 500})).lead.id
    for event in range(1, 12):
        try:
            root.call("SalesAgent/LogActivity", activity={"lead_id": made, "kind": 1, "event": event})
        except world.Refused:
            pass
    root.call("Admin/UpdateTenantPolicy", policy={"qualification": {"qualify_min_score": 1}},
              update_mask=mask("qualification.qualify_min_score"))
    status = root.call("SalesAgent/QualifyLead", id=made).lead.status
    assert status == 2, status
    return made


def made_key():
    made = known["root"].call("Admin/CreateApiKey", api_key={"name": "r", "subject": "rita", "roles": [VIEWER]})
    known["revoked"] = made.secret
    return made.api_key.id


def made_webhook():
    return known["root"].call("Admin/CreateWebhook", webhook={"url": "https://127.0.0.1:9/b"}).webhook.id


def made_delivery():
    """Nobody listens there: an attempt fails."""
    made_lead(5)
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        found = known["root"].call("Admin/ListWebhookDeliveries", webhook_id=known["webhook"]).deliveries
        if found:
            return found[0].id
        time.sleep(0.1)
    raise AssertionError("no delivery was made")


def classes(method):
    from google.protobuf import message_factory as factory

    get = getattr(factory, "GetMessageClass", None) or factory.MessageFactory().GetPrototype
    return get(method.input_type), get(method.output_type)


def call(client, name, requests):
    """The last message of the answer; a stream that goes on is left."""
    method = world.METHODS[name]
    proto = world.PROTOS[method.full_name]
    kind = {(False, False): "unary_unary", (False, True): "unary_stream",
            (True, True): "stream_stream"}[proto.client_streaming, proto.server_streaming]
    request, answer = classes(method)
    stub = getattr(client.channel, kind)(f"/{method.containing_service.full_name}/{method.name}",
                                         request.SerializeToString, answer.FromString)
    messages = [request(**fields) for fields in requests]
    goes_on = name.endswith("/WatchLeads")
    got, last = None, None
    try:
        got = stub(iter(messages) if proto.client_streaming else messages[0],
                   timeout=0.5 if goes_on else world.TIMEOUT_S,
                   metadata=[("authorization", f"Bearer {client.key}")])
        for last in got if proto.server_streaming else [got]:
            pass
    except grpc.RpcError as e:
        if not (goes_on and e.code() == grpc.StatusCode.DEADLINE_EXCEEDED):
            raise world.Refused(e) from None
    return last


def shape(e):
    """An entry in the words of the table."""
    if e.record_count:
        return f"{e.record_kind}*{e.record_count}"
    if e.before_digest and e.after_digest:
        assert e.changed_fields, e
        return e.record_kind + "~"
    return e.record_kind + ("+" if e.after_digest else "-" if e.before_digest else "")


def check_entry(e, name, request_id):
    method = world.METHODS[name]
    assert e.action == f"/{method.containing_service.full_name}/{method.name}", e
    assert e.actor.id == known["subject"] and list(e.roles) == [ADMIN], e
    assert e.code == 0 and e.request_id == request_id, (request_id, e)
    assert e.rule and e.peer and len(e.trace_id) == 32 and e.time.seconds, e
    assert e.record_count or e.record_id, e
    assert len(e.record_ids) == min(e.record_count, 1024), e


def check_row(trail, name, make, wants, keep):
    root, request_id = known["root"], str(uuid.uuid4())
    fields = make()
    trail.new()  # of what the row needed
    requests = fields if isinstance(fields, list) else [fields]
    if "request_id" in world.METHODS[name].input_type.fields_by_name:
        requests[0]["request_id"] = request_id
    else:
        request_id = ""
    if name.endswith("/ImportLeads"):
        request_id = IMPORT_ID
    answer = call(root, name, requests)
    entries = trail.new()
    got = sorted(map(shape, entries))
    assert got == sorted(wants), f"{name} leaves {got}, not {wants}"
    for e in entries:
        check_entry(e, name, request_id)
    if keep:
        known.update(keep(answer))
    if request_id and not isinstance(fields, list) and not world.PROTOS[world.METHODS[name].full_name].server_streaming:
        again = call(root, name, requests)
        assert again == answer, (name, answer, again)
        assert not trail.new(), f"{name}: a repetition is on the trail"


def check_table(trail, served):
    from sales.v1 import options_pb2

    rows = {row[0] for row in TABLE}
    others = sorted(n for n in served if n in world.METHODS and n not in rows)
    missing = [n for n in others
               if world.PROTOS[world.METHODS[n].full_name].options.Extensions[options_pb2.mutating]]
    assert not missing, f"mutating methods without a row: {missing}"
    n = 0
    for name, make, wants, keep in TABLE:
        if name in served:
            check_row(trail, name, make, wants, keep)
            n += 1
    for name in others:  # reads of which the table says nothing: whatever they answer
        try:
            call(known["root"], name, [{}])
        except world.Refused as e:
            assert e.code != "PERMISSION_DENIED", (name, e)
        assert not trail.new(), f"{name} is on the trail"
    print(f"{n} methods leave what they should")


def check_refusals(trail, served):
    """A viewer is refused; who, what and why are on the trail."""
    from sales.v1 import options_pb2

    viewer = known["root"].like(known["viewer"])
    closed = sorted(n for n in served if n in world.METHODS and VIEWER not in
                    world.PROTOS[world.METHODS[n].full_name].options.Extensions[options_pb2.roles])
    for name in closed:
        try:
            call(viewer, name, [{}])
            raise AssertionError(f"{name} was allowed")
        except world.Refused as e:
            assert e.code == "PERMISSION_DENIED", (name, e)
    entries = trail.expect(len(closed), "refusals")
    for e in entries:
        assert (e.code, e.rule, e.reason, e.actor.id, list(e.roles)) == (
            DENIED, "method.roles", "ROLE_REQUIRED", "vera", [VIEWER]), e
        assert e.peer and len(e.trace_id) == 32 and not e.after_digest, e
    want = {f"/sales.v1.{n}" for n in closed}
    assert {e.action for e in entries} == want, want ^ {e.action for e in entries}
    print(f"{len(closed)} refusals are on the trail")


def check_revoked(trail):
    client = known["root"].like(known["revoked"])
    for _ in range(3):
        assert client.refused("SalesAgent/ListLeads").code == "UNAUTHENTICATED"
    assert client.like(known["revoked"][:-1] + "!").refused("SalesAgent/ListLeads").code == "UNAUTHENTICATED"
    n, end = 0, time.monotonic() + WAIT_S
    while n < 3 and time.monotonic() < end:
        for e in trail.new():
            assert (e.code, e.rule, e.actor.id) == (UNAUTHENTICATED, "credential.revoked", "rita"), e
            n += e.record_count or 1
        time.sleep(0.05)
    assert n == 3, n


def idle_stream(client):
    """An import that says nothing; a thread that waits for its end, and where that will be."""
    method, ended = world.METHODS["SalesAgent/ImportLeads"], []
    request, answer = classes(method)
    stub = client.channel.stream_stream(f"/{method.containing_service.full_name}/{method.name}",
                                        request.SerializeToString, answer.FromString)
    silence = threading.Event()

    def requests():
        yield request(open={"import_id": str(uuid.uuid4())})
        silence.wait(WAIT_S)

    def read():
        try:
            for _ in stub(requests(), timeout=WAIT_S, metadata=[("authorization", f"Bearer {client.key}")]):
                pass
        except grpc.RpcError as e:
            ended.append(e.code().name)
        silence.set()

    thread = threading.Thread(target=read)
    thread.start()
    return thread, ended


def check_suspension(trail):
    """The tenant finds on its own trail that it was suspended, served again, and why."""
    root = known["root"]
    made = root.call("Admin/CreateTenant", tenant={"key": "umbra"}, admin_subject="uma")
    admin = root.like(made.secret)
    root.call("Admin/SuspendTenant", key="umbra", reason="unpaid bill")
    root.call("Admin/ResumeTenant", key="umbra", reason="it was paid")
    end = time.monotonic() + WAIT_S
    while True:  # until the key counts again everywhere
        try:
            entries = admin.call("Admin/ListAuditEntries", page_size=50).entries
            break
        except world.Refused as e:
            assert e.code == "PERMISSION_DENIED" and time.monotonic() < end, e
            time.sleep(0.1)
    told = {e.action.rsplit("/", 1)[1]: e for e in entries if e.reason in ("unpaid bill", "it was paid")}
    assert set(told) == {"SuspendTenant", "ResumeTenant"}, entries
    for e in told.values():
        assert (e.actor.id, e.record_kind, e.peer) == (known["subject"], "tenant", "operator"), e
    while True:
        verdict = admin.call("Admin/VerifyAudit")
        if not verdict.unsealed:
            break
        assert time.monotonic() < end, "not sealed"
        time.sleep(0.1)
    assert verdict.intact, verdict
    trail.new()


def check_cut(trail):
    """A stream that is open and idle ends soon after its key is revoked; its tenant is told."""
    made = known["root"].call("Admin/CreateApiKey", api_key={"name": "c", "subject": "carl", "roles": [ADMIN]})
    thread, ended = idle_stream(known["root"].like(made.secret))
    time.sleep(1.5)
    assert not ended, ended
    trail.new()
    known["root"].call("Admin/RevokeApiKey", id=made.api_key.id)
    began = time.monotonic()
    thread.join(WAIT_S)
    took = time.monotonic() - began
    assert ended == ["UNAUTHENTICATED"] and took < CUT_S, (ended, took)
    revoked, cut = trail.expect(2, "the revocation and the cut")
    assert revoked.action.endswith("/RevokeApiKey"), revoked
    assert (cut.code, cut.rule, cut.actor.id) == (UNAUTHENTICATED, "credential.revoked", "carl"), cut
    assert cut.action.endswith("/ImportLeads"), cut
    print(f"an idle stream ended {took:.1f} s after its key was revoked")


def check_soon():
    """The job comes every 5 s, and would be this quick five times in a row only by chance."""
    waits = []
    for i in range(10, 15):
        made_lead(i)
        began = time.monotonic()
        while known["root"].call("Admin/VerifyAudit").unsealed:
            time.sleep(0.01)
        waits.append(time.monotonic() - began)
    assert max(waits) < SOON_S, waits
    print(f"sealed after {min(waits):.2f} to {max(waits):.2f} s")


def check_chain(trail):
    """Soon everything has its place, and the whole holds."""
    end = time.monotonic() + WAIT_S
    while known["root"].call("Admin/VerifyAudit").unsealed:
        assert time.monotonic() < end, "not sealed"
        time.sleep(0.05)
    verdict = known["root"].call("Admin/VerifyAudit")
    entries = trail.all()
    assert verdict.intact and verdict.checked == len(entries), (verdict, len(entries))
    assert sorted(e.sequence for e in entries) == list(range(1, len(entries) + 1))
    erased = [e for e in entries if e.sequence == known["erased"]]
    assert erased and erased[0].action.endswith("/EraseSubject") and erased[0].reason == "request 4", erased
    assert "example" not in str(entries), "personal data on the trail"
    print(f"{len(entries)} entries, intact; of jobs: {dict(trail.jobs)}")


def run(w):
    root = w.start("--webhook-allow", "127.0.0.1", "--job-poll", "100ms")
    known["root"], known["store"] = root, w.database or w.store
    info = root.call("Admin/GetServerInfo")
    known["subject"] = root.call("Admin/ListApiKeys").api_keys[0].subject
    served = {m.split(".", 2)[2] for m in info.methods}
    trail = Trail(root)
    check_table(trail, served)
    check_refusals(trail, served)
    check_revoked(trail)
    check_suspension(trail)
    check_cut(trail)
    check_soon()
    check_chain(trail)


def main():
    SCRATCH.mkdir(parents=True, exist_ok=True)
    world.generate(SCRATCH / "gen")
    world.learn()
    with tempfile.TemporaryDirectory() as folder:
        w = world.World(SALESD, ENGINE, pathlib.Path(folder))
        try:
            run(w)
        finally:
            w.close()


main()
