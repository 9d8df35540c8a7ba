"""Page: two runs beside each other: what was set otherwise, and whether what was measured differs."""

from __future__ import annotations

import polars as pl
import streamlit as st

from agents.errors import UserError
from dashboards import charts, frames
from dashboards.frames_compare import beside_frame, difference_rows, settings_frame
from dashboards.frames_text import label
from dashboards.measures import gates_of, measures_of
from dashboards.sources import Reader, stage_key
from dashboards.views.common import choice, figure, folder, no_runs, table, told, trouble
from sim.store import Run


def main() -> None:
    """Show the page."""
    st.title("Compare runs")
    names = folder().names()
    if not names:
        no_runs()
    if len(names) == 1:
        st.info("There is one run so far. Start another, with one thing changed, to compare them.")
        return
    left, right = st.columns(2)
    if "second" not in st.query_params and "second" not in st.session_state:
        st.session_state["second"] = names[1]
    first = choice("First run", "first", names, place=left)
    second = choice("Second run", "second", names, place=right)
    try:
        a, b = folder().open(first), folder().open(second)
    except UserError as error:
        trouble(error)
        return
    if first == second:
        st.info("Both are the same run. Choose another to see a difference.")
        return
    _settings(Reader(a), Reader(b))
    _costs(a, b, (first, second))
    _measures(a, b, (first, second))


def _settings(a: Reader, b: Reader) -> None:
    st.subheader("What was set otherwise")
    frame = settings_frame(a.config(), b.config())
    told([*a.problems, *b.problems])
    if frame.is_empty():
        st.write("Nothing: both configs are the same, apart from where the runs lie.")
    else:
        st.caption(f"{frame.height} settings differ.")
        table(frame, "settings", alt="Settings that differ")


def _costs(a: Run, b: Run, names: tuple[str, str]) -> None:
    parts = []
    for run, name in zip((a, b), names, strict=True):
        reader = Reader(run)
        stages = sorted((p.stem for p in (run.folder / "tallies").glob("*.json")), key=stage_key)
        frame = frames.stages_frame({stage: reader.json(f"tallies/{stage}.json") for stage in stages})
        if frame.width:
            parts.append(frame.select(pl.lit(name).alias("run"), pl.all()))
    if parts:
        st.subheader("What it took")
        table(pl.concat(parts, how="vertical_relaxed"), "costs", alt="Counts of each stage of both runs")


def _measures(a: Run, b: Run, names: tuple[str, str]) -> None:
    st.subheader("What was measured")
    readers = Reader(a), Reader(b)
    first, second = (measures_of(reader, gates_of(reader)) for reader in readers)
    told([*readers[0].problems, *readers[1].problems])
    rows = difference_rows(first, second)
    if rows.is_empty():
        st.info("No scale was measured in both runs. Measure with `loop=one_round`, or compare other runs.")
        return
    drawn = rows.drop_nulls(["difference"])
    shown = rows.filter(pl.col("reading") == "differs").height
    if not drawn.is_empty():
        finding = (
            f"Second minus first at the last measuring: {shown} of {rows.height} scales differ by more than their 95 % "
            "interval. The points are taken as independent, which is too careful where both runs asked the same items."
        )
        figure(charts.differences(drawn), rows, "differences", finding)
    points = beside_frame(first, second, names)
    with_value = points.drop_nulls(["point"])
    if not with_value.is_empty():
        finding = f"Last point of each scale with its 95 % interval: {label(names[0])} and {label(names[1])}."
        figure(charts.intervals(with_value, by="run"), points, "beside", finding.replace("\\", ""))


main()
