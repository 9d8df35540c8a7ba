"""Page: an assembly that can be read: who was drawn, what they said, how the text came about, and who dissents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from dashboards import charts
from dashboards.assembly import Account, Assemblies, assemblies_of
from dashboards.assembly_clause_rows import by_group, signatures
from dashboards.assembly_counterfactual_rows import arms_against_full, strategic_voters
from dashboards.assembly_replayed_rows import left_out_everywhere
from dashboards.assembly_rows import account_sections, consensus_table, overview
from dashboards.assembly_words import first_lines, headline, question_line, replaced_line
from dashboards.assembly_words import told as how_many
from dashboards.diff import changed_share, readable, word_diff
from dashboards.frames_assembly import ANSWERS, consensus_frame, long_shares
from dashboards.frames_parts import stages_of
from dashboards.frames_text import block, both_sides, label
from dashboards.rows import percent, spaced
from dashboards.runs_folder import digest_of_files
from dashboards.sources import Reader, mapping, text, whole
from dashboards.terminal import Section
from dashboards.views.common import choice, figure, heading, reproduce, table, this_run, told
from sim.store import Run

COLOURS = (charts.ORANGE, "#BBBBBB", charts.BLUE)


@st.cache_data(max_entries=4, show_spinner="Reading the assemblies")  # type: ignore[untyped-decorator]
def _read(run_folder: str, digest: str) -> tuple[Assemblies | None, list[str]]:
    run = Run(Path(run_folder))
    reader = Reader(run)
    seed = whole(reader.config().get("seed"))
    return assemblies_of(reader, stages_of(run, "events"), seed=seed), reader.problems


def main() -> None:
    """Show the page."""
    run, name = this_run()
    heading("Assembly", run, name)
    marks = "".join(str(p.stat().st_mtime_ns) for p in run.folder.glob("events/*"))
    found, problems = _read(str(run.folder), digest_of_files(run) + marks)
    told(problems)
    if found is None:
        society = text(mapping(Reader(run).config().get("society")).get("name"))
        if society == "utility_vote":
            st.info(
                "This run's panel voted on pairs of options and drew nothing up. Its votes stand on the page "
                "*Samples*. To draw a policy's choices to them, and measure:"
            )
            line = "recipe=utility_control measure=choices loop=utility"
            st.code(f"folkmoot align {run.folder} {line} data.choices={run.folder}/events/r1.play",
                    language=None, wrap_lines=True)  # fmt: skip
            return
        st.info(f"This run has no finished assembly (its society is {label(society) or 'unknown'}). Hold one with:")
        st.code("folkmoot run society=assembly", language=None, wrap_lines=True)
        return
    st.info(label(headline(found), 500), icon=":material/groups:")
    for line in first_lines(found):
        st.caption(label(line, 500))
    _section(overview(found), "overview")
    _section(consensus_table(found), "consensus")
    _section(arms_against_full(found), "arms")
    _section(strategic_voters(found), "strategic")
    _section(left_out_everywhere(found), "replayed")
    if not found.shown:
        st.info("No assembly has ended yet; it is told in detail then.")
        return
    st.caption(label(how_many(found), 300))
    ids = [account.outcome.assembly for account in found.shown]
    asked = choice("Assembly", "assembly", ids)
    _account(run, found.shown[ids.index(asked)])
    reproduce(f"folkmoot show {run.folder}")


def _account(run: Run, account: Account) -> None:
    one = account.outcome
    st.header(label(f"{one.assembly}, {spaced(one.arm)}"))
    st.html(block(question_line(account)))
    if line := replaced_line(account):
        st.warning(label(line, 400), icon=":material/warning:")
    st.markdown("**The text that won**")
    with st.container(border=True):
        st.html(block(one.winner_text or "No text won."))
    _statements(run, account)
    _history(account)
    st.subheader("Minority reports")
    if not account.dissents:
        st.write("Nobody wrote one.")
    for dissent in account.dissents:
        with st.container(border=True):
            lapsed = " (lapsed)" if dissent.lapsed else ""
            st.caption(label(f"on {dissent.clause}, written by {dissent.author}{lapsed}", 300))
            st.html(block(dissent.text))
            st.caption(label(f"{signatures(dissent)} {by_group(dissent)}", 600))
    for number, part in enumerate(account_sections(account)):
        _section(part, f"part-{number}")


def _rows(run: Run, account: Account, name: str) -> pl.DataFrame:
    one = account.outcome
    return Reader(run).table(f"events/{one.stage}/{name}-*.parquet", (), assembly=one.assembly, arm=one.arm)


def _statements(run: Run, account: Account) -> None:
    frame = consensus_frame(_rows(run, account, "ballots"), _rows(run, account, "statements"))
    if frame.is_empty():
        return
    st.subheader("Statements by consensus")
    votes = frame["vote"].unique(maintain_order=True).to_list()
    vote = st.segmented_control("Vote", votes, default=votes[0], key="vote") or votes[0]
    part = frame.filter(pl.col("vote") == vote)
    first = part.row(0, named=True)
    finding = (
        f"{part.height} statements in vote {vote}, n = {first['n']} citizens each. Most agreed with: {first['item']}, "
        f"{percent(first['agree'])} of the probability on agreeing. Orange disagrees, blue agrees."
    )
    drawn = long_shares(part, "item")
    figure(charts.shares(drawn, row="item", kinds=ANSWERS, colours=COLOURS), part, "statements", finding)


def _history(account: Account) -> None:
    if not account.history:
        return
    st.subheader("How the text came about")
    for number, step in enumerate(account.history, start=1):
        with st.expander(label(f"{number}. {step.title}", 120), expanded=number == len(account.history)):
            st.caption(label(step.about, 300))
            if not step.before:
                st.html(block(step.after))
                continue
            share = changed_share(readable(word_diff(step.before, step.after)))
            old, new = both_sides(step.before, step.after)
            left, right = st.columns(2)
            for column, title, body in ((left, "Before", old), (right, "After", new)):
                with column, st.container(border=True):
                    st.markdown(f"**{title}**")
                    st.html(body)
            st.caption(f"{percent(share)} of the words differ.")


def _section(part: Section, key: str) -> None:
    """Show a table that terminal and report show as well."""
    if not (part.rows or part.lines):
        return
    st.subheader(label(part.title))
    for line in part.lines:
        st.html(block(line))
    if part.rows:
        names: list[str] = []
        for column in part.columns:
            names.append(column if column not in names else f"{column} ({names.count(column) + 1})")
        rows: list[dict[str, Any]] = [dict(zip(names, row, strict=False)) for row in part.rows]
        table(pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String)), key, alt=part.title)
    for note in part.notes:
        st.caption(label(note, 500))


main()
