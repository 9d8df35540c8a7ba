"""Replay needs the journal alone: what failed fails again, policies need no weights, and limits are the stage's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sim.cli import main
from sim.config import as_dict, compose
from sim.engines.base import Finished, PolicyRef, Ticket
from sim.engines.scripted import ScriptedConfig as Scripted
from sim.engines.scripted import ScriptedEngine, open_engine
from sim.lock import alone
from sim.replay import replay
from sim.session import BASE, Session
from sim.store import Run, find_runs

SMALL = (
    "society.num_harmful=3",
    "society.num_ordinary=2",
    "society.num_roles=3",
    "society.num_steps=2",
    "society.max_interactions=3",
)


def played(root: Path, *words: str) -> Run:
    assert main(["run", "engine=scripted", f"paths.runs={root}", *SMALL, *words]) == 0
    (run,) = find_runs(root)
    return run


@pytest.fixture
def unlucky(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the scripted engine have no answer to the third request of the first scene."""
    real = ScriptedEngine._finish

    def finish(engine: ScriptedEngine, ticket: Ticket) -> Finished:
        done = real(engine, ticket)
        first = "scene-000000" in ticket.path or ticket.path.endswith("000000")
        return Finished(ticket, None, done.usage, "too long") if first and ticket.ordinal == 0 else done

    monkeypatch.setattr(ScriptedEngine, "_finish", finish)


def test_a_run_with_failed_requests_replays_to_the_same_bytes(tmp_path: Path, unlucky: None) -> None:
    run = played(tmp_path)
    tally = run.tally("r1.play")
    assert tally["num_failed"] > 0
    assert tally["lost"] == {"engine": 1}
    result = replay(run.folder)
    assert result["num_files"] > 3
    assert result["different"] == []


def test_the_replay_engine_lets_them_fail_too(tmp_path: Path, unlucky: None) -> None:
    run = played(tmp_path / "a")
    again = tmp_path / "b"
    words = ["run", "engine=replay", f"engine.journal={run.folder}", f"paths.runs={again}", *SMALL]
    assert main(words) == 0
    (copy,) = find_runs(again)
    assert copy.tally("r1.play")["lost"] == {"engine": 1}
    assert copy.read_events("r1.play", "lost").equals(run.read_events("r1.play", "lost"))


def test_resuming_asks_again_what_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unlucky: None) -> None:
    run = played(tmp_path)
    (run.folder / "tallies" / "r1.play.json").unlink()
    monkeypatch.undo()
    assert main(["resume", str(run.folder)]) == 0
    assert run.tally("r1.play")["lost"] == {}
    assert replay(run.folder)["different"] == []


class Played(Session):
    """A session that plays on the scripted engine what its config gives to a model and a named adapter."""

    model = None  # type: ignore[assignment]
    named = (PolicyRef(name="old", kind="adapter", folder=Path("/gone"), digest="d" * 64),)  # type: ignore[assignment]

    @contextmanager
    def engine(self, policies: tuple[PolicyRef, ...] = (BASE,)) -> Iterator[Any]:
        from sim.engines.kind import EngineSetting

        yield open_engine(Scripted(), EngineSetting(policies=policies))


def test_a_run_with_named_adapters_replays_without_their_folders(tmp_path: Path) -> None:
    config = compose(["engine=transformers", "+policies.old=/gone", f"paths.runs={tmp_path}", *SMALL])
    run = Run.create(tmp_path, "test", as_dict(config), {"model": {"digest": "m"}})
    session = Played(config, run=run)
    session.play_society()
    assert replay(run.folder)["different"] == []


def test_a_stage_replays_under_the_limits_that_it_was_played_under(tmp_path: Path) -> None:
    words = ["limits.requests=4", "limits.window=2", "limits.script_requests=3"]
    assert main(["run", "engine=scripted", f"paths.runs={tmp_path}", *SMALL, *words]) == 3
    (run,) = find_runs(tmp_path)
    assert main(["resume", str(run.folder), "limits.requests=500", "limits.script_requests=400"]) == 0
    assert run.tally("r1.play")["num_requests"] > 15
    assert replay(run.folder)["different"] == []


def test_two_processes_do_not_play_one_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = played(tmp_path)
    run.write_status(state="running")
    with alone(run.folder):
        for words in (["resume", str(run.folder)], ["align", str(run.folder)]):
            assert main(words) == 2
            assert "is being played by another process" in capsys.readouterr().err
    assert run.status["state"] == "running", "the status is the other one's"
    assert "align" not in run.manifest
    assert main(["resume", str(run.folder)]) == 0


class Degrading(ScriptedEngine):
    """An engine that finds out on the way what it cannot do."""

    def facts(self) -> dict[str, Any]:
        how = {"scores": "scores are sampled"} if self.num_answered else {}
        return {"engine": "ray", "inner": {"engine": "x", "degraded": {"constraints": "none", **how}}}


def test_what_one_stage_could_not_do_outlives_the_engine_of_the_next(tmp_path: Path) -> None:
    session = Session(compose(["engine=scripted", f"paths.runs={tmp_path}", *SMALL]))
    run = session.start()
    for answers in (1, 0, 1):
        engine = Degrading(lambda ticket: "")
        session.open_engine = lambda policies=(BASE,), engine=engine: engine  # type: ignore[method-assign,misc]
        with session.engine():
            engine.num_answered = answers
    assert run.manifest["degraded"] == ["engine: scores are sampled"]


def test_an_aligned_run_goes_on_and_replays_under_the_settings_of_align(tmp_path: Path) -> None:
    run = played(tmp_path)
    config = {**run.config, "loop": {**run.config["loop"], "num_rounds": 1, "train": False}}
    config["measure"] = {"instruments": [{"name": "moralchoice", "num": 2}]}
    run.note("align", {"config": config, "differs_from_config_yaml": ["loop", "measure"]})
    assert main(["resume", str(run.folder)]) == 0
    assert run.is_complete("r0.measure"), "resume goes on with what align began"
    assert replay(run.folder)["different"] == []
