"""What the leak test drives: salesd with all that it shows kept, and calls with all their errors kept."""
import os
import pathlib
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import grpc

import world
from places import wait_until

SALESD = sys.argv[1]
TIMEOUT_S, STREAM_S = 30, 0.2
REFLECT = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"


def message_class(descriptor):
    from google.protobuf import message_factory as factory

    return (getattr(factory, "GetMessageClass", None) or factory.MessageFactory().GetPrototype)(descriptor)


class Seen:
    """What others can see, by where."""

    def __init__(self):
        self.all = {}

    def add(self, where, data):
        self.all[where] = self.all.get(where, b"") + (data if isinstance(data, bytes) else data.encode()) + b"\n"

    def add_error(self, error):
        self.add("error text", f"{error.code()} {error.details()}")
        for key, value in error.trailing_metadata() or ():
            self.add("error trailers", key)
            self.add("error trailers", value)

    def judge(self, canaries):
        leaks = [(where, *leak) for where, data in self.all.items() for leak in sorted(canaries.found_in(data))]
        for where, name, how in leaks:
            print(f"LEAK: {name} ({how}) in {where}", file=sys.stderr)
        assert not leaks, f"{len(leaks)} leaks"


class Salesd:
    """One run; what it prints is kept in files. `env` and `flags` may hold secrets."""

    def __init__(self, folder, seen, *flags, env=None, user=None, binary=None):
        self.seen, self.out, self.err = seen, folder / "out", folder / "err"
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("SALES_", "GRPC_"))}
        with open(self.out, "wb") as out, open(self.err, "ab") as err:
            self.process = subprocess.Popen(
                [binary or SALESD, "--listen=127.0.0.1:0", "--http-listen=127.0.0.1:0", "--log-level=debug",
                 *[str(f) for f in flags]], stdout=out, stderr=err, env={**clean, **(env or {})}, user=user, cwd=folder)
        wait_until("salesd starts", lambda: b"salesd ready" in self.out.read_bytes() or self.process.poll() is not None)
        words = dict(w.split(b"=", 1) for w in self.out.read_bytes().split() if b"=" in w)
        assert self.process.poll() is None, self.err.read_text()
        self.address, self.http = words[b"address"].decode(), words[b"http"].decode()

    def proc(self, name):
        return pathlib.Path(f"/proc/{self.process.pid}/{name}")

    def get(self, path, data=None):
        try:
            with urllib.request.urlopen(f"http://{self.http}{path}", data, TIMEOUT_S) as answer:
                text = answer.read()
        except urllib.error.HTTPError as e:
            text = e.read()
        self.seen.add("HTTP", text)
        return text.decode()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(TIMEOUT_S)
        self.seen.add("log", self.err.read_bytes())
        self.seen.add("output", self.out.read_bytes())
        assert code == 0, f"salesd ended with {code}: {self.err.read_text()[-2000:]}"

    def kill(self):
        self.process.kill()
        self.process.wait()


class Caller:
    def __init__(self, server, key, seen):
        self.channel, self.key, self.seen = grpc.insecure_channel(server.address), key, seen
        self.errors = 0

    def message(self, name, **fields):
        return message_class(world.METHODS[name].input_type)(**fields)

    def call(self, name, request, timeout=TIMEOUT_S, metadata=None):
        """All answers as bytes; None: it failed and what the caller was told is kept."""
        method = world.METHODS[name]
        proto = world.PROTOS[method.full_name]
        stub = self.channel.stream_stream(f"/{method.containing_service.full_name}/{method.name}")
        metadata = [("authorization", f"Bearer {self.key}")] if metadata is None else metadata
        answers = []
        try:
            for answer in stub(iter([request.SerializeToString()]), metadata=metadata,
                               timeout=STREAM_S if proto.server_streaming else timeout):
                answers.append(answer)
        except grpc.RpcError as e:
            self.errors += 1
            self.seen.add_error(e)
            if not answers:
                return None
        return b"".join(answers)

    def ask(self, name, **fields):
        return self.call(name, self.message(name, **fields))

    def good(self, name, **fields):
        raw = self.ask(name, **fields)
        assert raw is not None, f"{name} failed: {self.seen.all['error text'][-300:]}"
        return message_class(world.METHODS[name].output_type).FromString(raw)

    def bad(self, name, **fields):
        assert self.ask(name, **fields) is None, f"{name} was allowed: {fields}"

    def reflect(self):
        """Everything that reflection says."""
        ask = [b"\x3a\x01*"] + [b"\x22" + bytes([len(s)]) + s for s in (
            b"sales.v1.SalesAgent", b"sales.v1.Admin", b"sales.v1.Lead", b"no.such.Thing")]
        answers = list(self.channel.stream_stream(REFLECT)(iter(ask), timeout=TIMEOUT_S))
        assert len(answers) == len(ask) and b"sales.v1.SalesAgent" in answers[0]
        self.seen.add("reflection", b"".join(answers))
