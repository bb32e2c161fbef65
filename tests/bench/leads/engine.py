"""A storage engine and the two servers on it: salesd and its Node peer."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../support"))
from servers import Postgres, Server, migrate, salesd, start_salesd, wait_for  # noqa: E402

UNLIMITED = ("--tenant-rate", "1000000", "--tenant-burst", "10000000")


def start_node(store, folder, name):
    base = os.path.join(folder, name)
    with open(base + ".out", "wb") as out:
        process = subprocess.Popen(["node", os.path.join(HERE, "peer/server.js"), store], stdout=out,
                                   stderr=subprocess.STDOUT)
    match = wait_for(process, base + ".out", r"^ready (\S+) (\S+)$", "the Node peer")
    return Server("node", process, match[1], match[2], base)


class Engine:
    """SQLite or PostgreSQL: makes stores and starts servers on them."""

    def __init__(self, name, folder):
        self.name, self.folder, self.salesd = name, folder, salesd("bench")
        self.postgres = Postgres() if name == "postgres" else None
        self.databases = []

    def start(self, label, name):
        base = f"{self.name}_{name}"
        if self.postgres is None:
            store = f"sqlite:{os.path.join(self.folder, base)}.db"
            return self.serve(label, store, base)
        _, owner, app = self.postgres.create(f"bench_{os.getpid()}_{name}")
        self.databases.append(f"bench_{os.getpid()}_{name}")
        if label == "node":
            return self.serve(label, owner, base)
        migrate(self.salesd, owner, self.postgres.app["user"])
        return self.serve(label, app, base)

    def serve(self, label, store, base):
        if label == "node":
            return start_node(store, self.folder, base)
        return start_salesd(self.salesd, store, self.folder, base, UNLIMITED)

    def settle(self):
        """After a bulk import: statistics as autovacuum would bring them within a minute."""
        for name in self.databases:
            self.postgres.query(self.postgres.url(self.postgres.super, name), "VACUUM ANALYZE")

    def database_cpu_s(self):
        return self.postgres.cpu_s() if self.postgres else 0.0

    def close(self):
        for name in self.databases:
            self.postgres.drop(name)
