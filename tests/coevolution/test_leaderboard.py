"""The leaderboard believes vectors and nothing else."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from agents.errors import UserError
from dashboards.terminal import plain as as_text
from dashboards.tools.leaderboard import findings, plain, read, sections, write_board
from dashboards.verbs.leaderboard import verb
from sim.engines.babbler import Babbler
from sim.engines.scripted import ScriptedEngine
from sim.stage import play_stage
from sim.store import Run
from societies.coevolution import CoevolutionConfig, society
from societies.coevolution.config import HumansConfig
from societies.coevolution.records import ChallengeResult, result_from_line, result_line
from societies.seam import Setting


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    given = CoevolutionConfig(humans=HumansConfig(people=50), replicas=3)
    made = Run.create(tmp_path_factory.mktemp("runs"), "board", {"name": "board"}, {})
    scripts = society.scripts(given, Setting(seed=0, cast=lambda number, seed: []))
    play_stage(made, "r1.play", scripts, ScriptedEngine(Babbler()), run_seed=0, tables=society.tables)
    return made


def told(*words: str) -> int:
    parser = argparse.ArgumentParser()
    verb.configure(parser)
    return verb.run(parser.parse_args([str(word) for word in words]))


def small(**changes: Any) -> ChallengeResult:
    history = np.cumsum(np.ones((4, 2)) * [1.0, 0.5], axis=0)
    given: dict[str, Any] = {
        "challenge": "follow", "name": "follow", "settings": {}, "algorithm": "mine", "examinee": "mine",
        "dims": ("a", "b"), "tracks": {"history": history, "examinee": history + 0.1},
    }  # fmt: skip
    return ChallengeResult(**{**given, **changes})


def test_scores_from_the_run_folder_equal_those_that_the_judge_gave(run: Run) -> None:
    results, problems = read([run.folder])
    board = findings(results, problems)
    assert not board.problems and {entry.num_replicas for entry in board.entries} == {3}
    written = run.read_events("r1.play", "results")
    for entry in board.entries:
        rows = written.filter((written["challenge"] == entry.challenge) & (written["algorithm"] == entry.algorithm))
        scores = rows["score"].to_list()
        if None in scores:
            assert math.isnan(entry.score) and entry.flags
        else:
            assert entry.score == pytest.approx(float(np.mean(scores))) and entry.lo <= entry.score <= entry.hi
    ranked = [entry.algorithm for entry in board.entries if entry.challenge == "coevolve"]
    assert ranked[0] == "oracle" and ranked[-1] == "frozen"


def test_a_board_written_and_read_again_is_the_same_and_counts_nothing_twice(run: Run, tmp_path: Path) -> None:
    results, problems = read([run.folder])
    path = tmp_path / "board.jsonl"
    assert write_board(path, results) == len(results)
    again, bad = read([path, run.folder])
    assert not bad
    first, second = findings(results, problems), findings(again)
    assert [(e.challenge, e.algorithm, e.num_replicas) for e in first.entries] == [
        (e.challenge, e.algorithm, e.num_replicas) for e in second.entries
    ]
    assert [e.score for e in first.entries] == pytest.approx([e.score for e in second.entries], nan_ok=True)


def test_a_claimed_score_changes_nothing(tmp_path: Path) -> None:
    honest, boasting = result_line(small()), {**result_line(small(algorithm="boast")), "score": 1.0, "gain": 9}
    path = tmp_path / "theirs.jsonl"
    path.write_bytes(b"\n".join(orjson.dumps(line) for line in (honest, boasting)))
    one, two = findings(*read([path])).entries
    assert one.score == two.score < 1.0


def test_results_survive_the_way_through_a_line() -> None:
    result = small(
        tracks={"history": np.ones((3, 2)), "examinee": np.array([[np.nan, 1.0]] * 3)}, world={"humans": {"a": 1}}
    )
    again = result_from_line(json.loads(orjson.dumps(result_line(result))), "here")
    assert result_line(again) == result_line(result)
    assert np.isnan(again.tracks["examinee"][0, 0])


@pytest.mark.parametrize(
    "change, why",
    [
        ({"dims": ["a", "b", "c"]}, "do not all have 3 values"),
        ({"tracks": {"history": [[1, 2]] * 4, "examinee": [[1, 2]] * 3}}, "unequal numbers of timesteps"),
        ({"tracks": {"history": [[1, 2], [1]]}}, "do not all have|inhomogeneous"),
        ({"tracks": None}, "NoneType"),
        ({"algorithm": ...}, "it has no 'algorithm'"),
    ],
)
def test_a_line_that_is_no_result_is_named_and_left_out(change: dict[str, Any], why: str) -> None:
    line = {**result_line(small()), **change}
    line = {key: value for key, value in line.items() if value is not ...}
    with pytest.raises(UserError, match=why):
        result_from_line(line, "theirs.jsonl, line 2")


def test_what_cannot_be_judged_is_a_problem_and_not_an_error(tmp_path: Path) -> None:
    lines = [
        b"no json",
        b"",
        orjson.dumps(result_line(small(name="unheard", challenge="unheard"))),
        orjson.dumps(result_line(small(challenge="coevolve", name="coevolve"))),
        orjson.dumps(result_line(small(challenge="predict(9)", name="predict", settings={"horizon": 9}))),
        orjson.dumps(result_line(small(failure="timestep 2: it ended"))),
    ]
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b"\n".join(lines))
    board = findings(*read([path]))
    told = " | ".join(board.problems)
    for word in (
        "line 1 is not JSON",
        '"unheard" is not known',
        "lacks vectors",
        "cannot be judged 9 ahead",
        "mine broke",
    ):
        assert word in told, told
    assert len(board.entries) == 1 and math.isnan(board.entries[0].score)
    assert "Left out" in as_text(sections(board))


def test_only_results_of_one_world_stand_in_one_table() -> None:
    results = [("x", small(world={"people": n}, algorithm=name)) for n in (1, 2) for name in ("a", "b")]
    board = findings(results)
    assert len(board.entries) == 4 and len({entry.world for entry in board.entries}) == 2
    assert [section.title.split(",")[0] for section in sections(board)] == ["follow", "follow"]


def test_two_settings_of_one_examinee_are_two_entries() -> None:
    board = findings([("x", small(examinee_settings={"order": n})) for n in (1, 2)])
    assert len(board.entries) == 2


def test_names_from_a_file_cannot_move_the_cursor() -> None:
    assert "\x1b" not in as_text(sections(findings([("x", small(algorithm="\x1b[2Jbad"))])))


def test_the_verb_prints_json_draws_and_writes(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drawn, board = tmp_path / "board.svg", tmp_path / "board.jsonl"
    assert told(run.folder, "--json", "--plot", drawn, "--write", board) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["problems"] == [] and len(found["entries"]) == 4 + 4 + 5 + 5 + 5
    assert found == plain_json(run)
    assert drawn.read_text().startswith("<svg") and len(board.read_bytes().splitlines()) == 3 * 23
    assert told(run.folder) == 0
    out = capsys.readouterr().out
    assert "coevolve, world" in out and "extrapolative" in out and "3 x 8" in out
    with pytest.raises(UserError, match="its ending"):
        told(run.folder, "--plot", tmp_path / "board.doc")
    with pytest.raises(UserError, match="not a run folder"):
        told(tmp_path / "nowhere")


def plain_json(run: Run) -> Any:
    return json.loads(orjson.dumps(plain(findings(*read([run.folder])))))
