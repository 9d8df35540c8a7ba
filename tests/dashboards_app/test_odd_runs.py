"""Every page on runs that are not as a page would wish: it opens, names what is wrong, and offers a next step."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from sim.store import Run
from tests.dashboards.fake_run import make_run
from tests.dashboards_app.test_pages import PAGES, Opened, opened, words

__all__ = ["opened"]
pytestmark = pytest.mark.slow
OF_A_RUN = [page for page in PAGES if page not in ("runs", "launch", "releases", "compare")]


def just_begun(run: Run) -> None:
    """Leave what a run has in its first second."""
    for path in run.folder.iterdir():
        if path.name not in ("config.yaml", "manifest.json", "status.json"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    run.write_status(state="created", pid=0, stage="", done=0, total=0, tally={})


def only_config(run: Run) -> None:
    just_begun(run)
    (run.folder / "manifest.json").unlink()
    (run.folder / "status.json").unlink()


def of_another_version(run: Run) -> None:
    """Give every table other columns, and every JSON file other keys."""
    for path in run.folder.rglob("*.parquet"):
        pl.DataFrame({"written_by": ["version 9"], "script": ["r1.play/scene-0"]}).write_parquet(path)
    for path in run.folder.rglob("*.json"):
        path.write_text('{"schema": 9}')


def half_written(run: Run) -> None:
    """Cut every table and every JSON file in the middle."""
    for path in [*run.folder.rglob("*.parquet"), *run.folder.rglob("*.json"), *run.folder.rglob("*.jsonl")]:
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2])


def of_other_types(run: Run) -> None:
    """Make every text of every table a number."""
    for path in run.folder.rglob("*.parquet"):
        frame = pl.read_parquet(path)
        frame.with_columns(pl.col(pl.String).str.len_bytes()).write_parquet(path)


ODD: dict[str, Callable[[Run], None]] = {
    "just begun": just_begun,
    "only its config": only_config,
    "of another version": of_another_version,
    "half-written": half_written,
    "of other types": of_other_types,
}


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    roots = {}
    for kind, spoil in ODD.items():
        roots[kind] = tmp_path_factory.mktemp("odd") / "runs"
        spoil(make_run(roots[kind]))
    return roots


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_on_an_odd_run(opened: Opened, odd: dict[str, Path], page: str, kind: str) -> None:
    at = opened(odd[kind], page)
    assert not at.exception
    assert at.title[0].value == PAGES[page]


@pytest.mark.parametrize("page", ["overview", "scenes", "samples", "loop"])
def test_a_half_written_run_names_its_files(opened: Opened, odd: dict[str, Path], page: str) -> None:
    said = words(opened(odd["half-written"], page)).replace("\\", "")
    assert "cannot be read" in said or "broken line" in said


@pytest.mark.parametrize("page", ["overview", "scenes", "samples", "loop", "assembly", "personas", "interview", "seat"])
def test_a_run_that_has_just_begun_says_what_it_has_not(opened: Opened, odd: dict[str, Path], page: str) -> None:
    at = opened(odd["just begun"], page)
    assert at.info or "by name" in words(at)


@pytest.mark.parametrize("page", OF_A_RUN)
def test_a_folder_that_is_no_run_says_so_and_leads_back(opened: Opened, odd: dict[str, Path], page: str) -> None:
    root = odd["just begun"]
    (root / "notes").mkdir(exist_ok=True)
    (root / "notes" / "read.me").write_text("x")
    at = opened(root, page, run="notes")
    assert not at.exception
    said = words(at).replace("\\", "")
    assert '"notes" is no run of this folder.' in said
    assert "it holds no config.yaml" in said
    at.button[0].click().run()
    assert not at.exception
    assert at.title[0].value == PAGES[page]


@pytest.mark.parametrize("name", ["../../etc", "%2e%2e/%2e%2e", "..%2f..%2fetc", "/etc", "linked/run", "tiny/linked"])
@pytest.mark.parametrize("page", OF_A_RUN)
def test_no_page_opens_what_lies_outside(opened: Opened, tmp_path: Path, page: str, name: str) -> None:
    root, outside = tmp_path / "runs", tmp_path / "outside"
    (root / "tiny").mkdir(parents=True)
    (outside / "run").mkdir(parents=True)
    (outside / "run" / "config.yaml").write_text("name: secret-run\n")
    (root / "linked").symlink_to(outside)
    (root / "tiny" / "linked").symlink_to(outside / "run")
    at = opened(root, page, run=name)
    assert not at.exception
    assert not at.title
    assert at.error
    assert "secret-run" not in words(at)
