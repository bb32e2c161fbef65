"""Figures of probabilities beside what came true. Definitions as in core/model/measure.h."""
import random

BINS, ROUNDS = 10, 300


def runs(ranked):
    """(cases, won) of each run of equal probability; ranked: (p, won) ascending."""
    out, at = [], 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        out.append((end - at, sum(w for _, w in ranked[at:end])))
        at = end
    return out


def auc_of(tallies):
    below = pairs = won = 0.0
    for n, k in tallies:
        pairs += k * (below + (n - k) / 2)
        below, won = below + n - k, won + k
    return pairs / (won * below) if won and below else 0.5


def interval(ranked, seed):
    """95 % of the AUC of samples with replacement."""
    draw, n, found = random.Random(seed), len(ranked), []
    group, at = [], 0
    for size, _ in runs(ranked):
        group += [at] * size
        at += 1
    for _ in range(ROUNDS):
        tallies = [[0, 0] for _ in range(at)]
        for i in draw.choices(range(n), k=n):
            t = tallies[group[i]]
            t[0] += 1
            t[1] += ranked[i][1]
        found.append(auc_of(tallies))
    found.sort()
    return found[int(0.025 * ROUNDS)], found[int(0.975 * ROUNDS)]


def top(tallies, n, won):
    """Average precision, and the rate of the best fifth over the rate of all."""
    seen = hit = precision = top_hit = 0.0
    for size, k in reversed(tallies):
        if seen < n / 5:
            top_hit += k * min(1.0, (n / 5 - seen) / size)
        seen, hit = seen + size, hit + k
        precision += k * hit / seen
    return precision / won, top_hit / (n / 5) / (won / n)


def reliability(ranked):
    """(predicted, observed, cases) of bins of equal mass; equal probabilities stay together."""
    bins, at, n = [], 0, len(ranked)
    for b in range(BINS):
        end = n * (b + 1) // BINS
        while at < end < n and ranked[end][0] == ranked[end - 1][0]:
            end += 1
        part, at = ranked[at:end], max(at, end)
        if part:
            bins.append((sum(p for p, _ in part) / len(part), sum(w for _, w in part) / len(part), len(part)))
    return bins


def measure(p, won, seed=1):
    ranked = sorted(zip(p, map(int, won)))
    n, k, tallies = len(ranked), sum(map(int, won)), runs(ranked)
    bins = reliability(ranked)
    low, high = interval(ranked, seed)
    pr_auc, lift = top(tallies, n, k)
    return {"n": n, "base_rate": k / n, "auc": auc_of(tallies), "auc_low": low, "auc_high": high, "pr_auc": pr_auc,
            "brier": sum((q - w) ** 2 for q, w in ranked) / n,
            "ece": sum(size / n * abs(q - w) for q, w, size in bins), "lift20": lift, "bins": bins}


def segments(cases, p, least):
    """(column, text, cases, mean predicted minus observed) of every text with so many cases."""
    out = []
    for name in cases[0].columns:
        parts = {}
        for c, q in zip(cases, p):
            if isinstance(c.columns[name], str):
                parts.setdefault(c.columns[name], []).append((q, c.won))
        out += [(name, text, len(part), sum(q - w for q, w in part) / len(part))
                for text, part in parts.items() if len(part) >= least]
    return sorted(out, key=lambda s: -abs(s[3]))
