"""The network as a plain ECharts dict and as tables: nodes coloured by an attribute, sized by degree. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dashboards.charts import BLUE, GREEN, GREY, ORANGE, PINK, RED, SKY
from dashboards.social import Network, Node, Tie, degrees, stance_at

if TYPE_CHECKING:
    import polars as pl

PALETTE = (BLUE, ORANGE, GREEN, PINK, SKY, RED, "#999999")
SYMBOLS = ("circle", "rect", "triangle", "diamond", "roundRect", "pin", "arrow")
UNKNOWN, OTHERS = "not known", "others"
STANCE_BINS = ("0 to 0.2", "0.2 to 0.4", "0.4 to 0.6", "0.6 to 0.8", "0.8 to 1")
STANCE_COLOURS = ("#E69F00", "#F2C46D", "#BBBBBB", "#7FB6DB", "#0072B2")
"""Orange disagrees, blue agrees."""
FAINT = 0.12
MOST_LABELS = 45
"""Nodes up to which each carries its name."""
MOST_NAMED = 3
"""Nodes with equally many ties up to which the finding names each."""


@dataclass(frozen=True, slots=True)
class Group:
    """One value of an attribute, with the colour and the sign that it has on all pages."""

    name: str
    colour: str
    symbol: str


def grouping(nodes: Sequence[Node], attribute: str, step: int | None) -> tuple[tuple[Group, ...], dict[str, str]]:
    """Return the groups of an attribute, and node -> group. A stance is cut in five; of many values the commonest stay.

    Colours go by the sorted names of all values of a run, so that they do not change from step to step.
    """
    if any(attribute in node.stances for node in nodes):
        values = {node.id: _bin(stance_at(node, attribute, step)) for node in nodes}
        groups = [Group(n, c, s) for n, c, s in zip(STANCE_BINS, STANCE_COLOURS, SYMBOLS, strict=False)]
    else:
        values = {node.id: node.traits.get(attribute, UNKNOWN) for node in nodes}
        found = [value for value in values.values() if value != UNKNOWN]
        names = sorted(set(found))
        if len(names) > len(PALETTE):
            common = sorted(names, key=lambda name: (-found.count(name), name))[: len(PALETTE) - 1]
            values = {node: value if value in (*common, UNKNOWN) else OTHERS for node, value in values.items()}
            names = [*sorted(common), OTHERS]
        groups = [Group(n, c, s) for n, c, s in zip(names, PALETTE, SYMBOLS, strict=False)]
    if UNKNOWN in values.values():
        groups.append(Group(UNKNOWN, "#DDDDDD", "circle"))
    return tuple(groups), values


def _bin(value: float | None) -> str:
    return UNKNOWN if value is None else STANCE_BINS[min(int(max(value, 0.0) * 5), 4)]


def network_chart(
    network: Network,
    ties: Sequence[Tie],
    places: Mapping[str, tuple[float, float]],
    *,
    attribute: str,
    step: int | None,
    ego: str = "",
) -> dict[str, Any]:
    """Return the network as an ECharts dict. With an ego, all but those whom it touches are faint: nobody moves."""
    groups, home = grouping(network.nodes, attribute, step)
    degree = degrees(ties)
    shown = {node.id for node in shown_nodes(network, ties, ego)}
    nodes = [node for node in network.nodes if node.id != network.hub or node.id in shown]
    most = max((node.size for node in nodes), default=1)
    names = [group.name for group in groups]
    data = [_node(node, places, degree, names.index(home[node.id]), ego, most, shown) for node in nodes]
    here = {node.id for node in nodes}
    return {
        "animation": False,
        # No formatter on purpose: ECharts escapes names itself, but fills a template's marks inside of names too, and
        # what a function returns it takes as HTML.
        "tooltip": {"show": True},
        "legend": [
            {"data": [g.name for g in groups if g.name in {home[n.id] for n in nodes}], "bottom": 0, "type": "scroll"}
        ],
        "series": [
            {
                "type": "graph",
                "layout": "none",
                "roam": "move",
                "preserveAspect": "contain",
                "left": 50,
                "right": 110,
                "top": 30,
                "bottom": 60,
                "selectedMode": "single",
                "categories": [{"name": g.name, "symbol": g.symbol, "itemStyle": {"color": g.colour}} for g in groups],
                "data": data,
                "links": [link for link in _links(network, ties) if {link["source"], link["target"]} <= here],
                "edgeSymbolSize": 7,
                "lineStyle": {"color": GREY, "opacity": 0.45, "curveness": 0.08},
                "label": {"position": "right", "fontSize": 11},
                "emphasis": {"focus": "adjacency", "label": {"show": True}},
                "select": {"itemStyle": {"borderColor": "#D55E00", "borderWidth": 3}},
            }
        ],
    }


def shown_nodes(network: Network, ties: Sequence[Tie], ego: str = "") -> tuple[Node, ...]:
    """Return the nodes that are drawn: all, or with an ego those that its ties touch; the hub only with a tie."""
    touched = {end for tie in ties for end in (tie.source, tie.target)}
    if ego:
        return tuple(node for node in network.nodes if node.id in touched or node.id == ego)
    return tuple(node for node in network.nodes if node.id != network.hub or node.id in touched)


def _node(
    node: Node,
    places: Mapping[str, tuple[float, float]],
    degree: Mapping[str, int],
    category: int,
    ego: str,
    most: int,
    shown: Set[str],
) -> dict[str, Any]:
    x, y = places.get(node.id, (0.0, 0.0))
    size = 9 + 4 * math.sqrt(degree.get(node.id, 0)) if most == 1 else 12 + 40 * math.sqrt(node.size / most)
    border = (
        {"borderColor": "#D55E00", "borderWidth": 3} if node.id == ego else {"borderColor": "#FFFFFF", "borderWidth": 1}
    )
    return {
        "id": node.id,
        "name": node.name,
        "x": float(x),
        "y": float(y),
        "value": degree.get(node.id, 0),
        "symbolSize": round(min(size, 60.0), 1),
        "category": category,
        "itemStyle": border if node.id in shown else {"opacity": FAINT},
        "label": {"show": node.id in shown and (len(shown) <= MOST_LABELS or node.id == ego)},
    }


def _links(network: Network, ties: Sequence[Tie]) -> list[dict[str, Any]]:
    """Return one link a pair, as wide as it has ties; a tie without a direction has one for both ways."""
    counts: dict[tuple[str, str], int] = {}
    pointing: set[tuple[str, str]] = set()
    for tie in ties:
        pair = (tie.source, tie.target)
        if tie.kind not in network.directed and pair[0] > pair[1]:
            pair = (pair[1], pair[0])
        counts[pair] = counts.get(pair, 0) + 1
        if tie.kind in network.directed:
            pointing.add(pair)
    return [
        {
            "source": a,
            "target": b,
            "value": num,
            "symbol": ["none", "arrow" if (a, b) in pointing else "none"],
            "lineStyle": {"width": round(min(5.0, 1 + 0.5 * (num - 1)), 1)},
        }
        for (a, b), num in sorted(counts.items())
    ]


def nodes_frame(network: Network, ties: Sequence[Tie], attribute: str, step: int | None, ego: str = "") -> pl.DataFrame:
    """Return the drawn nodes: node, name, the attribute, degree, size, the ties that go out and come in."""
    import polars as pl

    degree = degrees(ties)
    _, home = grouping(network.nodes, attribute, step)
    rows = [
        {
            "node": node.id,
            "name": node.name,
            attribute: _shown(node, attribute, step, home),
            "degree": degree.get(node.id, 0),
            "out": sum(tie.source == node.id for tie in ties),
            "in": sum(tie.target == node.id for tie in ties),
            "people": node.size,
        }
        for node in shown_nodes(network, ties, ego)
    ]
    counts = dict.fromkeys(("degree", "out", "in", "people"), pl.Int64)
    schema = {"node": pl.String, "name": pl.String, attribute: pl.String, **counts}
    return pl.DataFrame(rows, schema=schema, orient="row").sort("degree", "node", descending=[True, False])


def _shown(node: Node, attribute: str, step: int | None, home: Mapping[str, str]) -> str:
    value = stance_at(node, attribute, step)
    return home[node.id] if value is None else f"{value:.2f}"


def ties_frame(network: Network, ties: Sequence[Tie]) -> pl.DataFrame:
    """Return the drawn ties: step, from, kind, to, moved."""
    import polars as pl

    names = {node.id: node.name for node in network.nodes}
    rows = [
        {"step": network.steps.get(t.step, str(t.step)), "from": names.get(t.source, t.source), "kind": t.kind,
         "to": names.get(t.target, t.target), "moved": t.moved}
        for t in ties
    ]  # fmt: skip
    schema = {**dict.fromkeys(("step", "from", "kind", "to"), pl.String), "moved": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def network_finding(network: Network, ties: Sequence[Tie], attribute: str, step: int | None, ego: str = "") -> str:
    """Return in a sentence who is drawn, how many ties, who has most, and whether ties keep to their own group."""
    nodes = shown_nodes(network, ties, ego)
    degree = degrees(ties)
    _, home = grouping(network.nodes, attribute, step)
    when = "over the whole run" if step is None else f"at {network.steps.get(step, step)}"
    said = f"{len(nodes)} nodes and {len(ties)} ties {when}{_most_tied(nodes, degree)}"
    known = [
        t for t in ties if network.hub not in (t.source, t.target) and UNKNOWN not in (home[t.source], home[t.target])
    ]
    if known:
        same = sum(home[tie.source] == home[tie.target] for tie in known) / len(known)
        chance = _chance([home[node.id] for node in network.nodes if node.id != network.hub])
        said += f". {100 * same:.0f} % of n = {len(known)} ties join people of one group by {attribute}"
        said += f"; {100 * chance:.0f} % of all pairs do"
    moved = [tie.moved for tie in ties if tie.moved is not None]
    if moved:
        said += (
            f". Mean move after n = {len(moved)} of them: {sum(moved) / len(moved):+.3f} (which may have other causes)"
        )
    return f"{said}."


def _most_tied(nodes: Sequence[Node], degree: Mapping[str, int]) -> str:
    """Return who is tied to most others, all of them where several are; "" where nobody is tied to anybody."""
    most = max((degree.get(node.id, 0) for node in nodes), default=0)
    first = [node.name for node in nodes if degree.get(node.id, 0) == most]
    if not most:
        return ""
    if len(first) == 1:
        return f"; {first[0]} is tied to most others ({most})"
    if len(first) == len(nodes):
        return f"; every node is tied to equally many others ({most})"
    named = ", ".join(first[:MOST_NAMED]) + (f" and {len(first) - MOST_NAMED} more" if len(first) > MOST_NAMED else "")
    return f"; {len(first)} are tied to most others ({most} each): {named}"


def _chance(groups: Sequence[str]) -> float:
    """Return the share of all pairs that belong to one group: what ties drawn at random would give."""
    known = [group for group in groups if group != UNKNOWN]
    pairs = len(known) * (len(known) - 1)
    return sum(known.count(g) * (known.count(g) - 1) for g in set(known)) / pairs if pairs else 0.0
