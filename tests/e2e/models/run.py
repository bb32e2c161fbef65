#!/usr/bin/python3
"""run.py SALESD SALESCTL SCRATCH ENGINE: models learned from leads, through the real server.

Leads come by ImportLeads with their outcomes; what decides them is known to the test: the budget
and the source. One of their attributes is named like the outcome and must not be seen.
"""
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import world  # noqa: E402

SALESD, SALESCTL, SCRATCH, ENGINE = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), sys.argv[4]
ADMIN, MANAGER, REP, AGENT, VIEWER, AUDITOR = range(1, 7)
LEAD_WIN, DEAL_WIN = 1, 2
CANDIDATE, ACTIVE, RETIRED, REJECTED = 1, 2, 3, 4
PRIOR = 3
COLLECT, FIT, VALIDATE, PUBLISH = 1, 2, 3, 4
DAY_S = 86400
LEADS, MORE = 700, 600
WAIT_S = 120  # a lease of a killed server, and a training


def lead(i, rng, age_days, turned=False):
    budget, source = rng.random() * 1000, rng.choice(["web", "fair", "partner"])
    odds = (budget / 1000 - 0.5) * 5 * (-1 if turned else 1) + (1 if source == "partner" else -0.5)
    won = rng.random() < 1 / (1 + 2.718281828 ** -odds)
    from sales.v1 import common_pb2 as pb

    made = int(time.time() - age_days * DAY_S)
    return {"full_name": f"Person {i}", "email": f"p{i}@firm{i}.example", "source": source,
            "created_at": {"seconds": made}, "closed_at": {"seconds": made + 3 * 3600},
            "outcome": 1 if won else 2,
            "attributes": {"budget": pb.AttributeValue(number_value=budget),
                           "won_at": pb.AttributeValue(string_value="x" if won else "y")}}


def bring(client, first, n, oldest_days, youngest_days, **more):
    rng = random.Random(first)
    span = (oldest_days - youngest_days) / n
    rows = [{"row_number": k + 1, "lead": lead(first + k, rng, oldest_days - k * span, **more)} for k in range(n)]
    messages = [{"open": {"import_id": str(uuid.uuid4())}}]
    messages += [{"rows": {"rows": rows[k:k + 100]}} for k in range(0, n, 100)]
    last = stream(client, "SalesAgent/ImportLeads", messages)[-1]
    assert last.summary.created == n, last


def stream(client, name, messages):
    from google.protobuf import message_factory as factory

    make = getattr(factory, "GetMessageClass", None) or factory.MessageFactory().GetPrototype
    method = world.METHODS[name]
    request, answer = make(method.input_type), make(method.output_type)
    stub = client.channel.stream_stream(f"/{method.containing_service.full_name}/{method.name}",
                                        request.SerializeToString, answer.FromString)
    return list(stub(iter([request(**m) for m in messages]), timeout=world.TIMEOUT_S,
                     metadata=[("authorization", f"Bearer {client.key}")]))


def train(client, **fields):
    """The card, and the phases that were seen."""
    messages = client.call("Forecast/TrainModel", timeout=WAIT_S, **{"kind": LEAD_WIN, **fields})
    phases = [m.progress.phase for m in messages if m.HasField("progress")]
    assert all(m.HasField("progress") for m in messages[:-1]), "the card comes last, once"
    return messages[-1].card, phases


def models(client, **fields):
    return client.call("Forecast/ListModels", page_size=500, **fields).models


# Scenarios, in this order: later ones need what earlier ones learned.

def too_little_is_said_and_the_prior_stays(w):
    card, _ = train(w.root)
    assert (card.model.state, card.model.algorithm, card.model.sha256) == (REJECTED, PRIOR, ""), card.model
    assert "fewer than 100 cases" in card.promotion_reason, card.promotion_reason
    assert not models(w.root, filter="state = ACTIVE")


def outcomes_make_a_model(w):
    bring(w.root, 0, LEADS, oldest_days=400, youngest_days=100)
    card, phases = train(w.root, seed=7)
    w.first = card
    m, v = card.model, card.validation
    assert m.state == ACTIVE and len(m.sha256) == 64 and m.HasField("activate_time"), card.promotion_reason
    assert [p for p in phases if p] == sorted(p for p in phases if p), phases
    assert card.seed == 7 and card.training_time.seconds < 30 and card.promotion_rule
    assert card.training_count + v.count == LEADS, (card.training_count, v.count)
    assert card.training_window.end_time.seconds <= card.validation_window.start_time.seconds + 1
    assert v.auc > 0.7 and v.log_loss < 0.65 and v.ece < 0.2, v
    assert len(v.bins) >= 5 and sum(b.count for b in v.bins) == v.count
    assert not card.HasField("previous")
    names = [i.signal for i in card.importance]
    assert "attr.budget" in names[:3], names[:5]
    assert all(0 <= i.coverage <= 1 and i.drift_psi >= 0 for i in card.importance)
    assert not any("won_at" in n for n in names), "an attribute named like the outcome was learned from"
    assert any("attr.won_at" in c for c in card.caveats), card.caveats
    assert w.root.call("Forecast/GetModelCard", id=m.id).card == card


def salesctl(w, *words):
    env = {**{k: v for k, v in os.environ.items() if not k.startswith("SALES_")},
           "SALES_ADDRESS": w.root.address, "SALES_API_KEY": w.root.key}
    return subprocess.run([SALESCTL, *words], env=env, check=True, capture_output=True, text=True, timeout=WAIT_S).stdout


def the_command_line_shows_it(w):
    text = salesctl(w, "model", "card", w.first.model.id)
    for want in ("active", "AUC", f"{w.first.validation.auc:.4f}", "attr.budget", "\u2588", "be careful", "rule "):
        assert want in text, want
    assert json.loads(salesctl(w, "model", "card", w.first.model.id, "--json"))["card"]["model"]["sha256"] == w.first.model.sha256
    assert w.first.model.id in salesctl(w, "model", "list", "--filter", 'state = "active"')
    *progress, last = [json.loads(line) for line in
                       salesctl(w, "model", "train", "--seed", "7", "--dry-run", "--from", "-500d", "--json").splitlines()]
    assert last["card"]["model"]["sha256"] == w.first.model.sha256 and all("progress" in m for m in progress)
    assert "log loss" in salesctl(w, "model", "train", "--seed", "9", "--dry-run")


def the_same_data_and_seed_give_the_same_bytes(w):
    again, _ = train(w.root, seed=7, validate_only=True)
    assert again.model.id != w.first.model.id
    assert again.model.sha256 == w.first.model.sha256
    assert again.model.state in (CANDIDATE, REJECTED), "nothing comes into use when it is only looked at"
    assert again.previous.count == again.validation.count, "the one in use is judged on the same cases"
    other, _ = train(w.root, seed=8, validate_only=True)
    assert other.model.sha256 != again.model.sha256
    assert [m.id for m in models(w.root, filter="state = ACTIVE")] == [w.first.model.id]


def a_repetition_is_the_same_training(w):
    request_id, n = str(uuid.uuid4()), len(models(w.root))
    fields = {"request_id": request_id, "seed": 3, "validate_only": True}
    first, _ = train(w.root, **fields)
    again, _ = train(w.root, **fields)
    assert first == again and len(models(w.root)) == n + 1
    e = w.root.refused("Forecast/TrainModel", **{**fields, "kind": LEAD_WIN, "seed": 4})
    assert (e.code, e.reason) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED"), e


def the_better_one_replaces_the_one_in_use(w):
    """What decides has turned round since, and only what is newer is learned from."""
    bring(w.root, LEADS, MORE, oldest_days=99, youngest_days=5, turned=True)
    card, _ = train(w.root, seed=1, window={"start_time": {"seconds": int(time.time()) - 99 * DAY_S}})
    assert card.model.state == ACTIVE, card.promotion_reason
    assert "neither has seen" in card.promotion_reason, card.promotion_reason
    assert card.previous.log_loss > card.validation.log_loss
    assert int(card.model.version) > int(w.first.model.version)
    assert [m.id for m in models(w.root, filter="state = ACTIVE")] == [card.model.id]
    assert [m.id for m in models(w.root, filter="state = RETIRED")] == [w.first.model.id]
    entries = w.root.call("Admin/ListAuditEntries", page_size=500, filter=f'record_id = "{card.model.id}"').entries
    assert sorted(bool(e.after_digest) for e in entries) == [False, True], entries


def a_window_limits_what_is_learned_from(w):
    until = int(time.time()) - 150 * DAY_S
    card, _ = train(w.root, validate_only=True, window={"end_time": {"seconds": until}})
    assert card.training_count + card.validation.count < LEADS
    assert card.validation_window.end_time.seconds <= until


def roles_and_kinds(w):
    def person(role):
        name = f"r{role}"
        return w.root.like(w.root.call("Admin/CreateApiKey", api_key={
            "name": name, "subject": name, "roles": [role]}).secret)

    for role in (REP, AGENT, VIEWER, AUDITOR):
        assert person(role).refused("Forecast/TrainModel", kind=LEAD_WIN).code == "PERMISSION_DENIED"
    for role in (REP, AGENT):
        assert person(role).refused("Forecast/ListModels").code == "PERMISSION_DENIED"
    assert models(person(VIEWER)) and person(REP).call("Forecast/GetModelCard", id=w.first.model.id).card
    assert w.root.refused("Forecast/TrainModel", kind=DEAL_WIN).reason == "MODEL_KIND"
    assert w.root.refused("Forecast/GetModelCard", id=str(uuid.uuid4())).code == "NOT_FOUND"


def no_other_tenant_sees_it(w):
    made = w.root.call("Admin/CreateTenant", tenant={"key": "other"}, admin_subject="olga")
    other = w.root.like(made.secret)
    assert not models(other)
    assert other.refused("Forecast/GetModelCard", id=w.first.model.id).code == "NOT_FOUND"
    card, _ = train(other)
    assert card.training_count == 0 and card.model.state == REJECTED, card


def two_at_once(w):
    """The second is told to come back; both were asked at the same time."""
    results, start = [], threading.Barrier(2)

    def ask(seed):
        start.wait()
        try:
            results.append(train(w.root.like(w.root.key), seed=seed, validate_only=True)[0])
        except world.Refused as e:
            results.append(e)

    threads = [threading.Thread(target=ask, args=(s,)) for s in (21, 22)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    refused = [r for r in results if isinstance(r, world.Refused)]
    assert len(refused) == 1, results
    assert (refused[0].code, refused[0].reason) == ("ABORTED", "TRAINING_RUNNING"), refused[0]


def a_killed_server_publishes_once(w):
    """Killed at several moments: a training takes a few tenths of a second, before, in and after it."""
    for delay_s in (0.02, 0.1, 0.2, 0.4):
        kill_in_training(w, delay_s)


def kill_in_training(w, delay_s):
    n, fields = len(models(w.root)), {"request_id": str(uuid.uuid4()), "seed": 31, "validate_only": True}

    def ask():
        from sales.v1 import forecast_pb2 as pb

        stub = w.root.channel.unary_stream("/sales.v1.Forecast/TrainModel", pb.TrainModelRequest.SerializeToString,
                                           pb.TrainModelResponse.FromString)
        try:
            for _ in stub(pb.TrainModelRequest(kind=LEAD_WIN, **fields), timeout=WAIT_S,
                          metadata=[("authorization", f"Bearer {w.root.key}")]):
                pass
        except Exception:  # the server died: that is the point
            pass

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(delay_s)
    w.world.servers[-1].kill()
    w.world.servers.pop().wait()
    thread.join()
    w.root = w.world.start("--job-poll", "100ms")
    card, _ = train(w.root, **fields)
    assert card.model.state in (CANDIDATE, REJECTED) and len(models(w.root)) == n + 1, "not published once"
    time.sleep(1)
    assert len(models(w.root)) == n + 1, "published twice"


SCENARIOS = [too_little_is_said_and_the_prior_stays, outcomes_make_a_model, the_command_line_shows_it,
             the_same_data_and_seed_give_the_same_bytes,
             a_repetition_is_the_same_training, the_better_one_replaces_the_one_in_use,
             a_window_limits_what_is_learned_from, roles_and_kinds, no_other_tenant_sees_it, two_at_once,
             a_killed_server_publishes_once]


class Stage:
    """The server, its first admin, and the first model."""

    def __init__(self, w):
        self.world, self.root, self.first = w, w.start("--job-poll", "100ms"), None


def main():
    world.generate(SCRATCH / "py_models")
    world.learn()
    with tempfile.TemporaryDirectory(prefix="salesd-models-") as folder:
        w = world.World(SALESD, ENGINE, pathlib.Path(folder))
        try:
            stage = Stage(w)
            for scenario in SCENARIOS:
                began = time.monotonic()
                scenario(stage)
                print(f"ok {scenario.__name__.replace('_', ' ')} ({time.monotonic() - began:.1f} s)", flush=True)
            w.stop()
        finally:
            w.close()


main()
