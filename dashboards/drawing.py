"""The report's pictures as inline SVG: the loop with its numbers, dots with intervals, and bars. Pure.

Colours come from the page's style sheet through classes, so that both themes look right; shape and fill differ too,
so that colour is never the only sign.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup, escape

State = Literal["done", "missing", "bad"]

BOX_WIDTH, GAP, BOX_TOP, LINE, MARGIN = 186, 28, 14, 21, 10
BOX_CHARS = 19
"""Characters that fit into a box, in the widest of the usual fonts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One station of the loop. state: "missing" is drawn dashed, "bad" with a mark."""

    title: str
    lines: tuple[str, ...]
    state: State = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A point with its interval. filled: after; hollow: before."""

    label: str
    point: float | None
    lo: float | None
    hi: float | None
    filled: bool


def loop_picture(boxes: Sequence[Box], back: str, alt: str) -> Markup:
    """Draw the stations in a row with arrows, and the way back from the last to the first, with a word on it."""
    wrapped = [[part for line in box.lines for part in _wrapped(line)] for box in boxes]
    num_lines = max(map(len, wrapped), default=0)
    height = 44 + LINE * num_lines
    total = MARGIN * 2 + len(boxes) * BOX_WIDTH + (len(boxes) - 1) * GAP
    bottom = BOX_TOP + height
    parts = [_open(total, bottom + 52, alt, "loop")]
    for number, box in enumerate(boxes):
        x = MARGIN + number * (BOX_WIDTH + GAP)
        parts.append(_box(box, wrapped[number], x, height))
        if number:
            parts.append(_arrow(x - GAP + 3, x - 4, BOX_TOP + height / 2))
    first, last = MARGIN + BOX_WIDTH / 2, total - MARGIN - BOX_WIDTH / 2
    way = f"M{last} {bottom} V{bottom + 18} Q{last} {bottom + 26} {last - 8} {bottom + 26} H{first + 8}"
    way += f" Q{first} {bottom + 26} {first} {bottom + 18} V{bottom + 7}"
    parts.append(f'<path class="arrow" d="{way}"/>')
    parts.append(f'<path class="tip" d="M{first - 5} {bottom + 9} L{first} {bottom + 1} L{first + 5} {bottom + 9} Z"/>')
    parts.append(f'<text class="word" x="{total / 2}" y="{bottom + 46}" text-anchor="middle">{escape(back)}</text>')
    return Markup("".join(parts) + "</svg>")


def _box(box: Box, lines: list[str], x: float, height: float) -> str:
    parts = [
        f'<g class="box {box.state}"><rect x="{x}" y="{BOX_TOP}" width="{BOX_WIDTH}" height="{height}" rx="9"/>',
        f'<text class="head" x="{x + 13}" y="{BOX_TOP + 26}">{escape(box.title)}</text>',
    ]
    if box.state != "done":
        sign = "not done" if box.state == "missing" else "!"
        parts.append(f'<text class="sign" x="{x + BOX_WIDTH - 12}" y="{BOX_TOP + 26}" text-anchor="end">{sign}</text>')
    for number, line in enumerate(lines):
        y = BOX_TOP + 50 + LINE * number
        parts.append(f'<text x="{x + 13}" y="{y}">{escape(line)}</text>')
    return "".join(parts) + "</g>"


def _wrapped(line: str) -> list[str]:
    """Return a line in pieces that fit into a box, at most two."""
    words = [shortened(word, BOX_CHARS) for word in line.split()]
    return textwrap.wrap(" ".join(words), BOX_CHARS, max_lines=2, placeholder="...", break_on_hyphens=False)


def _arrow(x1: float, x2: float, y: float) -> str:
    tip = f'<path class="tip" d="M{x2 - 8} {y - 5} L{x2} {y} L{x2 - 8} {y + 5} Z"/>'
    return f'<path class="arrow" d="M{x1} {y} H{x2 - 7}"/>{tip}'


def interval_plot(dots: Sequence[Dot], low: float, high: float, alt: str, null: float | None = None) -> Markup:
    """Draw dots with their intervals one below the other on one axis, and a dashed line at the baseline."""
    width, left, right, row = 250, 56, 16, 20
    height = row * len(dots) + 24
    span = (high - low) or 1.0

    def at(value: float) -> float:
        return round(left + (min(max(value, low), high) - low) / span * (width - left - right), 1)

    axis = height - 18
    parts = [_open(width, height, alt, "plot"), f'<path class="axis" d="M{left} {axis} H{width - right}"/>']
    for value, anchor in ((low, "start"), (high, "end")):
        parts.append(
            f'<text class="tick" x="{at(value)}" y="{height - 4}" text-anchor="{anchor}">{short(value)}</text>'
        )
    if null is not None and low <= null <= high:
        parts.append(f'<path class="null" d="M{at(null)} 2 V{axis + 3}"/>')
    for number, dot in enumerate(dots):
        y = 11 + row * number
        parts.append(f'<text class="tick" x="{left - 7}" y="{y + 4}" text-anchor="end">{escape(dot.label)}</text>')
        if dot.point is None:
            parts.append(f'<text class="tick" x="{left + 4}" y="{y + 4}">not measured</text>')
            continue
        kind = "after" if dot.filled else "before"
        if dot.lo is not None and dot.hi is not None:
            ends = f"M{at(dot.lo)} {y} H{at(dot.hi)} M{at(dot.lo)} {y - 4} V{y + 4} M{at(dot.hi)} {y - 4} V{y + 4}"
            parts.append(f'<path class="whisker {kind}" d="{ends}"/>')
        parts.append(f'<circle class="dot {kind}" cx="{at(dot.point)}" cy="{y}" r="4.5"/>')
    return Markup("".join(parts) + "</svg>")


def bar(share: float, alt: str) -> Markup:
    """Draw a share of a whole as a bar."""
    width = round(200 * min(max(share, 0.0), 1.0), 1)
    return Markup(
        _open(200, 12, alt, "bar")
        + '<rect class="all" width="200" height="12" rx="3"/>'
        + f'<rect class="part" width="{width}" height="12" rx="3"/></svg>'
    )


def axis_range(values: Iterable[float | None], *, share: bool) -> tuple[float, float]:
    """Return the ends of an axis: 0 to 1 for shares, else the values with a little air around them."""
    known = [v for v in values if v is not None and math.isfinite(v)]
    if share and all(0 <= v <= 1 for v in known):
        return 0.0, 1.0
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    air = (high - low) * 0.12 or abs(high) * 0.1 or 1.0
    return low - air, high + air


def short(value: float | None, digits: int = 3) -> str:
    """Return a number with at most three significant digits; a dash for none.

    >>> short(0.12345), short(1234.5), short(None)
    ('0.123', '1,234', '-')
    """
    if value is None or not math.isfinite(value):
        return "-"
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    if magnitude >= digits - 1:
        return f"{value:,.0f}"
    if magnitude < -4:
        return f"{value:.{digits - 1}g}"
    return f"{value:.{digits - 1 - magnitude}f}".rstrip("0").rstrip(".") or "0"


def shortened(words: str, length: int) -> str:
    """Return one line of at most this many characters, with three dots where something was cut."""
    line = " ".join(words.split())
    return line if len(line) <= length else line[: length - 3].rstrip() + "..."


def _open(width: float, height: float, alt: str, kind: str) -> str:
    label = escape(alt)
    return f'<svg class="{kind}" viewBox="0 0 {width} {height}" role="img" aria-label="{label}"><title>{label}</title>'
