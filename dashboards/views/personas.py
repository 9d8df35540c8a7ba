"""Page: the person behind a number: card, what they said, how they voted, and what moved. Labelled as simulated."""

from __future__ import annotations

import polars as pl
import streamlit as st

from dashboards.frames_assembly import said_by, stances_of
from dashboards.frames_parts import stages_of
from dashboards.frames_text import block, code, label
from dashboards.sources import Reader
from dashboards.views.common import choice, heading, pages_of, picked, table, this_run, told, words
from sim.store import Run


def main() -> None:
    """Show the page."""
    run, name = this_run()
    heading("Persona card", run, name)
    reader = Reader(run)
    stages = [s for s in stages_of(run, "events") if any((run.folder / "events" / s).glob("citizens-*.parquet"))]
    if not stages:
        st.info(
            "Cards are written by assemblies, and this run has none that ended. Roles of scenes stand on the page "
            "*Scene replay*.",
            icon=":material/person:",
        )
        return
    st.caption("Personas are simulated. What they say is not, and may not be shown as, public opinion.")
    row = st.container(horizontal=True)
    asked = words("Find", "find", place=row, hint="name, or words of the card")
    stage = choice("Stage", "stage", stages, place=row)
    people = reader.table(f"events/{stage}/citizens-*.parquet")
    told(reader.problems)
    if not {"assembly", "arm", "citizen", "name", "card"} <= set(people.columns):
        st.warning("The table of citizens has not the columns of this version.")
        return
    rooms = [f"{a}, {b}" for a, b in people.select("assembly", "arm").unique(maintain_order=True).iter_rows()]
    room = choice("Assembly", "room", rooms, place=row)
    assembly, arm = room.rsplit(", ", 1)
    own = people.filter((pl.col("assembly") == assembly) & (pl.col("arm") == arm))
    if asked.strip():
        hit = pl.concat_str("name", "card", separator=" ").str.to_lowercase()
        own = own.filter(hit.str.contains(asked.strip().lower(), literal=True))
    st.caption(f"{own.height} people.")
    if own.is_empty():
        st.info("Nobody is like that. Clear the filter to see more.")
        return
    shown, _ = pages_of(own, "page", size=12)
    ids = shown["citizen"].to_list()
    columns = [c for c in ("citizen", "name", "group", "policy", "pi", "weight", "persona_id") if c in shown.columns]
    table(
        shown.select(columns).rename({"persona_id": "persona", "pi": "chance to be drawn"}, strict=False),
        "people",
        on_select=picked("citizen", "table-people", ids),
        selection_mode="single-row",
        alt="People of this assembly; select one to read the card",
    )
    wanted = st.query_params.get("citizen", "") or ids[0]
    chosen = own.filter(pl.col("citizen") == wanted)
    if chosen.is_empty():
        st.error(f"Nobody here is called {code(wanted)}. Select somebody above.")
        return
    st.query_params["citizen"] = wanted
    _card(run, stage, assembly, arm, chosen.row(0, named=True))


def _card(run: Run, stage: str, assembly: str, arm: str, person: dict[str, object]) -> None:
    reader = Reader(run)
    citizen = str(person["citizen"])

    def rows(name: str) -> pl.DataFrame:
        return reader.table(f"events/{stage}/{name}-*.parquet", (), assembly=assembly, arm=arm)

    st.subheader(label(f"{person['name']} ({citizen})"))
    if st.button("Interview", icon=":material/forum:", help="Talk with this person, apart from the run"):
        who = f"{person.get('script')}:{citizen}"
        st.switch_page("views/interview.py", query_params={"run": st.session_state["run"], "persona": who})
    left, right = st.columns([2, 3])
    with left, st.container(border=True):
        st.html(block(str(person["card"])))
    with right:
        stances = stances_of(rows("probes"), citizen)
        if not stances.is_empty():
            st.markdown("**Agreement before and after** (0 disagrees, 1 agrees)")
            wide = stances.pivot(on="when", index=["item", "statement"], values="level", aggregate_function="first")
            table(wide, "stances", alt="Agreement before and after")
        ballots = rows("ballots")
        if ballots.width:
            votes = ballots.filter(pl.col("citizen") == citizen).select("vote", "item", "kind", "value")
            with st.expander(f"{votes.height} ballots", icon=":material/how_to_vote:"):
                table(votes, "ballots")
    said = said_by({name: rows(name) for name in ("turns", "statements", "notes", "dissents")}, citizen)
    st.subheader("What they said and wrote")
    if said.is_empty():
        st.write("Nothing was written down.")
    for row in said.head(40).iter_rows(named=True):
        with st.container(border=True):
            st.caption(
                label(f"{row['where']}, round {row['round']}" if row["round"] is not None else str(row["where"]))
            )
            st.html(block(str(row["text"])))
    told(reader.problems)


main()
