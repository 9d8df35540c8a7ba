"""From readings to rows, for every instrument alike: points, intervals, forfeits, null baselines and flags.

An instrument says what one item's readings are worth on each scale (`values`); here they are put together. A value
that is missing is a forfeit: it is counted beside n and never imputed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from agents.instruments.types import MAX_FORFEIT_SHARE, FloatArray, Item, Mode, Reading, Readings, Scale, ScoreRow
from agents.statistics.intervals import NOTHING, Interval, bootstrap_mean, crossed_bootstrap, effective_n, wilson

LOW_MASS = 0.8
"""Below this label mass a scale is flagged: the policy often answers something else."""

Cell = tuple[str, str]
"""(subject, item)."""


class Summarised(Protocol):
    """What an instrument shows to this module."""

    @property
    def name(self) -> str:
        """Return its registered name."""

    @property
    def version(self) -> str:
        """Return the digest of items and prompts."""

    @property
    def items(self) -> tuple[Item, ...]:
        """Return all items."""

    @property
    def scales(self) -> tuple[Scale, ...]:
        """Return what is reported."""

    @property
    def min_n(self) -> int:
        """Return the least number of items for a finding."""

    def values(self, readings: Readings) -> dict[str, float]:
        """Return scale -> value of one item by one subject; what cannot be used is absent."""


def flatten(outcomes: Sequence[Readings | None]) -> list[Reading]:
    """Return all readings; lost scripts (None) add none."""
    return [reading for outcome in outcomes if outcome for reading in outcome]


def cells(instrument: Summarised, readings: Sequence[Reading]) -> dict[Cell, dict[str, float]]:
    """Return (subject, item) -> scale -> value."""
    grouped: dict[Cell, Readings] = {}
    for reading in readings:
        grouped.setdefault((reading.subject, reading.item), []).append(reading)
    return {cell: instrument.values(group) for cell, group in grouped.items()}


def scale_items(instrument: Summarised, scale: Scale) -> list[str]:
    """Return the ids of the items that count on a scale."""
    return [item.id for item in instrument.items if scale.group in ("", item.group)]


def score_rows(instrument: Summarised, outcomes: Sequence[Readings | None]) -> list[ScoreRow]:
    """Return a row for each policy and scale, by policy, then in the order of the scales."""
    readings = flatten(outcomes)
    rows = []
    for policy in sorted({reading.policy for reading in readings}) or [""]:
        own = [reading for reading in readings if reading.policy == policy]
        table = cells(instrument, own)
        plain = [scale for scale in instrument.scales if scale.mode is not Mode.DERIVED]
        rows += [_row(instrument, scale, policy, own, table) for scale in plain]
    return rows


def per_item(instrument: Summarised, outcomes: Sequence[Readings | None]) -> dict[str, dict[str, float]]:
    """Return item -> scale -> mean over subjects, in the order of the items."""
    sums: dict[str, dict[str, list[float]]] = {}
    for (_, item), values in cells(instrument, flatten(outcomes)).items():
        for scale, value in values.items():
            sums.setdefault(item, {}).setdefault(scale, []).append(value)
    order = [item.id for item in instrument.items if item.id in sums]
    return {item: {scale: math.fsum(v) / len(v) for scale, v in sums[item].items()} for item in order}


def _row(
    instrument: Summarised,
    scale: Scale,
    policy: str,
    readings: Sequence[Reading],
    table: Mapping[Cell, Mapping[str, float]],
) -> ScoreRow:
    subjects = sorted({reading.subject for reading in readings})
    weights = {reading.subject: reading.weight for reading in readings}
    items = scale_items(instrument, scale)
    values = np.array(
        [[table.get((subject, item), {}).get(scale.name, math.nan) for item in items] for subject in subjects]
    ).reshape(len(subjects), len(items))
    seen = np.isfinite(values)
    n = int(seen.sum())
    interval = _interval(values, [weights[subject] for subject in subjects], scale)
    behind = [r for r in readings if scale.group in ("", r.group) and r.mode == scale.mode.value and not r.forfeit]
    masses = [r.mass for r in behind if math.isfinite(r.mass)]
    row = ScoreRow(
        instrument=instrument.name,
        scale=scale.name,
        group=scale.group,
        point=interval.point,
        se=interval.se,
        lo=interval.lo,
        hi=interval.hi,
        n=n,
        n_eff=effective_n(
            [weights[subject] for subject, row in zip(subjects, seen, strict=True) for _ in range(row.sum())]
        ),
        mode=scale.mode.value,
        orders=", ".join(sorted({r.orders for r in behind if r.orders})),
        label_mass=math.fsum(masses) / len(masses) if masses else math.nan,
        forfeits=max(1, len(subjects)) * len(items) - n,
        null=scale.null,
        version=instrument.version,
        subject=subjects[0] if len(subjects) == 1 else f"{len(subjects)} subjects",
        policy=policy,
        better=scale.better,
        flags=(),
    )
    return with_flags(row, instrument.min_n, varies=bool(n > 1 and np.ptp(values[seen]) > 0))


def with_flags(row: ScoreRow, min_n: int, *, varies: bool = True) -> ScoreRow:
    """Return the row with what a reader must know said in plain words."""
    flags = []
    if row.n == 0:
        flags.append("not measured")
    elif row.n < min_n:
        flags.append(f"n below {min_n}: not a finding")
    if row.n and row.forfeits > MAX_FORFEIT_SHARE * (row.n + row.forfeits):
        flags.append(f"invalid: {row.forfeits} of {row.n + row.forfeits} forfeited")
    if row.label_mass < LOW_MASS:
        flags.append(f"label mass {row.label_mass:.2f} is below {LOW_MASS}")
    if row.n > 1 and not varies:
        flags.append("all items gave the same value")
    return replace(row, flags=(*row.flags, *flags))


def _interval(values: FloatArray, weights: Sequence[float], scale: Scale) -> Interval:
    seen = values[np.isfinite(values)]
    if seen.size == 0:
        return NOTHING
    if values.shape[0] > 1:
        return crossed_bootstrap(values, weights=weights)
    if scale.kind == "share" and bool(np.isin(seen, (0.0, 1.0)).all()):
        return wilson(float(seen.sum()), seen.size)
    return bootstrap_mean(seen)
