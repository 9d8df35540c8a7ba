"""Whose replies are better: win, tie or lose by a judge who sees both orders.

A verdict that changes with the order is a tie, and so is one within the margin; ties are counted, not dropped.
`win_rate` puts a policy against a reference policy; `judge_replies` puts any two sets of replies against each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agents.errors import UserError
from agents.instruments.banks import check_num, instructions, script_name, version_of
from agents.instruments.comparing import compare_outcomes
from agents.instruments.judging import PairJudgement, judge_pair
from agents.instruments.replies import ask_reply, reading
from agents.instruments.summary import per_item, score_rows
from agents.instruments.types import Comparison, Item, Mode, Reading, Readings, Scale, ScoreRow, Subject
from agents.requests import ScoreMode, Script

MIN_N = 50
PROMPTS = ("judge_pair.v1",)
WORTH = {"win": 1.0, "tie": 0.5, "lose": 0.0}
SCALES = (
    Scale(
        name="win_rate", text="wins plus half of the ties, against the reference", mode=Mode.JUDGE, better=1,
        null=("two equal policies", 0.5),
    ),
    Scale(name="win_share", text="share of wins", mode=Mode.JUDGE, kind="share", better=1),
    Scale(name="tie_share", text="share of ties", mode=Mode.JUDGE, kind="share"),
    Scale(name="lose_share", text="share of losses", mode=Mode.JUDGE, kind="share", better=-1),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class WinRateConfig:
    """Settings of `win_rate`."""

    prompts: str = ""
    """File of ordinary requests; empty is the built-in bank of 40."""
    num: int | None = None
    """How many requests, spread evenly over the file; null is all."""
    reference: str = "base"
    """The policy that is played against."""
    max_tokens: int = 128
    """Longest reply of either."""
    margin: float = 0.05
    """How far from one half the judge's mean must be for a win or a loss."""
    judge_policy: str = ""
    """The judge; empty is measure.judge_policy."""

    def __post_init__(self) -> None:
        check_num("win_rate", num=self.num, max_tokens=self.max_tokens)
        if not 0 <= self.margin < 0.5:
            raise UserError(
                f"win_rate.margin = {self.margin} is out of range.",
                "it is how far from one half the judge's mean must be, and that mean lies between 0 and 1.",
                "use 0 or more and less than 0.5",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class WinRateInstrument:
    """Requests answered by the subject's policy and by the reference, and judged in both orders."""

    items: tuple[Item, ...]
    judge_policy: str
    reference: str = "base"
    max_tokens: int = 128
    margin: float = 0.05
    name: str = "win_rate"
    min_n: int = MIN_N
    scales: tuple[Scale, ...] = SCALES
    version: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "version", version_of(self.items, PROMPTS))

    def scripts(self, subject: Subject) -> Iterator[tuple[str, Script[Readings]]]:
        """Yield one script a request."""
        for place, item in enumerate(self.items):
            yield script_name(self.name, subject.name, place, item), self._ask(subject, item)

    def _ask(self, subject: Subject, item: Item) -> Script[Readings]:
        texts = []
        for policy in (subject.policy, self.reference):
            reply = yield from ask_reply(
                item, subject, policy=policy, max_tokens=self.max_tokens, purpose="instruments/win_rate"
            )
            texts.append(reply.text if reply is not None else "")
        if not all(texts):
            return [self._reading(subject, item, None, texts[0], "parse")]
        judged = yield from judge_pair(item.text, *texts, judge_policy=self.judge_policy, margin=self.margin)
        return [self._reading(subject, item, judged, texts[0], "" if judged.verdict else "refusal")]

    def _reading(self, subject: Subject, item: Item, judged: PairJudgement | None, text: str, forfeit: str) -> Reading:
        scores = judged.scores if judged else ()
        letter = bool(scores) and scores[0].mode == ScoreMode.LETTER.value
        return reading(
            item,
            subject,
            instrument=self.name,
            version=self.version,
            form="pair",
            mode=Mode.JUDGE,
            orders="reversed",
            options=("ours", "theirs") if scores else (),
            logp=tuple(row if k == 0 else row[::-1] for k, one in enumerate(scores) for row in one.logp),
            mass=math.fsum(one.mass for one in scores) / len(scores) if letter else math.nan,
            text=text,
            label=(judged.verdict or "") if judged else "",
            identity=scores[0].identity if scores else "",
            forfeit=forfeit,
        )

    def values(self, readings: Readings) -> dict[str, float]:
        """Return what one verdict is worth."""
        verdict = readings[0].label
        if not verdict:
            return {}
        return {"win_rate": WORTH[verdict], **{f"{word}_share": float(word == verdict) for word in WORTH}}

    def score(self, outcomes: Sequence[Readings | None]) -> list[ScoreRow]:
        """Return win rate and the three shares."""
        return score_rows(self, outcomes)

    def per_item(self, outcomes: Sequence[Readings | None]) -> dict[str, dict[str, float]]:
        """Return request -> scale -> value."""
        return per_item(self, outcomes)

    def compare(self, before: Sequence[Readings | None], after: Sequence[Readings | None]) -> list[Comparison]:
        """Return a paired comparison of every scale."""
        return compare_outcomes(self, before, after)


def judge_replies(
    requests: Mapping[str, str],
    ours: Mapping[str, str],
    theirs: Mapping[str, str],
    *,
    judge_policy: str = "base",
    margin: float = 0.05,
) -> Iterator[tuple[str, Script[PairJudgement]]]:
    """Yield (id, script) for every request that both sets answered, such as two methods on the same instructions."""
    for name, request in requests.items():
        if ours.get(name, "").strip() and theirs.get(name, "").strip():
            yield name, judge_pair(request, ours[name], theirs[name], judge_policy=judge_policy, margin=margin)


@dataclass(frozen=True, slots=True, kw_only=True)
class WinRate:
    """The registered instrument `win_rate`."""

    name: str = "win_rate"
    config: type[WinRateConfig] = WinRateConfig

    def load(
        self, config: WinRateConfig, data_folder: Path = Path(), *, judge_policy: str = "base"
    ) -> WinRateInstrument:
        """Read the requests."""
        return WinRateInstrument(
            items=tuple(instructions(config.prompts, "ordinary", "ordinary", data_folder, num=config.num)),
            judge_policy=config.judge_policy or judge_policy,
            reference=config.reference,
            max_tokens=config.max_tokens,
            margin=config.margin,
        )


instrument = WinRate()
