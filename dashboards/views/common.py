"""What every page shares: the runs folder, the run that the address names, and how tables, charts and errors look."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import streamlit as st

from agents.errors import UserError
from dashboards.frames_text import NAME_CHARACTERS, code, cut_inside, label
from dashboards.runs_folder import RunsFolder, RunState, state_now
from dashboards.sources import Reader, mapping, text, who_answered
from dashboards.verdict import SCRIPTED, unasked_line
from dashboards.views.grid import grid
from sim.store import Run

TEXT_WIDTH, SELECT_WIDTH, METRIC_WIDTH = 380, 220, 150
"""Pixels of filters and numbers that stand in a row; the row wraps in a narrow window."""
STATES = {
    "running": ("blue", "play_arrow"),
    "pausing": ("orange", "pause"),
    "paused": ("orange", "pause"),
    "done": ("green", "check"),
    "stopped": ("orange", "stop"),
    "failed": ("red", "error"),
    "broken off": ("red", "link_off"),
    "created": ("gray", "hourglass_empty"),
}


def folder() -> RunsFolder:
    """Return the runs folder that the dashboard was started with."""
    return RunsFolder(Path(os.environ.get("FOLKMOOT_RUNS", "runs")).resolve())


def may_change() -> bool:
    """Whether runs may be started, stopped, answered and reviewed from here."""
    return os.environ.get("FOLKMOOT_MAY_CHANGE", "yes") == "yes"


def choose_run(*, needed: bool) -> None:
    """Let people choose the run that the pages are about; the address names it and wins over the choice before."""
    names = folder().names()
    asked = st.query_params.get("run")
    if asked is not None and asked not in names and needed:
        try:
            folder().open(asked)
        except UserError as error:
            trouble(error)
            if st.button("Go to the newest run", icon=":material/undo:"):
                st.query_params.pop("run", None)
                st.rerun()
            st.stop()
    if not names:
        return
    if asked in names:
        st.session_state["run"] = asked
    elif st.session_state.get("run") not in names:
        first = os.environ.get("FOLKMOOT_FIRST_RUN", "")
        st.session_state["run"] = first if first in names else names[0]
    if needed:
        st.sidebar.selectbox("Run", names, key="run", format_func=_in_box, on_change=_put, args=("run",))
        st.query_params["run"] = st.session_state["run"]


def _in_box(name: str) -> str:
    return cut_inside(name, NAME_CHARACTERS)


def _put(key: str) -> None:
    value = st.session_state.get(key)
    if value in (None, ""):
        st.query_params.pop(key, None)
    else:
        st.query_params[key] = str(value)


def choice(
    title: str,
    key: str,
    options: Sequence[str],
    *,
    place: Any = st,
    anything: str = "",
    names: Mapping[str, str] | None = None,
    width: int = SELECT_WIDTH,
) -> str:
    """Return what was chosen of some options; the address holds it.

    anything: a first option that means all (""). names: how options are shown. width: in a row, in pixels.
    """
    listed = [*([""] if anything else []), *options]
    asked = st.query_params.get(key)
    if asked in listed:
        st.session_state[key] = asked
    elif st.session_state.get(key) not in listed:
        st.session_state[key] = listed[0]
    shown: Callable[[str], str] = lambda one: (names or {}).get(one, one) or anything  # noqa: E731
    wide: Any = "stretch" if place is st else width
    return str(place.selectbox(title, listed, key=key, format_func=shown, on_change=_put, args=(key,), width=wide))


def words(title: str, key: str, *, place: Any = st, hint: str = "") -> str:
    """Return what was typed; the address holds it."""
    if key not in st.session_state:
        st.session_state[key] = st.query_params.get(key, "")
    wide: Any = "stretch" if place is st else TEXT_WIDTH
    return str(place.text_input(title, key=key, placeholder=hint or None, on_change=_put, args=(key,), width=wide))


def this_run() -> tuple[Run, str]:
    """Return the run that the page is about; without any, say how to make one and stop."""
    if not folder().names():
        no_runs()
    name = st.session_state["run"]
    try:
        return folder().open(name), name
    except UserError as error:
        trouble(error)
        st.stop()
        raise


def no_runs() -> None:
    """Say that there is nothing to show yet, and how to get something."""
    st.info(f"There is no run below {code(str(folder().root))} yet.", icon=":material/folder_open:")
    st.write("Start one on the page *Compose and launch*, or from a terminal:")
    st.code("folkmoot run experiment=demo", language=None, wrap_lines=True)
    st.stop()


def heading(title: str, run: Run, name: str) -> tuple[RunState, dict[str, Any]]:
    """Show a page's title with the run's name and state; return state and heartbeat."""
    st.title(title)
    state, status = state_now(run)
    with st.container(horizontal=True, vertical_alignment="center"):
        state_badge(state)
        st.caption(f"Run `{name}`", width="content")
    if state.word == "broken off":
        st.warning(
            f"The run says that it is {label(text(status.get('state')))}, but its process is gone. What it wrote "
            f"stands below; resume it {'here' if title == 'Overview' else 'on the page *Overview*'}.",
            icon=":material/link_off:",
        )
    _answered(run, text(status.get("state")))
    return state, status


def _answered(run: Run, state: str) -> None:
    """Say when the scripted engine answered, or, at the end, when nobody was asked."""
    reader = Reader(run)
    config = reader.config()
    answered = who_answered(reader, text(mapping(config.get("engine")).get("name")))
    if answered == "script":
        st.warning(SCRIPTED, icon=":material/smart_toy:")
    elif answered == "nobody" and state == "done":
        st.caption(unasked_line(text(mapping(config.get("society")).get("name"))))


def state_badge(state: RunState) -> None:
    """Show a run's state as a word with a sign."""
    colour, icon = STATES.get(state.word, ("gray", "help"))
    st.badge(label(state.word), color=colour, icon=f":material/{icon}:")
    if state.why:
        st.caption(label(state.why, 300), width="content")


def trouble(error: UserError) -> None:
    """Show an error in the three parts that the command line shows."""
    parts = [f"**{label(error.given, 400)}**"]
    parts += [f"Why: {label(error.why, 600)}"] if error.why else []
    parts += [f"Do: {label(error.fix, 600)}"] if error.fix else []
    st.error("\n\n".join(parts), icon=":material/error:")


def told(problems: Sequence[str]) -> None:
    """Show what is missing or broken; nothing when all is well."""
    if problems:
        lines = "\n".join(f"- {label(one, 300)}" for one in dict.fromkeys(problems))
        st.warning(
            f"Some of this run cannot be read; the rest stands below.\n\n{lines}", icon=":material/broken_image:"
        )


def table(frame: pl.DataFrame, name: str, **options: Any) -> Any:
    """Show a table with its downloads. options: go to `st.dataframe`. Returns what that returns."""
    event = grid(frame, f"table-{name}", **options)
    with st.container(horizontal=True):
        downloads(frame, name)
    return event


def downloads(frame: pl.DataFrame, name: str) -> None:
    """Offer a frame as CSV and as Parquet, made when it is asked for."""
    kinds: tuple[tuple[str, str, Callable[[], bytes]], ...] = (
        ("CSV", "text/csv", lambda: _flat(frame).write_csv().encode()),
        ("Parquet", "application/vnd.apache.parquet", lambda: _parquet(frame)),
    )
    for kind, mime, make in kinds:
        st.download_button(
            kind,
            make,
            file_name=f"{name}.{kind.lower()}",
            mime=mime,
            key=f"get-{name}-{kind}",
            icon=":material/download:",
            type="tertiary",
            on_click="ignore",
            help=f"Download {name} as {kind}",
        )


def _flat(frame: pl.DataFrame) -> pl.DataFrame:
    lists = [name for name, kind in frame.schema.items() if isinstance(kind, pl.List)]
    return frame.with_columns(pl.col(name).cast(pl.List(pl.String)).list.join("; ") for name in lists)


def _parquet(frame: pl.DataFrame) -> bytes:
    import io

    out = io.BytesIO()
    frame.write_parquet(out)
    return out.getvalue()


def figure(chart: Any, frame: pl.DataFrame, name: str, finding: str) -> None:
    """Show a chart with what it says in words, its table, and its downloads."""
    chart = chart.configure(aria=False).configure_mark(
        aria=False
    )  # the alternative text says it; unnamed marks would be announced one by one
    st.altair_chart(chart, key=f"chart-{name}", alt=finding)
    st.caption(label(finding, 600))
    with st.expander("Data behind this chart", icon=":material/table:"):
        grid(frame, f"table-{name}")
        with st.container(horizontal=True):
            downloads(frame, name)
            picture(lambda: chart, name)


def picture(chart: Callable[[], Any], name: str) -> None:
    """Offer a chart as a picture; it is drawn when somebody asks for it."""
    st.download_button(
        "PNG",
        lambda: as_png(chart()),
        file_name=f"{name}.png",
        mime="image/png",
        key=f"get-{name}-png",
        icon=":material/image:",
        type="tertiary",
        on_click="ignore",
        help=f"Download {name} as a picture",
    )


def as_png(chart: Any) -> bytes:
    """Return a chart as a picture, drawn without a browser."""
    import vl_convert as vl

    return bytes(vl.vegalite_to_png(chart.to_json(), scale=2))


def pages_of(frame: pl.DataFrame, key: str, *, size: int = 25) -> tuple[pl.DataFrame, int]:
    """Return one page's rows of a frame, and the number of the first; the address holds the page."""
    num = max(1, -(-frame.height // size))
    page = 1
    if num > 1:
        asked = st.query_params.get(key, "1")
        start = min(num, max(1, int(asked))) if asked.isdigit() else 1
        if not 1 <= st.session_state.get(key, 1) <= num:
            del st.session_state[key]
        page = st.pagination(num, key=key, default=start, on_change=_put, args=(key,))
    return frame.slice((page - 1) * size, size), (page - 1) * size


def picked(key: str, widget: str, values: Sequence[str]) -> Callable[[], None]:
    """Return a callback that writes the row selected in a table into the address."""

    def put() -> None:
        rows = st.session_state[widget]["selection"]["rows"]
        if rows and rows[0] < len(values):
            st.query_params[key] = values[rows[0]]

    return put


def reproduce(line: str) -> None:
    """Show the command that gives the same numbers."""
    st.caption("The same from the command line:")
    st.code(line, language=None, wrap_lines=True)
