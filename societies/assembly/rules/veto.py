"""Veto: what minorities of any size can keep out in proportion, and the rule that never picks what they can.

Source: Moulin 1981 (proportional veto core); Ianovski and Kondratev 2021 (veto by consumption).
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from societies.assembly.rules.outcome import Outcome, tiers_of
from societies.assembly.rules.profile import BoolArray, FloatArray, IntArray, Profile

_UNITS = 1_000_000
"""Weights that are no whole numbers are rounded to this many units for the flow."""


def veto_by_consumption(profile: Profile) -> Outcome:
    """Elect whoever is eaten up last when all voters eat their worst remaining candidate at equal speed.

    Every candidate has size 1; a voter's speed is the ballot's weight, spread evenly over a tie for the worst. Exact
    fractions throughout (floats enter as the fraction they are). The ranking is the order of exhaustion, backwards;
    the winners are exhausted together at the very end. The winner's veto excess (`veto_excess`) is 0.
    """
    m = profile.num_candidates
    left = [Fraction(1)] * m
    gone_at = [0] * m
    remaining = np.ones(m, dtype=np.bool_)
    stage = 0
    while remaining.any():
        speed = _speeds(profile.ranks, profile.weights, remaining)
        eaten = [c for c in np.flatnonzero(remaining).tolist() if speed[c]]
        time = min(left[c] / speed[c] for c in eaten)
        stage += 1
        for c in eaten:
            left[c] -= time * speed[c]
            if left[c] == 0:
                remaining[c] = False
                gone_at[c] = stage
    ranking = tiers_of([-stage_of for stage_of in gone_at])
    return Outcome(rule="veto_by_consumption", winners=ranking[0], ranking=ranking)


def _speeds(ranks: IntArray, weights: FloatArray, remaining: BoolArray) -> list[Fraction]:
    """Return the speed at which each candidate is eaten."""
    seen = np.where(remaining, ranks, -1)
    worst = seen == seen.max(axis=1, keepdims=True)
    shared = worst.sum(axis=1)
    speed = [Fraction(0)] * len(remaining)
    for ways in np.unique(shared).tolist():
        part = shared == ways
        for c, eaten in enumerate((weights[part] @ worst[part]).tolist()):
            speed[c] += Fraction(eaten) / ways
    return speed


def veto_excess(profile: Profile) -> FloatArray:
    """Return how far each candidate is outside the proportional veto core; 0 is inside, lower is more acceptable.

    excess(a) = max over groups T of (weight share of T + share of candidates that all of T prefer to a - 1), at
    least 0. Computed as 1 minus a maximum flow source -> voter (its share), voter -> candidate that it does not
    strictly prefer to a, candidate -> sink (1/m). Exact for whole-number weights; others are rounded to parts in a
    million, which moves the result by at most that much a ballot.
    """
    weights = _whole(profile.weights)
    return np.array([_excess(profile.ranks, weights, a) for a in range(profile.num_candidates)])


def veto_core(profile: Profile) -> Outcome:
    """Elect all candidates that no group can veto (`veto_excess` 0), and rank by excess."""
    excess = veto_excess(profile)
    values, inverse = np.unique(np.round(excess, 12), return_inverse=True)
    winners = tuple(np.flatnonzero(inverse == 0).tolist()) if values[0] == 0 else ()
    return Outcome(rule="veto_core", winners=winners, ranking=tiers_of(inverse), scores=tuple((-excess).tolist()))


def _whole(weights: FloatArray) -> IntArray:
    total = float(weights.sum())
    if np.array_equal(weights, np.floor(weights)) and total <= _UNITS:
        return weights.astype(np.int64)
    return np.round(weights / total * _UNITS).astype(np.int64)


def _excess(ranks: IntArray, weights: IntArray, a: int) -> float:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_flow

    m = ranks.shape[1]
    total = int(weights.sum())
    accepts = ranks >= ranks[:, a, None]
    # Voters who accept the same set are one node; capacities are whole numbers of 1 / (total * m).
    _, first, kind = np.unique(_packed(accepts), return_index=True, return_inverse=True)
    kinds = accepts[first]
    size = np.bincount(kind.reshape(-1), weights=weights.astype(np.float64)).astype(np.int64)
    k = len(kinds)
    source, sink = k + m, k + m + 1
    rows, columns = np.nonzero(kinds)
    tails = np.concatenate([np.full(k, source), rows, np.arange(k, k + m)])
    heads = np.concatenate([np.arange(k), columns + k, np.full(m, sink)])
    capacity = np.concatenate([size * m, np.full(rows.size, total * m), np.full(m, total)]).astype(np.int32)
    graph = csr_array((capacity, (tails, heads)), shape=(k + m + 2, k + m + 2))
    flow = int(maximum_flow(graph, source, sink).flow_value)
    return float(1 - flow / (total * m))


def _packed(rows: BoolArray) -> npt.NDArray[np.void]:
    """Return one comparable value a row."""
    bits = np.ascontiguousarray(np.packbits(rows, axis=1))
    return bits.view(np.dtype((np.void, bits.shape[1]))).reshape(-1)
