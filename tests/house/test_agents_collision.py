"""The top-level name `agents` is ours, and stays ours."""

from __future__ import annotations

from importlib.metadata import packages_distributions
from pathlib import Path

import agents

ROOT = Path(__file__).parents[2]


def test_agents_lies_in_our_tree() -> None:
    assert Path(agents.__file__ or "").parent == ROOT / "agents"


def test_no_other_distribution_installs_agents() -> None:
    assert set(packages_distributions().get("agents", ["folkmoot"])) == {"folkmoot"}
