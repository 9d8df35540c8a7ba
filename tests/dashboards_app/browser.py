"""A dashboard in a process of its own, and the distribution's Chromium to look at it."""

from __future__ import annotations

import ast
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).parents[2]
SHOTS = Path(os.environ.get("FOLKMOOT_SHOTS") or ROOT / "build" / "screenshots")
"""Where screenshots are kept, to be looked at."""
FRAME_AXE = {"list", "listitem"}
"""What axe finds in Streamlit's own sidebar."""


def chromium() -> str:
    """Return the browser, or skip."""
    pytest.importorskip("playwright", reason="browser tests need playwright: pip install playwright")
    pytest.importorskip("streamlit", reason="the dashboard needs the dash extra: pip install folkmoot[dash]")
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not path:
        pytest.skip("browser tests need Chromium on the path: apt install chromium")
    return path


@dataclass
class Served:
    """A dashboard that runs. restart: end it and start it again on the same port."""

    root: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def restart(self) -> None:
        self.stop()
        self.process = _start(self.root, self.port)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


@contextmanager
def served(root: Path) -> Iterator[Served]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    one = Served(root, port, _start(root, port))
    try:
        yield one
    finally:
        one.stop()


def _start(root: Path, port: int) -> subprocess.Popen[bytes]:
    app = ROOT / "dashboards" / "app.py"
    command = [sys.executable, "-m", "streamlit", "run", str(app), f"--server.port={port}", "--server.headless=true"]
    environment = {**os.environ, "FOLKMOOT_RUNS": str(root)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(900):
        try:
            with urlopen(f"http://127.0.0.1:{port}/_stcore/health") as answer:
                if answer.status == 200:
                    return process
        except OSError:
            time.sleep(0.1)
    process.kill()
    raise RuntimeError("the dashboard did not start")


@contextmanager
def launched() -> Iterator[Any]:
    """Yield a browser; one at a time, which is all that Playwright's plain API allows."""
    path = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        args = ["--no-sandbox", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=path, args=args)
        yield browser
        browser.close()


@contextmanager
def browsing(browser: Any, **options: Any) -> Iterator[Any]:
    """Yield a page, with `errors`: what its console complained of."""
    page = browser.new_page(**options)
    errors: list[str] = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" and not _frame_probe(m) else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.errors = errors
    yield page
    page.close()


def _frame_probe(message: Any) -> bool:
    """Whether this is Streamlit looking for its server below the page's own path first, at every deep link."""
    return "/_stcore/" in (message.location or {}).get("url", "")


def settled(page: Any) -> None:
    """Wait until the page's script has ended and everything is painted."""
    page.wait_for_selector("h1", timeout=90_000)
    done = "[data-testid=stApp][data-test-script-state=notRunning]"
    page.wait_for_selector(done, timeout=90_000)
    page.wait_for_timeout(400)
    page.wait_for_selector(done, timeout=90_000)
    # Parts of the frame are loaded when they are first used: grey boxes stand for them until then.
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')", timeout=90_000)


def pages_of_app() -> dict[str, str]:
    """Return address -> title of every page, as the app's own navigation has them: none can be forgotten."""
    module = ast.parse((ROOT / "dashboards" / "app.py").read_text(encoding="utf-8"))
    (sections,) = (
        ast.literal_eval(node.value)
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "PAGES"
    )
    return {path: title for pages in sections.values() for _, title, _, path in pages}


def whole_picture(page: Any, shot: str, most: int = 7_000) -> None:
    """Keep a screenshot of the whole page: its own part scrolls, so the window is made as high as that for a moment."""
    path = SHOTS / f"{shot}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    size = page.viewport_size
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": size["width"], "height": min(most, max(size["height"], height))})
    page.wait_for_timeout(500)
    page.screenshot(path=str(path))
    page.set_viewport_size(size)


def opens_clean(page: Any, address: str, shot: str) -> None:
    """Open a page, keep a screenshot, and fail on console errors, an exception, a cut-off width and what axe finds."""
    page.errors.clear()
    page.goto(address)
    settled(page)
    page.wait_for_timeout(800)
    whole_picture(page, shot)
    stands_clean(page)
    assert not axe_findings(page)


def stands_clean(page: Any) -> None:
    """Fail on console errors, an exception box, and a page wider than its window."""
    assert not page.errors
    assert page.locator("[data-testid=stException]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def axe_findings(page: Any) -> list[str]:
    """Return what axe finds serious or critical, apart from the frame's own."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    found = axe.Axe().run(page).response["violations"]
    heavy = [v for v in found if v["impact"] in ("serious", "critical") and v["id"] not in FRAME_AXE]
    return [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in heavy]
