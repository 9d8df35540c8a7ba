"""A training set: rows in TRL's conversational form, each with the sample that it came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from agents.requests import Message
from agents.sample import Sample
from selfalign.samples import Funnel

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """What a builder returns and a trainer takes.

    form: "sft" rows are {"prompt": [...], "completion": [...]}, "pair" rows {"prompt", "chosen", "rejected"}, and
    {"stub", "tail", "labels"} where a policy is to answer the prompt; "choice" rows {"prompt", "stub", "labels",
    "target"} with one probability a label.
    sample_ids: of the sample behind each row. counts: rows of each kind. notes: what a reader should know.
    """

    form: Literal["sft", "pair", "choice"]
    rows: tuple[Row, ...]
    sample_ids: tuple[str, ...]
    funnel: Funnel
    counts: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.rows) != len(self.sample_ids):
            raise ValueError(f"{len(self.rows)} rows with {len(self.sample_ids)} sample ids")

    @property
    def digest(self) -> str:
        """Digest of rows and lineage, 32 hexadecimal digits; goes into the policy."""
        digest = hashlib.blake2b(digest_size=16)
        for row, sample_id in zip(self.rows, self.sample_ids, strict=True):
            digest.update(json.dumps([row, sample_id], sort_keys=True).encode() + b"\n")
        return digest.hexdigest()


def chat(messages: Sequence[Message]) -> list[dict[str, str]]:
    """Return messages as TRL takes them."""
    return [{"role": message.role, "content": message.content} for message in messages]


def answer(text: str) -> list[dict[str, str]]:
    """Return one assistant turn. Outer whitespace goes: it is how an engine ended, not what was said."""
    return [{"role": "assistant", "content": text.strip()}]


def imitate(sample: Sample, text: str) -> Row:
    """Return the row that teaches this answer."""
    return {"prompt": chat(sample.prompt), "completion": answer(text)}


def prefer(sample: Sample, chosen: str, rejected: str) -> Row:
    """Return the row that teaches to prefer one answer to another."""
    return {"prompt": chat(sample.prompt), "chosen": answer(chosen), "rejected": answer(rejected)}
