"""Eras on real engines: adapters beside their base in one batch, budget and resume, a small policy near the null."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from sim.config import validate
from sim.engines.base import PolicyRef
from sim.engines.kind import EngineSetting
from sim.engines.transformers import TransformersEngine
from sim.engines.transformers_model import TransformersConfig
from sim.limits import Limits
from sim.stage import Stopped, play_stage
from sim.store import Run
from societies.coevolution.eras import ErasConfig, society
from societies.seam import Setting
from tests.engines.conftest import write_adapter

pytestmark = pytest.mark.model
SMALL: dict[str, Any] = {"num": 40, "forms": ["letters"]}


def opened(folder: Path, *policies: PolicyRef) -> TransformersEngine:
    config = TransformersConfig(dtype="float32", device="cpu", batch_size=8)
    return TransformersEngine(config, EngineSetting(model_folder=folder, policies=(PolicyRef(name="base"), *policies)))


def perform(
    run: Run, engine: Any, config: ErasConfig, limits: Limits | None = None, **served: str
) -> dict[str, pl.DataFrame]:
    setting = Setting(seed=0, cast=lambda number, seed: [], policies={"all": "base", **served})
    play_stage(
        run, "r1.play", society.scripts(config, setting), engine, run_seed=0, tables=society.tables, limits=limits
    )
    return {table: run.read_events("r1.play", table) for table in run.event_tables("r1.play")}


def test_an_adapter_an_era_plays_beside_the_base_within_budget_and_survives_a_stop(
    tiny_folder: Path, tmp_path: Path
) -> None:
    refs = [
        PolicyRef(
            name=f"p{n}", kind="adapter", folder=write_adapter(tiny_folder, tmp_path / str(n), seed=n, strength=2.0)
        )
        for n in (1, 2)
    ]
    eras = [{"name": "now"}, *({"name": ref.name, "policy": ref.name} for ref in refs)]
    budget = {"per_timestep": 5, "queries": None, "tokens": None}
    config = validate(
        ErasConfig, {**SMALL, "eras": eras, "challenges": [{"name": "follow"}], "budget": budget}, "society"
    )
    engine = opened(tiny_folder, *refs)
    try:
        whole = perform(Run.create(tmp_path, "a", {}, {}), engine, config, p1="p1", p2="p2")
        stopped = Run.create(tmp_path, "b", {}, {})
        with pytest.raises(Stopped):
            perform(stopped, engine, config, Limits(run_requests=100), p1="p1", p2="p2")
        again = perform(stopped, engine, config, p1="p1", p2="p2")
    finally:
        engine.close()
    assert all(whole[table].equals(again[table]) for table in whole) and whole.keys() == again.keys()
    vectors = {row["voice"]: np.array(row["values"]) for row in whole["era_vectors"].iter_rows(named=True)}
    assert vectors["now"] == pytest.approx(vectors["policy-base"], abs=1e-5)
    assert min(np.abs(vectors[name] - vectors["now"]).max() for name in ("p1", "p2")) > 1e-4
    asked = whole["timesteps"].filter(pl.col("algorithm") == "lifelong")
    num_pairs = whole["era_votes"].filter(pl.col("voice") == "now").height
    assert asked["num_queries"].to_list() == [5, 5] and asked["num_refused"].to_list() == [num_pairs - 5] * 2


def test_a_small_policy_has_an_order_gap_and_lies_near_the_uniform_vector(model_folder: Path, tmp_path: Path) -> None:
    """P7: far from what a convinced responder gives, whose vector lies ten times further from the uniform one."""
    config = validate(ErasConfig, {**SMALL, "eras": [{"name": "bare"}], "challenges": []}, "society")
    engine = opened(model_folder)
    try:
        found = perform(Run.create(tmp_path, "a", {}, {}), engine, config)
    finally:
        engine.close()
    (row,) = found["era_vectors"].iter_rows(named=True)
    assert 0 < row["order_gap"] < 1 and 0 < row["vote_gap"] < 1
    assert row["invalid_rate"] == 0 and row["label_mass"] > 0.5
    away = float(np.linalg.norm(np.array(row["values"]) - row["uniform"]))
    assert 0 < away < 0.06, "a near-indifferent policy"
    items = found["era_items"]
    certain = np.where(np.array(items["adds"].to_list()) > 0, 1.0, 0.0).sum(axis=0) / (items.height + 1)
    assert np.linalg.norm(certain - row["uniform"]) > 0.3
