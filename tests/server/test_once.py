"""Every method that changes something repeats its first answer, byte for byte: all of them, found in
the contract, called at the real server. A new one needs a row in REQUESTS.

usage: test_once.py SALESD   (ctest does it)
"""
import glob
import os
import re
import sys
import tempfile
import time
import unittest
import uuid

import grpc

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../fault/once"), os.path.join(HERE, "../support")]
import parked  # noqa: E402
from world import World  # noqa: E402

world = None


def send(service, method, **fields):
    """Packed."""
    return world.call(method, world.message(f"{method}Request", **fields), service)


def get(service, method, **fields):
    return world.schema.message(f"sales.v1.{method}Response").FromString(send(service, method, **fields))


def new_lead(score=False):
    person = {"full_name": "Grace Hopper", "job_title": "Chief Technology Officer", "seniority": "SENIORITY_C_LEVEL",
              "job_function": "JOB_FUNCTION_IT", "buying_role": "BUYING_ROLE_DECISION_MAKER", "country_code": "US",
              "email": f"grace.{uuid.uuid4()}@navy-systems.example"}
    company = world.message("Company", name="Navy Systems", domain="navy-systems.example", employees=900, industry="software")
    lead = get("SalesAgent", "CreateLead", lead=world.message("Lead", company=company, **person)).lead
    for kind, event in (("WEB", "DEMO_REQUESTED"), ("MEETING", "MEETING_HELD"), ("WEB", "TRIAL_STARTED"), ("WEB", "PRICING_VIEW"),
                        ("EMAIL", "EMAIL_REPLIED")) if score else ():
        send("SalesAgent", "LogActivity", activity=world.message(
            "Activity", lead_id=lead.id, kind=f"ACTIVITY_KIND_{kind}", event=f"ACTIVITY_EVENT_{event}",
            direction="ACTIVITY_DIRECTION_INBOUND"))
    return get("SalesAgent", "QualifyLead", id=lead.id).lead if score else lead


def deal_fields():
    return {"deal": world.message("Deal", name="Licence", next_step="Call", expected_close_date="2999-01-01",
                                  amount=world.message("Money", amount_minor=100, currency_code="EUR"))}


def new_deal():
    return get("SalesAgent", "CreateDeal", **deal_fields()).deal


def lost_deal():
    deal = new_deal()
    send("SalesAgent", "ProgressDeal", id=deal.id, to_stage="lost", close_reason=world.message("CloseReason", code="price"))
    return deal


def new_tenant():
    return get("Admin", "CreateTenant", admin_subject="ada", tenant=world.message("Tenant", key=f"t{uuid.uuid4().hex[:12]}")).tenant.key


def key_fields():
    return {"api_key": world.message("ApiKey", name="robot", subject="robot", subject_kind="ACTOR_KIND_SERVICE", roles=["ROLE_VIEWER"])}


def hook_fields():
    return {"webhook": world.message("Webhook", url="https://hook.invalid/", event_types=["sales.lead.created"])}


def new_hook():
    return get("Admin", "CreateWebhook", **hook_fields()).webhook


def new_delivery():
    """Of a lead made now; it fails, because there is no such host."""
    hook, end = new_hook(), time.monotonic() + 20
    new_lead()
    while time.monotonic() < end:
        for delivery in get("Admin", "ListWebhookDeliveries", webhook_id=hook.id).deliveries:
            return delivery
        time.sleep(0.05)
    raise AssertionError("no delivery was made")


def note_fields():
    return {"proposal": world.message("Proposal", log_sales_activity=world.message(
        "LogSalesActivityArgs", activity=world.message("Activity", lead_id=new_lead().id, kind="ACTIVITY_KIND_NOTE")))}


def new_proposal():
    return get("SalesAgent", "ProposeAction", **note_fields()).proposal


def new_advice():
    return get("SalesAgent", "RecommendActions", lead_id=new_lead().id).recommendations[0]


# The fields of a request that is granted once. Where it matters, twice it would be refused, or show.
REQUESTS = {
    "CreateLead": lambda: {"lead": world.message("Lead", full_name="Ada Lovelace", attributes={
        k: world.message("AttributeValue", number_value=1) for k in "abcdefgh"})},
    "UpdateLead": lambda: {"lead": world.message("Lead", id=(x := new_lead()).id, etag=x.etag, job_title="Head")},
    "DeleteLead": lambda: {"id": new_lead().id},
    "QualifyLead": lambda: {"id": new_lead().id},
    "ConvertLead": lambda: {"id": new_lead(score=True).id},
    "LogActivity": lambda: {"activity": world.message("Activity", lead_id=new_lead().id, kind="ACTIVITY_KIND_NOTE", subject="x")},
    "CreateDeal": deal_fields,
    "UpdateDeal": lambda: {"deal": world.message("Deal", id=(x := new_deal()).id, etag=x.etag, name="Another")},
    "ProgressDeal": lambda: {"id": (x := new_deal()).id, "etag": x.etag, "to_stage": "lost",
                             "close_reason": world.message("CloseReason", code="price")},
    "ReopenDeal": lambda: {"id": lost_deal().id, "note": "They called back"},
    "RecommendActions": lambda: {"lead_id": new_lead().id},
    "RespondToRecommendation": lambda: {"id": new_advice().id, "state": "RECOMMENDATION_STATE_DONE"},
    "ProposeAction": note_fields,
    "DecideProposal": lambda: {"id": (x := new_proposal()).id, "verdict": "VERDICT_APPROVE", "arguments_sha256": x.arguments_sha256},
    "CreateTenant": lambda: {"admin_subject": "ada", "tenant": world.message("Tenant", key=f"t{uuid.uuid4().hex[:12]}")},
    "SuspendTenant": lambda: {"key": new_tenant(), "reason": "unpaid"},
    "ResumeTenant": lambda: {"key": new_tenant(), "reason": "paid"},
    "RetryJob": lambda: {"kind": parked.KIND, "key": parked.park(world.url)},
    "UpdateTenantPolicy": lambda: {"policy": world.message("TenantPolicy", default_country_code="AT"), "etag": get("Admin", "GetTenant").tenant.etag},
    "CreateApiKey": key_fields,
    "RotateDataKey": dict,
    "EraseSubject": lambda: {"subject": world.message("Subject", lead_id=new_lead().id), "reason": "asked"},
    "SetLegalHold": lambda: {"subject": world.message("Subject", lead_id=new_lead().id), "hold": True, "reason": "a case"},
    "CreateWebhook": hook_fields,
    "UpdateWebhook": lambda: {"webhook": world.message("Webhook", id=(x := new_hook()).id, etag=x.etag), "rotate_secret": True},
    "DeleteWebhook": lambda: {"id": new_hook().id},
    "RedeliverWebhook": lambda: {"delivery_id": new_delivery().id},
    "RevokeApiKey": lambda: {"id": get("Admin", "CreateApiKey", **key_fields()).api_key.id},
}


def mutating_methods():
    """Unary methods whose request has an id; .ci/check_contract.py sees to it that all of them do.
    Streams have means of their own: an import its checkpoint and external ids, a batch its etags."""
    for file in world.schema.files.file:
        for service in file.service if file.package == "sales.v1" else ():
            for m in service.method:
                fields = world.schema.pool.FindMessageTypeByName(m.input_type[1:]).fields_by_name
                if "request_id" in fields and not (m.client_streaming or m.server_streaming):
                    yield service.name, m.name


def served_methods():
    """Names that have a line in a handler table."""
    names = set()
    for path in glob.glob(os.path.join(HERE, "../../server/service/*.c")):
        with open(path, encoding="utf-8") as f:
            names.update(word.replace("_", "") for word in re.findall(r"^    \.(\w+) = ", f.read(), re.M))
    return names


def refusal(service, method, **fields):
    try:
        send(service, method, **fields)
    except grpc.RpcError as e:
        return e
    raise AssertionError(f"{method} succeeded")


class Once(unittest.TestCase):
    def test_every_method_that_changes_something_repeats_its_answer(self):
        served = served_methods()
        tried = [(service, method) for service, method in mutating_methods() if method.lower() in served]
        self.assertGreater(len(tried), 9)
        for service, method in tried:
            with self.subTest(method=method):
                self.assertIn(method, REQUESTS, "add its row")
                fields, request_id = REQUESTS[method](), str(uuid.uuid4())
                first = send(service, method, request_id=request_id, **fields)
                for _ in range(2):
                    self.assertEqual(send(service, method, request_id=request_id, **fields), first)

    def test_another_payload_is_refused_with_a_reason(self):
        request_id = str(uuid.uuid4())
        send("SalesAgent", "CreateLead", request_id=request_id, lead=world.message("Lead", full_name="Ada"))
        e = refusal("SalesAgent", "CreateLead", request_id=request_id, lead=world.message("Lead", full_name="Bob"))
        self.assertEqual(e.code(), grpc.StatusCode.ALREADY_EXISTS)
        self.assertIn(b"REQUEST_ID_REUSED", dict(e.trailing_metadata())["grpc-status-details-bin"])

    def test_the_id_belongs_to_its_method(self):
        request_id, lead = str(uuid.uuid4()), new_lead()
        send("SalesAgent", "QualifyLead", request_id=request_id, id=lead.id)
        send("SalesAgent", "DeleteLead", request_id=request_id, id=lead.id)

    def test_answers_outlive_the_server(self):
        request_id, lead = str(uuid.uuid4()), world.message("Lead", full_name="Ada")
        first = send("SalesAgent", "CreateLead", request_id=request_id, lead=lead)
        world.replicas[0].kill()
        world.replicas[0].start()
        self.assertEqual(send("SalesAgent", "CreateLead", request_id=request_id, lead=lead), first)

    def test_an_id_that_is_no_uuid_is_refused(self):
        e = refusal("SalesAgent", "CreateLead", request_id="1", lead=world.message("Lead", full_name="Ada"))
        self.assertEqual(e.code(), grpc.StatusCode.INVALID_ARGUMENT)


def main():
    global world
    with tempfile.TemporaryDirectory(prefix="salesd-once.") as folder:
        world = World("sqlite", os.path.abspath(sys.argv[1]), folder, 1)
        try:
            return unittest.main(argv=sys.argv[:1], exit=False).result.wasSuccessful()
        finally:
            world.close()


sys.exit(not main())
