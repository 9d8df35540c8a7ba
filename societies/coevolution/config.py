"""Settings of the society `coevolution`. Each field says what it does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


def _challenges() -> list[dict[str, Any]]:
    return [{"name": name} for name in ("follow", "predict", "coevolve", "recover", "pluralism")]


def _arms() -> list[dict[str, Any]]:
    return [{"name": name} for name in ("none", "frozen", "lifelong", "extrapolative", "oracle")]


@dataclass(frozen=True, slots=True, kw_only=True)
class HumansConfig:
    """The numeric population and its history, whose truth is known."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    people: Annotated[int, Field(ge=1, le=20_000_000)] = 10_000
    """Number of people."""
    dims: Annotated[int, Field(ge=2, le=512)] = 19
    """Value dimensions of each."""
    timesteps: Annotated[int, Field(ge=3, le=100_000)] = 9
    """Timesteps of the history, the first of which is never asked about."""
    start_sd: Annotated[float, Field(ge=0)] = 1.0
    """Standard deviation over dimensions of the mean that all people start from."""
    person_sd: Annotated[float, Field(ge=0)] = 1.0
    """Standard deviation of people around their mean, at the start."""
    drift: Literal["none", "linear", "wave", "walk"] = "linear"
    """How the mean moves: with one velocity, to and fro, or by a fresh change each timestep."""
    drift_sd: Annotated[float, Field(ge=0)] = 0.4
    """Standard deviation over dimensions of one timestep's change."""
    period: Annotated[float, Field(gt=0)] = 20.0
    """Timesteps of a whole wave."""
    noise_sd: Annotated[float, Field(ge=0)] = 0.2
    """Standard deviation of chance in one person's value at each timestep."""
    influence: Share = 0.2
    """Share of the way towards the neighbours' mean that talking moves a person in a timestep; 0: no network."""
    degree: Annotated[int, Field(ge=2)] = 10
    """Mean number of neighbours in a small world."""
    rewiring: Share = 0.1
    """Share of ties that lead to anybody, not to those next in the ring."""
    segregated: bool = False
    """Seat the minority of `pluralism` together; False mixes it among the others."""
    num_threads: Annotated[int, Field(ge=1, le=64)] = 2
    """Threads at work; results do not depend on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BallotConfig:
    """How an examinee may ask people."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    kind: Literal["hard", "shares", "readings"] = "shares"
    """hard: the panel's verdict on each pair. shares: its vote shares. readings: the mean value itself."""
    pairs_per_dim: Annotated[int, Field(ge=1)] = 40
    """Pairs of each dimension; readings have one."""
    span: Annotated[float, Field(gt=0)] = 8.0
    """Thresholds of the pairs are evenly spread from -span to span; whoever stands outside looks like the end."""
    num_voters: Count = 2000
    """Size of the panel, drawn anew each timestep; 0 asks everybody."""
    noise: Annotated[float, Field(ge=0)] = 0.0
    """Probability that a vote is recorded the wrong way round; of readings the standard deviation of an error."""
    missing: Share = 0.0
    """Probability that a pair's answer is lost."""
    tokens_per_query: Count = 60
    """What one query costs on the token account; numeric people read nothing, so this is a price, not a measurement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullsConfig:
    """What moves the people who live with an AI, each switched off by 0."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    history: Share = 0.3
    """Share of the way towards the history in one timestep."""
    ai: Share = 0.5
    """Share of the way towards their AI in one timestep."""
    spread: Share = 0.0
    """How unequally people listen to it: person i by ai (1 + spread u_i), u_i uniform in [-1, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetConfig:
    """Most that an examinee may ask; null is no limit. What is over is refused and counted."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    per_timestep: Count | None = 5000
    """Queries in one timestep."""
    queries: Count | None = None
    """Queries in the whole life."""
    tokens: Count | None = None
    """Tokens in the whole life."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoevolutionConfig:
    """The `society` section for `name: coevolution`."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    challenges: list[dict[str, Any]] = field(default_factory=_challenges)
    """Each with its `name` and settings: follow, predict (horizon), coevolve, recover (at, size, share),
    pluralism (minority), or one that another package registers."""
    arms: list[dict[str, Any]] = field(default_factory=_arms)
    """Each with its `name`, the `examinee` if it is called otherwise, and that examinee's settings."""
    replicas: Annotated[int, Field(ge=1)] = 1
    """Independent repetitions, each with people and drift of its own; intervals need several."""
    humans: HumansConfig = field(default_factory=HumansConfig)
    ballot: BallotConfig = field(default_factory=BallotConfig)
    pulls: PullsConfig = field(default_factory=PullsConfig)
    budget: BudgetConfig = field(default_factory=BudgetConfig)
