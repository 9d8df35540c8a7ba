"""A stage writes what happened, in an order that follows from identity alone."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from agents.errors import UserError
from agents.requests import Cause, Event, Forfeit, Generate, Message
from agents.sample import Candidate, Lineage, Sample
from sim import stage as stage_module
from sim.engines.babbler import Babbler
from sim.engines.base import EngineDied
from sim.engines.scripted import ScriptedEngine
from sim.limits import Limits
from sim.stage import Stopped, play_stage
from sim.store import Run
from sim.tables import write_whole

TABLES = {"said": {"number": "int", "text": "str"}}
PROMPT = (Message("user", "say something"),)


def script(number: int):
    for _ in range(1 + number % 3):
        reply = yield Generate(messages=PROMPT, purpose="test/say.v1")
    yield Event(table="said", row={"number": number, "text": reply.text})
    if number % 5 == 0:
        request = Generate(messages=PROMPT, purpose="test/say.v1")
        yield Forfeit(cause=Cause.PARSE, request=request, reply=reply.text, why="no", final=True)
    if number == 7:
        raise RuntimeError("a bug in one script")
    yield Sample(
        sample_id=f"s{number}",
        kind="k",
        prompt=PROMPT,
        candidates=(Candidate(text=reply.text, author="base", role="initial", scores={"a": 0.5}),),
        lineage=Lineage(script=f"s{number}", requests=(reply.identity,)),
        meta={"number": number},
    )


def scripts(number: int):
    return ((f"s{n:04d}", script(n)) for n in range(number))


def fresh(tmp_path: Path) -> Run:
    return Run.create(tmp_path, "test", {"name": "test"}, {})


def digests(run: Run) -> dict[str, str]:
    files = [p for name in ("events", "samples", "deadletter") for p in (run.folder / name).rglob("*") if p.is_file()]
    return {str(p.relative_to(run.folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_module, "CHUNK", 8)


def test_bytes_do_not_depend_on_window_or_batch_size(tmp_path: Path) -> None:
    seen = []
    for window, in_flight in ((1, 1), (5, 3), (100, 100)):
        run = fresh(tmp_path)
        engine = ScriptedEngine(Babbler(), max_in_flight=in_flight)
        play_stage(run, "r1.play", scripts(30), engine, run_seed=4, tables=TABLES, limits=Limits(window=window))
        seen.append(digests(run))
    assert seen[0] == seen[1] == seen[2]
    assert len(seen[0]) > 6


def test_one_failing_script_is_counted_and_the_rest_is_kept(tmp_path: Path) -> None:
    run = fresh(tmp_path)
    play_stage(run, "r1.play", scripts(20), ScriptedEngine(Babbler()), run_seed=4, tables=TABLES)
    tally = run.tally("r1.play")
    assert (tally["num_done"], tally["num_lost"], tally["lost"]) == (19, 1, {"bug": 1})
    assert run.read_events("r1.play", "lost")["why"].to_list() == ["RuntimeError: a bug in one script"]
    assert len(run.read_samples("r1.play")) == 19
    assert tally["complete"]


def test_samples_come_back_as_they_were(tmp_path: Path) -> None:
    run = fresh(tmp_path)
    play_stage(run, "r1.play", scripts(3), ScriptedEngine(["a", "b", "c", "d", "e", "f"]), run_seed=4, tables=TABLES)
    first = run.read_samples("r1.play")[0]
    assert first.prompt == PROMPT
    assert first.candidates[0].scores == {"a": 0.5}
    assert first.meta == {"number": 0}
    assert first.lineage.requests == ("r1.play/s0000#0",)


def test_dead_letters_hold_the_whole_reply_and_its_request(tmp_path: Path) -> None:
    run = fresh(tmp_path)
    play_stage(run, "r1.play", scripts(6), ScriptedEngine(Babbler()), run_seed=4, tables=TABLES)
    letters = run.dead_letters("r1.play")
    assert [letter["script"] for letter in letters] == ["r1.play/s0000", "r1.play/s0005"]
    assert letters[0]["asked"]["messages"][0]["content"] == "say something"
    assert letters[0]["request"] == "r1.play/s0000#0"


def test_a_dead_engine_leaves_a_stage_that_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    whole, broken = fresh(tmp_path), fresh(tmp_path)
    play_stage(whole, "r1.play", scripts(30), ScriptedEngine(Babbler()), run_seed=4, tables=TABLES)
    with pytest.raises(EngineDied):
        engine = ScriptedEngine(Babbler(), max_in_flight=4, die_after=25)
        play_stage(broken, "r1.play", scripts(30), engine, run_seed=4, tables=TABLES)
    assert not broken.is_complete("r1.play")
    engine = ScriptedEngine(Babbler())
    play_stage(broken, "r1.play", scripts(30), engine, run_seed=4, tables=TABLES)
    assert digests(whole) == digests(broken)
    assert engine.num_answered == whole.tally("r1.play")["num_requests"] - broken.tally("r1.play")["num_from_journal"]
    assert broken.tally("r1.play")["num_from_journal"] >= 25


def test_a_budget_stops_cleanly_and_can_be_resumed(tmp_path: Path) -> None:
    run = fresh(tmp_path)
    limits = Limits(window=4, run_requests=10)
    with pytest.raises(Stopped, match="10 requests are used up"):
        play_stage(run, "r1.play", scripts(30), ScriptedEngine(Babbler()), run_seed=4, tables=TABLES, limits=limits)
    assert run.status["state"] == "stopped"
    play_stage(run, "r1.play", scripts(30), ScriptedEngine(Babbler()), run_seed=4, tables=TABLES)
    assert run.is_complete("r1.play")


def test_an_undeclared_column_is_a_programming_error(tmp_path: Path) -> None:
    def bad():
        yield Event(table="said", row={"nonsense": 1})

    with pytest.raises(ValueError, match="undeclared columns"):
        play_stage(fresh(tmp_path), "r1.play", [("a", bad())], ScriptedEngine([]), run_seed=1, tables=TABLES)


def test_a_full_disk_is_a_user_error_that_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import os

    run = fresh(tmp_path)
    real, room = os.write, [3000]

    def write(fd: int, data: bytes) -> int:
        room[0] -= len(data)
        if room[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, data)

    engine = ScriptedEngine(Babbler(), max_in_flight=4)
    with monkeypatch.context() as patched:
        patched.setattr("sim.journal.os.write", write)
        with pytest.raises(UserError, match="The disk is full"):
            play_stage(run, "r1.play", scripts(30), engine, run_seed=4, tables=TABLES)
    kept = run.journal_path("r1.play").read_bytes().count(b"\n") - 1
    assert kept > 0
    play_stage(run, "r1.play", scripts(30), ScriptedEngine(Babbler()), run_seed=4, tables=TABLES)
    assert run.tally("r1.play")["num_from_journal"] == kept


def test_a_stage_whose_parts_could_not_be_written_is_still_owed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken = fresh(tmp_path), fresh(tmp_path)
    play_stage(whole, "r1.play", scripts(30), ScriptedEngine(Babbler()), run_seed=4, tables=TABLES)

    def full(path: Path, frame: object) -> None:
        raise UserError("The disk is full.", "no space.", "free some")

    with monkeypatch.context() as patched:
        patched.setattr("sim.stage.write_frame", full)
        with pytest.raises(UserError, match="The disk is full"):
            play_stage(broken, "r1.play", scripts(30), ScriptedEngine(Babbler()), run_seed=4, tables=TABLES)
    assert not broken.is_complete("r1.play")
    play_stage(broken, "r1.play", scripts(30), ScriptedEngine(Babbler()), run_seed=4, tables=TABLES)
    assert broken.is_complete("r1.play")
    assert digests(whole) == digests(broken)


def test_a_stage_whose_scripts_could_not_be_made_is_still_owed(tmp_path: Path) -> None:
    def none():
        raise UserError("The file of instructions is missing.", "it was moved.", "put it back")
        yield

    run = fresh(tmp_path)
    with pytest.raises(UserError, match="instructions is missing"):
        play_stage(run, "r1.play", none(), ScriptedEngine(Babbler()), run_seed=4, tables=TABLES)
    assert not run.is_complete("r1.play")


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, OSError])
def test_a_write_that_is_broken_off_leaves_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    real = Path.write_bytes

    def half(path: Path, data: bytes) -> int:
        real(path, data[:3])
        raise error

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(error):
        write_whole(tmp_path / "a.json", b"whole")
    assert list(tmp_path.iterdir()) == []
