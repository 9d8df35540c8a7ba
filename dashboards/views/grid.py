"""How a table looks: thousands marked, at most three significant digits, a dash for what is missing."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

LARGE = 1000
WIDE = 10
"""Columns from which headers are shortened; their full names stand in the tooltip and in what is downloaded."""
SHORT = {
    "prompt tokens": "tokens in",
    "output tokens": "tokens out",
    "from cache": "cached",
    "tokens per second": "tokens/s",
    "from journal": "journal",
}
NAMES = ("seed",)
"""Whole numbers that are names: no thousands are marked in them."""


def grid(frame: pl.DataFrame, key: str, **options: Any) -> Any:
    """Show a table; downloads keep every digit. options: go to `st.dataframe`. Returns what that returns."""
    named = headers(frame)
    columns: dict[str, Any] = {
        name: st.column_config.NumberColumn(named.get(name), format=how, help=name if name in named else None)
        for name, how in number_formats(frame).items()
    }
    columns |= options.pop("column_config", {})
    return st.dataframe(frame, hide_index=True, key=key, column_config=columns, placeholder="-", **options)


def headers(frame: pl.DataFrame) -> dict[str, str]:
    """Return column -> shorter header, where a table is so wide that its last columns would be cut off. Pure."""
    return {name: SHORT[name] for name in frame.columns if name in SHORT} if frame.width >= WIDE else {}


def number_formats(frame: pl.DataFrame) -> dict[str, str]:
    """Return column -> format of its numbers. Pure."""
    found = {}
    for name, kind in frame.schema.items():
        if kind.is_integer() and name not in NAMES:
            found[name] = "localized"
        elif kind.is_float():
            most = frame[name].fill_nan(None).abs().max()
            found[name] = "localized" if isinstance(most, float) and most >= LARGE else "%.3g"
    return found
