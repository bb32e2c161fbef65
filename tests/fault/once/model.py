"""Random requests with random repetitions, and what must be true of their answers and effects.

Each worker has leads of its own and sends one request after another. A request is sent one to three
times at once, again until one attempt succeeds, and then sometimes once more, or with another payload
under the same id. Every success must carry the same bytes. Every request has an effect that shows how
often it was made: a record with a name of its own, or one more activity, stage or conversion.
"""
import concurrent.futures
import random
import time
import uuid

import grpc

from servers import Failed
from world import PASSING, require

# A lead and what it did, enough to be qualified.
PERSON = {"full_name": "Grace Hopper", "job_title": "Chief Technology Officer", "seniority": "SENIORITY_C_LEVEL",
          "job_function": "JOB_FUNCTION_IT", "buying_role": "BUYING_ROLE_DECISION_MAKER", "country_code": "US"}
COMPANY = {"name": "Navy Systems", "domain": "navy-systems.example", "employees": 900, "industry": "software", "country_code": "US"}
DEEDS = ("WEB", "DEMO_REQUESTED"), ("WEB", "PRICING_VIEW"), ("MEETING", "MEETING_HELD"), ("EMAIL", "EMAIL_REPLIED"), ("WEB", "TRIAL_STARTED")
ATTEMPTS_S = 60  # one request, with restarts between its attempts


def reason_of(error):
    """ErrorInfo.reason; "" when there is none."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for word in (b"REQUEST_ID_REUSED", b"REQUEST_RUNNING", b"CONCURRENT_CHANGE", b"ETAG_MISMATCH"):
                if word in value:
                    return word.decode()
    return ""


class Request:
    """One request id and all that was answered to it."""

    def __init__(self, worker, method, **fields):
        self.world, self.rng, self.method = worker.world, worker.rng, method
        self.pool, self.totals, self.blind = worker.pool, worker.totals, worker.blind
        self.message = self.world.message(f"{method}Request", request_id=self.new_id(), **fields)
        self.answer = None

    def new_id(self):
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def attempt(self, message):
        """The packed answer; None: not this time."""
        self.totals["attempts"] += 1
        if self.blind:
            message.request_id = self.new_id()
        try:
            return self.world.call(self.method, message)
        except grpc.RpcError as e:
            reason = reason_of(e)
            if e.code() in PASSING or reason == "CONCURRENT_CHANGE":
                self.totals["transient"] += 1
            elif reason == "REQUEST_RUNNING":
                self.totals["running"] += 1
            else:
                raise Failed(f"{self.method}: {e.code()} {reason} {e.details()}") from e
            return None

    def take(self, packed):
        if packed is None:
            return
        if self.answer is None:
            self.answer = packed
            return
        self.totals["replays"] += 1
        require(packed == self.answer, f"{self.method}: a repetition got another answer:\n{packed}\n{self.answer}")

    def refuse_other(self, **other):
        """The same id for something else, after a success."""
        message = type(self.message)()
        message.CopyFrom(self.message)
        message.MergeFrom(type(self.message)(**other))
        end = time.monotonic() + ATTEMPTS_S
        while time.monotonic() < end:
            try:
                self.world.call(self.method, message)
            except grpc.RpcError as e:
                reason = reason_of(e)
                if reason == "REQUEST_ID_REUSED":
                    require(e.code() == grpc.StatusCode.ALREADY_EXISTS, f"{self.method}: {e.code()}")
                    self.totals["reused"] += 1
                    return
                if e.code() not in PASSING and reason != "REQUEST_RUNNING":
                    raise Failed(f"{self.method}: another payload got {e.code()} {e.details()}") from e
                time.sleep(0.01)
            else:
                raise Failed(f"{self.method}: another payload under a used id was accepted")
        raise Failed(f"{self.method}: no answer in {ATTEMPTS_S} s")

    def drive(self):
        """Until it has an answer, and a little further. The unpacked answer."""
        self.totals["requests"] += 1
        end = time.monotonic() + ATTEMPTS_S
        while self.answer is None:
            require(time.monotonic() < end, f"{self.method}: no answer in {ATTEMPTS_S} s")
            for packed in self.pool.map(self.attempt, [self.message] * self.rng.choice((1, 1, 2, 3))):
                self.take(packed)
            if self.answer is None:
                time.sleep(self.rng.uniform(0, 0.02))
        for _ in range(self.rng.choice((0, 0, 1, 2))):
            self.take(self.attempt(self.message))
        return self.world.schema.message(f"sales.v1.{self.method}Response").FromString(self.answer)


class Worker:
    """blind: every attempt has an id of its own. Then the checks must fail, or they are worth nothing."""

    def __init__(self, world, number, seed, totals, blind=False):
        self.world, self.number, self.totals, self.blind = world, number, totals, blind
        self.rng = random.Random(f"{seed}-{number}")
        self.pool = concurrent.futures.ThreadPoolExecutor(3)
        self.n = 0

    def send(self, method, **fields):
        request = Request(self, method, **fields)
        return request, request.drive()

    def expect(self, got, want, what):
        self.totals["checks"] += 1
        require(got == want, f"{what}: {got}, not {want}")

    def create_lead(self):
        w, name = self.world, f"once-{self.number}-{self.n}"
        lead = w.message("Lead", **PERSON, source=name, email=f"grace.{name}@navy-systems.example", company=w.message("Company", **COMPANY),
                         consent=w.message("Consent", email="CONSENT_STATE_GRANTED"), attributes={
                             "a": w.message("AttributeValue", number_value=1), "b": w.message("AttributeValue", string_value="x")})
        request, out = self.send("CreateLead", lead=lead, duplicate_policy="DUPLICATE_POLICY_KEEP_BOTH")
        require(out.created, "the lead was not made")
        if self.rng.random() < 0.3:
            request.refuse_other(lead=w.message("Lead", job_title="Another"))
        self.expect(len(w.read("ListLeads", filter=f'source = "{name}"').leads), 1, f"leads called {name}")
        return out.lead

    def log_activities(self, lead):
        w = self.world
        for kind, event in DEEDS:
            activity = w.message("Activity", lead_id=lead.id, kind=f"ACTIVITY_KIND_{kind}", event=f"ACTIVITY_EVENT_{event}",
                                 direction="ACTIVITY_DIRECTION_INBOUND", subject=event)
            request, out = self.send("LogActivity", activity=activity)
            require(out.created, "the activity was not made")
            if self.rng.random() < 0.3:
                request.refuse_other(activity=w.message("Activity", subject="another"))
        found = sorted(a.subject for a in w.read("ListActivities", lead_id=lead.id, page_size=500).activities)
        self.expect(found, sorted(event for _, event in DEEDS), "activities")

    def update_lead(self, lead):
        """With an etag: the second time it is refused, unless it is known to be the second time."""
        _, out = self.send("UpdateLead", lead=self.world.message("Lead", id=lead.id, etag=self.lead(lead.id).etag, job_title="Head"))
        self.expect(self.lead(lead.id).etag, out.lead.etag, "the version of an updated lead")

    def qualify(self, lead):
        """Its answer says what the status was before: the second time that would be another one."""
        _, out = self.send("QualifyLead", id=lead.id)
        self.expect(out.previous_status, lead.status, "the status before")
        _, out = self.send("QualifyLead", id=lead.id, validate_only=True)
        require(out.lead.status == self.lead(lead.id).status, "the status of a look")

    def lead(self, lead_id):
        return self.world.read("GetLead", id=lead_id).lead

    def convert_and_move(self, lead):
        w = self.world
        _, out = self.send("ConvertLead", id=lead.id, deal=w.message(
            "Deal", name=f"deal of {lead.source}", amount=w.message("Money", amount_minor=100, currency_code="EUR"),
            expected_close_date="2999-01-01", next_step="Call"))
        self.expect(len(w.read("ListDeals", filter=f'lead_id = "{lead.id}"').deals), 1, "deals of a converted lead")
        before = len(out.deal.history)
        self.send("ProgressDeal", id=out.deal.id, to_stage="lost", close_reason=w.message("CloseReason", code="price"))
        self.send("ReopenDeal", id=out.deal.id, note="They called back")
        self.expect(len(w.read("GetDeal", id=out.deal.id).deal.history), before + 2, "moves of a deal")

    def step(self):
        self.n += 1
        lead = self.create_lead()
        self.log_activities(lead)
        self.update_lead(lead)
        self.qualify(lead)
        if self.rng.random() < 0.5:
            self.convert_and_move(lead)
            return
        self.send("DeleteLead", id=lead.id)
        self.expect(len(self.world.read("ListLeads", filter=f'source = "{lead.source}"').leads), 0, "deleted leads")

    def close(self):
        self.pool.shutdown()
