"""The learning half of a run's config: how a policy is trained, and how the loop goes round.

Plain dataclasses, validated by pydantic where the run is composed; nothing here imports torch. Values per paper stand
in `conf/recipe/*.yaml`, beside the reason for each.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from agents.errors import UserError
from selfalign.gate.stopping import StopRules
from selfalign.gate.thresholds import Thresholds


class Select(StrEnum):
    """How RAFT chooses what to imitate."""

    LOCAL = "local"
    """The best candidate of each prompt."""
    TOP = "top"
    """The best share `alpha` of all candidates, whatever their prompt."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Hyper-parameters that every recipe has."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    epochs: Annotated[float, Field(gt=0)] = 3.0
    """Passes over the rows."""
    lr: Annotated[float, Field(gt=0)] = 2e-5
    """Peak learning rate; cosine to zero."""
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.03
    """Share of the steps in which the learning rate rises."""
    batch: Annotated[int, Field(ge=1)] = 1
    """Rows in one forward pass."""
    grad_accumulation: Annotated[int, Field(ge=1)] = 8
    """Forward passes to one step of the optimiser."""
    lora_r: Annotated[int, Field(ge=1)] = 8
    """Rank of the adapter."""
    lora_alpha: Annotated[int, Field(ge=1)] = 16
    """Scale of the adapter: weights change by alpha / r times B A."""
    lora_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Dropout in front of the adapter. Must be 0 for preference losses, which compare exact log-probabilities."""
    max_length: Annotated[int, Field(ge=16)] = 1024
    """Longest row in tokens, prompt and answer together; longer rows are dropped and counted, never cut silently."""
    beta: Annotated[float, Field(gt=0)] = 0.1
    """Strength of the tie to the reference policy (preference losses only)."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Added to the run's seed."""
    threads: Annotated[int, Field(ge=0)] = 0
    """CPU threads for torch; 0 is all cores that this process may use."""
    save_steps: Annotated[int, Field(ge=1)] = 20
    """Steps between checkpoints: what a kill can cost."""
    max_steps: Annotated[int, Field(ge=-1)] = -1
    """Stop after this many steps; -1 is no limit."""
    gradient_checkpointing: bool = False
    """Spend a third more time to hold far fewer activations."""
    held_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the scenes kept out of training, for later comparison on samples of the same kind."""


@dataclass(frozen=True, kw_only=True)
class MatrixConfig(TrainConfig):
    """What the MATRIX recipes have beside."""

    mix: dict[str, float] = field(
        default_factory=lambda: {"revision_harmful": 1.0, "answer_helpful": 1.0, "simulation_step": 1.0}
    )
    """Kinds of rows and their ratio. A kind that is named with a ratio above 0 must be there."""
    max_rows: Annotated[int, Field(ge=0)] = 0
    """Use at most this many rows; 0 is all."""


@dataclass(frozen=True, kw_only=True)
class RaftConfig(TrainConfig):
    """What RAFT has beside."""

    select: Select = Select.LOCAL
    """Which candidates are kept."""
    alpha: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Share of the candidates that `top` keeps."""
    reward: str = "votes"
    """"votes", or the name of a score that the candidates carry."""
    dim: str = ""
    """Count only votes of this dimension; empty is all."""


@dataclass(frozen=True, kw_only=True)
class Extrapolate:
    """Whether to learn from the votes of this round, or from where the votes of the rounds so far are going."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    order: Annotated[int, Field(ge=0, le=8)] = 0
    """Degree of the polynomial through the votes of the last rounds (M); 0 is lifelong: this round alone."""
    horizon: Annotated[int, Field(ge=0, le=64)] = 1
    """Rounds ahead (k)."""
    votes: Literal["shares", "hard"] = "shares"
    """shares: log-odds of the vote shares. hard: the side that wins, as +1 or -1, repeated as often as it comes out."""
    shrink: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of the extrapolated move that is believed; null: by how far moves stand out of the voters' noise."""
    cap: Annotated[int, Field(ge=1)] = 5
    """Most copies of a hard vote."""

    @property
    def changes(self) -> bool:
        """Whether it changes anything: lifelong learning from shares takes votes as they are."""
        return self.order > 0 or self.votes == "hard"


@dataclass(frozen=True, kw_only=True)
class ChoiceConfig(TrainConfig):
    """What utility control has beside."""

    extrapolate: Extrapolate = field(default_factory=Extrapolate)
    """Learn from votes to come."""

    target: str = "share"
    """What the policy is to match: share, or an aggregation target (borda, condorcet, lottery, consensus, maxmin)."""
    min_votes: Annotated[int, Field(ge=1)] = 1
    """Fewest votes on a pair."""
    margin: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    """Pairs whose share is nearer to a half than this are left out."""


@dataclass(frozen=True, kw_only=True)
class PreferenceConfig(TrainConfig):
    """What the recipes over votes on answers have beside."""

    extrapolate: Extrapolate = field(default_factory=Extrapolate)
    """Learn from votes to come."""
    draws: Annotated[int, Field(ge=1)] = 1
    """Votes drawn from a pair's share, each a row, in each order shown. Hard votes become their copies instead."""
    margin: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    """Pairs whose share is no further from a half than this are left out."""
    per_sample: Annotated[int, Field(ge=1)] = 4
    """Most pairs of one sample with several answers, the clearest first."""


@dataclass(frozen=True, kw_only=True)
class RewardModel:
    """How the reward model is trained that comes before the policy."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    epochs: Annotated[float, Field(gt=0)] = 2.0
    """Passes over the pairs."""
    lr: Annotated[float, Field(gt=0)] = 2e-4
    """Peak learning rate of its adapter and head."""
    max_steps: Annotated[int, Field(ge=-1)] = -1
    """Stop after this many steps; -1 is no limit."""


@dataclass(frozen=True, kw_only=True)
class RlConfig(PreferenceConfig):
    """What the recipes with a reward model have beside. Here beta weighs the KL to the policy one starts from."""

    reward: RewardModel = field(default_factory=RewardModel)
    """The reward model; trained afresh from the base on the same pairs."""
    num_generations: Annotated[int, Field(ge=2)] = 4
    """Answers sampled to each prompt; batch x grad_accumulation must be a multiple of it."""
    max_completion: Annotated[int, Field(ge=1)] = 64
    """Longest sampled answer in tokens; where letters are asked for, one token is sampled."""
    temperature: Annotated[float, Field(gt=0)] = 1.0
    """Of sampling."""
    scale_rewards: Literal["batch", "group", "none"] = "batch"
    """Divide by the rewards' spread over the batch, or (GRPO's own way) within each prompt, which divides out
    whatever weighs one prompt against another; none: leave them."""


@dataclass(frozen=True, kw_only=True)
class AssemblyTrainConfig(TrainConfig):
    """What the assembly recipe has beside."""

    target: str = "borda"
    """Aggregation target: borda, condorcet, lottery, consensus or maxmin."""
    per_vote: Annotated[int, Field(ge=1)] = 4
    """Most pairs from one vote."""
    margin: Annotated[float, Field(ge=0, lt=0.5)] = 0.05
    """Least distance of the preferred share from a half."""


@dataclass(frozen=True, kw_only=True)
class LoopConfig:
    """How often society and trainer take turns, and who lets a policy pass."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    num_rounds: Annotated[int, Field(ge=0)] = 0
    """Rounds of simulate, train, measure and gate; 0 plays the society once and trains nothing."""
    train: bool = True
    """Off: rounds are played and the policy in force is measured, but nothing is learned: the arm to compare with."""
    parent: Literal["current", "base"] = "current"
    """What a candidate is trained from: the policy in force (iterative), or the base anew each round (independent)."""
    gate: bool = True
    """Off: a candidate is promoted without being judged, unless a person refuses it; gates/ and manifest say so."""
    approve: bool = False
    """Stop at each gate until a person has approved or refused (folkmoot align RUN approve=yes)."""
    stop_on_reject: bool = True
    """End the loop when a candidate is rejected; otherwise the next round starts again from the last good policy."""
    thresholds: Thresholds = field(default_factory=Thresholds)
    """When a policy is promoted."""
    stop: StopRules = field(default_factory=StopRules)
    """When the loop ends before its last round."""

    def __post_init__(self) -> None:
        if self.approve and not self.train:
            raise UserError(
                "loop.approve = true has nothing to ask with loop.train = false.",
                "no candidate is trained, so none waits for a person.",
                "set one of them the other way",
            )
