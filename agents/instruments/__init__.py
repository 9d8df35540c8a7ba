"""Instruments: the same items asked of populations and of policies, with an interval on every number.

A new instrument is one file with its items' loader, its script and its scoring key, registered under the entry-point
group `folkmoot.instruments`. `types` holds the words; `summary` turns readings into rows for all of them.
"""

from agents.instruments.types import (
    Admin,
    Comparison,
    Instrument,
    InstrumentKind,
    Item,
    Mode,
    Reading,
    Readings,
    Response,
    Scale,
    ScoreRow,
    Subject,
)

__all__ = [
    "Admin",
    "Comparison",
    "Instrument",
    "InstrumentKind",
    "Item",
    "Mode",
    "Reading",
    "Readings",
    "Response",
    "Scale",
    "ScoreRow",
    "Subject",
]
