"""Rules that count places: plurality, Borda, Bradley-Terry (which orders as Borda does), two rounds and elimination."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from societies.assembly.rules.outcome import TOLERANCE, Outcome, best_of, by_scores, levels
from societies.assembly.rules.profile import BoolArray, FloatArray, Profile

_MAX_STATES = 5000
"""Most sets of remaining candidates that elimination follows through ties; beyond it the outcome says so."""


def first_places(profile: Profile, remaining: BoolArray | None = None) -> FloatArray:
    """Return the weight that each candidate has as the best remaining one; a tie at the top is split evenly.

    A ballot that ranks none of the remaining candidates is exhausted and counts for nobody.
    """
    counted = profile.ranked if remaining is None else profile.ranked & remaining
    far = profile.num_candidates + 1
    places = np.where(counted, profile.ranks, far)
    best = places.min(axis=1, keepdims=True)
    top = (places == best) & (best < far)
    shared = np.maximum(top.sum(axis=1), 1)
    return np.asarray((profile.weights / shared) @ top, dtype=np.float64)


def plurality(profile: Profile) -> Outcome:
    """Rank by first places."""
    return by_scores("plurality", first_places(profile))


def borda(profile: Profile) -> Outcome:
    """Rank by Borda's count: per ballot one point for each candidate below and half a point for each tied one."""
    m = profile.num_candidates
    return by_scores("borda", (profile.margins.sum(axis=1) + (m - 1) * profile.total) / 2)


def bradley_terry(profile: Profile) -> Outcome:
    """Rank by the maximum-likelihood strengths of the Bradley-Terry model, which is what plain reward models fit.

    Ties count half for each side, and each pair has half a comparison more in either direction, so that the maximum
    exists; comparisons stay balanced, hence the order is Borda's. scores: log strengths with mean 0.
    Source: Bradley and Terry 1952; fitted by Newton's method.
    """
    m = profile.num_candidates
    beta = bradley_terry_strengths(profile.margins / 2 + profile.total / 2 + 0.5 * (1 - np.eye(m)))
    return by_scores("bradley_terry", np.round(beta, 9))


def bradley_terry_strengths(wins: FloatArray) -> FloatArray:
    """Return log strengths with mean 0 that maximise sum wins[a, b] * log sigmoid(beta_a - beta_b).

    wins: [a, b] >= 0; the maximum exists when everybody beats everybody by some path. Source: Hunter 2004.
    """
    m = len(wins)
    counts = np.where(np.eye(m, dtype=np.bool_), 0.0, wins)
    pairs = counts + counts.T
    beta = np.zeros(m)
    for _ in range(100):
        p = 1 / (1 + np.exp(beta[None, :] - beta[:, None]))
        gradient = counts.sum(axis=1) - (pairs * p).sum(axis=1)
        if np.abs(gradient).max(initial=0.0) <= 1e-11 * max(1.0, pairs.sum()):
            break
        curve = pairs * p * (1 - p)
        hessian = np.diag(curve.sum(axis=1)) - curve + 1.0 / m
        step = np.linalg.solve(hessian, gradient)
        beta += step / max(1.0, float(np.abs(step).max()))
        beta -= beta.mean()
    return beta


def two_round(profile: Profile) -> Outcome:
    """Send the two with most first places to a runoff; ties for a seat there are followed both ways."""
    if profile.num_candidates == 1:
        return Outcome(rule="two_round", winners=(0,), ranking=((0,),))
    return Outcome(
        rule="two_round", winners=runoff(first_places(profile), profile.margins), note="ties are followed every way"
    )


def runoff(scores: FloatArray, margins: FloatArray) -> tuple[int, ...]:
    """Return who wins a majority runoff between the two leaders, over every way to break ties for their seats."""
    ranks = levels(scores)
    first = np.flatnonzero(ranks == 0).tolist()
    if len(first) > 1:
        pairs = list(combinations(first, 2))
    else:
        pairs = [(first[0], second) for second in np.flatnonzero(ranks == 1).tolist()]
    winners: set[int] = set()
    for a, b in pairs:
        if margins[a, b] >= 0:
            winners.add(a)
        if margins[a, b] <= 0:
            winners.add(b)
    return tuple(sorted(winners))


def instant_runoff(profile: Profile) -> Outcome:
    """Eliminate whoever has the fewest first places, until one is left (IRV, alternative vote).

    Winners are all who win under some way of breaking ties for last place; candidates that nobody puts first go
    together, which changes nothing. The ranking is given when no tie occurred.
    Source: parallel universes, Conitzer, Rognlie and Xia 2009.
    """
    m = profile.num_candidates
    winners: set[int] = set()
    seen: set[bytes] = set()
    stack: list[tuple[BoolArray, tuple[tuple[int, ...], ...]]] = [(np.ones(m, dtype=np.bool_), ())]
    path: tuple[tuple[int, ...], ...] = ()
    forked = False
    while stack and len(seen) < _MAX_STATES:
        remaining, gone = stack.pop()
        places = first_places(profile, remaining)
        here = np.flatnonzero(remaining)
        alive = here[places[here] > TOLERANCE * profile.total]
        if here.size == 1 or alive.size == 0:
            winners |= set(here.tolist())
            path = (*gone, tuple(here.tolist()))
            continue
        dropped = [here[places[here] <= TOLERANCE * profile.total]]
        if not dropped[0].size:
            dropped = [np.array([here[c]]) for c in best_of(-places[here])]
        forked |= len(dropped) > 1
        for out in dropped:
            left = remaining.copy()
            left[out] = False
            key = left.tobytes()
            if key not in seen:
                seen.add(key)
                stack.append((left, (*gone, tuple(out.tolist()))))
    cut = bool(stack)
    return Outcome(
        rule="instant_runoff",
        winners=tuple(sorted(winners)),
        ranking=() if forked else path[::-1],
        exact=not cut,
        note=f"stopped after {_MAX_STATES} ways through ties: winners may be missing" if cut else "",
    )


def majority_favourite(profile: Profile) -> int | None:
    """Return the candidate whom more than half of the weight puts alone in first place, or None."""
    top = profile.ranked & (profile.ranks == 0)
    alone = top & (top.sum(axis=1, keepdims=True) == 1)
    found = np.flatnonzero(profile.weights @ alone > profile.total / 2)
    return int(found[0]) if found.size else None
