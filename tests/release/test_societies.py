"""A release of each sort of run: scenes, an assembly, a live and a numeric co-evolution, and a loop, all scripted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from selfalign.release.build import Built, build_release
from selfalign.release.config import load_config
from selfalign.release.reading import Release
from selfalign.release.verify import verify_release
from selfalign.release.walk import runs_by_id, walk_back
from selfalign.samples import topics_of
from sim.cli.__main__ import main
from sim.store import Run, find_runs

pytestmark = pytest.mark.e2e

KINDS = {
    "scenes": (
        "experiment=demo", "loop=off", "society.num_harmful=3", "society.num_ordinary=2", "society.num_roles=2",
        "society.num_steps=1", "society.max_interactions=2",
    ),
    "assembly": (
        "experiment=assembly_demo", "society.panel=4", "society.pool=40", "society.num_rounds=1", "society.written=2",
        "society.num_candidates=3",
    ),
    "live": (
        "experiment=coevolve_live", "society.personas=6", "society.timesteps=2", "society.claims=[honesty,fairness]",
    ),
    "numeric": ("experiment=coevolve_numeric", "society.humans.people=50", "society.humans.timesteps=4"),
    "loop": ("experiment=follow_small", "loop.train=false", "loop.num_rounds=2", "society.num=40"),
}  # fmt: skip
HOLDS = {
    "scenes": {"sft", "preference", "prompts", "scenes"},
    "assembly": {"preference", "ballots", "scenes", "unpaired"},
    "live": {"scenes", "value_trajectories"},
    "numeric": {"value_trajectories"},
    "loop": {"ballots", "prompts", "value_trajectories"},
}


@pytest.fixture(scope="module", params=KINDS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Run, Built]:
    """Play a run of this sort on the scripted engine, and build its release with the shipped settings."""
    root = tmp_path_factory.mktemp(request.param)
    assert main(["run", f"paths.runs={root}", "engine=scripted", *KINDS[request.param]]) == 0
    (run,) = find_runs(root)
    config = load_config(None, [f"out={root / 'out'}", f"name={request.param}"])
    return request.param, run, build_release([run.folder], config)


def test_it_has_its_configs_verifies_and_loads_offline(made: tuple[str, Run, Built], tmp_path: Path) -> None:
    kind, run, built = made
    tables = {table.name: table for table in built.account.tables}
    assert HOLDS[kind] <= tables.keys()
    checks = verify_release(built.folder, runs=[run.folder])
    assert [f"{check.name}: {check.found}" for check in checks if not check.passed] == []
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    for name, table in tables.items():
        found = datasets.load_dataset(str(built.folder), name, cache_dir=str(tmp_path))
        assert {split: len(rows) for split, rows in found.items()} == {s: table.num_rows(s) for s in table.splits}
        assert "train" in found or name in ("preference", "reward", "unpaired")  # few rows may all fall on one side


def test_croissant_describes_it(made: tuple[str, Run, Built]) -> None:
    croissant = pytest.importorskip("mlcroissant")
    dataset = croissant.Dataset(jsonld=str(made[2].folder / "croissant.json"))
    assert not dataset.metadata.issues.errors


def test_a_row_of_each_config_walks_back_to_its_run(made: tuple[str, Run, Built]) -> None:
    _, run, built = made
    release, runs = Release.open(built.folder), runs_by_id([run.folder])
    for table in built.account.tables:
        _, row = next(release.rows(table.name))
        walk = walk_back(release, row["id"], runs, config=table.name)
        assert walk.missing == ()
        assert walk.run["seed"] == 0
        assert all(asked.digest and asked.reply for asked in walk.requests)
        assert [asked.why_not for asked in walk.requests if not asked.prompt] == []
        if table.name == "scenes":  # a scene may end before anybody spoke
            assert bool(walk.turns) == bool(row["turns"])
        if table.name == "value_trajectories":
            assert walk.turns


def test_every_scene_walks_back_to_its_turns(made: tuple[str, Run, Built]) -> None:
    _, run, built = made
    if "scenes" not in {table.name for table in built.account.tables}:
        pytest.skip("this society plays no scenes")
    release, runs = Release.open(built.folder), runs_by_id([run.folder])
    found = [(row, walk_back(release, row["id"], runs, config="scenes")) for _, row in release.rows("scenes")]
    assert any(row["turns"] for row, _ in found)
    assert all(bool(walk.turns) == bool(row["turns"]) for row, walk in found)


def rows(built: Built, config: str) -> list[dict[str, Any]]:
    return [row for _, row in Release.open(built.folder).rows(config)]


def test_what_each_society_left_behind_is_told(made: tuple[str, Run, Built]) -> None:
    kind, run, built = made
    if kind == "assembly":
        panel = run.read_events("r1.play", "citizens")
        scene = next(row for row in rows(built, "scenes") if "." not in row["meta"]["scene"])
        told = run.read_events("r1.play", "turns").filter(arm="full")
        assert {turn["text"] for turn in scene["turns"]} >= set(told["text"])
        seats = set(run.read_events("r1.play", "seats").filter(arm="full")["citizen"])
        speech = next(turn for turn in scene["turns"] if turn["turn_id"].startswith("T"))
        assert set(speech["audience"]) == seats - {speech["role"]}
        clauses = [row for row in rows(built, "ballots") if row["kind"] == "clause"]
        assert all(row["options"] == ["yes", "no", "abstain"] for row in clauses)
        assert all(abs(sum(row["values"]) - 1) < 1e-6 for row in clauses)
        assert {row["weight"] for row in clauses} <= set(panel["weight"])
        people = Release.open(built.folder).lineage(["citizen_ids"])["citizen_ids"].to_pylist()
        topics = {
            one for names in Release.open(built.folder).lineage(["topics"])["topics"].to_pylist() for one in names
        }
        question = run.read_events("r1.play", "assemblies").filter(arm="full").row(0, named=True)
        assert topics == set(topics_of(question["topic"], question["question"]))
        persons = {f"population:default/{name}" for name in panel["persona_id"]}
        told = Release.open(built.folder).json("reports/coverage.json")["populations"]["default"]
        assert told["voted"]["n"] == panel["persona_id"].n_unique()
        assert 0 < told["spoke"]["n"] <= told["voted"]["n"]
        assert told["voted"]["features"]["sex"]["n"] == told["voted"]["n"]
        assert {"education", "place"} <= told["spoke"]["features"].keys()
        judges = Release.open(built.folder).json("reports/judges.json")
        asked = judges["position"]["all"]["first_slot"]
        assert asked["n"] == sum(one["first_slot"]["n"] for one in judges["position"]["by"].values()) > 0
        assert {name for names in people for name in names} == persons
    elif kind == "live":
        beliefs = run.read_events("r1.play", "beliefs")
        found = [row for row in rows(built, "value_trajectories") if row["instrument"] == "belief"]
        assert sorted(row["score"] for row in found) == sorted(beliefs["level"])
        whole = [row for row in rows(built, "value_trajectories") if row["item"] == "all claims"]
        assert any(row["lo"] is not None and row["lo"] <= row["score"] <= row["hi"] for row in whole)
        statements = run.read_events("r1.play", "messages").filter(kind="statement")
        turns = [turn for row in rows(built, "scenes") for turn in row["turns"] if turn["role"] != "assistant"]
        said = [turn for turn in turns if "The AI assistant" not in turn["audience"]]
        assert len(said) == statements["identity"].n_unique()
    elif kind == "numeric":
        card = (built.folder / "README.md").read_text()
        assert "no model was asked" in card
        assert "Dry run" not in card
        assert Release.open(built.folder).json("provenance/models.json")["models"] == []
        found = rows(built, "value_trajectories")
        assert len(found) == run.read_events("r1.play", "vectors")["values"].list.len().sum()
        results = run.read_events("r1.play", "results")
        assert {row["seed"] for row in found} == set(results["seed"])
        assert {row["item"] for row in found} == set(results["dims"][0])
    elif kind == "loop":
        found = rows(built, "value_trajectories")
        assert {row["timestep"] for row in found} >= {0, 1, 2}
        assert {row["subject"] for row in found} == {"people", "base"}
        votes = [run.read_events(stage, "votes") for stage in ("r1.play", "r2.play")]
        ballots = rows(built, "ballots")  # the questions of both rounds are the same, and what people say is not
        assert sorted(row["values"][0] for row in ballots) == sorted(p for frame in votes for p in frame["p_first"])
        assert {row["round"] for row in ballots} == {1, 2}
    else:
        assert "played by the scripted engine" in (built.folder / "README.md").read_text()
        assert all(turn["speaker"] for row in rows(built, "scenes") for turn in row["turns"])
