"""A reward model from votes, then GRPO and RLOO on it: what the reward is, the order of the jobs, and real steps."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.errors import UserError
from agents.registry import find
from agents.requests import Message
from agents.sample import Candidate, Sample, Vote
from selfalign.config import Extrapolate, PreferenceConfig, RewardModel, RlConfig
from selfalign.loop.graph import run_loop
from selfalign.recipe import settings
from selfalign.train.job import ADAPTER, ROWS, TrainJob, read_lines, read_rows, write_rows
from selfalign.train.online import check_enough
from selfalign.train.progress import curve_frame
from selfalign.train.reward import BELOW, load_reward, reward_job, reward_of
from tests.selfalign.test_assembly_recipes import choice
from tests.selfalign.world import PretendTrainer, ToySociety, workshop

FAST: dict[str, Any] = {
    "warmup": 0.0,
    "lora_dropout": 0.0,
    "max_length": 256,
    "batch": 4,
    "grad_accumulation": 1,
    "threads": 1,
}


def worded(n: int) -> Sample:
    """Everybody likes the answer that begins with "Kindly"."""
    made = choice(n, [1.0])
    texts = (f"Kindly take the road {n}.", f"Never mind the road {n}.")
    return replace(
        made,
        kind="answers",
        prompt=(Message("user", f"Which way to place {n}?"),),
        candidates=tuple(Candidate(text=text, author="people") for text in texts),
    )


def job_of(name: str, samples: list[Sample], config: PreferenceConfig, folder: Path, model: Path) -> TrainJob:
    recipe = find("recipes", name)
    built, _ = recipe.rows(samples, config, 0)
    write_rows(folder / ROWS, built.rows, built.sample_ids)
    return TrainJob(
        folder=folder, name="p1", recipe=name, engine=recipe.engine, loss=recipe.loss, knobs=dict(recipe.knobs),
        config=settings(config), base_folder=str(model), data_digest=built.digest, seed=7,
    )  # fmt: skip


# --- the reward function


def test_answers_in_words_are_scored_whole_and_only_once() -> None:
    asked: list[str] = []

    def score(chats: Any) -> list[float]:
        asked.extend(chat[-1]["content"] for chat in chats)
        return [float(len(chat[-1]["content"])) for chat in chats]

    reward = reward_of(score)
    messages = [[{"role": "user", "content": "Why?"}]] * 3
    columns: dict[str, Any] = {"messages": messages, "stub": [""] * 3, "tail": [""] * 3, "labels": [[]] * 3}
    assert reward(completions=["Rain.", " Rain. ", "Sun"], prompts=["x"] * 3, **columns) == [5.0, 5.0, 3.0]
    assert reward(completions=["Sun", "Rain.", "Sun"], **columns) == [3.0, 5.0, 3.0]
    assert asked == ["Rain.", "Sun"]


def test_an_answer_that_is_no_label_lies_below_the_worse_label() -> None:
    verdicts = {"Answer: (A)": 2.0, "Answer: (B)": -1.0}
    reward = reward_of(lambda chats: [verdicts[chat[-1]["content"]] for chat in chats])
    messages = [[{"role": "user", "content": "Which?"}]] * 4
    columns: dict[str, Any] = {
        "messages": messages, "stub": ["Answer: ("] * 4, "tail": [")"] * 4, "labels": [["A", "B"]] * 4,
    }  # fmt: skip
    assert reward(completions=["A", "B", "Well", ""], **columns) == [2.0, -1.0, -1.0 - BELOW, -1.0 - BELOW]


def test_prompts_that_do_not_fill_a_step_are_refused() -> None:
    config = settings(RlConfig(lora_dropout=0.0, batch=8, grad_accumulation=2, num_generations=4))
    check_enough(4, config)
    with pytest.raises(UserError, match="There are 3 prompts to answer; a step takes 4"):
        check_enough(3, config)


# --- the loop


class VotedSociety(ToySociety):
    """Two answers to each question, and a vote that is clear."""

    def _scene(self, n: int, setting: Any) -> Any:
        script = super()._scene(n, setting)
        made = script.send((yield next(script)))
        texts = (f"Take the first way, {n}.", f"Take the second way, {n}.")
        vote = Vote(voter="people", group="", dim="d", kind="pair", value=(0.9, 0.1))
        yield replace(
            made, kind="answers", candidates=tuple(Candidate(text=t, author="a") for t in texts), votes=(vote,)
        )


def test_the_reward_model_comes_first_and_is_told_of_in_the_policys_record(tmp_path: Path) -> None:
    trainer = PretendTrainer()
    shop = workshop(tmp_path, {"p1": {"harmful"}}, trainer)
    shop.session.society = VotedSociety()
    shop.recipe = find("recipes", "grpo")
    shop.recipe_config = RlConfig(lora_dropout=0.0, batch=4, reward=RewardModel(epochs=5.0, lr=1e-3))
    run_loop(shop)
    first, second = trainer.jobs
    assert (first.name, first.engine, first.parent, first.folder) == (
        "p1-reward",
        "trl:reward",
        "base",
        second.folder / "reward",
    )
    assert (first.config["epochs"], first.config["lr"]) == (5.0, 1e-3) != (second.config["epochs"], second.config["lr"])
    assert (second.name, second.engine) == ("p1", "trl:grpo")
    assert read_rows(first.folder / ROWS) == read_rows(second.folder / ROWS)
    meta = shop.store.verify("p1")
    assert set(meta.files) == {"adapter_model.safetensors", "curves.parquet", "reward_curves.parquet"}
    assert meta.metrics["reward_model"] == {"loss": 0.5}


# --- real steps


@pytest.fixture
def own_signals() -> Iterator[None]:
    """Training in this process takes SIGTERM for itself; give it back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.model
def test_real_steps_of_every_recipe_over_votes(tmp_path: Path, tiny_model: Path, own_signals: None) -> None:
    """In one process, on the two-layer model: DPO and SFT, a reward model that learns, GRPO and RLOO on it, and on."""
    from safetensors.torch import load_file
    from transformers import AutoTokenizer

    from selfalign.train.trl import run_job

    samples = [worded(n) for n in range(12)]
    ahead = Extrapolate(order=0, votes="hard")
    for name in ("follow_dpo", "follow_sft"):
        config = PreferenceConfig(**FAST, lr=1e-3, max_steps=1, extrapolate=ahead)
        summary = run_job(job_of(name, samples, config, tmp_path / name, tiny_model))
        assert (summary["num_steps"], summary["num_rows"]) == (1, 12)

    learns = RewardModel(epochs=20.0, lr=2e-2)
    config = RlConfig(**FAST, lr=1e-3, max_steps=2, max_completion=4, reward=learns)
    policy = job_of("grpo", samples, config, tmp_path / "grpo", tiny_model)
    rewarder = reward_job(policy)
    assert run_job(rewarder)["num_steps"] == 60
    curve = curve_frame(rewarder.folder)
    assert curve["accuracy"].tail(10).mean() > 0.9 and curve["loss"].tail(10).mean() < 0.4
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    reward = load_reward(str(tiny_model), rewarder.folder / ADAPTER, tokenizer)
    new = worded(40)
    messages = [[{"role": m.role, "content": m.content} for m in new.prompt]] * 2
    liked, disliked = reward(
        completions=[one.text for one in new.candidates],
        messages=messages, stub=[""] * 2, tail=[""] * 2, labels=[[]] * 2,
    )  # fmt: skip
    assert liked > disliked, "and on a question that it never saw"

    assert run_job(policy)["num_steps"] == 2
    lines = [line for line, _ in read_lines(policy.folder / "curve.jsonl") if "event" not in line]
    assert {"loss", "reward", "reward_std", "kl", "frac_reward_zero_std"} <= set(lines[-1])
    assert lines[0]["reward_std"] > 0
    weights = load_file(policy.folder / ADAPTER / "adapter_model.safetensors")
    assert any(bool(tensor.abs().sum() > 0) for key, tensor in weights.items() if "lora_B" in key), "it was moved"

    on = job_of("rloo", samples, replace(config, scale_rewards="none"), tmp_path / "rloo", tiny_model)
    (on.folder / "reward").symlink_to(rewarder.folder)
    on = replace(on, parent="p1", parent_folder=str(policy.folder / ADAPTER))
    assert run_job(on)["num_steps"] == 2
    after = load_file(on.folder / ADAPTER / "adapter_model.safetensors")
    assert after.keys() == weights.keys(), "the reference adapter is not stored"
    assert any(not bool((after[key] == weights[key]).all()) for key in after)


@pytest.mark.model
def test_a_letter_is_rewarded_on_the_small_model(tmp_path: Path, small_model: Path, own_signals: None) -> None:
    """One step of each: a reward model over letters, then GRPO with one sampled token."""
    from selfalign.train.trl import run_job

    config = RlConfig(**FAST, lr=1e-4, max_steps=1, reward=RewardModel(max_steps=1))
    policy = job_of("grpo", [choice(0, [0.9])], config, tmp_path / "j", small_model)
    run_job(reward_job(policy))
    summary = run_job(policy)
    line = curve_frame(policy.folder).to_dicts()[-1]
    assert summary["num_steps"] == 1 and line["mean_length"] == 1.0
    config_read = json.loads((policy.folder / ADAPTER / "adapter_config.json").read_text())
    assert config_read["task_type"] == "CAUSAL_LM"
