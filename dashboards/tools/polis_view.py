"""A Polis conversation for people: the tables of its findings, and the opinion map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dashboards.drawing import short, shortened
from dashboards.rows import count, percent
from dashboards.terminal import Section
from dashboards.tools.polis import Band, Findings, Group, Stance

WIDTH, HEIGHT = 640, 480
Point = tuple[float, float]


def sections(found: Findings) -> list[Section]:
    """Return the tables of the tool; empty ones are left out."""
    parts = [
        _overview(found),
        _consensus_section(found),
        Section(
            title="What most people say",
            columns=("side", "votes", "share", "id", "statement"),
            rows=tuple((*_stance(item)[:3], item.id, item.text) for item in found.majority),
            right=(1, 2, 3),
        ),
        *(_stands_for(group) for group in found.groups),
        _standing(found),
        Section(
            title="What divides the groups",
            columns=("gap", "z", "more", "less", "id", "statement"),
            rows=tuple(
                (short(d.gap), short(d.z), _by(d.highest, d.high), _by(d.lowest, d.low), d.id, d.text)
                for d in found.divisive
            ),
            right=(0, 1, 4),
        ),
        Section(
            title="What a newcomer would be shown most often",
            columns=("chance", "id", "statement"),
            rows=tuple((percent(chance), name, words) for name, words, chance in found.next_up),
            right=(0, 1),
        ),
        Section(title="Notes", lines=found.notes),
    ]
    return [part for part in parts if part.lines or part.rows]


def _overview(found: Findings) -> Section:
    lines = [found.topic] if found.topic else []
    lines.append(
        f"{count(found.num_people)} participants, {count(found.num_on_map)} with enough votes for the map; "
        f"{count(found.num_statements)} statements, {count(found.num_moderated)} moderated out; "
        f"{count(found.num_votes)} votes."
    )
    lines.append(
        f"Two axes explain {percent(sum(found.explained))} of the variance "
        f"({' and '.join(map(percent, found.explained))}); of votes shuffled within statements {percent(found.chance)}."
    )
    mean = f"mean silhouette {short(found.silhouette)}, in shuffled votes {short(found.chance_silhouette)}"
    if found.source == "exported":
        lines.append(
            f"Groups as exported. Searching again finds {found.num_found} ({mean}); adjusted Rand index with the "
            f"exported ones {short(found.agreement)} (1 equal, 0 chance)."
        )
    else:
        lines.append(f"Groups as found here ({mean}). {_versus(found.agreement)}".strip())
    return Section(
        title=found.name,
        lines=tuple(lines),
        columns=("group", "people", "share", "subgroups", "first of what it stands for"),
        rows=tuple(
            (g.name, count(g.num_people), percent(g.share), _parts(g), _first(g.stands_for)) for g in found.groups
        ),
        right=(1, 2),
    )


def _parts(group: Group) -> str:
    return f"{' + '.join(map(str, group.subgroups))} (silhouette {short(group.silhouette)})"


def _by(group: str, share: float) -> str:
    return f"{group} {percent(share)}"


def _versus(agreement: float) -> str:
    return "" if np.isnan(agreement) else f"Adjusted Rand index with the exported ones {short(agreement)}."


def _first(stances: Sequence[Stance]) -> str:
    return f"{stances[0].side}: {stances[0].text}" if stances else "nothing"


def _consensus_section(found: Findings) -> Section:
    names = "".join(group.name for group in found.groups)
    return Section(
        title="What all groups can live with (group-aware consensus, 95 % intervals)",
        columns=("product", "root", "least", f"agree {'/'.join(names)}", "id", "statement"),
        rows=tuple(
            (
                _band(item.product),
                _band(item.root),
                _band(item.least),
                "/".join(f"{share:.2f}".lstrip("0") for share in item.shares),
                item.id,
                item.text,
            )
            for item in found.consensus
        ),
        right=(0, 1, 2, 4),
        notes=(
            f"Coin flips would give a product of {short(found.null)} and a root of .5.",
            "The product shrinks with the number of groups; the root can be compared between conversations.",
            "Least is the smallest agreement of any group: whom a statement would pass over.",
            "Intervals: participants drawn again within their group; the groups themselves are taken as given.",
        ),
    )


def _band(band: Band) -> str:
    return f"{band.value:.2f} [{band.lo:.2f}, {band.hi:.2f}]"


def _stands_for(group: Group) -> Section:
    return Section(
        title=f"What group {group.name} stands for",
        columns=("side", "votes", "share", "times the others", "id", "statement"),
        rows=tuple((*_stance(item), item.id, item.text) for item in group.stands_for),
        right=(1, 2, 3, 4),
    )


def _standing(found: Findings) -> Section:
    """Nothing with one group: its middle is that of everybody."""
    rows = tuple((g.name, count(g.num_people), _band(g.centricness), _band(g.coreness)) for g in found.groups)
    return Section(
        title="Where the groups stand on the map (means, 95 % intervals over members)",
        columns=("group", "people", "centricness", "coreness"),
        rows=rows if len(rows) > 1 else (),
        right=(1, 2, 3),
        notes=(
            "centricness: 1 less the distance to the middle of everybody; coreness: to that of the group.",
            "--json has both for everybody on the map, and how extreme each stands within the group.",
        ),
    )


def _stance(item: Stance) -> tuple[str, str, str, str]:
    return item.side, f"{item.num_success}/{item.num_seen}", percent(item.share), short(item.times)


def opinion_map(found: Findings) -> Any:
    """Return the map as an Altair chart: everybody as a point, groups by colour and shape with their hulls.

    Points carry no names. The axes say how much of the variance they explain; directions along them mean nothing.
    """
    import altair as alt

    names = [group.name for group in found.groups]
    people = [{"x": p.x, "y": p.y, "group": p.group} for p in found.places if p.group in names]
    others = [{"x": p.x, "y": p.y} for p in found.places if p.group not in names]
    outlines = [
        {"x": x, "y": y, "group": name, "order": number}
        for name in names
        for number, (x, y) in enumerate(hull([(p.x, p.y) for p in found.places if p.group == name]))
    ]
    first, second = (f"axis {n} ({percent(share)} of variance)" for n, share in enumerate(found.explained, 1))
    x, y = alt.X("x:Q", title=first), alt.Y("y:Q", title=second)
    labels = {g.name: f"{g.name} ({count(g.num_people)})" for g in found.groups}
    legend = alt.Legend(title="group (people)", labelExpr=f"{labels}[datum.label]")
    color = alt.Color("group:N", scale=alt.Scale(domain=names, scheme="tableau10"), legend=legend)
    shape = alt.Shape("group:N", scale=alt.Scale(domain=names), legend=legend)
    order = alt.Order("order:Q")
    areas = (
        alt.Chart(alt.Data(values=outlines))
        .mark_line(filled=True, fillOpacity=0.12, strokeWidth=1)
        .encode(x=x, y=y, color=color, order=order, detail="group:N")
    )
    rest = alt.Chart(alt.Data(values=others)).mark_point(color="#999999", size=12, opacity=0.5).encode(x=x, y=y)
    points = (
        alt.Chart(alt.Data(values=people))
        .mark_point(filled=True, size=26, opacity=0.65)
        .encode(x=x, y=y, color=color, shape=shape)
    )
    title = alt.Title(
        shortened(found.topic or found.name, 70),
        subtitle=f"{count(found.num_on_map)} of {count(found.num_people)} participants; groups as {found.source}; "
        f"two axes explain {percent(sum(found.explained))}, in shuffled votes {percent(found.chance)}",
    )
    layers = [areas, rest, points] if others else [areas, points]
    return alt.layer(*layers).properties(width=WIDTH, height=HEIGHT, title=title)


def hull(points: Sequence[Point]) -> list[Point]:
    """Return the corners of the convex hull, counter-clockwise and closed; as they are with fewer than three places.

    Source: Andrew 1979, monotone chain.
    """
    places = sorted(set(points))
    if len(places) < 3:
        return places
    corners: list[Point] = []
    for way in (places, places[::-1]):
        begin = len(corners)
        for point in way:
            while len(corners) - begin >= 2 and _turn(corners[-2], corners[-1], point) <= 0:
                corners.pop()
            corners.append(point)
        corners.pop()
    return [*corners, corners[0]]


def _turn(a: Point, b: Point, c: Point) -> float:
    """Return twice the signed area of a triangle: positive for a left turn."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
