"""Approval and score ballots, and the rules that read them: approval, score, STAR, majority judgement, consensus.

A blank cell counts as the lowest grade in these rules, as on paper ballots; the bridging rules read it as "not seen".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from societies.assembly.rules.outcome import Outcome, best_of, by_scores, tiers_of
from societies.assembly.rules.positional import runoff
from societies.assembly.rules.profile import BoolArray, FloatArray, Profile, profile_of, supports_of


@dataclass(frozen=True, slots=True, eq=False)
class Ratings:
    """Ratings of one vote; build with `ratings_of`.

    values:  float64 [voter, candidate], nan where blank; between lo and hi.
    weights: float64 [voter], not negative.
    """

    values: FloatArray
    weights: FloatArray
    names: tuple[str, ...]
    lo: float
    hi: float

    @property
    def filled(self) -> FloatArray:
        """The values with blanks as the lowest grade."""
        return np.where(np.isnan(self.values), self.lo, self.values)

    @property
    def seen(self) -> BoolArray:
        """Whether the voter gave a value."""
        return ~np.isnan(self.values)

    @property
    def binary(self) -> bool:
        """Whether these are approvals: only lo and hi occur, and they are 0 and 1."""
        given = self.values[self.seen]
        return (self.lo, self.hi) == (0.0, 1.0) and bool(np.isin(given, (0.0, 1.0)).all())


def ratings_of(
    values: npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
    names: Sequence[str] | None = None,
    lo: float | None = None,
    hi: float | None = None,
) -> Ratings:
    """Return ratings from values [voter, candidate]; lo and hi default to the smallest and largest value given.

    Raises ValueError for empty or misshapen input, values outside [lo, hi], a scale of one level, or bad weights.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 2 or 0 in x.shape or not np.isfinite(x).any():
        raise ValueError(f"ratings must be [voter, candidate] with at least one value, not {x.shape}")
    n, m = x.shape
    w = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
    if w.shape != (n,) or not np.isfinite(w).all() or (w < 0).any() or not w.any():
        raise ValueError("weights must be one a voter, finite, not negative and not all 0")
    low = float(np.nanmin(x)) if lo is None else float(lo)
    high = float(np.nanmax(x)) if hi is None else float(hi)
    if not low < high or np.nanmin(x) < low or np.nanmax(x) > high:
        raise ValueError(
            f"ratings from {np.nanmin(x):g} to {np.nanmax(x):g} do not fit a scale from {low:g} to {high:g}"
        )
    labels = tuple(names) if names is not None else tuple(str(c) for c in range(m))
    if len(labels) != m or len(set(labels)) != m:
        raise ValueError(f"{m} candidates need {m} different names")
    return Ratings(x, w, labels, low, high)


def reweighted_ratings(ratings: Ratings, weights: FloatArray) -> Ratings:
    """Return the same ballots with other weights; ballots of weight 0 are left out."""
    kept = weights > 0
    return Ratings(ratings.values[kept], weights[kept], ratings.names, ratings.lo, ratings.hi)


def to_profile(ratings: Ratings) -> Profile:
    """Return the rankings that the ratings imply: higher is better, equal is a tie, blank comes with the lowest."""
    return profile_of(-ratings.filled, weights=ratings.weights, names=ratings.names)


def approval(ratings: Ratings) -> Outcome:
    """Rank by the weight of those who approve. Raises ValueError when the ratings are no approvals."""
    if not ratings.binary:
        raise ValueError("approval reads ratings of 0 and 1 only")
    return by_scores("approval", ratings.weights @ ratings.filled)


def score(ratings: Ratings) -> Outcome:
    """Rank by the weighted mean rating (range voting)."""
    return by_scores("score", ratings.weights @ ratings.filled / ratings.weights.sum())


def star(ratings: Ratings) -> Outcome:
    """Send the two best by score to a runoff that counts who rates which of them higher (STAR).

    Ties for a seat in the runoff are followed every way. Source: Wolk, Quinn and Ogren 2023.
    """
    if len(ratings.names) == 1:
        return Outcome(rule="star", winners=(0,), ranking=((0,),))
    x = ratings.filled
    support = supports_of(np.unique(-x, return_inverse=True)[1].reshape(x.shape), ratings.weights[None, :])[0]
    totals = ratings.weights @ x
    return Outcome(rule="star", winners=runoff(totals, support - support.T), scores=tuple(totals.tolist()))


def majority_judgement(ratings: Ratings) -> Outcome:
    """Rank by the median grade; equal medians by taking grades away from the middle outwards, the lower one first.

    Weights are handled as if each voter were split into equal parts, which agrees with removing one median at a time.
    scores: the (lower) median grades. Source: Balinski and Laraki 2011, chapter 13.
    """
    x, share = ratings.filled, ratings.weights / ratings.weights.sum()
    grades = np.unique(x)
    held = np.stack([(share @ (x == grade)) for grade in grades])
    below = np.cumsum(held, axis=0)
    below[-1] = 1.0
    cuts = np.unique(np.round(np.append(np.abs(below - 0.5).ravel(), [0.0, 0.5]), 12))
    middle = (cuts[:-1] + cuts[1:]) / 2
    keys = np.empty((x.shape[1], 2 * middle.size), dtype=np.int64)
    for c in range(x.shape[1]):
        keys[c, 0::2] = np.searchsorted(below[:, c], 0.5 - middle)
        keys[c, 1::2] = np.searchsorted(below[:, c], 0.5 + middle)
    _, ranks = np.unique(-keys, axis=0, return_inverse=True)
    tiers = tiers_of(ranks.reshape(-1))
    return Outcome(
        rule="majority_judgement", winners=tiers[0], ranking=tiers, scores=tuple(grades[keys[:, 0]].tolist())
    )


def consensus(ratings: Ratings, *, threshold: float = 2 / 3, least: float | None = None) -> Outcome:
    """Elect the candidates with most support among those that at least `threshold` of the weight rates `least` or more.

    least: a rating, by default the middle of the scale. Nobody may pass. Ranking is by support.
    """
    bar = (ratings.lo + ratings.hi) / 2 if least is None else least
    share = ratings.weights @ (ratings.filled >= bar) / ratings.weights.sum()
    passed = share >= threshold - 1e-12
    found = by_scores("consensus", share)
    winners = tuple(c for c in best_of(share) if passed[c])
    note = f"{int(passed.sum())} of {passed.size} reach {threshold:.3g} of the weight"
    return Outcome(rule="consensus", winners=winners, ranking=found.ranking, scores=found.scores, note=note)


def quadratic(credits: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """Return the votes each candidate gets when credits buy votes at the square of their number.

    credits: [voter, candidate], the sign is the direction. Cumulative voting is the plain sum of credits instead.
    Source: Lalley and Weyl 2018.
    """
    w = np.ones(len(credits)) if weights is None else weights
    return np.asarray(w @ (np.sign(credits) * np.sqrt(np.abs(credits))), dtype=np.float64)


def cumulative(ratings: Ratings) -> Outcome:
    """Rank by the credits given in all: each voter spreads a fixed number over candidates."""
    return by_scores("cumulative", ratings.weights @ ratings.filled)


def quadratic_votes(ratings: Ratings) -> Outcome:
    """Rank by the votes that the credits buy, each voter paying the square of the votes; a minus is a vote against.

    Source: Lalley and Weyl 2018.
    """
    return by_scores("quadratic", quadratic(ratings.filled, ratings.weights))
