"""The request vocabulary: everything a script may yield, and what it gets back.

A society never calls a model. Its scripts yield `Generate` (text) and `Score` (log-probabilities of given options)
and receive `Reply` and `Scores`. They may yield a list of requests (answers come back in order), a `Fork` of child
scripts, or a note (`Event`, `Sample`, `Forfeit`) that is written down and answered with None.
Nothing here knows an engine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, TypeAlias, TypeVar

import orjson

Role = Literal["system", "user", "assistant"]
HUMAN = "human"
"""The policy of a seat that a person takes: "human", or "human:SEAT"."""


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How a text is drawn. Temperature 0 is greedy. The seed is never here: it comes from the request's identity."""

    max_tokens: int = 256
    temperature: float = 0.7
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    logps: bool = False
    """Also return the log-probability of every sampled token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """The form a text must have: exactly one of the three."""

    choices: tuple[str, ...] = ()
    regex: str = ""
    schema: str = ""
    """A JSON schema as canonical JSON text; build it with `json_constraint`."""

    def __post_init__(self) -> None:
        if sum((bool(self.choices), bool(self.regex), bool(self.schema))) != 1:
            raise ValueError("a Constraint has exactly one of choices, regex, schema")
        if len(set(self.choices)) != len(self.choices):
            raise ValueError(f"duplicate choices: {self.choices}")


def json_constraint(schema: Mapping[str, Any]) -> Constraint:
    """Return the constraint that a text is JSON of this schema."""
    return Constraint(schema=json.dumps(schema, sort_keys=True, separators=(",", ":")))


DEFAULT_SAMPLING = Sampling()


@dataclass(frozen=True, slots=True, kw_only=True)
class Generate:
    """Ask a policy for text.

    purpose: the prompt's name and version, such as "scenes/reaction.v1"; metrics and costs are grouped by it.
    """

    messages: tuple[Message, ...]
    purpose: str
    policy: str = "base"
    sampling: Sampling = DEFAULT_SAMPLING
    constraint: Constraint | None = None


class Orders(StrEnum):
    """In which orders the options are shown; their number is the number of forward passes."""

    GIVEN = "given"
    REVERSED = "reversed"
    """The given order and its reverse: cancels monotone slot effects."""
    CYCLIC = "cyclic"
    """K rotations, each option once in each slot."""


class ScoreMode(StrEnum):
    """How an option's log-probability is read."""

    LETTER = "letter"
    """Options are listed under single-token labels; the label's log-probability after `stub` is read."""
    CONTINUATION = "continuation"
    """The option's own tokens are appended and their log-probabilities summed; nothing is listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Ask a policy how probable each option is. The options are listed last, by the engine room, in every order.

    stub: how the assistant's answer begins, up to where the label stands.
    mode: LETTER falls back to CONTINUATION (and says so in the result) where a label is not one token in context.
    With no messages the options are scored as plain documents (language-model loss).
    """

    messages: tuple[Message, ...]
    options: tuple[str, ...]
    purpose: str
    policy: str = "base"
    orders: Orders = Orders.REVERSED
    mode: ScoreMode = ScoreMode.LETTER
    stub: str = "Answer: ("

    def __post_init__(self) -> None:
        if not self.options:
            raise ValueError(f"{self.purpose}: a Score needs at least one option")
        if len(set(self.options)) != len(self.options):
            raise ValueError(f"{self.purpose}: duplicate options {self.options}")
        if self.mode is ScoreMode.LETTER and len(self.options) > 26:
            raise ValueError(f"{self.purpose}: {len(self.options)} options; letters reach 26, use CONTINUATION")


Request: TypeAlias = Generate | Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Text from a `Generate`. finish is "stop" (ended by itself) or "length" (cut at max_tokens).

    identity: "path#ordinal" of the request, for lineage; the engine copies it from the ticket.
    """

    text: str
    identity: str = ""
    finish: str = "stop"
    num_tokens: int = 0
    logps: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What a `Score` found, always in the request's own option order.

    logp: one row an order asked; raw log-probabilities (LETTER: of the label; CONTINUATION: summed over tokens).
    num_tokens: tokens of each option (1 for labels).
    """

    options: tuple[str, ...]
    logp: tuple[tuple[float, ...], ...]
    identity: str = ""
    num_tokens: tuple[int, ...] = ()
    mode: str = ScoreMode.LETTER.value

    @property
    def probability(self) -> dict[str, float]:
        """Probability given that one of the options is answered; log-probabilities averaged over orders."""
        from agents.scoring import option_probabilities

        return dict(zip(self.options, option_probabilities(self.logp), strict=True))

    @property
    def mass(self) -> float:
        """Probability that any of the options is answered, mean over orders; 1 - mass is refusal mass."""
        from agents.scoring import label_mass

        return label_mass(self.logp)


Result: TypeAlias = Reply | Scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A row for one of the society's event tables. Values are plain: str, int, float, bool, None, lists of them."""

    table: str
    row: Mapping[str, Any]


class Cause(StrEnum):
    """Why a reply or a script was lost."""

    PARSE = "parse"
    REFUSAL = "refusal"
    BUDGET = "budget"
    ENGINE = "engine"
    BUG = "bug"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forfeit:
    """A reply that could not be used. It goes to the dead-letter file with its request.

    final: no retry was left, so the script went on without an answer.
    """

    cause: Cause
    request: Request
    reply: str
    why: str
    final: bool


Answer = TypeVar("Answer")
Script: TypeAlias = Generator[Any, Any, Answer]


@dataclass(frozen=True, slots=True)
class Fork:
    """Run child scripts side by side and receive their return values in this order.

    children: (name, script) pairs; names are unique among siblings and become part of the identity.
    """

    children: tuple[tuple[str, Script[Any]], ...] = field(default=())


class OverBudget(Exception):
    """Thrown into a script whose budget of requests or tokens is used up. A script may catch it and end early."""


class RequestFailed(Exception):
    """Thrown into a script when the engine could not answer a request (after the engine's own retries)."""


def request_digest(request: Request) -> str:
    """Return the stable digest of a request's whole content, 32 hexadecimal digits."""
    kind = b"g" if type(request) is Generate else b"s"
    return hashlib.blake2b(orjson.dumps(request), digest_size=16, person=kind).hexdigest()
