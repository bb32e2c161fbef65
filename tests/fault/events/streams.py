"""A private Redis that can be hurt, a client of it in 40 lines, and what its streams hold."""
import os
import shutil
import signal
import socket
import subprocess
import time

from servers import Failed

SHARDS = 4


class ReplyError(Exception):
    """Redis answered with an error."""


class Resp:
    """One connection, one command at a time."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

    def ask(self, *words):
        data = [w if isinstance(w, bytes) else str(w).encode() for w in words]
        self.socket.sendall(b"*%d\r\n" % len(data) + b"".join(b"$%d\r\n%s\r\n" % (len(d), d) for d in data))
        return self._read()

    def _read(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise Failed("Redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            raise ReplyError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            n = int(rest)
            return None if n < 0 else self.file.read(n + 2)[:-2].decode()
        n = int(rest)
        return None if n < 0 else [self._read() for _ in range(n)]


class Redis:
    """A Redis with files of its own in `folder`. The port stays the same over restarts."""

    def __init__(self, folder):
        self.folder = os.path.join(folder, "redis")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.url, self.process = f"redis://127.0.0.1:{self.port}", None
        self.start()

    def start(self):
        os.makedirs(self.folder, exist_ok=True)
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir", self.folder,
                 "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""], stdout=log, stderr=log)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                if self.ask("PING") == "PONG":
                    return
            except (OSError, Failed, ReplyError):
                time.sleep(0.02)
        raise Failed("Redis did not start")

    def ask(self, *words):
        client = Resp(self.port)
        try:
            return client.ask(*words)
        finally:
            client.close()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        self.process.kill()
        self.process.wait(10)

    def forget(self):
        """Its data is lost; only while it is not running."""
        shutil.rmtree(self.folder)

    def close(self):
        if self.process.poll() is None:
            self.resume()
            self.kill()

    def entries(self):
        """Everything in the streams: {shard: [(place, fields)]}, in the order of the stream."""
        client, found = Resp(self.port), {}
        for shard in range(SHARDS):
            start, found[shard] = "-", []
            while True:
                page = client.ask("XRANGE", f"sales:events:{{{shard}}}", start, "+", "COUNT", 2000)
                found[shard] += [(tuple(int(x) for x in i.split("-")), dict(zip(f[::2], f[1::2]))) for i, f in page]
                if len(page) < 2000:
                    break
                start = "(" + page[-1][0]
        client.close()
        return found

    def count(self):
        client = Resp(self.port)
        try:
            return sum(client.ask("XLEN", f"sales:events:{{{shard}}}") for shard in range(SHARDS))
        finally:
            client.close()
