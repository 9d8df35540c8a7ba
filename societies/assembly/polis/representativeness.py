"""What makes a group a group: the statements its members agree or disagree with more than everybody else.

Source: Small et al. 2021, section on representative comments; tests of a share against one half and of two shares, on
counts with one more success each, at one-sided 90 %. Checked against four conversations of the production system.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from societies.assembly.polis.votes import BoolArray, Counts, FloatArray, IntArray

Side = Literal["agree", "disagree"]
SIGNIFICANT = 1.2816
"""The one-sided 90 % point of the normal distribution."""
TOP = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Strength:
    """How much each group takes one side, all float64 [group, statement].

    p: smoothed share (A+1)/(S+2). p_test: its z against one half. r: how many times the smoothed share of the others
    it is. r_test: z of the difference to the others.
    """

    p: FloatArray
    p_test: FloatArray
    r: FloatArray
    r_test: FloatArray

    @property
    def score(self) -> FloatArray:
        """The product by which statements are ranked."""
        return self.r * self.r_test * self.p * self.p_test


@dataclass(frozen=True, slots=True, kw_only=True)
class Representative:
    """A statement that stands for a group. statement: its column. best_agree: the one to show first."""

    statement: int
    side: Side
    num_success: int
    num_seen: int
    p: float
    p_test: float
    r: float
    r_test: float
    best_agree: bool


def share(success: IntArray, seen: IntArray) -> FloatArray:
    """Return the smoothed share (A+1)/(S+2): never 0 or 1, and 1/2 where nobody voted."""
    return np.asarray((success + 1) / (seen + 2), dtype=np.float64)


def share_test(success: IntArray, seen: IntArray) -> FloatArray:
    """Return the z of a share against one half, on counts with one more success and one more vote."""
    return np.asarray(2 * np.sqrt(seen + 1) * ((success + 1) / (seen + 1) - 0.5), dtype=np.float64)


def difference_test(success_1: IntArray, seen_1: IntArray, success_2: IntArray, seen_2: IntArray) -> FloatArray:
    """Return the z of the difference of two shares, each with one success and one vote more; 0 if all are successes."""
    s1, n1, s2, n2 = (np.asarray(x, dtype=np.float64) + 1 for x in (success_1, seen_1, success_2, seen_2))
    pooled = (s1 + s2) / (n1 + n2)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    gap = s1 / n1 - s2 / n2
    z = np.divide(gap, spread, out=np.zeros_like(gap), where=spread > 0)
    return np.asarray(z, dtype=np.float64)


def strengths(counts: Counts, side: Side) -> Strength:
    """Return how much each group takes a side, against all other groups together."""
    inside, seen = (counts.agree if side == "agree" else counts.disagree), counts.seen
    outside, seen_outside = inside.sum(axis=0) - inside, seen.sum(axis=0) - seen
    p = share(inside, seen)
    return Strength(
        p=p,
        p_test=share_test(inside, seen),
        r=p / share(outside, seen_outside),
        r_test=difference_test(inside, seen, outside, seen_outside),
    )


def representative(
    counts: Counts, *, allowed: BoolArray | None = None, top: int = TOP
) -> tuple[tuple[Representative, ...], ...]:
    """Return each group's representative statements, best agreed first, then by agreement and strength.

    Kept are statements whose side (the one of the larger `r_test`) passes both tests; where none does, the one of the
    largest `r_test` stands in, so that nobody is without. allowed: [statement], False for moderated-out ones.
    Among statements the group clearly agrees with, and more than the others (r > 1), the strongest comes first even
    when it misses a test.
    """
    agree, disagree = strengths(counts, "agree"), strengths(counts, "disagree")
    num_groups, num_statements = counts.seen.shape
    open_ = np.ones(num_statements, dtype=bool) if allowed is None else np.asarray(allowed, dtype=bool)
    return tuple(_of_group(group, counts, agree, disagree, open_, top) for group in range(num_groups))


def _of_group(
    group: int, counts: Counts, agree: Strength, disagree: Strength, allowed: BoolArray, top: int
) -> tuple[Representative, ...]:
    agrees = agree.r_test[group] >= disagree.r_test[group]
    score = np.where(agrees, agree.score[group], disagree.score[group])
    r_test = np.where(agrees, agree.r_test[group], disagree.r_test[group])
    p_test = np.where(agrees, agree.p_test[group], disagree.p_test[group])
    usable = allowed & (counts.agree[group] + counts.disagree[group] > 0)
    keep = usable & (r_test > SIGNIFICANT) & (p_test > SIGNIFICANT)
    clear = (agree.p_test[group] > SIGNIFICANT) | (agree.p[group] > 0.5)
    best = _first(usable & agrees & clear & (agree.r[group] > 1), agree.score[group])
    chosen = [int(s) for s in np.argsort(-score, kind="stable") if keep[s] and s != best]
    if best is not None:
        chosen = [best, *chosen[: top - 1]]
    elif not chosen:
        stand_in = _first(usable, r_test)
        chosen = [] if stand_in is None else [stand_in]
    chosen = sorted(chosen[:top], key=lambda s: (s != best, not agrees[s]))
    return tuple(_record(group, s, counts, agree, disagree, bool(agrees[s]), s == best) for s in chosen)


def _first(among: BoolArray, score: FloatArray) -> int | None:
    """Return the statement of the largest score, the earliest of equal ones; None when none is left."""
    return int(np.where(among, score, -np.inf).argmax()) if among.any() else None


def _record(
    group: int, statement: int, counts: Counts, agree: Strength, disagree: Strength, agrees: bool, best: bool
) -> Representative:
    how, success = (agree, counts.agree) if agrees else (disagree, counts.disagree)
    return Representative(
        statement=statement,
        side="agree" if agrees else "disagree",
        num_success=int(success[group, statement]),
        num_seen=int(counts.seen[group, statement]),
        p=float(how.p[group, statement]),
        p_test=float(how.p_test[group, statement]),
        r=float(how.r[group, statement]),
        r_test=float(how.r_test[group, statement]),
        best_agree=best,
    )
