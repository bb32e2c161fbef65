#!/usr/bin/python3
"""usage: rebind.py SALESCTL SALESD LIBREBIND

DNS rebinding through the real server: a webhook's name points to an allowed address first and to a
private one afterwards. The private one is a listener of ours, which must see no connection; a server
that is allowed the private address, too, does connect to it, so the trap would have told."""
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
ALL_OF_THEM = "127.0.0.0/30"


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


NUMBERS = itertools.count(1)


def lead(server):
    ctl(SALESCTL, server, "lead", "create", "--name", "Grace", "--email", f"g{next(NUMBERS)}@navy.example.com")


def first_delivery(server, receiver, path, name):
    """To a webhook whose name points to the allowed address; its id. The next one looks up again."""
    points_to(path, ALLOWED)
    url = f"https://{NAME}:{receiver.port}/hook/{name}"
    webhook = ctl(SALESCTL, server, "webhook", "create", url, "--event", "sales.lead.created")["webhook"]["id"]
    receiver.plan(name, steps=[{"headers": {"connection": "close"}}])
    lead(server)
    wait_until("the delivery to the allowed address", lambda: len(receiver.got(name)) == 1)
    return webhook


def springs(server, receiver, trap, path):
    """The control: nothing but the guard keeps the server from the private address."""
    first_delivery(server, receiver, path, "y")
    points_to(path, PRIVATE)

    def sprung():
        lead(server)
        time.sleep(0.5)
        return trap.n_connections > 0

    wait_until("the trap to be sprung", sprung)


def check(server, receiver, trap, path):
    def deliveries():
        return ctl(SALESCTL, server, "webhook", "deliveries", webhook).get("deliveries", [])

    webhook = first_delivery(server, receiver, path, "x")
    points_to(path, PRIVATE)

    def refused():  # the answer of before is kept for two seconds; what it names is allowed
        time.sleep(0.5)
        lead(server)
        return [d for d in deliveries() if d.get("error")]

    first = wait_until("the refusal", refused, PATIENCE_S)[0]
    assert first["error"].startswith("the address is refused"), first
    n_got = len(receiver.got("x"))
    assert trap.n_connections == 0, "something was sent"

    points_to(path, PRIVATE, ALLOWED)  # of two, the one that may be
    wait_until("a delivery to the allowed one of two", lambda: refused() and len(receiver.got("x")) > n_got,
               PATIENCE_S)
    assert trap.n_connections == 0, "the private address was connected to"


def serve(folder, ca, allowed, judge):
    os.environ["LD_PRELOAD"] = LIBRARY
    try:
        server = servers.start_salesd(SALESD, f"sqlite:{folder}/sales.db", folder, "salesd",
                                      ["--webhook-ca", ca.own.cert, "--webhook-allow", allowed, "--job-poll", "100ms"])
    finally:
        del os.environ["LD_PRELOAD"]
    try:
        judge(server)
        server.stop()
    finally:
        if server.process.poll() is None:
            server.process.kill()


def main():
    folder = tempfile.mkdtemp(prefix="rebind.")
    ca = authority.Authority(folder)
    receiver = Receiver(ca.issue(names=f"DNS:{NAME}"))
    path = os.path.join(folder, "addresses")
    points_to(path, ALLOWED)
    os.environ.update(REBIND_NAME=NAME, REBIND_FILE=path)
    trap = Trap(int(receiver.port))
    try:
        for allowed, judge in ((ALLOWED, check), (ALL_OF_THEM, springs)):
            serve(folder, ca, allowed, lambda server, judge=judge: judge(server, receiver, trap, path))
    finally:
        receiver.process.kill()
    shutil.rmtree(folder)
    print("ok   a name that changes its address reaches no private one")


main()
