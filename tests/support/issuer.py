"""The issuer of tests/standin/issuer.js as a process, and what tests ask of it."""
import json
import os
import ssl
import subprocess
import urllib.request

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../standin/issuer.js")
TIMEOUT_S = 30


class Issuer:
    def __init__(self, pair=None, authority=None, port=0):
        """pair, authority: HTTPS with that certificate, of that issuer of certificates."""
        command = ["node", PROGRAM, "--port", str(port)]
        command += ["--cert", pair.cert, "--key", pair.key] if pair else []
        self.context = ssl.create_default_context(cafile=authority.own.cert) if pair else None
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().split()[1]

    def ask(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.url}/_admin/{path}", data, TIMEOUT_S, context=self.context) as r:
            return json.load(r)

    def mint(self, **wish):
        return self.ask("mint", wish)["token"]

    def rotate(self, **wish):
        return self.ask("rotate", wish)["kid"]

    def set(self, **wish):
        return self.ask("set", wish)

    def stats(self):
        return self.ask("stats")

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
