"""Page: two runs beside each other: what was set otherwise, and whether what was measured differs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from agents.errors import UserError
from dashboards import charts, frames
from dashboards.frames_compare import beside_frame, difference_rows, settings_frame
from dashboards.frames_text import label
from dashboards.made import apart
from dashboards.measures import gates_of, measures_of
from dashboards.pairing import (
    MIN_PAIRS,
    compared_items,
    opening_pair,
    paired_numbers,
    same_making,
    siblings,
    side_of,
)
from dashboards.rows import plural
from dashboards.sources import Reader, mapping, stage_key, text
from dashboards.views.common import choice, figure, folder, no_runs, table, told, trouble, words
from dashboards.views.scores import scores
from sim.store import Run

MOST_SIBLINGS, MOST_DRAWN = 60, 40
SIDES = ("first", "second")


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
    _open_on(names)
    first = choice("First run", "first", names, place=left, width=460)
    second = choice("Second run", "second", names, place=right, width=460)
    try:
        a, b = folder().open(first), folder().open(second)
    except UserError as error:
        trouble(error)
        return
    if first == second:
        st.info("Both are the same run. Choose another to see a difference.")
        return
    _settings(Reader(a), Reader(b))
    _costs(a, b)
    _measures(a, b, (first, second))
    _numbers(a, b, (first, second))


def _open_on(names: list[str]) -> None:
    """Choose what neither the address nor anybody has chosen yet: two runs of one society, as far as there are two."""
    asked = [st.query_params.get(key) or st.session_state.get(key) for key in SIDES]
    chosen = [name for name in asked if name in names]
    if len(chosen) < len(SIDES):
        found = opening_pair(names, _society, *chosen)
        # Whoever chose only the second run keeps it there.
        pair = found if not chosen or asked[0] in names else found[::-1]
        st.session_state.update(zip(SIDES, pair, strict=True))


def _society(name: str) -> str:
    path = folder().root / name / "config.yaml"
    found = _config(str(path.parent), path.stat().st_mtime_ns) if path.is_file() else {}
    return text(mapping(found.get("society")).get("name"))


def _settings(a: Reader, b: Reader) -> None:
    st.subheader("What was set otherwise")
    frame = settings_frame(a.config(), b.config())
    told([*a.problems, *b.problems])
    if frame.is_empty():
        st.write("Nothing: both configs are the same, apart from where the runs lie.")
    else:
        st.caption(f"{frame.height} settings differ.")
        table(frame, "settings", alt="Settings that differ")


def _costs(a: Run, b: Run) -> None:
    parts = []
    # By which of the two it is: their names are as long as three columns of numbers.
    for run, side in zip((a, b), SIDES, strict=True):
        reader = Reader(run)
        stages = sorted((p.stem for p in (run.folder / "tallies").glob("*.json")), key=stage_key)
        frame = frames.stages_frame({stage: reader.json(f"tallies/{stage}.json") for stage in stages})
        if frame.width:
            parts.append(frame.select(pl.lit(side).alias("run"), pl.all()))
    if parts:
        st.subheader("What it took")
        table(pl.concat(parts, how="vertical_relaxed"), "costs", alt="Counts of each stage of both runs")


def _measures(a: Run, b: Run, names: tuple[str, str]) -> None:
    st.subheader("What was measured")
    readers = Reader(a), Reader(b)
    first, second = (measures_of(reader, gates_of(reader)) for reader in readers)
    paired, reasons = compared_items(*readers)
    told([*readers[0].problems, *readers[1].problems])
    rows = difference_rows(first, second, paired)
    if rows.is_empty():
        st.info("No scale was measured in both runs. Measure with `loop=one_round`, or compare other runs.")
        return
    drawn = rows.drop_nulls(["difference"])
    shown = rows.filter(pl.col("reading") == "differs").height
    num_paired = rows.filter(pl.col("how") == "item by item").height
    if not drawn.is_empty():
        before = rows.filter(pl.col("reading") == "not after correction").height
        finding = (
            f"Second minus first at the last measuring, {plural(rows.height, 'scale')}: {shown} with a difference "
            f"after Holm's correction over all of them, {before} more by an own 95 % interval alone. Compared item by "
            f"item: {num_paired}; for the others both points are taken as independent, which is too careful where the "
            "items are the same."
        )
        figure(charts.differences(drawn), rows, "differences", finding)
    for instrument, why in reasons.items():
        st.caption(f"{label(instrument)} is not paired: {label(why, 200)}")
    points = beside_frame(first, second, names)
    st.caption(label(f"Last point of each scale, beside each other: {names[0]} and {names[1]}.", 300))
    scores(points, by="run", name="beside")


def _numbers(a: Run, b: Run, names: tuple[str, str]) -> None:
    """Show the society's own numbers, paired by seed and replica, with runs that differ in their seed alone."""
    st.subheader("What the society came to")
    sides, told_of = [], []
    for run, name in zip((a, b), names, strict=True):
        like, left = _siblings(run)
        own = [name, *(one for one in like if one not in names)]
        readers = [Reader(folder().open(one)) for one in own]
        sides.append(side_of(readers))
        told([problem for reader in readers for problem in reader.problems])
        told_of.append(f"{plural(len(own), 'run')} with seed {', '.join(sides[-1].seeds)}")
        _left_out(name, left)
    _made_otherwise(a, b)
    rows = paired_numbers(*sides)
    if rows.is_empty():
        st.info("These runs share no number. Two runs of one society share those in `metrics.parquet`.")
        return
    kept = words("Numbers that hold", "numbers", hint="entropy, arm=ai ...").strip().lower()
    tested = (rows["pairs"] >= MIN_PAIRS).sum()
    rows = rows.filter(pl.col("number").str.to_lowercase().str.contains(kept, literal=True))
    counts = {word: (rows["reading"] == word).sum() for word in ("differs", "not after correction")}
    paired = (rows["pairs"] >= MIN_PAIRS).sum()
    st.caption(
        f"First: {told_of[0]}. Second: {told_of[1]}. Runs that differ in their seed alone, and were made by the same "
        "code, model and prompts, stand on the same side. A pair is the same seed and replica; from "
        f"{MIN_PAIRS} pairs on the difference has a 95 % bootstrap interval, and a p by Student's t with Holm's "
        "correction over all numbers."
    )
    drawn = rows.filter(pl.col("pairs") >= MIN_PAIRS).rename({"number": "scale"}).head(MOST_DRAWN)
    if drawn.is_empty():
        st.warning(
            "No number has pairs enough, so nothing here shows a difference beyond chance. Play both with the same "
            f"seeds, {MIN_PAIRS} at least: `folkmoot run ... seed=1`, `seed=2`, `seed=3`.",
            icon=":material/casino:",
        )
        table(rows, "numbers", alt="Last value of each number in both runs, not paired")
        return
    finding = (
        f"Second minus first at the last step: {counts['differs']} of {paired} paired numbers differ after Holm's "
        f"correction over {tested}, {counts['not after correction']} more by an own 95 % interval alone, as one in "
        f"twenty does by chance. {drawn.height} are drawn."
    )
    figure(charts.differences(drawn), rows, "numbers", finding)


def _left_out(name: str, left: list[tuple[str, str]]) -> None:
    if left:
        other, what = left[0]
        st.caption(
            f"Left out, since made otherwise: {plural(len(left), 'run')} like {label(name)} but for the seed. "
            f"{label(other)} has {label(what, 160)}."
        )


def _made_otherwise(a: Run, b: Run) -> None:
    what = apart(*(Reader(run).json("manifest.json") for run in (a, b)))
    if what:
        st.warning(
            f"The two runs were not made alike: {label('; '.join(what), 600)}. The same seed is then no longer the "
            "same chance in all, and a difference may come from that.",
            icon=":material/difference:",
        )


def _siblings(run: Run) -> tuple[list[str], list[tuple[str, str]]]:
    here = folder()
    names = [name for name in here.names()[:MOST_SIBLINGS] if here.root / name != run.folder]
    files = [(name, here.root / name / "config.yaml") for name in names]
    others = ((name, _config(str(path.parent), path.stat().st_mtime_ns)) for name, path in files if path.is_file())
    like = siblings(Reader(run).config(), others)
    manifests = ((name, Reader(here.open(name)).json("manifest.json")) for name in like)
    return same_making(Reader(run).json("manifest.json"), manifests)


@st.cache_data(max_entries=500, show_spinner=False)  # type: ignore[untyped-decorator]
def _config(run_folder: str, changed_ns: int) -> dict[str, Any]:
    return Reader(Run(Path(run_folder))).config()


main()
