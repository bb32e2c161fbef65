"""A customer's receiver of webhooks, judged by the reference library, and what its tests share."""
import json
import os
import re
import subprocess
import time
import urllib.request

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
PATIENCE_S = 60  # for what should come at once: the machine may have other things to do


class Receiver:
    def __init__(self, pair):
        self.process = subprocess.Popen(
            ["node", os.path.join(ROOT, "tests/standin/receiver.js"), "--cert", pair.cert, "--key", pair.key],
            stdout=subprocess.PIPE, text=True)
        _, self.port, self.admin = self.process.stdout.readline().split()

    def ask(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}{path}", data, timeout=10) as f:
            return json.load(f)

    def plan(self, name, **plan):
        self.ask(f"/plan/{name}", plan)

    def got(self, name):
        return self.ask(f"/got/{name}")

    def url(self, name):
        return f"https://127.0.0.1:{self.port}/hook/{name}?token=geheim"


def ctl(binary, server, *words, expect=0, feed=None):
    """salesctl against a server; what it prints as JSON, names as in the proto."""
    env = {"PATH": os.environ["PATH"], "SALES_ADDRESS": server.address, "SALES_API_KEY": server.key}
    env.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
    done = subprocess.run([binary, *words, "--json"], input=feed, capture_output=True, timeout=60, env=env, check=False)
    if done.returncode != expect:
        raise AssertionError(f"{words}: exit {done.returncode}, not {expect}\n{done.stdout}{done.stderr}")
    return snake(json.loads(done.stdout.splitlines()[-1])) if done.stdout.strip() else {}


def snake(value):
    """Names as in the proto."""
    if isinstance(value, list):
        return [snake(v) for v in value]
    if not isinstance(value, dict):
        return value
    return {re.sub("([A-Z])", lambda m: "_" + m[0].lower(), k): snake(v) for k, v in value.items()}


def wait_until(what, test, seconds=PATIENCE_S):
    end = time.monotonic() + seconds
    while True:
        value = test()
        if value:
            return value
        assert time.monotonic() < end, f"{what} did not happen in {seconds} s"
        time.sleep(0.05)
