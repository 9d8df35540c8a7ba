"""Every page of the dashboard over finished runs of the small real model: one of each society, and a loop.

The runs are played first, minutes on two cores, and the loop's is released; some societies, and all on an old
processor, are played by `make real` alone. FOLKMOOT_REAL_RUNS names a folder that keeps them, so that they are played
once. Screenshots go to build/screenshots/real.
"""

from __future__ import annotations

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
from tests.dashboards_app.real_runs import FEW, PAGES, RUNS, WHOLE, kept, play, played

pytestmark = [pytest.mark.browser, pytest.mark.model, pytest.mark.slow, pytest.mark.timeout(1_800)]
CASES = [
    *((WHOLE, path) for path in pages_of_app()),
    *((society, path) for society, paths in PAGES.items() for path in paths),
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    if not played():
        pytest.skip("without AVX-512 the model takes a quarter of an hour more: `make real` plays it")
    root = kept() or tmp_path_factory.mktemp("real") / "runs"
    return root, play(root, played())


@pytest.fixture(scope="module")
def opened(runs: tuple[Path, dict[str, str]]) -> Iterator[tuple[Served, Any]]:
    size = {"width": 1440, "height": 1100}
    with launched() as browser, served(runs[0]) as dashboard, browsing(browser, viewport=size) as page:
        yield dashboard, page


def test_no_page_and_no_society_is_forgotten() -> None:
    assert set(RUNS) == {WHOLE, *PAGES} > set(FEW)
    assert {path for paths in PAGES.values() for path in paths} <= set(pages_of_app())


@pytest.mark.parametrize(("society", "path"), CASES)
def test_a_page_opens_clean_on_a_finished_run(
    opened: tuple[Served, Any], runs: tuple[Path, dict[str, str]], society: str, path: str
) -> None:
    """At 1440 pixels in light, with what axe finds, and then at 800 in dark."""
    if society not in runs[1]:
        pytest.skip("takes minutes more of the model: `make real` plays it")
    dashboard, page = opened
    for scheme, width in (("light", 1440), ("dark", 800)):
        page.errors.clear()
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 1100})
        page.goto(f"{dashboard.base}/{path}?run={runs[1][society]}")
        settled(page)
        page.wait_for_timeout(500)
        whole_picture(page, f"real/{society}-{path or 'runs'}-{scheme}-{width}")
        stands_clean(page)
        assert not axe_findings(page)
