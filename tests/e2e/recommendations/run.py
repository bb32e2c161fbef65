#!/usr/bin/python3
"""run.py SALESD SCRATCH ENGINE: next best actions, through the real server.

Each scenario is a function: what is on record, what is advised, what is answered, and what is advised
then. Nothing is mocked.
"""
import pathlib
import sys
import tempfile
import threading
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import world  # noqa: E402

SALESD, SCRATCH, ENGINE = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
REP, AGENT, VIEWER, AUDITOR = 3, 4, 5, 6
OPEN, ACCEPTED, DISMISSED, DONE, EXPIRED = range(1, 6)
CALL, EMAIL, MEETING, QUALIFY, CONVERT, WIDEN, ASK, MOVE, CLOSE_DATE, ANSWER, WAIT, CLOSE = 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13
MAIL, PHONE = 1, 2
ANSWERS = 12  # at once


def phone():
    """Nobody else's: a lead with the number of another is that lead."""
    return f"+4930{uuid.uuid4().int % 10**8:08d}"


class Desk:
    def __init__(self, root):
        self.root, self.people = root, {}

    def person(self, name, role, **more):
        if name not in self.people:
            key = self.root.call("Admin/CreateApiKey", api_key={"name": name, "subject": name, "roles": [role], **more}).secret
            self.people[name] = self.root.like(key)
        return self.people[name]

    def lead(self, **more):
        n = uuid.uuid4().hex[:8]
        return self.root.call("SalesAgent/CreateLead", lead={"full_name": f"Ada {n}", "email": f"ada@{n}.example", **more}).lead

    def deal(self, **more):
        return self.root.call("SalesAgent/CreateDeal", deal={
            "name": "Fifty seats", "amount": {"amount_minor": 100, "currency_code": "EUR"}, **more}).deal

    def log(self, **activity):
        return self.root.call("SalesAgent/LogActivity", activity=activity).activity

    def asks(self, lead):
        """They write, with a question."""
        return self.log(lead_id=lead.id, kind=1, event=4, direction=1, body="Does it run on ARM?")

    def advise(self, lead=None, deal=None, who=None, **more):
        subject = {"lead_id": lead.id} if lead else {"deal_id": deal.id}
        return (who or self.root).call("SalesAgent/RecommendActions", **subject, **more)


def respond(who, r, state, **more):
    return who.call("SalesAgent/RespondToRecommendation", id=r.id, state=state, **more).recommendation


def one(answer, action):
    found = [r for r in answer.recommendations if r.action == action]
    assert len(found) == 1, f"{action} among {[r.action for r in answer.recommendations]}"
    return found[0]


def actions(answer):
    return [r.action for r in answer.recommendations]


def refused(code, fn, *args, **more):
    try:
        fn(*args, **more)
    except world.Refused as e:
        assert code in (e.reason, e.code), f"{e}, not {code}"
        return e
    raise AssertionError(f"not refused: {code}")


def advice_says_what_why_when_and_how_sure(desk):
    lead = desk.lead(phone=phone(), time_zone="Asia/Tokyo")
    asked = desk.asks(lead)
    r = desk.advise(lead).recommendations[0]
    assert r.action == ANSWER and r.channel == MAIL and r.state == OPEN and r.lead_id == lead.id
    assert r.title and r.rationale and 0 < r.confidence <= 1
    assert r.expected_effect.metric == "reply_rate" and 0 < r.expected_effect.change < 1
    assert r.expected_effect.interval.low < r.expected_effect.change < r.expected_effect.interval.high
    assert asked.id in [e.record_id for e in r.evidence], "what shows it"
    start = r.timing.start_time.seconds
    assert start >= time.time() - 60 and start < r.timing.end_time.seconds <= r.expire_time.seconds
    hour = (start // 3600 + 9) % 24  # Tokyo has no summer time
    assert 9 <= hour < 17, f"{hour} o'clock in Tokyo"
    assert len(desk.advise(lead).recommendations) <= 3
    assert len(desk.advise(lead, limit=1).recommendations) == 1


def dismissed_advice_comes_back_only_with_new_facts(desk):
    lead = desk.lead()
    desk.asks(lead)
    first = one(desk.advise(lead), ANSWER)
    again = one(desk.advise(lead), ANSWER)
    assert (again.id, again.etag) == (first.id, first.etag), "open advice is not doubled"
    gone = respond(desk.root, first, DISMISSED, note="answered by letter")
    assert gone.state == DISMISSED and gone.response_note == "answered by letter"
    for _ in range(2):
        answer = desk.advise(lead)
        assert ANSWER not in actions(answer) and answer.suppressed >= 1, answer
    desk.log(lead_id=lead.id, kind=5, subject="a note changes nothing")
    assert ANSWER not in actions(desk.advise(lead))
    desk.asks(lead)
    back = one(desk.advise(lead), ANSWER)
    assert back.id != first.id and back.state == OPEN


def answers_follow_the_states(desk):
    lead = desk.lead()
    desk.asks(lead)
    r = one(desk.advise(lead), ANSWER)
    refused("ETAG_MISMATCH", respond, desk.root, r, ACCEPTED, etag="other")
    refused("INVALID_ARGUMENT", respond, desk.root, r, EXPIRED)
    accepted = respond(desk.root, r, ACCEPTED, etag=r.etag)
    refused("RECOMMENDATION_STATE", respond, desk.root, r, ACCEPTED)
    done = respond(desk.root, accepted, DONE, etag=accepted.etag)
    assert done.state == DONE
    for state in (ACCEPTED, DISMISSED, DONE):
        e = refused("RECOMMENDATION_STATE", respond, desk.root, r, state)
        assert e.metadata["state"] == "RECOMMENDATION_STATE_DONE"
    refused("NOT_FOUND", desk.root.call, "SalesAgent/RespondToRecommendation", id=str(uuid.uuid4()), state=DONE)
    refused("INVALID_ARGUMENT", desk.root.call, "SalesAgent/RecommendActions")


def answers_of_many_at_once_are_all_counted(desk):
    company = {"name": "Counted GmbH", "employees": 5000}  # a segment of its own here
    waiting = []
    for _ in range(ANSWERS):
        lead = desk.lead(company=company)
        desk.asks(lead)
        waiting.append(one(desk.advise(lead), ANSWER))
    assert waiting[0].expected_effect.sample_size == 0 and waiting[0].quality == 3, "the shipped prior, said so"
    failures = []

    def answer(i):
        try:
            respond(desk.root.like(desk.root.key), waiting[i], DISMISSED if i % 3 else DONE)
        except Exception as e:  # pylint: disable=broad-except
            failures.append(e)

    threads = [threading.Thread(target=answer, args=(i,)) for i in range(ANSWERS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures, failures
    lead = desk.lead(company=company)
    desk.asks(lead)
    r = one(desk.advise(lead), ANSWER)
    assert r.expected_effect.sample_size == ANSWERS, r.expected_effect
    right = (ANSWERS + 2) // 3
    assert abs(r.confidence - (10 * 0.9 + right) / (10 + ANSWERS)) < 1e-9, "learned, exactly"
    other = desk.lead(company={"name": "Small GmbH", "employees": 3})
    desk.asks(other)
    assert one(desk.advise(other), ANSWER).expected_effect.sample_size == 0, "another segment"


def two_who_ask_at_once_get_one_and_the_same(desk):
    lead, found = desk.lead(), []
    desk.asks(lead)

    def ask():
        found.append(one(desk.advise(lead, who=desk.root.like(desk.root.key)), ANSWER).id)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(found) == 8 and len(set(found)) == 1, found


def nobody_is_turned_to_who_must_not_be(desk):
    lead = desk.lead(phone=phone(), do_not_contact=True)
    desk.asks(lead)
    for r in desk.advise(lead, limit=20).recommendations:
        assert r.channel == 0 and r.action not in (CALL, EMAIL, MEETING, ANSWER, ASK), r
    lead = desk.lead(phone=phone())
    desk.asks(lead)
    desk.log(lead_id=lead.id, kind=1, event=6)  # unsubscribed
    assert MAIL not in [r.channel for r in desk.advise(lead, limit=20).recommendations]
    desk.log(lead_id=lead.id, kind=1, event=7)  # complained
    assert set(r.channel for r in desk.advise(lead, limit=20).recommendations) == {0}
    lead = desk.lead(phone=phone())
    desk.asks(lead)
    assert set(r.channel for r in desk.advise(lead, limit=20, channels=[PHONE]).recommendations) <= {0, PHONE}


def deals_are_advised_and_never_closed(desk):
    deal = desk.deal(expected_close_date="2020-01-01", contacts=[{"name": "Ada", "email": "ada@deal.example"}])
    answer = desk.advise(deal=deal, limit=20)
    assert one(answer, CLOSE_DATE).deal_id == deal.id and CALL in actions(answer)
    fixed = one(answer, CLOSE_DATE)
    respond(desk.root, fixed, DISMISSED)
    assert CLOSE_DATE not in actions(desk.advise(deal=deal))
    desk.root.call("SalesAgent/UpdateDeal", deal={"id": deal.id, "expected_close_date": "2020-02-02"},
                   update_mask={"paths": ["expected_close_date"]})
    assert CLOSE_DATE in actions(desk.advise(deal=deal)), "other facts"
    ready = desk.deal(expected_close_date="2999-01-01", next_step="offer", contacts=[{"name": "Ada"}])
    desk.log(deal_id=ready.id, kind=3, event=12)  # they met
    move = one(desk.advise(deal=ready, limit=20), MOVE)
    assert "proposal" in move.title and move.tool == 3
    assert desk.root.call("SalesAgent/GetDeal", id=ready.id).deal.stage == "discovery", "advice only"
    desk.root.call("SalesAgent/ProgressDeal", id=ready.id, to_stage="lost", close_reason={"code": "price"})
    assert not desk.advise(deal=ready, limit=20).recommendations


def the_ledger_holds_each_set_and_replays_it(desk):
    lead = desk.lead()
    desk.asks(lead)
    answer = desk.advise(lead, insight_mode=1)
    ids = {r.decision_id for r in answer.recommendations}
    assert len(ids) == 1, "one decision for the set"
    decision = desk.root.call("SalesAgent/ExplainDecision", id=ids.copy().pop()).decision
    assert decision.kind == 2 and decision.lead_id == lead.id and decision.provenance.rule_set_sha256
    assert {f.name for f in decision.inputs} >= {"question", "open_channels", "status"}
    again = desk.root.call("SalesAgent/ReplayDecision", id=ids.copy().pop())
    assert again.identical and not again.differing_fields, again
    assert {r.decision_id for r in desk.advise(lead).recommendations} == ids, "nothing new, no new decision"


def roles_and_reach(desk):
    mine, others = desk.lead(owner_id="rita"), desk.lead(owner_id="ruth")
    rita = desk.person("rita", REP)
    desk.asks(mine)
    r = one(desk.advise(mine, who=rita), ANSWER)
    assert respond(rita, r, ACCEPTED).state == ACCEPTED
    refused("NOT_FOUND", desk.advise, others, who=rita)
    theirs = desk.advise(others).recommendations[0]
    refused("NOT_FOUND", respond, rita, theirs, DONE)
    assert desk.advise(others, who=desk.person("robot", AGENT)).recommendations
    for name, role in (("vera", VIEWER), ("otto", AUDITOR)):
        refused("PERMISSION_DENIED", desk.advise, mine, who=desk.person(name, role))
        refused("PERMISSION_DENIED", respond, desk.person(name, role), theirs, DONE)


def other_tenants_see_nothing(desk):
    lead = desk.lead()
    theirs = desk.advise(lead).recommendations[0]
    made = desk.root.call("Admin/CreateTenant", tenant={"key": f"t{uuid.uuid4().hex[:8]}"}, admin_subject="eve")
    eve = desk.root.like(made.secret if hasattr(made, "secret") else made.admin_key_secret)
    refused("NOT_FOUND", desk.advise, lead, who=eve)
    refused("NOT_FOUND", respond, eve, theirs, DONE)
    own = eve.call("SalesAgent/CreateLead", lead={"full_name": "Eve", "email": "eve@eve.example",
                                                  "company": {"name": "E", "employees": 5000}}).lead
    eve.call("SalesAgent/LogActivity", activity={"lead_id": own.id, "kind": 1, "event": 4, "direction": 1, "body": "Why?"})
    r = one(eve.call("SalesAgent/RecommendActions", lead_id=own.id), ANSWER)
    assert r.expected_effect.sample_size == 0, "what others learned is theirs"


def accepted_advice_is_linked_to_what_is_proposed(desk):
    lead, other = desk.lead(), desk.lead()
    desk.asks(lead)
    r = respond(desk.root, one(desk.advise(lead), ANSWER), ACCEPTED)
    assert r.tool == 1
    mail = {"lead_id": lead.id, "subject": "Your question", "body_text": "It does."}
    p = desk.root.call("SalesAgent/ProposeAction", proposal={"send_outreach_email": mail, "recommendation_id": r.id}).proposal
    assert p.recommendation_id == r.id
    e = refused("VALIDATION", desk.root.call, "SalesAgent/ProposeAction", proposal={
        "send_outreach_email": {**mail, "lead_id": other.id}, "recommendation_id": r.id})
    assert "proposal.recommendation_id" in e.fields
    refused("NOT_FOUND", desk.root.call, "SalesAgent/ProposeAction", proposal={
        "send_outreach_email": mail, "recommendation_id": str(uuid.uuid4())})


def erasure_takes_advice(desk):
    lead = desk.lead()
    desk.asks(lead)
    n = len(desk.advise(lead).recommendations)
    gone = desk.advise(lead).recommendations[0]
    lines = b"".join(m.json_lines for m in desk.root.call("Admin/ExportSubject", subject={"lead_id": lead.id}))
    assert lines.count(b'"kind":"recommendation"') == n and b"open_key" not in lines and b"openKey" not in lines
    erased = desk.root.call("Admin/EraseSubject", subject={"lead_id": lead.id}, reason="asked").erased
    assert erased["recommendation"] == n and erased["decision"] == 1, erased
    refused("NOT_FOUND", respond, desk.root, gone, DONE)


SCENARIOS = [advice_says_what_why_when_and_how_sure, dismissed_advice_comes_back_only_with_new_facts,
             answers_follow_the_states, answers_of_many_at_once_are_all_counted,
             two_who_ask_at_once_get_one_and_the_same, nobody_is_turned_to_who_must_not_be,
             deals_are_advised_and_never_closed, the_ledger_holds_each_set_and_replays_it, roles_and_reach,
             other_tenants_see_nothing, accepted_advice_is_linked_to_what_is_proposed, erasure_takes_advice]


def main():
    world.generate(SCRATCH / "py_recommendations")
    world.learn()
    with tempfile.TemporaryDirectory(prefix="salesd-recommendations-") as folder:
        w = world.World(SALESD, ENGINE, pathlib.Path(folder))
        try:
            desk = Desk(w.start())
            for scenario in SCENARIOS:
                scenario(desk)
                print("ok", scenario.__name__.replace("_", " "), flush=True)
            w.stop()
        finally:
            w.close()


main()
