"""The seams of co-evolution: humans that move, an examinee that follows, and a judge that looks at vectors.

Everything that may ask a model is a script (a generator that may yield requests and notes); what is made of numbers
yields nothing. A society of numbers and a society of voices are therefore played by the same loop.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from agents.requests import Script
from societies.coevolution.records import Answers, ChallengeResult, ValueVector

if TYPE_CHECKING:
    from societies.coevolution.desk import Desk

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Policy: TypeAlias = FloatArray | str
"""A value vector (the numeric fast path) or the name of a policy that a model serves."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What an examinee yields exactly once a timestep: its turn is over, and this is its policy now."""

    timestep: int
    policy: Policy


Life: TypeAlias = Generator[Any, Any, None]
"""An examinee's whole life: yields requests as any script does, and one `Turn` a timestep."""


class Examinee(Protocol):
    """An alignment method under examination. It meets the humans across the desk and nowhere else."""

    def live(self, desk: Desk) -> Life:
        """Return the generator that is resumed at each timestep; `for t in desk.timesteps()` is its usual shape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulls:
    """What moves the humans who live with an AI, as the share of the way that they go in one timestep.

    history: towards what the undisturbed humans say now. ai: towards what their AI says. spread: how unequally people
    listen: the AI's pull on person i is ai (1 + spread u_i), u_i uniform in [-1, 1].
    """

    history: float = 0.3
    ai: float = 0.5
    spread: float = 0.0


class Humans(Protocol):
    """A history of human values H_0, H_1, ... and, beside it, one copy of the people an arm, all copied from H_0."""

    dims: tuple[str, ...]
    groups: tuple[str, ...]
    timestep: int

    def tick(self) -> Script[None]:
        """Move the history on by one timestep; the copies stay where they are."""

    def pull(self, policies: Mapping[str, Policy | None], pulls: Pulls) -> Script[None]:
        """Move every arm's copy: towards the history, then towards the arm's policy (None: no AI)."""

    def disturb(self, arms: Sequence[str], displacement: FloatArray, share: float) -> Script[None]:
        """Push a share of the people in these arms' copies, the same people in each."""

    def ask(self, pairs: IntArray, *, arm: str = "") -> Script[Answers]:
        """Ask the people of an arm's copy, or of the history, these pairs."""

    def measure(self, *, arm: str = "", group: str = "") -> Script[ValueVector]:
        """Measure the values of an arm's copy, or of the history; of everybody or of one group."""

    def spread(self, *, arm: str = "") -> float:
        """Return how far people differ: standard deviation over people, mean over dimensions; nan when unknown."""


class Gauge(Protocol):
    """Measures a policy's values."""

    def measure(self, policy: Policy, timestep: int) -> Script[ValueVector]:
        """Return the policy's value vector, of the humans' dimensions."""


class Bank(Protocol):
    """The queries that may be asked, and what the answers say."""

    @property
    def kind(self) -> str:
        """What the answers are: "hard", "shares" or "readings"; an examinee may go by it."""

    @property
    def num_dims(self) -> int:
        """Number of value dimensions."""

    @property
    def tokens_per_query(self) -> int:
        """What one query costs on the token account."""

    @property
    def num_pairs(self) -> int:
        """Number of pairs; they are numbered from 0."""

    def signed(self, answers: Answers) -> FloatArray:
        """Return (num_pairs,) signed votes; nan where there is none."""

    def values(self, votes: FloatArray) -> FloatArray:
        """Return the value vector that signed votes stand for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a judge finds in a result.

    score: higher is better; nan, with a flag, where there is none. centred: the same from centred cosines.
    num: comparisons behind the score. lag: distance to the truth at the end over the truth's own way (0: caught up).
    details: further figures by name. flags: what is undefined, or missing, and why.
    """

    score: float
    centred: float
    num: int
    lag: float
    details: Mapping[str, float] = field(default_factory=dict)
    flags: tuple[str, ...] = ()


class Judge(Protocol):
    """Scores a result from its raw vectors alone: no model, no file, nothing remembered."""

    def verdict(self, result: ChallengeResult) -> Verdict:
        """Return what the vectors show."""


class Challenge(Judge, Protocol):
    """A challenge: who is asked, who is influenced, what happens in between, and its judge.

    coupled: examinees ask and influence their own copy of the people; else they ask the history and influence nobody.
    lead: how many timesteps ahead the truth lies. twins: also play every arm undisturbed. minority: share of people
    who drift another way; 0 for one people.
    """

    name: str
    coupled: bool
    lead: int
    twins: bool
    minority: float

    @property
    def label(self) -> str:
        """The name with the settings that change its meaning, such as "predict(2)"."""

    def num_turns(self, num_timesteps: int) -> int:
        """Return how many timesteps, from 1, an examinee lives. Raises UserError when the history is too short."""

    def between(self, timestep: int, humans: Humans, arms: Sequence[str], seed: int) -> Script[None]:
        """Do what befalls the people after the pulls of a timestep. arms: those of the arms that it may befall."""
