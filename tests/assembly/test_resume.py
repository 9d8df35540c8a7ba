"""An assembly is killed in every phase and resumed; a person takes a seat, answers, leaves, or never comes."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import Any

import pytest

from agents.requests import Generate
from sim.desk import answer, pending
from sim.engines.base import EngineDied
from sim.engines.scripted import ScriptedEngine
from sim.engines.seated import Seated
from sim.stage import Stopped, play_stage
from sim.store import Run
from societies.assembly.event_tables import TABLES
from societies.assembly.play import PHASES
from societies.assembly.society import society
from societies.seam import Setting
from tests.assembly.acting import Town, small, town

PEOPLE = town(40, lambda n: -0.6 if n % 3 == 0 else 0.4)
SETTINGS: dict[str, Any] = {
    "panel": 6,
    "table_size": 3,
    "num_candidates": 3,
    "values": True,
    "written": 4,
    "num_judges": 1,
    "num_dropped": 2,
    "quotas": ("sex", "camp"),
    "minority": 0.3,
    "supermajority": 0.5,
    "num_witnesses": 3,
    "replace_witnesses": True,
    "cross_examination": True,
    "guardian": 0.4,
}


def stage(run: Run, engine: Any, **changes: Any) -> None:
    setting = Setting(seed=0, cast=lambda number, _: PEOPLE[:number])
    scripts = society.scripts(small(**{**SETTINGS, **changes}), setting)
    play_stage(run, "r1.play", scripts, engine, run_seed=0, tables=TABLES)


def fresh(tmp_path: Path) -> Run:
    return Run.create(tmp_path, "test", {"name": "test"}, {})


def digests(run: Run) -> dict[str, str]:
    files = [p for name in ("events", "samples") for p in (run.folder / name).rglob("*") if p.is_file()]
    return {str(p.relative_to(run.folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, int]:
    run = fresh(tmp_path_factory.mktemp("whole"))
    engine = ScriptedEngine(Town())
    stage(run, engine)
    return run, engine.num_answered


def spans(run: Run) -> dict[str, tuple[int, int]]:
    """Return phase -> (requests before it, requests in it), of the phases that ask anything."""
    import polars as pl

    rows = (
        pl.read_parquet(next((run.folder / "events" / "r1.play").glob("phases-*.parquet"))).sort("ordinal").to_dicts()
    )
    found, earlier = {}, 0
    for row in rows:
        if row["num_requests"]:
            found[row["phase"]] = (earlier, row["num_requests"])
        earlier += row["num_requests"]
    return found


def test_every_phase_but_the_lottery_asks_something(whole: tuple[Run, int]) -> None:
    assert list(spans(whole[0])) == [name for name, _ in PHASES]


@pytest.mark.parametrize("phase", [name for name, _ in PHASES])
@pytest.mark.parametrize("where", ["first", "middle", "last"])
def test_killed_in_any_phase_and_resumed_it_ends_the_same(
    tmp_path: Path, whole: tuple[Run, int], phase: str, where: str
) -> None:
    done, total = whole
    earlier, num = spans(done)[phase]
    at = earlier + {"first": 1, "middle": (num + 1) // 2, "last": num}[where]
    run = fresh(tmp_path)
    # One at a time, so that the engine dies at this very request of this phase.
    first = ScriptedEngine(Town(), die_after=at - 1, max_in_flight=1)
    with pytest.raises(EngineDied):
        stage(run, first)
    second = ScriptedEngine(Town())
    stage(run, second)
    assert digests(run) == digests(done)
    assert first.num_answered == at - 1
    assert second.num_answered == total - first.num_answered


class Person(threading.Thread):
    """Answers whatever stands on the desk until told to stop."""

    def __init__(self, desk: Path) -> None:
        super().__init__(daemon=True)
        self.desk = desk
        self.over = threading.Event()
        self.answers: list[str] = []

    def run(self) -> None:
        while not self.over.wait(0.02):
            for question in pending(self.desk):
                given = question.options[0] if question.options else "I say that we should all have a garden."
                answer(self.desk, question, given, who="Ada")
                self.answers.append(question.key)


def test_a_person_takes_a_seat_speaks_and_votes(tmp_path: Path) -> None:
    run = fresh(tmp_path)
    person = Person(run.folder / "desk")
    person.start()
    engine = Seated(ScriptedEngine(Town()), run.folder / "desk")
    stage(run, engine, human_seats=1, values=False)
    person.over.set()
    import polars as pl

    turns = pl.read_parquet(next((run.folder / "events" / "r1.play").glob("turns-*.parquet")))
    mine = turns.filter(pl.col("speaker") == "c000")["text"].to_list()
    assert mine and all("garden" in text for text in mine)
    citizens = pl.read_parquet(next((run.folder / "events" / "r1.play").glob("citizens-*.parquet")))
    assert citizens.filter(pl.col("citizen") == "c000")["policy"].to_list() == ["human:c000"]
    ballots = pl.read_parquet(next((run.folder / "events" / "r1.play").glob("ballots-*.parquet")))
    lowest = ballots.filter((pl.col("citizen") == "c000") & (pl.col("kind") == "score"))["value"].to_list()
    assert lowest and max(lowest) < 1e-6  # the first level was chosen each time
    assert len(person.answers) > 10


def test_a_person_who_never_comes_is_stood_in_for_and_that_is_written_down(tmp_path: Path) -> None:
    run = fresh(tmp_path)
    absent: list[str] = []
    inner = ScriptedEngine(Town())
    stage(run, Seated(inner, run.folder / "desk", minutes=1e-6, absent=absent.append), human_seats=1, values=False)
    assert absent and all("did not answer" in line for line in absent)


def test_a_run_that_waits_for_a_person_stops_cleanly_and_goes_on_with_their_answers(tmp_path: Path) -> None:
    run = fresh(tmp_path)
    from sim import scheduler

    class Impatient(Seated):
        """Stops the run at the third look for an answer, as Ctrl-C would."""

        looks = 0

    engine = Impatient(ScriptedEngine(Town()), run.folder / "desk")
    original = scheduler.Scheduler._watch

    def watch(self: Any) -> None:
        original(self)
        if pending(run.folder / "desk"):
            self.stop("interrupted")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scheduler.Scheduler, "_watch", watch)
        with pytest.raises(Stopped, match="interrupted"):
            stage(run, engine, human_seats=1, values=False)
    person = Person(run.folder / "desk")
    person.start()
    stage(run, Seated(ScriptedEngine(Town()), run.folder / "desk"), human_seats=1, values=False)
    person.over.set()
    assert run.is_complete("r1.play")


def test_what_the_desk_refuses(tmp_path: Path) -> None:
    from agents.errors import UserError
    from agents.requests import Message, Score
    from sim.desk import answered, ask

    messages = (Message("user", "Well?"),)
    text = ask(tmp_path, "c000", "a#0", Generate(messages=messages, purpose="p"))
    vote = ask(tmp_path, "c000", "a#1", Score(messages=messages, options=("yes", "no"), purpose="p"))
    for question, given, why in ((text, " ", "empty"), (text, "x" * 5_000, "characters"), (vote, "maybe", "none of")):
        with pytest.raises(UserError, match=why):
            answer(tmp_path, question, given)
    answer(tmp_path, vote, "2")
    with pytest.raises(UserError, match="already"):
        answer(tmp_path, vote, "1")
    (tmp_path / "c000" / f"{text.number}.answer.json").write_text('{"text": ', encoding="utf-8")
    found = answered(tmp_path, [text, vote])
    assert [question.key for question, _ in found] == ["a#1"]
    assert found[0][1].probability["no"] > 0.999  # type: ignore[union-attr]
