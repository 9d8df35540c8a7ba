"""The Discourse Quality Index: a rubric as data, what a judge must answer, how to read it, and whether judges agree.

Scales and levels after Steenbergen, Baechtiger, Spoerndli and Steiner 2003 (Measuring political deliberation), from
memory and not checked against the paper; the lay scales beside them are ours. The wording here is ours throughout.
A score is a judge's opinion about one turn: report it only beside the agreement of at least three judges.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from agents.statistics.intervals import Interval, bootstrap_mean
from societies.assembly.metrics.measured import FloatArray, Measured
from societies.assembly.metrics.reliability import reliability

LEAST_JUDGES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level of a scale. code: the integer a judge writes. rank: its place in the order; levels may share one."""

    code: int
    label: str
    rank: int
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """One thing to judge about a turn. lay: an addition to the published index; kept out of its total."""

    name: str
    question: str
    levels: tuple[Level, ...]
    lay: bool = False

    @property
    def top(self) -> int:
        """The highest rank."""
        return max(level.rank for level in self.levels)

    def rank(self, code: int) -> int:
        """Return the rank of a code; KeyError for a code that the scale does not have."""
        return {level.code: level.rank for level in self.levels}[code]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One judge on one turn: a code for each scale of the rubric; none where a human coder left a scale out."""

    turn: str
    judge: str
    codes: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A reply that gave no score, and why; count it, never guess it."""

    turn: str
    judge: str
    why: str


def _scale(name: str, question: str, *meanings: str, lay: bool = False) -> Scale:
    levels = tuple(Level(code=k, label=str(k), rank=k, meaning=text) for k, text in enumerate(meanings))
    return Scale(name=name, question=question, levels=levels, lay=lay)


RUBRIC: tuple[Scale, ...] = (
    _scale("participation", "Could the speaker finish?", "was interrupted", "spoke freely"),
    _scale(
        "justification",
        "How are demands supported?",
        "a demand without a reason",
        "a reason that is not linked to the demand",
        "one complete reason",
        "several complete reasons, or one developed in depth",
    ),
    Scale(
        name="content",
        question="Whose good do the reasons name?",
        levels=(
            Level(code=0, label="0", rank=0, meaning="that of one's own group"),
            Level(code=1, label="1", rank=1, meaning="nobody's in particular"),
            Level(code=2, label="2a", rank=2, meaning="the common good as the greatest good of the greatest number"),
            Level(code=3, label="2b", rank=2, meaning="the common good as that of the worst-off"),
        ),
    ),
    _scale(
        "respect_groups",
        "How are the people spoken of whom the matter concerns?",
        "only badly",
        "neither well nor badly",
        "with express respect",
    ),
    _scale(
        "respect_demands",
        "How are the demands of others spoken of?",
        "only badly",
        "neither well nor badly",
        "with express respect",
    ),
    _scale(
        "counterarguments",
        "How are arguments against one's own position treated?",
        "passed over",
        "taken up and belittled",
        "taken up without a judgement",
        "taken up and valued",
    ),
    _scale(
        "constructive_politics",
        "Does the speaker move?",
        "stays with the position",
        "proposes something for another agenda",
        "proposes what could mediate here",
    ),
    _scale("storytelling", "Is there a story of somebody's own life?", "no", "yes", lay=True),
    _scale("empathy", "Does the speaker take another's place?", "no", "names it", "thinks from it", lay=True),
    _scale("questions", "Is something truly asked of others?", "no", "yes", lay=True),
    _scale("reciprocity", "Is another speaker's point taken up by name or number?", "no", "yes", lay=True),
    _scale("evidence", "Is a piece of the evidence cited by its id?", "no", "yes", lay=True),
    _scale("novelty", "Does the turn add a point not made before?", "no", "yes", lay=True),
)
"""The default rubric: seven published scales, then six lay ones."""


def answer_schema(rubric: Sequence[Scale] = RUBRIC) -> dict[str, Any]:
    """Return the JSON schema of a judge's answer: one integer a scale, nothing else; for a constrained `Generate`."""
    properties = {scale.name: {"type": "integer", "enum": [level.code for level in scale.levels]} for scale in rubric}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def instructions(rubric: Sequence[Scale] = RUBRIC) -> str:
    """Return the rubric as text for a prompt: each scale's question and what each integer means."""
    lines = []
    for scale in rubric:
        levels = "; ".join(f"{level.code} = {level.meaning}" for level in scale.levels)
        lines.append(f"{scale.name}: {scale.question} {levels}.")
    return "\n".join(lines)


def read_answer(reply: str, *, turn: str, judge: str, rubric: Sequence[Scale] = RUBRIC) -> Judged | Unread:
    """Read a judge's reply: the first JSON object in it, with exactly the rubric's scales. Never raises.

    An unknown scale, a missing one, a number that is no level or no integer makes the whole reply unread.
    """

    def unread(why: str) -> Unread:
        return Unread(turn=turn, judge=judge, why=why)

    start = reply.find("{")
    if start < 0:
        return unread("no JSON object")
    try:
        raw, _ = json.JSONDecoder().raw_decode(reply, start)
    except (ValueError, RecursionError):
        return unread("broken JSON")
    wanted = {scale.name: {level.code for level in scale.levels} for scale in rubric}
    for name in raw:
        if name not in wanted:
            return unread(f"unknown scale {name[:40]!r}")
    for name, codes in wanted.items():
        if name not in raw:
            return unread(f"no {name}")
        if type(raw[name]) is not int or raw[name] not in codes:
            return unread(f"{name} is none of {sorted(codes)}")
    return Judged(turn=turn, judge=judge, codes={name: raw[name] for name in wanted})


def total(judged: Judged, rubric: Sequence[Scale] = RUBRIC) -> float:
    """Return the mean over the published scales of rank / highest rank, in [0, 1].

    The published index is a set of scales; a single total weighs them equally, which is a choice of ours.
    """
    parts = [scale.rank(judged.codes[scale.name]) / scale.top for scale in rubric if not scale.lay]
    return float(np.mean(parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleReading:
    """One scale over all turns: mean of rank / highest rank (judges averaged first), and how far judges agree."""

    scale: str
    mean: Interval
    alpha: Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Discourse quality of a set of turns. enough_judges: at least three judges rated something.

    by_turn: the mean over the published scales that were coded; nan for a turn with none of them.
    """

    scales: tuple[ScaleReading, ...]
    total: Interval
    num_turns: int
    num_judges: int
    num_unread: int
    enough_judges: bool
    by_turn: Mapping[str, float] = field(default_factory=dict)


def quality(replies: Sequence[Judged | Unread], rubric: Sequence[Scale] = RUBRIC, *, seed: int = 0) -> Quality:
    """Return means with intervals over turns and the ordinal alpha of each scale.

    A judge who rated a turn twice counts with the last rating. Turns that no judge could be read on are left out, and
    from a scale's mean the turns that nobody coded on it.
    """
    judged = [reply for reply in replies if isinstance(reply, Judged)]
    turns, judges = sorted({j.turn for j in judged}), sorted({j.judge for j in judged})
    row, column = {name: k for k, name in enumerate(judges)}, {name: k for k, name in enumerate(turns)}
    readings, published = [], []
    for scale in rubric:
        ranks = np.full((len(judges), len(turns)), math.nan)
        for one in judged:
            if scale.name in one.codes:
                ranks[row[one.judge], column[one.turn]] = scale.rank(one.codes[scale.name])
        means = by_turn(ranks) / scale.top
        if not scale.lay:
            published.append(means)
        known = means[~np.isnan(means)]
        readings.append(
            ScaleReading(scale=scale.name, mean=bootstrap_mean(known, seed=seed), alpha=reliability(ranks, seed=seed))
        )
    totals = by_turn(np.array(published)) if published else np.empty(0)
    return Quality(
        scales=tuple(readings),
        total=bootstrap_mean(totals[~np.isnan(totals)], seed=seed),
        by_turn=dict(zip(turns, totals.tolist(), strict=True)) if published else {},
        num_turns=len(turns),
        num_judges=len(judges),
        num_unread=len(replies) - len(judged),
        enough_judges=len(judges) >= LEAST_JUDGES,
    )


def by_turn(table: FloatArray) -> FloatArray:
    """Return the mean of each column over what is there; nan for a column of nothing. table: [judge or scale, turn]."""
    known = ~np.isnan(table)
    num = known.sum(axis=0)
    return np.where(num > 0, np.where(known, table, 0.0).sum(axis=0) / np.maximum(num, 1), math.nan)
