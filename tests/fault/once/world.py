"""One store and the servers on it, any of which may be killed and started again at any moment."""
import os
import random
import signal
import threading
import time

import grpc

from servers import Failed, Postgres, migrate, start_salesd
from stub import Schema

CALL_S = 10
PASSING = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}


def require(condition, text):
    if not condition:
        raise Failed(text)


class Replica:
    """A server process and the channel to its present life."""

    def __init__(self, world, index):
        self.world, self.name, self.lock = world, f"{world.engine}{index}", threading.Lock()
        self.server, self.channel, self.channels = None, None, []
        self.start()

    def start(self):
        server = start_salesd(self.world.binary, self.world.url, self.world.folder, self.name)
        channel = grpc.insecure_channel(server.address, options=[("grpc.use_local_subchannel_pool", 1)])
        with self.lock:
            self.server, self.channel = server, channel
        self.channels.append(channel)  # closed at the end: somebody may just have taken the old one

    def kill(self):
        os.kill(self.server.pid, signal.SIGKILL)
        require(self.server.process.wait(30) == -signal.SIGKILL, "the server did not die of SIGKILL")

    def call(self, path, request):
        """The packed answer."""
        with self.lock:
            channel = self.channel
        stub = channel.unary_unary(path, lambda m: m.SerializeToString(), lambda packed: packed)
        return stub(request, metadata=self.world.metadata, timeout=CALL_S)


class World:
    def __init__(self, engine, binary, folder, replicas):
        self.engine, self.binary, self.folder = engine, binary, folder
        self.schema = Schema(os.path.join(os.path.dirname(binary), "../gen/sales_descriptor_set.pb"))
        self.postgres, self.n_kills = None, 0
        if engine == "sqlite":
            self.url = f"sqlite:{folder}/sqlite.db"
        else:
            self.postgres, self.database = Postgres(), f"once_{os.getpid()}"
            _, owner_url, self.url = self.postgres.create(self.database)
            migrate(binary, owner_url, self.postgres.app["user"])
        self.replicas = [Replica(self, 0)]
        self.metadata = (("authorization", f"Bearer {self.replicas[0].server.key}"),)
        for i in range(1, replicas):  # the same master key and API key
            for end in ("key", "env"):
                os.link(f"{folder}/{engine}0.{end}", f"{folder}/{engine}{i}.{end}")
            self.replicas.append(Replica(self, i))

    def message(self, name, /, **fields):
        return self.schema.message(f"sales.v1.{name}")(**fields)

    def call(self, method, request, service="SalesAgent", rng=random):
        return rng.choice(self.replicas).call(f"/sales.v1.{service}/{method}", request)

    def read(self, method, **fields):
        """A call that changes nothing, until it gets through."""
        request, reply = self.message(f"{method}Request", **fields), self.schema.message(f"sales.v1.{method}Response")
        while True:
            try:
                return reply.FromString(self.call(method, request))
            except grpc.RpcError as e:
                if e.code() not in PASSING:
                    raise
            time.sleep(0.01)

    def kill_one(self, rng):
        replica = rng.choice(self.replicas)
        replica.kill()
        time.sleep(rng.uniform(0, 0.02))
        replica.start()
        self.n_kills += 1

    def close(self):
        for r in self.replicas:
            for channel in r.channels:
                channel.close()
            if r.server.process.poll() is None:
                r.server.stop()
        if self.postgres:
            self.postgres.drop(self.database)
