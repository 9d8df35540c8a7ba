"""`folkmoot show`: the report in the terminal, as JSON, and the way back from a sample."""

from __future__ import annotations

import io
import json
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from agents.errors import UserError
from dashboards.findings import Findings, find_out
from dashboards.lineage import show_request, walk_back
from dashboards.terminal import end_text, plain, sections, show, walk_sections
from dashboards.verbs.show import perform, verb
from sim.cli import main
from sim.store import Run
from tests.dashboards.fake_run import DRAFT, HOSTILE, REVISION, make_run

SNAPSHOT = Path(__file__).with_name("terminal.txt")


def test_the_terminal_says_the_same_as_ever(found: Findings) -> None:
    told = plain(sections(replace(found, folder="RUN")))
    if os.environ.get("FOLKMOOT_UPDATE_SNAPSHOTS"):
        SNAPSHOT.write_text(told)
    assert told == SNAPSHOT.read_text()


def test_a_terminal_gets_tables_and_no_control_characters_of_agents(tmp_path: Path) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    run = make_run(tmp_path, text=HOSTILE)
    stream = Terminal()
    show([*sections(find_out(run)), *walk_sections(walk_back(run, "scene-1.row"))], stream)
    assert "harmful compliance" in stream.getvalue() and "\x1b[31m" not in stream.getvalue()


def test_everything_is_there_as_json(whole_run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(whole_run.folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"]["tone"] == "bad"
    assert told["measures"][0]["compared"]["n"] == 24
    assert told["funnel"][-1]["num_out"] == 3


def test_the_report_can_be_written_again(whole_run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(whole_run.folder), "--html"]) == 0
    assert capsys.readouterr().out.strip() == str(whole_run.folder / "report.html")


def test_without_a_run_the_newest_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(tmp_path / "runs", loop=False)
    monkeypatch.chdir(tmp_path)
    assert main(["show"]) == 0
    assert run.folder.name in capsys.readouterr().out


def test_a_sample_is_walked_back_to_scene_requests_prompts_and_model(
    whole_run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    walk = walk_back(whole_run, "scene-1.row")
    assert walk.scene is not None and walk.scene.consequence
    assert walk.incidents[0].startswith("act-0: Robin bends a wire")
    assert [asked.reply for asked in walk.requests] == [DRAFT, REVISION]
    assert walk.prompts == {"scenes/draft.v1": "d" * 16, "scenes/revise.v1": "e" * 16}
    assert walk.policies == {"base": "the base model"} and walk.model["name"] == "smollm2_135m"
    assert main(["show", str(whole_run.folder), "--sample", "scene-1.row"]) == 0
    assert "r1.play/scene-1#0" in capsys.readouterr().out


def test_an_unknown_sample_names_the_known_ones(whole_run: Run) -> None:
    with pytest.raises(UserError, match=r"scene-0\.row"):
        walk_back(whole_run, "scene-9.row")


def test_a_request_is_shown_from_the_journal(whole_run: Run) -> None:
    assert show_request(whole_run, "r1.play/scene-1#0")["reply"] == DRAFT
    assert show_request(whole_run, "r0.measure/safety-0#0")["reply"] == "yes = 0.667, no = 0.333"
    with pytest.raises(UserError, match="no request"):
        show_request(whole_run, "r1.play/nobody#0")


def test_a_torn_journal_still_answers(fresh_run: Run) -> None:
    path = fresh_run.journal_path("r1.play")
    path.write_bytes(path.read_bytes()[:-30])
    assert walk_back(fresh_run, "scene-1.row").requests[0].found


def test_two_questions_at_once_are_refused(whole_run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(whole_run.folder), "--html", "--sample", "x"]) == 2
    assert "choose one" in capsys.readouterr().err


def test_a_run_ends_with_a_table_and_the_path_of_its_report(fresh_run: Run) -> None:
    told = perform(SimpleNamespace(run=fresh_run))
    assert Path(told["report"]).is_file()
    assert told["text"].splitlines()[0].startswith("Rejected: p1")
    assert told["text"].endswith(f"report {told['report']}")
    assert "harmful compliance" in told["text"] and verb.perform is perform


def test_a_scripted_run_ends_with_a_warning(tmp_path: Path) -> None:
    run = make_run(tmp_path, scripted=True)
    assert "not a model's" in end_text(find_out(run), run.folder / "report.html")
