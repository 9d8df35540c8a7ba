"""The dashboard opens runs below its folder and nothing else."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest

from agents.errors import UserError
from dashboards.runs_folder import RunsFolder, brief, is_alive, state_of
from sim.store import Run


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "runs"
    (root / "demo" / "20260101-000000_ab12").mkdir(parents=True)
    (root / "demo" / "20260101-000000_ab12" / "config.yaml").write_text("name: demo\nseed: 3\n")
    outside = tmp_path / "outside" / "secret"
    outside.mkdir(parents=True)
    (outside / "config.yaml").write_text("name: secret\n")
    return root


@pytest.mark.parametrize(
    "name",
    ["../outside/secret", "..", "demo/..", "/etc", "demo/../../outside/secret", "%2e%2e/outside", "..%2foutside",
     "demo\\..\\..", "demo/a/b", "", ".", ".hidden/x", "demo/20260101-000000_ab12\x00", "demo/\n", "~root", "a" * 500,
     "file:///etc", "demo/20260101-000000_ab12/", "\u2024\u2024/outside"],
)  # fmt: skip
def test_no_name_leads_out_of_the_folder(root: Path, name: str) -> None:
    with pytest.raises(UserError):
        RunsFolder(root).open(name)


def test_links_are_neither_listed_nor_opened(root: Path) -> None:
    (root / "linked").symlink_to(root.parent / "outside")
    (root / "demo" / "also").symlink_to(root.parent / "outside" / "secret")
    here = RunsFolder(root)
    assert here.names() == ["demo/20260101-000000_ab12"]
    for name in ("linked/secret", "demo/also", "linked"):
        with pytest.raises(UserError):
            here.open(name)


def test_a_run_is_found_and_opened(root: Path) -> None:
    here = RunsFolder(root)
    assert here.open(here.names()[0]).config["seed"] == 3


def test_a_folder_that_is_no_run_says_so(root: Path) -> None:
    (root / "demo" / "empty").mkdir()
    with pytest.raises(UserError, match="no run") as caught:
        RunsFolder(root).open("demo/empty")
    assert caught.value.fix


def test_no_folder_has_no_runs(tmp_path: Path) -> None:
    assert RunsFolder(tmp_path / "none").names() == []


NOW = dt.datetime(2026, 1, 1, 12, 0, 0, tzinfo=dt.UTC).timestamp()


@pytest.mark.parametrize(
    ("state", "stamp", "alive", "word", "going"),
    [
        ("running", "2026-01-01T11:59:59Z", True, "running", True),
        ("running", "2026-01-01T08:00:00Z", True, "running", True),
        ("running", "2026-01-01T11:59:59Z", False, "broken off", False),
        ("running", "2026-01-01T11:00:00Z", None, "broken off", False),
        ("running", "2026-01-01T11:59:50Z", None, "running", True),
        ("paused", "2026-01-01T11:59:59Z", True, "paused", True),
        ("created", "2026-01-01T11:59:59Z", None, "created", True),
        ("done", "2026-01-01T11:00:00Z", False, "done", False),
        ("", "", None, "unknown", False),
        ("running", "yesterday", None, "broken off", False),
    ],
)
def test_states(state: str, stamp: str, alive: bool | None, word: str, going: bool) -> None:
    found = state_of({"state": state, "updated": stamp}, now=NOW, alive=alive)
    assert (found.word, found.going) == (word, going)


def test_this_process_is_alive_and_none_is_unknown() -> None:
    assert is_alive(os.getpid()) is True
    assert is_alive(0) is None


def test_a_brief_of_a_broken_run_names_the_file(root: Path) -> None:
    run = Run(root / "demo" / "20260101-000000_ab12")
    (run.folder / "status.json").write_text('{"state": "runn')
    (run.folder / "config.yaml").write_text("name: [")
    row = brief(run, "demo/20260101-000000_ab12")
    assert "config.yaml" in row["problem"]
    assert row["state"] == "unknown"
