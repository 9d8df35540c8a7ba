"""Answers to "A or B?" become edges: the two orders of a pair are averaged here, and nowhere else.

An edge is a pair of options with the probability that the first is preferred. Which option was shown first is known
only to `Answers`; after `average_orders` nothing later has to think about positions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agents.statistics.intervals import Interval, bootstrap_mean

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Edges:
    """Preferences between options 0 .. num_options-1, one row a comparison.

    p:      share or probability that `first` is preferred to `second`, in [0, 1].
    weight: how many answers stand behind a row, positive. Two equal rows say the same as one of double weight.
    Raises ValueError when the arrays do not fit together.
    """

    num_options: int
    first: IntArray
    second: IntArray
    p: FloatArray
    weight: FloatArray

    def __post_init__(self) -> None:
        _check(self.num_options, self.first, self.second, self.p, self.weight)

    def __len__(self) -> int:
        return int(self.p.size)

    def take(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Edges:
        """Return the chosen rows, by number or by mask."""
        return edges(self.num_options, self.first[rows], self.second[rows], self.p[rows], self.weight[rows])

    def flipped(self) -> Edges:
        """Return the same preferences with each pair named the other way round."""
        return edges(self.num_options, self.second, self.first, 1 - self.p, self.weight)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answers:
    """What was asked and answered, one row a pair in one order.

    shown_first, shown_second: option numbers as they stood in the question.
    p:      share or probability of choosing `shown_first`. weight: number of answers behind it.
    """

    num_options: int
    shown_first: IntArray
    shown_second: IntArray
    p: FloatArray
    weight: FloatArray

    def __post_init__(self) -> None:
        _check(self.num_options, self.shown_first, self.shown_second, self.p, self.weight)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderGap:
    """How much the order of the question mattered, over pairs that were asked in both orders.

    gap:       mean |P(A | A first) - P(A | B first)|, in [0, 1].
    noise:     the gap that drawing the answers alone would make, if each weight is a number of answers.
    advantage: mean gain in probability from standing first, half the signed gap; 0 without position bias.
    num_both, num_single: pairs asked in both orders, and in one only (their position bias stays in their edge).
    """

    gap: Interval
    noise: float
    advantage: Interval
    num_both: int
    num_single: int


def edges(
    num_options: int,
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    p: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
) -> Edges:
    """Return edges from anything array-like; weight None means 1 each.

    >>> len(edges(3, [0, 1], [1, 2], [0.9, 0.4]))
    2
    """
    shares = np.asarray(p, dtype=np.float64)
    return Edges(
        num_options=num_options,
        first=np.asarray(first, dtype=np.int64),
        second=np.asarray(second, dtype=np.int64),
        p=shares,
        weight=np.ones(shares.shape) if weight is None else np.asarray(weight, dtype=np.float64),
    )


def together(*parts: Edges) -> Edges:
    """Return the rows of several sets of edges over the same options."""
    names = ("first", "second", "p", "weight")
    joined = (np.concatenate([getattr(part, name) for part in parts]) for name in names)
    return edges(parts[0].num_options, *joined)


def pair_keys(chosen: Edges) -> IntArray:
    """Return one number a row that is equal for rows about the same pair, whichever way round it is named."""
    low, high = np.minimum(chosen.first, chosen.second), np.maximum(chosen.first, chosen.second)
    return np.asarray(low * chosen.num_options + high, dtype=np.int64)


def average_orders(answers: Answers) -> tuple[Edges, OrderGap]:
    """Return one edge a pair, the lower option number first, and what the order of asking did.

    Within an order answers are averaged by weight; between the two orders the mean is plain, so that an order asked
    more often does not bring its position bias with it. The edge's weight is the sum over both.
    """
    num = answers.num_options
    low = np.minimum(answers.shown_first, answers.shown_second)
    high = np.maximum(answers.shown_first, answers.shown_second)
    keys, where = np.unique(low * num + high, return_inverse=True)
    in_order = answers.shown_first == low
    p_low = np.where(in_order, answers.p, 1 - answers.p)

    def mean(rows: npt.NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
        total = np.bincount(where[rows], weights=answers.weight[rows], minlength=keys.size)
        hits = np.bincount(where[rows], weights=(answers.weight * p_low)[rows], minlength=keys.size)
        share = np.divide(hits, total, out=np.zeros(keys.size), where=total > 0)
        return np.asarray(share), np.asarray(total, dtype=np.float64)

    (p_ab, n_ab), (p_ba, n_ba) = mean(in_order), mean(~in_order)
    num_orders = (n_ab > 0).astype(np.float64) + (n_ba > 0)
    # Rounding in the weighted means may leave [0, 1] by one unit in the last place.
    p = np.clip((p_ab + p_ba) / num_orders, 0.0, 1.0)
    both = (n_ab > 0) & (n_ba > 0)
    gap = _order_gap(p_ab[both], p_ba[both], n_ab[both], n_ba[both], num_single=int((~both).sum()))
    return edges(num, keys // num, keys % num, p, n_ab + n_ba), gap


def hold_out(chosen: Edges, *, share: float = 0.05, most: int = 1000, seed: int = 0) -> tuple[Edges, Edges]:
    """Return edges to fit on and edges to test on; no pair is in both.

    share: of the pairs, rounded; at most `most` pairs, at least one, and always one pair is left to fit on.
    Source: Mazeika et al. 2025 (Utility Engineering), the built-in hold-out of the public code.
    """
    keys = pair_keys(chosen)
    pairs = np.unique(keys)
    num = min(most, max(1, round(share * pairs.size)), pairs.size - 1)
    out = np.random.default_rng(seed).choice(pairs, size=max(0, num), replace=False)
    held = np.isin(keys, out)
    return chosen.take(~held), chosen.take(held)


def _order_gap(p_ab: FloatArray, p_ba: FloatArray, n_ab: FloatArray, n_ba: FloatArray, *, num_single: int) -> OrderGap:
    signed = p_ab - p_ba
    p = (p_ab + p_ba) / 2
    noise = np.sqrt(2 / math.pi * p * (1 - p) * (1 / n_ab + 1 / n_ba))
    return OrderGap(
        gap=bootstrap_mean(np.abs(signed)),
        noise=float(noise.mean()) if noise.size else math.nan,
        advantage=bootstrap_mean(signed / 2),
        num_both=int(p.size),
        num_single=num_single,
    )


def _check(num: int, first: IntArray, second: IntArray, p: FloatArray, weight: FloatArray) -> None:
    if not first.shape == second.shape == p.shape == weight.shape or p.ndim != 1:
        raise ValueError("options, p and weight must be one-dimensional and of equal length")
    if p.size == 0:
        return
    if min(first.min(), second.min()) < 0 or max(first.max(), second.max()) >= num:
        raise ValueError(f"an option number is outside 0 .. {num - 1}")
    if (first == second).any():
        raise ValueError("an option is compared with itself")
    if not np.isfinite(p).all() or p.min() < 0 or p.max() > 1:
        raise ValueError("p must lie in [0, 1]")
    if not np.isfinite(weight).all() or weight.min() <= 0:
        raise ValueError("weights must be finite and above 0")
