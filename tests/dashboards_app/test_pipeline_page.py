"""The page of the pipeline on a whole run, on one that was stopped, and on a torn one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.dashboards.fake_run import HOSTILE, make_run
from tests.dashboards_app.test_pages import opened, words  # noqa: F401 (opened is a fixture)

pytest.importorskip("streamlit", reason="the dashboard needs the dash extra: pip install folkmoot[dash]")
from streamlit.testing.v1 import AppTest

pytestmark = pytest.mark.slow
Opened = Callable[..., AppTest]


def test_a_whole_run_and_the_prompts_of_one_stage(opened: Opened, tmp_path: Path) -> None:  # noqa: F811
    make_run(tmp_path / "runs", text=HOSTILE)
    at = opened(tmp_path / "runs", "pipeline", inside="r1.play")
    assert not at.exception
    assert "replies could not be used" in words(at)
    shown = [table.value for table in at.dataframe]
    assert {"node", "seconds", "failure share", "lo", "hi", "n", "which is"} <= set(shown[0].columns)
    assert set(shown[1]["stage"]) == {"r1.play"}


def test_a_stopped_and_a_torn_run(opened: Opened, tmp_path: Path) -> None:  # noqa: F811
    run = make_run(tmp_path / "runs", stop=True)
    at = opened(tmp_path / "runs", "pipeline")
    assert not at.exception
    assert set(at.dataframe[0].value["state"]) >= {"stopped"}
    (run.folder / "tallies" / "r1.play.json").write_text("{")
    again = opened(tmp_path / "runs", "pipeline")
    assert not again.exception
    assert "cannot be read" in words(again)
