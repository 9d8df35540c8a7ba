"""Page: the society as a network: who spoke to, heard or moved whom, step by step, coloured by any attribute."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from dashboards import charts_social as charts
from dashboards.frames_text import label
from dashboards.social import MOST_NODES, Network, Tie, communities, part
from dashboards.social_layout import layout
from dashboards.social_source import network_names, network_of, network_title
from dashboards.sources import Reader, mapping, text, whole
from dashboards.views.common import choice, downloads, heading, may_change, reproduce, this_run, told
from dashboards.views.grid import grid
from sim.store import Run

HEIGHT = 620  # pixels of the network


@st.cache_data(max_entries=8, show_spinner="Reading who met whom")  # type: ignore[untyped-decorator]
def _names(run_folder: str, digest: str) -> tuple[list[str], list[str]]:
    reader = Reader(Run(Path(run_folder)))
    return network_names(reader), reader.problems


@st.cache_data(max_entries=8, show_spinner="Reading the network")  # type: ignore[untyped-decorator]
def _network(run_folder: str, name: str, digest: str) -> tuple[Network, list[str]]:
    reader = Reader(Run(Path(run_folder)))
    return network_of(reader, name), reader.problems


@st.cache_data(max_entries=8, show_spinner="Finding a place for everybody, once")  # type: ignore[untyped-decorator]
def _drawn(run_folder: str, name: str, digest: str, may_write: bool) -> tuple[Network, dict[str, tuple[float, float]]]:
    network, _ = _network(run_folder, name, digest)
    run = Run(Path(run_folder))
    seed = whole(Reader(run).config().get("seed"))
    if len(network.nodes) > MOST_NODES:
        network = communities(network, seed=seed)
    return network, layout(run, network, seed=seed, may_write=may_write)


def main() -> None:
    """Show the page."""
    run, name = this_run()
    heading("Society map", run, name)
    events = "".join(str(path.stat().st_mtime_ns) for path in sorted(run.folder.glob("events/*")))
    names, problems = _names(str(run.folder), events)
    told(problems)
    if not names:
        society = text(mapping(Reader(run).config().get("society")).get("name"))
        st.info(
            f"This run has no people who met (its society is {label(society) or 'unknown'}; people who are numbers "
            "meet too, but leave no names). Let some meet:",
            icon=":material/hub:",
        )
        for line in ("experiment=coevolve_live", "experiment=assembly_demo"):
            st.code(f"folkmoot run {line}", language=None, wrap_lines=True)
        return
    chosen = choice("Network", "network", names, names={one: network_title(one) for one in names})
    network, problems = _network(str(run.folder), chosen, events)
    told(problems)
    if not network.nodes or not network.ties:
        st.warning("Nobody of this network met anybody, as far as its tables can be read.")
        return
    st.caption("People here are simulated.")
    shown, places = _drawn(str(run.folder), chosen, events, may_change())
    if len(network.nodes) > MOST_NODES:
        st.info(
            f"{len(network.nodes):,} people are too many to draw: communities stand for them, sized by their people."
        )
    _map(shown, places)
    reproduce(f"folkmoot show {run.folder}")


def _map(network: Network, places: dict[str, tuple[float, float]]) -> None:
    row = st.container(horizontal=True)
    attribute = choice("Colour by", "colour", list(network.attributes) or ["nothing"], place=row)
    step = _step(network, row)
    people = {node.id: f"{node.name} ({node.id})" for node in network.nodes}
    ego = choice("Around", "ego", list(people), place=row, anything="everybody", names=people)
    kinds = _kinds(network)
    ties = part(network, step=step, kinds=kinds, ego=ego)
    if not ties:
        st.info("There are no such ties at this step. Choose other kinds, or another step.")
        return
    finding = charts.network_finding(network, ties, attribute, step, ego)
    spec = charts.network_chart(network, ties, places, attribute=attribute, step=step, ego=ego)
    nodes = [str(node["id"]) for node in spec["series"][0]["data"]]
    key = f"chart-network-{len(nodes)}-{ego}"
    st.echarts_chart(spec, height=HEIGHT, key=key, on_select=_picked(key, nodes), alt=finding)
    st.caption(label(f"{finding} Size: how many others. Select a node, or choose it above, to see its own ties.", 700))
    _tables(network, ties, attribute, step, ego)


def _step(network: Network, row: object) -> int | None:
    """Return the chosen step; None for the whole run."""
    chosen = choice("Step", "step", [str(number) for number in network.steps], place=row, anything="the whole run",
                    names={str(number): title for number, title in network.steps.items()})  # fmt: skip
    return int(chosen) if chosen else None


def _kinds(network: Network) -> list[str]:
    """Return the kinds of ties that are ticked, at first those among people; the address holds them."""
    asked = [kind for kind in st.query_params.get("ties", "").split("|") if kind in network.kinds]
    own = {tie.kind for tie in network.ties if network.hub not in (tie.source, tie.target)}
    with st.container(horizontal=True):
        for kind in network.kinds:
            st.session_state.setdefault(f"tie {kind}", kind in (asked or own))
            st.checkbox(kind, key=f"tie {kind}", on_change=_put_ties, args=(network.kinds,))
    return [kind for kind in network.kinds if st.session_state[f"tie {kind}"]]


def _put_ties(kinds: Sequence[str]) -> None:
    st.query_params["ties"] = "|".join(kind for kind in kinds if st.session_state.get(f"tie {kind}"))


def _picked(key: str, nodes: Sequence[str]) -> object:
    """Return a callback that makes the selected node the ego."""

    def put() -> None:
        for one in st.session_state[key]["selection"]["selected"]:
            if one.get("data_type") in ("node", "main") and one.get("data_indices"):
                st.session_state["ego"] = st.query_params["ego"] = nodes[one["data_indices"][0]]

    return put


def _tables(network: Network, ties: Sequence[Tie], attribute: str, step: int | None, ego: str) -> None:
    with st.expander("Data behind this map", icon=":material/table:"):
        for title, frame, name in (
            ("Nodes", charts.nodes_frame(network, ties, attribute, step, ego), "nodes"),
            ("Ties", charts.ties_frame(network, ties), "ties"),
        ):
            st.markdown(f"**{title}**")
            grid(frame, f"table-{name}")
            with st.container(horizontal=True):
                downloads(frame, name)


main()
