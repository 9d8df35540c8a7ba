"""The loop as a graph: what feeds what, what each node cost, and how much of it failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboards.learning import funnel_of, policies_of
from dashboards.measures import gates_of
from dashboards.pipeline import Pipeline, pipeline_of
from dashboards.pipeline_drawing import boxes_frame, label_lines, mermaid, pipeline_finding, prompt_graph
from dashboards.sources import Reader
from sim.store import Run
from sim.tables import write_json
from tests.dashboards.fake_run import HOSTILE, make_run


def read(run: Run) -> Pipeline | None:
    reader = Reader(run)
    return pipeline_of(reader, policies_of(reader), funnel_of(reader), gates_of(reader))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("runs"), text=HOSTILE)


@pytest.fixture(scope="module")
def found(run: Run) -> Pipeline:
    pipeline = read(run)
    assert pipeline is not None
    return pipeline


def test_the_loop_is_drawn_from_play_to_gate(found: Pipeline) -> None:
    arrows = {(a.source, a.target): a.word for a in found.arrows}
    assert arrows["n_base", "n_r1_play"] == "plays"
    assert arrows["n_r1_play", "n_train_p1"] == "5 samples"
    assert ("n_train_p1", "n_p1") in arrows
    assert arrows["n_p1", "n_r1_measure"] == "is asked"
    assert {("n_r0_measure", "n_gate_1"), ("n_r1_measure", "n_gate_1")} <= set(arrows)
    assert arrows["n_gate_1", "n_base"] == "rejected, base stays"


def test_nodes_have_time_tokens_and_failures_as_counted(run: Run, found: Pipeline) -> None:
    boxes = {box.title: box for box in found.boxes}
    tally = run.tally("r1.play")
    play = boxes["r1.play"]
    assert play.seconds == pytest.approx(tally["seconds"])
    assert play.tokens == tally["num_prompt_tokens"] + tally["num_output_tokens"]
    assert (play.failed, play.num) == (tally["num_forfeits"] + tally["num_failed"], tally["num_requests"])
    assert "1 of 6 scripts lost" in play.note
    training = boxes["train p1, matrix_sft"]
    assert (training.failed, training.num, training.seconds) == (2, 5, 41.5)
    frame = boxes_frame(found.boxes)
    row = frame.filter(frame["node"] == "r1.play").row(0, named=True)
    assert row["failure share"] == pytest.approx(play.failed / play.num)
    assert row["lo"] < row["failure share"] < row["hi"]
    assert row["n"] == play.num


def test_forfeits_are_told_by_prompt(run: Run, found: Pipeline) -> None:
    prompts = {box.title: box for box in found.prompts["r1.play"]}
    assert prompts["scenes/revise.v1"].failed == sum(run.tally("r1.play")["forfeits"].values())
    assert prompts["scenes/draft.v1"].failed == 0
    text = prompt_graph(found, "r1.play")
    assert "scenes/revise.v1" in text
    assert "n_r1_play --> n_r1_play_scenes_draft_v1" in text
    assert prompt_graph(found, "r9.play") == ""


def test_the_drawing_holds_no_text_that_could_break_it(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    gate = run.folder / "gates" / "r1.json"
    gate.write_text(gate.read_text().replace('"p1"', '"p1]; <script>"'))
    policy = run.folder / "policies" / "p1" / "policy.json"
    policy.write_text(policy.read_text().replace("matrix_sft", 'x\\"]--> evil'))
    found = read(run)
    assert found is not None
    text = mermaid(found)
    assert "<script" not in text
    assert "evil" in text
    for line in text.splitlines()[1:]:
        assert line.count('"') in (0, 2)


def test_a_stage_that_was_cut_off_is_marked(tmp_path: Path) -> None:
    run = make_run(tmp_path, stop=True)
    found = read(run)
    assert found is not None
    (play,) = [box for box in found.boxes if box.title == "r1.play"]
    assert play.state == "stopped"
    assert "style n_r1_play stroke" in mermaid(found)
    assert label_lines(play)[0] == "stopped"


def test_a_promoted_policy_plays_the_next_round(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    decided = {"round": 1, "candidate": "p1", "decision": "promoted", "by": "gate", "current": "p1"}
    write_json(run.folder / "gates" / "r1.decision.json", decided)
    (run.folder / "tallies" / "r2.play.json").write_bytes((run.folder / "tallies" / "r1.play.json").read_bytes())
    found = read(run)
    assert found is not None
    arrows = {(a.source, a.target): a.word for a in found.arrows}
    assert arrows["n_p1", "n_r2_play"] == "plays"
    assert arrows["n_gate_1", "n_p1"] == "promoted"


def test_the_finding_names_what_took_most(found: Pipeline) -> None:
    said = pipeline_finding(found)
    assert said.startswith("3 stages, 1 training and 1 gate took")
    assert "train p1, matrix_sft took most" in said
    assert "replies could not be used" in said


def test_nothing_begun_is_no_graph(tmp_path: Path) -> None:
    assert read(Run.create(tmp_path, "x", {"name": "x"}, {})) is None
