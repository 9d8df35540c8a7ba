"""The opinion map as an Altair chart: points with shape and colour by group, hulls, and drift since the time before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dashboards.charts import GREY
from dashboards.charts_social import PALETTE

if TYPE_CHECKING:
    import polars as pl

SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right")
HEIGHT = 520


def opinion_chart(
    points: pl.DataFrame,
    hulls: pl.DataFrame,
    *,
    order: Sequence[str],
    colours: Sequence[str] = PALETTE,
    ends: tuple[tuple[float, float], tuple[float, float]],
    explained: tuple[float, float],
) -> Any:
    """Draw a time's points, hollow where they were before with a line to where they are now. ends: of both axes."""
    import altair as alt

    titles = [f"axis {n} ({100 * share:.0f} % of the variance)" for n, share in enumerate(explained, start=1)]
    x = alt.X("x:Q", title=titles[0], scale=_scale(ends[0]), axis=alt.Axis(tickCount=6))
    y = alt.Y("y:Q", title=titles[1], scale=_scale(ends[1]), axis=alt.Axis(tickCount=6))
    names = list(order)
    hues = alt.Scale(domain=names, range=list(colours[: len(names)]))
    legend = alt.Legend(orient="bottom", title=None, columns=4)
    colour = alt.Color("group:N", sort=names, scale=hues, legend=legend)
    signs = alt.Scale(domain=names, range=list(SHAPES[: len(names)]))
    shape = alt.Shape("group:N", sort=names, scale=signs, legend=legend)
    told = ["name:N", "group:N", *(alt.Tooltip(f"{name}:Q", format=".3g") for name in ("x", "y", "moved"))]
    layers = []
    for name, hue in zip(names, colours, strict=False):
        own = hulls.filter(hulls["group"] == name)
        if own.height:
            area = alt.Chart(own).mark_line(filled=True, fill=hue, stroke=hue, fillOpacity=0.12, strokeOpacity=0.5)
            layers.append(area.encode(x=x, y=y, order="order:Q"))
    moved = points.drop_nulls(["before x"])
    if moved.height:
        base = alt.Chart(moved)
        layers.append(
            base.mark_rule(color=GREY, strokeWidth=1.2).encode(
                x=alt.X("before x:Q", title=titles[0], scale=_scale(ends[0])),
                y=alt.Y("before y:Q", title=titles[1], scale=_scale(ends[1])),
                x2="x:Q",
                y2="y:Q",
            )
        )
        layers.append(
            base.mark_point(filled=False, size=34, strokeWidth=1.2).encode(
                x=alt.X("before x:Q", title=titles[0], scale=_scale(ends[0])),
                y=alt.Y("before y:Q", title=titles[1], scale=_scale(ends[1])),
                color=colour,
                shape=shape,
            )
        )
    dots = alt.Chart(points).mark_point(filled=True, size=90, opacity=0.9)
    layers.append(dots.encode(x=x, y=y, color=colour, shape=shape, tooltip=told))
    return alt.layer(*layers).properties(height=HEIGHT)


def _scale(ends: tuple[float, float]) -> Any:
    import altair as alt

    return alt.Scale(domain=list(ends), zero=False, nice=False)
