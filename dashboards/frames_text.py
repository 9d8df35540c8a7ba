"""Texts by agents, made inert: they are shown letter by letter, whatever they hold. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markupsafe import Markup, escape

from dashboards.diff import Piece, readable, side, word_diff
from dashboards.sources import clean

_BLOCK = "white-space:pre-wrap;overflow-wrap:anywhere;margin:0"
_MARKS = {
    "removed": ("del", "background:rgba(213,94,0,.22);text-decoration:line-through"),
    "added": ("ins", "background:rgba(0,114,178,.24);text-decoration:underline"),
}
NAME_CHARACTERS = 26
"""What boxes and tables show of a run's name. Its end is the time and the id, so the middle is left out."""
MAX_SHOWN = 20_000
"""Characters of one text that a page shows; beyond it a line says how many there are."""


def block(text: str) -> str:
    """Return a text as one HTML paragraph, with all of its marks escaped."""
    shown, rest = clean(text)[:MAX_SHOWN], len(text) - MAX_SHOWN
    more = f"\n[{rest:,} more characters are not shown]" if rest > 0 else ""
    return str(Markup('<p style="{}">{}</p>').format(_BLOCK, shown + more))


def cut_inside(name: str, length: int) -> str:
    """Return a name with its middle left out where it is longer than this: both ends tell one from another.

    >>> cut_inside("demo/20260101-120000_ab12", 30), cut_inside("a-long-name/20260101-120000_ab12", 21)
    ('demo/20260101-120000_ab12', 'a-long-na...0000_ab12')
    """
    if len(name) <= length:
        return name
    kept = length - 3
    return f"{name[: kept - kept // 2]}...{name[len(name) - kept // 2 :]}"


def label(text: str, most: int = 80) -> str:
    """Return a text for places that read markdown: every mark escaped, line breaks gone, addresses no links."""
    line = " ".join(clean(text).split())
    line = line if len(line) <= most else f"{line[: most - 1]}…"
    line = re.sub(r"(?i)(www)\.|(https?):|@", lambda m: f"{m[0]}\u200b", line)
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$:&^=])", r"\\\1", line)


def both_sides(before: str, after: str) -> tuple[str, str]:
    """Return two texts as HTML with what differs marked, by line and by colour."""
    pieces = readable(word_diff(clean(before)[:MAX_SHOWN], clean(after)[:MAX_SHOWN]))
    return _marked(side(pieces, "before")), _marked(side(pieces, "after"))


def _marked(pieces: Sequence[Piece]) -> str:
    parts = []
    for piece in pieces:
        tag, style = _MARKS.get(piece.change, ("span", ""))
        inner = escape(piece.text)
        parts.append(inner if tag == "span" else Markup('<{0} style="{1}">{2}</{0}>').format(Markup(tag), style, inner))
    return str(Markup('<p style="{}">{}</p>').format(_BLOCK, Markup("").join(parts)))


def code(text: str, most: int = 300) -> str:
    """Return a text as a code span of markdown, on one line."""
    line = " ".join(clean(text).replace("`", "'").split())[:most]
    return f"`{line}`" if line else ""
