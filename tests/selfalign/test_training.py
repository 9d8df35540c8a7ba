"""Real training through TRL: one step of every recipe, the same prompt as inference, and kill -9 in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.errors import UserError
from agents.registry import find
from selfalign.config import RaftConfig, TrainConfig
from selfalign.recipe import Recipe, settings
from selfalign.train.job import (
    ADAPTER,
    CURVE,
    DONE,
    LOG,
    ROWS,
    TrainJob,
    last_checkpoint,
    read_job,
    read_lines,
    whole_lines,
    write_rows,
)
from selfalign.train.progress import mean_loss
from selfalign.train.runner import STOPPED, TrainingDied, clean, train
from sim.stage import Stopped
from tests.selfalign.toy import helpful, pair_vote, sample

pytestmark = pytest.mark.model
RECIPES = ("matrix_sft", "matrix_dpo", "matrix_ln_dpo", "raft")
FAST = {"lr": 5e-4, "warmup": 0.0, "batch": 2, "grad_accumulation": 1, "lora_dropout": 0.0, "max_length": 256}


def job_for(recipe: Recipe, folder: Path, model: Path, num: int = 8, **config: Any) -> TrainJob:
    votes = (pair_vote("a", 0.9, 0.1),)
    samples = [sample(n, votes=votes) for n in range(num)] + [helpful(n) for n in range(num)]
    wanted = {**FAST, "mix": {"revision_harmful": 1.0}, "beta": 2.0, **config}
    if recipe.config is RaftConfig:
        del wanted["mix"]
    built, _ = recipe.rows(samples, recipe.config(**wanted), 0)
    write_rows(folder / ROWS, built.rows, built.sample_ids)
    return TrainJob(
        folder=folder, name="p1", recipe=recipe.name, engine=recipe.engine, loss=recipe.loss,
        config=settings(recipe.config(**wanted)), base_folder=str(model), data_digest=built.digest, seed=7,
    )  # fmt: skip


@pytest.mark.parametrize("name", RECIPES)
def test_one_real_step_of_every_recipe(name: str, tmp_path: Path, small_model: Path) -> None:
    from safetensors.torch import load_file

    job = job_for(find("recipes", name), tmp_path / name, small_model, num=2, max_steps=1)
    lines: list[dict[str, Any]] = []
    summary = train(job, lines.append)
    assert summary["num_steps"] == 1
    assert lines[0]["event"] == "estimate"
    assert lines[0]["tokens"] > 0
    assert {"step", "loss", "learning_rate", "grad_norm", "tokens_per_s", "eta_s"} <= set(lines[-1])
    weights = load_file(job.folder / ADAPTER / "adapter_model.safetensors")
    assert len(weights) == 2 * 7 * 30
    assert any(bool(tensor.abs().sum() > 0) for key, tensor in weights.items() if "lora_B" in key), "one step was taken"
    config = json.loads((job.folder / ADAPTER / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"]) == (8, 16)
    assert not list((job.folder / ADAPTER).glob("*.bin"))
    clean(job.folder)
    assert last_checkpoint(job.folder) is None


def test_the_trainer_reads_the_prompt_that_the_engines_send(small_model: Path) -> None:
    from transformers import AutoTokenizer
    from trl.data_utils import is_conversational

    from selfalign.train.trl import token_ids

    tokenizer = AutoTokenizer.from_pretrained(small_model)
    prompt = [{"role": "user", "content": "Is it safe?  <b>"}]
    answer = [{"role": "assistant", "content": "Yes, it is."}]
    assert is_conversational({"prompt": prompt, "completion": answer})
    alone = token_ids(tokenizer, prompt, prompt=True)
    both = token_ids(tokenizer, prompt + answer)
    assert both[: len(alone)] == alone, "the template renders the prompt alike with and without its answer"
    rendered = tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
    assert tokenizer(rendered, add_special_tokens=False).input_ids == alone
    assert tokenizer.eos_token_id in both[len(alone) :], "the end of the answer is learned"


def test_loss_is_on_the_answer_alone(tmp_path: Path, tiny_model: Path) -> None:
    """Two jobs that differ in their prompts' length alone count the same answer tokens in the first loss."""
    import torch
    import trl
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    row = {
        "prompt": [{"role": "user", "content": "Why?"}],
        "completion": [{"role": "assistant", "content": "Because of the rain."}],
    }
    trainer = trl.SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32),
        args=trl.SFTConfig(
            output_dir=str(tmp_path), completion_only_loss=True, report_to="none", use_cpu=True, bf16=False
        ),
        train_dataset=Dataset.from_list([row]),
        processing_class=tokenizer,
    )
    batch = next(iter(trainer.get_train_dataloader()))
    labels = batch["labels"][0]
    learned = tokenizer.decode(labels[labels != -100])
    assert learned == "Because of the rain.<|im_end|>\n"


@pytest.mark.slow
def test_kill_9_in_the_middle_goes_on_from_the_checkpoint_to_the_same_weights(tmp_path: Path, tiny_model: Path) -> None:
    recipe = find("recipes", "matrix_sft")
    options = {"num": 12, "epochs": 1.0, "save_steps": 2, "lora_dropout": 0.05, "threads": 1}
    whole = job_for(recipe, tmp_path / "whole", tiny_model, **options)
    undisturbed = train(whole)
    killed = job_for(recipe, tmp_path / "killed", tiny_model, **options)
    pids: list[int] = []

    def kill_at_step_3(line: dict[str, Any]) -> None:
        pids.extend([line["pid"]] if line.get("event") == "estimate" else [])
        if line.get("step") == 3 and len(pids) == 1:
            os.kill(pids[0], signal.SIGKILL)

    summary = train(killed, kill_at_step_3)
    assert len(pids) == 2
    assert summary["resumed_from"].startswith("checkpoint-")
    left, right = ((job.folder / ADAPTER / "adapter_model.safetensors").read_bytes() for job in (whole, killed))
    assert left == right, "data order, dropout and optimiser go on where they were"
    steps = [line["step"] for line, _ in read_lines(killed.folder / CURVE) if "event" not in line]
    assert sorted(set(steps)) == [1, 2, 3, 4, 5, 6]
    assert summary["loss"] == pytest.approx(undisturbed["loss"], rel=1e-4), "of all steps, not of those since the kill"


@pytest.mark.slow
def test_an_order_to_stop_ends_at_a_step_with_a_checkpoint_and_training_goes_on_from_there(
    tmp_path: Path, tiny_model: Path
) -> None:
    # No checkpoint is due before the end, so the one that is found was made for the order.
    options = {"num": 24, "epochs": 1.0, "save_steps": 1000, "threads": 1}
    job = job_for(find("recipes", "matrix_sft"), tmp_path, tiny_model, **options)
    seen: list[dict[str, Any]] = []

    def obey() -> None:
        if any(line.get("step") for line in seen):
            raise Stopped("stopped by Ada")

    with pytest.raises(Stopped, match="stopped by Ada"):
        train(job, seen.append, obey)
    checkpoint = last_checkpoint(job.folder)
    assert checkpoint is not None
    assert not (job.folder / DONE).exists()
    summary = train(job)
    assert summary["resumed_from"] == checkpoint.name
    assert 0 < int(checkpoint.name.removeprefix("checkpoint-")) < summary["num_steps"]


def test_a_child_whose_parent_has_gone_before_it_began_trains_nothing(tmp_path: Path) -> None:
    job = TrainJob(folder=tmp_path, name="p1", recipe="r", engine="trl:sft", loss="nll", config={}, base_folder="none")
    gone = subprocess.Popen(["true"])
    gone.wait()
    words = [sys.executable, "-m", "selfalign.train.runner", str(job.write()), str(gone.pid)]
    assert subprocess.run(words, capture_output=True).returncode == STOPPED
    assert not (tmp_path / DONE).exists()


def test_weights_that_are_no_numbers_are_no_policy(tmp_path: Path) -> None:
    import torch

    from selfalign.train.trl import check_finite

    job = TrainJob(
        folder=tmp_path, name="p1", recipe="r", engine="trl:sft", loss="nll", config={"lr": 9.0}, base_folder="none"
    )
    check_finite(job, [torch.ones(2)])
    with pytest.raises(UserError, match=r"Training p1 broke down") as caught:
        check_finite(job, [torch.ones(2), torch.tensor([1.0, float("nan")])])
    assert "recipe.lr = 9" in caught.value.why


def test_a_torn_line_of_the_curve_does_not_spoil_the_next(tmp_path: Path) -> None:
    curve = tmp_path / CURVE
    curve.write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "lo')
    whole_lines(curve)
    with curve.open("a") as file:
        file.write('{"step": 2, "loss": 1.0}\n')
    assert [line["step"] for line, _ in read_lines(curve)] == [1, 2]
    assert mean_loss(tmp_path) == 1.5


@pytest.mark.slow
def test_a_child_that_is_killed_again_and_again_is_the_users_to_know(tmp_path: Path, tiny_model: Path) -> None:
    job = job_for(find("recipes", "matrix_sft"), tmp_path, tiny_model)

    def kill(line: dict[str, Any]) -> None:
        if line.get("event") == "estimate":
            os.kill(line["pid"], signal.SIGKILL)

    with pytest.raises(UserError, match="killed by signal 9") as error:
        train(job, kill, num_restarts=0)
    assert "recipe.batch" in error.value.fix


def test_rows_that_do_not_fit_are_a_users_mistake(tmp_path: Path, tiny_model: Path) -> None:
    job = job_for(find("recipes", "matrix_sft"), tmp_path, tiny_model, max_length=16)
    with pytest.raises(UserError, match=r"None of the 8 training rows fits into recipe\.max_length = 16"):
        train(job)


def test_a_bug_in_the_child_shows_the_end_of_its_log(tmp_path: Path, tiny_model: Path) -> None:
    job = job_for(find("recipes", "matrix_sft"), tmp_path, tiny_model)
    with pytest.raises(TrainingDied, match="no_such_loss"):
        train(replace(job, loss="no_such_loss"))
    assert (job.folder / LOG).stat().st_size


def test_the_second_policy_goes_on_from_the_first_and_keeps_its_own_weights(tmp_path: Path, tiny_model: Path) -> None:
    first = job_for(find("recipes", "matrix_sft"), tmp_path / "p1", tiny_model, max_steps=1)
    train(first)
    second = job_for(find("recipes", "matrix_ln_dpo"), tmp_path / "p2", tiny_model, max_steps=1)
    train(replace(second, parent="p1", parent_folder=str(first.folder / ADAPTER)))
    from safetensors.torch import load_file

    before = load_file(first.folder / ADAPTER / "adapter_model.safetensors")
    after = load_file(second.folder / ADAPTER / "adapter_model.safetensors")
    assert before.keys() == after.keys(), "TRL's reference adapter is not stored"
    assert any(not bool((before[key] == after[key]).all()) for key in before)


def test_a_job_file_says_everything_and_moves_with_its_folder(tmp_path: Path) -> None:
    job = TrainJob(
        folder=tmp_path / "a", name="p1", recipe="raft", engine="trl:sft", loss="nll",
        config=settings(TrainConfig()), base_folder="/m",
    )  # fmt: skip
    path = job.write()
    moved = path.parent.rename(tmp_path / "b") / path.name
    assert read_job(moved) == replace(job, folder=tmp_path / "b")
