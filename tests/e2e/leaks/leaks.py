#!/usr/bin/python3
"""leaks.py SALESD SCRATCH ENGINE: secrets and people's data must not come out where they do not belong.

A real salesd gets secrets that occur nowhere else, in the ways that show most (flags and variables),
and a lead of a known person. Every served method is called with all of it, rightly and wrongly, with
bad credentials, without time, with PostgreSQL stopped. Then everything that others can see is
searched for each of these texts, also as hex, base64 and percent-encoded: the log at level debug,
metrics and the other pages of HTTP, errors with their trailers, reflection, --help, command line and
environment. Passwords change under the running server, too.
"""
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "support"))
import valid_request  # noqa: E402
import world  # noqa: E402
from canary import Canaries  # noqa: E402
from actors import Caller, Salesd, Seen  # noqa: E402
from issuer import Issuer  # noqa: E402
from places import Postgres, Redis, wait_until  # noqa: E402

SALESD, SCRATCH, ENGINE = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
SALESCTL = pathlib.Path(SALESD).parents[1] / "client/salesctl"
ROUNDS, SEED, TIMEOUT_S = 4, 1, 30
NOBODY = 65534
FAIL, KEEP_BOTH = 4, 5  # DuplicatePolicy
MAIL, PHONE = "quillfeather.zyxomma@canarymail.example", "+49 30 918273645"
PERSON = {"full_name": "Zyxomma Quillfeather", "email": MAIL, "phone": PHONE}
NOTE = "prefers xylographic brochures on paper"


def lives_of(client):
    """A person's data, stored; and a webhook that fails, with its secret."""
    lead = client.good("SalesAgent/CreateLead", lead=PERSON).lead
    assert lead.email == MAIL, "the data did arrive"
    note = {"lead_id": lead.id, "kind": 3, "subject": NOTE, "body": NOTE}
    client.good("SalesAgent/LogActivity", activity=note)
    hook = client.good("Admin/CreateWebhook", webhook={
        "url": "https://hooks.invalid/in", "event_types": ["com.sales.lead.updated.v1"]})
    return lead, hook.secret


def wrong_by_hand(client, lead):
    """What people do wrong with such data in hand."""
    digits = lead.phone
    for wrong in ({"full_name": PERSON["full_name"] * 20}, {"full_name": "x", "email": MAIL + "@@"},
                  {"full_name": "x", "phone": f"call {digits} {digits} {digits}"},
                  {"full_name": PERSON["full_name"], "external_id": MAIL * 10}):
        client.bad("SalesAgent/CreateLead", lead=wrong)
    client.bad("SalesAgent/CreateLead", lead=PERSON, duplicate_policy=FAIL)
    client.bad("SalesAgent/UpdateLead", lead={**PERSON, "id": lead.id, "etag": "old"})
    for listing in ({"filter": f'email = "{MAIL}" AND'}, {"filter": f'nosuch = "{PERSON["full_name"]}"'},
                    {"page_token": MAIL}, {"order_by": MAIL}, {"filter": f"{MAIL}"}):
        client.bad("SalesAgent/ListLeads", **listing)
    client.bad("SalesAgent/GetLead", id=MAIL)
    client.bad("SalesAgent/LogActivity", activity={"lead_id": NOTE, "body": NOTE})
    client.bad("Admin/CreateWebhook", webhook={"url": f"https://{MAIL}:{NOTE.split()[1]}@127.0.0.1/", "event_types": ["x"]})


def wrong_credentials(client, key, token):
    head, body, tail = token.split(".")
    tails = [f"Bearer {key[:-1]}", f"Bearer {key}x", f"Basic {key}", key, f"Bearer {key},{key}",
             f"Bearer {token}x", f"Bearer {head}.{body}.{tail[::-1]}", f"Bearer {head}.{tail}.{body}.x.y",
             f"Bearer {token * 40}"]
    for text in tails:
        request = client.message("SalesAgent/ListLeads")
        assert client.call("SalesAgent/ListLeads", request, metadata=[("authorization", text)]) is None, text
    for more in ([("x-api-key", key)], [("cookie", key)], [("authorization", f"Bearer {key}"), ("authorization", key)]):
        client.call("SalesAgent/ListLeads", client.message("SalesAgent/ListLeads"), metadata=more)


def every_method(client, methods, lead, timeouts):
    rng = random.Random(SEED)
    texts = {"email": MAIL, "phone": PHONE, "uuid": lead.id, "name": PERSON["full_name"]}
    maker = valid_request.Maker(lambda _, kind: texts.get(kind) or rng.choice((NOTE, PERSON["full_name"], MAIL)), SEED)
    for name in methods:
        request = maker.fill(client.message(name))
        if "Erase" not in name:  # the lead is still needed
            client.call(name, request, timeout=rng.choice(timeouts))


def shown_by_system(server, seen):
    """What other processes of the machine can read about this one."""
    line = server.proc("cmdline").read_bytes()
    assert b"--redis" in line, "read the wrong process"
    seen.add("command line", line)
    environment = server.proc("environ").read_bytes()
    assert b"SALES_MASTER_KEYS" in environment, "its names stay"
    seen.add("environment", environment)
    assert " 0 " in next(x for x in server.proc("limits").read_text().splitlines() if x.startswith("Max core"))


def shown_by_client(server, key, seen):
    """salesctl while it runs."""
    for flags, env in ((["--api-key", key], {}), ([f"--api-key={key}"], {}), ([], {"SALES_API_KEY": key})):
        watch = subprocess.Popen([SALESCTL, "lead", "watch", "--address", server.address, *flags], stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, env={**os.environ, **env})
        proc = pathlib.Path(f"/proc/{watch.pid}")
        wait_until("salesctl is connected", lambda: len(list((proc / "fd").iterdir())) > 4 or watch.poll() is not None)
        assert watch.poll() is None, watch.stdout.read()
        seen.add("command line of salesctl", (proc / "cmdline").read_bytes())
        seen.add("environment of salesctl", (proc / "environ").read_bytes())
        watch.terminate()
        seen.add("output of salesctl", watch.communicate(timeout=TIMEOUT_S)[0])


def pages(server):
    assert "sales_rpc" in server.get("/metrics")
    for path in ("/healthz", "/readyz", "/livez", "/", f"/nope?{MAIL}", "/%2e%2e/etc/passwd"):
        server.get(path)
    server.get(f"/metrics?{MAIL}", data=MAIL.encode())


def printed(seen, *flags, env=None):
    """What a run says that ends by itself, and its exit code."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SALES_")}
    done = subprocess.run([SALESD, *flags], env={**clean, **(env or {})}, timeout=TIMEOUT_S, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    seen.add(f"output of {flags[0].split('=')[0]}", done.stdout)
    return done.returncode


class Leaks:
    """The stage: secrets, places, one database."""

    def __init__(self, folder, issuer):
        self.folder, self.seen, self.canaries = folder, Seen(), Canaries()
        self.issuer, self.places = issuer, []
        secret = {name: self.canaries.add(name, os.urandom(16).hex() + "Zq") for name in (
            "store password", "next store password", "wrong store password", "redis password", "next redis password",
            "client key in the environment")}
        self.secret = secret
        self.master = os.urandom(32)
        self.canaries.add("master key", self.master)
        self.canaries.add("master key as text", self.master.hex())
        self.redis = Redis(folder, secret["redis password"])
        self.places.append(self.redis)
        self.postgres = None
        if ENGINE == "postgres":
            self.postgres = Postgres(folder, secret["store password"])
            self.places.append(self.postgres)
        place = folder / "place"
        place.mkdir()
        self.world = world.World(SALESD, ENGINE, place)
        self.store = (self.postgres.url(self.world.database, secret["store password"]) if self.postgres
                      else self.world.store)
        trust = {"issuers": [{"issuer": issuer.url, "jwks_uri": issuer.url + "/jwks", "audiences": ["sales"]}]}
        (folder / "trust.json").write_text(json.dumps(trust))

    def close(self):
        for place in reversed(self.places):
            place.close()

    def key(self):
        return self.world.first_key()

    def flags(self):
        return ["--bootstrap-tenant=demo", f"--bootstrap-env={self.world.folder}/env"]

    def person(self, lead, secret):
        for name, text in (("name", lead.full_name), ("mail", lead.email), ("phone", lead.phone[3:]), ("note", NOTE),
                           ("webhook secret", secret)):
            self.canaries.add(name, text)

    def shown(self):
        """Secrets where they show most; everything that can go wrong with requests."""
        server = Salesd(self.folder, self.seen, f"--redis={self.redis.url(self.secret['redis password'])}",
                        f"--trust-file={self.folder}/trust.json", *self.flags(),
                        env={"SALES_STORE": self.store, "SALES_MASTER_KEYS": self.master.hex(),
                             "SALES_API_KEY": self.secret["client key in the environment"]})
        try:
            shown_by_system(server, self.seen)
            key, token = self.key(), self.issuer.mint()
            self.canaries.add("API key", key.split("_", 2)[2])
            self.canaries.add("token", token)
            self.canaries.add("signature of the token", token.split(".")[2])
            client = Caller(server, key, self.seen)
            lead, secret = lives_of(client)
            self.person(lead, secret)
            wrong_by_hand(client, lead)
            wrong_credentials(client, key, token)
            methods = [m.split("sales.v1.", 1)[1] for m in client.good("Admin/GetServerInfo").methods]
            every_method(client, methods * ROUNDS, lead, (TIMEOUT_S, TIMEOUT_S, 0.002))
            client.reflect()
            shown_by_client(server, key, self.seen)
            pages(server)
            if self.postgres:
                self.without_database(server, client, methods, lead)
            assert client.errors > 60, f"only {client.errors} calls failed"
            server.stop()
        finally:
            server.kill()
        log = self.seen.all["log"]
        assert b"rpc.finished" in log and b"call.refused" in log, "the log is there"

    def without_database(self, server, client, methods, lead):
        self.postgres.kill()
        every_method(client, methods, lead, (0.3,))
        pages(server)
        self.postgres.resume()
        wait_until("the database is back", lambda: client.ask("SalesAgent/ListLeads") is not None)

    def put(self, name, text):
        """As Kubernetes mounts secrets: a link that moves to another folder."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="..", dir=self.folder / "mounted"))
        (folder / name).write_text(text + "\n")
        (folder / name).chmod(0o400)
        os.symlink(folder.name, self.folder / "mounted/..tmp")
        os.rename(self.folder / "mounted/..tmp", self.folder / f"mounted/..{name}")
        link = self.folder / "mounted" / name
        if not link.is_symlink():
            os.symlink(f"..{name}/{name}", link)
        return link

    def files(self):
        """Secrets in files, which change under the server."""
        (self.folder / "mounted").mkdir()
        (self.folder / "mounted/open").write_text(self.master.hex() + "\n")  # 0644: told, not refused
        (self.folder / "mounted/open").chmod(0o644)
        server = Salesd(
            self.folder, self.seen, "--store-file", self.put("store", self.store), "--redis-file",
            self.put("redis", self.redis.url(self.secret["redis password"])), "--master-keys-file",
            self.folder / "mounted/open", *self.flags())
        try:
            client = Caller(server, self.key(), self.seen)
            self.new_redis_password(server, client)
            if self.postgres:
                self.new_store_password(client)
            server.stop()
        finally:
            server.kill()
        log = server.err.read_text()
        exposed = [e for e in map(json.loads, log.splitlines()) if e["event"] == "secret.exposed"]
        assert [e["path"] for e in exposed] == [str(self.folder / "mounted/open")], exposed

    def new_redis_password(self, server, client):
        def is_up():
            client.good("SalesAgent/CreateLead", lead={"full_name": "Somebody"}, duplicate_policy=KEEP_BOTH)
            return "\nsales_redis_up 1" in server.get("/metrics")

        wait_until("Redis is used", is_up)
        self.redis.set_password(self.secret["next redis password"])
        self.redis.hang_up()
        wait_until("the old password is refused", lambda: not is_up())
        self.put("redis", self.redis.url(self.secret["next redis password"]))
        wait_until("the new password is used", is_up)

    def new_store_password(self, client):
        def works():
            return client.call("SalesAgent/ListLeads", client.message("SalesAgent/ListLeads"), timeout=3) is not None

        assert works()
        self.postgres.set_password(self.secret["next store password"])
        self.postgres.hang_up()
        assert not works(), "the old password is no good"
        self.put("store", self.postgres.url(self.world.database, self.secret["next store password"]))
        wait_until("the new password is used", works)
        self.put("store", self.postgres.unbound_url(self.world.database))
        self.postgres.hang_up()
        assert not works(), "a role that row-level security does not bind"
        wait_until("it says why", lambda: not works() and b"ROLE_UNBOUND" in self.seen.all["error trailers"])
        self.put("store", self.postgres.url("nowhere", self.secret["next store password"]))
        wait_until("the same database as before", works)

    def failing_starts(self):
        """Nothing comes up; why is said without what."""
        keys = self.folder / "other.key"
        keys.write_text(self.secret["client key in the environment"])
        if self.postgres:
            url = self.postgres.url(self.world.database, self.secret["wrong store password"])
            assert printed(self.seen, f"--store={url}", env={"SALES_MASTER_KEYS": self.master.hex()}) == 3
        assert printed(self.seen, "--master-key-file=" + str(keys), env={"SALES_STORE": self.world.store}) == 3
        assert printed(self.seen, f"--store=mysql://x:{self.secret['store password']}@db/x") == 2
        assert printed(self.seen, f"--redis=redis://x:{self.secret['redis password']}@:x:/y",
                       env={"SALES_STORE": f"sqlite:{self.folder}/other.db"}) == 2
        hidden = {"SALES_STORE": self.store, "SALES_MASTER_KEYS": self.master.hex(),
                  "SALES_REDIS": self.redis.url(self.secret["redis password"])}
        for flag in ("--help", "--print-config-doc", "--version", "--check-config"):
            assert printed(self.seen, flag, env=hidden) == 0
        assert printed(self.seen, "--nonsense", env=hidden) == 2

    def memory(self):
        """Its files in /proc belong to root while nobody may look in, whoever it runs as."""
        if os.geteuid() != 0 or b"__asan_init" in pathlib.Path(SALESD).read_bytes():
            return  # needs another user; the leak checker of ASan must attach
        folder = pathlib.Path(tempfile.mkdtemp(dir="/tmp", prefix="leaks."))
        try:
            shutil.copy(SALESD, folder / "salesd")
            for path in (folder, folder / "salesd"):
                os.chown(path, NOBODY, NOBODY)
            for flag, owner in (("--core-dumps=false", 0), ("--core-dumps", NOBODY)):
                server = Salesd(folder, self.seen, "--store=sqlite:sales.db", flag, user=NOBODY, binary=folder / "salesd")
                assert server.proc("environ").stat().st_uid == owner, flag
                server.stop()
        finally:
            shutil.rmtree(folder)


def main():
    SCRATCH.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="leaks.", dir="/tmp") as scratch:
        world.generate(pathlib.Path(scratch) / "gen")
        world.learn()
        issuer = Issuer()
        stage = None
        try:
            stage = Leaks(pathlib.Path(scratch), issuer)
            for step in (stage.shown, stage.files, stage.failing_starts, stage.memory):
                step()
                print(f"ok {step.__name__}", flush=True)
            stage.seen.judge(stage.canaries)
        finally:
            issuer.stop()
            if stage:
                stage.close()
    print(f"{len(stage.canaries.all)} texts in none of:", ", ".join(
        f"{where} ({len(data)} bytes)" for where, data in sorted(stage.seen.all.items())))


if __name__ == "__main__":
    main()
