"""Small multiples on a page: panels that wrap in a narrow window, with one finding, table and set of downloads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import streamlit as st

from dashboards.frames_text import label
from dashboards.views.common import downloads, picture
from dashboards.views.grid import grid


def panels(
    charts: Sequence[Any], frame: pl.DataFrame, name: str, finding: str, *, columns: int = 3, narrowest: int = 250
) -> None:
    """Show panels side by side with what they say in words, their table, and their downloads.

    narrowest: pixels below which a panel moves to the next row.
    """
    plain = [chart.configure(aria=False).configure_mark(aria=False) for chart in charts]
    with st.grid(columns, min_column_width=narrowest):
        for number, chart in enumerate(plain):
            st.altair_chart(chart, key=f"chart-{name}-{number}", alt=finding)
    st.caption(label(finding, 900))
    with st.expander("Data behind these charts", icon=":material/table:"):
        grid(frame, f"table-{name}")
        with st.container(horizontal=True):
            downloads(frame, name)
            picture(lambda: _together(charts, columns), name)


def _together(charts: Sequence[Any], columns: int) -> Any:
    import altair as alt

    return alt.concat(*(chart.properties(width=280) for chart in charts), columns=columns)
