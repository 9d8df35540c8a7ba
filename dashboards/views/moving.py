"""A part of the overview: what moved from stage to stage and from step to step, as sparklines."""

from __future__ import annotations

import streamlit as st

from dashboards.frames_text import label
from dashboards.rows import count, spaced
from dashboards.sources import Reader
from dashboards.sparks import Spark, group_words, line, sparks_of, varied

SHOWN = 12
WIDTH, HEIGHT = 220, 70
"""Pixels of one number and of its line."""


def moving(reader: Reader) -> None:
    """Show a dozen numbers that have two values or more, of as many kinds as there are; nothing where none has."""
    # What a stage cost stands in the table of stages: where it never changed it is no news here.
    sparks = [one for one in sparks_of(reader) if one.source != "account" or len(set(one.values)) > 1]
    if not sparks:
        return
    st.subheader("What moved")
    row = st.container(horizontal=True)
    drawn = varied(sparks, SHOWN)
    for number, spark in enumerate(drawn):
        with row.container(width=WIDTH, gap="xsmall"):
            st.metric(label(spaced(spark.name), 80), _value(spark), help=label(spark.meaning, 400))
            st.vega_lite_chart(line(spark), key=f"chart-moved-{number}", height=HEIGHT, alt=spark.meaning)
            if spark.group:
                st.caption(label(group_words(spark.group), 120))
    more = f" {len(sparks) - len(drawn)} more stand in the file." if len(sparks) > len(drawn) else ""
    st.caption(f"Read from `metrics.parquet`.{more} A line alone shows no effect: see its interval and its null.")


def _value(spark: Spark) -> str:
    last = spark.values[-1]
    told = count(last) if abs(last) >= 1000 else f"{last:.3g}"
    return f"{told} {label(spark.unit)}".strip()
