"""Page: every run of the folder, the newest first; choosing one opens it."""

from __future__ import annotations

import streamlit as st

from agents.errors import UserError
from dashboards.frames import runs_frame
from dashboards.frames_parts import filtered, with_short_names
from dashboards.frames_text import code
from dashboards.runs_folder import brief
from dashboards.views.common import choice, downloads, folder, no_runs, pages_of, told, trouble, words
from dashboards.views.grid import grid


def _open(rows: list[str]) -> None:
    chosen = st.session_state["table-runs"]["selection"]["rows"]
    if chosen and chosen[0] < len(rows):
        st.session_state["run"] = rows[chosen[0]]
        st.session_state["open-run"] = True


def main() -> None:
    """Show the page."""
    if st.session_state.pop("open-run", False):
        st.switch_page("views/overview.py", query_params={"run": st.session_state["run"]})
    st.title("Runs")
    here = folder()
    names = here.names()
    if not names:
        no_runs()
    rows = []
    for name in names[:2_000]:
        try:
            rows.append(brief(here.open(name), name))
        except UserError as error:
            trouble(error)
    broken = [f"{row['run']}: {row['problem']}" for row in rows if row["problem"]]
    frame = runs_frame(rows)
    row = st.container(horizontal=True)
    asked = words("Find", "find", place=row, hint="name, model, recipe ...")
    state = choice("State", "state", sorted(frame["state"].unique().to_list()), place=row, anything="any state")
    society = choice("Society", "society", sorted(set(frame["society"].to_list()) - {""}), place=row, anything="any")
    frame = filtered(frame, words=asked, state=state, society=society)
    going = sum(1 for row in rows if row["state"] in ("running", "paused", "pausing"))
    st.caption(f"{frame.height} of {len(names)} runs below {code(str(here.root))}, {going} going on.")
    told(broken)
    if frame.is_empty():
        st.info("No run is like that. Clear a filter to see more.")
        return
    shown, _ = pages_of(frame, "page", size=50)
    rows_shown = shown["run"].to_list()
    st.write("Select a row to open the run.")
    grid(
        with_short_names(shown),
        "table-runs",
        on_select=lambda: _open(rows_shown),
        selection_mode="single-row",
        alt="The runs of the folder, the newest first",
    )
    with st.container(horizontal=True):
        downloads(shown, "runs")


main()
