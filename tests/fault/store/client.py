"""A client of SalesAgent on grpcio, with messages made from the .proto files at run time, and one
import that remembers exactly what the server acknowledged."""
import os
import queue
import subprocess
import threading

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from servers import ROOT, Failed

SERVICE = "sales.v1.SalesAgent"
CALL_S, IMPORT_S = 30, 120
OUTCOMES = {"CREATED": 1, "DUPLICATE": 3, "ALREADY_DONE": 5}


class Contract:
    """Message classes by name, e.g. contract.Lead."""

    def __init__(self, folder):
        path = os.path.join(folder, "contract.desc")
        subprocess.run(["protoc", f"-I{ROOT}/proto", "-I/usr/include", "--include_imports",
                        f"--descriptor_set_out={path}", "sales/v1/sales_agent.proto"], check=True)
        with open(path, "rb") as f:
            files = descriptor_pb2.FileDescriptorSet.FromString(f.read())
        self._pool = descriptor_pool.DescriptorPool()
        for file in files.file:
            self._pool.AddSerializedFile(file.SerializeToString())
        self._factory = message_factory.MessageFactory(self._pool)
        self._service = self._pool.FindServiceByName(SERVICE)

    def __getattr__(self, name):
        return self._factory.GetPrototype(self._pool.FindMessageTypeByName(f"sales.v1.{name}"))

    def method(self, name):
        m = self._service.FindMethodByName(name)
        return self._factory.GetPrototype(m.input_type), self._factory.GetPrototype(m.output_type)


class Client:
    """One connection to one life of the server."""

    def __init__(self, contract, server):
        self.contract = contract
        self.metadata = (("authorization", f"Bearer {server.key}"),)
        self.channel = grpc.insecure_channel(server.address, options=[
            ("grpc.max_receive_message_length", 64 << 20), ("grpc.use_local_subchannel_pool", 1)])

    def close(self):
        self.channel.close()

    def call(self, name, **fields):
        request, reply = self.contract.method(name)
        stub = self.channel.unary_unary(f"/{SERVICE}/{name}", request.SerializeToString, reply.FromString)
        return stub(request(**fields), metadata=self.metadata, timeout=CALL_S)

    def list_all(self, **fields):
        token, found = "", []
        while True:
            page = self.call("ListLeads", page_size=500, page_token=token, **fields)
            found.extend(page.leads)
            token = page.next_page_token
            if not token:
                return found

    def import_stream(self, requests):
        request, reply = self.contract.method("ImportLeads")
        stub = self.channel.stream_stream(f"/{SERVICE}/ImportLeads", request.SerializeToString, reply.FromString)
        return stub(requests, metadata=self.metadata, timeout=IMPORT_S)


class Import:
    """What one stream was told: results by row, the checkpoint it started from, the summary."""

    def __init__(self):
        self.done_row_number, self.results, self.summary, self.error = None, {}, None, None


def run_import(client, import_id, resume, leads, options, on_ack=lambda n: None):
    """Sends leads as rows 1.. and stays at most `window` batches ahead of the answers. Ends with the
    stream, however that ends; on_ack(rows acknowledged so far) is called after every message."""
    c, out = client.contract, Import()
    to_send, free = queue.SimpleQueue(), threading.Semaphore(options.window)
    ended = threading.Event()

    def produce():
        to_send.put(c.ImportLeadsRequest(open=c.ImportOpen(import_id=import_id, resume=resume, total_rows=len(leads))))
        for at in range(0, len(leads), options.batch):
            while not free.acquire(timeout=0.1):
                if ended.is_set():
                    break
            if ended.is_set():
                break
            rows = [c.ImportRow(row_number=at + i + 1, lead=lead) for i, lead in enumerate(leads[at:at + options.batch])]
            to_send.put(c.ImportLeadsRequest(rows=c.ImportRows(rows=rows)))
        to_send.put(None)

    producer = threading.Thread(target=produce, daemon=True)
    producer.start()
    try:
        for message in client.import_stream(iter(to_send.get, None)):
            kind = message.WhichOneof("message")
            if kind == "ready":
                out.done_row_number = message.ready.done_row_number
            elif kind == "results":
                for r in message.results.results:
                    out.results[r.row_number] = (r.outcome, r.lead_id, r.error.message)
                free.release()
            elif kind == "summary":
                out.summary = message.summary
            on_ack(len(out.results))
    except grpc.RpcError as e:
        out.error = e
    finally:
        ended.set()
        to_send.put(None)
        producer.join()
    return out


def require(condition, text):
    if not condition:
        raise Failed(text)
