"""What all groups can live with, what most people say, and what divides the groups.

Group-aware consensus multiplies the groups' smoothed agreement, so that a large group cannot outvote a small one. The
product shrinks with the number of groups: its G-th root can be compared between conversations, and the smallest
agreement of any group says whom a statement would pass over. All three are always given together.
Source: Small et al. 2021 (group-aware consensus); Huang et al. 2024, Collective Constitutional AI, arXiv 2406.07814.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from societies.assembly.polis.representativeness import (
    SIGNIFICANT,
    TOP,
    Side,
    difference_test,
    share,
    share_test,
)
from societies.assembly.polis.votes import BoolArray, Counts, FloatArray, IntArray, check_labels, check_votes

_CELLS = 4_000_000
"""Most resampling counts held at once (32 MB)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Consensus:
    """float64 [statement]. product: over groups of (A+1)/(S+2). root: its G-th root. least: the smallest factor."""

    product: FloatArray
    root: FloatArray
    least: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConsensusBand:
    """The ends of percentile intervals of each part of `Consensus`."""

    lo: Consensus
    hi: Consensus


@dataclass(frozen=True, slots=True, kw_only=True)
class Majority:
    """A statement on which a clear majority of everybody takes a side."""

    statement: int
    side: Side
    num_success: int
    num_seen: int
    p: float
    p_test: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Divide:
    """A statement on which two groups differ. gap: smoothed agreement of `highest` minus that of `lowest`; z of it."""

    statement: int
    highest: int
    lowest: int
    high: float
    low: float
    gap: float
    z: float


def consensus(counts: Counts) -> Consensus:
    """Return group-aware consensus for every statement. One group: all three are its smoothed agreement."""
    return _consensus(share(counts.agree, counts.seen)[None])


def coin_flip(num_groups: int) -> float:
    """Return the product when every group agrees half the time: the null baseline of group-aware consensus."""
    return float(0.5**num_groups)


def bootstrap_consensus(
    values: FloatArray, labels: IntArray, *, level: float = 0.95, num_resamples: int = 1000, seed: int = 0
) -> ConsensusBand:
    """Return percentile intervals: participants are drawn again within their group, which keeps its size and label.

    It says how sure the numbers are given the groups, not how sure the groups are. Source: Efron 1979.
    """
    table = check_votes(values)
    who = check_labels(labels, len(table))
    rng = np.random.default_rng(seed)
    shares = np.empty((num_resamples, int(who.max(initial=-1)) + 1, table.shape[1]))
    for group in range(shares.shape[1]):
        rows = table[who == group]
        agree, seen = (rows == 1).astype(np.float64), (~np.isnan(rows)).astype(np.float64)
        step = max(1, _CELLS // max(1, len(rows)))
        for begin in range(0, num_resamples, step):
            num = min(step, num_resamples - begin)
            times = rng.multinomial(len(rows), np.full(len(rows), 1 / max(1, len(rows))), size=num).astype(np.float64)
            shares[begin : begin + num, group] = (times @ agree + 1) / (times @ seen + 2)
    drawn = _consensus(shares)
    tail = (1 - level) / 2
    return ConsensusBand(lo=_quantile(drawn, tail), hi=_quantile(drawn, 1 - tail))


def majority(counts: Counts, side: Side, *, allowed: BoolArray | None = None, top: int = TOP) -> tuple[Majority, ...]:
    """Return the statements most people agree (or disagree) with: share above 1/2 and z above 1.2816, by their product.

    counts: of any groups; everybody counts once.
    """
    everybody = counts.total()
    success, seen = (everybody.agree if side == "agree" else everybody.disagree)[0], everybody.seen[0]
    p, p_test = share(success, seen), share_test(success, seen)
    keep = (p > 0.5) & (p_test > SIGNIFICANT)
    if allowed is not None:
        keep &= allowed
    order = [int(s) for s in np.argsort(-(p * p_test), kind="stable") if keep[s]]
    return tuple(
        Majority(
            statement=s,
            side=side,
            num_success=int(success[s]),
            num_seen=int(seen[s]),
            p=float(p[s]),
            p_test=float(p_test[s]),
        )
        for s in order[:top]
    )


def divisive(counts: Counts, *, allowed: BoolArray | None = None, top: int = TOP) -> tuple[Divide, ...]:
    """Return the statements that divide the groups most: the widest gap in smoothed agreement with z above 1.2816.

    Polis shows nothing of the kind; the gap and its test are those of representativeness between two groups.
    """
    if len(counts.seen) < 2:
        return ()
    p = share(counts.agree, counts.seen)
    highest, lowest = p.argmax(axis=0), p.argmin(axis=0)
    columns = np.arange(p.shape[1])
    gap = p[highest, columns] - p[lowest, columns]
    z = difference_test(
        counts.agree[highest, columns],
        counts.seen[highest, columns],
        counts.agree[lowest, columns],
        counts.seen[lowest, columns],
    )
    keep = z > SIGNIFICANT
    if allowed is not None:
        keep &= allowed
    order = [int(s) for s in np.argsort(-gap, kind="stable") if keep[s]]
    return tuple(
        Divide(
            statement=s,
            highest=int(highest[s]),
            lowest=int(lowest[s]),
            high=float(p[highest[s], s]),
            low=float(p[lowest[s], s]),
            gap=float(gap[s]),
            z=float(z[s]),
        )
        for s in order[:top]
    )


def _consensus(shares: FloatArray) -> Consensus:
    """shares: [draw, group, statement]; one draw loses its axis."""
    product, least = shares.prod(axis=1), shares.min(axis=1)
    root = product ** (1 / shares.shape[1])
    parts = (product, root, least) if len(shares) > 1 else (product[0], root[0], least[0])
    return Consensus(product=parts[0], root=parts[1], least=parts[2])


def _quantile(drawn: Consensus, at: float) -> Consensus:
    """Return the quantile over draws of each part."""
    found = [np.quantile(np.atleast_2d(part), at, axis=0) for part in (drawn.product, drawn.root, drawn.least)]
    return Consensus(product=found[0], root=found[1], least=found[2])
