"""Charts of co-evolution, as Altair objects, from frames: small panels with fixed axes, so that they compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dashboards.charts import BLUE, FLUSH, FRAME, GREEN, GREY, ORANGE, PINK, RED, SKY
from dashboards.coevolution import ASSISTANT, HISTORY, PEOPLE
from societies.coevolution.live.records import STANCES

if TYPE_CHECKING:
    import polars as pl

SIDES = {HISTORY: (GREY, [5, 3]), PEOPLE: (BLUE, [1, 0]), ASSISTANT: (ORANGE, [2, 2])}
"""Side -> colour and dash: one colour a side on all pages."""
ARMS = {
    "no_ai": GREY,
    "none": GREY,
    "ai": BLUE,
    "lifelong": BLUE,
    "frozen": ORANGE,
    "oracle": GREEN,
    "extrapolative": PINK,
}
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4])
STANCE_COLOURS = ("#0072B2", "#7FB6DB", "#BBBBBB", "#F2C46D", "#E69F00")
"""From sure of the first view to sure of the second."""
HEIGHT = 300
"""Pixels of a panel with its title, axis and legend."""
MOST_RESTS = (SKY, RED, PINK, GREEN)


def arm_styles(arms: Sequence[str]) -> dict[str, tuple[str, list[int]]]:
    """Return arm -> colour and dash: the known arms have theirs, others the colours that are left."""
    left = [colour for colour in MOST_RESTS if colour not in [ARMS.get(arm) for arm in arms]] or [GREY]
    unknown = [arm for arm in arms if arm not in ARMS]
    colours = {arm: ARMS.get(arm) or left[unknown.index(arm) % len(left)] for arm in arms}
    return {arm: (colours[arm], list(DASHES[place % len(DASHES)])) for place, arm in enumerate(arms)}


def domain(frame: pl.DataFrame, columns: Sequence[str] = ("value", "lo", "hi")) -> tuple[float, float] | None:
    """Return the least and the greatest value of some columns with a little air; None without any."""
    values = [v for name in columns if name in frame.columns for v in frame[name].drop_nulls().to_list()]
    if not values:
        return None
    low, high = min(values), max(values)
    air = (high - low) * 0.06 or abs(high) * 0.1 or 0.1
    return low - air, high + air


def bands(
    frame: pl.DataFrame,
    *,
    by: str,
    styles: Mapping[str, tuple[str, list[int]]],
    title: str,
    y: str,
    x: str = "timestep",
    span: tuple[float, float] | None = None,
    line: float | None = None,
) -> Any:
    """Draw lines with their bands over timesteps, coloured and dashed by a column. line: a value to mark."""
    import altair as alt

    names = [name for name in styles if (frame[by] == name).any()]
    shown = frame.drop_nulls(["value"])
    scale = alt.Scale(domain=span, zero=False, nice=False) if span else alt.Scale(zero=False)
    legend = alt.Legend(
        orient="bottom", title=None, columns=3, symbolType="stroke", symbolStrokeWidth=2.5, labelLimit=150
    )
    hues = alt.Scale(domain=names, range=[styles[name][0] for name in names])
    colour = alt.Color(f"{by}:N", sort=names, legend=legend, scale=hues)
    dash = alt.StrokeDash(f"{by}:N", sort=names, legend=legend,
                          scale=alt.Scale(domain=names, range=[styles[name][1] for name in names]))  # fmt: skip
    across = alt.X(f"{x}:Q", title=x, axis=alt.Axis(tickMinStep=1, format="d", grid=False))
    told = [f"{by}:N", f"{x}:Q", *(alt.Tooltip(f"{name}:Q", format=".3g") for name in ("value", "lo", "hi"))]
    base = alt.Chart(shown)
    # Vega's own format cuts at six decimals, and ticks of a tiny variance then read alike.
    plain = alt.Axis(format="~g")
    up = alt.Y("lo:Q", title=y, scale=scale, axis=plain)
    edges = shown.drop_nulls(["lo", "hi"])
    areas = [
        alt.Chart(own).mark_area(opacity=0.18, color=styles[name][0]).encode(x=across, y=up, y2="hi:Q")
        for name in names
        if (own := edges.filter(edges[by] == name)).height
    ]
    few = shown[x].n_unique() < 16 if shown.height else False
    lines = base.mark_line(strokeWidth=2, point={"size": 22, "filled": True} if few else False).encode(
        x=across, y=alt.Y("value:Q", title=y, scale=scale, axis=plain), color=colour, strokeDash=dash, tooltip=told
    )
    layers = [*areas, lines]
    if line is not None:
        layers.insert(0, alt.Chart(shown.head(1)).mark_rule(color=GREY, strokeDash=[3, 3]).encode(y=alt.datum(line)))
    return alt.layer(*layers).properties(height=HEIGHT, title=_title(title))


def _title(words: str) -> Any:
    import altair as alt

    return alt.Title(words, anchor="start", fontSize=13, limit=300)


def points(frame: pl.DataFrame, *, title: str, x: str, order: Sequence[str], row: str = "arm") -> Any:
    """Draw a point with its interval for each row, and a tick at the null; columns point, lo, hi, null."""
    import altair as alt

    shown = frame.drop_nulls(["point"])
    span = domain(shown, ("point", "lo", "hi", "null"))
    scale = alt.Scale(domain=span, zero=False, nice=False) if span else alt.Scale(zero=False)
    y = alt.Y(f"{row}:N", sort=list(order), title=None, axis=alt.Axis(labelLimit=140, labelOverlap=False))
    told = [f"{row}:N", *(alt.Tooltip(f"{name}:Q", format=".3g") for name in ("point", "lo", "hi", "null")), "n:Q"]
    base = alt.Chart(shown)
    ends = base.mark_rule(strokeWidth=2, color=BLUE).encode(x=alt.X("lo:Q", title=x, scale=scale), x2="hi:Q", y=y)
    dots = base.mark_point(filled=True, size=70, color=BLUE).encode(
        x=alt.X("point:Q", title=x, scale=scale, axis=alt.Axis(tickCount=4, labelFlush=FLUSH)), y=y, tooltip=told
    )
    null = base.mark_tick(thickness=2, size=22, color=GREY).encode(x=alt.X("null:Q", title=x, scale=scale), y=y)
    layers = [null, ends, dots] if shown["null"].null_count() < shown.height else [ends, dots]
    return alt.layer(*layers).properties(height=FRAME - 20 + 26 * shown[row].n_unique(), title=_title(title))


def asked(frame: pl.DataFrame, order: Sequence[str]) -> Any:
    """Draw the queries of every arm, answered and refused, and how many were allowed."""
    import altair as alt

    y = alt.Y("arm:N", sort=list(order), title=None, axis=alt.Axis(labelLimit=140, labelOverlap=False))
    scale = alt.Scale(domain=["answered", "refused"], range=[BLUE, RED])
    bars = (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            x=alt.X("number:Q", title="queries over all seeds (grey tick: allowed)", axis=alt.Axis(format="~s")),
            y=y,
            color=alt.Color("queries are:N", scale=scale, legend=alt.Legend(orient="bottom", title=None)),
            order=alt.Order("queries are:N"),
            tooltip=[
                "arm:N",
                "queries are:N",
                alt.Tooltip("number:Q", format=","),
                alt.Tooltip("allowed:Q", format=","),
            ],
        )
    )
    ticks = (
        alt.Chart(frame.drop_nulls(["allowed"])).mark_tick(thickness=2, size=22, color=GREY).encode(x="allowed:Q", y=y)
    )
    layers = [bars, ticks] if frame["allowed"].null_count() < frame.height else [bars]
    return alt.layer(*layers).properties(height=FRAME + 24 * frame["arm"].n_unique())


def stances(frame: pl.DataFrame, *, title: str) -> Any:
    """Draw the shares of the five stances at every timestep, as stacked bars."""
    import altair as alt

    scale = alt.Scale(domain=list(STANCES), range=list(STANCE_COLOURS))
    legend = alt.Legend(orient="bottom", title=None, columns=1, labelLimit=220)
    return (
        alt.Chart(frame)
        .mark_bar(width={"band": 0.9})
        .encode(
            x=alt.X("timestep:O", title="timestep", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("share:Q", title="share of probability", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
            color=alt.Color("stance:N", scale=scale, sort=list(STANCES), legend=legend),
            order=alt.Order("place:Q"),
            tooltip=["timestep:O", "stance:N", alt.Tooltip("share:Q", format=".1%"), "n:Q"],
        )
        .properties(height=HEIGHT + 110, title=_title(title))
    )


def follows(frame: pl.DataFrame, *, title: str, span: tuple[float, float] | None) -> Any:
    """Draw a policy's cosine with the people of each round, with its interval, the base's, and the null as ticks."""
    import altair as alt

    scale = alt.Scale(domain=span, zero=False, nice=False) if span else alt.Scale(zero=False)
    x = alt.X("timestep:O", title="round", axis=alt.Axis(labelAngle=0))
    names = {"value": "policy in force", "base": "base policy", "null": "null"}
    long = frame.rename(names).unpivot(
        on=list(names.values()), index=["timestep", "lo", "hi", "n"], variable_name="who", value_name="cosine"
    )
    long = long.drop_nulls(["cosine"])
    legend = alt.Legend(orient="bottom", title=None, symbolType="stroke", symbolStrokeWidth=2.5)
    kinds = list(names.values())
    colour = alt.Color("who:N", scale=alt.Scale(domain=kinds, range=[BLUE, ORANGE, GREY]), legend=legend)
    dash = alt.StrokeDash("who:N", scale=alt.Scale(domain=kinds, range=[[1, 0], [6, 3], [2, 2]]), legend=legend)
    y = alt.Y("cosine:Q", title="cosine", scale=scale)
    ends = (
        alt.Chart(frame.drop_nulls(["lo", "hi"]))
        .mark_rule(strokeWidth=2, color=BLUE)
        .encode(x=x, y=alt.Y("lo:Q", title="cosine", scale=scale), y2="hi:Q")
    )
    lines = (
        alt.Chart(long)
        .mark_line(point={"filled": True, "size": 40})
        .encode(
            x=x,
            y=y,
            color=colour,
            strokeDash=dash,
            tooltip=[
                "who:N",
                "timestep:O",
                *(alt.Tooltip(f"{c}:Q", format=".3g") for c in ("cosine", "lo", "hi")),
                "n:Q",
            ],
        )
    )
    layers = [ends, lines] if frame.drop_nulls(["lo", "hi"]).height else [lines]
    return alt.layer(*layers).properties(height=HEIGHT, title=_title(title))
