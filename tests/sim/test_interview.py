"""An interview: who is asked and what they know, how it ends, and that the run is left as it was."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from agents.errors import UserError
from agents.persona import Persona
from agents.requests import Event
from sim.cli import main
from sim.engines.base import EngineDied, Ticket
from sim.engines.scripted import ScriptedEngine
from sim.interview import ENDED, Interview, interviews, new_name
from sim.interviewer import Interviewed, Lines, Patience, whom
from sim.stage import play_stage
from sim.store import Run
from societies.assembly.society import society as assembly
from societies.coevolution import society as numeric
from societies.coevolution.live import society as town
from societies.scenes import society as scenes
from societies.seam import Memories, Society

ADA = Memories(name="Ada", card="Name: Ada", policy="base", perceived=("Bo said: trees are cool.",))


class Clock:
    """Time that goes on when somebody waits, and by half a second with every look."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        self.now += 0.5
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def interview(tmp_path: Path) -> Interview:
    one = Interview.at(tmp_path, new_name())
    one.open({"name": "Ada"})
    return one


def talk(interview: Interview, answer: Callable[[Ticket], str] = lambda t: "I am Ada.", **options: Any) -> Interviewed:
    clock = Clock()
    return Interviewed(
        interview=interview, engine=ScriptedEngine(answer), who=ADA, policy="base", run_seed=1,
        patience=Patience(idle_s=60, most_s=600), clock=clock, pause=clock.sleep, **options,
    )  # fmt: skip


def test_questions_are_answered_in_order_with_what_was_said_before(interview: Interview) -> None:
    seen: list[str] = []

    def answer(ticket: Ticket) -> str:
        seen.append("\n".join(m.content for m in ticket.request.messages))
        return f"Answer {len(seen)}."

    interview.ask("Who are you?")
    interview.ask("And who is Bo?")
    interview.end()
    assert talk(interview, answer).listen() == "ended by the person who asked"
    assert [(r["n"], r["question"], r["answer"]) for r in interview.transcript()] == [
        (1, "Who are you?", "Answer 1."),
        (2, "And who is Bo?", "Answer 2."),
    ]
    assert "trees are cool" in seen[0]
    assert "Answer 1." in seen[1]
    assert interview.state["state"] == ENDED


def test_it_ends_by_itself_when_nobody_asks(interview: Interview) -> None:
    assert talk(interview).listen() == "nobody asked anything for 1 minutes"
    assert interview.state["why"] == "nobody asked anything for 1 minutes"


def test_it_ends_at_its_deadline_even_if_somebody_goes_on_asking(interview: Interview) -> None:
    someone = talk(interview)
    someone.look = lambda: interview.ask("Again?") and None
    assert someone.listen() == "its 10 minutes were over"


def test_it_ends_while_it_waits_for_an_answer_that_never_comes(interview: Interview) -> None:
    someone = talk(interview)
    someone.engine = Silent()
    interview.ask("Who are you?")
    assert someone.listen() == "its 10 minutes were over"
    assert interview.transcript()[0]["error"] == "the interview ended before the answer"


class Silent:
    def submit(self, tickets: object) -> None: ...

    def poll(self) -> list[Any]:
        return []

    def facts(self) -> dict[str, Any]:
        return {}

    def close(self) -> None: ...


def test_an_empty_answer_is_said_and_the_talk_goes_on(interview: Interview) -> None:
    interview.ask("Who are you?")
    interview.ask("Hello?")
    interview.end()
    texts = iter(["  ", "Yes."])
    talk(interview, lambda t: next(texts)).listen()
    first, second = interview.transcript()
    assert (first["answer"], first["error"]) == ("", "the answer is empty")
    assert second["answer"] == "Yes."


@pytest.mark.parametrize("text", ["", "  \n", "x" * 3_000])
def test_what_is_no_question_is_refused(interview: Interview, text: str) -> None:
    with pytest.raises(UserError):
        interview.ask(text)


def test_nobody_is_asked_after_the_end(interview: Interview) -> None:
    interview.end()
    with pytest.raises(UserError, match="has ended"):
        interview.ask("Still there?")


def test_an_interview_is_never_written_over(interview: Interview) -> None:
    with pytest.raises(UserError, match="there already"):
        interview.open({})


@pytest.mark.parametrize("name", ["..", "../x", "", "20260101-000000_zz", "20260101-000000_ab12/..", "%2e%2e"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError):
        Interview.at(tmp_path, name)


def test_links_are_neither_listed_nor_opened(tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "20260101-000000_ab12").mkdir(parents=True)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "interviews").symlink_to(tmp_path / "elsewhere")
    assert interviews(tmp_path / "run") == []
    with pytest.raises(UserError, match="link"):
        Interview.at(tmp_path / "run", "20260101-000000_ab12")


def test_half_written_files_are_waited_for(interview: Interview) -> None:
    (interview.folder / "questions" / "0001.json").write_bytes(b'{"text": "Wh')
    (interview.folder / "transcript.jsonl").write_bytes(b'{"n":1,"question":"a","answer":"b"}\n{"n":2,"que')
    assert interview.question(1) is None
    assert [row["n"] for row in interview.transcript()] == [1]


@pytest.mark.parametrize("minutes", [0, -1, 2_000, float("nan")])
def test_patience_has_bounds(minutes: float) -> None:
    with pytest.raises(UserError, match="out of range"):
        Patience(idle_s=60 * minutes)


# -- what somebody knows


def run_with(tmp_path: Path, society: Society, events: list[tuple[str, dict[str, Any]]]) -> Run:
    run = Run.create(tmp_path, "x", {"name": "x"}, {})

    def script() -> Iterator[Event]:
        for table, row in events:
            yield Event(table=table, row=row)

    play_stage(run, "r1.play", [("here", script())], ScriptedEngine([]), run_seed=1, tables=society.tables)
    return run


def known(run: Run, society: Society, agent: str) -> Memories:
    return whom(run, society, list, f"r1.play/here:{agent}")


def test_a_role_knows_the_accepted_incidents_that_reached_it_and_no_others(tmp_path: Path) -> None:
    role = {"scene_id": "s", "policy": "p1"}
    act = {"scene_id": "s", "step": 0, "place": "home"}
    run = run_with(tmp_path, scenes, [
        ("roles", {**role, "role_id": "ego", "name": "Robin", "traits": "curious", "status": "free"}),
        ("roles", {**role, "role_id": "r1", "name": "Neighbour"}),
        ("incidents", {**act, "text": "seen by r1", "source": "ego", "recipients": ["ego", "r1"], "accepted": True}),
        ("incidents", {**act, "text": "in secret", "source": "ego", "recipients": ["ego"], "accepted": True}),
        ("incidents", {**act, "text": "impossible", "source": "r1", "recipients": ["r1"], "accepted": False}),
    ])  # fmt: skip
    assert known(run, scenes, "r1").perceived == ("seen by r1",)
    ego = known(run, scenes, "ego")
    assert ego.perceived == ("seen by r1", "in secret")
    assert (ego.policy, ego.card) == ("p1", "Name: Robin\ncurious; free")


@pytest.mark.parametrize(
    ("arm", "protocol", "speaker"),
    [
        ("full", "round_table", "Bo"),
        ("shuffled", "round_table", "Somebody"),
        ("hidden_authors", "round_table", "Somebody"),
        ("full", "delphi", "Somebody"),
    ],
)
def test_a_citizen_knows_their_tables_and_their_own_notes(
    tmp_path: Path, arm: str, protocol: str, speaker: str
) -> None:
    head = {"assembly": "a", "arm": arm}
    turn = {**head, "round": 1, "kind": "speech"}
    run = run_with(tmp_path, assembly, [
        ("citizens", {**head, "citizen": "c0", "name": "Ada", "card": "Name: Ada", "policy": "base"}),
        ("citizens", {**head, "citizen": "c1", "name": "Bo", "card": "Name: Bo", "policy": "base"}),
        ("citizens", {**head, "citizen": "c2", "name": "Cy", "card": "Name: Cy", "policy": "base"}),
        ("assemblies", {**head, "question": "A park?", "protocol": protocol}),
        ("seats", {**head, "round": 1, "table": 1, "citizen": "c0"}),
        ("seats", {**head, "round": 1, "table": 1, "citizen": "c1"}),
        ("seats", {**head, "round": 1, "table": 2, "citizen": "c2"}),
        ("turns", {**turn, "table": 1, "ordinal": 1, "speaker": "c0", "text": "I say yes."}),
        ("turns", {**turn, "table": 1, "ordinal": 0, "speaker": "c1", "text": "Trees are cool."}),
        ("turns", {**turn, "table": 2, "ordinal": 0, "speaker": "c2", "text": "elsewhere"}),
        ("notes", {**head, "citizen": "c0", "round": 1, "text": "Bo likes trees."}),
        ("notes", {**head, "citizen": "c1", "round": 1, "text": "not Ada's"}),
        ("statements", {**head, "author": "c0", "text": "We want a park."}),
        ("statements", {**head, "author": "c2", "text": "We want a road."}),
    ])  # fmt: skip
    assert known(run, assembly, "c0").perceived == (
        "The assembly was asked: A park?",
        f"Round 1, at your table. {speaker} said: Trees are cool.",
        "Round 1, at your table. You said: I say yes.",
        "You noted after round 1: Bo likes trees.",
        "You wrote: We want a park.",
    )


def test_somebody_of_the_town_knows_what_they_were_told_from_coming_to_leaving(tmp_path: Path) -> None:
    head = {"arm": "ai", "replica": 0}
    said = {**head, "kind": "statement", "speaker": "p2"}
    run = run_with(tmp_path, town, [
        ("people", {**head, "seat": 0, "timestep": 1, "agent": "p1", "card": "Name: Ada", "policy": "old"}),
        ("people", {**head, "seat": 1, "timestep": 0, "agent": "p2", "card": "Name: Bo"}),
        ("people", {**head, "seat": 0, "timestep": 3, "agent": "p4", "card": "Name: Cy"}),
        ("messages", {**said, "timestep": 0, "listener": "p1", "text": "before they came"}),
        ("messages", {**said, "timestep": 1, "listener": "p1", "text": "Hello."}),
        ("messages", {**said, "timestep": 1, "listener": "p3", "text": "for others"}),
        ("messages", {**said, "timestep": 2, "kind": "news", "speaker": "The news", "listener": "", "text": "Rain."}),
        ("messages", {**said, "timestep": 3, "kind": "news", "speaker": "The news", "listener": "", "text": "Snow."}),
        ("messages", {**said, "timestep": 2, "speaker": "p1", "listener": "p2", "text": "Good."}),
        ("messages", {**said, "timestep": 2, "speaker": "p1", "listener": "p3", "text": "Good."}),
    ])  # fmt: skip
    assert known(run, town, "p1").perceived == (
        "Time 1. Bo told you: Hello.",
        "Time 2. The news said: Rain.",
        "Time 2. You said: Good.",
    )
    assert known(run, town, "p4").perceived == ("Time 3. The news said: Snow.",)
    assert (known(run, town, "p1").policy, known(run, town, "p4").policy) == ("old", "base")


def test_who_is_nobody_is_told_how_people_are_named(tmp_path: Path) -> None:
    run = run_with(tmp_path, scenes, [("roles", {"scene_id": "s", "role_id": "ego", "name": "Robin"})])
    for society, persona in (
        (scenes, "r1.play/here:r9"), (scenes, "r1.play/there:ego"), (scenes, "r1.play/here"), (scenes, "../..:x"),
        (numeric, "r1.play/here:ego"), (scenes, "p77"),
    ):  # fmt: skip
        with pytest.raises(UserError) as caught:
            whom(run, society, lambda: [Persona(persona_id="p1", name="Ada")], persona)
        assert caught.value.fix


def test_somebody_of_the_population_has_their_card_and_no_memory(tmp_path: Path) -> None:
    run = run_with(tmp_path, scenes, [])
    found = whom(run, scenes, lambda: [Persona(persona_id="p1", name="Ada", traits=("calm",), policy="p1")], "p1")
    assert (found.card, found.perceived, found.policy) == ("Name: Ada\nTraits: calm", (), "p1")


# -- the command


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Run:
    root = tmp_path_factory.mktemp("runs")
    words = ["engine=scripted", "society.num_harmful=1", "society.num_ordinary=0", "name=x", f"paths.runs={root}"]
    assert main(["run", *words, "+policies.old="]) == 0
    return Run(next((root / "x").iterdir()))


def digests(run: Run) -> dict[str, str]:
    files = [p for p in sorted(run.folder.rglob("*")) if p.is_file() and "interviews" not in p.parts]
    return {str(p.relative_to(run.folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@contextmanager
def typed(words: str) -> Iterator[IO[str]]:
    """Yield a pipe into which somebody typed these words and left."""
    ours, theirs = os.pipe()
    os.write(theirs, words.encode())
    os.close(theirs)
    with os.fdopen(ours, encoding="utf-8") as stream:
        yield stream


def test_a_talk_in_the_terminal_leaves_the_run_as_it_was(
    played: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = digests(played)
    with typed("Who are you?\nWhat did you hear?\n\nnot asked any more\n") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert main(["interview", str(played.folder), "--persona", "r1.play/scene-000000:ego"]) == 0
        monkeypatch.undo()
    assert digests(played) == before
    (one,) = interviews(played.folder)
    assert [row["question"] for row in one.transcript()] == ["Who are you?", "What did you hear?"]
    assert one.about["scripted"] is True
    assert one.about["persona"] == "r1.play/scene-000000:ego"
    assert "nobody's opinion" in capsys.readouterr().out


def test_questions_come_as_files_until_nobody_asks(played: Run) -> None:
    name = new_name()
    assert main(["interview", str(played.folder), "--files", "--id", name, "--idle", "0.005"]) == 0
    state = Interview.at(played.folder, name).state
    assert (state["state"], state["why"]) == (ENDED, "nobody asked anything for 0.005 minutes")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--policy", "p9"], "There is no policy p9"),
        (["--policy", "human:c000"], "A person had this seat"),
        (["--persona", "r1.play/scene-000000:nobody"], "is called nobody"),
        (["--idle", "0"], "out of range"),
        (["--id", "../x"], "names no interview"),
    ],
)
def test_what_cannot_be_asked_says_so(played: Run, words: list[str], said: str, capsys: Any) -> None:
    assert main(["interview", str(played.folder), *words]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "Do:" in told


def test_a_pipe_that_ends_ends_the_talk_and_a_last_line_without_its_end_counts() -> None:
    taken: list[str] = []
    ended: list[bool] = []
    with typed("one\ntwo") as stream:
        lines = Lines(stream, taken.append, lambda: ended.append(True))
        for _ in range(3):
            lines.look()
    assert taken == ["one", "two"]
    assert ended


def test_a_policy_that_the_config_names_can_be_asked(played: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    name = new_name()
    with typed("Who are you?\n") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert main(["interview", str(played.folder), "--policy", "old", "--id", name]) == 0
        monkeypatch.undo()
    (row,) = Interview.at(played.folder, name).transcript()
    assert row["policy"] == "old"
    assert row["answer"]


def test_an_engine_that_dies_is_told_as_what_it_is(
    played: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def die(engine: ScriptedEngine) -> None:
        raise EngineDied("out of memory")

    name = new_name()
    monkeypatch.setattr(ScriptedEngine, "poll", die)
    with typed("Who are you?\n") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert main(["interview", str(played.folder), "--id", name]) == 2
        monkeypatch.undo()
    assert "out of memory" in capsys.readouterr().err
    state = Interview.at(played.folder, name).state
    assert (state["state"], state["why"]) == (ENDED, "The engine stopped working in the middle of the interview.")


def test_babble_behind_another_engine_is_called_babble() -> None:
    from selfalign.verbs.interview import _about
    from sim.config import compose
    from sim.session import Session

    session = Session(compose(["engine=ray", "engine@engine.inner=scripted"]))
    assert _about(session, ADA, "", "base", Patience())["scripted"] is True
