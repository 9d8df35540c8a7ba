"""Charts of the pages, as Altair objects, from frames. Pure; nothing here knows Streamlit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

BLUE, ORANGE, GREEN, PINK, SKY, RED = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"
GREY = "#888888"
READINGS = {
    "better": BLUE,
    "worse": RED,
    "changed": PINK,
    "differs": BLUE,
    "not after correction": PINK,
    "no difference shown": GREY,
    "no interval": GREY,
    "not paired": GREY,
    "too few pairs": GREY,
    "not compared": GREY,
}
FRAME = 150
"""Pixels that axis and legend take of a chart's height."""
MOST_PURPOSES = 12
"""Of what a run's requests were for, so many are drawn, the dearest."""
FLUSH = 14
"""Pixels from either end of an axis within which a label is moved inwards, so that none is cut off there."""
MAX_ROWS = 4_000
"""Rows that a chart hands to the browser; more are thinned evenly."""


def thinned(frame: pl.DataFrame, most: int = MAX_ROWS) -> pl.DataFrame:
    """Return at most `most` rows, evenly spaced, the first and the last among them."""
    if frame.height <= most:
        return frame
    step = (frame.height - 1) / (most - 1)
    return frame[[round(n * step) for n in range(most)]]


def speed(frame: pl.DataFrame) -> Any:
    """Draw tokens per second over the seconds of the run."""
    import altair as alt

    return (
        alt.Chart(thinned(frame))
        .mark_line(point=frame.height < 40, color=BLUE)
        .encode(
            x=alt.X("seconds:Q", title="seconds of this stage"),
            y=alt.Y("tokens per second:Q", title="tokens per second", scale=alt.Scale(zero=True)),
            tooltip=["stage:N", "seconds:Q", "tokens per second:Q", "forfeits:Q"],
        )
        .properties(height=220)
    )


def purposes(frame: pl.DataFrame) -> Any:
    """Draw what each purpose cost in tokens: read from cache, read anew, written."""
    import altair as alt
    import polars as pl

    parts = frame.head(MOST_PURPOSES).with_columns((pl.col("prompt tokens") - pl.col("from cache")).alias("read anew"))
    names = {"from cache": "read from cache", "read anew": "read anew", "output tokens": "written"}
    long = parts.rename({k: v for k, v in names.items() if k != v}).unpivot(
        on=list(names.values()), index="purpose", variable_name="tokens are", value_name="tokens"
    )
    order = alt.Scale(domain=list(names.values()), range=[SKY, BLUE, ORANGE])
    return (
        alt.Chart(long)
        .mark_bar()
        .encode(
            x=alt.X("tokens:Q", title="tokens"),
            y=alt.Y(
                "purpose:N",
                sort=parts["purpose"].to_list(),
                title=None,
                axis=alt.Axis(labelLimit=220, labelOverlap=False),
            ),
            color=alt.Color("tokens are:N", scale=order, legend=alt.Legend(orient="bottom", title=None)),
            tooltip=["purpose:N", "tokens are:N", alt.Tooltip("tokens:Q", format=",")],
        )
        .properties(height=FRAME + 24 * parts.height)
    )


def perception(frame: pl.DataFrame, step: int) -> Any:
    """Draw who perceived which act: filled for perceived, hollow for missed, and the chosen step marked."""
    import altair as alt

    base = alt.Chart(frame).encode(
        x=alt.X("step:O", title="act", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("who:N", title=None, axis=alt.Axis(labelLimit=180, labelOverlap=False)),
    )
    reach = alt.Scale(domain=["perceived", "missed"], range=["circle", "cross"])
    points = base.mark_point(filled=True, size=110).encode(
        shape=alt.Shape("reach:N", scale=reach, legend=alt.Legend(orient="bottom", title=None)),
        color=alt.Color("reach:N", scale=alt.Scale(domain=["perceived", "missed"], range=[BLUE, ORANGE]), legend=None),
        opacity=alt.condition(f"datum.step <= {int(step)}", alt.value(1.0), alt.value(0.25)),
        tooltip=["step:O", "by:N", "who:N", "reach:N", alt.Tooltip("p:Q", format=".2f")],
    )
    return points.properties(height=FRAME + 30 * frame["who"].n_unique())


def differences(frame: pl.DataFrame) -> Any:
    """Draw differences with their 95 % intervals around the line of no difference."""
    import altair as alt

    rows = frame["scale"].to_list()
    shown = sorted(set(frame["reading"].to_list()), key=list(READINGS).index)
    y = alt.Y("scale:N", sort=rows, title=None, axis=alt.Axis(labelLimit=260, labelOverlap=False))
    scale = alt.Scale(domain=shown, range=[READINGS[word] for word in shown])
    legend = alt.Legend(orient="bottom", title=None)
    colour = alt.Color("reading:N", scale=scale, legend=legend)
    base = alt.Chart(frame)
    told = ["scale:N", *(alt.Tooltip(f"{name}:Q", format=".3g") for name in ("difference", "lo", "hi")), "reading:N"]
    zero = alt.Chart(frame.head(1)).mark_rule(strokeDash=[4, 3], color=GREY).encode(x=alt.datum(0))
    across = alt.X("lo:Q", title="difference, 95 % interval", axis=alt.Axis(labelFlush=FLUSH))
    line = base.mark_rule(strokeWidth=2).encode(x=across, x2="hi:Q", y=y, color=colour, tooltip=told)
    shape = alt.Shape("reading:N", scale=alt.Scale(domain=shown), legend=legend)
    dot = base.mark_point(filled=True, size=80).encode(x="difference:Q", y=y, color=colour, shape=shape, tooltip=told)
    return alt.layer(zero, line, dot).properties(height=FRAME + 24 * len(rows))


def curves(frame: pl.DataFrame) -> Any:
    """Draw training loss by step, one line a policy."""
    import altair as alt

    return (
        alt.Chart(thinned(frame))
        .mark_line()
        .encode(
            x=alt.X("step:Q", title="logged step", axis=alt.Axis(tickMinStep=1, format="d")),
            y=alt.Y("loss:Q", title="training loss", scale=alt.Scale(zero=False)),
            color=alt.Color("policy:N", legend=alt.Legend(orient="bottom")),
            strokeDash=alt.StrokeDash("policy:N", legend=None),
            tooltip=["policy:N", "step:Q", alt.Tooltip("loss:Q", format=".3g")],
        )
        .properties(height=280)
    )


def shares(frame: pl.DataFrame, *, row: str, kinds: tuple[str, ...], colours: tuple[str, ...]) -> Any:
    """Draw stacked shares by row; frame has `row`, `answer`, `share` and `n`."""
    import altair as alt

    order = frame[row].unique(maintain_order=True).to_list()
    return (
        alt.Chart(thinned(frame))
        .mark_bar()
        .encode(
            x=alt.X("share:Q", title="share of votes", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
            y=alt.Y(f"{row}:N", sort=order, title=None, axis=alt.Axis(labelLimit=260, labelOverlap=False)),
            color=alt.Color("answer:N", scale=alt.Scale(domain=list(kinds), range=list(colours)),
                            legend=alt.Legend(orient="bottom", title=None)),
            tooltip=[f"{row}:N", "answer:N", alt.Tooltip("share:Q", format=".1%"), "n:Q"],
        )
        .properties(height=FRAME + 24 * len(order))
    )  # fmt: skip
