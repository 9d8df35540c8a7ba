"""What the voices of an eras run said: each one's value vector against the uniform responder's and its own order gap.

Whether eras differ by more than noise takes nulls; `python -m benchmarks.eras RUN` has them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboards.sources import Reader, number, text, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """An era or a policy. away: distance of its value vector from the uniform responder's. gaps: of item and vote."""

    name: str
    kind: str
    timestep: int
    policy: str
    num_items: int
    num_voters: int
    away: float | None
    order_gap: float | None
    vote_gap: float | None
    mass: float | None
    lost: float | None
    missing: float | None


def voices_of(reader: Reader) -> tuple[Voice, ...]:
    """Return the voices of a run, eras in their order and then policies; none for a run of another society."""
    if not any(reader.run.folder.glob("events/*.play/era_vectors-*.parquet")):
        return ()
    found = [_voice(row) for row in reader.rows("events/*.play/era_vectors-*.parquet")]
    return tuple(sorted(found, key=lambda one: (one.kind == "policy", one.timestep, one.name)))


def _voice(row: Mapping[str, Any]) -> Voice:
    values, uniform = row.get("values") or (), row.get("uniform") or ()
    known = [(a, b) for a, b in zip(values, uniform, strict=False) if a is not None and math.isfinite(a)]
    return Voice(
        name=text(row.get("voice")),
        kind=text(row.get("kind")),
        timestep=whole(row.get("timestep")),
        policy=text(row.get("policy")),
        num_items=whole(row.get("num_items")),
        num_voters=whole(row.get("num_voters")),
        away=math.dist([a for a, _ in known], [b for _, b in known]) if len(known) == len(values) > 0 else None,
        order_gap=number(row.get("order_gap")),
        vote_gap=number(row.get("vote_gap")),
        mass=number(row.get("label_mass")),
        lost=number(row.get("invalid_rate")),
        missing=number(row.get("missing_votes")),
    )
