"""Choose which pairs to ask: those whose utilities lie close together and that have been asked about least.

Source: Mazeika et al. 2025 (Utility Engineering), the active sampling of the public code. Theirs draws every round
with one seed; here one generator runs through all rounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from societies.assembly.utilities.edges import Edges, FloatArray, IntArray, edges, pair_keys, together
from societies.assembly.utilities.oracles import Oracle
from societies.assembly.utilities.thurstone import Priors, Utilities, fit, foretold

NEAREST, LEAST_ASKED = 0.10, 0.20
_WIDENINGS = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Elicited:
    """What an active elicitation asked and found. held: pairs set aside in the first draw, never fitted on."""

    utilities: Utilities
    train: Edges
    held: Edges
    num_rounds: int


def edge_budget(num_options: int) -> int:
    """Return E* = int(2 N log2 N), but no more than there are pairs.

    >>> edge_budget(40), edge_budget(3)
    (425, 3)
    """
    if num_options < 2:
        return 0
    return min(int(2 * num_options * math.log2(num_options)), num_options * (num_options - 1) // 2)


def ring(num_options: int, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Return N pairs in which every option stands twice: one random circle through all options.

    A circle is the connected kind of 2-regular graph, so a first fit can compare any two options. Two options make
    one pair.
    """
    order = rng.permutation(num_options).astype(np.int64)
    if num_options == 2:
        return order[:1], order[1:]
    return order, np.roll(order, -1)


def next_pairs(mu: FloatArray, asked: Edges, num: int, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Return `num` pairs not asked yet, or all that are left when fewer.

    Pairs are drawn among those in both the nearest tenth by |mu_a - mu_b| and the least asked fifth by summed degree.
    Too few: both shares are multiplied by 1.5, at most five times and up to all; then any unasked pair will do.
    """
    size = mu.size
    low, high = np.triu_indices(size, 1)
    fresh = ~np.isin(low * size + high, pair_keys(asked))
    low, high = low[fresh].astype(np.int64), high[fresh].astype(np.int64)
    if low.size <= num:
        return low, high
    degree = np.bincount(asked.first, minlength=size) + np.bincount(asked.second, minlength=size)
    distance, load = np.abs(mu[low] - mu[high]), (degree[low] + degree[high]).astype(np.float64)
    near, least = NEAREST, LEAST_ASKED
    pool = _both(distance, load, near, least)
    for _ in range(_WIDENINGS):
        if pool.size >= num:
            break
        near, least = min(1.0, near * 1.5), min(1.0, least * 1.5)
        pool = _both(distance, load, near, least)
    if pool.size >= num:
        chosen = rng.choice(pool, size=num, replace=False)
    else:
        rest = np.setdiff1d(np.arange(low.size), pool)
        chosen = np.concatenate([pool, rng.choice(rest, size=num - pool.size, replace=False)])
    return low[chosen], high[chosen]


def pseudo_labels(fitted: Utilities, known: Edges, *, confidence: float = 0.95) -> Edges:
    """Return unasked pairs that the model is sure of, labelled with what it says, at weight 1.

    known: every edge asked, held-out ones too: none of their pairs comes back. Never score accuracy on the result.
    """
    size = fitted.num_options
    low, high = np.triu_indices(size, 1)
    fresh = ~np.isin(low * size + high, pair_keys(known))
    pairs = edges(size, low[fresh], high[fresh], np.full(int(fresh.sum()), 0.5))
    p = foretold(fitted, pairs)
    sure = (p >= confidence) | (p <= 1 - confidence)
    return edges(size, pairs.first[sure], pairs.second[sure], p[sure])


def elicit(
    oracle: Oracle,
    num_options: int,
    *,
    batch: int = 200,
    budget: int | None = None,
    holdout: float = 0.05,
    priors: Priors | None = None,
    seed: int = 0,
) -> Elicited:
    """Ask, fit, and ask where the fit is least sure, until the budget is spent.

    budget: number of pairs, held-out ones included; None is `edge_budget`. batch: pairs a round. holdout: share of the
    budget that is drawn at random before the first round and set aside (0: none).
    """
    rng = np.random.default_rng(seed)
    budget = edge_budget(num_options) if budget is None else budget
    seen = oracle(*ring(num_options, rng))
    held = seen.take(np.zeros(len(seen), dtype=np.bool_))
    num_held = min(1000, round(holdout * budget), budget - len(seen))
    if num_held > 0:
        flat = np.zeros(num_options)
        held = oracle(*next_pairs(flat, seen, num_held, rng))
    found, num_rounds = fit(seen, priors=priors), 0
    while (missing := budget - len(seen) - len(held)) > 0:
        pairs = next_pairs(found.mu, together(seen, held), min(batch, missing), rng)
        if pairs[0].size == 0:
            break
        seen = together(seen, oracle(*pairs))
        found, num_rounds = fit(seen, priors=priors, start=found), num_rounds + 1
    return Elicited(utilities=found, train=seen, held=held, num_rounds=num_rounds)


def _both(distance: FloatArray, load: FloatArray, near: float, least: float) -> IntArray:
    inside = (distance <= np.quantile(distance, near)) & (load <= np.quantile(load, least))
    return np.flatnonzero(inside).astype(np.int64)
