"""A run folder with a damaged file: told in three lines, and no reason to hide the other runs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from agents.errors import UserError
from sim.cli import main
from sim.store import Run
from sim.tables import write_json


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path, "test", {"engine": {"name": "scripted"}}, {"created": "2026-01-01"})


@pytest.mark.parametrize("content", ["name: [x", "just words", "", "\x00"])
def test_a_damaged_config_is_a_user_error(run: Run, content: str) -> None:
    (run.folder / "config.yaml").write_text(content)
    with pytest.raises(UserError, match=r"config\.yaml is damaged"):
        _ = run.config
    assert main(["resume", str(run.folder)]) == 2


def test_a_damaged_manifest_is_a_user_error_and_a_damaged_heartbeat_is_none(run: Run) -> None:
    (run.folder / "manifest.json").write_bytes(b"")
    (run.folder / "status.json").write_bytes(b"")
    with pytest.raises(UserError, match=r"manifest\.json is damaged"):
        _ = run.manifest
    assert run.status == {}
    run.write_status(state="running")
    assert run.status["state"] == "running"


def test_the_list_of_runs_tells_a_damaged_one_beside_the_others(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Run.create(tmp_path, "broken", {}, {})
    (broken.folder / "config.yaml").write_text("name: [x")
    assert main(["ls", str(tmp_path), "--json"]) == 0
    rows = {row["run"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows[str(broken.folder)]["state"] == "damaged"
    assert (rows[str(run.folder)]["state"], rows[str(run.folder)]["engine"]) == ("created", "scripted")


def test_somebody_with_a_seat_waits_through_a_pause(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    states = iter(["created", "running", "pausing", "paused", "done"])
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        run.write_status(state=next(states))

    run.write_status(state=next(states))
    monkeypatch.setattr("sim.cli.sit.time.sleep", sleep)
    assert main(["sit", str(run.folder)]) == 0
    assert len(waited) == 4
    assert "The run has ended." in capsys.readouterr().out


def test_what_is_written_is_on_the_disk_before_it_has_its_name(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    synced: list[bool] = []
    real = os.fsync

    def fsync(fd: int) -> None:
        synced.append((tmp_path / "a.json").exists())
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    write_json(tmp_path / "a.json", {"a": 1})
    assert synced == [False]
    run.write_status(state="running")
    assert synced == [False], "a heartbeat comes again in a moment"
