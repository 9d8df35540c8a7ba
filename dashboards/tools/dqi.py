"""What `folkmoot dqi` finds in codes of talk: quality by scale and speaker, and whether judges agree, beside chance."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from agents.statistics.intervals import Interval, bootstrap_mean
from dashboards.tools.dqi_files import PUBLISHED, Codes
from societies.assembly.dqi import Quality, Scale, quality
from societies.assembly.metrics.measured import FloatArray

NUM_DRAWS = 1000
"""Draws of as many turns, for a speaker's null."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerLine:
    """One speaker's index. value: mean over n turns. null_lo, null_hi: 95 % of means of as many turns by anybody."""

    speaker: str
    value: Interval
    n: int
    null_lo: float
    null_hi: float

    @property
    def apart(self) -> bool:
        """Whether chance would seldom give such a speaker."""
        return not self.null_lo <= self.value.point <= self.null_hi


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Everything the tool says. chance: scale -> mean of codes drawn evenly from it; chance_total: of the index.

    num_speakers: of all turns, also of those without an index. coded: scale -> turns with a code on it.
    judges: judge -> turns coded.
    """

    source: str
    quality: Quality
    speakers: tuple[SpeakerLine, ...]
    chance: Mapping[str, float]
    chance_total: float
    coded: Mapping[str, int]
    blank: Mapping[str, int]
    judges: Mapping[str, int]
    missing: tuple[str, ...]
    num_speakers: int
    seed: int


def findings(source: str, codes: Codes, *, seed: int = 0) -> Findings:
    """Return quality, agreement and nulls. seed: of the bootstrap and of the draws of turns."""
    found = quality(codes.judged, codes.rubric, seed=seed)
    chance = {scale.name: even(scale) for scale in codes.rubric}
    published = [scale.name for scale in codes.rubric if not scale.lay]
    coded = {scale.name: {one.turn for one in codes.judged if scale.name in one.codes} for scale in codes.rubric}
    return Findings(
        source=source,
        quality=_sure(found, {name: len(turns) for name, turns in coded.items()}),
        speakers=_speakers(found.by_turn, codes.speakers, seed),
        chance=chance,
        chance_total=float(np.mean([chance[name] for name in published])) if published else math.nan,
        coded={name: len(turns) for name, turns in coded.items()},
        blank=codes.blank,
        judges=dict(sorted(Counter(one.judge for one in codes.judged).items())),
        missing=tuple(name for name in PUBLISHED if name not in published),
        num_speakers=len(set(codes.speakers.values())),
        seed=seed,
    )


def _sure(found: Quality, coded: Mapping[str, int]) -> Quality:
    """Return the same without intervals of a single turn: their width of 0 would look like certainty."""
    indexed = sum(not math.isnan(value) for value in found.by_turn.values())
    scales = tuple(one if coded[one.scale] > 1 else replace(one, mean=_bare(one.mean.point)) for one in found.scales)
    return replace(found, scales=scales, total=found.total if indexed > 1 else _bare(found.total.point))


def _bare(point: float) -> Interval:
    return Interval(point, math.nan, math.nan, math.nan)


def even(scale: Scale) -> float:
    """Return the mean of rank / highest rank when every code is as likely as any other."""
    return float(np.mean([level.rank / scale.top for level in scale.levels]))


def _speakers(by_turn: Mapping[str, float], speakers: Mapping[str, str], seed: int) -> tuple[SpeakerLine, ...]:
    known = {turn: value for turn, value in by_turn.items() if not math.isnan(value)}
    everything = np.array(list(known.values()))
    lines = []
    for speaker in sorted({speakers[turn] for turn in known}):
        own = [value for turn, value in known.items() if speakers[turn] == speaker]
        low, high = _null(everything, len(own), seed)
        value = bootstrap_mean(own, seed=seed) if len(own) > 1 else _bare(own[0])
        lines.append(SpeakerLine(speaker=speaker, value=value, n=len(own), null_lo=low, null_hi=high))
    return tuple(sorted(lines, key=lambda line: (-line.value.point, line.speaker)))


def _null(values: FloatArray, num: int, seed: int) -> tuple[float, float]:
    """Return where 95 % of the means of `num` turns lie, taken from all without replacement: speakers shuffled."""
    rng = np.random.default_rng([seed, num])
    draws = rng.permuted(np.tile(values, (NUM_DRAWS, 1)), axis=1)[:, :num].mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)


def plain(found: Findings) -> dict[str, Any]:
    """Return what --json prints; null where a number is undefined."""
    q = found.quality
    return {
        "source": found.source,
        "num_turns": q.num_turns,
        "num_judges": q.num_judges,
        "enough_judges": q.enough_judges,
        "judges": dict(found.judges),
        "index": {**_interval(q.total), "null": _number(found.chance_total), "n": _num_indexed(found)},
        "scales_missing": list(found.missing),
        "scales": [
            {
                "scale": one.scale,
                **_interval(one.mean),
                "null": found.chance[one.scale],
                "n": found.coded[one.scale],
                "blank_cells": found.blank[one.scale],
                "alpha": {**_interval(one.alpha.value), "null": 0.0, "n": one.alpha.n},
            }
            for one in q.scales
        ],
        "speakers": [
            {"speaker": s.speaker, **_interval(s.value), "null_interval": [s.null_lo, s.null_hi], "n": s.n}
            for s in found.speakers
        ],
        "turns": {turn: _number(value) for turn, value in q.by_turn.items()},
        "seed": found.seed,
    }


def _num_indexed(found: Findings) -> int:
    return sum(not math.isnan(value) for value in found.quality.by_turn.values())


def _interval(one: Interval) -> dict[str, Any]:
    return {"mean": _number(one.point), "interval": [_number(one.lo), _number(one.hi)]}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def chart(found: Findings) -> Any:
    """Return the mean of each scale with its interval (dot and line) beside what chance gives (tick)."""
    import altair as alt

    rows: Sequence[tuple[str, Interval, float]] = [
        *((one.scale, one.mean, found.chance[one.scale]) for one in found.quality.scales),
        ("index", found.quality.total, found.chance_total),
    ]
    values = [
        {"scale": n, "mean": _number(i.point), "lo": _number(i.lo), "hi": _number(i.hi), "chance": _number(c)}
        for n, i, c in rows
    ]
    base = alt.Chart(alt.Data(values=values)).encode(y=alt.Y("scale:N", title=None, sort=[name for name, _, _ in rows]))
    dots = base.mark_point(filled=True, size=70).encode(
        x=alt.X("mean:Q", title="mean of rank / highest rank", scale=alt.Scale(domain=[0, 1]))
    )
    lines = base.mark_rule().encode(x="lo:Q", x2="hi:Q")
    ticks = base.mark_tick(color="grey", thickness=2).encode(x="chance:Q")
    return (lines + dots + ticks).properties(
        width=420, title=f"Discourse quality: {found.source} (grey: codes at random)"
    )
