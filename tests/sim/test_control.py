"""Pause, go on and stop through a file in the run folder."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.requests import Generate, Message
from sim.control import Control, give_order, read_order
from sim.engines.scripted import ScriptedEngine
from sim.stage import Stopped, play_stage
from sim.store import Run
from sim.tally import Tally


def script(num: int) -> Iterator[Any]:
    for n in range(num):
        yield Generate(messages=(Message("user", f"say {n}"),), purpose="test")


class Sees:
    """A watcher that gives orders by what it sees."""

    def __init__(self, does: Callable[[int, Tally], None]) -> None:
        self.does = does
        self.num = 0

    def begin(self, stage: str, total: int | None, stop: Callable[[str], None]) -> None: ...

    def progress(self, tally: Tally) -> None:
        self.num += 1
        self.does(self.num, tally)

    def end(self, tally: Tally) -> None: ...


def play(run: Run, watcher: Any, *, num: int = 60, since: float = 0.0) -> Any:
    engine = ScriptedEngine(lambda _: "word", latency_s=0.05)
    scripts = [(f"s{n}", script(num)) for n in range(3)]
    return play_stage(run, "r1.play", scripts, engine, run_seed=1, watcher=watcher, control=Control(run.folder, since))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path, "x", {"name": "x"}, {})


def test_an_order_is_read_back_and_the_last_one_stands(tmp_path: Path) -> None:
    assert read_order(tmp_path) == ("go", "")
    give_order(tmp_path, "pause", who="Ada")
    give_order(tmp_path, "stop", who="Ben")
    assert read_order(tmp_path) == ("stop", "Ben")
    assert read_order(tmp_path, since=time.time() + 1) == ("go", "")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"order": "burn", "time": 9e9}', b'{"order": "stop"}', b"null"])
def test_a_broken_order_is_none(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "control.json").write_bytes(body)
    assert read_order(tmp_path) == ("go", "")


def test_an_unknown_order_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no order"):
        give_order(tmp_path, "burn")  # type: ignore[arg-type]


def test_a_paused_stage_asks_nothing_and_goes_on(run: Run) -> None:
    seen: list[tuple[str, int]] = []

    def does(num: int, tally: Tally) -> None:
        seen.append((run.status["state"], tally.num_requests))
        if num == 1:
            give_order(run.folder, "pause")
        if num == 5:
            give_order(run.folder, "go")

    result = play(run, Sees(does))
    paused = [requests for state, requests in seen if state == "paused"]
    assert len(paused) >= 2
    assert len(set(paused)) == 1
    assert result.tally.num_done == 3
    assert result.tally.num_requests == 180
    assert run.status["state"] == "running"


def test_time_spent_paused_is_not_counted(run: Run) -> None:
    def does(num: int, tally: Tally) -> None:
        if num == 1:
            give_order(run.folder, "pause")
        if num == 6:
            give_order(run.folder, "go")

    began = time.monotonic()
    result = play(run, Sees(does))
    assert result.tally.seconds < time.monotonic() - began - 1.0


def test_an_order_to_stop_ends_cleanly_and_the_run_can_be_resumed(run: Run) -> None:
    with pytest.raises(Stopped, match="stopped by Ada"):
        play(run, Sees(lambda num, tally: give_order(run.folder, "stop", who="Ada")))
    assert run.status["state"] == "stopped"
    assert not run.is_complete("r1.play")
    since = time.time()
    assert play(run, Sees(lambda num, tally: None), since=since).tally.num_from_journal > 0
    assert run.is_complete("r1.play")


def test_stop_is_heard_while_paused(run: Run) -> None:
    give_order(run.folder, "pause")
    threading.Timer(1.0, give_order, (run.folder, "stop")).start()
    with pytest.raises(Stopped):
        play(run, Sees(lambda num, tally: None))
