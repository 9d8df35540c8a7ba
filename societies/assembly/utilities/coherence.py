"""Do preferences hang together: are they decided, and do they go round in circles?

Each number comes with what a coin would score, because a coin is both undecided and often circular by chance.
Source of the two metrics: Mazeika et al. 2025 (Utility Engineering). Null values and the correction for
sampling are ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from agents.statistics.intervals import NAN, NOTHING, Interval, bootstrap_mean, z_value
from societies.assembly.utilities.edges import Edges, FloatArray, IntArray, pair_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Coherence:
    """How decided and how free of circles a set of edges is.

    completeness: mean 2 |P - 1/2|; `coin_completeness` is what coin tosses score with as many answers an edge.
    decisiveness: mean (P - 1/2)^2 without the part that sampling makes; 0 for a coin at any number of answers.
    cycles:       mean probability that three options go round in a circle; 1/4 for a coin, 0 when strictly ordered.
    num_triads:   triads behind it; only triads whose three pairs were all asked count.
    """

    completeness: Interval
    coin_completeness: float
    decisiveness: Interval
    cycles: Interval
    num_triads: int
    num_edges: int


def coherence(asked: Edges, *, most_triads: int = 1000, seed: int = 0) -> Coherence:
    """Return the coherence of edges, one row a pair, at most `most_triads` triads drawn at random."""
    triads = closed_triads(asked, most=most_triads, seed=seed)
    return Coherence(
        completeness=bootstrap_mean(2 * np.abs(asked.p - 0.5), seed=seed),
        coin_completeness=coin_completeness(asked.weight),
        decisiveness=mean_decisiveness(asked),
        cycles=mean_cycle_probability(asked, triads),
        num_triads=len(triads),
        num_edges=len(asked),
    )


def decisiveness(asked: Edges) -> FloatArray:
    """Return (p - 1/2)^2 - p (1 - p) / (n - 1) for each edge with n > 1 answers: unbiased for (P - 1/2)^2.

    Edges of a single answer are left out: one answer says nothing about how decided the answerer is.
    """
    several = asked.weight > 1
    p, n = asked.p[several], asked.weight[several]
    return (p - 0.5) ** 2 - p * (1 - p) / (n - 1)


def mean_decisiveness(asked: Edges, *, level: float = 0.95) -> Interval:
    """Return the mean decisiveness with a normal interval that is never narrower than that of a coin.

    For a coin tossed n times the variance of one edge's value is exactly 1 / (8 n (n - 1)). The scatter between edges
    alone would be taken too small whenever few edges happen to look undecided.
    """
    values = decisiveness(asked)
    if values.size == 0:
        return NOTHING
    n = asked.weight[asked.weight > 1]
    of_coin = float((1 / (8 * n * (n - 1))).sum()) / values.size**2
    scatter = float(values.var(ddof=1)) / values.size if values.size > 1 else 0.0
    point, se = float(values.mean()), math.sqrt(max(of_coin, scatter))
    half = z_value(level) * se
    return Interval(point, se, point - half, point + half)


def coin_completeness(num_answers: FloatArray) -> float:
    """Return the mean of E 2 |X/n - 1/2| over edges for a fair coin tossed n times, n rounded up."""
    if num_answers.size == 0:
        return NAN
    counts, times = np.unique(np.ceil(num_answers).astype(np.int64), return_counts=True)
    # De Moivre 1730: E |X - n/2| = n C(n-1, floor(n/2)) / 2^n; logarithms keep it finite for large n.
    each = [
        2 * math.exp(math.lgamma(n) - math.lgamma(n // 2 + 1) - math.lgamma(n - n // 2) - n * math.log(2))
        for n in counts.tolist()
    ]
    return float(np.average(each, weights=times))


def closed_triads(asked: Edges, *, most: int, seed: int = 0) -> IntArray:
    """Return triads (a < b < c) whose three pairs were all asked: shape (T, 3), at most `most`, drawn evenly."""
    size = asked.num_options
    linked = np.zeros((size, size), dtype=np.bool_)
    linked[asked.first, asked.second] = linked[asked.second, asked.first] = True
    found: list[IntArray] = []
    for a in range(size):
        later = np.flatnonzero(linked[a, a + 1 :]) + a + 1
        b, c = np.nonzero(np.triu(linked[np.ix_(later, later)], 1))
        found.append(np.stack([np.full(b.shape, a), later[b], later[c]], axis=1).astype(np.int64))
    triads = np.concatenate(found) if found else np.empty((0, 3), dtype=np.int64)
    if len(triads) <= most:
        return triads
    chosen = np.random.default_rng(seed).choice(len(triads), size=most, replace=False)
    return triads[np.sort(chosen)]


def cycle_probability(p_ab: FloatArray, p_bc: FloatArray, p_ca: FloatArray) -> FloatArray:
    """Return the probability that independent answers form a circle, either way round, elementwise."""
    return p_ab * p_bc * p_ca + (1 - p_ab) * (1 - p_bc) * (1 - p_ca)


def mean_cycle_probability(asked: Edges, triads: IntArray, *, level: float = 0.95) -> Interval:
    """Return the mean over triads with a normal interval from leaving out one option at a time.

    Triads share edges, so they are no independent cases; the jackknife over options allows for that and errs on the
    wide side. Unbiased when each edge's p is unbiased. Source: Snijders and Borgatti 1999 (jackknife for networks).
    """
    if len(triads) == 0:
        return NOTHING
    a, b, c = triads.T
    values = cycle_probability(_p(asked, a, b), _p(asked, b, c), _p(asked, c, a))
    point, num = float(values.mean()), asked.num_options
    sums = np.bincount(triads.reshape(-1), np.repeat(values, 3), num)
    times = np.bincount(triads.reshape(-1), minlength=num)
    left = len(triads) - times
    if (left == 0).any():
        return Interval(point, NAN, NAN, NAN)
    without = (values.sum() - sums) / left
    se = math.sqrt((num - 1) / num * float(((without - without.mean()) ** 2).sum()))
    half = z_value(level) * se
    return Interval(point, se, point - half, point + half)


def _p(asked: Edges, a: IntArray, b: IntArray) -> FloatArray:
    """Look up P(a > b); the pairs must be among the edges. The last of several rows about one pair counts."""
    keys = pair_keys(asked)
    order = np.argsort(keys, kind="stable")
    wanted = np.minimum(a, b) * asked.num_options + np.maximum(a, b)
    row = order[np.searchsorted(keys[order], wanted, side="right") - 1]
    return np.where(asked.first[row] == a, asked.p[row], 1 - asked.p[row])
