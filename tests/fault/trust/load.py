"""What happens while the server dies: workers of every tenant, and somebody who administers."""
import concurrent.futures
import random
import threading
import time
import uuid

import grpc

from model import Worker
from servers import Failed
from world import PASSING
from stage import HOOK_EVENTS, TENANTS, Asker, Tenant

RUN_S = 90  # until the run of an approved proposal is made good


class Person(Worker):
    """A worker of model.py that notes what was acknowledged, erases some leads, and tries to see
    those of other tenants."""

    def __init__(self, tenant, number, seed, totals, stop):
        super().__init__(tenant, f"{tenant.name}-{number}", seed, totals)
        self.stop = stop

    def send(self, method, **fields):
        request, out = super().send(method, **fields)
        self.world.remember(method, request.message, request.answer)
        return request, out

    def peep(self):
        """At a record of another tenant."""
        others = [t for t in self.world.world.tenants if t is not self.world and t.ledger]
        if not others:
            return
        method, message, packed = self.rng.choice(self.rng.choice(others).ledger)
        if method != "CreateLead":
            return
        out = self.world.message("CreateLeadResponse").FromString(packed)
        if self.world.read("ListLeads", filter=f'source = "{message.lead.source}"').leads:
            self.totals["foreign"] += 1
        try:
            self.world.call("GetLead", self.world.message("GetLeadRequest", id=out.lead.id))
            self.totals["foreign"] += 1
        except grpc.RpcError as e:
            if e.code() == grpc.StatusCode.NOT_FOUND:
                self.totals["peeps"] += 1

    def step(self):
        self.n += 1
        lead = self.create_lead()
        self.log_activities(lead)
        self.update_lead(lead)
        self.qualify(lead)
        self.peep()
        fate = self.rng.random()
        if fate < 0.4:
            self.convert_and_move(lead)
        elif fate < 0.5:
            self.send("DeleteLead", id=lead.id)
        elif fate < 0.6:
            self.send("EraseSubject", subject=self.world.message("Subject", lead_id=lead.id), reason="asked for")

    def run(self, wrong):
        try:
            while not self.stop.is_set() and not wrong:
                self.step()
        except BaseException as e:  # whatever it was ends the run
            wrong.append(e)
        finally:
            self.close()


class Load:
    def __init__(self, world, seed, totals, people):
        self.stop, self.wrong, self.totals = threading.Event(), [], totals
        self.threads = [threading.Thread(target=Person(t, n, seed, totals, self.stop).run, args=(self.wrong,))
                        for t in world.tenants for n in range(people)]
        for t in self.threads:
            t.start()

    def check(self):
        if self.wrong:
            raise self.wrong[0]

    def end(self):
        self.stop.set()
        for t in self.threads:
            t.join()


class Provoker:
    """Does what a point needs to be reached, again and again until the server is dead."""

    def __init__(self, world, seed, totals):
        self.world, self.rng, self.totals = world, random.Random(seed), totals
        self.pool, self.n = concurrent.futures.ThreadPoolExecutor(3), 0
        self.error, self.thread, self.approved, self.trained = None, None, [], []

    def asker(self, tenant):
        return Asker(tenant, self.rng.random(), self.pool, self.totals)

    def make_tenant(self, name):
        operator = self.asker(self.world.tenants[0])
        out = operator.send("CreateTenant", admin_subject=f"admin-{name}", tenant=operator.world.message("Tenant", key=name, display_name=name))
        return Tenant(self.world, name, out.secret)

    def tenant(self):
        """Its first record needs its first keys."""
        self.n += 1
        extra = self.make_tenant(f"extra{self.n}_{self.rng.randrange(1 << 30)}")
        self.asker(extra).send("CreateLead", lead=extra.message("Lead", full_name="A", source="extra"))

    def rotate(self):
        """Refused while keys of many rotations wait to be retired: the kills keep them alive."""
        try:
            self.asker(self.rng.choice(self.world.tenants)).send("RotateDataKey")
        except Failed as e:
            if "RESOURCE_EXHAUSTED" not in str(e):
                raise
        time.sleep(0.3)

    def erase(self):
        tenant = self.rng.choice(self.world.tenants)
        lead = self.asker(tenant).send("CreateLead", lead=tenant.message("Lead", full_name="A", source="to erase"))
        self.asker(tenant).send("EraseSubject", subject=tenant.message("Subject", lead_id=lead.lead.id), reason="asked for")

    def propose(self):
        """A note that an approved proposal makes, once."""
        tenant = self.rng.choice(self.world.tenants)
        asker = self.asker(tenant)
        lead = asker.send("CreateLead", lead=tenant.message("Lead", full_name="A", source="to propose")).lead.id
        note = tenant.message("LogSalesActivityArgs", activity=tenant.message("Activity", lead_id=lead, kind="ACTIVITY_KIND_NOTE"))
        made = asker.send("ProposeAction", proposal=tenant.message("Proposal", log_sales_activity=note)).proposal
        asker.send("DecideProposal", id=made.id, verdict="VERDICT_APPROVE", arguments_sha256=made.arguments_sha256)
        self.approved.append((tenant, lead))
        time.sleep(0.02)

    def check_approved(self):
        """Each ran exactly once; a lease of a dead server lasts half a minute."""
        end = time.monotonic() + RUN_S
        for tenant, lead in self.approved:
            while not (found := tenant.read("ListActivities", lead_id=lead).activities):
                if time.monotonic() > end:
                    raise Failed("an approved proposal did not run")
                time.sleep(0.1)
            tenant.made_by_jobs.append(found[0].id)  # a second one is for facts.py to find
        self.approved.clear()

    def attempt_training(self, tenant, request):
        """The id of its model; None: not this time."""
        stub = tenant.world.channel.unary_stream(
            "/sales.v1.Forecast/TrainModel", lambda m: m.SerializeToString(),
            type(tenant.message("TrainModelResponse")).FromString)
        try:
            last = list(stub(request, metadata=(("authorization", f"Bearer {tenant.key or self.world.operator_key}"),),
                             timeout=RUN_S))[-1]
        except grpc.RpcError as e:
            if e.code() not in (*PASSING, grpc.StatusCode.ABORTED):
                raise Failed(f"TrainModel: {e.code()} {e.details()}") from e
            return None
        return last.card.model.id

    def train(self):
        tenant = self.rng.choice(self.world.tenants)
        request = tenant.message("TrainModelRequest", kind="MODEL_KIND_LEAD_WIN", request_id=str(uuid.uuid4()))
        self.trained.append((tenant, request))
        self.attempt_training(tenant, request)

    def check_trained(self):
        """Each request made one model, and no model is there that nobody asked for."""
        end, made = time.monotonic() + RUN_S, {}
        for tenant, request in self.trained:
            while not (model := self.attempt_training(tenant, request)):
                if time.monotonic() > end:
                    raise Failed("a training did not end")
                time.sleep(0.2)
            made.setdefault(tenant, set()).add(model)
        for tenant, models in made.items():
            tenant.models = getattr(tenant, "models", set()) | models
            there = {m.id for m in tenant.read("ListModels", page_size=500).models}
            if there != tenant.models:
                raise Failed(f"{len(there)} models of {len(tenant.models)} trainings")
        self.trained.clear()

    WAYS = {"proposal.run": propose, "model.fit": train, "model.publish": train, "key.create": tenant, "reseal.batch": rotate, "key.retire": rotate, "erase.unit": erase}

    def begin(self, point, process):
        way = self.WAYS.get(point)

        def work():
            try:
                while process.poll() is None:
                    way(self)
            except Failed as e:
                self.error = e

        if way:
            self.thread = threading.Thread(target=work)
            self.thread.start()

    def end(self):
        """What it had begun is finished by the next life of the server."""
        if self.thread:
            self.thread.join()
            self.thread = None
        if self.error:
            raise self.error
        self.check_approved()
        self.check_trained()


def furnish(world, seed, totals):
    """Tenants and their webhooks."""
    provoker = Provoker(world, seed, totals)
    for name in TENANTS[1:]:
        world.tenants.append(provoker.make_tenant(name))
    for tenant in world.tenants:
        for event in HOOK_EVENTS:
            place = f"{world.engine}-{tenant.name}-{len(tenant.hooks)}"
            made = provoker.asker(tenant).send("CreateWebhook", webhook=tenant.message(
                "Webhook", url=f"https://127.0.0.1:{world.receiver.port}/hook/{place}", event_types=[event]))
            world.receiver.ask(f"/plan/{place}", {"secrets": [made.secret]})
            tenant.hooks.append((place, event.rstrip("*")))
    return provoker
