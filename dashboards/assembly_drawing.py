"""Pictures of an assembly as inline SVG: opinions before and after, the map, the panel against its quotas. Pure.

Groups differ in shape as well as in colour; colours are classes of the page's style sheet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from dashboards.assembly import Opinion
from dashboards.assembly_panel import Certificate
from dashboards.drawing import short, shortened
from dashboards.rows import percent

if TYPE_CHECKING:
    from dashboards.tools.polis import Findings as OpinionMap

MOST_PEOPLE = 40
"""Citizens drawn in a picture of opinions, evenly spaced by where they began."""
MAP_WIDTH, MAP_HEIGHT, MARGIN = 560, 380, 36
SHAPES = ("circle", "square", "triangle", "diamond", "cross")
Point = tuple[float, float]


def opinion_picture(opinions: Sequence[Opinion], name: str) -> Markup:
    """Draw each citizen as a line from agreement before (hollow) to after (filled), sorted by where they began."""
    order = sorted(opinions, key=lambda one: (one.before, one.after))
    shown = order
    if len(order) > MOST_PEOPLE:
        shown = [order[round(k * (len(order) - 1) / (MOST_PEOPLE - 1))] for k in range(MOST_PEOPLE)]
    width, left, right, row, top = 320, 14, 14, 9, 24
    height = top + row * len(shown) + 30

    def at(value: float) -> float:
        return round(left + min(max(value, 0.0), 1.0) * (width - left - right), 1)

    means = [sum(getattr(one, key) for one in order) / max(1, len(order)) for key in ("before", "after")]
    alt = f"{name}: mean agreement {short(means[0])} before and {short(means[1])} after, {len(order)} citizens."
    axis = height - 20
    parts = [
        _open(width, height, alt, "plot opinions"),
        f'<text class="tick" x="{left}" y="14">{escape(name)}</text>',
        f'<path class="axis" d="M{left} {axis} H{width - right}"/>',
    ]
    for value, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        parts.append(
            f'<text class="tick" x="{at(value)}" y="{height - 6}" text-anchor="{anchor}">{short(value)}</text>'
        )
    for kind, mean in zip(("before", "after"), means, strict=True):
        parts.append(f'<path class="mean {kind}" d="M{at(mean)} {top - 4} V{axis}"/>')
    for number, one in enumerate(shown):
        y = top + row * number + 4
        parts.append(f'<path class="way" d="M{at(one.before)} {y} H{at(one.after)}"/>')
        parts.append(f'<circle class="dot before" cx="{at(one.before)}" cy="{y}" r="3"/>')
        parts.append(f'<circle class="dot after" cx="{at(one.after)}" cy="{y}" r="3"/>')
    return Markup("".join(parts) + "</svg>")


def map_picture(found: OpinionMap) -> Markup:
    """Draw everybody of a written round as a point, groups by colour and shape with their hulls."""
    from dashboards.tools.polis_view import hull

    places = [(place.x, place.y) for place in found.places]
    if not places:
        return Markup("")
    at = _scaled(places)
    names = [group.name for group in found.groups]
    sizes = ", ".join(f"{group.name} {group.num_people}" for group in found.groups)
    alt = f"Opinion map: {found.num_people} citizens in {len(names)} groups ({sizes})."
    parts = [_open(MAP_WIDTH, MAP_HEIGHT, alt, "map")]
    parts.append(f'<path class="axis" d="M0 {at((0, 0))[1]} H{MAP_WIDTH} M{at((0, 0))[0]} 0 V{MAP_HEIGHT}"/>')
    for number, name in enumerate(names):
        own = [at((place.x, place.y)) for place in found.places if place.group == name]
        corners = hull(own)
        if len(corners) > 2:
            line = " L".join(f"{x} {y}" for x, y in corners)
            parts.append(f'<path class="hull g{number % len(SHAPES)}" d="M{line} Z"/>')
    for place in found.places:
        number = names.index(place.group) % len(SHAPES) if place.group in names else 0
        parts.append(_mark(SHAPES[number], at((place.x, place.y)), number))
    for number, name in enumerate(names):
        own = [at((place.x, place.y)) for place in found.places if place.group == name]
        if own:
            x, y = (round(sum(part) / len(own), 1) for part in zip(*own, strict=True))
            label = f"{name}: {len(own)}"
            parts.append(
                f'<text class="name g{number % len(SHAPES)}" x="{x}" y="{y - 12}" text-anchor="middle">{label}</text>'
            )
    return Markup("".join(parts) + "</svg>")


def seats_picture(found: Certificate) -> Markup:
    """Draw each quota as a band on the share of seats, the invited's share as a line and the seats as a dot."""
    row, left, width, right = 19, 170, 460, 20
    rows = [(quota.feature, quota) for quota in found.quotas]
    height = row * len(rows) + 30
    seats = max(1, found.num_seats)

    def at(share: float) -> float:
        return round(left + min(max(share, 0.0), 1.0) * (width - left - right), 1)

    met = sum(quota.met for quota in found.quotas)
    parts = [_open(width, height, f"Seats against quotas: {met} of {len(rows)} quotas are met.", "plot seats")]
    for number, (feature, quota) in enumerate(rows):
        y = 14 + row * number
        label = escape(shortened(f"{feature}: {quota.value}", 25))
        parts.append(f'<text class="tick" x="{left - 10}" y="{y + 4}" text-anchor="end">{label}</text>')
        start, end = at(quota.low / seats), at(quota.high / seats)
        parts.append(
            f'<rect class="band" x="{start - 3}" y="{y - 6}" width="{round(end - start + 6, 1)}" height="12" rx="3"/>'
        )
        if quota.share.null is not None:
            parts.append(f'<path class="null" d="M{at(quota.share.null)} {y - 8} V{y + 8}"/>')
        parts.append(
            f'<circle class="dot {"after" if quota.met else "before"}" cx="{at(quota.seats / seats)}" cy="{y}" r="4"/>'
        )
    for share, anchor in ((0.0, "start"), (1.0, "end")):
        parts.append(
            f'<text class="tick" x="{at(share)}" y="{height - 6}" text-anchor="{anchor}">{percent(share)}</text>'
        )
    return Markup("".join(parts) + "</svg>")


def _scaled(places: Sequence[Point]) -> Callable[[Point], Point]:
    xs, ys = [x for x, _ in places] + [0.0], [y for _, y in places] + [0.0]
    scale = min(
        (MAP_WIDTH - 2 * MARGIN) / ((max(xs) - min(xs)) or 1.0),
        (MAP_HEIGHT - 2 * MARGIN) / ((max(ys) - min(ys)) or 1.0),
    )
    middle = (max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2

    def at(place: Point) -> Point:
        x, y = (place[0] - middle[0]) * scale, (place[1] - middle[1]) * scale
        return round(MAP_WIDTH / 2 + x, 1), round(MAP_HEIGHT / 2 - y, 1)

    return at


def _mark(shape: str, place: Point, number: int) -> str:
    x, y = place
    kind = f'class="person g{number}"'
    if shape == "circle":
        return f'<circle {kind} cx="{x}" cy="{y}" r="5.5"/>'
    corners = {
        "square": f"M{x - 5} {y - 5} h10 v10 h-10 Z",
        "triangle": f"M{x} {y - 6.5} l6.5 11.5 h-13 Z",
        "diamond": f"M{x} {y - 7} l6 7 l-6 7 l-6 -7 Z",
        "cross": f"M{x - 2} {y - 6} h4 v4 h4 v4 h-4 v4 h-4 v-4 h-4 v-4 h4 Z",
    }
    return f'<path {kind} d="{corners[shape]}"/>'


def _open(width: float, height: float, alt: str, kind: str) -> str:
    label = escape(alt)
    return f'<svg class="{kind}" viewBox="0 0 {width} {height}" role="img" aria-label="{label}"><title>{label}</title>'
