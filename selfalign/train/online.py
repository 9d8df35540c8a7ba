"""GRPO and RLOO through TRL: the policy answers, a reward model of the people's votes scores, and the policy is moved.

Prompts are rendered as the engines render them, with the answer begun where a label is to stand, so one token is
sampled there. The KL is to the policy that training starts from. Rewards are divided by their spread over the batch,
not within a prompt's group, unless the recipe says so: a group's own spread divides out whatever weighs one prompt
against another. Source: GRPO, Shao et al. 2024, arXiv 2402.03300; RLOO, Ahmadian et al. 2024, arXiv 2402.14740.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agents.errors import UserError
from agents.requests import Message
from selfalign.train.job import ADAPTER, TrainJob
from selfalign.train.reward import FOLDER, load_reward

GRPO, RLOO = "trl:grpo", "trl:rloo"
ENGINES = (GRPO, RLOO)


def policy_trainer(
    job: TrainJob,
    model: Any,
    lora: Any,
    rows: Sequence[dict[str, Any]],
    tokenizer: Any,
    common: Mapping[str, Any],
    **more: Any,
) -> Any:
    """Return TRL's trainer for a job whose reward model has been trained, in the folder below the job's."""
    import datasets
    import trl

    config = job.config
    prompts = prompts_of(rows, job.base_folder)
    check_enough(len(prompts), config)
    spread = str(config["scale_rewards"])
    settings = {
        **{key: value for key, value in common.items() if key != "max_length"},
        "num_generations": int(config["num_generations"]),
        "max_completion_length": 1 if all(row["labels"] for row in prompts) else int(config["max_completion"]),
        "temperature": float(config["temperature"]),
        "beta": float(config["beta"]),
        "disable_dropout": True,
        **job.knobs,
    }
    if job.engine == GRPO:
        scale = False if spread == "none" else spread
        trainer_class, arguments = trl.GRPOTrainer, trl.GRPOConfig(**settings, loss_type=job.loss, scale_rewards=scale)
    else:
        trainer_class, arguments = trl.RLOOTrainer, trl.RLOOConfig(**settings, normalize_advantages=spread == "batch")
    return trainer_class(
        model=model,
        reward_funcs=[load_reward(job.base_folder, job.folder / FOLDER / ADAPTER, tokenizer)],
        args=arguments,
        train_dataset=datasets.Dataset.from_list(prompts),
        processing_class=tokenizer,
        peft_config=lora,
        **more,
    )


def check_enough(num_prompts: int, config: Mapping[str, Any]) -> None:
    """Raise UserError when the prompts do not fill one step: TRL would take none, and nothing would be learned."""
    needed = int(config["batch"]) * int(config["grad_accumulation"]) // int(config["num_generations"])
    if num_prompts < needed:
        raise UserError(
            f"There are {num_prompts} prompts to answer; a step takes {needed}.",
            "it holds recipe.batch x recipe.grad_accumulation answers, recipe.num_generations to a prompt.",
            "let people vote on more, or lower recipe.batch or recipe.grad_accumulation",
        )


def prompts_of(rows: Sequence[Mapping[str, Any]], base_folder: str) -> list[dict[str, Any]]:
    """Return each prompt of the pairs once: {"prompt", "messages", "stub", "tail", "labels"}, the prompt rendered."""
    from sim.engines.chat import ChatTokenizer

    chat = ChatTokenizer(Path(base_folder))
    # TRL lets the tokenizer put its BOS before a rendered prompt; a template that wrote one already gives it up.
    begin = chat.tokenizer.bos_token if chat.document("") else ""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        key = json.dumps([row["prompt"], row["stub"]])
        if key not in found:
            messages = [Message(one["role"], one["content"]) for one in row["prompt"]]
            form = {name: row[name] for name in ("stub", "tail", "labels")}
            text = chat.render(messages, row["stub"]).removeprefix(begin or "")
            found[key] = {"prompt": text, "messages": row["prompt"], **form}
    return list(found.values())
