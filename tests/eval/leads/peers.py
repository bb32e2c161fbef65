"""What others do on the same split: rates, a naive Bayes as Odoo's, scikit-learn and XGBoost."""
import math

try:
    import numpy
    import sklearn
    import xgboost
    from sklearn.linear_model import LogisticRegression
except ImportError:
    sklearn = xgboost = None

SMOOTH = 0.1  # Odoo adds it to every count
PRIOR = 20    # cases of the base rate that a segment starts with


def rate(cases):
    return sum(c.won for c in cases) / len(cases)


def base_rate(s):
    return [rate(s.training)] * len(s.held_out)


def segment_frequency(s):
    base, seen = rate(s.training), {}
    for c in s.training:
        n, won = seen.get(key := tuple(c.columns[x] for x in s.segment), (0, 0))
        seen[key] = n + 1, won + c.won
    counts = (seen.get(tuple(c.columns[x] for x in s.segment), (0, 0)) for c in s.held_out)
    return [(won + PRIOR * base) / (n + PRIOR) for n, won in counts]


def naive_bayes(s, words):
    """As Odoo's predictive lead scoring: 0.1 added to each count, no more than one field's value given
    the outcome at a time, clamped to 0.01-99.99 %. words: a case's field -> text."""
    n_won = sum(c.won for c in s.training) + SMOOTH
    n_lost = len(s.training) - n_won + 2 * SMOOTH
    counts, totals = {}, {}
    for c in s.training:
        for field, text in words(c).items():
            for place, key in ((counts, (field, text)), (totals, field)):
                pair = place.setdefault(key, [SMOOTH, SMOOTH] if place is counts else [0, 0])
                pair[c.won] += 1
    for (field, _), pair in counts.items():
        totals[field][0] += SMOOTH
        totals[field][1] += SMOOTH
    out = []
    for c in s.held_out:
        log_odds = math.log(n_won / n_lost)
        for field, text in words(c).items():
            if (field, text) in counts:
                lost, won = counts[field, text]
                log_odds += math.log(won / totals[field][1]) - math.log(lost / totals[field][0])
        out.append(min(max(1 / (1 + math.exp(-log_odds)), 0.0001), 0.9999))
    return out


def odoo(s):
    return naive_bayes(s, lambda c: {n: c.columns[n] for n in s.texts})


def odoo_bins(s):
    """The same with numbers cut at their quintiles."""
    edges = {}
    for name in s.numbers:
        known = sorted(c.columns[name] for c in s.training if c.columns[name] is not None)
        edges[name] = [known[len(known) * i // 5] for i in range(1, 5)]

    def words(c):
        out = {n: c.columns[n] for n in s.texts}
        for n in s.numbers:
            v = c.columns[n]
            out[n] = "none" if v is None else str(sum(v >= e for e in edges[n]))
        return out
    return naive_bayes(s, words)


def one_hot(s, cases):
    seen = {n: sorted({c.columns[n] for c in s.training}) for n in s.texts}
    columns = [[float(c.columns[n] == word) for c in cases] for n in s.texts for word in seen[n]]
    for n in s.numbers:
        known = [c.columns[n] for c in s.training if c.columns[n] is not None]
        mean = sum(known) / len(known)
        spread = math.sqrt(sum((v - mean) ** 2 for v in known) / len(known)) or 1.0
        columns.append([0.0 if c.columns[n] is None else (c.columns[n] - mean) / spread for c in cases])
        if len(known) < len(s.training):
            columns.append([float(c.columns[n] is None) for c in cases])
    return numpy.array(columns).T


def logistic(s):
    model = LogisticRegression(max_iter=2000)
    model.fit(one_hot(s, s.training), [c.won for c in s.training])
    return [float(p) for p in model.predict_proba(one_hot(s, s.held_out))[:, 1]]


def boosting(s):
    settings = {"objective": "binary:logistic", "max_depth": 4, "eta": 0.05, "subsample": 0.8, "nthread": 1, "seed": 1}
    data = xgboost.DMatrix(one_hot(s, s.training), [c.won for c in s.training])
    model = xgboost.train(settings, data, 200)
    return [float(p) for p in model.predict(xgboost.DMatrix(one_hot(s, s.held_out)))]


PEERS = [("base rate", base_rate), ("segment frequency", segment_frequency), ("Odoo-style naive Bayes", odoo),
         ("the same, numbers in quintiles", odoo_bins)]
if sklearn:
    PEERS += [(f"scikit-learn {sklearn.__version__} LR", logistic), (f"XGBoost {xgboost.__version__} in Python", boosting)]
