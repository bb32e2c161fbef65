#!/usr/bin/python3
"""admin.py SALESD SCRATCH ENGINE: tenants, policy and API keys through the real server."""
import pathlib
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import world  # noqa: E402

SALESD, SCRATCH, ENGINE = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
ADMIN, MANAGER, REP = 1, 2, 3
UNKNOWN = "0193b6f2-7d1c-7a4e-9c55-2f1d3a6b7c80"


def tells_what_it_is(root):
    info = root.call("Admin/GetServerInfo")
    assert info.version and info.storage == ENGINE and "api" in info.server_roles, info
    assert "sales.v1.Admin/GetServerInfo" in info.methods
    assert "sales.v1.Coaching/StreamCall" not in info.methods, "not built yet"
    assert info.max_message_bytes == 4 << 20 and list(info.caller_roles) == [ADMIN], info
    assert info.tenant_id == root.call("Admin/GetTenant").tenant.id


def creates_tenants(root):
    from sales.v1 import policy_pb2, tenant_pb2

    tenant = tenant_pb2.Tenant(key="acme", display_name="Acme",
                               policy=policy_pb2.TenantPolicy(default_currency_code="EUR"))
    made = root.call("Admin/CreateTenant", tenant=tenant, admin_subject="ada")
    assert made.tenant.key == "acme" and made.tenant.id and made.tenant.etag, made
    assert list(made.api_key.roles) == [ADMIN] and made.secret.startswith("sk_")
    assert made.secret.startswith(made.api_key.prefix) and len(made.api_key.prefix) <= 16
    e = root.refused("Admin/CreateTenant", tenant=tenant, admin_subject="ada")
    assert (e.code, e.reason) == ("ALREADY_EXISTS", "TENANT_EXISTS"), e
    acme = root.like(made.secret)
    got = acme.call("Admin/GetTenant").tenant
    assert got.id == made.tenant.id and got.policy.default_currency_code == "EUR"
    e = acme.refused("Admin/CreateTenant", tenant=tenant_pb2.Tenant(key="own"), admin_subject="x")
    assert (e.code, e.reason, e.metadata["rule"]) == (
        "PERMISSION_DENIED", "OPERATOR_ONLY", "tenant.operator"), e
    e = root.refused("Admin/CreateTenant", tenant=tenant_pb2.Tenant(), admin_subject="x")
    assert e.code == "INVALID_ARGUMENT" and "tenant.key" in e.fields, e
    lead = acme.call("SalesAgent/CreateLead", lead={"full_name": "Grace Hopper"}).lead
    assert root.refused("SalesAgent/GetLead", id=lead.id).code == "NOT_FOUND", "another tenant's"
    return acme


def bad_policy():
    from sales.v1 import policy_pb2

    p = policy_pb2.TenantPolicy(
        hipaa_mode=True, default_time_zone="Mars/Olympus", default_country_code="XX",
        default_currency_code="ZZZ", default_language="x")
    p.coaching.store_audio = p.coaching.keep_personal_data = True
    for days in (10, 200):
        p.retention.add(data_class=policy_pb2.DATA_CLASS_AUDIT, days=days)
    for role in (4, 0):
        p.tools.add(tool=1, approve_role=role)
    p.qualification.blocked_country_codes.append("DE")
    p.qualification.territory_country_codes.append("DE")
    p.qualification.qualify_min_score = 90
    pipeline = p.pipelines.add(id="sales", name="Sales")
    for key, kind in (("open", 1), ("open", 1), ("won", 2)):
        pipeline.stages.add(key=key, name=key, kind=kind)
    return p


WRONG = ("default_time_zone", "default_country_code", "default_currency_code", "default_language",
         "coaching.store_audio", "coaching.keep_personal_data", "retention[0].days",
         "retention[1].data_class", "tools[0].approve_role", "tools[1].tool",
         "qualification.territory_country_codes[0]", "qualification.premium_min_score",
         "pipelines[0].stages[1].key")


def checks_policies(acme):
    e = acme.refused("Admin/UpdateTenantPolicy", policy=bad_policy())
    missing = [f for f in WRONG if f"policy.{f}" not in e.fields]
    assert e.code == "INVALID_ARGUMENT" and not missing, (missing, e.fields)


def updates_policies(acme, other):
    from google.protobuf import field_mask_pb2
    from sales.v1 import policy_pb2

    before = acme.call("Admin/GetTenant").tenant
    p = policy_pb2.TenantPolicy()
    p.ai.monthly_budget_micro_usd = 5
    p.qualification.min_employees = 7  # not in the mask
    mask = field_mask_pb2.FieldMask(paths=["ai.monthly_budget_micro_usd"])
    after = acme.call("Admin/UpdateTenantPolicy", policy=p, update_mask=mask, etag=before.etag).tenant
    assert after.etag != before.etag and after.policy.ai.monthly_budget_micro_usd == 5
    assert after.policy.default_currency_code == "EUR", "what the mask does not name stays"
    assert not after.policy.HasField("qualification")
    e = acme.refused("Admin/UpdateTenantPolicy", policy=p, update_mask=mask, etag=before.etag)
    assert (e.code, e.reason) == ("ABORTED", "ETAG_MISMATCH"), e
    mask.paths[:] = ["nonsense", "ai.nonsense"]
    e = acme.refused("Admin/UpdateTenantPolicy", policy=p, update_mask=mask)
    assert set(e.fields) == {"update_mask.paths[0]", "update_mask.paths[1]"}, e
    in_force(acme, other)


def keeps_pipelines_in_use(acme):
    """What deals stand in cannot be taken away; what is empty can."""
    from sales.v1 import policy_pb2

    def with_stages(**pipelines):
        p = policy_pb2.TenantPolicy()
        for name, keys in pipelines.items():
            pipeline = p.pipelines.add(id=name, name=name)
            for key in keys.split():
                pipeline.stages.add(key=key, name=key, kind={"won": 2, "lost": 3}.get(key, 1), probability=key == "won")
                for start in keys.split()[:-2]:
                    if start != key:
                        pipeline.moves.add(from_stage=start, to_stage=key)
            for kind in (2, 3):
                pipeline.reasons.add(code=f"price{kind}", name="Price", kind=kind)
        return {"policy": p, "update_mask": {"paths": ["pipelines"]}}

    def update(**pipelines):
        return acme.call("Admin/UpdateTenantPolicy", **with_stages(**pipelines))

    update(sales="open offer won lost", partner="talk won lost")
    for n in range(3):
        acme.call("SalesAgent/CreateDeal", deal={"name": f"d{n}", "pipeline_id": "sales", "stage": "offer",
                                                 "amount": {"amount_minor": 1, "currency_code": "EUR"}})
    e = acme.refused("Admin/UpdateTenantPolicy", **with_stages(sales="open won lost"))
    assert (e.code, e.reason, e.preconditions) == (
        "FAILED_PRECONDITION", "PIPELINE_USED", ["PIPELINE_USED"]), e
    assert e.violations == {"sales/offer": "no deals in it; there are 3"}, e.violations
    e = acme.refused("Admin/UpdateTenantPolicy", **with_stages(partner="talk won lost"))
    assert e.reason == "PIPELINE_USED", e
    update(sales="offer won lost")  # nobody is in open, nor in partner


def in_force(acme, other):
    """Here at once, on the other server within the time that the policy may be cached."""
    from sales.v1 import policy_pb2

    def country_of_a_lead(client):
        made = client.call("SalesAgent/CreateLead", lead={
            "full_name": "P", "phone": "030 1234567"}, duplicate_policy=5)
        return made.lead.phone

    other.call("SalesAgent/ListPipelines")  # cached there
    acme.call("Admin/UpdateTenantPolicy", policy=policy_pb2.TenantPolicy(default_country_code="DE"))
    assert country_of_a_lead(acme).startswith("+49"), "the policy is not in force at once"
    end = time.monotonic() + 15
    while True:
        try:
            if country_of_a_lead(other).startswith("+49"):
                return
        except world.Refused:
            pass
        assert time.monotonic() < end, "the policy never reached the other server"
        time.sleep(0.5)


def makes_and_revokes_keys(acme, other):
    from google.protobuf import timestamp_pb2

    wish = {"name": "robot", "subject": "robot", "subject_kind": 2, "roles": [MANAGER]}
    made = acme.call("Admin/CreateApiKey", api_key=wish)
    robot = acme.like(made.secret)
    assert robot.call("Admin/GetServerInfo").caller.id == "robot"
    robot_there = other.like(made.secret)
    robot_there.call("Admin/GetServerInfo")  # cached there
    year = made.api_key.expire_time.seconds - time.time()
    assert 364 * 86400 < year <= 365 * 86400
    for seconds in (time.time() - 5, time.time() + 400 * 86400):
        late = timestamp_pb2.Timestamp(seconds=int(seconds))
        e = acme.refused("Admin/CreateApiKey", api_key={**wish, "expire_time": late})
        assert e.code == "INVALID_ARGUMENT" and "api_key.expire_time" in e.fields, e
    e = acme.refused("Admin/CreateApiKey", api_key={**wish, "subject_kind": 3})
    assert "api_key.subject_kind" in e.fields, e
    assert acme.refused("Admin/CreateApiKey", api_key={**wish, "roles": [9]}).code == "INVALID_ARGUMENT"
    assert robot.refused("Admin/CreateApiKey", api_key=wish).reason == "ROLE_REQUIRED"

    revoked = acme.call("Admin/RevokeApiKey", id=made.api_key.id).api_key
    assert revoked.HasField("revoke_time")
    assert robot.refused("Admin/GetServerInfo").code == "UNAUTHENTICATED", "at once, here"
    again = acme.call("Admin/RevokeApiKey", id=made.api_key.id).api_key
    assert again.revoke_time == revoked.revoke_time
    end = time.monotonic() + 20
    while True:
        try:
            robot_there.call("Admin/GetServerInfo")
        except world.Refused as e:
            assert e.code == "UNAUTHENTICATED", e
            break
        assert time.monotonic() < end, "a revoked key lives on elsewhere"
        time.sleep(0.5)


def keeps_the_last_admin(acme):
    me = next(k for k in acme.call("Admin/ListApiKeys").api_keys if ADMIN in k.roles)
    e = acme.refused("Admin/RevokeApiKey", id=me.id)
    assert (e.code, e.reason, e.preconditions) == (
        "FAILED_PRECONDITION", "LAST_ADMIN_KEY", ["LAST_ADMIN_KEY"]), e
    second = acme.call("Admin/CreateApiKey", api_key={
        "name": "second", "subject": "eve", "roles": [ADMIN]})
    acme.call("Admin/RevokeApiKey", id=me.id)
    assert acme.refused("Admin/GetTenant").code == "UNAUTHENTICATED"
    return acme.like(second.secret)


def lists_its_own_keys_only(root, acme):
    for n in range(4):
        acme.call("Admin/CreateApiKey", api_key={"name": f"k{n}", "subject": "s", "roles": [REP]})
    seen, token = [], ""
    while True:
        page = acme.call("Admin/ListApiKeys", page_size=2, page_token=token)
        seen += page.api_keys
        token = page.next_page_token
        if not token:
            break
        assert root.refused("Admin/ListApiKeys", page_size=2, page_token=token).code == \
            "INVALID_ARGUMENT", "a page token of another tenant"
    assert len(seen) == 7 and len({k.id for k in seen}) == 7, len(seen)
    mine = [k.id for k in root.call("Admin/ListApiKeys").api_keys]
    assert mine and not set(mine) & {k.id for k in seen}
    assert root.refused("Admin/RevokeApiKey", id=seen[0].id).code == "NOT_FOUND"


def outcome_of_a_watch(client, into):
    try:
        client.call("SalesAgent/WatchLeads")
    except world.Refused as e:
        into.append(e)


def is_refused_within(client, seconds):
    """By the time its server has forgotten that the tenant was active."""
    end = time.monotonic() + seconds
    while True:
        try:
            client.call("Admin/GetTenant")
        except world.Refused as e:
            assert (e.code, e.reason) == ("PERMISSION_DENIED", "TENANT_SUSPENDED"), e
            return
        assert time.monotonic() < end, "a suspended tenant is served elsewhere"
        time.sleep(0.2)


def is_served_within(client, seconds):
    end = time.monotonic() + seconds
    while True:
        try:
            client.call("Admin/GetTenant")
            return
        except world.Refused:
            assert time.monotonic() < end, "a resumed tenant is refused elsewhere"
            time.sleep(0.2)


def suspends_and_resumes(root, acme, other):
    why = {"key": "acme", "reason": "contract ended"}
    for method in ("Admin/SuspendTenant", "Admin/ResumeTenant"):
        e = acme.refused(method, **why)
        assert (e.code, e.reason) == ("PERMISSION_DENIED", "OPERATOR_ONLY"), e
        assert root.refused(method, key="nobody", reason="x").code == "NOT_FOUND"
        assert "reason" in root.refused(method, key="acme").fields
        e = root.refused(method, key="demo", reason="x")
        assert (e.code, e.preconditions) == ("FAILED_PRECONDITION", ["OPERATOR_TENANT"]), e
    other.call("Admin/GetTenant")  # cached there
    ends = []
    watch = threading.Thread(target=outcome_of_a_watch, args=(acme, ends))
    watch.start()
    time.sleep(0.5)
    assert not ends, ends
    tenant = root.call("Admin/SuspendTenant", **why).tenant
    assert (tenant.key, tenant.state) == ("acme", 2) and not tenant.HasField("policy"), tenant
    is_refused_within(acme, 0)  # here at once
    watch.join(10)
    assert [(e.code, e.reason) for e in ends] == [("PERMISSION_DENIED", "TENANT_SUSPENDED")], ends
    is_refused_within(other, 15)
    assert root.call("Admin/SuspendTenant", **why).tenant.state == 2, "twice is fine"
    root.call("SalesAgent/ListLeads")  # nobody else is

    assert root.call("Admin/ResumeTenant", key="acme", reason="paid").tenant.state == 1
    assert acme.call("Admin/GetTenant").tenant.state == 1, "here at once"
    is_served_within(other, 15)
    trail = [(e.action.rsplit("/", 1)[1], e.reason) for e in root.call("Admin/ListAuditEntries").entries
             if e.record_kind == "tenant" and e.record_id == tenant.id and e.reason]
    assert trail == [("ResumeTenant", "paid")] + [("SuspendTenant", "contract ended")] * 2, trail


def counts_usage(acme, other):
    """Real calls by method, actor and day, of this tenant only, over all its servers."""
    def by(client, group):
        answer = client.call("Admin/GetUsage", group_by=group)
        return answer, {r.key: (r.calls, r.failed_calls) for r in answer.rows}

    before = by(acme, 3)[1].get("sales.v1.SalesAgent/GetLead", (0, 0))
    for n in range(7):
        (acme, other)[n % 2].refused("SalesAgent/GetLead", id=UNKNOWN)
    end = time.monotonic() + 30
    while True:  # the other server adds its own within seconds
        answer, methods = by(acme, 3)
        calls, failed = methods["sales.v1.SalesAgent/GetLead"]
        if (calls, failed) == (before[0] + 7, before[1] + 7):
            break
        assert time.monotonic() < end, (before, methods)
        time.sleep(0.5)
    assert answer.total.calls == sum(c for c, _ in methods.values())
    actors, days = by(acme, 2)[1], by(acme, 1)[1]
    assert "eve" in actors and "bootstrap" not in actors, actors
    assert time.strftime("%Y-%m-%d", time.gmtime()) in days, days
    e = acme.refused("Admin/GetUsage", time={"start_time": {"seconds": 10 * 86400},
                                             "end_time": {"seconds": 86400}})
    assert "time.end_time" in e.fields, e


def keeps_usage(w, acme):
    """Counters survive a restart in order."""
    known = acme.call("Admin/GetUsage").total.calls
    w.stop()
    after = world.Client(w.start().address, acme.key).call("Admin/GetUsage").total.calls
    assert after >= known + 1, (known, after)


def main():
    world.generate(SCRATCH / "py_admin")
    world.learn()
    with tempfile.TemporaryDirectory(prefix="salesd-admin-") as folder:
        w = world.World(SALESD, ENGINE, pathlib.Path(folder))
        try:
            root = w.start()
            # SQLite has one server per file: the second one is the same there
            second = w.start() if ENGINE == "postgres" else root
            tells_what_it_is(root)
            acme = creates_tenants(root)
            other = second.like(acme.key)
            checks_policies(acme)
            updates_policies(acme, other)
            keeps_pipelines_in_use(acme)
            makes_and_revokes_keys(acme, other)
            acme = keeps_the_last_admin(acme)
            lists_its_own_keys_only(root, acme)
            suspends_and_resumes(root, acme, second.like(acme.key))
            counts_usage(acme, second.like(acme.key))
            keeps_usage(w, acme)
            log = "".join(p.read_text() for p in pathlib.Path(folder).glob("log.*"))
            assert acme.key[-20:] not in log, "a secret is in the log"
            w.stop()
        finally:
            w.close()
    print(f"admin on {ENGINE}: all pass")


main()
