"""A part of the overview: what moved from stage to stage and from step to step, as sparklines."""

from __future__ import annotations

import streamlit as st

from dashboards.frames_text import label
from dashboards.rows import count
from dashboards.sources import Reader
from dashboards.sparks import Spark, sparks_of

SHOWN = 12
WIDTH = 220


def moving(reader: Reader) -> None:
    """Show the first dozen numbers that have two values or more; nothing where none has."""
    sparks = sparks_of(reader)
    if not sparks:
        return
    st.subheader("What moved")
    row = st.container(horizontal=True)
    for spark in sparks[:SHOWN]:
        row.metric(_title(spark), _value(spark), help=label(spark.meaning, 400), chart_data=spark.values, width=WIDTH)
    more = f" {len(sparks) - SHOWN} more stand in the file." if len(sparks) > SHOWN else ""
    st.caption(f"Read from `metrics.parquet`.{more} A line alone shows no effect: see its interval and its null.")


def _title(spark: Spark) -> str:
    return label(f"{spark.name}, {spark.group}" if spark.group else spark.name, 80)


def _value(spark: Spark) -> str:
    last = spark.values[-1]
    told = count(last) if abs(last) >= 1000 else f"{last:.3g}"
    return f"{told} {label(spark.unit)}".strip()
