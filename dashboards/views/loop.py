"""Page: the alignment loop: rounds, gates with reasons, curves, before and after, and where policies come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from dashboards import charts, frames
from dashboards.charts_coevolution import bands, domain
from dashboards.epochs import epochs_of
from dashboards.epochs_rows import epochs_section
from dashboards.frames_text import label
from dashboards.launching import start
from dashboards.learning import funnel_of, policies_of
from dashboards.measures import Gate, gates_of, measures_of
from dashboards.rows import spaced
from dashboards.runs_folder import digest_of_files
from dashboards.sources import Reader, mapping
from dashboards.standing import loop_line
from dashboards.verdict import RULES, gated
from dashboards.views.common import figure, folder, heading, may_change, reproduce, table, this_run, told
from dashboards.views.scores import scores
from sim.store import Run


@st.cache_data(max_entries=8, show_spinner=False)  # type: ignore[untyped-decorator]
def _read(run_folder: str, digest: str) -> tuple[Any, Any, Any, Any, Any, list[str]]:
    reader = Reader(Run(Path(run_folder)))
    gates = gates_of(reader)
    found = epochs_of(reader)
    return gates, found, measures_of(reader, gates), policies_of(reader), funnel_of(reader), reader.problems


def main() -> None:
    """Show the page."""
    run, name = this_run()
    state, status = heading("Alignment loop", run, name)
    parts = [path for part in ("policies", "training", "epochs") for path in sorted(run.folder.glob(f"{part}/*"))]
    marks = "".join(str(path.stat().st_mtime_ns) for path in parts)
    gates, epochs, measures, policies, funnel, problems = _read(str(run.folder), digest_of_files(run) + marks)
    told(problems)
    if not (gates or epochs or measures or policies or funnel):
        st.info("This run only played: nothing was trained or measured. Learn from its samples with:")
        st.code(f"folkmoot align {run.folder}", language=None, wrap_lines=True)
        return
    loop = mapping(status.get("loop"))
    if loop:
        st.write(loop_line(state, loop))
    _epochs(epochs)
    for gate in reversed(gates):
        _gate(run, gate, waiting=state.word == "stopped" and "waits for a person" in state.why)
    _measures(measures)
    _policies(policies)
    if funnel:
        st.subheader("What was learned from")
        table(frames.funnel_frame(funnel), "funnel", alt="Filters that samples went through before training")
    reproduce(f"folkmoot show {run.folder} --json")


def _gate(run: Run, gate: Gate, *, waiting: bool) -> None:
    st.subheader(f"Gate of round {gate.round}")
    tone = {"promoted": st.success, "rejected": st.error}.get(gate.decision, st.warning)
    icon = {"promoted": ":material/check:", "rejected": ":material/block:"}.get(gate.decision, ":material/pending:")
    tone(label(gated(gate), 300), icon=icon)
    if gate.stop:
        st.warning(label(f"The loop stopped here: {gate.stop}.", 300), icon=":material/stop_circle:")
    criteria = frames.gate_frame(gate)
    for one in criteria.iter_rows(named=True):
        sign = {"passed": "check", "failed": "close", "not run": "help"}.get(one["state"], "remove")
        said = f"**{label(one['criterion'])}** {label(one['state'])}. {label(one['reason'], 400)}"
        st.markdown(f":material/{sign}: {said}")
    with st.expander("Criteria as a table", icon=":material/table:"):
        table(criteria, f"gate-{gate.round}", alt="Criteria of the gate with state and reason")
    if gate.decision == "open" and waiting:
        command = ["align", str(run.folder)]
        st.code(f"folkmoot align {run.folder} approve=yes", language=None, wrap_lines=True)
        if may_change():
            with st.container(horizontal=True):
                for word, title, sign in (("yes", "Promote", "check"), ("no", "Reject", "block")):
                    if st.button(title, icon=f":material/{sign}:", key=f"{word}-{gate.round}"):
                        start([*command, f"approve={word}"], folder().root)
                        st.toast("The answer was given; the run goes on as a process of its own.")


def _epochs(epochs: Any) -> None:
    if not epochs:
        return
    part = epochs_section(epochs)
    st.subheader(part.title)
    for line in part.lines:
        st.warning(label(line, 300), icon=":material/stop_circle:")
    points = frames.epochs_frame(epochs)
    styles = {frames.PANEL: (charts.ORANGE, [1, 0]), frames.NULL: (charts.GREY, [5, 3])}
    for name in points["number"].unique(maintain_order=True).to_list():
        own = points.filter(points["number"] == name)
        if own["value"].null_count() == own.height:
            continue
        last = next(one for epoch in reversed(epochs) if (one := epoch.row(name)) is not None)
        null = "no null" if last.null is None else f"null {last.null:.3g} ({last.null_name})"
        finding = f"{spaced(name)}: {last.text}; n = {last.n} citizens, {null}."
        span = domain(own)
        drawn = bands(own, by="who", styles=styles, title=spaced(name), y=spaced(name), x="round", span=span)
        figure(drawn, own, f"epoch-{name}", finding)
    rows = [dict(zip(part.columns, row, strict=True)) for row in part.rows]
    table(pl.DataFrame(rows), "epochs", alt=part.title)
    for note in part.notes:
        st.caption(label(note, 500))


def _measures(measures: Any) -> None:
    points = frames.measures_frame(measures)
    if points.is_empty():
        return
    differences = frames.differences_frame(measures)
    if not differences.is_empty():
        st.subheader("Difference, after minus before")
        drawn = differences.drop_nulls(["difference"])
        words = differences["reading"].value_counts(sort=True).rows()
        counted = ", ".join(f"{num} {word}" for word, num in words)
        finding = f"Paired over the same items, corrected by Holm within each instrument: {counted}."
        if drawn.is_empty():
            st.caption(label(finding, 300))
            table(differences, "differences")
        else:
            figure(charts.differences(drawn), differences, "differences", finding)
    st.subheader("Before and after" if points["stage"].n_unique() > 1 else "What was measured")
    scores(points, by="stage", name="scores")
    with st.expander("How these numbers may be read", icon=":material/menu_book:"):
        for rule in RULES:
            st.write(rule)


def _policies(policies: Any) -> None:
    if not policies:
        return
    st.subheader("Policies and where they come from")
    table(frames.policies_frame(policies), "policies", alt="Policies of this run with parents and digests")
    edges = [f'  {_node(p.parent or "base")} -->|"{_safe(p.recipe)}"| {_node(p.name)}' for p in policies if p.parent]
    if edges:
        st.mermaid_chart(
            "graph LR\n" + "\n".join(edges), alt="Lineage: " + "; ".join(f"{p.parent} to {p.name}" for p in policies)
        )
    curves = frames.curves_frame(policies)
    if not curves.is_empty():
        first, last = curves["loss"][0], curves["loss"][-1]
        finding = f"Training loss went from {first:.3g} to {last:.3g} over {curves.height} logged steps."
        figure(charts.curves(curves), curves, "loss", finding)


def _safe(word: str) -> str:
    return "".join(c for c in word if c.isalnum() or c in " _.-")[:40]


def _node(word: str) -> str:
    plain = _safe(word)
    return f'n{"".join(c if c.isalnum() else "_" for c in plain)}["{plain}"]'


main()
