"""Names that want to be something else, in charts that a script draws: they stay letters, in labels and in tooltips."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sim.store import Run
from tests.dashboards.fake_assembly import make_assembly
from tests.dashboards.fake_coevolution import make_live
from tests.dashboards_app.browser import Served, browsing, launched, served, settled, whole_picture

pytestmark = [pytest.mark.browser, pytest.mark.slow]
NAMES = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(2)</script>",
    "**bold** [link](javascript:alert(3)) # head",
    "{b} {c0} {@value} {{7*7}} {name|rich}",
    "function(p){alert(4)}",
    "javascript:alert(5)//${alert(6)}",
    "</td></tr></table><iframe srcdoc=x>",
    "datum['x'] && alert(7)",
)
HOSTILE = " ".join(NAMES)


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Run, Run]]:
    root = tmp_path_factory.mktemp("names") / "runs"
    live = make_live(root, text=HOSTILE, names=NAMES)
    hall = make_assembly(root, said=HOSTILE)
    with served(root) as one:
        yield one, live, hall


@pytest.fixture(scope="module")
def page(dashboard: object) -> Iterator[Any]:
    with launched() as browser, browsing(browser, viewport={"width": 1200, "height": 1100}) as page:
        page.dialogs = []
        page.on("dialog", lambda d: (page.dialogs.append(d.message), d.dismiss()))
        yield page


@pytest.mark.parametrize("path", ["society", "coevolution", "opinions", "assembly"])
def test_hostile_names_stay_letters_in_charts(dashboard: tuple[Served, Run, Run], page: Any, path: str) -> None:
    served_at, live, hall = dashboard
    run = hall if path in ("opinions", "assembly") else live
    page.errors.clear()
    page.goto(f"{served_at.base}/{path}?run={run.folder.parent.name}/{run.folder.name}")
    settled(page)
    page.wait_for_timeout(600)
    seen = _hovered(page, 13 if path == "society" else 40)
    whole_picture(page, f"hostile-names-{path}")
    if path == "society":
        for name in (
            "<img src=x onerror=alert(1)>",
            "<script>alert(2)</script>",
            "{b} {c0} {@value} {{7*7}} {name|rich}",
        ):
            assert name in seen, "the tooltip of a node names it letter by letter"
    assert not page.dialogs
    assert page.locator("img[src=x], iframe[srcdoc], a[href^=javascript]").count() == 0
    assert page.locator("[data-testid=stMain] script").count() == 0
    assert not page.errors
    assert page.locator("[data-testid=stException]").count() == 0


def _hovered(page: Any, step: int) -> str:
    """Move the mouse over the first chart of a page, so many pixels a move; return what its tooltips said, as text."""
    page.evaluate(WATCH)
    chart = page.locator("canvas[data-zr-dom-id], [data-testid=stVegaLiteChart]").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    for row in range(int(box["height"] // step)):
        for column in range(int(box["width"] // step)):
            page.mouse.move(box["x"] + step * (column + 0.5), box["y"] + step * (row + 0.5))
    page.wait_for_timeout(300)
    return str(page.evaluate("[...window.told].join('\\n')"))


WATCH = """() => {
    window.told = new Set();
    const note = node => {
        const box = node.nodeType === 1 ? node : node.parentElement;
        const tip = box && (box.closest('#vg-tooltip-element') || box.closest('[style*="pointer-events: none"]'));
        if (tip) window.told.add(tip.innerText);
    };
    new MutationObserver(all => all.forEach(m => note(m.target)))
        .observe(document.body, {subtree: true, childList: true, characterData: true});
}"""
"""Collects what tooltips say as they change: they are boxes that the mouse passes through."""
