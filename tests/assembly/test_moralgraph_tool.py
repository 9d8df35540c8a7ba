"""`folkmoot moralgraph` on files: what it reads, what it says, what it refuses, and that nobody is named."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import pytest

from agents.errors import UserError
from dashboards.terminal import plain
from dashboards.tools.moralgraph import findings
from dashboards.tools.moralgraph_files import read_graph
from dashboards.tools.moralgraph_golden import dft_checks, mge_checks, position_check, read_judgements, survey_check
from dashboards.tools.moralgraph_view import graph_picture, sections
from dashboards.verbs.moralgraph import verb

SECRET = "panel-id-77aa"


def judged() -> dict[str, Any]:
    """Return three cards in a circle, and a fourth that two camps reach."""
    steps = [("a", "b", 6), ("b", "c", 5), ("c", "a", 3), ("a", "d", 4), ("b", "d", 4), ("d", "b", 1)]
    edges = [
        {"from": a, "to": b, "context": "at work", "verdict": "upgrade", "participant": f"{SECRET}{n}"}
        for a, b, times in steps
        for n in range(times)
    ]
    edges += [{"from": "c", "to": "d", "context": "at home", "verdict": "unsure", "participant": f"{SECRET}9"}]
    return {
        "cards": [{"id": name, "title": f"Value {name}", "policies": ["MOMENTS of calm"]} for name in "abcd"],
        "edges": edges,
        "camps": {f"{SECRET}0": "left", f"{SECRET}1": "right"},
        "votes": [{"participant": f"{SECRET}0", "card": "a"}, {"participant": f"{SECRET}1", "card": "b"}],
    }


def published(counts: tuple[int, int, int, int, int] = (5, 1, 0, 2, 8)) -> dict[str, Any]:
    """Return a graph in the published layout; its L and H are right for (5, 1, 0, 2, 8)."""
    names = ("markedWiser", "markedNotWiser", "markedLessWise", "markedUnsure", "impressions")
    return {
        "values": [
            {"id": 1, "title": "One", "evaluationCriteria": ["A"]},
            {"id": 2, "title": "Two", "policies": ["B"]},
        ],
        "edges": [
            {
                "sourceValueId": 1,
                "wiserValueId": 2,
                "contexts": ["when asked"],
                "counts": dict(zip(names, counts, strict=True)),
                "summary": {"wiserLikelihood": 5 / 8, "entropy": 1.649397},
            }
        ],
    }


def write(folder: Path, data: object, name: str = "graph.json") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))
    return path


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    verb.configure(parser)
    return verb.run(parser.parse_args(words))


def test_a_file_of_judgements_becomes_findings(tmp_path: Path) -> None:
    found = findings(read_graph(write(tmp_path, judged())), num_resamples=50, num_shuffles=5)
    assert found.num_judgements == 24
    assert found.num_participants == 7
    assert found.total_rank == pytest.approx(1.0)
    assert {value.id for value in found.values} == set("abcd")
    assert found.values[0].lo <= found.values[0].rank <= found.values[0].hi
    (dispute,) = found.disputes
    assert dispute.cycle == ("a", "b", "c")
    assert [bridge.card for bridge in found.bridges] == ["d"]
    assert found.bridges_need_votes
    assert {step.dropped for step in found.steps} == {"", "too few upgrades"}
    assert set(found.winners) == {"at work"}
    assert findings(read_graph(tmp_path / "graph.json"), num_resamples=50, num_shuffles=5) == found


def test_the_public_way_of_reckoning_leaks(tmp_path: Path) -> None:
    data = judged()
    data["edges"] = [edge for edge in data["edges"] if (edge["from"], edge["to"]) != ("c", "a")]
    path = write(tmp_path, data)
    found = findings(read_graph(path, compat=True), compat=True)
    assert found.total_rank < 0.9
    assert "add up to" in plain(sections(found))


def test_a_published_graph_is_read_with_its_counts(tmp_path: Path) -> None:
    graph = read_graph(write(tmp_path, published()), compat=True)
    assert graph.counted is not None
    (edge,) = graph.counted
    assert (edge.wiser, edge.not_wiser, edge.unsure, edge.less_wise, edge.impressions) == (5, 1, 2, 0, 8)
    assert graph.published[0] == pytest.approx((edge.likelihood, edge.entropy), abs=1e-6)
    found = findings(graph, compat=True)
    assert [value.title for value in found.values] == ["Two", "One"]
    assert "No intervals" in plain(sections(found))


def test_a_later_judgement_of_the_same_person_replaces_the_earlier(tmp_path: Path) -> None:
    data = judged()
    data["edges"].append({**data["edges"][0], "verdict": "not_sure"})
    graph = read_graph(write(tmp_path, data))
    assert graph.repeated == 1
    assert sum(judgement.verdict == "unsure" for judgement in graph.judgements) == 2


def test_nothing_that_tells_who_somebody_is_comes_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, judged())
    assert run(str(path), "--json", "--plot", str(tmp_path / "graph.svg"), "--resamples", "20") == 0
    assert run(str(path), "--resamples", "20") == 0
    written = capsys.readouterr().out + (tmp_path / "graph.svg").read_text()
    assert SECRET not in written
    assert "Value b" in written


def test_json_is_whole_and_the_picture_has_every_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, judged())
    assert run(str(path), "--json", "--resamples", "20") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["disputes"][0]["cycle"] == ["a", "b", "c"]
    found = findings(read_graph(path), num_resamples=20)
    picture = json.dumps(graph_picture(found).to_dict())
    assert all(f"Value {name}" in picture for name in "abcd")
    text = plain(sections(found, top=2))
    assert "Value disputes" in text
    assert "Bridging values" in text
    assert "shuffled verdicts" in text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cards": []}, '"cards" is empty'),
        ({"cards": None}, '"cards" is missing'),
        ({"edges": "none"}, '"edges" is no list'),
        ({"edges": []}, "nothing to rank"),
        ({"cards": [{"title": "no id"}]}, "card 1 has no id"),
        ({"cards": [{"id": "a"}, {"id": "a"}]}, "two cards have the id"),
        ({"edges": [{"from": "a", "to": "aa", "verdict": "upgrade"}]}, 'Did you mean "a"?'),
        ({"edges": [{"from": "a", "to": "a", "verdict": "upgrade"}]}, "to itself"),
        ({"edges": [{"from": "a", "to": "b", "verdict": "upgrad"}]}, 'Did you mean "upgrade"?'),
        ({"camps": ["left"]}, '"camps" is no object'),
        ({"votes": [{"participant": "p", "card": "q"}]}, "vote 1"),
    ],
)
def test_a_file_without_sense_is_refused_with_its_place(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = write(tmp_path, {**judged(), **change})
    with pytest.raises(UserError) as refused:
        read_graph(path)
    assert said in str(refused.value)


def test_missing_and_broken_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_graph(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(UserError, match="is no JSON"):
        read_graph(tmp_path / "bad.json")
    with pytest.raises(UserError, match="is no moral graph"):
        read_graph(write(tmp_path, [1, 2]))
    broken = published()
    del broken["edges"][0]["counts"]["impressions"]
    with pytest.raises(UserError, match="edge 1 is not laid out"):
        read_graph(write(tmp_path, broken))


def test_judgements_that_make_no_edge_are_told_why(tmp_path: Path) -> None:
    data = judged()
    data["edges"] = data["edges"][:1]
    with pytest.raises(UserError, match="none of 1 judged pairs") as refused:
        findings(read_graph(write(tmp_path, data)))
    assert "2 upgrades" in str(refused.value)


def test_options_that_cannot_be_are_refused(tmp_path: Path) -> None:
    path = str(write(tmp_path, judged()))
    with pytest.raises(UserError, match="without --golden"):
        run(path, "--column", "x")
    with pytest.raises(UserError, match="too small"):
        run(path, "--top", "0")
    with pytest.raises(UserError, match="cannot be drawn"):
        run(path, "--plot", str(tmp_path / "x.gif"))


# The public files have no licence and are not here: the loaders are tried on synthetic files of the described shape.


def test_published_graph_and_survey_are_held_against(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "data", published(), "moral-graph-all-participants.json")
    (tmp_path / "data" / "survey-responses.csv").write_text(
        f"Prolific ID,How well do the values you submitted and voted for represent you?,Other\n"
        f"{SECRET},5,1\n{SECRET},4 - well,1\n{SECRET},2,5\n{SECRET},,5\n"
    )
    checks = {check.claim: check for check in dft_checks(tmp_path)}
    assert checks["edges with the published L and H"].found == "0 of 1"
    assert checks["cards and edges"].found == "2 and 1"
    assert checks["well represented"].found == "2/3"
    assert run(str(tmp_path), "--golden", "dft") == 1
    assert SECRET not in capsys.readouterr().out


def test_equal_likelihood_and_entropy_are_counted(tmp_path: Path) -> None:
    data = published()
    shares = [5 / 16, 1 / 16, 2 / 16, 8 / 16]
    data["edges"][0]["summary"]["entropy"] = -sum(p * math.log2(p) for p in shares)
    write(tmp_path, data, "moral-graph-all-participants.json")
    checks = {check.claim: check for check in dft_checks(tmp_path)}
    assert checks["edges with the published L and H"].found == "1 of 1"
    assert checks["survey-responses.csv"].ok is None


@pytest.mark.parametrize("key", ["relationship", "type"])
def test_raw_judgements_are_read_in_both_layouts_and_held_against(tmp_path: Path, key: str) -> None:
    rows = [{"userId": 10 + n, "fromId": 1, "toId": 2, "contextId": "x", key: "upgrade"} for n in range(3)]
    rows.append({"userId": 10, "fromId": 2, "toId": 1, "contextId": "x", key: "not_sure"})
    write(tmp_path / "dft-data", rows, "edge.json")
    write(tmp_path / "data", published((3, 0, 0, 0, 4)), "moral-graph-all-participants.json")
    said = read_judgements(tmp_path / "dft-data" / "edge.json")
    assert {judgement.participant for judgement in said} == {"p1", "p2", "p3"}
    checks = {check.claim: check for check in mge_checks(tmp_path)}
    assert checks["judgements"].found == "4"
    assert checks["upgrade, no upgrade, unsure"].found == "3, 0, 1"
    assert checks["published edges found again"].found == "1"
    assert checks["of these with equal counts"].found == "1"
    assert checks["graphPositionVerification.json"].ok is None


def test_the_answer_on_the_position_is_found_by_its_type_or_named(tmp_path: Path) -> None:
    truth = write(tmp_path, [{"userId": 1, "isFair": True, "comment": "x"}, {"userId": 2, "isFair": False}], "a.json")
    assert position_check(truth).found == "1/2"
    levels = write(tmp_path, [{"userId": 1, "answer": 5}, {"userId": 2, "answer": 3}], "b.json")
    assert position_check(levels).found == "1/2"
    two = write(tmp_path, [{"fair": True, "clear": False}], "c.json")
    with pytest.raises(UserError, match="2 fields could be the answer"):
        position_check(two)
    assert position_check(two, "fair").found == "1/1"


def test_a_survey_question_that_is_not_clear_must_be_named(tmp_path: Path) -> None:
    path = tmp_path / "survey.csv"
    path.write_text("submitted and voted,voted or submitted\n5,1\n")
    with pytest.raises(UserError, match="2 columns"):
        survey_check(path)
    assert survey_check(path, "voted or submitted").found == "0/1"


def test_a_folder_without_public_files_is_refused_and_a_bad_one_too(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds none of the public files"):
        dft_checks(tmp_path)
    write(tmp_path, [{"fromId": 1}], "edge.json")
    with pytest.raises(UserError, match="record 1 is not laid out"):
        mge_checks(tmp_path)


def test_the_two_step_test_is_told_with_what_to_ask_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = judged()
    data["edges"] += [{"from": "a", "to": "c", "context": "", "verdict": "upgrade", "participant": f"{SECRET}0"}]
    path = tmp_path / "g.json"
    path.write_text(json.dumps(data))
    parser = argparse.ArgumentParser()
    verb.configure(parser)
    assert verb.run(parser.parse_args([str(path), "--resamples", "5"])) == 0
    text = capsys.readouterr().out
    assert "Does wisdom carry on" in text and "Ask next" in text and SECRET not in text
    assert verb.run(parser.parse_args([str(path), "--resamples", "5", "--json"])) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["transitivity"]["num_asked"] >= 1 and said["ask_next"][0]["participant"].startswith("p")
