"""Real training on an assembly's votes: one step of DPO on ballots, and soft choices that reach their target."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from agents.registry import find
from selfalign.config import AssemblyTrainConfig, ChoiceConfig
from selfalign.recipe import settings
from selfalign.train.job import ADAPTER, ROWS, TrainJob, write_rows
from selfalign.train.runner import train
from tests.selfalign.test_assembly_recipes import choice, ranking

pytestmark = pytest.mark.model
FAST: dict[str, Any] = {"warmup": 0.0, "lora_dropout": 0.0, "max_length": 256}


def job(name: str, rows: Any, config: Any, folder: Path, model: Path) -> TrainJob:
    recipe = find("recipes", name)
    write_rows(folder / ROWS, rows.rows, rows.sample_ids)
    return TrainJob(
        folder=folder, name="p1", recipe=name, engine=recipe.engine, loss=recipe.loss, config=settings(config),
        base_folder=str(model), data_digest=rows.digest, seed=7,
    )  # fmt: skip


def test_one_real_step_on_ballots(tmp_path: Path, small_model: Path) -> None:
    config = AssemblyTrainConfig(**FAST, margin=0.0, batch=2, grad_accumulation=1, max_steps=1)
    rows, _ = find("recipes", "assembly_dpo").rows([ranking([[3, 2, 1]] * 3 + [[1, 3, 2]] * 2)], config, 0)
    summary = train(job("assembly_dpo", rows, config, tmp_path / "j", small_model))
    assert summary["num_steps"] == 1 and summary["loss"] == pytest.approx(math.log(2), abs=0.05)


def test_a_choice_is_drawn_to_its_share_in_both_orders(tmp_path: Path, small_model: Path) -> None:
    """Eight steps on one pair: the loss falls towards the entropy of the target, and an adapter is left."""
    config = ChoiceConfig(**FAST, lr=2e-3, batch=2, grad_accumulation=1, epochs=8.0)
    rows, _ = find("recipes", "utility_control").rows([choice(0, [0.9])], config, 0)
    curve: list[dict[str, Any]] = []
    summary = train(job("utility_control", rows, config, tmp_path / "j", small_model), curve.append)
    losses = [line["loss"] for line in curve if "loss" in line]
    entropy = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    assert summary["num_steps"] == 8 and losses[-1] < losses[0]
    assert entropy - 1e-3 <= losses[-1] < entropy + 0.5
    assert (tmp_path / "j" / ADAPTER / "adapter_model.safetensors").is_file()
