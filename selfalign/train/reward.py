"""A reward model from pairs, through TRL's RewardTrainer: an adapter and a head on the base, and its verdicts.

Loss: -log s(r(chosen) - r(rejected)), with a small pull of the mean reward to 0, which the loss itself leaves open.
Source: Bradley and Terry 1952; Ouyang et al. 2022, arXiv 2203.02155; the pull: Eisenstein et al. 2023, arXiv
2312.09244.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from selfalign.train.job import ROWS, TrainJob

ENGINE = "trl:reward"
FOLDER = "reward"
"""Working folder of the reward model, below that of the policy that it serves."""
CENTRE = 0.01
BATCH = 16
BELOW = 1.0
"""How far, in log-odds, an answer that is no label lies below the worse label."""

Reward = Callable[..., list[float]]


def reward_job(job: TrainJob) -> TrainJob:
    """Return the job of the reward model for a policy's job, with its rows in place: afresh from the base."""
    folder = job.folder / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(job.folder / ROWS, folder / ROWS)
    return replace(
        job,
        folder=folder,
        name=f"{job.name}-reward",
        engine=ENGINE,
        loss="bradley_terry",
        config={**job.config, **job.config["reward"]},
        parent="base",
        parent_folder="",
        knobs={},
    )


def reward_trainer(model: Any, lora: Any, rows: Any, tokenizer: Any, common: Mapping[str, Any], **more: Any) -> Any:
    """Return TRL's trainer. model: a sequence classifier with one output. rows: a dataset of pairs."""
    import trl

    arguments = trl.RewardConfig(**common, center_rewards_coefficient=CENTRE)
    columns = ["prompt", "chosen", "rejected"]
    return trl.RewardTrainer(
        model=model,
        args=arguments,
        train_dataset=rows.select_columns(columns),
        processing_class=tokenizer,
        peft_config=lora,
        **more,
    )


def load_reward(base_folder: str, adapter: Path, tokenizer: Any) -> Reward:
    """Return the reward function of a stored reward model, as TRL's GRPO and RLOO call it.

    It takes completions and the columns messages, stub, tail and labels of their prompts. An answer to a prompt with
    labels that is none of them gets `BELOW` less than the worse label: the model never saw such an answer.
    """
    import peft
    import torch
    import transformers

    base = transformers.AutoModelForSequenceClassification.from_pretrained(
        base_folder, num_labels=1, dtype=torch.float32, local_files_only=True
    )
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    base.config.pad_token_id = pad
    model = peft.PeftModel.from_pretrained(base, str(adapter)).eval()
    if torch.cuda.is_available():
        model = model.to("cuda")

    def score(chats: Sequence[list[dict[str, str]]]) -> list[float]:
        ids = [tokenizer.apply_chat_template(chat, tokenize=True, return_dict=False) for chat in chats]
        out: list[float] = []
        for begin in range(0, len(ids), BATCH):
            part = ids[begin : begin + BATCH]
            width = max(map(len, part))
            tokens = torch.tensor([row + [pad] * (width - len(row)) for row in part], device=model.device)
            mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in part], device=model.device)
            with torch.no_grad():
                out += model(input_ids=tokens, attention_mask=mask).logits[:, 0].float().tolist()
        return out

    return reward_of(score)


def reward_of(score: Callable[[Sequence[list[dict[str, str]]]], list[float]]) -> Reward:
    """Return the reward function over a scorer of whole chats; chats that were scored before are remembered."""
    known: dict[str, float] = {}

    def society(
        completions: Sequence[str],
        messages: Sequence[list[dict[str, str]]],
        stub: Sequence[str],
        tail: Sequence[str],
        labels: Sequence[Sequence[str]],
        **_: Any,
    ) -> list[float]:
        def chat(n: int, text: str) -> list[dict[str, str]]:
            return [*messages[n], {"role": "assistant", "content": f"{stub[n]}{text}{tail[n]}".strip()}]

        wanted: dict[str, list[dict[str, str]]] = {}
        asked: list[tuple[list[str], float]] = []
        for n, completion in enumerate(completions):
            text = completion.strip()
            legal = not labels[n] or text in labels[n]
            chats = {str(one): one for one in (chat(n, word) for word in ([text] if legal else labels[n]))}
            wanted |= {key: one for key, one in chats.items() if key not in known}
            asked.append((list(chats), 0.0 if legal else BELOW))
        known.update(zip(wanted, score(list(wanted.values())), strict=True))
        return [min(known[key] for key in keys) - below for keys, below in asked]

    return society
