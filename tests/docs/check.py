#!/usr/bin/python3
"""check.py BUILD: what the documentation says of the sources is so.

docs/errors.md has every reason that the sources give and no other, with its codes; tests and files that
docs/security.md names exist; links between our pages lead somewhere.
"""
import fnmatch
import glob
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CODES = {"INVALID": "INVALID_ARGUMENT", "EXISTS": "ALREADY_EXISTS", "CONFLICT": "ABORTED", "DENIED": "PERMISSION_DENIED",
         "PRECONDITION": "FAILED_PRECONDITION", "EXHAUSTED": "RESOURCE_EXHAUSTED", "DEADLINE": "DEADLINE_EXCEEDED"}
CALL = re.compile(r"call_fail_as\([^;]*?;", re.S)
REASON = re.compile(r'"([A-Z][A-Z0-9_]{2,})"\s*,')
ROW = re.compile(r"^ *X\(\w+, +(\w+), +\"([A-Z_]+)\", +(?:NEVER|ONCE|AGAIN),", re.M)  # SQL_ERROR_LIST
AI_ROW = re.compile(r'^X\(.*, +(\w+), +"(AI_[A-Z_]+)",', re.M)
CONSTANT = re.compile(r'static const char (\w+)\[\] = "([A-Z][A-Z0-9_]{2,})";')


def given():
    """reason -> codes, as the sources have it."""
    found = {}
    for top in ("core", "server", "storage"):
        for file in (ROOT / top).rglob("*.[ch]"):
            text = file.read_text()
            constants = dict(CONSTANT.findall(text))
            for call in CALL.findall(text):
                reasons = REASON.findall(call)[:1] or [v for k, v in constants.items() if re.search(rf"\b{k}\b", call)]
                for reason in reasons:
                    found.setdefault(reason, set()).update(
                        CODES.get(s, s) for s in re.findall(r"\bSTATUS_(\w+)", call) if s != "OK")
    rows = ROW.findall((ROOT / "storage/sql/driver.h").read_text())
    assert len(rows) > 10, "SQL_ERROR_LIST looks otherwise now"
    for status, reason in rows:
        found.setdefault(reason, set()).add(CODES.get(status, status))
    rows = AI_ROW.findall((ROOT / "core/ai/error.def").read_text())
    assert len(rows) > 20, "core/ai/error.def looks otherwise now"
    for status, reason in rows:
        found.setdefault(reason, set()).add(CODES.get(status, status))
    assert len(found) > 60, "the sources look otherwise now"
    return found


def said():
    """reason -> codes (None: a page for operators, no code said), as docs/errors.md has it."""
    for line in (ROOT / "docs/errors.md").read_text().splitlines():
        cells = [c.strip() for c in line.split("|")[1:-1]]
        if not cells or not cells[0].startswith("`"):
            continue
        for reason in re.findall(r"`([A-Z_0-9]+)`", cells[0]):
            yield reason, set(cells[1].split(", ")) if len(cells) == 4 else None


def faults_of_reasons():
    source, page = given(), dict(said())
    for reason in sorted(source.keys() - page.keys()):
        yield f"docs/errors.md lacks {reason} ({', '.join(sorted(source[reason]))})"
    for reason in sorted(page.keys() - source.keys()):
        yield f"docs/errors.md has {reason}, which nobody gives"
    for reason in sorted(source.keys() & page.keys()):
        if page[reason] is not None and not source[reason] <= page[reason]:
            yield f"docs/errors.md: {reason} is {source[reason]}"


def faults_of_security(build):
    text = (ROOT / "docs/security.md").read_text()
    listing = subprocess.run(["ctest", "--test-dir", build, "-N"], check=True, text=True, stdout=subprocess.PIPE).stdout
    tests = set(re.findall(r"Test +#\d+: (\S+)", listing))
    guarantees = text.split("## Guarantees")[1].split("\n## ")[0]
    for row in re.findall(r"^\| \d.*\|$", guarantees, re.M):
        shown = row.split("|")[-2]
        for name in re.findall(r"`([a-z][a-z0-9_*]*)`", shown):
            if not fnmatch.filter(tests, name):
                yield f"docs/security.md: there is no test {name}"
        for path in re.findall(r"`([\w{},*./]+/[\w{},*./]*)[`:]", row.split("|")[-3]):
            head, _, last = path.rpartition("/")
            names = re.sub(r"\{([\w,]+)\}", lambda m: m[1].split(",")[0], last)
            if not glob.glob(str(ROOT / head / names)):
                yield f"docs/security.md: there is no {path}"


def faults_of_links():
    pages = [ROOT / p for p in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    for page in pages + sorted((ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            if not (page.parent / target).exists():
                yield f"{page.relative_to(ROOT)}: {target} is not there"


faults = [*faults_of_reasons(), *faults_of_security(sys.argv[1]), *faults_of_links()]
print(*faults, sep="\n", end="\n" if faults else "")
sys.exit(bool(faults))
