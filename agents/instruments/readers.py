"""Two readers of the same replies: how far keyword and judge agree, and how often the judge follows the slot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from agents.instruments.summary import Summarised, flatten, with_flags
from agents.instruments.types import Mode, Reading, Readings, ScoreRow
from agents.statistics.agreement import kappa
from agents.statistics.intervals import bootstrap_statistic, wilson

MOST = 0.5
LOW_KAPPA = 0.6
"""Below this agreement the judge's numbers are not evidence."""


def agreement_rows(instrument: Summarised, outcomes: Sequence[Readings | None]) -> list[ScoreRow]:
    """Return, for each policy that a judge read: kappa of keyword and judge, and the share of flipped verdicts.

    An undecided judge disagrees with every keyword reading.
    """
    readings = flatten(outcomes)
    rows = []
    for policy in sorted({reading.policy for reading in readings if reading.mode == Mode.JUDGE.value}):
        own = [reading for reading in readings if reading.policy == policy]
        rows += [_kappa_row(instrument, policy, own), _flip_row(instrument, policy, own)]
    return rows


def _kappa_row(instrument: Summarised, policy: str, readings: Sequence[Reading]) -> ScoreRow:
    labels = {
        mode: {(r.subject, r.item): r.label for r in readings if r.mode == mode.value and not r.forfeit}
        for mode in (Mode.KEYWORD, Mode.JUDGE)
    }
    both = [cell for cell in labels[Mode.KEYWORD] if cell in labels[Mode.JUDGE]]
    first = np.array([labels[Mode.KEYWORD][cell] for cell in both])
    second = np.array([labels[Mode.JUDGE][cell] for cell in both])
    interval = bootstrap_statistic(len(both), lambda rows: kappa(first[rows].tolist(), second[rows].tolist()))
    row = _row(instrument, "keyword_judge_kappa", policy, readings, len(both), ("chance agreement", 0.0))
    flags: tuple[str, ...] = ()
    if math.isnan(interval.point) and both:
        flags = ("kappa is undefined: both readers always say the same",)
    elif interval.point < LOW_KAPPA:
        flags = (f"kappa below {LOW_KAPPA}: do not lean on the judge",)
    return _filled(instrument, row, interval.point, interval.se, interval.lo, interval.hi, flags)


def _flip_row(instrument: Summarised, policy: str, readings: Sequence[Reading]) -> ScoreRow:
    judged = [r for r in readings if r.mode == Mode.JUDGE.value]
    interval = wilson(sum(r.form == "judge flipped" for r in judged), len(judged))
    row = _row(instrument, "judge_flips_with_order", policy, readings, len(judged), ("judge of slots", 1.0))
    flags = ("the judge follows the slot more than the text",) if interval.point > MOST else ()
    return _filled(instrument, row, interval.point, interval.se, interval.lo, interval.hi, flags)


def _row(
    instrument: Summarised,
    scale: str,
    policy: str,
    readings: Sequence[Reading],
    n: int,
    null: tuple[str, float] | None,
) -> ScoreRow:
    subjects = sorted({reading.subject for reading in readings})
    return ScoreRow(
        instrument=instrument.name,
        scale=scale,
        group="",
        point=math.nan,
        se=math.nan,
        lo=math.nan,
        hi=math.nan,
        n=n,
        n_eff=float(n),
        mode=Mode.DERIVED.value,
        orders="reversed",
        forfeits=max(1, len(subjects)) * len(instrument.items) - n,
        null=null,
        version=instrument.version,
        subject=subjects[0] if len(subjects) == 1 else f"{len(subjects)} subjects",
        policy=policy,
    )


def _filled(
    instrument: Summarised, row: ScoreRow, point: float, se: float, lo: float, hi: float, flags: tuple[str, ...]
) -> ScoreRow:
    return with_flags(replace(row, point=point, se=se, lo=lo, hi=hi, flags=flags), instrument.min_n)
