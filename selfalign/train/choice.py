"""Training on choices: soft cross-entropy on the label tokens that follow a prompt, through transformers' own Trainer.

The loss of a row is -sum_l target_l log p(l | prompt, stub) over the whole vocabulary, so it also teaches to answer
with a label at all. The prompt's tokens are those that the engines send for the same `Score`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agents.errors import UserError
from agents.requests import Message


def choice_examples(rows: Sequence[dict[str, Any]], base_folder: str) -> list[dict[str, Any]]:
    """Return {"input_ids", "labels", "target"} of every row. Raises UserError where a label is not one token."""
    from sim.engines.chat import ChatTokenizer

    chat = ChatTokenizer(Path(base_folder))
    examples = []
    for row in rows:
        ids = chat.label_ids(row["stub"], len(row["labels"]))
        if ids is None:
            raise UserError(
                f"The labels after {row['stub']!r} are not single tokens of this model.",
                "the loss needs one token a label.",
                "use a model whose tokenizer keeps letters whole",
            )
        messages = [Message(one["role"], one["content"]) for one in row["prompt"]]
        prompt = chat.encode(chat.render(messages, row["stub"]))
        examples.append({"input_ids": prompt, "label_ids": list(ids), "target": list(row["target"])})
    return examples


def soft_cross_entropy(logits: Any, label_ids: Any, target: Any) -> Any:
    """Return the mean over rows of -sum_l target_l log softmax(logits)[label_l].

    logits: [B, V] at the place where the label comes. label_ids: [B, L] token ids. target: [B, L], sums to 1 a row.
    """
    logp = logits.float().log_softmax(dim=-1).gather(1, label_ids)
    return -(target * logp).sum(dim=1).mean()


def choice_trainer(model: Any, arguments: Any, examples: list[dict[str, Any]], pad: int, callbacks: list[Any]) -> Any:
    """Return a Trainer over choice examples. model: already carries its adapter."""
    import torch
    from transformers import Trainer

    def collate(batch: list[dict[str, Any]]) -> dict[str, Any]:
        width = max(len(one["input_ids"]) for one in batch)
        ids = torch.full((len(batch), width), pad, dtype=torch.long)
        mask = torch.zeros((len(batch), width), dtype=torch.long)
        for n, one in enumerate(batch):
            # Padded on the left, so that the last place of every row is where its label comes.
            ids[n, width - len(one["input_ids"]) :] = torch.tensor(one["input_ids"])
            mask[n, width - len(one["input_ids"]) :] = 1
        return {
            "input_ids": ids,
            "attention_mask": mask,
            "label_ids": torch.tensor([one["label_ids"] for one in batch]),
            "target": torch.tensor([one["target"] for one in batch], dtype=torch.float32),
        }

    class ChoiceTrainer(Trainer):  # type: ignore[misc]
        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **_: Any) -> Any:
            positions = (inputs["attention_mask"].cumsum(dim=1) - 1).clamp(min=0)
            outputs = model(
                input_ids=inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                position_ids=positions,
                logits_to_keep=1,
            )
            loss = soft_cross_entropy(outputs.logits[:, -1], inputs["label_ids"], inputs["target"])
            return (loss, outputs) if return_outputs else loss

    return ChoiceTrainer(
        model=model, args=arguments, train_dataset=examples, data_collator=collate, callbacks=callbacks
    )
