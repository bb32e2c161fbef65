#!/usr/bin/python3
"""usage: rebind.py SALESCTL SALESD LIBREBIND

DNS rebinding through the real server: a webhook's name points to an allowed address first and to a
private one afterwards. The private one is a listener of ours, which must see no connection."""
import itertools
import os
import shutil
import socket
import sys
import tempfile
import threading
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
sys.path.insert(0, os.path.join(ROOT, "tests/support"))
import authority  # noqa: E402
import servers  # noqa: E402
from hooks import PATIENCE_S, Receiver, ctl, wait_until  # noqa: E402

SALESCTL, SALESD, LIBRARY = sys.argv[1:4]
NAME, ALLOWED, PRIVATE = "rebind.test", "127.0.0.1", "127.0.0.2"
KEPT_S = 60  # how long curl keeps what a name resolved to


class Trap:
    """Accepts on the private address, on the receiver's port, and counts."""

    def __init__(self, port):
        self.socket = socket.create_server((PRIVATE, port))
        self.n_connections = 0
        threading.Thread(target=self.count, daemon=True).start()

    def count(self):
        while True:
            connection, _ = self.socket.accept()
            self.n_connections += 1
            connection.close()


def points_to(path, *addresses):
    with open(path + ".new", "w", encoding="ascii") as f:
        f.writelines(a + "\n" for a in addresses)
    os.rename(path + ".new", path)


def check(server, receiver, trap, path):
    def lead(n):
        ctl(SALESCTL, server, "lead", "create", "--name", "Grace", "--email", f"g{n}@navy.example.com")

    def deliveries():
        return ctl(SALESCTL, server, "webhook", "deliveries", webhook).get("deliveries", [])

    points_to(path, ALLOWED)
    url = f"https://{NAME}:{receiver.port}/hook/x"
    webhook = ctl(SALESCTL, server, "webhook", "create", url, "--event", "sales.lead.created")["webhook"]["id"]
    receiver.plan("x", steps=[{"headers": {"connection": "close"}}])  # the next one looks up again
    lead(1)
    wait_until("the delivery to the allowed address", lambda: len(receiver.got("x")) == 1)

    points_to(path, PRIVATE)
    numbers = itertools.count(2)

    def refused():  # the answer of before is kept for a minute; what it names is allowed
        time.sleep(2)
        lead(next(numbers))
        return [d for d in deliveries() if d.get("error")]

    first = wait_until("the refusal", refused, KEPT_S + PATIENCE_S)[0]
    assert first["error"].startswith("the address is refused"), first
    n_got = len(receiver.got("x"))
    assert trap.n_connections == 0, "something was sent"

    points_to(path, PRIVATE, ALLOWED)  # of two, the one that may be
    wait_until("a delivery to the allowed one of two", lambda: refused() and len(receiver.got("x")) > n_got,
               KEPT_S + PATIENCE_S)
    assert trap.n_connections == 0, "the private address was connected to"

    socket.create_connection((PRIVATE, trap.socket.getsockname()[1])).close()
    wait_until("the trap to work", lambda: trap.n_connections == 1)


def main():
    folder = tempfile.mkdtemp(prefix="rebind.")
    ca = authority.Authority(folder)
    receiver = Receiver(ca.issue(names=f"DNS:{NAME}"))
    path = os.path.join(folder, "addresses")
    points_to(path, ALLOWED)
    os.environ.update(REBIND_NAME=NAME, REBIND_FILE=path)
    os.environ["LD_PRELOAD"] = LIBRARY
    try:
        server = servers.start_salesd(SALESD, f"sqlite:{folder}/sales.db", folder, "salesd",
                                      ["--webhook-ca", ca.own.cert, "--webhook-allow", ALLOWED, "--job-poll", "100ms"])
        del os.environ["LD_PRELOAD"]
        check(server, receiver, Trap(int(receiver.port)), path)
        server.stop()
    finally:
        receiver.process.kill()
        if "server" in locals() and server.process.poll() is None:
            server.process.kill()
    shutil.rmtree(folder)
    print("ok   a name that changes its address reaches no private one")


main()
