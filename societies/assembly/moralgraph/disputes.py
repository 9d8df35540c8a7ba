"""Where people's wisdom goes round in a circle: value disputes, and pairs that are upgraded both ways.

A moral graph is not free of cycles, so it must never be sorted from less to more wise. Cards that lead to each other
are a dispute; its shortest cycle shows it, and the cycle's weakest edge is where more judgements would help most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from societies.assembly.moralgraph.summary import MIN_WISER, Edge


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """cards: all that lead to each other, sorted. cycle: a shortest way round, from its smallest name on.

    weakest: the edge (source, target) of that cycle with the lowest likelihood.
    """

    cards: tuple[str, ...]
    cycle: tuple[str, ...]
    weakest: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contested:
    """A pair that at least two people upgraded each way. The names are sorted."""

    first: str
    second: str
    num_to_second: int
    num_to_first: int


def disputes(edges: Sequence[Edge]) -> tuple[Dispute, ...]:
    """Return a dispute for each set of cards that lead to each other, the largest first. edges: kept ones."""
    import networkx as nx

    graph = _graph(edges)
    found = []
    for component in nx.strongly_connected_components(graph):
        if len(component) > 1:
            found.append(_dispute(graph.subgraph(component)))
    return tuple(sorted(found, key=lambda dispute: (-len(dispute.cards), dispute.cards)))


def contested(edges: Sequence[Edge]) -> tuple[Contested, ...]:
    """Return the pairs with at least two upgrades each way, the most judged first. edges: all, kept or not."""
    found = [
        Contested(first=edge.source, second=edge.target, num_to_second=edge.wiser, num_to_first=edge.less_wise)
        for edge in edges
        if edge.source < edge.target and min(edge.wiser, edge.less_wise) >= MIN_WISER
    ]
    return tuple(sorted(found, key=lambda pair: (-pair.num_to_first - pair.num_to_second, pair.first, pair.second)))


def num_components(edges: Sequence[Edge]) -> int:
    """Return into how many parts the graph falls when directions are ignored."""
    import networkx as nx

    return int(nx.number_weakly_connected_components(_graph(edges)))


def _graph(edges: Sequence[Edge]) -> Any:
    import networkx as nx

    graph = nx.DiGraph()
    for edge in edges:
        graph.add_edge(edge.source, edge.target, likelihood=edge.likelihood)
    return graph


def _dispute(graph: Any) -> Dispute:
    """Return the shortest cycle of a strongly connected graph; of equally short ones the first by name."""
    import networkx as nx

    best: list[str] | None = None
    for source, target in sorted(graph.edges):
        way = nx.shortest_path(graph, target, source)
        if best is None or len(way) < len(best):
            best = list(way)
    cycle = best or []
    turn = cycle.index(min(cycle))
    cycle = cycle[turn:] + cycle[:turn]
    steps = list(zip(cycle, cycle[1:] + cycle[:1], strict=True))
    weakest = min(steps, key=lambda step: (graph.edges[step]["likelihood"], step))
    return Dispute(cards=tuple(sorted(graph.nodes)), cycle=tuple(cycle), weakest=weakest)
