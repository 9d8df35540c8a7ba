"""Continued pretraining: next-token loss on plain text, cut into windows, through transformers' own Trainer.

Here a text is no answer, so a window may end in the middle of it: documents are cut one by one, none is mixed with
another, and the end-of-text token stands where a document really ends. Control marks in the text are broken first.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ENGINE = "text"


def text_windows(rows: Sequence[dict[str, Any]], base_folder: str, max_length: int) -> list[dict[str, Any]]:
    """Return {"input_ids"} of windows of fewer than max_length tokens that together are the rows' texts."""
    from sim.engines.chat import ChatTokenizer

    chat = ChatTokenizer(Path(base_folder))
    end = chat.tokenizer.eos_token_id
    windows = []
    for row in rows:
        text = chat.break_marks(row["text"])
        ids = [*chat.tokenizer.encode(text, add_special_tokens=False), end]
        windows += cut(ids, max_length - 1)
    return [{"input_ids": window} for window in windows]


def cut(ids: Sequence[int], size: int) -> list[list[int]]:
    """Return the ids in runs of nearly equal length, none above `size`; a text of one token teaches nothing.

    >>> cut([1, 2, 3, 4, 5], 3)
    [[1, 2, 3], [4, 5]]
    """
    num = -(-len(ids) // size)
    bounds = [-(-len(ids) * k // num) for k in range(num + 1)]
    return [list(ids[a:b]) for a, b in itertools.pairwise(bounds) if b - a > 1]


def text_trainer(model: Any, arguments: Any, examples: list[dict[str, Any]], pad: int, callbacks: list[Any]) -> Any:
    """Return a Trainer over windows. model: already carries its adapter."""
    import torch
    from transformers import Trainer

    def collate(batch: list[dict[str, Any]]) -> dict[str, Any]:
        width = max(len(one["input_ids"]) for one in batch)
        ids = torch.full((len(batch), width), pad, dtype=torch.long)
        labels = torch.full((len(batch), width), -100, dtype=torch.long)
        mask = torch.zeros((len(batch), width), dtype=torch.long)
        for n, one in enumerate(batch):
            window = torch.tensor(one["input_ids"])
            ids[n, : len(window)], labels[n, : len(window)], mask[n, : len(window)] = window, window, 1
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}

    return Trainer(model=model, args=arguments, train_dataset=examples, data_collator=collate, callbacks=callbacks)
