"""The report on speakers who were left out says what the event table holds, for one assembly and for several."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from dashboards.assembly import Account, Assemblies
from dashboards.findings import Findings, find_out
from dashboards.report import render_report
from dashboards.terminal import plain, sections
from sim.store import Run
from societies.assembly.agenda import load_agenda
from tests.dashboards.fake_assembly import make_assembly

TITLE = "The last round without one of its speakers"
FEW = {"arms": ("full",), "values": False, "written": 0, "num_judges": 0, "num_critiques": 0, "baselines": False}


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_assembly(tmp_path_factory.mktemp("hall"), num_dropped=4, **FEW)


@pytest.fixture(scope="module")
def told(hall: Run) -> Findings:
    return find_out(hall)


def assemblies(found: Findings) -> Assemblies:
    assert not found.problems
    assert found.assemblies is not None
    return found.assemblies


def account(found: Findings) -> Account:
    (one,) = assemblies(found).shown
    return one


def replays(run: Run) -> pl.DataFrame:
    return run.read_events("r1.play", "replays").with_columns(
        effect=(pl.col("whole") - pl.col("without")).abs(), order=(pl.col("whole") - pl.col("reordered")).abs()
    )


def test_the_numbers_are_those_of_the_table_each_speaker_counting_once(told: Findings, hall: Run) -> None:
    found, rows = account(told).replayed, replays(hall)
    assert found is not None and len(found.speakers) == 4 and found.num_answers == 2 * rows.height + 9
    means = rows.group_by("speaker").agg(pl.col("effect", "order", "pull").mean())
    left = found.left
    assert (left.unit, left.effect.n, left.excess.n) == ("speaker", 4, 4)
    assert left.effect.value == pytest.approx(means["effect"].mean()) and left.effect.value > 0
    assert left.effect.null == pytest.approx(means["order"].mean())
    assert left.excess.value == pytest.approx(left.effect.value - left.effect.null) and left.excess.null == 0
    assert left.excess.lo < left.excess.value < left.excess.hi
    assert left.pull is not None and left.pull.value == pytest.approx(means["pull"].mean())
    for one in found.speakers:
        own = rows.filter(pl.col("speaker") == one.speaker)
        assert one.left.effect.n == own.height == own["citizen"].n_unique() and one.left.unit == "listener"
        assert one.left.effect.value == pytest.approx(own["effect"].mean())
        assert one.told == pytest.approx(own["whole"].mean()) and one.table == own["table"][0]
    ranked = [one.left.excess.value for one in found.speakers]
    assert ranked == sorted(ranked, reverse=True)


def test_page_and_terminal_tell_speakers_with_null_n_and_interval(told: Findings) -> None:
    page, terminal = render_report(told), plain(sections(told))
    found = account(told).replayed
    assert found is not None
    for text in (page, terminal):
        assert TITLE in text and "without one of the speakers, without sign" in text and "4 speakers" in text
        assert "in another order" in text and "order alone" in text and "It is reading that is replayed" in text
        assert "What went with one speaker" not in text
    minds = next(part for part in sections(told) if part.title == "What changed minds")
    assert sum("speakers" in row[-1] for row in minds.rows) == 3
    table = next(part for part in sections(told) if part.title == TITLE)
    assert [row[0] for row in table.rows] == [one.speaker for one in found.speakers]
    assert len(table.columns) == len(table.rows[0])


def test_over_several_assemblies_each_counts_once(tmp_path: Path) -> None:
    run = make_assembly(tmp_path, num_assemblies=3, skip=len(load_agenda(None)) - 1, num_dropped=2, **FEW)
    found = find_out(run)
    left, rows = assemblies(found).replayed, replays(run)
    assert left is not None and (left.unit, left.effect.n) == ("assembly", 3)
    means = rows.group_by("assembly").agg(pl.col("effect").mean())["effect"].to_numpy()
    assert left.effect.value == pytest.approx(means.mean())
    half = 4.3027 * np.std(means, ddof=1) / np.sqrt(3)  # Student's t with two degrees of freedom
    assert left.effect.hi == pytest.approx(means.mean() + half, rel=1e-4)
    assert "What went with one speaker" in render_report(found) and "3 assemblies" in plain(sections(found))


def test_a_run_that_left_nobody_out_or_is_older_tells_nothing_of_it(hall: Run, tmp_path: Path) -> None:
    copy = Run.open(shutil.copytree(hall.folder, tmp_path / "copy"))
    for part in (copy.folder / "events" / "r1.play").glob("replays-*.parquet"):
        part.unlink()
    found = find_out(copy)
    assert account(found).replayed is None and assemblies(found).replayed is None
    assert TITLE not in render_report(found) and TITLE not in plain(sections(found))
