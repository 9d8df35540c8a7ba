"""A sample whose options share the votes has no chosen and no rejected one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dashboards.fake_assembly import make_utility_vote
from tests.dashboards.fake_run import make_run
from tests.dashboards_app.test_pages import Opened, opened

__all__ = ["opened"]
pytestmark = pytest.mark.slow


def test_options_that_share_votes_are_called_answers(opened: Opened, tmp_path: Path) -> None:
    make_utility_vote(tmp_path / "runs")
    heads = [one.value.partition(" ")[0] for one in opened(tmp_path / "runs", "samples").markdown]
    assert heads.count("**Answer**") == 2
    assert "**Chosen**" not in heads


def test_a_revision_is_chosen_over_its_draft(opened: Opened, tmp_path: Path) -> None:
    make_run(tmp_path / "runs")
    at = opened(tmp_path / "runs", "samples", sample="scene-1.row")
    heads = [one.value.partition(" ")[0] for one in at.markdown]
    assert "**Chosen**" in heads
    assert "**Rejected**" in heads
