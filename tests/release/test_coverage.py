"""Demographic coverage: who spoke and who voted against the targets of their population, beside chance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from agents.population import build_population
from selfalign.release.bias import total_variation_by_chance
from selfalign.release.config import ReleaseConfig
from selfalign.release.coverage import coverage
from selfalign.release.intake import Intake, open_runs
from tests.release.making import sample, write_run

POPULATION: dict[str, Any] = {
    "name": "town",
    "source": "marginals",
    "size": 200,
    "variables": {"sex": {"female": 0.5, "male": 0.5}, "place": {"city": 0.5, "village": 0.5}},
}


def intake(root: Path, population: dict[str, Any], name: str = "made") -> Intake:
    run = write_run(root, [sample(1)], name=name)
    config = run.folder / "config.yaml"
    config.write_text(yaml.safe_dump({**yaml.safe_load(config.read_text()), "population": population}, sort_keys=False))
    return open_runs([run.folder], ReleaseConfig())[0]


def names(**where: str) -> set[str]:
    frame = build_population({**POPULATION, "seed": 7})
    for column, value in where.items():
        frame = frame.filter(frame[column] == value)
    return {f"population:town/{one}" for one in frame["persona_id"]}


def test_the_whole_population_meets_its_targets_and_one_half_does_not(tmp_path: Path) -> None:
    runs = [intake(tmp_path, POPULATION)]
    report = coverage(runs, [], {"spoke": names(), "voted": names(sex="female")}, 0)
    told = report["populations"]["town"]
    assert told["spoke"]["n"] == 200
    assert told["spoke"]["features"]["sex"]["total_variation"] == pytest.approx(0, abs=0.01)
    voted = told["voted"]["features"]["sex"]
    assert voted["total_variation"] == pytest.approx(0.5)
    assert voted["by_chance_95"] < 0.2 < voted["total_variation"]
    assert voted["shares"] == {"female": [1.0, 0.5], "male": [0.0, 0.5]}
    assert voted["n"] == len(names(sex="female"))
    assert "farthest beyond that, sex of those who voted: total variation 0.50" in report["summary"]
    assert coverage(runs, [], {"spoke": names(), "voted": names(sex="female")}, 0) == report


def test_chance_is_what_random_draws_are() -> None:
    mean, high = total_variation_by_chance((0.5, 0.5), 100, 0)
    # |k/100 - 1/2| of a binomial: mean about sqrt(2 / (pi * 400)) = .0399, 95th percentile 1.96 / 20 = .098
    assert mean == pytest.approx(0.0399, abs=0.004)
    assert high == pytest.approx(0.098, abs=0.012)
    assert total_variation_by_chance((0.5, 0.5), 10_000, 0)[1] < 0.011
    assert np.isfinite(total_variation_by_chance((1.0, 0.0), 3, 0)).all()


def test_what_cannot_be_compared_says_why(tmp_path: Path) -> None:
    people = {"spoke": {"population:town/p1", "made/x|c1"}, "voted": set[str]()}
    survey = {"name": "town", "source": "microdata", "path": "/nowhere/survey.csv"}
    report = coverage([intake(tmp_path, survey)], [], people, 0)
    assert "not at hand" in report["populations"]["town"]["why_not"]
    assert report["populations"]["town"]["spoke"]["n"] == 1
    assert report["people_without_population"] == {"spoke": 1, "voted": 0}
    two = [intake(tmp_path / "a", POPULATION), intake(tmp_path / "b", {**POPULATION, "size": 300}, name="other")]
    assert "different populations" in coverage(two, [], people, 0)["populations"]["town"]["why_not"]
    nobody = coverage([intake(tmp_path / "c", POPULATION)], [], {"spoke": set(), "voted": set()}, 0)
    assert nobody["populations"]["town"]["why_not"] == "nobody of it spoke or voted in a row"
    alone = coverage([], [], {"spoke": {"made/x|c1"}, "voted": set()}, 0)
    assert alone["summary"].startswith("Coverage: no population was drawn (1 speakers")
