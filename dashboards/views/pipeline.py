"""Page: the whole loop as a graph: what was played, learned, measured and judged, and what each step cost."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import streamlit as st

from dashboards.frames_text import label
from dashboards.learning import funnel_of, policies_of
from dashboards.measures import gates_of
from dashboards.pipeline import Pipeline, pipeline_of
from dashboards.pipeline_drawing import MANY_FAIL, boxes_frame, mermaid, pipeline_finding, prompt_graph
from dashboards.runs_folder import digest_of_files
from dashboards.sources import Reader
from dashboards.views.common import choice, heading, reproduce, table, this_run, told
from sim.store import Run


@st.cache_data(max_entries=8, show_spinner=False)  # type: ignore[untyped-decorator]
def _read(run_folder: str, digest: str) -> tuple[Pipeline | None, list[str]]:
    reader = Reader(Run(Path(run_folder)))
    gates = gates_of(reader)
    return pipeline_of(reader, policies_of(reader), funnel_of(reader), gates), reader.problems


def main() -> None:
    """Show the page."""
    run, name = this_run()
    heading("Pipeline", run, name)
    parts = ("policies/*", "training/*", "samples/*")
    marks = "".join(str(path.stat().st_mtime_ns) for part in parts for path in sorted(run.folder.glob(part)))
    found, problems = _read(str(run.folder), digest_of_files(run) + marks)
    told(problems)
    if found is None:
        st.info(
            "No stage of this run has begun yet: there is nothing to draw. Go on with it:", icon=":material/schema:"
        )
        st.code(f"folkmoot resume {run.folder}", language=None, wrap_lines=True)
        return
    stages = [stage for stage, prompts in found.prompts.items() if prompts]
    inside = choice("Prompts of", "inside", stages, anything="every stage, as a table") if stages else ""
    finding = pipeline_finding(found)
    st.mermaid_chart(mermaid(found), alt=finding)
    marked = (
        f"Orange border: stopped, rejected, or {100 * MANY_FAIL:.0f} % and more of it failed; the label says which."
    )
    st.caption(label(f"{finding} {marked}", 700))
    table(
        boxes_frame(found.boxes),
        "pipeline",
        alt="Nodes of the pipeline with time, tokens, failures",
    )
    every = [
        boxes_frame(prompts).select(pl.lit(stage).alias("stage"), pl.all())
        for stage, prompts in found.prompts.items()
        if prompts and inside in ("", stage)
    ]
    if every:
        st.subheader("By prompt")
        if graph := prompt_graph(found, inside):
            st.mermaid_chart(graph, alt=f"The dearest prompts of {inside}; the table below holds all of them")
        columns = ["stage", "node", "requests", "prompt tokens", "output tokens", "failure share", "lo", "hi", "n"]
        table(
            pl.concat(every).select(columns),
            "prompts",
            alt="What each prompt cost and how often it failed",
        )
    reproduce(f"folkmoot show {run.folder}")


main()
