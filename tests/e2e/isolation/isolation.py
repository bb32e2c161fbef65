#!/usr/bin/python3
"""isolation.py SALESD SCRATCH ENGINE [ROUNDS] [SEED]: one tenant tries to reach another's records.

The victim has records of every kind that can be made. The intruder, an admin of its own tenant,
calls every served method again and again with what it should not have: the victim's ids, etags,
page and resume tokens, request ids, addresses and names. No answer and no error may hold anything
of the victim, a foreign id must look exactly like an unknown one, and in the end the victim's
records must be as they were.
"""
import collections
import json
import pathlib
import random
import re
import sys
import tempfile
import uuid

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import valid_request  # noqa: E402
import world  # noqa: E402

SALESD, SCRATCH, ENGINE = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
ROUNDS = int(sys.argv[4]) if len(sys.argv) > 4 else 12
SEED = int(sys.argv[5]) if len(sys.argv) > 5 else 1
MARK = "zqxvictim"  # in every text of the victim
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TELLTALE = re.compile(MARK + r"[\w .@-]*|" + UUID.pattern)  # also inside of JSON lines
STREAM_S = 0.25  # WatchLeads and its like go on until we leave
NEVER_VALID = {"ImportLeads"}  # refuse a random stream of messages; called by hand below


def leaves(value):
    """Every text in JSON, names aside."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for one in value for text in leaves(one)]
    return [value] if isinstance(value, str) else []


def pieces(text):
    """An export is lines of JSON in a text: what is in them; of any other text, the text."""
    try:
        return [leaf for line in text.splitlines() for leaf in leaves(json.loads(line))] if text[:1] == "{" else [text]
    except ValueError:
        return [text]


def texts(message):
    """Every text in a message, at any depth."""
    for field, value in message.ListFields():
        many = value if field.label == field.LABEL_REPEATED else [value]
        if field.label == field.LABEL_REPEATED and hasattr(value, "items"):  # a map
            many = [x for pair in value.items() for x in pair]
        for one in many:
            if hasattr(one, "ListFields"):
                yield from texts(one)
            elif isinstance(one, bytes):
                yield from pieces(one.decode("latin-1"))
            elif isinstance(one, str):
                yield from pieces(one)


def call(client, name, messages):
    """(messages received, error or None); a stream that goes on is left after STREAM_S."""
    method, proto = world.METHODS[name], None
    proto = world.PROTOS[method.full_name]
    answers = []
    try:
        for m in open_call(client, method, proto, messages):
            answers.append(m)
    except grpc.RpcError as e:
        if proto.server_streaming and e.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
            return answers, None
        return answers, world.Refused(e)
    return answers, None


def classes(method):
    from google.protobuf import message_factory as factory

    get = getattr(factory, "GetMessageClass", None) or factory.MessageFactory().GetPrototype
    return get(method.input_type), get(method.output_type)


def open_call(client, method, proto, messages):
    kind = {(False, False): "unary_unary", (False, True): "unary_stream",
            (True, True): "stream_stream"}[proto.client_streaming, proto.server_streaming]
    stub = getattr(client.channel, kind)(
        f"/{method.containing_service.full_name}/{method.name}",
        lambda m: m.SerializeToString(), classes(method)[1].FromString)
    answer = stub(iter(messages) if proto.client_streaming else messages[0],
                  timeout=STREAM_S if proto.server_streaming else world.TIMEOUT_S,
                  metadata=[("authorization", f"Bearer {client.key}")])
    return answer if proto.server_streaming else [answer]


class Victim:
    """Somebody with records of every kind, and a list of all that names them."""

    def __init__(self, client):
        self.client, self.found = client, collections.defaultdict(set)
        self.make()
        self.before = self.records()

    def keep(self, message):
        for text in texts(message):
            if UUID.fullmatch(text):
                self.found["uuid"].add(text)
        for field in message.DESCRIPTOR.fields:
            if "token" in field.name and getattr(message, field.name):
                self.found["token"].add(getattr(message, field.name))
        return message

    def call(self, name, **fields):
        return self.keep(self.client.call(name, **fields))

    def make(self):
        self.found["email"] = {f"{MARK}{i}@victim.example" for i in range(4)}
        self.found["phone"] = {f"+49309018201{i}" for i in range(4)}
        self.found["name"] = {f"{MARK}-{what}" for what in ("owner", "team", "ext-0", "ext-1")}
        for i in range(4):
            request_id = str(uuid.uuid4())
            self.found["uuid"].add(request_id)
            lead = self.call("SalesAgent/CreateLead", request_id=request_id, lead={
                "full_name": f"{MARK} Person {i}", "email": f"{MARK}{i}@victim.example",
                "phone": f"+49309018201{i}", "external_id": f"{MARK}-ext-{i}", "tags": [MARK],
                "owner_id": f"{MARK}-owner", "company": {"name": f"{MARK} GmbH {i}", "domain": "victim.example"}}).lead
            self.found["etag"].add(lead.etag)
            for k in range(2):
                self.call("SalesAgent/LogActivity", activity={
                    "lead_id": lead.id, "kind": 1, "event": 1, "subject": f"{MARK} subject",
                    "occurred_at": {"seconds": 1700000000 + k}})
            self.call("SalesAgent/QualifyLead", id=lead.id)
        deal = self.call("SalesAgent/CreateDeal", deal={
            "name": f"{MARK} deal", "lead_id": lead.id,
            "amount": {"amount_minor": 990000, "currency_code": "EUR"}}).deal
        self.found["etag"].add(deal.etag)
        self.call("Admin/CreateApiKey", api_key={"name": MARK, "subject": f"{MARK}-robot", "roles": [2]})
        for name, fields in (("Admin/CreateWebhook", {"webhook": {
                "url": f"https://{MARK}.example/in", "description": MARK}}),):
            try:
                self.call(name, **fields)
            except world.Refused as e:
                assert e.code == "UNIMPLEMENTED", e
        for name in lists():
            try:
                self.call(name, page_size=1)
            except world.Refused as e:
                assert e.code in ("UNIMPLEMENTED", "INVALID_ARGUMENT", "NOT_FOUND"), (name, e)
        for m in call(self.client, "SalesAgent/WatchLeads",
                      [classes(world.METHODS["SalesAgent/WatchLeads"])[0](heartbeat_period={"seconds": 1})])[0]:
            self.keep(m)

    def records(self):
        """All that must not change; what the server itself moves on aside: times of use, the growing trail, jobs that
        run, and how a webhook's address does."""
        out = {}
        for name in lists():
            if "Audit" in name or name == "Admin/ListJobs":
                continue
            try:
                answer = self.client.call(name)
            except world.Refused:
                continue
            for key in getattr(answer, "api_keys", ()):
                key.ClearField("last_use_time")
            for hook in getattr(answer, "webhooks", ()):
                for field in [f.name for f, _ in hook.ListFields() if f.name not in ("id", "url", "event_types")]:
                    hook.ClearField(field)
            out[name] = answer.SerializeToString(deterministic=True)
        out["tenant"] = self.client.call("Admin/GetTenant").SerializeToString(deterministic=True)
        return out


def lists():
    return [n for n, m in world.METHODS.items()
            if m.name.startswith("List") and "page_size" in m.input_type.fields_by_name]


class Intruder:
    def __init__(self, client, victim, own):
        self.client, self.victim, self.own = client, victim, own
        self.random = random.Random(SEED)
        self.maker = valid_request.Maker(self.choose, SEED)
        self.seen = collections.defaultdict(collections.Counter)
        self.pools = {k: sorted(v) for k, v in victim.found.items()}
        self.wrong, self.last = [], {}
        self.sent = set()  # the intruder's records may hold what it wrote itself

    def choose(self, name, kind):
        pool = self.pools.get(kind)
        if kind == "text":
            return self.random.choice(["x", MARK]) if name in ("search", "reason") else None
        if name == "request_id":
            return self.random.choice([str(uuid.uuid4()), self.random.choice(self.pools["uuid"])])
        if kind == "etag":
            return self.random.choice(["", self.random.choice(pool)])
        if kind == "token":
            return self.random.choice(["", "", self.random.choice(pool)]) if pool else ""
        if kind == "uuid" and self.random.random() < 0.25:
            return self.random.choice(self.own)
        return self.random.choice(pool) if pool else None

    def attack(self, name):
        request = self.maker.fill(classes(world.METHODS[name])[0]())
        if "policy" in request.DESCRIPTOR.fields_by_name:  # it would refuse most of what follows
            request.policy.ClearField("max_requests_per_second")
        answers, error = call(self.client, name, [request])
        self.seen[name][error.code if error else "OK"] += 1
        self.last[name] = error
        self.sent.update(t.lower() for t in texts(request))
        for answer in answers:
            for text in (m[0] for whole in texts(answer) for m in TELLTALE.finditer(whole.lower())):
                if text not in self.sent and (text in self.victim.found["uuid"] or MARK in text):
                    self.wrong.append(f"{name} answered with what is the victim's: {text} to {request!s:.300}")
        said = f"{error.text} {error.metadata} {error.fields}".lower() if error else ""
        for text in self.victim.found["uuid"] | {MARK}:
            if text in said and not any(text in t for t in self.sent):
                self.wrong.append(f"{name} refused with what is the victim's: {error}")

    def compare(self, name):
        """A foreign id and an unknown one, in the same request."""
        request = self.maker.fill(classes(world.METHODS[name])[0]())
        request.ClearField("request_id") if "request_id" in request.DESCRIPTOR.fields_by_name else None
        raw, unknown, replies, made = request.SerializeToString(), {}, [], set()
        self.sent.update(t.lower() for t in texts(request))
        foreign = {t for t in texts(request) if t in self.victim.found["uuid"]}
        for text in foreign:
            unknown[text] = str(uuid.UUID(int=uuid.UUID(text).int ^ self.random.getrandbits(60)))
        for a, b in [({}, raw), (unknown, raw)]:
            for old, new in a.items():
                b = b.replace(old.encode(), new.encode())
            answers, error = call(self.client, name, [type(request).FromString(b)])
            if error and made & set(error.metadata.values()):
                return  # it met the record that the first request has just made
            made.update(t for answer in answers for t in texts(answer))
            shown = (f"{error.code} {error.reason} {error.text} {sorted(error.metadata.items())} "
                     f"{sorted(error.fields.items())} {error.preconditions}" if error else f"OK {len(answers)}")
            for old, new in unknown.items():
                shown = shown.replace(new, old)
            replies.append(UUID.sub("-", shown) if not error else shown)
        if foreign and replies[0] != replies[1]:
            self.wrong.append(f"{name} tells a foreign id from an unknown one: {replies}")


def imports(intruder):
    """A row with the victim's external id and address is a new lead of the intruder's."""
    make = classes(world.METHODS["SalesAgent/ImportLeads"])[0]
    rows = [{"row_number": i + 1, "lead": {"full_name": "Own", "external_id": f"{MARK}-ext-{i}",
                                          "email": f"{MARK}{i}@victim.example"}} for i in range(4)]
    intruder.sent.update(t for row in rows for t in row["lead"].values())
    intruder.sent.add(intruder.pools["uuid"][0])  # refused calls are on its trail with what they named
    answers, error = call(intruder.client, "SalesAgent/ImportLeads", [
        make(open={"import_id": intruder.pools["uuid"][0]}), make(rows={"rows": rows})])
    assert error is None, error
    for answer in answers:
        assert not set(texts(answer)) & intruder.victim.found["uuid"] - {intruder.pools["uuid"][0]}, answer
    assert any("created: 4" in str(a) for a in answers), answers


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


def refused_all(intruder, name):
    """Whether validation let nothing through."""
    return set(intruder.seen[name]) <= {"INVALID_ARGUMENT"}


def run(w):
    root = w.start()
    clients = [root.like(root.call("Admin/CreateTenant", tenant={"key": key}, admin_subject="ada").secret)
               for key in ("acme", "evil")]
    served = {m.split(".", 2)[2] for m in root.call("Admin/GetServerInfo").methods}
    victim = Victim(clients[0])
    own = [clients[1].call("SalesAgent/CreateLead", lead={"full_name": "Own"}).lead.id for _ in range(3)]
    intruder = Intruder(clients[1], victim, own)
    imports(intruder)
    names = sorted(n for n in world.METHODS if n in served and world.METHODS[n].name not in NEVER_VALID)
    for _ in range(ROUNDS):
        for name in names:
            if world.METHODS[name].name not in ("RevokeApiKey", "UpdateTenantPolicy"):
                intruder.compare(name)
            intruder.attack(name)
    # Requests are random: a method with many rules may need more of them to get past validation.
    for name in [n for n in names if refused_all(intruder, n)]:
        for _ in range(20 * ROUNDS):
            if not refused_all(intruder, name):
                break
            intruder.attack(name)
    for line in intruder.wrong[:20]:
        print(line)
    for name in names:
        print(f"{name:40} {dict(intruder.seen[name])}")
    stuck = [n for n in names if refused_all(intruder, n)]
    assert not stuck, "never got past validation: " + "; ".join(f"{n}: {intruder.last[n]}" for n in stuck)
    assert not intruder.wrong, f"{len(intruder.wrong)} leaks"
    after = victim.records()
    changed = [n for n in victim.before if victim.before[n] != after.get(n)]
    assert not changed, f"the intruder changed the victim's records: {changed}"
    calls = sum(sum(c.values()) for c in intruder.seen.values())
    print(f"{len(names)} methods, {calls} calls with what is another tenant's: 0 foreign rows, seed {SEED}")


main()
