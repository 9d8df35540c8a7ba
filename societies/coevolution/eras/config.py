"""Settings of the society `eras`. Each field says what it does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from agents.errors import UserError
from agents.instruments.value_vector import ValueVectorConfig
from agents.instruments.value_vector.forms import LETTERS, Permutations
from societies.coevolution.config import BudgetConfig, PullsConfig, Share

POLICY = "policy-"
"""Before the name of a policy under examination, which is a voice in the tables as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Era:
    """The people of one timestep, H_t: a model told when it lives, a policy of its own, or answers recorded before."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    """In tables; each era once."""
    tell: str = ""
    """An era of the built-in bank (c13 to c21) whose description is read before every question; empty: none is."""
    text: str = ""
    """A description of your own in its place."""
    policy: str = "base"
    """Who answers: base, or a name of `policies` (an adapter an era, or the models behind an endpoint)."""
    recorded: str = ""
    """Run folder in which this era was asked before, by another model say: its answers are taken from there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortConfig:
    """People of an era instead of one voice; a vote is their share, a value vector their mean."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    personas: Annotated[int, Field(ge=0)] = 0
    """Personas of the run's population in each timestep; 0: the era answers with one voice."""
    replacement: Share = 0.25
    """Share of them whom newcomers replace from one timestep to the next."""


def _eras() -> tuple[Era, ...]:
    return tuple(Era(name=name, tell=name) for name in ("c13", "c15", "c17", "c19", "c21"))


def _challenges() -> list[dict[str, Any]]:
    return [{"name": "follow"}, {"name": "predict", "horizon": 1}]


def _arms() -> list[dict[str, Any]]:
    return [
        {"name": "frozen"},
        {"name": "base", "examinee": "served", "policies": ["base"]},
        {"name": "lifelong"},
        {"name": "extrapolative"},
        {"name": "oracle"},
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasConfig:
    """The `society` section for `name: eras`."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    eras: tuple[Era, ...] = field(default_factory=_eras)
    """H_0, H_1, ...: the first is where every examinee starts, and is never asked by one."""
    cohort: CohortConfig = field(default_factory=CohortConfig)
    challenges: list[dict[str, Any]] = field(default_factory=_challenges)
    """follow, predict (horizon) or coevolve, each with its name; [] only records the eras."""
    arms: list[dict[str, Any]] = field(default_factory=_arms)
    """As for the society `coevolution`; `served` is a policy that a model serves (policies: a name a timestep)."""
    folder: str = ""
    """Folder with the three public item files of ProgressGym; empty is our own bank of 84 items."""
    num: Annotated[int, Field(ge=1)] | None = None
    """How many items in all, a stratified part; half are voted on, the other half are measured. null is all."""
    forms: tuple[str, ...] = (LETTERS, "compare")
    """Templates of the measured half: letters, compare (two actions only), repeat."""
    orders: Permutations = "cyclic"
    """Of four actions: cyclic, or all 24."""
    ballot: Literal["hard", "shares"] = "shares"
    """shares: an examinee learns the probability of each vote. hard: only which action is more probable."""
    tokens_per_query: Annotated[int, Field(ge=0)] = 120
    """What one query costs an examinee on the token account."""
    pulls: PullsConfig = field(default_factory=PullsConfig)
    """Of coevolve: how far people's answers move towards those of their era, and of their AI, in one timestep."""
    budget: BudgetConfig = field(default_factory=BudgetConfig)

    def __post_init__(self) -> None:
        ValueVectorConfig(folder=self.folder, num=self.num, forms=self.forms, orders=self.orders)
        names = [era.name for era in self.eras]
        if double := sorted({name for name in names if names.count(name) > 1}):
            raise UserError(f"society.eras names {double[0]} twice.", "answers are told apart by era.", "rename one")
        if not names:
            raise UserError("society.eras is empty.", "there is nobody to ask.", "name at least one era")
        for number, era in enumerate(self.eras):
            if era.name.startswith(POLICY):
                raise UserError(
                    f'society.eras[{number}].name = "{era.name}" cannot be used.',
                    f'"{POLICY}" marks policies under examination.',
                    "rename it",
                )
            if era.recorded and (era.tell or era.text or era.policy != "base"):
                raise UserError(
                    f"society.eras[{number}] ({era.name}) is recorded, and told or spoken by a policy as well.",
                    "what was recorded is not asked again.",
                    "leave tell, text and policy out",
                )
            if era.tell and era.text:
                raise UserError(
                    f"society.eras[{number}] has both tell and text.",
                    "an era is told in one way: by the bank, or in words of yours.",
                    "leave one of them out",
                )
        if self.cohort.personas and any(era.recorded for era in self.eras):
            raise UserError(
                "society.cohort.personas cannot be used with recorded eras.",
                "a recording holds one voice an era.",
                "set it to 0, or ask all eras here",
            )
