"""Page: compose a run from the config groups, have it checked, and start it as a process of its own."""

from __future__ import annotations

import time
from pathlib import Path

import polars as pl
import streamlit as st

from agents.errors import UserError
from dashboards.frames_text import code
from dashboards.launching import ask, checked_words, defaults, folder_told, groups, last_lines, shown, start
from dashboards.views.common import SELECT_WIDTH, folder, may_change, trouble

FIRST = ("experiment", "engine", "society", "model", "population", "recipe", "measure", "loop")
WAIT_S = 20.0


def main() -> None:
    """Show the page."""
    st.title("Compose and launch")
    known, usual = groups(), defaults()
    st.write("Choose what differs from the defaults. Nothing starts before it was checked.")
    words = _chosen(known, usual)
    typed = st.text_area(
        "Overrides, one in each line", key="overrides", height=110, placeholder="seed=1\nsociety.num_harmful=4"
    )
    here = folder()
    try:
        checked = checked_words([*words, *typed.splitlines()], here.root)
    except UserError as error:
        trouble(error)
        return
    command = ["run", *checked]
    st.code(shown(command), language=None, wrap_lines=True)
    left, right = st.columns(2)
    if left.button("Check", icon=":material/rule:", width="stretch"):
        _check(command)
    may = may_change()
    fits = st.session_state.get("checked") == command
    help_ = (
        "Check it first"
        if may and not fits
        else "This dashboard only reads; use the command above"
        if not may
        else None
    )
    if right.button("Start", icon=":material/rocket_launch:", type="primary", disabled=not (may and fits),
                    width="stretch", help=help_):  # fmt: skip
        _start(command)
    _outcome(command)


def _chosen(known: dict[str, list[str]], usual: dict[str, str]) -> list[str]:
    words = []
    row = st.container(horizontal=True)
    for name in (one for one in FIRST if one in known):
        options = [one for one in known[name] if one != "__init__"]
        default = usual.get(name, "")
        first = f"default: {default}" if default else "none"
        value = row.selectbox(
            name.capitalize(),
            ["", *options],
            key=f"group-{name}",
            format_func=lambda one, first=first: one or first,
            width=SELECT_WIDTH,
        )
        if value:
            words.append(f"{name}={value}")
    return words


def _check(command: list[str]) -> None:
    st.session_state.pop("checked", None)
    with st.spinner("The command line checks it"):
        try:
            st.session_state["said"] = (command, ask([*command, "--dry-run", "--json"]))
        except UserError as error:
            trouble(error)
            return
    if st.session_state["said"][1].code == 0:
        st.session_state["checked"] = command
        st.rerun()


def _outcome(command: list[str]) -> None:
    about, said = st.session_state.get("said", (None, None))
    if said is None or about != command:
        return
    if said.code:
        st.error("**This cannot run.**", icon=":material/error:")
        st.code(said.err.strip() or said.out.strip() or f"exit code {said.code}", language=None, wrap_lines=True)
        return
    st.success("It is valid. This is what it will cost:", icon=":material/check:")
    facts = said.json()
    rows = [
        {"what": str(k).replace("_", " "), "value": str(v)} for k, v in (facts or {}).items() if not isinstance(v, dict)
    ]
    st.dataframe(pl.DataFrame(rows, schema={"what": pl.String, "value": pl.String}), hide_index=True)


def _start(command: list[str]) -> None:
    here = folder()
    started = start(command, here.root)
    st.session_state.pop("checked", None)
    with st.spinner("Waiting for its run folder"):
        end = time.monotonic() + WAIT_S
        made: Path | None = None
        while made is None and time.monotonic() < end:
            made = folder_told(started.log)
            time.sleep(0.1)
    if made is None:
        st.error("**No run folder was made.** This is what the process said:", icon=":material/error:")
        st.code(last_lines(started.log) or "nothing yet", language=None, wrap_lines=True)
        st.caption(f"Its log: {code(str(started.log))}")
        return
    name = f"{made.parent.name}/{made.name}"
    st.session_state["run"] = name
    st.session_state[f"log-{here.root / name}"] = str(started.log)
    st.switch_page("views/overview.py", query_params={"run": name})


main()
