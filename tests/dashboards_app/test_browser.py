"""Every page in a real browser, and a run that is started, paused, resumed and stopped from there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sim.cli import main
from sim.interview import interviews
from sim.store import Run
from tests.dashboards_app.browser import (
    SHOTS,
    Served,
    axe_findings,
    browsing,
    launched,
    opens_clean,
    pages_of_app,
    served,
    settled,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PAGES = tuple(pages_of_app())
SLOW_RUN = "engine=scripted\nengine.latency_s=1.5\nname=live\nsociety.num_harmful=4\nsociety.num_ordinary=0"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as one:
        yield one


@pytest.fixture(scope="module")
def dashboard(browser: Any, runs_root: Path) -> Iterator[Served]:
    with served(runs_root) as one:
        yield one


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    with browsing(browser, color_scheme="dark", viewport={"width": 800, "height": 1100}) as page:
        yield page


@pytest.mark.parametrize("path", PAGES)
def test_a_page_with_hostile_text_opens_clean(dashboard: Served, page: Any, name: str, path: str) -> None:
    opens_clean(page, f"{dashboard.base}/{path}?run={name}", f"hostile-{path or 'runs'}-dark-800")


def test_hostile_text_runs_nothing(browser: Any, dashboard: Served, name: str) -> None:
    with browsing(browser) as page:
        dialogs: list[str] = []
        page.on("dialog", lambda d: (dialogs.append(d.message), d.dismiss()))
        for query in ("scenes?scene=scene-1&", "samples?sample=scene-1.row&"):
            page.goto(f"{dashboard.base}/{query}run={name}")
            settled(page)
        page.goto(f"{dashboard.base}/scenes?run={name}&scene=scene-1")
        settled(page)
        assert "<script>alert('x')</script> **bold** {{ 7 * 7 }}" in page.inner_text("[data-testid=stMain]")
        assert not dialogs
        assert page.locator("[data-testid=stMain] img[src=x]").count() == 0


def test_a_filter_draws_the_list_alone_and_a_choice_the_whole_page(browser: Any, dashboard: Served, name: str) -> None:
    with browsing(browser, viewport={"width": 1440, "height": 1000}) as page:
        page.goto(f"{dashboard.base}/scenes?run={name}&scene=scene-1")
        settled(page)
        counted = page.locator("[data-testid=stCaptionContainer]").filter(has_text=" of 5 scenes")
        assert counted.inner_text() == "5 of 5 scenes."
        page.get_by_role("combobox", name="Kind").click()
        page.get_by_role("option", name="ordinary").click()
        counted.filter(has_text="3 of 5").wait_for(timeout=60_000)
        settled(page)
        page.get_by_role("heading", name="Scene scene-1").wait_for()
        page.locator("[data-testid=stDataFrame] canvas").first.click(position={"x": 18, "y": 88}, force=True)
        page.get_by_role("heading", name="Scene scene-2").wait_for(timeout=60_000)
        assert "scene=scene-2" in page.url
        assert not page.errors


@pytest.mark.parametrize("run", ["..%2F..%2Fetc", "..", "tiny/none"])
def test_an_address_out_of_the_folder_is_refused(browser: Any, dashboard: Served, run: str) -> None:
    with browsing(browser) as page:
        page.goto(f"{dashboard.base}/overview?run={run}")
        page.get_by_role("alert").filter(has_text="Do:").wait_for(timeout=60_000)
        assert page.locator("h1").count() == 0


def test_a_run_is_started_paused_resumed_and_stopped_and_outlives_the_dashboard(browser: Any, tmp_path: Path) -> None:
    root = tmp_path / "runs"
    with served(root) as dashboard, browsing(browser, viewport={"width": 1440, "height": 1100}) as page:
        page.goto(f"{dashboard.base}/launch")
        settled(page)
        box = page.get_by_label("Overrides, one in each line")
        box.fill(SLOW_RUN)
        box.press("Control+Enter")
        settled(page)
        page.get_by_role("button", name="Check").click()
        page.get_by_text("It is valid").wait_for(timeout=90_000)
        began = time.monotonic()
        page.get_by_role("button", name="Start").click()
        _metric(page, "Requests", lambda text: text not in ("", "0"))
        first = time.monotonic() - began
        run = Run(next((root / "live").iterdir()))
        _press(page, "Pause")
        _state(page, "paused")
        assert run.status["state"] == "paused"
        asked = run.status["tally"]["num_requests"]
        time.sleep(1.5)
        assert run.status["tally"]["num_requests"] == asked
        pid = run.status["pid"]
        dashboard.restart()
        page.goto(f"{dashboard.base}/overview")
        _state(page, "paused")
        assert run.status["pid"] == pid
        _press(page, "Go on")
        _state(page, "running")
        _press(page, "Stop")
        _state(page, "stopped")
        assert run.status["why"] == "stopped by the dashboard"
        _press(page, "Resume")
        _state(page, "running")
        assert run.status["pid"] != pid
        _press(page, "Stop")
        _state(page, "stopped")
        assert not page.locator("[data-testid=stException]").count()
        print(f"first live numbers after {first:.1f} s")
        assert first < 30


def test_somebody_of_a_run_is_interviewed_and_the_run_stays_as_it_was(browser: Any, tmp_path: Path) -> None:
    root = tmp_path / "runs"
    words = ["engine=scripted", "society.num_harmful=1", "society.num_ordinary=0", "name=talk", f"paths.runs={root}"]
    assert main(["run", *words]) == 0
    run = Run(next((root / "talk").iterdir()))
    before = _bytes_of(run)
    with served(root) as dashboard, browsing(browser, viewport={"width": 800, "height": 1000}) as page:
        page.goto(f"{dashboard.base}/interview?persona=r1.play/scene-000000:ego")
        settled(page)
        _press(page, "Begin")
        box = page.get_by_label("Your question")
        box.wait_for(timeout=90_000)
        box.fill("Who are you? <img src=x onerror=alert(1)>")
        box.press("Enter")
        page.locator("[data-testid=stChatMessage]").nth(1).wait_for(timeout=60_000)
        (talk,) = interviews(run.folder)
        (row,) = talk.transcript()
        page.get_by_text(row["answer"]).wait_for(timeout=60_000)
        page.get_by_text("<img src=x onerror=alert(1)>").first.wait_for(timeout=60_000)
        assert page.locator("img[src=x]").count() == 0
        assert not axe_findings(page)
        page.screenshot(path=str(SHOTS / "interview-talk.png"), full_page=True)
        _press(page, "End")
        page.get_by_text("The interview is over").wait_for(timeout=60_000)
        assert not page.errors
        assert not page.locator("[data-testid=stException]").count()
    assert talk.state["state"] == "ended"
    assert _bytes_of(run) == before


def _bytes_of(run: Run) -> dict[str, bytes]:
    files = [path for path in run.folder.rglob("*") if path.is_file() and "interviews" not in path.parts]
    return {str(path.relative_to(run.folder)): path.read_bytes() for path in files}


def _press(page: Any, title: str) -> None:
    page.get_by_role("button", name=title, exact=True).click(timeout=60_000)


def _state(page: Any, word: str) -> None:
    page.locator(".stMarkdownBadge").filter(has_text=word).first.wait_for(timeout=60_000)


def _metric(page: Any, title: str, holds: Any) -> None:
    value = page.locator("[data-testid=stMetric]").filter(has_text=title).locator("[data-testid=stMetricValue]")
    end = time.monotonic() + 90
    while time.monotonic() < end:
        if value.count() and holds(value.first.inner_text().strip()):
            return
        time.sleep(0.05)
    raise AssertionError(f"{title} showed no number")
