#!/usr/bin/python3
"""One official gRPC interop case against interop_server.

usage: interop.py SERVER DESCRIPTOR_SET CASE
Cases and expectations: doc/interop-test-descriptions.md of the gRPC project.
"""
import os
import sys
import time

import grpc

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../support"))
from stub import Feed, Schema, Server, Stub, fails, same  # noqa: E402

SIZES = [31415, 9, 2653, 58979]
PAYLOADS = [27182, 8, 1828, 45904]
INITIAL, TRAILING = "x-grpc-test-echo-initial", "x-grpc-test-echo-trailing-bin"
CASES = {}


def case(f):
    CASES[f.__name__] = f
    return f


class Service(Stub):
    def __init__(self, schema, channel):
        super().__init__(schema, channel, "grpc.testing.TestService")
        self.other = Stub(schema, channel, "grpc.testing.UnimplementedService")
        self.message = lambda name: schema.message("grpc.testing." + name)

    def payload(self, n):
        return self.message("Payload")(body=bytes(n))

    def output(self, size=None, payload=0, interval_us=0, status=None):
        m = self.message("StreamingOutputCallRequest")(payload=self.payload(payload))
        for n in [] if size is None else size if isinstance(size, list) else [size]:
            m.response_parameters.add(size=n, interval_us=interval_us)
        if status:
            m.response_status.code, m.response_status.message = status
        return m


@case
def empty_unary(s):
    same(s.EmptyCall(s.message("Empty")()), s.message("Empty")())


@case
def large_unary(s):
    r = s.UnaryCall(s.message("SimpleRequest")(response_size=314159, payload=s.payload(271828)))
    same(len(r.payload.body), 314159)


@case
def client_streaming(s):
    make = s.message("StreamingInputCallRequest")
    r = s.StreamingInputCall(iter([make(payload=s.payload(n)) for n in PAYLOADS]))
    same(r.aggregated_payload_size, sum(PAYLOADS))


@case
def server_streaming(s):
    same([len(r.payload.body) for r in s.StreamingOutputCall(s.output(SIZES))], SIZES)


@case
def slow_consumer(s):
    sizes = [1030] * 2000
    got = []
    for r in s.StreamingOutputCall(s.output(sizes)):
        got.append(len(r.payload.body))
        if len(got) % 100 == 0:
            time.sleep(0.05)
    same(got, sizes)


@case
def ping_pong(s):
    feed = Feed()
    call = s.FullDuplexCall(iter(feed))
    for size, payload in zip(SIZES, PAYLOADS):
        feed.put(s.output(size, payload))
        same(len(next(call).payload.body), size)
    feed.close()
    same(list(call), [])
    same(call.code(), grpc.StatusCode.OK)


@case
def half_duplex(s):
    same([len(r.payload.body) for r in s.HalfDuplexCall(iter([s.output(n) for n in SIZES]))], SIZES)


@case
def empty_stream(s):
    call = s.FullDuplexCall(iter([]))
    same(list(call), [])
    same(call.code(), grpc.StatusCode.OK)


@case
def cancel_after_begin(s):
    feed = Feed()
    future = s.StreamingInputCall.future(iter(feed))
    future.cancel()
    same(future.code(), grpc.StatusCode.CANCELLED)
    feed.close()


@case
def cancel_after_first_response(s):
    feed = Feed()
    call = s.FullDuplexCall(iter(feed))
    feed.put(s.output(SIZES[0], PAYLOADS[0]))
    same(len(next(call).payload.body), SIZES[0])
    call.cancel()
    same(fails(grpc.StatusCode.CANCELLED, lambda: next(call)).code(), grpc.StatusCode.CANCELLED)
    feed.close()


@case
def timeout_on_sleeping_server(s):
    feed = Feed()
    feed.put(s.output(31415, 27182, interval_us=5000000))
    call = s.FullDuplexCall(iter(feed), timeout=0.001)
    fails(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: list(call))
    feed.close()
    start = time.time()
    call = s.StreamingOutputCall(s.output([1, 1], interval_us=5000000), timeout=0.3)
    fails(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: list(call))
    assert time.time() - start < 4.5, "the deadline was not kept"


@case
def status_code_and_message(s):
    m = s.message("SimpleRequest")()
    m.response_status.code, m.response_status.message = 2, "test status message"
    e = fails(grpc.StatusCode.UNKNOWN, lambda: s.UnaryCall(m))
    same(e.details(), "test status message")
    call = s.FullDuplexCall(iter([s.output(status=(2, "test status message"))]))
    e = fails(grpc.StatusCode.UNKNOWN, lambda: list(call))
    same(e.details(), "test status message")


@case
def special_status_message(s):
    text = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
    m = s.message("SimpleRequest")()
    m.response_status.code, m.response_status.message = 2, text
    same(fails(grpc.StatusCode.UNKNOWN, lambda: s.UnaryCall(m)).details(), text)


@case
def custom_metadata(s):
    metadata = ((INITIAL, "test_initial_metadata_value"), (TRAILING, b"\xab\xab\xab"))

    def check(call):
        same(dict(call.initial_metadata()).get(INITIAL), "test_initial_metadata_value")
        same(dict(call.trailing_metadata()).get(TRAILING), b"\xab\xab\xab")

    m = s.message("SimpleRequest")(response_size=314159, payload=s.payload(271828))
    check(s.UnaryCall.with_call(m, metadata=metadata)[1])
    call = s.FullDuplexCall(iter([s.output(31415, 27182)]), metadata=metadata)
    same(len(list(call)), 1)
    check(call)


@case
def unimplemented_method(s):
    fails(grpc.StatusCode.UNIMPLEMENTED, lambda: s.UnimplementedCall(s.message("Empty")()))


@case
def unimplemented_service(s):
    fails(grpc.StatusCode.UNIMPLEMENTED, lambda: s.other.UnimplementedCall(s.message("Empty")()))


def main():
    server, descriptors, name = sys.argv[1:4]
    with Server(server) as process, grpc.insecure_channel(process.address) as channel:
        CASES[name](Service(Schema(descriptors), channel))


main()
