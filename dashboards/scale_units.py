"""What a scale counts in, so that only scales of one unit share an axis, and none is flattened by another. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

SHARE, PROBABILITY = "share", "probability"
UNITS: tuple[tuple[str, str, str], ...] = (
    ("safety", "", SHARE),
    ("overrefusal", "", SHARE),
    ("win_rate", "", SHARE),
    ("choice_agreement", "agreement", SHARE),
    ("moralchoice", "action1", PROBABILITY),
    ("moralchoice", "agreement", PROBABILITY),
    ("lm_loss", "nats", "nats a token"),
    ("lm_loss", "bits", "bits a byte"),
    ("value_follow", "", "cosine"),
)
"""(instrument, beginning of the scale's name, unit). A share is of items, a probability is a mean over items."""


def unit_of(instrument: str, scale: str, group: str = "") -> str:
    """Return what a scale counts in; "" for one that shares its unit with no other, as far as is known.

    The dimensions of a value vector count in what their block does, so the block is their unit.

    >>> unit_of("safety", "harmful_compliance"), unit_of("moralchoice", "entropy_high"), unit_of("else", "label_mass")
    ('share', '', 'probability')
    """
    if scale.endswith("label_mass"):
        return PROBABILITY
    if instrument == "value_vector" and group:
        return f"value dimensions, {group}"
    return next((unit for name, start, unit in UNITS if name == instrument and scale.startswith(start)), "")


@dataclass(frozen=True, slots=True)
class Panel:
    """Scales that share an axis. unit: what stands along it; "" where the one scale says that itself."""

    title: str
    unit: str
    scales: tuple[str, ...]


def short_names(scales: Sequence[str]) -> dict[str, str]:
    """Return scale -> its name without the instrument and the group that all of some scales share.

    >>> short_names(["value vector: fairness, foundations", "value vector: purity, foundations"])
    {'value vector: fairness, foundations': 'fairness', 'value vector: purity, foundations': 'purity'}
    """
    heads = {scale.partition(": ")[0] for scale in scales}
    tails = {scale.rpartition(", ")[2] for scale in scales}
    head = f"{heads.pop()}: " if len(heads) == 1 else ""
    tail = f", {tails.pop()}" if len(tails) == 1 else ""
    return {scale: scale.removeprefix(head).removesuffix(tail) for scale in scales}


def panels_of(points: pl.DataFrame) -> tuple[Panel, ...]:
    """Return the panels of some points (columns scale, unit), in the order in which their first scale stands."""
    found: dict[str, list[str]] = {}
    units: dict[str, str] = {}
    for scale, unit in points.select("scale", "unit").unique(maintain_order=True).iter_rows():
        key = unit or scale
        found.setdefault(key, []).append(scale)
        units[key] = unit
    return tuple(
        Panel(title=scales[0] if len(scales) == 1 else key, unit=units[key], scales=tuple(scales))
        for key, scales in found.items()
    )
