"""One small run for the tests that only read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboards.findings import Findings, find_out
from sim.store import Run
from tests.dashboards.fake_run import make_run, settle


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = make_run(tmp_path_factory.mktemp("runs"))
    settle(run)
    return run


@pytest.fixture(scope="session")
def found(whole_run: Run) -> Findings:
    return find_out(whole_run)


@pytest.fixture
def fresh_run(tmp_path: Path) -> Run:
    """A run that a test may break."""
    return make_run(tmp_path)
