"""The page of co-evolution on runs of each kind: findings with n, table twins, deep links, and a broken run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sim.store import Run
from tests.dashboards.fake_coevolution import make_follow, make_live, make_trials
from tests.dashboards_app.test_pages import opened, words  # noqa: F401 (opened is a fixture)

pytest.importorskip("streamlit", reason="the dashboard needs the dash extra: pip install folkmoot[dash]")
from streamlit.testing.v1 import AppTest

pytestmark = pytest.mark.slow
Opened = Callable[..., AppTest]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("together") / "runs"
    make_trials(root)
    make_live(root, text="<b>x</b>")
    make_follow(root)
    return root


def named(root: Path, kind: str) -> str:
    return f"{kind}/{next((root / kind).iterdir()).name}"


def test_numeric_runs(opened: Opened, root: Path) -> None:  # noqa: F811
    at = opened(root, "coevolution", run=named(root, "coevolution"), challenge="coevolve", by="one dimension, all arms")
    assert not at.exception
    said = words(at)
    assert "No model was asked: the people are numbers." in said
    assert "n \\= 3 seeds" in said
    assert "Refused as over the budget" in said
    assert "folkmoot leaderboard" in said
    assert at.selectbox(key="dim").value in at.selectbox(key="dim").options
    shown = [set(table.value.columns) for table in at.dataframe]
    assert any({"arm", "what", "point", "lo", "hi", "n", "null"} <= columns for columns in shown)
    assert any({"queries", "refused", "allowed"} <= columns for columns in shown)


def test_the_address_chooses_challenge_and_arm(opened: Opened, root: Path) -> None:  # noqa: F811
    at = opened(
        root, "coevolution", run=named(root, "coevolution"), challenge="predict(2)", arm="frozen", shown="spread"
    )
    assert not at.exception
    assert at.selectbox(key="challenge").value == "predict(2)"
    assert at.selectbox(key="arm").value == "frozen"
    assert "predict" in words(at)


def test_people_of_language_models(opened: Opened, root: Path) -> None:  # noqa: F811
    at = opened(root, "coevolution", run=named(root, "live_values"), claim="law")
    assert not at.exception
    said = words(at)
    assert "may not be shown as" in said
    assert "Mean belief on the claim law" in said
    assert "Entrenchment slope" in said
    assert "n \\= 8 people" in said


def test_following(opened: Opened, root: Path) -> None:  # noqa: F811
    at = opened(root, "coevolution", run=named(root, "value_follow"))
    assert not at.exception
    assert "the base 0\\.76, null 0\\.75" in words(at)


def test_a_torn_run_is_shown_as_far_as_it_goes(opened: Opened, tmp_path: Path) -> None:  # noqa: F811
    run: Run = make_trials(tmp_path / "runs", replicas=1)
    (run.folder / "events" / "r1.play" / "timesteps-00000.parquet").write_bytes(b"PAR1 torn")
    at = opened(tmp_path / "runs", "coevolution")
    assert not at.exception
    said = words(at)
    assert "timesteps" in said
    assert "no interval" in said
