"""A part of pages that show what was measured: shares on one axis, every other unit in a small panel of its own."""

from __future__ import annotations

import polars as pl

from dashboards.charts_scores import intervals
from dashboards.rows import plural
from dashboards.scale_units import PROBABILITY, SHARE, panels_of, short_names
from dashboards.views.common import figure
from dashboards.views.panels import panels

NULLS = "A grey tick marks the null baseline; one far beyond the axis is told at its end."


def scores(points: pl.DataFrame, *, by: str, name: str) -> None:
    """Show points with their intervals. points: scale, unit, point, lo, hi, n, null and the column `by`."""
    for title, unit in (("Shares", SHARE), ("Probabilities", PROBABILITY)):
        part = points.filter(pl.col("unit") == unit)
        drawn = part.drop_nulls(["point"])
        if not drawn.is_empty():
            chart = intervals(drawn, by=by, unit=unit, whole=True)
            figure(chart, part, f"{name}-{title.lower()}", f"{title}: {_sized(part)}. {NULLS}")
    rest = points.filter(~pl.col("unit").is_in([SHARE, PROBABILITY]))
    drawn = rest.drop_nulls(["point"])
    if drawn.is_empty():
        return
    small = []
    for one in panels_of(drawn):
        own = drawn.filter(pl.col("scale").is_in(one.scales))
        own = own.with_columns(pl.col("scale").replace(short_names(one.scales)))
        # The title of several scales is their unit.
        unit = one.unit if one.unit and len(one.scales) == 1 else "value"
        small.append(intervals(own, by=by, title=one.title, unit=unit))
    finding = f"Other units, each on an axis of its own: {_sized(rest)}. {NULLS}"
    panels(small, rest, f"{name}-other-units", finding, narrowest=300)


def _sized(points: pl.DataFrame) -> str:
    sizes = points["n"].to_list()
    n = f"{min(sizes)} to {max(sizes)}" if min(sizes) < max(sizes) else f"{max(sizes)}"
    num = points["scale"].n_unique()
    return f"{plural(num, 'scale')} with 95 % interval{'s' * (num > 1)}, n = {n}"
