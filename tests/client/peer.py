#!/usr/bin/python3
"""A server that does what the id of a lead asks for, to test the client against.

usage: peer.py DESCRIPTOR_SET ADDRESS [--tls CERT KEY]
Prints "ready PORT" (0 for unix sockets) once it listens. Ids are words "key=value":
  fail=UNAVAILABLE times=2   the first two calls with this id fail so (default: all)
  retry_ms=50 detail=1       with RetryInfo / with every kind of detail
  sleep_ms=500               before the answer
  garbage=1                  an answer that is no message
"""
import sys
import threading
import time
from concurrent import futures

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

pool = descriptor_pool.DescriptorPool()
factory = message_factory.MessageFactory(pool)


def load(path):
    files = descriptor_pb2.FileDescriptorSet()
    with open(path, "rb") as f:
        files.ParseFromString(f.read())
    for f in files.file:
        pool.Add(f)


def message(name):
    return factory.GetPrototype(pool.FindMessageTypeByName(name))


def add_any(status, m):
    a = status.details.add()
    a.type_url = "type.googleapis.com/" + m.DESCRIPTOR.full_name
    a.value = m.SerializeToString()


def details(code, text, ask):
    status = message("google.rpc.Status")(code=code.value[0], message=text)
    if "detail" in ask:
        info = message("google.rpc.ErrorInfo")(reason="STAGE_GUARD", domain="sales.v1")
        info.metadata["guard"] = "amount_set"
        add_any(status, info)
        bad = message("google.rpc.BadRequest")()
        bad.field_violations.add(field="lead.email", description="must be an address")
        bad.field_violations.add(field="lead.phone", description="at most 40 characters")
        add_any(status, bad)
        pre = message("google.rpc.PreconditionFailure")()
        pre.violations.add(type="STAGE_GUARD", subject="deal.amount", description="set the amount")
        add_any(status, pre)
        add_any(status, message("google.rpc.Help")())  # one that the client does not know
    if "retry_ms" in ask:
        retry = message("google.rpc.RetryInfo")()
        retry.retry_delay.FromMilliseconds(int(ask["retry_ms"]))
        add_any(status, retry)
    return status.SerializeToString()


class Peer:
    def __init__(self):
        self.lock = threading.Lock()
        self.seen = {}

    def count(self, key):
        with self.lock:
            self.seen[key] = self.seen.get(key, 0) + 1
            return self.seen[key]

    def obey(self, script, context):
        """Fails as the script says; returns how often it was called."""
        ask = dict(w.split("=", 1) for w in script.split() if "=" in w)
        n = self.count(script)
        if "sleep_ms" in ask:
            time.sleep(int(ask["sleep_ms"]) / 1000)
        if "fail" in ask and n <= int(ask.get("times", 1 << 30)):
            code = grpc.StatusCode[ask["fail"]]
            text = "attempt %d: as asked" % n
            trailer = []
            if "detail" in ask or "retry_ms" in ask:
                trailer.append(("grpc-status-details-bin", details(code, text, ask)))
            if "broken_detail" in ask:
                trailer.append(("grpc-status-details-bin", b"\xff\xff garbage"))
            context.set_trailing_metadata(trailer)
            context.abort(code, text)
        return n, ask

    def get_lead(self, raw, context):
        request = message("sales.v1.GetLeadRequest").FromString(raw)
        n, ask = self.obey(request.id, context)
        if "garbage" in ask:
            return b"\x0a\xff\xff\xff"
        headers = {k: v for k, v in context.invocation_metadata()}
        context.send_initial_metadata([("x-request-id", headers.get("x-request-id", "made-here"))])
        reply = message("sales.v1.GetLeadResponse")()
        reply.lead.id = request.id
        reply.lead.full_name = str(n)
        reply.lead.external_id = headers.get("authorization", "")
        reply.lead.source = headers.get("traceparent", "")
        reply.lead.tags.append(headers.get("user-agent", ""))
        if "bytes" in ask:
            reply.lead.tags.append("x" * int(ask["bytes"]))
        return reply.SerializeToString()

    def create_lead(self, raw, context):
        request = message("sales.v1.CreateLeadRequest").FromString(raw)
        with self.lock:
            self.seen.setdefault("ids", []).append(request.request_id)
        self.obey(request.lead.external_id, context)
        reply = message("sales.v1.CreateLeadResponse")(created=True)
        reply.lead.CopyFrom(request.lead)
        reply.normalized_fields.extend(self.seen["ids"])
        return reply.SerializeToString()

    def import_leads(self, requests, context):
        wrap = message("sales.v1.ImportLeadsResponse")
        rows = 0
        for raw in requests:
            request = message("sales.v1.ImportLeadsRequest").FromString(raw)
            if request.WhichOneof("message") == "open":
                yield wrap(ready={"max_rows_per_message": 1000}).SerializeToString()
                continue
            reply = wrap()
            for row in request.rows.rows:
                rows += 1
                if row.lead.external_id:
                    self.obey(row.lead.external_id, context)
                reply.results.results.add(row_number=row.row_number, outcome=1)
            yield reply.SerializeToString()
        yield wrap(summary={"rows": rows}).SerializeToString()

    def watch_leads(self, raw, context):
        request = message("sales.v1.WatchLeadsRequest").FromString(raw)
        ask = dict(w.split("=", 1) for w in request.filter.split() if "=" in w)
        for i in range(int(ask.get("events", 1 << 30))):
            reply = message("sales.v1.WatchLeadsResponse")(resume_token=str(i))
            if "bytes" in ask:
                reply.event.lead.tags.append("x" * int(ask["bytes"]))
            yield reply.SerializeToString()
            time.sleep(float(ask.get("every_ms", 10)) / 1000)
        self.obey(request.filter, context)


def handlers(peer):
    return grpc.method_handlers_generic_handler("sales.v1.SalesAgent", {
        "GetLead": grpc.unary_unary_rpc_method_handler(peer.get_lead),
        "CreateLead": grpc.unary_unary_rpc_method_handler(peer.create_lead),
        "ImportLeads": grpc.stream_stream_rpc_method_handler(peer.import_leads),
        "WatchLeads": grpc.unary_stream_rpc_method_handler(peer.watch_leads),
    })


def main():
    load(sys.argv[1])
    server = grpc.server(futures.ThreadPoolExecutor(16), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((handlers(Peer()),))
    if len(sys.argv) > 4 and sys.argv[3] == "--tls":
        cert, key = (open(p, "rb").read() for p in sys.argv[4:6])
        port = server.add_secure_port(sys.argv[2], grpc.ssl_server_credentials([(key, cert)]))
    else:
        port = server.add_insecure_port(sys.argv[2])
    server.start()
    print("ready", port, flush=True)
    sys.stdin.read()  # until the test is gone


main()
