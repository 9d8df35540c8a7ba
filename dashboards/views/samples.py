"""Page: what training reads: answers beside each other, votes on them, verdicts of people, and where they come from."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import streamlit as st

from agents.errors import UserError
from agents.sample import Sample
from dashboards.diff import changed_share, readable, word_diff
from dashboards.frames_parts import PartReader, filtered, sample_index, stages_of, with_reviews
from dashboards.frames_text import block, both_sides, code, label
from dashboards.lineage import find_requests
from dashboards.reviewing import add_review, reviews_of, verdicts
from dashboards.rows import percent, plural, spaced, told_value
from dashboards.runs_folder import digest_of_files
from dashboards.sources import text
from dashboards.views import listing
from dashboards.views.common import (
    choice,
    heading,
    may_change,
    pages_of,
    picked,
    table,
    this_run,
    told,
    trouble,
    words,
)
from sim.store import Run
from sim.tables import sample_from_row

SIZE = 12
SHARED = ("soft_choice",)


# Shared and not copied at each click: a frame of a hundred thousand rows does not change.
@st.cache_resource(max_entries=4, show_spinner="Reading the list of samples")  # type: ignore[untyped-decorator]
def _index(folder: str, stage: str, digest: str) -> tuple[pl.DataFrame, list[str]]:
    return sample_index(Run(Path(folder)), stage)


def main() -> None:
    """Show the page."""
    run, name = this_run()
    heading("Samples", run, name)
    stages = [s for s in stages_of(run, "samples") if any((run.folder / "samples" / s).glob("part-*.parquet"))]
    if not stages:
        st.info(
            "This run has written no samples yet. They are written in parts of 256 scripts while a society plays, the "
            "last at its end.",
            icon=":material/fact_check:",
        )
        return
    listing.begin("samples")
    stage, wanted, index = _list(run, stages)
    if not index.is_empty() and wanted:
        _chosen(run, name, stage, wanted, index)
    listing.shows("samples", stage, wanted)


# A filter runs this alone again: what stands below it stays as it is.
@st.fragment  # type: ignore[untyped-decorator]
def _list(run: Run, stages: list[str]) -> tuple[str, str, pl.DataFrame]:
    """Show the filters and the samples that they leave; return stage, chosen sample ("" for none) and whole index."""
    row = st.container(horizontal=True)
    asked = words("Find", "find", place=row, hint="words at the beginning of prompt or answers")
    stage = choice("Stage", "stage", stages[::-1], place=row)
    mark = (run.folder / "samples" / stage).stat().st_mtime_ns
    index, problems = _index(str(run.folder), stage, f"{digest_of_files(run)}{mark}")
    said, broken = verdicts(run)
    told([*problems, *broken])
    wanted = st.query_params.get("sample", "")
    if index.is_empty():
        st.warning("No sample of this stage can be read.")
    else:
        index = with_reviews(index, said)
        kinds = index["kind"].value_counts(sort=True)
        kind = choice("Kind", "kind", [str(k) for k in kinds["kind"].to_list()], place=row, anything="any kind")
        review = choice("Verdict", "verdict", ["accept", "flag", "none yet"], place=row, anything="any verdict")
        found = filtered(index, words=asked, kind=kind, review=review if review != "none yet" else "")
        found = found.filter(pl.col("review") == "") if review == "none yet" else found
        flagged = sum(1 for one in said.values() if one == "flag")
        st.caption(f"{found.height:,} of {index.height:,} samples; {len(said)} reviewed, {flagged} of them flagged.")
        first = _rows(found)
        wanted = wanted or first
    listing.wants("samples", stage, wanted)
    return stage, wanted, index


def _rows(found: pl.DataFrame) -> str:
    """Show one page of samples; return the first one's id, "" without any."""
    st.warning("Samples are simulated and may hold harmful text.", icon=":material/visibility:")
    if found.is_empty():
        st.info("No sample is like that. Clear a filter to see more.")
        return ""
    shown, _ = pages_of(found, "page", size=SIZE)
    ids = shown["sample_id"].to_list()
    columns = ["sample_id", "kind", "prompt", "chosen", "rejected", "candidates", "votes", "policy", "review"]
    names = {"sample_id": "sample", "chosen": "first answer", "rejected": "second answer", "candidates": "answers"}
    table(
        shown.select(columns).rename(names),
        "samples",
        on_select=picked("sample", "table-samples", ids),
        selection_mode="single-row",
        alt="Samples of this stage; select one to read it",
    )
    return str(ids[0])


def _chosen(run: Run, name: str, stage: str, wanted: str, index: pl.DataFrame) -> None:
    row = index.filter(pl.col("sample_id") == wanted)
    if row.is_empty():
        st.error(f"There is no sample {code(wanted)} in stage {label(stage)}. Select one above.")
        return
    st.query_params["sample"] = wanted
    reader = PartReader(run, part=str(row["part"][0]))
    rows = reader.rows(f"samples/{stage}/part-*.parquet", sample_id=wanted)
    try:
        sample = sample_from_row(rows[0])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        told([*reader.problems, f"Sample {wanted} has not the columns of this version ({type(error).__name__})."])
        return
    _sample(run, name, stage, sample)


def _sample(run: Run, name: str, stage: str, sample: Sample) -> None:
    st.subheader(label(f"Sample {sample.sample_id}"))
    for message in sample.prompt:
        with st.container(border=True):
            st.caption(label(f"prompt, {message.role}"))
            st.html(block(message.content))
    _answers(sample)
    _votes(sample)
    if may_change():
        _verdict(run, sample.sample_id)
    said = reviews_of(run, sample.sample_id)
    if said:
        st.dataframe(pl.DataFrame(said), hide_index=True, key="table-reviews")
    _walk(run, name, stage, sample)


def _answers(sample: Sample) -> None:
    answers = sample.candidates
    if not answers:
        st.info("This sample holds no answer.")
        return
    names = [f"{n}: {c.role or 'answer'} by {c.author}" for n, c in enumerate(answers, start=1)]
    if len(answers) == 1:
        st.markdown(f"**{label(names[0])}**")
        st.html(block(answers[0].text))
        return
    first, second = 0, 1
    if len(answers) > 2:
        left, right = st.columns(2)
        first = left.selectbox("Left", range(len(answers)), format_func=lambda n: names[n])
        second = right.selectbox("Right", range(len(answers)), 1, format_func=lambda n: names[n])
    # The answer that is learned from stands first in a sample, and what it replaced second.
    before, after = answers[second].text, answers[first].text
    old, new = both_sides(before, after)
    share = changed_share(readable(word_diff(before, after)))
    left, right = st.columns(2)
    # Of more than two, and of two that share their votes, none is chosen.
    is_pair = len(answers) == 2 and sample.kind not in SHARED
    for column, body, number, head in ((left, new, first, "Chosen"), (right, old, second, "Rejected")):
        with column, st.container(border=True):
            st.markdown(f"**{head if is_pair else 'Answer'}** {label(names[number])}")
            st.html(body)
            scores = ", ".join(f"{k} {v:.3g}" for k, v in answers[number].scores.items())
            if scores:
                st.caption(label(f"Scores: {scores}", 300))
    st.caption(f"{percent(share)} of the words differ. Underlined: only in the left; struck: only in the right.")


def _votes(sample: Sample) -> None:
    if not sample.votes:
        st.caption("Nobody voted on this sample.")
        return
    rows = [
        {"voter": v.voter, "group": v.group, "about": v.dim, "kind": v.kind, "values": [round(x, 3) for x in v.value],
         "why": v.rationale}
        for v in sample.votes
    ]  # fmt: skip
    with st.expander(plural(len(rows), "vote"), icon=":material/how_to_vote:"):
        table(pl.DataFrame(rows), "votes")


def _verdict(run: Run, sample_id: str) -> None:
    with st.form("verdict-form", border=True):
        left, right = st.columns([1, 2])
        reviewer = left.text_input("Your name", key="reviewer", max_chars=80)
        why = right.text_input("Why", max_chars=500, placeholder="needed for a flag")
        with st.container(horizontal=True):
            accept = st.form_submit_button("Accept", icon=":material/thumb_up:")
            flag = st.form_submit_button("Flag", icon=":material/flag:")
    if accept or flag:
        try:
            add_review(run, sample_id, "accept" if accept else "flag", reviewer=reviewer, why=why)
        except UserError as error:
            trouble(error)
            return
        st.toast("Written to reviews.jsonl")
        st.rerun()


def _walk(run: Run, name: str, stage: str, sample: Sample) -> None:
    st.subheader("Where it came from")
    line = sample.lineage
    scene = text(sample.meta.get("scene_id"))
    facts = {"script": line.script, "prompts": ", ".join(line.prompts), "policies": ", ".join(line.policies)}
    facts |= {"scene": scene} | {spaced(k): told_value(v) for k, v in sorted(sample.meta.items()) if k != "scene_id"}
    rows = [{"what": what, "value": value} for what, value in facts.items() if value]
    st.dataframe(pl.DataFrame(rows, schema={"what": pl.String, "value": pl.String}), hide_index=True, key="table-facts")
    if scene and any((run.folder / "events" / stage).glob("scenes-*.parquet")):
        st.page_link(
            "views/scenes.py",
            label="Walk back to the scene",
            icon=":material/theaters:",
            query_params={"run": name, "stage": stage, "scene": scene},
        )
    elif assembly := text(sample.meta.get("assembly")):
        st.page_link(
            "views/assembly.py",
            label="Walk back to the assembly",
            icon=":material/groups:",
            query_params={"run": name, "assembly": assembly},
        )
    if line.requests and st.toggle("Read the journal", key="journal"):
        asked = find_requests(PartReader(run, script=line.script), line.requests)
        rows_asked = [
            {"request": one.key, "reply": one.reply if one.found else "not in the journal", "digest": one.digest[:12],
             "prompt tokens": one.num_prompt_tokens, "output tokens": one.num_output_tokens}
            for one in asked
        ]  # fmt: skip
        table(pl.DataFrame(rows_asked), "requests")
    st.code(f'folkmoot show {run.folder} --sample "{sample.sample_id}"', language=None, wrap_lines=True)


main()
