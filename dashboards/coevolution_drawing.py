"""Small panels of co-evolution as inline SVG: lines with bands over time, one panel beside the other. Pure.

Colours and dashes are classes of the page's style sheet, so that both themes look right and colour is never the only
sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from dashboards.coevolution import Mark
from dashboards.drawing import short, shortened

WIDTH, HEIGHT = 250, 168
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 26, 24


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a panel. kind: its class in the style sheet: history, people, ai, or a0 to a4 for arms."""

    name: str
    kind: str
    marks: tuple[Mark, ...]


def panel(title: str, series: Sequence[Series], *, span: tuple[float, float] | None = None) -> Markup:
    """Draw lines with their bands on one pair of axes. span: ends of the value axis; the data's own for None."""
    known = [mark for one in series for mark in one.marks if mark.value is not None]
    alt = f"{title}: " + "; ".join(f"{one.name} {_way(one.marks)}" for one in series)
    parts = [
        f'<svg class="lines" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(alt)}">',
        f"<title>{escape(alt)}</title>",
        f'<text class="head" x="4" y="15">{escape(shortened(title, 32))}</text>',
    ]
    if not known:
        return Markup("".join(parts) + f'<text class="tick" x="{LEFT}" y="{HEIGHT / 2}">not measured</text></svg>')
    low, high = span or ends(series)
    first, last = min(mark.timestep for mark in known), max(mark.timestep for mark in known)

    def at(timestep: int, value: float) -> str:
        across = LEFT + (timestep - first) / ((last - first) or 1) * (WIDTH - LEFT - RIGHT)
        up = TOP + (high - min(max(value, low), high)) / ((high - low) or 1) * (HEIGHT - TOP - BOTTOM)
        return f"{across:.1f} {up:.1f}"

    base = HEIGHT - BOTTOM
    parts.append(f'<path class="axis" d="M{LEFT} {TOP} V{base} H{WIDTH - RIGHT}"/>')
    for value, y in ((high, TOP + 9), (low, base)):
        parts.append(f'<text class="tick" x="{LEFT - 5}" y="{y}" text-anchor="end">{short(value, 2)}</text>')
    for timestep, anchor, x in ((first, "start", LEFT), (last, "end", WIDTH - RIGHT)):
        parts.append(f'<text class="tick" x="{x}" y="{base + 15}" text-anchor="{anchor}">t = {timestep}</text>')
    for one in series:
        own = [mark for mark in one.marks if mark.value is not None]
        edges = [mark for mark in own if mark.lo is not None and mark.hi is not None]
        if len(edges) > 1:
            way = [at(m.timestep, m.hi or 0.0) for m in edges] + [at(m.timestep, m.lo or 0.0) for m in reversed(edges)]
            parts.append(f'<path class="band {one.kind}" d="M{" L".join(way)} Z"/>')
    for one in series:
        own = [mark for mark in one.marks if mark.value is not None]
        if len(own) > 1:
            way = [at(mark.timestep, mark.value or 0.0) for mark in own]
            parts.append(f'<path class="line {one.kind}" d="M{" L".join(way)}"/>')
        elif own:
            across, up = at(own[0].timestep, own[0].value or 0.0).split()
            parts.append(f'<circle class="spot {one.kind}" cx="{across}" cy="{up}" r="3.5"/>')
    return Markup("".join(parts) + "</svg>")


def legend(series: Sequence[tuple[str, str]]) -> Markup:
    """Draw which line is whose: (name, kind)."""
    key = '<svg class="lines key" viewBox="0 0 34 10" aria-hidden="true">'
    items = "".join(
        f'<span>{key}<path class="line {kind}" d="M1 5 H33"/></svg>{escape(name)}</span>' for name, kind in series
    )
    return Markup(f'<p class="keys">{items}</p>')


def ends(series: Sequence[Series]) -> tuple[float, float]:
    """Return the least and the greatest value of some lines and bands, with a little air."""
    values = [v for one in series for m in one.marks for v in (m.value, m.lo, m.hi) if v is not None]
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    air = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    return low - air, high + air


def _way(marks: Sequence[Mark]) -> str:
    known = [mark.value for mark in marks if mark.value is not None]
    return f"{short(known[0])} to {short(known[-1])}" if known else "not measured"
