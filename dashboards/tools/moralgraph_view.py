"""A moral graph for people: tables of its findings, and a picture of its cards and edges."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from agents.statistics.intervals import Interval
from dashboards.drawing import short, shortened
from dashboards.rows import count, percent
from dashboards.terminal import Section
from dashboards.tools.moralgraph import Findings

WIDTH, HEIGHT = 760, 560
NEAR_TARGET = 0.75
"""Where along an edge the mark that shows its direction stands."""


def sections(found: Findings, *, top: int = 10) -> list[Section]:
    """Return the tables of the tool; empty ones are left out."""
    parts = [
        _overview(found),
        _wisest(found, top),
        Section(
            title="The wisest value of each context",
            columns=("context", "value"),
            rows=tuple((context or "(none given)", found.title(card)) for context, card in found.winners.items()),
        ),
        _disputes(found),
        Section(
            title="Pairs upgraded both ways",
            columns=("to second", "to first", "first", "second"),
            rows=tuple(
                (count(c.num_to_second), count(c.num_to_first), found.title(c.first), found.title(c.second))
                for c in found.contested[:top]
            ),
            right=(0, 1),
        ),
        _bridges(found, top),
        _transitivity(found),
        _ask_next(found, top),
        _dropped(found),
    ]
    return [part for part in parts if part.lines or part.rows]


def _overview(found: Findings) -> Section:
    kept = sum(not step.dropped for step in found.steps)
    said = ", ".join(f"{count(num)} {verdict.replace('_', ' ')}" for verdict, num in sorted(found.verdicts.items()))
    who = f" by {count(found.num_participants)} participants" if found.num_participants else ""
    lines = [
        f"{count(found.num_cards)} cards; {count(found.num_judgements)} judgements{who}{f' ({said})' if said else ''}."
    ]
    chance = "" if math.isnan(found.by_chance) else f" With shuffled verdicts {short(found.by_chance)} would be kept."
    lines.append(f"{count(kept)} of {count(len(found.steps))} judged pairs are edges.{chance}")
    lines.append(
        f"{count(len(found.values))} cards have an edge, in {count(found.num_components)} separate parts; "
        + (f"{count(len(found.disputes))} value disputes." if found.disputes else "no value dispute.")
    )
    if found.compat:
        lines.append(f"Reckoned as the public implementation does: ranks add up to {found.total_rank:.4f}, not 1.")
    if found.repeated:
        lines.append(f"{count(found.repeated)} judgements were replaced by a later one of the same person.")
    return Section(title=found.name, lines=tuple(lines))


def _wisest(found: Findings, top: int) -> Section:
    known = any(not math.isnan(value.top) for value in found.values)
    rows = []
    for value in found.values[:top]:
        sure = (f"[{value.lo:.3f}, {value.hi:.3f}]", percent(value.top)) if known else ("-", "-")
        rows.append((f"{value.rank:.3f}", *sure, count(value.num_in), count(value.num_out), value.id, value.title))
    notes = [f"If all values were equally wise, each would have {found.total_rank / len(found.values):.3f}."]
    if not known:
        notes.append("No intervals: the file does not say who judged what, or ranks are reckoned the public way.")
    return Section(
        title="The wisest values (PageRank towards the wiser card)",
        columns=("rank", "95 % interval", "among top 3", "in", "out", "id", "value"),
        rows=tuple(rows),
        right=(0, 1, 2, 3, 4),
        notes=tuple(notes),
    )


def _disputes(found: Findings) -> Section:
    rows = []
    for dispute in found.disputes:
        way = " -> ".join(found.title(card) for card in (*dispute.cycle, dispute.cycle[0]))
        weakest = " -> ".join(map(found.title, dispute.weakest))
        rows.append((count(len(dispute.cards)), weakest, way))
    return Section(
        title="Value disputes: cards that lead to each other",
        columns=("cards", "weakest step", "shortest way round"),
        rows=tuple(rows),
        right=(0,),
    )


def _bridges(found: Findings, top: int) -> Section:
    rows = []
    for bridge in found.bridges[:top]:
        ways = "; ".join(f"{camp} from {', '.join(map(found.title, cards))}" for camp, cards in bridge.reached)
        rows.append((count(bridge.num_people), found.title(bridge.card), ways))
    weaker = (
        "" if found.bridges_need_votes else "People need not have voted for the card they came from: no votes given."
    )
    return Section(
        title="Bridging values: reached by different camps from different cards",
        columns=("people", "value", "reached by"),
        rows=tuple(rows),
        right=(0,),
        notes=(weaker,) if weaker and rows else (),
    )


def _transitivity(found: Findings) -> Section:
    told = found.transitivity
    if not told.num_asked:
        return Section(title="Does wisdom carry on over two steps")
    rows = (
        ("third step called wiser", _share(told.holds), _span(told.holds), count(told.num_asked)),
        ("the same people on other steps", _share(told.otherwise), _span(told.otherwise), count(told.num_other)),
        ("difference", _share(told.excess), _span(told.excess), count(told.num_people)),
    )
    return Section(
        title="Does wisdom carry on over two steps",
        columns=("judgements", "wiser", "95 % interval", "n"),
        rows=rows,
        right=(1, 2, 3),
        notes=(
            "Whoever finds b wiser than a, asked about a and c, where the graph has c wiser than b.",
            "n of the difference: people, who are drawn again for its interval. No difference: pairs are judged apart.",
        ),
    )


def _share(interval: Interval) -> str:
    return "-" if math.isnan(interval.point) else percent(interval.point)


def _span(interval: Interval) -> str:
    return "-" if math.isnan(interval.lo) else f"{percent(interval.lo)} to {percent(interval.hi)}"


def _ask_next(found: Findings, top: int) -> Section:
    rows = tuple(
        (one.participant, found.title(one.source), found.title(one.target), found.title(one.middle))
        for one in found.ask_next[:top]
    )
    more = len(found.ask_next) - len(rows)
    return Section(
        title="Ask next, to test whether wisdom carries on",
        columns=("participant", "from", "to", "by way of"),
        rows=rows,
        notes=(f"{more} more in --json; participants are numbered in the order of the file.",) if more > 0 else (),
    )


def _dropped(found: Findings) -> Section:
    reasons = Counter(step.dropped for step in found.steps if step.dropped)
    return Section(
        title="Judged pairs that are no edges",
        columns=("pairs", "why"),
        rows=tuple((count(num), why) for why, num in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
        right=(0,),
    )


def graph_picture(found: Findings, *, numbered: int = 12) -> Any:
    """Return the graph as an Altair chart: cards sized by rank, edges with a mark near the wiser end, and a list.

    Places are drawn so that neighbours stand near each other, and mean nothing else. numbered: how many of the wisest
    have their number in the graph and their title in the list.
    """
    import altair as alt

    places = _places(found)
    edges, marks = [], []
    for step in found.steps:
        if not step.dropped:
            (x1, y1), (x2, y2) = places[step.source], places[step.target]
            edges.append({"x": x1, "y": y1, "x2": x2, "y2": y2, "likelihood": step.likelihood})
            marks.append({"x": x1 + NEAR_TARGET * (x2 - x1), "y": y1 + NEAR_TARGET * (y2 - y1)})
    cards = [
        {
            "x": places[value.id][0],
            "y": places[value.id][1],
            "rank": value.rank,
            "number": number if number <= numbered else "",
            "title": value.title,
            "policies": "; ".join(value.policies),
        }
        for number, value in enumerate(found.values, 1)
    ]
    x, y = alt.X("x:Q", axis=None), alt.Y("y:Q", axis=None)
    width = alt.StrokeWidth("likelihood:Q", scale=alt.Scale(domain=[0.33, 1], range=[0.6, 2.6]), title="likelihood")
    size = alt.Size("rank:Q", scale=alt.Scale(range=[30, 700]), title="PageRank")
    tooltip = [alt.Tooltip("title:N"), alt.Tooltip("rank:Q", format=".3f"), alt.Tooltip("policies:N")]
    lines = alt.Chart(alt.Data(values=edges)).mark_rule(color="#8a8a8a", opacity=0.7)
    tips = alt.Chart(alt.Data(values=marks)).mark_point(filled=True, size=22, color="#444444").encode(x=x, y=y)
    dots = alt.Chart(alt.Data(values=cards)).mark_circle(color="#9ecae9", opacity=1, stroke="#4c78a8")
    words = alt.Chart(alt.Data(values=cards)).mark_text(fontSize=11, fontWeight="bold", color="#102a43")
    graph = alt.layer(
        lines.encode(x=x, y=y, x2="x2:Q", y2="y2:Q", strokeWidth=width),
        dots.encode(x=x, y=y, size=size, tooltip=tooltip),
        tips,
        words.encode(x=x, y=y, text="number:N"),
    ).properties(width=WIDTH, height=HEIGHT)
    listed = [
        {"at": card["number"], "text": f"{card['number']}  {shortened(str(card['title']), 46)}"} for card in cards
    ]
    side = alt.Chart(alt.Data(values=listed[:numbered])).mark_text(align="left", fontSize=12)
    side = side.encode(y=alt.Y("at:O", axis=None), x=alt.value(0), text="text:N").properties(
        width=290, height=min(HEIGHT, 24 * numbered)
    )
    title = alt.Title(
        shortened(found.name, 70), subtitle="the dark dot on an edge is near the wiser card; larger cards rank higher"
    )
    return alt.hconcat(graph, side, title=title).configure_view(stroke=None)


def _places(found: Findings) -> dict[str, tuple[float, float]]:
    """Return where each card stands: the largest part of the graph on the left, the others in a column beside it."""
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(value.id for value in found.values)
    graph.add_edges_from((step.source, step.target) for step in found.steps if not step.dropped)
    parts = sorted(nx.connected_components(graph), key=lambda part: (-len(part), min(part)))
    total = sum(len(part) for part in parts[1:])
    places: dict[str, tuple[float, float]] = {}
    bottom = 0.0
    for number, part in enumerate(parts):
        layout = nx.kamada_kawai_layout(graph.subgraph(sorted(part)))
        left, wide, high = (0.0, 1.0, 1.0) if number == 0 else (1.1, 0.25, len(part) / total)
        for card, (x, y) in layout.items():
            places[str(card)] = left + wide * (float(x) + 1) / 2, bottom + high * (0.1 + 0.8 * (float(y) + 1) / 2)
        bottom += high if number else 0.0
    return places
