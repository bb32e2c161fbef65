"""What the Python tests share: calls by method name from a descriptor set, a server process, checks."""
import queue
import signal
import subprocess
import time

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


class Schema:
    def __init__(self, path):
        pool = descriptor_pool.DescriptorPool()
        self.files = descriptor_pb2.FileDescriptorSet()
        with open(path, "rb") as f:
            self.files.ParseFromString(f.read())
        for f in self.files.file:
            pool.Add(f)
        self.pool, self.factory = pool, message_factory.MessageFactory(pool)

    def message(self, name):
        """The class of a message by its full name."""
        return self.factory.GetPrototype(self.pool.FindMessageTypeByName(name))


class Stub:
    """The methods of one service on a channel, as attributes."""

    def __init__(self, schema, channel, service):
        shapes = {(False, False): channel.unary_unary, (False, True): channel.unary_stream,
                  (True, False): channel.stream_unary, (True, True): channel.stream_stream}
        for f in schema.files.file:
            for s in f.service:
                if f"{f.package}.{s.name}" != service:
                    continue
                for m in s.method:
                    out = schema.message(m.output_type[1:])
                    make = shapes[(m.client_streaming, m.server_streaming)]
                    setattr(self, m.name, make(f"/{service}/{m.name}",
                                               lambda x: x.SerializeToString(), out.FromString))


class Server:
    """A server process that prints "ready PORT..." and ends on SIGTERM."""

    def __init__(self, *args, code=0):
        self.want = code
        self.process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        words = self.process.stdout.readline().split()
        self.ports = [int(w) for w in words[1:]]
        self.address = f"127.0.0.1:{self.ports[0]}" if self.ports else None
        if not words:
            self.finish()

    def finish(self):
        self.text = self.process.communicate(timeout=30)[1]
        return self.process.returncode

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.finish()

    def peak_kb(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return int(next(x for x in f if x.startswith("VmHWM")).split()[1])

    def rss_kb(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return int(next(x for x in f if x.startswith("VmRSS")).split()[1])

    def __enter__(self):
        return self

    def __exit__(self, kind, *rest):
        try:
            code = self.stop() if self.process.returncode is None else self.process.returncode
        finally:
            self.process.kill()
        if code != self.want:
            raise AssertionError(f"the server exited {code}, want {self.want}\n{self.text}")


class Feed:
    """A request iterator that is fed by hand."""

    def __init__(self, *first):
        self.queue = queue.Queue()
        for m in first:
            self.put(m)

    def put(self, m):
        self.queue.put(m)

    def close(self):
        self.queue.put(None)

    def __iter__(self):
        return iter(self.queue.get, None)


def same(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}, want {want!r}")


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def fails(code, f):
    try:
        f()
    except grpc.RpcError as e:
        same(e.code(), code)
        return e
    raise AssertionError(f"succeeded, want {code}")


def eventually(f, seconds=5):
    """Waits until f() holds; its last value."""
    until = time.time() + seconds
    while True:
        got = f()
        if got or time.time() > until:
            check(got, "did not come true in time")
            return got
        time.sleep(0.02)
