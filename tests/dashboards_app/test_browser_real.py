"""Every page of the dashboard over finished runs of the small real model: one of each society, and a loop.

`make real` plays the runs, a quarter of an hour on two old cores, then opens their pages; `make test` does not. Runs
stay in build/real-runs, so that they are played once. Screenshots go to build/screenshots/real.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.dashboards_app.browser import (
    Served,
    axe_findings,
    browsing,
    launched,
    pages_of_app,
    served,
    settled,
    stands_clean,
    whole_picture,
)
from tests.dashboards_app.real_runs import RUNS, play_all

pytestmark = [pytest.mark.browser, pytest.mark.model, pytest.mark.slow]
WHOLE = "loop"
"""The run whose every page is opened; of the others, those that show something of their own."""
PAGES = {
    "assembly": ("overview", "assembly", "personas", "samples", "seat"),
    "utility-vote": ("overview", "assembly", "samples"),
    "numeric": ("overview", "coevolution"),
    "live-values": ("overview", "coevolution", "personas"),
    "eras": ("overview", "coevolution"),
    "value-follow": ("overview", "coevolution", "loop"),
}
CASES = [
    *((WHOLE, path) for path in pages_of_app()),
    *((society, path) for society, paths in PAGES.items() for path in paths),
]


@pytest.fixture(scope="module")
def runs() -> tuple[Path, dict[str, str]]:
    folder = os.environ.get("FOLKMOOT_REAL_RUNS")
    if not folder:
        pytest.skip("runs of every society on the model take a quarter of an hour: `make real` plays them")
    return Path(folder), play_all(Path(folder))


@pytest.fixture(scope="module")
def opened(runs: tuple[Path, dict[str, str]]) -> Iterator[tuple[Served, Any]]:
    size = {"width": 1440, "height": 1100}
    with launched() as browser, served(runs[0]) as dashboard, browsing(browser, viewport=size) as page:
        yield dashboard, page


def test_no_page_and_no_society_is_forgotten() -> None:
    assert set(RUNS) == {WHOLE, *PAGES}
    assert {path for paths in PAGES.values() for path in paths} <= set(pages_of_app())


@pytest.mark.parametrize(("society", "path"), CASES)
def test_a_page_opens_clean_on_a_finished_run(
    opened: tuple[Served, Any], runs: tuple[Path, dict[str, str]], society: str, path: str
) -> None:
    """At 1440 pixels, with what axe finds, and then drawn anew at 800."""
    dashboard, page = opened
    page.errors.clear()
    page.set_viewport_size({"width": 1440, "height": 1100})
    page.goto(f"{dashboard.base}/{path}?run={runs[1][society]}")
    settled(page)
    page.wait_for_timeout(800)
    shot = f"real/{society}-{path or 'runs'}"
    whole_picture(page, f"{shot}-1440")
    stands_clean(page)
    assert not axe_findings(page)
    page.set_viewport_size({"width": 800, "height": 1100})
    settled(page)
    whole_picture(page, f"{shot}-800")
    stands_clean(page)
