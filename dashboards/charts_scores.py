"""Points with their intervals on an axis of one unit, the null beside them, as Altair objects from frames. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashboards.charts import BLUE, FLUSH, FRAME, GREEN, GREY, ORANGE, PINK, SKY, thinned
from dashboards.drawing import short

if TYPE_CHECKING:
    import polars as pl

FAR = 1.0
"""A null further away than so many widths of what was measured is told in words: drawn, it would flatten the rest."""
LEGEND_ROW = 26
"""Pixels of a name in a legend."""
AIR, ROOM = 0.06, 0.45
"""Parts of an axis that are left free at its ends, and where the words for a null stand."""


def intervals(frame: pl.DataFrame, *, by: str, title: str = "", unit: str = "value", whole: bool = False) -> Any:
    """Draw points with 95 % intervals, one row a scale, coloured and shaped by a column; a tick marks the null.

    frame: scale, point, lo, hi, null, n and the column `by`. unit: what stands along the axis. whole: of 0 to 1,
    whatever was measured. title: of a small panel; it names a scale that stands alone.
    """
    import altair as alt
    import polars as pl

    # A column without any value has no kind of its own.
    frame = frame.with_columns(pl.col("point", "lo", "hi", "null").cast(pl.Float64))
    rows = frame["scale"].unique(maintain_order=True).to_list()
    bare = bool(title) and len(rows) == 1
    named = (
        alt.Axis(labels=False, ticks=False) if bare else alt.Axis(labelLimit=110 if title else 260, labelOverlap=False)
    )
    y = alt.Y("scale:N", sort=rows, title=None, axis=named)
    low, high, far = axis_of(frame, whole=whole)
    scale = alt.Scale(domain=[low, high], nice=False, zero=False)
    axis = alt.Axis(labelFlush=FLUSH, tickCount=5)

    def across(field: str) -> Any:
        return alt.X(f"{field}:Q", title=f"{unit}, 95 % interval", scale=scale, axis=axis)

    values = frame[by].unique(maintain_order=True).to_list()
    shift = alt.YOffset(f"{by}:N", sort=values)
    colour = alt.Color(f"{by}:N", sort=values, scale=alt.Scale(domain=values, range=[ORANGE, BLUE, GREEN, PINK, SKY]))
    legend = alt.Legend(orient="bottom", title=by, labelLimit=240, **({"columns": 1} if title else {}))
    colour = colour.legend(legend)
    shape = alt.Shape(f"{by}:N", sort=values, legend=legend)
    base = alt.Chart(thinned(frame))
    told = [f"{name}:{'Q' if name in ('point', 'lo', 'hi', 'n', 'null') else 'N'}"
            for name in ("scale", by, "point", "lo", "hi", "n", "null") if name in frame.columns]  # fmt: skip
    line = base.mark_rule(strokeWidth=2).encode(
        x=across("lo"), x2="hi:Q", y=y, yOffset=shift, color=colour, tooltip=told
    )
    dot = base.mark_point(filled=True, size=70).encode(
        x=across("point"), y=y, yOffset=shift, color=colour, shape=shape, tooltip=told
    )
    near = frame.filter(pl.col("null").is_not_null() & ~pl.col("scale").is_in(far["scale"].implode()))
    ticks = [alt.Chart(near).mark_tick(thickness=2, color=GREY, size=26).encode(x=across("null"), y=y)]
    words = [
        alt.Chart(part)
        .mark_text(align=side, dx=4 if side == "left" else -4, color=GREY)
        .encode(x=across("at"), y=y, text="words:N")
        for side in ("left", "right")
        if (part := far.filter(far["side"] == side)).height
    ]
    # A small panel has its title above, and its legend one name below the other.
    more = 20 + LEGEND_ROW * len(values) if title else 0
    height = FRAME + 16 * len(rows) * min(4, 1 + len(values)) + more
    head = {"title": alt.Title(title, anchor="start", fontSize=13, limit=300)} if title else {}
    return alt.layer(*(ticks if near.height else []), line, dot, *words).properties(height=height, **head)


def axis_of(frame: pl.DataFrame, *, whole: bool = False) -> tuple[float, float, pl.DataFrame]:
    """Return the ends of an axis on which points and intervals can be read, and the nulls that lie beyond it.

    The last is a frame: scale, side ("left" or "right"), at (that end of the axis), words. whole: as for `intervals`.
    """
    import polars as pl

    measured = [v for name in ("point", "lo", "hi") for v in frame[name].drop_nulls().to_list()]
    low, high = min(measured, default=0.0), max(measured, default=1.0)
    if whole:
        low, high = min(0.0, low), max(1.0, high)
    width = (high - low) or abs(high) * 0.1 or 0.1
    nulls = {scale: null for scale, null in frame.select("scale", "null").iter_rows() if null is not None}
    near = [null for null in nulls.values() if low - FAR * width <= null <= high + FAR * width]
    low, high = min([low, *near]), max([high, *near])
    air = AIR * ((high - low) or width)
    before = {scale: null for scale, null in nulls.items() if null < low}
    beyond = {scale: null for scale, null in nulls.items() if null > high}
    ends = (low - air - ROOM * width * bool(before), high + air + ROOM * width * bool(beyond))
    rows = [(scale, "left", ends[0], f"← null {short(null)}") for scale, null in before.items()]
    rows += [(scale, "right", ends[1], f"null {short(null)} →") for scale, null in beyond.items()]
    schema = {"scale": pl.String, "side": pl.String, "at": pl.Float64, "words": pl.String}
    return *ends, pl.DataFrame(rows, schema=schema, orient="row")
