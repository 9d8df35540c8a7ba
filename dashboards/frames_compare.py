"""Two runs beside each other: which settings differ, and whether a measure differs by more than chance. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from dashboards.frames import scale_name
from dashboards.measures import Compared, Measure, Point
from dashboards.scale_units import unit_of
from dashboards.sources import number

if TYPE_CHECKING:
    import polars as pl

CORRECTED = "p (Holm)"
"""The column of p-values corrected over all rows of a table."""


def settings_frame(left: Mapping[str, Any], right: Mapping[str, Any]) -> pl.DataFrame:
    """Return the settings at which two configs differ: setting, first, second."""
    import polars as pl

    a, b = dict(_flat(left)), dict(_flat(right))
    rows = [
        {"setting": key, "first": a.get(key, "-"), "second": b.get(key, "-")}
        for key in sorted(a.keys() | b.keys())
        if a.get(key) != b.get(key) and key != "paths.runs"
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(("setting", "first", "second"), pl.String), orient="row")


def _flat(value: Any, prefix: str = "") -> list[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        return [pair for key in value for pair in _flat(value[key], f"{prefix}{key}.")]
    return [(prefix[:-1], "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value))]


def beside_frame(first: Sequence[Measure], second: Sequence[Measure], names: tuple[str, str]) -> pl.DataFrame:
    """Return the last point of each scale that both runs measured: scale, unit, run, policy, point, lo, hi, n, null."""
    import polars as pl

    theirs = {_key(m): m for m in second}
    rows = []
    for measure in first:
        other = theirs.get(_key(measure))
        if other is None:
            continue
        for name, one in zip(names, (measure, other), strict=True):
            p = one.points[-1]
            row = {"scale": scale_name(one), "unit": unit_of(*_key(one)), "run": name, "policy": p.policy}
            rows.append({**row, "point": p.point, "lo": p.lo, "hi": p.hi, "n": p.n, "null": one.null_value})
    return pl.DataFrame(rows, orient="row", infer_schema_length=None) if rows else pl.DataFrame()


def difference_rows(
    first: Sequence[Measure],
    second: Sequence[Measure],
    paired: Mapping[tuple[str, str, str], Compared] | None = None,
) -> pl.DataFrame:
    """Return second minus first for each scale that both measured, with a 95 % interval of each by itself.

    paired: comparisons item by item, where the same items were answered. Elsewhere the interval takes the two points
    as independent (square root of the sum of squared standard errors, read from their own intervals), and p is normal.
    p (Holm) is corrected over all scales of the table, and the reading goes by it.
    """
    import polars as pl

    from agents.statistics.paired import holm

    theirs = {_key(m): m for m in second}
    rows: list[dict[str, Any]] = []
    p_values: list[float] = []
    for measure in first:
        other, pairs = theirs.get(_key(measure)), (paired or {}).get(_key(measure))
        if other is None:
            continue
        a, b = measure.points[-1], other.points[-1]
        diff = None if a.point is None or b.point is None else b.point - a.point
        half = _half(a, b)
        lo, hi = (None, None) if diff is None or half is None else (diff - half, diff + half)
        p = None
        if pairs is not None:
            diff, lo, hi, p = pairs.diff, pairs.lo, pairs.hi, pairs.p
        p_values.append(_p(diff, lo, hi) if p is None else p)
        rows.append({"scale": scale_name(measure), "difference": diff, "lo": lo, "hi": hi, "n first": a.n,
                     "n second": b.n, "pairs": pairs.n if pairs else 0, CORRECTED: None,
                     "how": "item by item" if pairs else "not paired", "reading": ""})  # fmt: skip
    for row, p in zip(rows, holm(p_values), strict=True):
        row[CORRECTED], row["reading"] = number(p), reading_of(row["lo"], row["hi"], p)
    schema = {"scale": pl.String, **dict.fromkeys(("difference", "lo", "hi"), pl.Float64),
              **dict.fromkeys(("n first", "n second", "pairs"), pl.Int64), CORRECTED: pl.Float64,
              "how": pl.String, "reading": pl.String}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row") if rows else pl.DataFrame()


def reading_of(lo: float | None, hi: float | None, p_holm: float, alpha: float = 0.05) -> str:
    """Say in a word what an interval and a corrected p allow to say; without a p the interval alone shows nothing."""
    if lo is None or hi is None:
        return "no interval"
    if p_holm < alpha:
        return "differs"
    return "no difference shown" if lo <= 0 <= hi else "not after correction"


def _p(diff: float | None, lo: float | None, hi: float | None) -> float:
    """Return the two-sided normal p that goes with a 95 % interval; nan without one."""
    if diff is None or lo is None or hi is None:
        return math.nan
    se = (hi - lo) / (2 * NormalDist().inv_cdf(0.975))
    if se <= 0:
        return 0.0 if diff else 1.0
    return 2 * (1 - NormalDist().cdf(abs(diff) / se))


def _key(measure: Measure) -> tuple[str, str, str]:
    return measure.instrument, measure.scale, measure.group


def _half(a: Point, b: Point) -> float | None:
    if a.lo is None or a.hi is None or b.lo is None or b.hi is None:
        return None
    return float((((a.hi - a.lo) / 2) ** 2 + ((b.hi - b.lo) / 2) ** 2) ** 0.5)
