"""What must hold besides good figures: exact sums, same input same score, no outcome among the inputs,
no segment that is treated much better or worse than it deserves. Each yields what is wrong, in words."""
import datetime
import math

from cases import DAY, Case, Set, share_of
from desk import CALLERS, Desk, ThreadPoolExecutor
from measures import measure, segments

GAP_GOAL, GAP_LEAST = 0.05, 200
CONSISTENT = 200     # leads asked twice
LEAK_CASES = 1500    # per planted attribute
LEAK_AUC = 0.97      # near-perfect: what the card must warn of


def bytes_of(score):
    """The score without the hour at which it was computed."""
    copy = type(score).FromString(score.SerializeToString())
    copy.ClearField("scored_at")
    return copy.SerializeToString(deterministic=True)


def wrong_sums(scores):
    """Points add up to the thousandth, log-odds to the millionth of the probability said."""
    for s in scores:
        points = s.base_points_milli + sum(c.points_milli for c in s.contributions)
        if points != 1000 * s.score:
            yield f"points of {s.decision_id or 'a score'} add up to {points}, it says {s.score}"
        if not 0 <= s.score <= 100:
            yield f"a score of {s.score} points"
        log_odds = (s.base_log_odds_micro + sum(c.log_odds_micro for c in s.contributions)) / 1e6
        if s.provenance.model_id and not s.disqualifications and abs(1 / (1 + math.exp(-log_odds)) - s.win_probability) > 1e-9:
            yield f"log-odds add up to {log_odds}, the probability is {s.win_probability}"


def inconsistent(desk, cases, ids):
    """The same lead asked again, among others at once, and stored again under another name."""
    cases = cases[:CONSISTENT]
    one = [bytes_of(desk.qualify(ids[c.name], c.seen, validate_only=True, insight_mode=1).score) for c in cases]
    with ThreadPoolExecutor(CALLERS) as pool:
        two = list(pool.map(lambda c: bytes_of(desk.qualify(ids[c.name], c.seen, validate_only=True,
                                                            insight_mode=1).score), cases))
    if n := sum(a != b for a, b in zip(one, two)):
        yield f"{n} of {len(one)} scores differ when they are asked for again"

    def rename(_, lead):
        lead.external_id += "-twin"
    twins = desk.load(cases, False, rename)
    three = [bytes_of(desk.qualify(twins[c.name], c.seen, validate_only=True, insight_mode=1).score) for c in cases]
    if n := sum(a != b for a, b in zip(one, three)):
        yield f"{n} of {len(one)} leads get another score as a copy"


def unfair(s, p, card):
    """Segments whose mean probability is off by more than the goal and that the card does not name."""
    told = {(c.field.removeprefix("attr."), c.value) for c in card.segments}
    found = segments(s.held_out, p, GAP_LEAST)
    wrong = [f"{name} = {text}: off by {gap:+.3f} (n {n}), and the card does not say so"
             for name, text, n, gap in found if abs(gap) > GAP_GOAL and (name, text) not in told]
    return found, wrong


def made_cases(n):
    """Leads that two columns tell something of and the rest is chance."""
    born = datetime.datetime(2024, 5, 15, tzinfo=datetime.timezone.utc).timestamp()
    out = []
    for i in range(n):
        trade, size = ("a", "b", "c")[int(share_of("trade", i) * 3)], 100 * share_of("size", i)
        won = share_of("won", i) < {"a": 0.1, "b": 0.3, "c": 0.5}[trade] + size / 500
        c = Case(f"made-{i}", {"trade": trade, "size": round(size, 1)}, won, i >= n * 4 // 5)
        c.born = born + int(share_of("born", i) * DAY)
        c.closed = c.seen = c.born + DAY
        c.seen -= 1
        out.append(c)
    return Set("made", out, ("trade",))


def planted(key):
    """The card of a model of leads that carry their outcome under this key, and a lead's score."""
    s = made_cases(LEAK_CASES)

    def plant(case, lead):
        lead.attributes[key].string_value = "yes" if case.won else "no"
    with Desk() as desk:
        desk.load(s.training, True, plant)
        ids = desk.load(s.held_out, False, plant)
        card = desk.train()
        scores = desk.scores(s.held_out, ids)
    return card, measure([x.win_probability for x in scores], [c.won for c in s.held_out])["auc"], scores


def leaks():
    """An outcome under an honest name must not be an input; under another name the card must warn."""
    card, auc, scores = planted("won")
    told = " ".join(card.caveats)
    if any(i.signal == "attr.won" for i in card.importance) or any(c.signal == "attr.won" for s in scores for c in s.contributions):
        yield "an attribute named `won` is an input of the model"
    if auc > LEAK_AUC:
        yield f"a planted outcome reaches the score: AUC {auc:.3f}"
    if "won" not in told:
        yield f"the card does not say that the attribute `won` was left out: {told}"
    card, auc, _ = planted("reference_code")
    if auc > LEAK_AUC and not any("too good" in c for c in card.caveats):
        yield f"AUC {card.validation.auc:.3f} by an attribute that knows the outcome, and no warning in the card"
