"""The services of third parties (tests/standin) as a process of the test."""
import json
import os
import re
import subprocess
import urllib.request

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../standin/server.js")


class Standin:
    """Runs until close(); .url is where it listens."""

    def __init__(self):
        self.process = subprocess.Popen(["node", PROGRAM, "--port", "0"], stdout=subprocess.PIPE, text=True)
        ready = re.fullmatch(r"standin listening on (\S+)\n", self.process.stdout.readline())
        if not ready:
            raise AssertionError("the stand-in did not start")
        self.url = ready[1]

    def admin(self, path, body=None):
        """POST of body, or GET, of /_admin + path."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + "/_admin" + path, data, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def requests(self, provider):
        return self.admin(f"/requests?provider={provider}")["requests"]

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
