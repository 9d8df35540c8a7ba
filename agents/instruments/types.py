"""The words of measuring: item, subject, reading, score row, comparison, and what an instrument is.

One path serves all: `Item` -> `Instrument` -> scripts -> `Reading` -> `ScoreRow` -> `Comparison`. A script asks one
item of one subject and returns its readings; everything after that is pure arithmetic on readings, so a number can be
computed again from `responses/<stage>.parquet` at any time. Nothing here knows an engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

from agents.requests import Message, Orders, Script

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

MAX_FORFEIT_SHARE = 0.1
"""With more unusable answers than this an instrument is not valid for that subject."""


class Mode(StrEnum):
    """How an answer is read."""

    LETTER = "letter"
    CONTINUATION = "continuation"
    KEYWORD = "keyword"
    """A pure matcher on generated text."""
    JUDGE = "judge"
    """A `Score` by a judging policy on generated text."""
    DERIVED = "derived"
    """Computed from other readings, such as an agreement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One question.

    options: empty for free answers. ordinal: a value an option, where options are ordered.
    key:     +1 or -1 (reverse-keyed). scales: scale -> weight.
    group:   the arm it belongs to, such as "harmful" or "high".
    meta:    plain words: lang, licence, source, split, category ...
    """

    id: str
    instrument: str
    text: str
    options: tuple[str, ...] = ()
    ordinal: tuple[float, ...] = ()
    key: Literal[1, -1] = 1
    scales: Mapping[str, float] = field(default_factory=dict, hash=False)
    group: str = ""
    meta: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def redacted(self) -> str:
        """What a report may show: a safety prompt only by its number and topic, anything else in full."""
        if self.meta.get("sensitive") != "yes":
            return self.text
        topic = self.meta.get("category") or "no topic given"
        return f"[{self.group} request {self.id}: {topic}; {len(self.text.split())} words withheld]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Who answers: a policy, a persona, or a policy under a steering text.

    policy: which policy answers. name: unique among the subjects of a measurement.
    prefix: what the subject reads before each item: empty for a bare policy, its card for a persona.
    """

    policy: str = "base"
    name: str = "policy"
    prefix: tuple[Message, ...] = ()
    weight: float = 1.0
    stratum: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admin:
    """How an instrument of options is put.

    mode: "letter" or "continuation". orders: in which orders options are shown.
    """

    mode: Literal["letter", "continuation"] = "letter"
    orders: Orders = Orders.REVERSED
    stub: str = "Answer: ("
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One answered request: a row of `responses/<stage>.parquet`.

    form:  which wording or step: "ab", "reply", "judge" ... paraphrase: its number.
    logp:  [order][option], raw, canonical option order; empty for text.
    mass:  probability that any option is answered; nan where that means nothing (text, continuations).
    label: what the parser made of it, such as "refused"; empty where nothing.
    forfeit: cause, when the answer cannot be used; it then counts in no score, and is never imputed.
    """

    instrument: str
    version: str
    item: str
    group: str
    subject: str
    policy: str
    form: str
    mode: str
    paraphrase: int = 0
    orders: str = ""
    options: tuple[str, ...] = ()
    logp: tuple[tuple[float, ...], ...] = ()
    num_tokens: tuple[int, ...] = ()
    mass: float = float("nan")
    text: str = ""
    label: str = ""
    forfeit: str = ""
    identity: str = ""
    weight: float = 1.0


Readings: TypeAlias = list[Reading]
"""What one script of an instrument returns: all readings of one item by one subject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """Readings of one form as arrays [subject, item, paraphrase, order, option], canonical option order.

    logp: raw, nan where nothing was answered. mask: True where there is a number. mass: [subject, item, paraphrase].
    weights: [subject].
    """

    instrument: str
    subjects: tuple[str, ...]
    items: tuple[str, ...]
    logp: FloatArray
    mask: BoolArray
    mass: FloatArray
    weights: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """One number that an instrument reports.

    better: +1 more is better, -1 less is better, 0 neither. kind: "share" of yes/no items, or "mean".
    null:   name and value of the baseline that knows nothing; None where there is none.
    """

    name: str
    text: str
    mode: Mode
    group: str = ""
    better: Literal[-1, 0, 1] = 0
    kind: Literal["share", "mean"] = "mean"
    null: tuple[str, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """One scale of one subject, with what is needed to judge it: a row of `scores/<stage>.parquet`.

    point, se, lo, hi: nan when n is 0. lo, hi: 95 % interval. n: items that count; forfeits: items that do not.
    n_eff: n after weights. label_mass: mean over the readings behind it, nan where it means nothing.
    null: (name, value) of the baseline. flags: plain words, empty when all is well.
    """

    instrument: str
    scale: str
    group: str
    point: float
    se: float
    lo: float
    hi: float
    n: int
    n_eff: float
    mode: str
    orders: str = ""
    label_mass: float = float("nan")
    forfeits: int = 0
    null: tuple[str, float] | None = None
    flags: tuple[str, ...] = ()
    version: str = ""
    subject: str = ""
    policy: str = ""
    better: int = 0

    @property
    def measured(self) -> bool:
        """Whether there is a number, and not too much was forfeited for it to mean something."""
        return self.n > 0 and self.forfeits <= MAX_FORFEIT_SHARE * (self.n + self.forfeits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One scale before and after, paired over the items that both have.

    diff: after - before, with a 95 % interval [lo, hi]; nan when no pair is left.
    p: of no difference, by `test`; p_holm: corrected over the scales compared together.
    mde: the smallest difference that this many pairs would show with power .8.
    """

    instrument: str
    scale: str
    group: str
    before: float
    after: float
    diff: float
    lo: float
    hi: float
    p: float
    p_holm: float
    test: str
    n: int
    mde: float
    better: int = 0
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One number of what a round of the loop did to those who are asked after every round.

    value, lo, hi: with a 95 % interval, nan where there is none. null: what nothing happening would give, nan for none.
    """

    name: str
    value: float
    lo: float
    hi: float
    n: int
    null: float
    null_name: str
    text: str


Told: TypeAlias = Callable[[str, str], Sequence[Mapping[str, Any]]]
"""(stage, table) -> the rows of an event table; empty where there are none."""


@runtime_checkable
class Watching(Protocol):
    """An instrument that also tells what a round did, for the loop's curves and its rules for stopping."""

    def watch(
        self,
        first: Sequence[Readings | None],
        before: Sequence[Readings | None],
        now: Sequence[Readings | None],
        told: Told,
    ) -> list[Watched]:
        """Return the numbers of a round from what was answered under the first policy, the one in force before the
        round, and the one in force after it. Rules for stopping read those named drift, diversity and change.
        """


class Instrument(Protocol):
    """A loaded instrument: items, the scripts that ask them, and what the answers mean.

    version: digest of items and prompts. Outcomes are what the scripts returned, in any order; None stands for a
    script that was lost. Items without a usable answer are forfeits.
    """

    @property
    def name(self) -> str:
        """Return its registered name."""

    @property
    def version(self) -> str:
        """Return the digest of items and prompts, 16 hexadecimal digits."""

    @property
    def items(self) -> tuple[Item, ...]:
        """Return all items, in order."""

    @property
    def scales(self) -> tuple[Scale, ...]:
        """Return what is reported."""

    @property
    def min_n(self) -> int:
        """Return the least number of items for a finding; fewer are flagged."""

    def scripts(self, subject: Subject) -> Iterator[tuple[str, Script[Readings]]]:
        """Yield (name, script) lazily, one item a script; names are unique for equal `subject.name`."""

    def score(self, outcomes: Sequence[Readings | None]) -> list[ScoreRow]:
        """Return a row for every scale and policy, those without an answer included (n = 0)."""

    def per_item(self, outcomes: Sequence[Readings | None]) -> dict[str, dict[str, float]]:
        """Return item -> scale -> value, mean over subjects; what was forfeited is absent."""

    def compare(self, before: Sequence[Readings | None], after: Sequence[Readings | None]) -> list[Comparison]:
        """Return one paired comparison a scale; p-values corrected by Holm."""


class InstrumentKind(Protocol):
    """What is registered under `folkmoot.instruments`.

    config: a dataclass for an entry of `measure.instruments` (without `name`); its checks raise UserError.
    """

    @property
    def name(self) -> str:
        """Return its registered name."""

    @property
    def config(self) -> type[Any]:
        """Return the dataclass of its settings."""

    def load(self, config: Any, data_folder: Path = Path(), *, judge_policy: str = "base") -> Instrument:
        """Read the items. Raises UserError for unusable files.

        data_folder: relative paths are looked up here, then in the working directory.
        judge_policy: answers where the settings name no judge of their own; the same in every round.
        """
