"""The social network of a run as plain records: who is there, and who heard or moved whom at which step. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST_NODES = 2_000
"""Above this, communities are drawn instead of people: a hairball tells nothing."""
MOST_VALUES = 12
"""Different values with which a line of a card still is an attribute."""
_TRAIT = re.compile(r"([A-Z][a-z]{1,20}(?: [a-z]{1,20})?): (.{1,40})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Somebody. traits: attribute -> value, fixed. stances: attribute -> step -> value in [0, 1], as last read."""

    id: str
    name: str
    traits: Mapping[str, str] = field(default_factory=dict)
    stances: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    size: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """From source to target at a step, of a kind. moved: how far the target's stance then went towards the source."""

    source: str
    target: str
    kind: str
    step: int
    moved: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network. key: names its layout; arms over the same people share one. steps: number -> what it is called.

    directed: kinds that have a direction. hub: a node set in the middle and left out of the layout; "" for none.
    base: the kind whose ties alone decide the layout; "" for all.
    """

    key: str
    nodes: tuple[Node, ...]
    ties: tuple[Tie, ...]
    steps: Mapping[int, str]
    directed: frozenset[str] = frozenset()
    hub: str = ""
    base: str = ""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of its ties, in the order of their first one."""
        return tuple(dict.fromkeys(tie.kind for tie in self.ties))

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes that nodes can be coloured by: traits with a few values, then stances."""
        stances = dict.fromkeys(name for node in self.nodes for name in node.stances)
        values: dict[str, set[str]] = {}
        for node in self.nodes:
            for name, value in node.traits.items():
                values.setdefault(name, set()).add(value)
        traits = (name for name, found in values.items() if 1 < len(found) <= MOST_VALUES)
        return (*traits, *stances)


def traits_of(card: str) -> dict[str, str]:
    """Return the lines of a card that read "Attribute: value", the name left out."""
    matches = (_TRAIT.fullmatch(line.strip()) for line in card.splitlines())
    found = {match[1]: match[2] for match in matches if match}
    found.pop("Name", None)
    return found


def part(network: Network, *, step: int | None, kinds: Sequence[str], ego: str = "") -> tuple[Tie, ...]:
    """Return the ties of a step (None: of all) and of these kinds; with an ego, only those that touch it or lie between
    those whom it touches.
    """
    ties = [tie for tie in network.ties if tie.kind in kinds and step in (None, tie.step)]
    if ego:
        near = {ego} | {end for tie in ties if ego in (tie.source, tie.target) for end in (tie.source, tie.target)}
        ties = [tie for tie in ties if tie.source in near and tie.target in near]
    return tuple(ties)


def degrees(ties: Sequence[Tie]) -> dict[str, int]:
    """Return with how many others each node is tied; several ties to one other count once."""
    others: dict[str, set[str]] = {}
    for tie in ties:
        if tie.source != tie.target:
            others.setdefault(tie.source, set()).add(tie.target)
            others.setdefault(tie.target, set()).add(tie.source)
    return {node: len(found) for node, found in others.items()}


def stance_at(node: Node, name: str, step: int | None) -> float | None:
    """Return a stance as it was last read at or before a step; the last one for None. None where it never was."""
    read = node.stances.get(name, {})
    known = [t for t in read if step is None or t <= step]
    return read[max(known)] if known else None


def communities(network: Network, *, seed: int = 0) -> Network:
    """Return the network of communities in place of people: sizes are people, ties are those between members.

    A community has the commonest value of each trait and the mean of each stance. Source: Blondel et al. 2008.
    """
    import networkx as nx

    graph = graph_of(network)
    graph.add_nodes_from(node.id for node in network.nodes)
    groups = sorted(nx.community.louvain_communities(graph, seed=seed), key=lambda g: (-len(g), min(g)))
    home = {node: number for number, group in enumerate(groups) for node in group}
    by_id = {node.id: node for node in network.nodes}
    nodes = [_community(number, [by_id[n] for n in sorted(group) if n in by_id]) for number, group in enumerate(groups)]
    ties = {
        (_name(home[t.source]), _name(home[t.target]), t.kind, t.step)
        for t in network.ties
        if t.source in home and t.target in home and home[t.source] != home[t.target]
    }
    return Network(
        key=f"{network.key}-communities",
        nodes=tuple(nodes),
        ties=tuple(Tie(source=a, target=b, kind=kind, step=step) for a, b, kind, step in sorted(ties)),
        steps=network.steps,
        directed=network.directed,
    )


def _name(number: int) -> str:
    return f"community {number + 1}"


def _community(number: int, members: Sequence[Node]) -> Node:
    traits = {}
    for name in dict.fromkeys(name for one in members for name in one.traits):
        values = [one.traits[name] for one in members if name in one.traits]
        traits[name] = max(sorted(set(values)), key=values.count)
    stances: dict[str, dict[int, float]] = {}
    for name in dict.fromkeys(name for one in members for name in one.stances):
        times = sorted({t for one in members for t in one.stances.get(name, {})})
        stances[name] = {
            t: _mean([one.stances[name][t] for one in members if t in one.stances.get(name, {})]) for t in times
        }
    return Node(id=_name(number), name=_name(number), traits=traits, stances=stances, size=len(members))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def graph_of(network: Network) -> Any:
    """Return the undirected graph that decides layout and communities; weights count ties."""
    import networkx as nx

    graph = nx.Graph()
    for tie in network.ties:
        if tie.kind == network.base or not network.base:
            if network.hub in (tie.source, tie.target) or tie.source == tie.target:
                continue
            weight = graph.get_edge_data(tie.source, tie.target, {"weight": 0})["weight"]
            graph.add_edge(tie.source, tie.target, weight=weight + 1)
    return graph
