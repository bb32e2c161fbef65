"""A salesd of its own on an embedded store, and what the evaluation asks of it: import, train, score.
Nothing here looks into the store: the public contract alone."""
import os
import sys
import tempfile
import uuid
from concurrent.futures import ThreadPoolExecutor

import grpc

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../support"))
from servers import ROOT, Failed, salesd, start_salesd  # noqa: E402
from stub import Schema, Stub  # noqa: E402

UNLIMITED = ("--tenant-rate", "1000000", "--tenant-burst", "10000000", "--log-level", "warn")
ROWS, BATCH, CALLERS = 500, 5000, 4
WAIT_S = 600


class Desk:
    """Context of one tenant on one server."""

    def __init__(self, *flags):
        self.folder = tempfile.TemporaryDirectory(prefix="salesd-eval.")
        self.schema = Schema(os.path.join(ROOT, "build/release/gen/sales_descriptor_set.pb"))
        store = f"sqlite:{self.folder.name}/sales.db"
        self.server = start_salesd(salesd("release"), store, self.folder.name, "eval", (*UNLIMITED, *flags))
        self.channel = grpc.insecure_channel(self.server.address)
        self.stubs = {s: Stub(self.schema, self.channel, f"sales.v1.{s}") for s in ("SalesAgent", "Forecast", "Admin")}

    def message(self, name, /, **fields):
        return self.schema.message(f"sales.v1.{name}")(**fields)

    def call(self, method, request=None, /, timeout=WAIT_S, **fields):
        """The answer of "Service/Method"; of a stream: an iterator."""
        service, name = method.split("/")
        request = request if request is not None else self.message(f"{name}Request", **fields)
        return getattr(self.stubs[service], name)(request, timeout=timeout,
                                                  metadata=(("authorization", f"Bearer {self.server.key}"),))

    def lead(self, case, is_told):
        """A case as a lead; with its outcome where it is told."""
        m = self.message("Lead", external_id=case.name)
        m.created_at.FromSeconds(int(case.born))
        for name, value in case.columns.items():
            if isinstance(value, str):
                m.attributes[name].string_value = value
            elif value is not None:
                m.attributes[name].number_value = value
        if is_told:
            m.outcome = 1 if case.won else 2
            m.closed_at.FromSeconds(int(case.closed))
        return m

    def load(self, cases, is_told, change=None):
        """Imports the cases; name -> id. change(case, lead) may alter a lead before it is sent."""
        def requests():
            open_ = self.message("ImportOpen", import_id=str(uuid.uuid4()), total_rows=len(cases), label="evaluation")
            yield self.message("ImportLeadsRequest", open=open_)
            for at in range(0, len(cases), ROWS):
                rows = []
                for number, case in enumerate(cases[at:at + ROWS], at + 1):
                    lead = self.lead(case, is_told)
                    if change:
                        change(case, lead)
                    rows.append(self.message("ImportRow", row_number=number, lead=lead))
                yield self.message("ImportLeadsRequest", rows=self.message("ImportRows", rows=rows))

        ids, summary = {}, None
        for answer in self.call("SalesAgent/ImportLeads", requests()):
            kind = answer.WhichOneof("message")
            if kind == "results":
                for r in answer.results.results:
                    if not r.lead_id:
                        raise Failed(f"row {r.row_number} of the import: {r}")
                    ids[cases[r.row_number - 1].name] = r.lead_id
            elif kind == "summary":
                summary = answer.summary
        if summary is None or summary.created != len(cases):
            raise Failed(f"{len(cases)} leads were sent, the import says {summary}")
        return ids

    def train(self, seed=1, **fields):
        """The card of a new model."""
        answers = list(self.call("Forecast/TrainModel", kind=1, seed=seed, **fields))
        if not answers or answers[-1].WhichOneof("message") != "card":
            raise Failed("the training ended without a card")
        return answers[-1].card

    def qualify(self, lead_id, seen=None, patience_s=WAIT_S, **fields):
        request = self.message("QualifyLeadRequest", id=lead_id, **fields)
        if seen is not None:
            request.as_of.FromSeconds(int(seen))
        return self.call("SalesAgent/QualifyLead", request, timeout=patience_s)

    def scores(self, cases, ids):
        """Scores of the cases as of the instant that each was seen, nothing stored."""
        def one(case):
            return self.qualify(ids[case.name], case.seen, validate_only=True, insight_mode=1).score
        with ThreadPoolExecutor(CALLERS) as pool:
            return list(pool.map(one, cases))

    def batch(self, ids, **fields):
        """Results by lead id of BatchQualifyLeads."""
        found = {}
        for at in range(0, len(ids), BATCH):
            target = self.message("LeadIds", ids=ids[at:at + BATCH])
            for answer in self.call("SalesAgent/BatchQualifyLeads", lead_ids=target, **fields):
                if answer.WhichOneof("message") == "results":
                    found.update((r.lead_id, r) for r in answer.results.results)
        return found

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()
        self.server.stop()
        self.folder.cleanup()
