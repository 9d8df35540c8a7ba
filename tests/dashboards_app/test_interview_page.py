"""The page on which one talks with somebody of a run; the talk itself is tested in tests/sim/test_interview.py."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dashboards.interviewing import (
    interviews_frame,
    is_over,
    people_of,
    policies_for,
    waiting_questions,
    word_of,
    words_for,
)
from dashboards.sources import Reader
from sim.interview import ANSWERING, ENDED, LISTENING, Interview, interviews, new_name
from sim.store import Run
from tests.dashboards.fake_run import HOSTILE, make_run
from tests.dashboards_app.test_pages import Opened, opened, words

__all__ = ["opened"]
DEAD = 2**22 + 1
"""No process has this id."""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path / "runs", text=HOSTILE)


@pytest.fixture
def talk(run: Run) -> Interview:
    one = Interview.at(run.folder, new_name())
    about = {"name": f"Neighbour {HOSTILE}", "card": HOSTILE, "perceived": [HOSTILE], "policy": "base"}
    one.open({**about, "engine": "scripted", "scripted": True, "model": "", "begun": "2026-11-28T12:00:00Z"})
    one.ask("Who are you?")
    one.answer(1, "Who are you?", HOSTILE)
    one.ask(HOSTILE)
    one.answer(2, HOSTILE, "", error="the answer is empty")
    one.beat(ENDED, pid=DEAD, why="nobody asked anything for 10 minutes")
    return one


def test_people_are_named_by_their_script_and_id(run: Run) -> None:
    found = people_of(Reader(run), "r1.play")
    assert found["r1.play/scene-0:ego"] == "Robin (ego, scene-0)"
    one = people_of(Reader(run), "r1.play", "r1.play/scene-1")
    assert set(one) == {"r1.play/scene-1:ego", "r1.play/scene-1:r1", "r1.play/scene-1:r2"}
    assert people_of(Reader(run), "r9.play") == {}


def test_a_policy_that_the_config_names_can_be_asked_too(run: Run) -> None:
    own = policies_for(Reader(run))
    assert own[0] == "base" and len(own) == len(set(own))
    with (run.folder / "config.yaml").open("a") as file:
        file.write("policies: {older: /somewhere/p1, base: ''}\n")
    assert policies_for(Reader(run)) == [*own, "older"]


def test_the_command_is_a_list_of_words() -> None:
    assert words_for("RUN", "", who="", policy="") == ["interview", "RUN"]
    assert words_for("RUN", "x", who="a:b; rm -rf /", policy="p1") == [
        "interview", "RUN", "--files", "--id", "x", "--persona", "a:b; rm -rf /", "--policy", "p1",
    ]  # fmt: skip


def test_how_it_stands_is_told_from_its_heartbeat_and_its_process(talk: Interview) -> None:
    assert word_of(talk) == (ENDED, "nobody asked anything for 10 minutes")
    talk.beat(ANSWERING, pid=DEAD)
    assert word_of(talk)[0] == "broken off"
    assert is_over("broken off")
    (talk.folder / "state.json").unlink()
    assert word_of(talk) == ("opening", "")
    (talk.folder / "questions" / "0003.json").write_text('{"text": "And now?"}')
    assert waiting_questions(talk) == ["And now?"]
    frame = interviews_frame([talk])
    assert frame["questions"].to_list() == [2]


@pytest.mark.slow
def test_a_talk_that_is_over_reads_as_text_and_says_why_it_ended(opened: Opened, run: Run, talk: Interview) -> None:
    name = f"{run.folder.parent.name}/{run.folder.name}"
    at = opened(run.folder.parents[1], "interview", run=name, interview=talk.folder.name)
    assert not at.exception
    said = words(at)
    assert "nobody asked anything for 10 minutes" in said.replace("\\", "")
    assert "No answer: the answer is empty" in said
    bodies = [one.proto.body for one in at.get("html")]
    assert not any("<script" in one or "<img" in one for one in bodies)
    assert any("&lt;script&gt;" in one for one in bodies)
    assert "\\<script" in at.subheader[0].value
    assert not at.chat_input
    assert any("scripted" in one.value for one in at.warning)


@pytest.mark.slow
def test_a_talk_that_goes_on_takes_a_question(opened: Opened, run: Run, talk: Interview) -> None:
    import os

    talk.beat(LISTENING, pid=os.getpid())
    name = f"{run.folder.parent.name}/{run.folder.name}"
    at = opened(run.folder.parents[1], "interview", run=name, interview=talk.folder.name)
    at.chat_input[0].set_value("What do you want?").run()
    assert not at.exception
    assert talk.question(3) == "What do you want?"
    at.button[[one.label for one in at.button].index("End")].click().run()
    assert talk.is_ended


@pytest.mark.slow
def test_a_dashboard_that_only_reads_shows_the_command(opened: Opened, run: Run) -> None:
    name = f"{run.folder.parent.name}/{run.folder.name}"
    at = opened(run.folder.parents[1], "interview", may="no", run=name, persona="r1.play/scene-1:r1")
    assert not at.exception
    assert "Begin" not in [one.label for one in at.button]
    assert any("folkmoot interview" in one.value and "r1.play/scene-1:r1" in one.value for one in at.code)


@pytest.mark.slow
@pytest.mark.parametrize("asked", ["../../etc", "20260101-000000_zzzz", "%2e%2e"])
def test_a_name_that_leads_elsewhere_is_refused(opened: Opened, run: Run, asked: str) -> None:
    name = f"{run.folder.parent.name}/{run.folder.name}"
    at = opened(run.folder.parents[1], "interview", run=name, interview=asked)
    assert not at.exception
    assert any("names no interview" in one.value.replace("\\", "") for one in at.error)


@pytest.mark.slow
def test_a_talk_that_never_began_or_is_half_there_opens(opened: Opened, run: Run, talk: Interview) -> None:
    name = f"{run.folder.parent.name}/{run.folder.name}"
    at = opened(run.folder.parents[1], "interview", run=name, interview="20260101-000000_ab12")
    assert any("did not begin" in one.value for one in at.error)
    (talk.folder / "about.json").write_text('{"na')
    (talk.folder / "state.json").write_text("[]")
    (talk.folder / "transcript.jsonl").write_bytes(b'{"n":1}\n{"n":')
    at = opened(run.folder.parents[1], "interview", run=name, interview=talk.folder.name)
    assert not at.exception


def test_a_deleted_talk_is_not_listed(run: Run, talk: Interview) -> None:
    assert [one.folder for one in interviews(run.folder)] == [talk.folder]
    shutil.rmtree(talk.folder)
    assert interviews(run.folder) == []
