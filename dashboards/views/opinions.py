"""Page: the opinion map: camps and bridges at one look, and who drifted where from one time to the next."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboards.charts_opinions import opinion_chart
from dashboards.charts_social import PALETTE, grouping
from dashboards.frames_text import label
from dashboards.opinions import (
    FEWEST_ITEMS,
    FEWEST_PEOPLE,
    OpinionMap,
    frame_of,
    hulls_frame,
    map_finding,
    opinion_map,
    points_frame,
)
from dashboards.opinions_source import opinion_names, opinions_of
from dashboards.social import Node
from dashboards.social_source import network_of, network_title
from dashboards.sources import Reader, mapping, text, whole
from dashboards.views.common import choice, figure, heading, reproduce, table, this_run, told
from sim.store import Run

GROUPS = "groups found on the map"


@st.cache_data(max_entries=8, show_spinner="Drawing the opinion map")  # type: ignore[untyped-decorator]
def _maps(run_folder: str, name: str, digest: str) -> tuple[dict[str, OpinionMap | None], tuple[Node, ...], list[str]]:
    run = Run(Path(run_folder))
    reader = Reader(run)
    seed = whole(reader.config().get("seed"))
    found = {one.name: opinion_map(one, seed=seed) for one in opinions_of(reader, name)}
    return found, network_of(reader, name).nodes, reader.problems


def main() -> None:
    """Show the page."""
    run, name = this_run()
    heading("Opinion map", run, name)
    reader = Reader(run)
    names = opinion_names(reader)
    told(reader.problems)
    if not names:
        society = text(mapping(reader.config().get("society")).get("name"))
        st.info(
            f"Nobody of this run was asked for opinions (its society is {label(society) or 'unknown'}). Ask some:",
            icon=":material/scatter_plot:",
        )
        for line in ("experiment=assembly_demo", "experiment=coevolve_live"):
            st.code(f"folkmoot run {line}", language=None, wrap_lines=True)
        return
    chosen = choice("Whose opinions", "network", names, names={one: network_title(one) for one in names})
    events = "".join(str(path.stat().st_mtime_ns) for path in sorted(run.folder.glob("events/*")))
    maps, nodes, problems = _maps(str(run.folder), chosen, events)
    told(problems)
    drawn = [title for title, one in maps.items() if one is not None]
    for title in (title for title, one in maps.items() if one is None):
        st.caption(
            label(
                f"{title}: too little to draw (a map needs {FEWEST_PEOPLE} people who differ on {FEWEST_ITEMS} items).",
                200,
            )
        )
    if not drawn and maps:
        st.info("There is nothing to map.")
        return
    if not drawn:
        st.info("There is nothing to map yet: opinions are written when a phase or a timestep ends.")
        return
    st.caption("People here are simulated. What they hold is not, and may not be shown as, public opinion.")
    row = st.container(horizontal=True)
    what = choice("Opinions on", "what", drawn, place=row)
    found = maps[what]
    if found is not None:
        _map(found, nodes, row)
    reproduce(f"folkmoot show {run.folder}")


def _map(found: OpinionMap, nodes: tuple[Node, ...], row: object) -> None:
    here = tuple(node for node in nodes if node.id in found.source.people)
    traits = list(dict.fromkeys(name for node in here for name in node.traits))
    stances = list(dict.fromkeys(name for node in here for name in node.stances))
    colour = choice("Colour by", "colour", [GROUPS, *stances, *traits], place=row)
    time = _time(found)
    groups: dict[str, str] | None = None
    order, colours = sorted(set(found.groups)), list(PALETTE)
    if colour != GROUPS:
        step = time if colour in stances and len(found.source.times) > 1 else None
        listed, home = grouping(here, colour, step)
        groups, order, colours = home, [one.name for one in listed], [one.colour for one in listed]
    names = {node.id: node.name for node in here}
    points = points_frame(found, time, groups, names)
    hulls = hulls_frame(points if colour == GROUPS else points.clear(), order)
    chart = opinion_chart(points, hulls, order=order, colours=colours, ends=frame_of(found), explained=found.explained)
    finding = map_finding(found, time, points)
    figure(chart, points, "opinion-map", f"{finding} Hollow: where they were. Directions along the axes mean nothing.")
    with st.expander("What the axes are made of", icon=":material/straighten:"):
        import polars as pl

        loadings = pl.DataFrame(
            {
                "item": list(found.source.items),
                "axis 1": found.loadings[0].tolist(),
                "axis 2": found.loadings[1].tolist(),
            }
        )
        table(loadings, "axes", alt="How much each item weighs on the two axes")


def _time(found: OpinionMap) -> int:
    """Return the place of the chosen time; the address holds its name."""
    times = list(found.source.times)
    if len(times) == 1:
        return 0
    asked = st.query_params.get("time")
    if asked in times:
        st.session_state["time"] = asked
    elif st.session_state.get("time") not in times:
        st.session_state["time"] = times[-1]
    return times.index(str(st.select_slider("Time", times, key="time", on_change=_put_time)))


def _put_time() -> None:
    st.query_params["time"] = str(st.session_state["time"])


main()
