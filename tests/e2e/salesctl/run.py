#!/usr/bin/python3
"""usage: run.py SALESCTL SALESD [PATTERN]

Runs every case below against one fresh server on SQLite. A case is a function called case_*."""
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
sys.path.insert(0, os.path.join(ROOT, "tests/support"))
import servers  # noqa: E402

SALESCTL, SALESD = sys.argv[1], sys.argv[2]
UNKNOWN = "0193b6f2-7d1c-7a4e-9c55-2f1d3a6b7c80"
OK, USAGE, INVALID, NOT_FOUND, REFUSED, DENIED, UNAVAILABLE, PARTIAL, CANCELLED = 0, 2, 3, 4, 5, 6, 7, 8, 130
server = folder = None


def environment(**more):
    env = {"PATH": os.environ["PATH"], "SALES_ADDRESS": server.address, "SALES_API_KEY": server.key,
           "SALES_SAMPLES": os.path.join(ROOT, "client/samples")}
    env.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
    env.update(more)
    return env


def ctl(*words, expect=OK, feed=None, **env):
    """Runs salesctl; its output after checking the exit code."""
    done = subprocess.run([SALESCTL, *words], input=feed, capture_output=True, timeout=120, env=environment(**env))
    out, err = done.stdout.decode(), done.stderr.decode()
    if done.returncode != expect:
        raise AssertionError(f"{' '.join(words)}: exit {done.returncode}, not {expect}\n{out}{err}")
    return out, err


def ctl_json(*words, **more):
    return [json.loads(line) for line in ctl(*words, "--json", **more)[0].splitlines()]


def wait_until(what, test, seconds=20):
    end = time.monotonic() + seconds
    while not test():
        assert time.monotonic() < end, f"{what} did not happen"
        time.sleep(0.02)


def leads_of(source):
    n = 0
    for page in ctl_json("lead", "list", "--filter", f'source = "{source}"', "--limit", "500", "--all"):
        n += len(page.get("leads", []))
    return n


def write(name, rows, encoding="utf-8"):
    path = os.path.join(folder, name)
    with open(path, "wb") as f:
        for row in rows:
            f.write(row if isinstance(row, bytes) else row.encode(encoding))
            f.write(b"\n")
    return path


def mapping(source):
    return write(source + ".csvmap", [
        f'external_id = "{source}-" id', "full_name = name", "email = mail",
        f'source = "{source}"', "company.employees = staff | -:"])


def rows(source, n):
    yield "id,name,mail,staff"
    for i in range(1, n + 1):
        yield f"{i},Person {i},p{i}@{source}.example.com,{i % 300 + 1}"


# ---- the story ----------------------------------------------------------------------------------

def case_demo_tells_the_whole_story_twice():
    for _ in range(2):
        out, _ = ctl("demo", "--rows", "300")
        steps = re.findall(r"^(\d+)/(\d+) ", out, re.M)
        assert steps and len(steps) == int(steps[0][1]), out
        assert len(re.findall(r"^  ok in [\d.]+ ms$", out, re.M)) == len(steps), out
        assert "STAGE_GUARD" in out and "Try next:" in out, out


def case_demo_as_json_is_one_object_per_step():
    objects = ctl_json("demo", "--rows", "100")
    steps = [o for o in objects if "step" in o]
    assert len(steps) > 15 and all(o["ok"] and o["ms"] >= 0 for o in steps), steps


# ---- records ------------------------------------------------------------------------------------

def case_a_lead_lives_and_goes():
    made = ctl_json("lead", "create", "--name", "Grace Ōtsuka", "--email", "Grace@Example.NET",
                    "--title", "CTO", "--attr", "plan=pro", "--tag", "vip")[0]
    lead = made["lead"]["id"]
    out, _ = ctl("lead", "get", lead)
    assert re.search(r"^name +Grace Ōtsuka$", out, re.M) and "plan=pro" in out and "vip" in out, out
    assert "Grace@example.net" in out, out  # the domain is folded, what stands before the @ is not ours
    etag = made["lead"]["etag"]
    changed = ctl_json("lead", "update", lead, "--title", "COO", "--clear", "tags", "--etag", etag)[0]["lead"]
    assert changed["jobTitle"] == "COO" and "tags" not in changed and changed["email"] == "Grace@example.net", changed
    _, err = ctl("lead", "update", lead, "--title", "CEO", "--etag", etag, expect=REFUSED)
    assert "ETAG_MISMATCH" in err, err
    out, _ = ctl("lead", "list", "--search", "ōtsuka")
    assert "Grace Ōtsuka" in out and "COO" in out, out
    ctl("lead", "delete", lead, expect=USAGE)
    ctl("lead", "delete", lead, "--yes")
    ctl("lead", "get", lead, expect=NOT_FOUND)


def case_a_deal_is_refused_moved_lost_and_reopened():
    deal = ctl_json("deal", "create", "Looms", "--amount", "1200.50 EUR")[0]["deal"]["id"]
    _, err = ctl("deal", "progress", deal, "commitment", expect=REFUSED)
    assert re.search(r"^  - STAGE_GUARD", err, re.M), err
    ctl("deal", "update", deal, "--close", "2027-06-30", "--contact", "champion:Ada Byron <ada@example.com>",
        "--next-step", "send offer")
    out, _ = ctl("deal", "progress", deal, "negotiation")
    assert re.search(r"^stage +negotiation$", out, re.M) and "1,200.50 EUR" in out, out
    ctl("deal", "progress", deal, "lost", expect=REFUSED)
    ctl("deal", "progress", deal, "lost", "--reason", "price")
    assert "negotiation" in ctl("deal", "reopen", deal, "they called back")[0]
    out, _ = ctl("deal", "list", "--filter", 'stage = "negotiation"')
    assert "Looms" in out and "1,200.50 EUR" in out, out
    out, _ = ctl("pipeline")
    assert re.search(r"^negotiation +█", out, re.M), out


def case_activities_count():
    lead = ctl_json("lead", "create", "--email", "act@example.org", "--name", "Act One")[0]["lead"]["id"]
    before = ctl_json("lead", "qualify", lead, "--dry-run")[0]["score"]["score"]
    ctl("activity", "log", "web", "--lead", lead, "--event", "demo_requested", "--direction", "inbound", "--at", "-1d")
    out, _ = ctl("activity", "list", "--lead", lead)
    assert "demo_requested" in out, out
    out, _ = ctl("lead", "qualify", lead)
    after = int(re.match(r"(\d+) of 100", out).group(1))
    assert after > before, (before, out)
    points = [float(p) for p in re.findall(r"^ *([+-][\d.]+)  ", out, re.M)]
    base, total = (float(x) for x in re.search(r"base ([\d.]+) and .* up to ([\d.]+)", out).groups())
    assert abs(base + sum(points) - total) < 0.05 * (len(points) + 1) and total == after, out


def case_a_decision_is_explained_and_replayed():
    lead = ctl_json("lead", "create", "--email", "decide@example.org", "--name", "Grace Hopper", "--title", "CTO")[0]["lead"]["id"]
    out, _ = ctl("lead", "qualify", lead)
    decision = re.search(r"^  decision (\S+)$", out, re.M).group(1)
    assert "no model of this tenant's own yet" in out and "% likely to buy" in out, out
    score = int(re.match(r"(\d+) of 100", out).group(1))
    out, _ = ctl("decision", "explain", decision)
    assert re.search(rf"^{score} of 100", out, re.M) and lead in out and "inputs were known" in out, out
    assert re.search(r"base [\d.]+ and \d+ signals add up to", out), out
    explained = ctl_json("decision", "explain", decision)[0]["decision"]
    assert explained["id"] == decision and len(explained["inputs"]) > 100 and explained["contributions"]
    assert "identical" in ctl("decision", "replay", decision)[0]
    assert ctl_json("decision", "replay", decision)[0]["identical"]
    ctl("decision", "explain", UNKNOWN, expect=NOT_FOUND)


def case_advice_is_shown_and_answered():
    lead = ctl_json("lead", "create", "--name", "Ada Byron", "--email", "advice@byron.example")[0]["lead"]["id"]
    made = ctl_json("action", "recommend", "lead", lead)[0]["recommendations"]
    out = ctl("action", "recommend", "lead", lead, "--limit", "1", "--no-ai")[0]
    assert made[0]["title"] in out and made[0]["id"] in out and "confidence" in out
    ctl("action", "respond", made[0]["id"], "maybe", expect=USAGE)
    assert "dismissed" in ctl("action", "respond", made[0]["id"], "dismiss", "--note", "no")[0]
    ctl("action", "respond", made[0]["id"], "accept", expect=REFUSED)
    assert "1 left out" in ctl("action", "recommend", "lead", lead)[0]
    ctl("action", "recommend", "deal", UNKNOWN, expect=NOT_FOUND)
    deal = ctl_json("deal", "create", "Seats", "--close", "2020-01-01")[0]["deal"]["id"]
    assert "Change the expected close date" in ctl("action", "recommend", "deal", deal)[0]


def case_a_proposal_is_read_before_it_is_approved():
    lead = ctl_json("lead", "create", "--name", "Ada Byron", "--email", "proposal@byron.example")[0]["lead"]["id"]
    made = ctl_json("proposal", "propose", "activity", "note", "--lead", lead, "--subject", "a subject", "--because", "x")[0]["proposal"]
    out, err = ctl("proposal", "approve", made["id"], expect=USAGE)
    assert "a subject" in out and made["argumentsSha256"] in out and "nothing is approved" in err, out + err
    assert ctl_json("proposal", "show", made["id"])[0]["state"] == "PROPOSAL_STATE_PENDING"
    ctl("proposal", "approve", made["id"], "--hash", "0" * 64, expect=REFUSED)
    assert made["argumentsSha256"] in ctl("proposal", "approve", made["id"], "--hash", made["argumentsSha256"])[0]
    wait_until("the run", lambda: "executed" in ctl("proposal", "show", made["id"])[0])
    ctl("proposal", "approve", made["id"], "--hash", made["argumentsSha256"], expect=REFUSED)
    other = ctl_json("proposal", "propose", "follow-up", "--lead", lead, "--at", "+2d", "--title", "Call")[0]["proposal"]
    assert "rejected" in ctl("proposal", "reject", other["id"], "--note", "no")[0]
    assert made["id"] in ctl("proposal", "list", "--filter", f'lead_id = "{lead}" AND state = "executed"')[0]
    ctl("proposal", "show", UNKNOWN, expect=NOT_FOUND)


def case_a_batch_is_qualified_with_a_summary():
    out, _ = ctl("lead", "qualify", "--filter", 'status = "new"')
    assert re.search(r"\d+ leads in .*: \d+ qualified", out), out


def case_a_watch_sees_a_new_lead():
    watch = subprocess.Popen([SALESCTL, "lead", "watch", "--count", "1", "--filter", 'source = "watched"', "--json"],
                             stdout=subprocess.PIPE, env=environment())
    end = time.monotonic() + 30
    while watch.poll() is None and time.monotonic() < end:
        ctl("lead", "create", "--name", "W", "--source", "watched", "--external-id", os.urandom(8).hex())
        time.sleep(0.2)
    event = json.loads(watch.communicate(timeout=10)[0].splitlines()[0])["event"]
    assert watch.returncode == OK and event["lead"]["source"] == "watched", event


# ---- imports ------------------------------------------------------------------------------------

def case_broken_rows_are_named_and_the_others_go_in():
    data = list(rows("broken", 6000))
    data[5000] = '5000,"Person 5000,p@x.example.com,3'      # a quotation mark that nothing closes
    data[5001] = b"5001,Ren\xe9e,p5001@broken.example.com,3"  # Latin-1 in a UTF-8 file
    data[5002] = "5002,Person,p5002@broken.example.com,many"  # no number
    data[5003] = "5003,Person,not-an-address,3"               # refused by the server
    data[5004] = "5004,too,few"
    out, err = ctl("lead", "import", write("broken.csv", data), "--map", mapping("broken"), expect=PARTIAL)
    for line in (r"row 5001: .*column 2 \(name\): .*quotation mark", r"row 5002: .*column 2 \(name\): .*UTF-8",
                 r"row 5003: column 4 \(staff\): company.employees is a whole number", r"row 5004: email",
                 r"row 5005: "):
        assert re.search(line, err), (line, err)
    assert re.search(r"6,000 rows in .* 5,995 created.* 5 failed", out), out
    assert leads_of("broken") == 5995


def case_a_dry_run_stores_nothing():
    out, _ = ctl("lead", "import", write("dry.csv", rows("dry", 50)), "--map", mapping("dry"), "--dry-run")
    assert re.search(r"^50 rows", out), out
    assert leads_of("dry") == 0


def case_standard_input_is_a_file_too():
    text = "\n".join(rows("stdin", 700)).encode()
    out, _ = ctl("lead", "import", "-", "--map", mapping("stdin"), feed=text)
    assert "700 created" in out and leads_of("stdin") == 700, out


def case_columns_named_like_fields_need_no_mapping():
    path = write("plain.csv", ["external_id,full_name,company.name,attributes.plan,source", "pl-1,Ann,ACME,pro,plain"])
    ctl("lead", "import", path)
    lead = ctl_json("lead", "list", "--filter", 'source = "plain"')[0]["leads"][0]
    assert lead["company"]["name"] == "ACME" and lead["attributes"]["plan"] == {"stringValue": "pro"}, lead
    _, err = ctl("lead", "import", write("odd.csv", ["nonsense", "1"]), expect=USAGE)
    assert "'nonsense' is no field of a lead: use --map" in err, err


def case_mistakes_around_files_are_said():
    csv = write("few.csv", rows("few", 3))
    _, err = ctl("lead", "import", "/no/such/file.csv", "--map", mapping("few"), expect=USAGE)
    assert "No such file" in err, err
    _, err = ctl("lead", "import", csv, "--map", write("bad.csvmap", ["full_name = name", "email = nowhere"]), expect=USAGE)
    assert "no column 'nowhere' for email" in err, err
    _, err = ctl("lead", "import", csv, "--map", write("bad2.csvmap", ["colour = name"]), expect=USAGE)
    assert "'colour' is no field of a lead" in err, err


def case_an_import_survives_the_server():
    """kill -9 in the middle, a new server on the same address and store, nothing lost or done twice."""
    global server
    n = 60000
    path = write("long.csv", rows("long", n))
    with open(os.path.join(folder, "long.err"), "wb") as err:
        run = subprocess.Popen([SALESCTL, "lead", "import", path, "--map", mapping("long")],
                               stdout=subprocess.PIPE, stderr=err, env=environment())
        wait_until("the first rows", lambda: leads_of_quick("long"))
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        start_server(server.address)
        out = run.communicate(timeout=120)[0].decode()
    with open(os.path.join(folder, "long.err"), encoding="utf-8") as f:
        said = f.read()
    assert run.returncode == OK, (run.returncode, out, said)
    assert "resuming" in said, said
    assert leads_of("long") == n


def leads_of_quick(source):
    return ctl_json("lead", "list", "--filter", f'source = "{source}"', "--limit", "1")[0].get("leads")


# ---- failures -----------------------------------------------------------------------------------

def case_exit_codes_tell_the_class():
    ctl("lead", "get", UNKNOWN, expect=NOT_FOUND)
    _, err = ctl("lead", "create", "--email", "nobody", "--employees", "-5", expect=INVALID)
    assert re.search(r"^  - lead.email: ", err, re.M) and re.search(r"^  - lead.company.employees: ", err, re.M), err
    ctl("lead", "list", "--filter", "status === 1", expect=INVALID)
    ctl("lead", "list", expect=DENIED, SALES_API_KEY="wrong")
    _, err = ctl("health", "--address", f"unix:{folder}/nobody", expect=UNAVAILABLE)
    assert "after 5 attempts" in err, err
    ctl("lead", "frobnicate", expect=USAGE)
    failure = json.loads(ctl("lead", "create", "--email", "nobody", "--json", expect=INVALID)[1])["error"]
    assert failure["status"] == "INVALID_ARGUMENT" and failure["violations"][0]["field"] == "lead.email", failure


def case_health_is_told():
    assert "serving" in ctl("health")[0]
    assert "serving" in ctl("health", "sales.v1.SalesAgent")[0]
    ctl("health", "no.such.Service", expect=NOT_FOUND)


def case_ctrl_c_ends_in_order():
    for words, code in ((["lead", "watch"], OK), (["lead", "import", "-", "--map", mapping("cut")], CANCELLED)):
        run = subprocess.Popen([SALESCTL, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=environment())
        if words[1] == "import":
            run.stdin.write("\n".join(rows("cut", 2000)).encode() + b"\n")
            run.stdin.flush()
            wait_until("the first rows", lambda: leads_of_quick("cut"))
        else:
            time.sleep(0.5)
        run.send_signal(signal.SIGINT)
        assert run.wait(20) == code, (words, run.returncode, run.stderr.read())  # its input is still open
        run.communicate()


# ---- shells and terminals -----------------------------------------------------------------------

def bash(script):
    return subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, check=True).stdout.split()


def case_an_admin_sets_the_policy_and_makes_and_revokes_keys():
    one = lambda *words, **more: ctl_json(*words, **more)[0]
    assert one("admin", "info")["storage"] == "sqlite"
    out, err = ctl("admin", "tenant", "create", "acme", "--admin", "ada", "--currency", "EUR")
    acme = re.search(r"secret +(sk_\S+)", out).group(1)
    assert "not shown again" in err and acme not in err
    assert "acme" in ctl("admin", "tenant", "get", SALES_API_KEY=acme)[0]
    ctl("admin", "tenant", "create", "acme", "--admin", "ada", expect=REFUSED)
    path = write("policy.txt", ["# ours", "default_time_zone = Europe/Vienna", "rep_scope = own"])
    ctl("admin", "policy", "set", "ai.external_disabled=yes", "--file", path, SALES_API_KEY=acme)
    policy = one("admin", "policy", "get", SALES_API_KEY=acme)
    assert policy == {"repScope": "REP_SCOPE_OWN", "ai": {"externalDisabled": True},
                      "defaultTimeZone": "Europe/Vienna", "defaultCurrencyCode": "EUR"}, policy
    ctl("admin", "policy", "set", "default_time_zone=", SALES_API_KEY=acme)
    assert "defaultTimeZone" not in one("admin", "policy", "get", SALES_API_KEY=acme)
    _, err = ctl("admin", "policy", "set", "default_currency_code=ZZZ", "default_country_code=XX",
                 SALES_API_KEY=acme, expect=INVALID)
    assert "policy.default_currency_code" in err and "policy.default_country_code" in err, err
    _, err = ctl("admin", "policy", "set", "nonsense=1", expect=USAGE)
    ctl("admin", "policy", "set", expect=USAGE)
    made = one("admin", "key", "create", "grace", "--name", "laptop", "--role", "rep",
                    "--role", "viewer", "--team", "north", SALES_API_KEY=acme)
    assert made["apiKey"]["roles"] == ["ROLE_REP", "ROLE_VIEWER"], made
    assert "grace" in ctl("admin", "key", "list", SALES_API_KEY=acme)[0]
    assert made["secret"] not in ctl("admin", "key", "list", SALES_API_KEY=acme)[0]
    ctl("lead", "list", SALES_API_KEY=made["secret"])
    ctl("admin", "key", "revoke", made["apiKey"]["id"], SALES_API_KEY=acme, expect=USAGE)
    ctl("admin", "key", "revoke", made["apiKey"]["id"], "--yes", SALES_API_KEY=acme)
    ctl("lead", "list", SALES_API_KEY=made["secret"], expect=DENIED)


def case_completion_knows_the_table():
    path = write("completion.bash", [ctl("completion", "bash")[0]])
    subprocess.run(["bash", "-n", path], check=True)

    def complete(*words):
        quoted = " ".join(f"'{w}'" for w in ("salesctl", *words))
        return bash(f'source {path}; COMP_WORDS=({quoted}); COMP_CWORD={len(words)}; _salesctl; '
                    'printf "%s\\n" "${COMPREPLY[@]}"')

    assert complete("le") == ["lead"]
    assert {"create", "import", "watch"} <= set(complete("lead", ""))
    assert complete("deal", "pro") == ["progress"]
    assert complete("admin", "k") == ["key"]
    assert complete("admin", "key", "") == ["create", "list", "revoke"]
    assert "--role" in complete("admin", "key", "create", "grace", "--r")
    assert "--duplicates" in complete("lead", "create", "--dup")
    assert {"--json", "--filter"} <= set(complete("lead", "list", "--"))
    for shell in ("zsh", "fish"):
        script = write("completion." + shell, [ctl("completion", shell)[0]])
        if shutil.which(shell):
            subprocess.run([shell, "-n", script], check=True)
    ctl("completion", "tcsh", expect=USAGE)


def on_terminal(*words, **env):
    """What salesctl writes to a terminal of 100 columns."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(SALESCTL, [SALESCTL, *words], environment(TERM="xterm", COLUMNS="100", **env))
    text = b""
    while True:
        try:
            if not select.select([fd], [], [], 60)[0]:
                raise AssertionError(f"{words} hangs")
            part = os.read(fd, 65536)
        except OSError:
            part = b""
        if not part:
            break
        text += part
    os.waitpid(pid, 0)
    os.close(fd)
    return text.decode()


def case_colours_and_bars_are_for_terminals():
    path = write("tty.csv", rows("tty", 20000))
    seen = on_terminal("lead", "import", path, "--map", mapping("tty"))
    assert re.search(r"\rimporting  \[[█▏▎▍▌▋▊▉ ]+\] +\d+ %  [\d,]+/20,000  [\d,]+/s", seen), seen
    assert "\033[K" in seen and "20,000 created" in seen, seen
    assert "\033[" in on_terminal("lead", "list", "--limit", "1")
    assert "\033[" not in on_terminal("lead", "list", "--limit", "1", NO_COLOR="1")
    for line in on_terminal("lead", "list", "--limit", "5", NO_COLOR="1").splitlines():
        assert len(line) <= 100, line
    out, err = ctl("lead", "list", "--limit", "1")
    assert "\033" not in out + err


def case_values_cannot_drive_the_terminal():
    lead = ctl_json("lead", "create", "--name", "Mallory", "--email", "m@example.org",
                    "--attr", "note=a\033[2J\u2066b")[0]["lead"]["id"]
    out, _ = ctl("lead", "get", lead)
    assert "note=a" in out and "\033" not in out and "\u2066" not in out, out


# ---- the audit trail

def trail(sealed=True):
    """All entries, oldest first; by default once everything is sealed."""
    if sealed:
        wait_until("the seal", lambda: "unsealed" not in ctl_json("audit", "verify")[0])
    pages = ctl_json("audit", "list", "--order", "sequence, create_time", "--limit", "500", "--all")
    return [e for p in pages for e in p.get("entries", [])]


def case_every_change_is_on_the_trail():
    made = ctl_json("lead", "create", "--name", "Ada Byron", "--email", "audit@example.org", "--company", "A")[0]
    lead = made["lead"]["id"]
    dropped = ctl_json("lead", "create", "--name", "Eve", "--email", "audit2@example.org")[0]["lead"]["id"]
    deal = ctl_json("deal", "create", "Fifty seats", "--amount", "12000 EUR", "--close", "2027-01-31")[0]["deal"]["id"]
    steps = [  # the command, and the kinds of records that its entries are about
        (("lead", "update", lead, "--title", "COO"), ["lead"]),
        (("lead", "qualify", lead), ["lead"]),
        (("activity", "log", "call", "--lead", lead, "--event", "call_connected"), ["activity", "lead"]),
        (("deal", "update", deal, "--next-step", "offer"), ["deal"]),
        (("deal", "progress", deal, "lost", "--reason", "price"), ["deal"]),
        (("deal", "reopen", deal, "they called"), ["deal"]),
        (("lead", "delete", dropped, "--yes"), ["lead"]),
        (("lead", "get", lead), []),
        (("lead", "list",), []),
        (("pipeline",), []),
    ]
    before = len(trail())
    for words, kinds in steps:
        ctl(*words)
        entries = trail(sealed=False)
        new, before = entries[before:], len(entries)
        assert sorted(e["recordKind"] for e in new) == kinds, (words, new)
        for e in new:
            assert e["actor"]["id"] and e["action"].startswith("/sales.v1."), e
    entries = trail()
    of_lead = [e for e in entries if e.get("recordId") == lead]
    assert "beforeDigest" not in of_lead[0] and of_lead[1]["changedFields"] == ["job_title"], of_lead
    for a, b in zip(of_lead, of_lead[1:]):
        assert a["afterDigest"] == b["beforeDigest"]
    assert "afterDigest" not in [e for e in entries if e.get("recordId") == dropped][-1]
    assert "Byron" not in json.dumps(entries) and "example.org" not in json.dumps(entries)
    assert [e["sequence"] for e in entries] == [str(i + 1) for i in range(len(entries))]


def frames_of(blob):
    magic = b"salesd-audit-1\n"
    assert blob.startswith(magic)
    frames, at = [], len(magic)
    while at < len(blob):
        n = int.from_bytes(blob[at + 1:at + 5], "big")
        frames.append(blob[at:at + 5 + n])
        at += 5 + n
    return magic, frames


def case_an_export_verifies_offline_and_shows_what_was_done_to_it():
    for i in range(6):
        ctl("lead", "create", "--name", f"Trail {i}", "--email", f"trail{i}@example.org")
    trail()
    path = os.path.join(folder, "trail.audit")
    out, _ = ctl("audit", "export", path)
    key = out.split()[-1]
    ctl("audit", "export", path, expect=1)  # never over another
    out, err = ctl("audit", "verify", path, "--public-key", key)
    assert "intact" in out and not err, (out, err)
    assert "--public-key" in ctl("audit", "verify", path)[1]
    with open(path, "rb") as f:
        magic, frames = frames_of(f.read())
    n = len(frames) - 1
    other = os.path.join(folder, "other.audit")

    def verify(changed, *more, expect=1):
        with open(other, "wb") as f:
            f.write(magic + b"".join(changed))
        return ctl("audit", "verify", other, "--public-key", key, *more, expect=expect)[0]

    def flip(frame, at):
        return frame[:at] + bytes([frame[at] ^ 1]) + frame[at + 1:]

    assert "intact" in verify(frames, expect=OK)
    assert "altered, first at entry 3" in verify(frames[:3] + [flip(frames[3], len(frames[3]) - 40)] + frames[4:])
    assert "altered, first at entry 3" in verify(frames[:3] + [flip(frames[3], 10)] + frames[4:])
    assert "an entry is missing, first at entry 2" in verify(frames[:2] + frames[3:])
    assert "the order was changed, first at entry 2" in verify(frames[:2] + [frames[3], frames[2]] + frames[4:])
    assert f"the end is missing, first at entry {n}" in verify(frames[:-1])
    assert f"the end is missing, first at entry {n}" in verify(frames[:-1] + [frames[-1][:-9]])
    assert "a signature is wrong" in verify([flip(frames[0], len(frames[0]) // 2)] + frames[1:])
    for at in range(5, len(frames[4]), 7):  # any bit anywhere
        verify(frames[:4] + [flip(frames[4], at)] + frames[5:])
    ctl("audit", "verify", other, "--public-key", "0" * 64, expect=1)
    ctl("audit", "verify", other, "--public-key", "12", expect=USAGE)
    # what is exported later goes through the earlier checkpoint
    ctl("lead", "create", "--name", "Later", "--email", "later@example.org")
    trail()
    later = os.path.join(folder, "later.audit")
    ctl("audit", "export", later)
    ctl("audit", "verify", later, "--public-key", key, "--known", path)
    out, _ = ctl("audit", "verify", path, "--public-key", key, "--known", later, expect=1)
    assert f"the end is missing, first at entry {n + 1}" in out, out
    assert "intact" in ctl("audit", "verify")[0]


# ---- running them -------------------------------------------------------------------------------

def start_server(listen="127.0.0.1:0"):
    global server
    server = servers.start_salesd(SALESD, f"sqlite:{folder}/sales.db", folder, "salesd", listen=listen)


def main():
    global folder
    pattern = sys.argv[3] if len(sys.argv) > 3 else ""
    folder = tempfile.mkdtemp(prefix="salesctl-e2e.")
    failed = 0
    start_server()
    try:
        for name, case in [(n, c) for n, c in globals().items() if n.startswith("case_") and re.search(pattern, n)]:
            began = time.monotonic()
            try:
                case()
                print(f"ok      {name[5:].replace('_', ' ')}  ({time.monotonic() - began:.1f} s)")
            except Exception as e:  # one case must not hide the others
                failed += 1
                print(f"FAILED  {name[5:].replace('_', ' ')}: {type(e).__name__} {e}")
        server.stop()
    finally:
        if server.process.poll() is None:
            server.process.kill()
        shutil.rmtree(folder)
    sys.exit(1 if failed else 0)


main()
