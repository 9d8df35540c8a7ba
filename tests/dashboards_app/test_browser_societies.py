"""Every page of a run in a real browser, on a small run of each society and of the loop, in both themes and widths.

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
    "scenes-and-loop": ("overview", "scenes", "samples", "loop", "interview"),
    "assembly": ("overview", "assembly", "personas", "interview", "seat", "scenes"),
    "utility-vote": ("overview", "assembly", "samples", "interview"),
    "coevolution": ("overview", "coevolution", "loop", "interview"),
    "live-values": ("overview", "coevolution", "interview", "assembly"),
    "value-follow": ("overview", "coevolution", "samples", "loop"),
}
CASES = [(society, path) for society, paths in PAGES.items() for path in paths]
LOOKS = {"light-1440": ("light", 1440), "dark-800": ("dark", 800)}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("societies") / "runs"


@pytest.fixture(scope="module")
def runs(root: Path) -> dict[str, str]:
    made: dict[str, Run] = {society: make(root) for society, make in MAKERS.items()}
    return {society: f"{run.folder.parent.name}/{run.folder.name}" for society, run in made.items()}


@pytest.fixture(scope="module")
def looks(root: Path, runs: dict[str, str]) -> Iterator[tuple[Served, dict[str, Any]]]:
    with ExitStack() as stack:
        browser = stack.enter_context(launched())
        dashboard = stack.enter_context(served(root))
        yield (
            dashboard,
            {
                look: stack.enter_context(
                    browsing(browser, color_scheme=scheme, viewport={"width": width, "height": 1100})
                )
                for look, (scheme, width) in LOOKS.items()
            },
        )


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize(("society", "path"), CASES)
def test_a_page_opens_clean_on_every_society(
    looks: tuple[Served, dict[str, Any]], runs: dict[str, str], society: str, path: str, look: str
) -> None:
    dashboard, pages = looks
    opens_clean(pages[look], f"{dashboard.base}/{path}?run={runs[society]}", f"{society}-{path}-{look}")


@pytest.mark.parametrize("look", LOOKS)
def test_two_runs_are_compared_clean(looks: tuple[Served, dict[str, Any]], runs: dict[str, str], look: str) -> None:
    dashboard, pages = looks
    query = f"first={runs['scenes-and-loop']}&second={runs['assembly']}"
    opens_clean(pages[look], f"{dashboard.base}/compare?{query}", f"two-runs-compare-{look}")
