"""Settings of the society `live_values`. Each field says what it does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Tokens = Annotated[int, Field(ge=8)]
Arm = Literal["ai", "no_ai", "frozen", "ask_less", "told_less", "diverse", "fresh"]
INTERVENTIONS = ("ask_less", "told_less", "diverse", "fresh")
"""Arms that are as `ai` until `intervention.start`, and differ from then on in one thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Something that everybody hears."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    timestep: Annotated[int, Field(ge=1)]
    """When."""
    text: Annotated[str, Field(min_length=1)]
    """What."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Longest texts, in tokens."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    question: Tokens = 32
    """A person's question to the AI."""
    answer: Tokens = 56
    """The AI's answer."""
    statement: Tokens = 40
    """A person's sentence to a neighbour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervention:
    """What is done against lock-in, each in an arm of its own (the numeric ones are `lockin.interventions`)."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    start: Annotated[int, Field(ge=1)] = 2
    """First timestep in which these arms differ from arm ai."""
    ask_factor: Share = 0.5
    """Arm ask_less: people trust the AI less; their chance to ask it times this."""
    told_factor: Share = 0.5
    """Arm told_less: the AI trusts people less; the statements that it reads times this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveConfig:
    """The `society` section for `name: live_values`."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    arms: tuple[Arm, ...] = ("ai", "no_ai")
    """ai: an AI that hears what people say to each other. frozen: one that never does. no_ai: neighbours only.
    ask_less, told_less: lower trust, in the AI or in people. diverse: the AI's share of what people said favours rare
    stances. fresh: everybody hears evidence from outside in each timestep, as often for either view."""
    intervention: Intervention = field(default_factory=Intervention)
    """When and how far the last four arms differ from ai."""
    replicas: Annotated[int, Field(ge=1)] = 1
    """Independent repetitions, each with people of its own; the arms of one share people, network and chance."""
    personas: Annotated[int, Field(ge=4)] = 24
    """People of an arm."""
    timesteps: Annotated[int, Field(ge=1)] = 4
    """Timesteps after the first, in which beliefs are only read."""
    claims: tuple[str, ...] = ("honesty", "fairness", "authority", "tradition")
    """Claims of the built-in bank that beliefs are about; [] takes all twelve."""
    degree: Annotated[int, Field(ge=2)] = 4
    """Mean number of neighbours in a small world."""
    rewiring: Share = 0.1
    """Share of ties that lead to anybody, not to those next in the ring."""
    meet_share: Share = 1.0
    """Chance that a person hears a neighbour in a timestep; 0: the network has no influence."""
    heard: Annotated[int, Field(ge=0)] = 4
    """Messages that a person remembers, the last ones."""
    ask_share: Share = 1.0
    """Chance that a person asks the AI in a timestep: how far people trust it."""
    told: Annotated[int, Field(ge=0)] = 3
    """Earlier statements by people that the AI of arm ai reads before it answers: how far it trusts them."""
    choose_topics: bool = False
    """People choose the claim that they speak about; else chance does, and topics cannot collapse."""
    replacement: Share = 0.0
    """Share of the people whom newcomers replace as each timestep begins; these know nothing of what was said."""
    events: tuple[News, ...] = ()
    """News that everybody hears, in every arm."""
    temperature: Annotated[float, Field(ge=0)] = 0.7
    """Of everything that is said."""
    max_tokens: Lengths = field(default_factory=Lengths)
    """Longest texts."""
    num_retries: Annotated[int, Field(ge=0, le=5)] = 1
    """Further tries after an unusable text; without one the person goes without."""
