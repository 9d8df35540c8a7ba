"""`benchmarks.eras` tells eras with values of their own from eras that differ by noise, in numbers that are known."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.requests import Request
from benchmarks.eras import jackknife, measure, shuffled
from sim.config import compose, validate
from sim.engines.scripted import ScriptedEngine
from sim.stage import play_stage
from sim.store import Run
from societies.coevolution.eras import ErasConfig, society
from tests.coevolution.era_folk import START, believing, history, setting, timestep_of

SMALL: dict[str, Any] = {"num": 60, "forms": ["letters"]}


def told(folder: Path, values: Any) -> dict[str, Any]:
    answer = believing(values)
    config = validate(ErasConfig, SMALL, "society")
    given = dataclasses.asdict(compose(["experiment=follow_eras"]))
    given["society"] = {"name": "eras", **dataclasses.asdict(config)}
    run = Run.create(folder, "eras", given, {"scripted": True})
    engine = ScriptedEngine(lambda ticket: answer(ticket.request))
    play_stage(run, "r1.play", society.scripts(config, setting()), engine, run_seed=0, tables=society.tables)
    return measure(run.folder)


def moody(request: Request) -> np.ndarray:
    """The same values in every era, and a mood that depends on item and era alone."""
    text = request.messages[-1].content.splitlines()[0]
    seed = [sum(text.encode()), timestep_of(request) + 1]
    return START + np.random.default_rng(seed).normal(0, 0.8, START.size)


def test_a_history_that_moves_stands_out_of_shuffled_eras_and_halves_agree(tmp_path: Path) -> None:
    found = told(tmp_path, history)
    assert found["apart"]["p"] < 0.01
    assert found["apart"]["distance"][0] > found["apart"]["null"][2]
    assert found["agreement"]["r"][0] > 0.5 > found["agreement"]["null"][0]
    by_arm = {(one["challenge"], one["algorithm"]): one for one in found["trials"]}
    assert by_arm["follow", "lifelong"]["from_uniform"][0] > 0.7
    assert np.isnan(by_arm["follow", "base"]["from_uniform"][0]), "the base is uniform here, so it has no direction"
    assert by_arm["follow", "oracle"]["raw"] == pytest.approx([1.0, 1.0, 1.0])
    assert found["scripted"] and found["num_items"] == 30


def test_eras_that_differ_by_moods_do_not(tmp_path: Path) -> None:
    found = told(tmp_path, moody)
    assert found["item_spread"][0] > 0.1, "the answers differ"
    assert found["apart"]["p"] > 0.05
    assert found["agreement"]["r"][0] < 0.3


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    values = np.random.default_rng(0).normal(2, 1, 200)
    point, lo, hi = jackknife(lambda mask: float(values[mask].mean()), np.zeros(200, dtype=np.int64))
    assert point == pytest.approx(values.mean())
    assert (hi - lo) / 2 == pytest.approx(1.96 * values.std(ddof=1) / np.sqrt(200))


def test_shuffling_keeps_every_item_and_mixes_its_eras() -> None:
    rows = np.arange(4 * 6 * 2, dtype=float).reshape(4, 6, 2)
    mixed = shuffled(rows, np.random.default_rng(0))
    assert np.sort(mixed, axis=0) == pytest.approx(np.sort(rows, axis=0))
    assert not np.array_equal(mixed, rows)
    assert (np.diff(mixed, axis=2) == 1).all(), "an item's dimensions stay together"
