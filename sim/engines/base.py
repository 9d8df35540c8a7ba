"""What an engine is: two verbs, `submit` and `poll`. The scheduler knows nothing else of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from agents.requests import Request, Result


class Ticket:
    """A request on its way: what is asked, by whom, and the seed that follows from that.

    path:    identity of the asking script, such as "r0.play/scene-000012/react-1".
    ordinal: the how-manieth request of that script this is, from 0.
    """

    __slots__ = ("digest", "ordinal", "owner", "path", "request", "run_seed", "slot")

    def __init__(self, request: Request, path: str, ordinal: int, run_seed: int, owner: Any = None, slot: int = 0):
        self.request = request
        self.path = path
        self.ordinal = ordinal
        self.run_seed = run_seed
        self.owner = owner
        self.slot = slot
        self.digest = ""

    @property
    def key(self) -> str:
        """The identity "path#ordinal", unique in a run."""
        return f"{self.path}#{self.ordinal}"

    @property
    def seed(self) -> int:
        """The sampling seed: a stable hash of run seed and identity, in [0, 2^63)."""
        return derive_seed(self.run_seed, self.key)


def derive_seed(run_seed: int, identity: str) -> int:
    """Return a seed in [0, 2^63) that depends on nothing but its arguments (never on `hash()` or on time)."""
    digest = hashlib.blake2b(f"{run_seed}|{identity}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


@dataclass(frozen=True, slots=True)
class Usage:
    """What a request cost. Times and cache hits differ from run to run, so scripts never see this.

    num_prompt: prompt tokens; num_cached: those of them served from the prefix cache; num_output: sampled tokens.
    seconds: from submission to answer. A `Score` sums over its passes.
    """

    num_prompt: int = 0
    num_cached: int = 0
    num_output: int = 0
    seconds: float = 0.0


NO_USAGE = Usage()


class Finished:
    """A ticket with its result, or with the reason why there is none."""

    __slots__ = ("error", "result", "ticket", "usage")

    def __init__(self, ticket: Ticket, result: Result | None, usage: Usage = NO_USAGE, error: str = "") -> None:
        self.ticket = ticket
        self.result = result
        self.usage = usage
        self.error = error


class EngineDied(Exception):
    """The engine cannot go on. What was journalled is safe; the run can be resumed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRef:
    """Where a named policy's weights are.

    kind: "base" (the run's base model), "adapter" (a LoRA over base) or "merged" (a whole model).
    folder: empty for "base". digest: of its weights, for the manifest and the journal header.
    """

    name: str
    kind: Literal["base", "adapter", "merged"] = "base"
    folder: Path | None = None
    digest: str = ""


class Engine(Protocol):
    """Anything that answers requests.

    submit: take tickets; returns at once. poll: return what has finished, waiting a little when nothing has.
    Raises EngineDied from either when it cannot go on. withdraw: the run stops; forget the tickets that would not
    come back by themselves (those that wait for a person), and tell how many; 0 for all others. facts: plain values
    for the manifest (name, dtype, versions, flags). close: give everything back; the engine is not used afterwards.
    """

    def submit(self, tickets: Sequence[Ticket]) -> None:
        """Take tickets to answer."""

    def poll(self) -> list[Finished]:
        """Return what has finished since the last call."""

    def withdraw(self) -> int:
        """Forget tickets that nothing but a person would answer; return how many will not come back."""

    def facts(self) -> dict[str, Any]:
        """Return what the manifest should say about this engine."""

    def close(self) -> None:
        """Give back memory, processes and sockets."""
