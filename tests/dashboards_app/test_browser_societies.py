"""Pages over scripted runs in a real browser, as far as test_browser_real.py does not open them over the model's runs.

Screenshots go to build/screenshots (FOLKMOOT_SHOTS names another folder), to be looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from sim.store import Run
from tests.dashboards.fake_assembly import make_assembly, make_utility_vote
from tests.dashboards.fake_coevolution import make_follow, make_live, make_trials
from tests.dashboards.fake_run import HOSTILE, make_run
from tests.dashboards_app import real_runs
from tests.dashboards_app.browser import Served, browsing, launched, opens_clean, served

pytestmark = [pytest.mark.browser, pytest.mark.slow]
MAKERS = {
    "scenes-and-loop": lambda root: make_run(root, text=HOSTILE),
    "assembly": lambda root: make_assembly(root, said=f"I want a park. {HOSTILE}"),
    "utility-vote": make_utility_vote,
    "coevolution": make_trials,
    "live-values": lambda root: make_live(root, text=HOSTILE),
    "value-follow": make_follow,
}
PAGES = {
    "scenes-and-loop": ("overview", "scenes", "samples", "loop"),
    "assembly": ("overview", "assembly", "personas", "interview", "seat", "scenes"),
    "utility-vote": ("overview", "assembly", "samples", "interview"),
    "coevolution": ("overview", "coevolution", "loop", "interview"),
    "live-values": ("overview", "coevolution", "interview", "assembly"),
    "value-follow": ("overview", "coevolution", "samples", "loop"),
}
SAME = {"scenes-and-loop": real_runs.WHOLE, "coevolution": "numeric"}
"""Names that the model's runs have for the same."""
CASES = [(society, path) for society, paths in PAGES.items() for path in paths]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("societies") / "runs"


@pytest.fixture(scope="module")
def runs(root: Path) -> dict[str, str]:
    made: dict[str, Run] = {society: make(root) for society, make in MAKERS.items()}
    return {society: f"{run.folder.parent.name}/{run.folder.name}" for society, run in made.items()}


@pytest.fixture(scope="module")
def opened(root: Path, runs: dict[str, str]) -> Iterator[tuple[Served, Any]]:
    with ExitStack() as stack:
        browser = stack.enter_context(launched())
        dashboard = stack.enter_context(served(root))
        yield dashboard, stack.enter_context(browsing(browser, viewport={"width": 1440, "height": 1100}))


@pytest.mark.parametrize(("society", "path"), CASES)
def test_a_page_opens_clean_on_every_society(
    opened: tuple[Served, Any], runs: dict[str, str], society: str, path: str
) -> None:
    real = SAME.get(society, society)
    if real in real_runs.played() and (real == real_runs.WHOLE or path in real_runs.PAGES[real]):
        pytest.skip("opened over a run of the model")
    dashboard, page = opened
    opens_clean(page, f"{dashboard.base}/{path}?run={runs[society]}", f"{society}-{path}-1440")


def test_two_runs_are_compared_clean(opened: tuple[Served, Any], runs: dict[str, str]) -> None:
    dashboard, page = opened
    query = f"first={runs['scenes-and-loop']}&second={runs['assembly']}"
    opens_clean(page, f"{dashboard.base}/compare?{query}", "two-runs-compare-1440")
