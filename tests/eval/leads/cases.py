"""The data sets as cases of leads: what a CRM would know of them, their outcome, and the split."""
import csv
import datetime
import hashlib
import pathlib

DATA = pathlib.Path(__file__).resolve().parents[4] / "shared/data"
MACRO = {"emp.var.rate", "cons.price.idx", "cons.conf.idx", "euribor3m", "nr.employed"}
UTC = datetime.timezone.utc
DAY = 86400


class Case:
    """One lead. columns: name -> text, float or None; born, closed, seen: seconds since 1970."""

    __slots__ = ("name", "columns", "won", "born", "closed", "seen", "is_held_out")

    def __init__(self, name, columns, won, held_out):
        self.name, self.columns, self.won, self.is_held_out = name, columns, won, held_out
        self.born = self.closed = self.seen = 0


class Set:
    """Cases with their peers' needs. segment: columns whose combination a rate is kept for."""

    def __init__(self, label, cases, segment):
        self.label, self.segment = label, segment
        self.training = [c for c in cases if not c.is_held_out]
        self.held_out = [c for c in cases if c.is_held_out]
        first = self.training[0].columns
        self.texts = [n for n in first if any(isinstance(c.columns[n], str) for c in cases[:200])]
        self.numbers = [n for n in first if n not in self.texts]


def share_of(*words):
    """A number in [0, 1) drawn by a hash."""
    digest = hashlib.sha256("\x1f".join(str(w) for w in words).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def value_of(text):
    try:
        return float(text)
    except ValueError:
        return text


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as f:
        yield from csv.DictReader(f)


def bank(seed):
    """CRM columns only: neither `duration`, known after the call alone, nor figures of the economy.

    The rows have a month and a day of the week, no date, and the rate of success drifts from 3 % to
    46 % along the file. All leads come about on one day, at an hour drawn by a hash, and are decided a
    day later: a split by time is then as random as ours, and time itself tells nothing."""
    path, cases = DATA / "bank_marketing/bank_marketing.csv", []
    day = datetime.datetime(2024, 5, 15, tzinfo=UTC).timestamp()
    for row in rows_of(path):
        number, won = row.pop("row_no"), row.pop("y") == "yes"
        row.pop("duration")
        key = "|".join(row.values())
        columns = {n: value_of(v) for n, v in row.items() if n not in MACRO}
        if columns["pdays"] == 999:
            columns["pdays"] = None  # never called before
        c = Case(f"bank-{number}", columns, won, share_of("split", seed, key) < 0.2)
        c.born = day + int(share_of("born", number) * DAY)
        c.closed = c.born + DAY
        c.seen = c.born + int(share_of("seen", number) * (DAY - 1))
        cases.append(c)
    return Set("bank_marketing, CRM columns", cases, ("contact", "month", "poutcome"))


def pipeline(_seed):
    """Open applications as they stood on a Monday; won: approved within 28 days. Learned up to
    2011-11-28, whose 28 days are over when the test begins; what lies between is left out."""
    cases = []
    for row in rows_of(DATA / "bpi2012_pipeline/snapshots_y28.csv"):
        snap, number, won = row.pop("snap"), row.pop("case_id"), row.pop("y") == "1"
        if not (snap <= "2011-11-28" or snap in ("2011-12-26", "2012-01-02")):
            continue
        columns = {n: value_of(v) for n, v in row.items()}
        c = Case(f"application-{number}-{snap}", columns, won, snap > "2011-11-28")
        c.born = c.seen = datetime.datetime.fromisoformat(snap).replace(tzinfo=UTC).timestamp()
        c.closed = c.born + 28 * DAY
        cases.append(c)
    return Set("bpi2012 open pipeline", cases, ("stage",))
