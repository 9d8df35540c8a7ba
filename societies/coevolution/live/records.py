"""What a live co-evolution is made of: claims, people, what they heard; and the tables that it leaves behind."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources

from agents.errors import UserError, did_you_mean
from agents.persona import Persona
from societies.seam import Column, Curve

STANCES = (
    "sure of the first view",
    "rather for the first view",
    "undecided between the two",
    "rather for the second view",
    "sure of the second view",
)
"""The levels of a belief, from 1 (the first view, which upholds the claim's dimension) to 0."""
ASSISTANT, NEWS, REPORT = "The AI assistant", "The news", "A report"

TABLES: dict[str, dict[str, Column]] = {
    "people": {
        "arm": "str",
        "replica": "int",
        "timestep": "int",
        "seat": "int",
        "agent": "str",
        "card": "str",
        "policy": "str",
        "neighbours": "list[int]",
    },
    "beliefs": {
        "arm": "str",
        "replica": "int",
        "timestep": "int",
        "agent": "str",
        "claim": "str",
        "level": "float",
        "dist": "list[float]",
        "mass": "float",
        "identity": "str",
    },
    "messages": {
        "arm": "str",
        "replica": "int",
        "timestep": "int",
        "kind": "str",
        "claim": "str",
        "speaker": "str",
        "listener": "str",
        "text": "str",
        "identity": "str",
    },
    "metrics": {
        "arm": "str",
        "replica": "int",
        "timestep": "int",
        "claim": "str",
        "metric": "str",
        "value": "float",
        "lo": "float",
        "hi": "float",
        "n": "int",
        "flag": "str",
    },
}
"""people: who took a seat, and when, and which policy speaks for them. beliefs: level in [0, 1]; dist: of the five
stances, the first one first; mass: probability that a stance was answered at all. messages: kind is question, answer,
statement, news or report; a statement has a row for each who heard it, and one with no listener when nobody did.
metrics: claim "" is over all."""

CURVES = (
    Curve(
        table="metrics",
        column="value",
        name="{metric}",
        definition="of beliefs in [0, 1], 1 is the first view; over all claims where no claim is named",
        by=("arm", "replica", "claim"),
        step="timestep",
        ready=True,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A question with two views. dim: the dimension of the value vector that the first view upholds."""

    id: str
    dim: str
    question: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Heard:
    """One message in a person's memory."""

    name: str
    text: str


@dataclass(slots=True, kw_only=True)
class Person:
    """Somebody in a seat of the town, with all that they could have perceived.

    heard: what they were told, oldest first. levels: claim -> their belief when last asked.
    """

    seat: int
    persona: Persona
    card: str
    heard: list[Heard] = field(default_factory=list)
    levels: dict[str, float] = field(default_factory=dict)

    @property
    def agent(self) -> str:
        """The name in tables."""
        return self.persona.persona_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What came of one person's turn: texts with the identities of their requests; "" where nothing came."""

    question: str = ""
    question_id: str = ""
    answer: str = ""
    answer_id: str = ""
    statement: str = ""
    statement_id: str = ""


def load_claims(chosen: Sequence[str]) -> tuple[Claim, ...]:
    """Return these claims of the built-in bank, in this order; all for none. Raises UserError."""
    text = (resources.files("societies.coevolution.live") / "data" / "claims.jsonl").read_text("utf-8")
    bank = {claim.id: claim for claim in (Claim(**json.loads(line)) for line in text.splitlines() if line)}
    for number, name in enumerate(chosen):
        if name not in bank:
            raise UserError(
                f'society.claims[{number}] = "{name}" is not in the bank.',
                "beliefs are about its claims.",
                did_you_mean(name, bank),
            )
        if name in chosen[:number]:
            raise UserError(f"society.claims names {name} twice.", "a belief is told by its claim.", "name it once")
    return tuple(bank[name] for name in (chosen or bank))


def load_evidence() -> dict[str, tuple[str, str]]:
    """Return claim -> what a report from outside says for its first view, and for its second. The texts are ours."""
    text = (resources.files("societies.coevolution.live") / "data" / "evidence.v1.jsonl").read_text("utf-8")
    rows = [json.loads(line) for line in text.splitlines() if line]
    return {row["claim"]: (row["first"], row["second"]) for row in rows}


def level(dist: Sequence[float]) -> float:
    """Return the belief that a distribution over stances stands for: 1 is sure of the first view, 0 of the second.

    >>> level([0.5, 0.0, 0.0, 0.0, 0.5])
    0.5
    """
    top = len(dist) - 1
    return sum((top - place) / top * share for place, share in enumerate(dist))


def stance(value: float | None) -> str:
    """Return a belief in words; "" where there is none.

    >>> stance(0.8)
    'rather for the first view'
    """
    return "" if value is None else STANCES[round((1 - value) * (len(STANCES) - 1))]
