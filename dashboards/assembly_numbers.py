"""A number as the report shows it: plain values with interval, null and n, also as the mean of several assemblies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.statistics.intervals import Interval

if TYPE_CHECKING:
    from societies.assembly.metrics import Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number with its 95 % interval, what chance or nothing would give, and how many it rests on; None: unknown."""

    value: float | None
    lo: float | None
    hi: float | None
    null: float | None
    n: int
    num_assemblies: int = 1


def mean_of(measured: Sequence[Measured | None], *, share: bool = False) -> Number | None:
    """Return the mean over assemblies; what is nan or missing in one of them is left out. share: within 0 .. 1."""
    known = [one for one in measured if one is not None and math.isfinite(one.value.point)]
    if not known:
        return None
    nulls = [one.null for one in known]
    num, n = len(known), sum(one.n for one in known)
    point = float(np.mean([one.value.point for one in known]))
    lo, hi = known[0].value.lo, known[0].value.hi
    if num > 1:
        half = 1.96 * math.sqrt(sum(one.value.se**2 for one in known)) / num
        lo, hi = point - half, point + half
    if share:
        lo, hi = max(0.0, lo), min(1.0, hi)
    return Number(
        value=point, lo=_plain(lo), hi=_plain(hi), null=_plain(float(np.mean(nulls))), n=n, num_assemblies=num
    )


def number_of(value: Interval, null: float | None, n: int) -> Number:
    """Return an interval as a plain record."""
    return Number(value=_plain(value.point), lo=_plain(value.lo), hi=_plain(value.hi), null=null, n=n)


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
