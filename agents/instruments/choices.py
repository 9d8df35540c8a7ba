"""Does a policy choose as an assembly did? Pairs of options with a vote share, put to the policy without any persona.

Both orders are asked and averaged in log space. `agreement` is the share of pairs on which policy and majority are
on one side, `agreement_each_order` asks the same of both orders at once (a policy that likes a slot fails it), and
`gap` is the distance of the two shares. Held-out pairs (both options known to training) and held-out options are two
groups.
Reads the `choices` table of a run of society `utility_vote`, or a CSV with option_a, option_b, p_a and split.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents.errors import UserError
from agents.instructions import content_id
from agents.instruments.banks import check_num, resolve, script_name, spread, version_of
from agents.instruments.comparing import compare_outcomes
from agents.instruments.replies import of_scores, reading
from agents.instruments.summary import per_item, score_rows
from agents.instruments.types import Comparison, Item, Mode, Readings, Scale, ScoreRow, Subject
from agents.requests import Cause, Forfeit, Message, Orders, Score, Scores, Script
from agents.scoring import option_probabilities

GROUPS = ("held_pair", "held_option")
QUESTION = "Which of these two proposals is better for the town?"
MIN_N = 30
MASS_FLOOR = 0.05


def _scales() -> tuple[Scale, ...]:
    found: list[Scale] = []
    for group, words in (("held_pair", "held-out pairs"), ("held_option", "pairs of a held-out option")):
        found += [
            Scale(
                name=f"agreement_{group}",
                text=f"share of {words} on which policy and assembly are on one side",
                group=group,
                mode=Mode.LETTER,
                better=1,
                null=("a coin", 0.5),
            ),
            Scale(
                name=f"agreement_each_order_{group}",
                text=f"share of {words} on which each order alone agrees with the assembly",
                group=group,
                mode=Mode.LETTER,
                better=1,
                null=("a coin an order", 0.25),
            ),
            Scale(
                name=f"gap_{group}",
                text=f"mean distance of the policy's share from the assembly's on {words}",
                group=group,
                mode=Mode.LETTER,
                better=-1,
            ),
        ]
    return (
        *found,
        Scale(name="choice_label_mass", text="probability that a label is answered", mode=Mode.LETTER, better=1),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceAgreementConfig:
    """Settings of `choice_agreement`."""

    choices: str = ""
    """Folder of events with a `choices` table (RUN/events/r1.play), a Parquet file of it, or a CSV."""
    num: int | None = None
    """How many pairs of each group, spread evenly; null is all."""
    question: str = QUESTION
    """What is asked above the two options; the same as in training."""

    def __post_init__(self) -> None:
        check_num("choice_agreement", num=self.num)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceAgreementInstrument:
    """Pairs of options with the assembly's share of the first."""

    items: tuple[Item, ...]
    shares: Mapping[str, float]
    question: str = QUESTION
    name: str = "choice_agreement"
    min_n: int = MIN_N
    scales: tuple[Scale, ...] = field(default_factory=_scales)
    version: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "version", version_of(self.items))

    def scripts(self, subject: Subject) -> Iterator[tuple[str, Script[Readings]]]:
        """Yield one script a pair."""
        for place, item in enumerate(self.items):
            yield script_name(self.name, subject.name, place, item), self._ask(subject, item)

    def _ask(self, subject: Subject, item: Item) -> Script[Readings]:
        request = Score(
            messages=(*subject.prefix, Message("user", self.question)),
            options=item.options,
            purpose="instruments/choice_agreement",
            policy=subject.policy,
            orders=Orders.REVERSED,
        )
        scores: Scores = yield request
        forfeit = "refusal" if scores.mass < MASS_FLOOR else ""
        if forfeit:
            yield Forfeit(cause=Cause.REFUSAL, request=request, reply="", why=f"mass {scores.mass:.3f}", final=True)
        return [
            reading(
                item,
                subject,
                instrument=self.name,
                version=self.version,
                form="pair",
                mode=Mode.LETTER,
                orders=Orders.REVERSED.value,
                forfeit=forfeit,
                **of_scores(scores),
            )
        ]

    def values(self, readings: Readings) -> dict[str, float]:
        """Return the scales of one pair; only label mass where it was not answered. A tie agrees by half."""
        one = readings[0]
        out = {"choice_label_mass": one.mass} if math.isfinite(one.mass) else {}
        if one.forfeit:
            return out
        share = self.shares[one.item]
        p = option_probabilities(one.logp)[0]
        each = [option_probabilities([row])[0] for row in one.logp]
        return out | {
            f"agreement_{one.group}": _agrees(p, share),
            f"agreement_each_order_{one.group}": min(_agrees(q, share) for q in each),
            f"gap_{one.group}": abs(p - share),
        }

    def score(self, outcomes: Sequence[Readings | None]) -> list[ScoreRow]:
        """Return all scales."""
        return score_rows(self, outcomes)

    def per_item(self, outcomes: Sequence[Readings | None]) -> dict[str, dict[str, float]]:
        """Return pair -> scale -> value."""
        return per_item(self, outcomes)

    def compare(self, before: Sequence[Readings | None], after: Sequence[Readings | None]) -> list[Comparison]:
        """Return a paired comparison of every scale."""
        return compare_outcomes(self, before, after)


def _agrees(p: float, share: float) -> float:
    product = (p - 0.5) * (share - 0.5)
    return 1.0 if product > 0 else 0.5 if product == 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceAgreement:
    """The registered instrument `choice_agreement`."""

    name: str = "choice_agreement"
    config: type[ChoiceAgreementConfig] = ChoiceAgreementConfig

    def load(
        self, config: ChoiceAgreementConfig, data_folder: Path = Path(), *, judge_policy: str = "base"
    ) -> ChoiceAgreementInstrument:
        """Read the held-out pairs. Raises UserError when there are none."""
        if not config.choices:
            raise UserError(
                "choice_agreement.choices is empty.",
                "the instrument compares a policy with an assembly's votes.",
                "give the events of a run of society utility_vote: RUN/events/r1.play",
            )
        rows = _read(resolve(config.choices, data_folder))
        items: list[Item] = []
        shares: dict[str, float] = {}
        for group in GROUPS:
            own = [row for row in rows if row["split"] == group]
            for name, row in spread([(_id(row), row) for row in own], config.num):
                shares[name] = float(row["p_a"])
                items.append(
                    Item(
                        id=name,
                        instrument=self.name,
                        text=config.question,
                        options=(str(row["option_a"]), str(row["option_b"])),
                        group=group,
                    )
                )
        if not items:
            raise UserError(
                f"{config.choices} holds no held-out pair.",
                "agreement is measured on pairs that training did not see (split held_pair or held_option).",
                "play society=utility_vote with num_held_pairs and num_held_option_pairs above 0",
            )
        return ChoiceAgreementInstrument(items=tuple(items), shares=shares, question=config.question)


def _id(row: Mapping[str, Any]) -> str:
    return content_id(f"{row['option_a']}|{row['option_b']}")


def _read(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a choices table. Raises UserError naming the file and what it lacks."""
    import polars as pl

    files = sorted(path.glob("choices-*.parquet")) if path.is_dir() else [path]
    if not files:
        raise UserError(
            f"{path} holds no choices table.",
            "no file choices-*.parquet is in that folder.",
            "give the folder RUN/events/r1.play of a run of society=utility_vote",
        )
    frames = [pl.read_csv(one) if one.suffix == ".csv" else pl.read_parquet(one) for one in files]
    frame = pl.concat(frames, how="vertical_relaxed")
    missing = [name for name in ("option_a", "option_b", "p_a", "split") if name not in frame.columns]
    if missing:
        raise UserError(f"{path} lacks {', '.join(missing)}.", f"it has {', '.join(frame.columns)}.", "add the columns")
    rows: list[dict[str, Any]] = frame.select("option_a", "option_b", "p_a", "split").to_dicts()
    return rows


instrument = ChoiceAgreement()
