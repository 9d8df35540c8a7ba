"""The society map and the opinion map on towns, assemblies and scenes, and on a run that cannot be read whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from tests.dashboards.fake_assembly import make_assembly, make_utility_vote
from tests.dashboards.fake_coevolution import make_live, make_trials
from tests.dashboards.fake_run import HOSTILE, make_run
from tests.dashboards_app.test_pages import opened, words  # noqa: F401 (opened is a fixture)

pytest.importorskip("streamlit", reason="the dashboard needs the dash extra: pip install folkmoot[dash]")
from streamlit.testing.v1 import AppTest

pytestmark = pytest.mark.slow
Opened = Callable[..., AppTest]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("society") / "runs"
    make_live(root)
    make_assembly(root)
    make_run(root, text=HOSTILE)
    make_trials(root, replicas=1)
    return root


def named(root: Path, kind: str) -> str:
    return f"{kind}/{next((root / kind).iterdir()).name}"


def test_a_town_is_drawn_with_its_table_and_its_layout_is_kept(opened: Opened, root: Path) -> None:  # noqa: F811
    name = named(root, "live_values")
    at = opened(root, "society", run=name, network="town r1.play frozen-000", colour="Sex", step="2")
    assert not at.exception
    said = words(at)
    assert "ties at timestep 2" in said
    assert "of all pairs do" in said
    shown = [set(table.value.columns) for table in at.dataframe]
    assert {"node", "name", "Sex", "degree", "out", "in", "people"} in shown
    assert {"step", "from", "kind", "to", "moved"} in shown
    assert len(list((root / name / "layouts").iterdir())) == 1
    again = opened(root, "society", run=name, network="town r1.play ai-000", ego="p001", ties="heard")
    assert not again.exception
    assert len(list((root / name / "layouts").iterdir())) == 1
    assert again.selectbox(key="ego").value == "p001"


def test_a_dashboard_that_only_reads_keeps_no_layout(opened: Opened, root: Path) -> None:  # noqa: F811
    name = named(root, "hall")
    at = opened(root, "society", run=name, may="no")
    assert not at.exception
    assert "nodes and" in words(at)
    assert not (root / name / "layouts").exists()


def test_a_scene_with_hostile_names(opened: Opened, root: Path) -> None:  # noqa: F811
    at = opened(root, "society", run=named(root, "tiny"), network="scene r1.play scene-1")
    assert not at.exception
    assert "<script" not in "".join(one.proto.body for one in at.get("html"))
    assert "ties over the whole run" in words(at)


def test_runs_without_people_say_how_to_get_some(opened: Opened, root: Path) -> None:  # noqa: F811
    for page in ("society", "opinions"):
        at = opened(root, page, run=named(root, "coevolution"))
        assert not at.exception
        assert at.info
        assert "folkmoot run experiment=assembly_demo" in words(at)


def test_opinions_of_an_assembly_drift(opened: Opened, root: Path) -> None:  # noqa: F811
    at = opened(root, "opinions", run=named(root, "hall"), what="survey, before to after", time="after")
    assert not at.exception
    said = words(at)
    assert "of answers shuffled within items" in said
    assert "people moved by" in said
    shown = [set(table.value.columns) for table in at.dataframe]
    assert any({"person", "group", "x", "y", "moved"} <= columns for columns in shown)
    coloured = opened(root, "opinions", run=named(root, "live_values"), colour="Sex", time="timestep 1")
    assert not coloured.exception
    assert "at timestep 1" in words(coloured)


def test_an_assembly_tells_who_was_left_out_with_a_table_to_take_away(opened: Opened, root: Path) -> None:  # noqa: F811
    at = opened(root, "assembly", run=named(root, "hall"))
    assert not at.exception
    assert "The last round without one of its speakers" in words(at)
    columns = {"speaker", "table", "speeches", "listeners", "effect", "order", "effect - order", "pull"}
    (shown,) = [table.value for table in at.dataframe if columns <= set(table.value.columns)]
    assert len(shown) == 3
    minds = next(table.value for table in at.dataframe if {"measure", "null", "n"} <= set(table.value.columns))
    assert sum("speakers" in n for n in minds["n"]) == 3
    offered = [one.proto.id for one in at.get("download_button")]
    assert len(offered) >= 2 * len(at.dataframe)


def test_a_torn_town_is_shown_as_far_as_it_goes(opened: Opened, tmp_path: Path) -> None:  # noqa: F811
    run = make_live(tmp_path / "runs")
    (run.folder / "events" / "r1.play" / "beliefs-00000.parquet").write_bytes(b"PAR1 torn")
    for page in ("society", "opinions"):
        at = opened(tmp_path / "runs", page)
        assert not at.exception
        assert "beliefs" in words(at)


def test_too_few_people_for_a_map_are_not_told_to_wait(opened: Opened, tmp_path: Path) -> None:  # noqa: F811
    run = make_live(tmp_path / "runs")
    for part in (run.folder / "events" / "r1.play").glob("beliefs-*.parquet"):
        rows = pl.read_parquet(part)
        rows.filter(pl.col("agent").is_in(sorted(rows["agent"].unique())[:2])).write_parquet(part)
    at = opened(tmp_path / "runs", "opinions")
    assert not at.exception
    assert "too little to draw" in words(at)
    assert at.info[0].value == "There is nothing to map."


def test_a_vote_on_pairs_says_where_its_votes_stand_and_what_to_do_with_them(opened: Opened, tmp_path: Path) -> None:  # noqa: F811
    run = make_utility_vote(tmp_path)
    at = opened(tmp_path, "assembly", run=f"vote/{run.folder.name}")
    assert not at.exception
    assert "voted on pairs of options" in at.info[0].value
    assert at.code[0].value.startswith(f"folkmoot align {run.folder} recipe=utility_control")
