"""What changed between two texts, word by word. Pure."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Literal

Change = Literal["same", "removed", "added"]
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
MAX_WORDS = 2_000
"""Beyond this difflib's square cost shows; the rest of both texts is then shown as replaced whole."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text with one fate."""

    change: Change
    text: str


def words(text: str) -> list[str]:
    """Split into words, marks and runs of whitespace; joining them gives the text back.

    >>> words("No, wait")
    ['No', ',', ' ', 'wait']
    """
    return _WORDS.findall(text)


def word_diff(before: str, after: str) -> list[Piece]:
    """Return the pieces that turn `before` into `after`, in reading order, as exact as difflib is.

    >>> [(p.change, p.text) for p in word_diff("a red bus", "a green bus")]
    [('same', 'a '), ('removed', 'red'), ('added', 'green'), ('same', ' bus')]
    """
    old, new = words(before), words(after)
    pieces: list[Piece] = []
    matcher = difflib.SequenceMatcher(None, old[:MAX_WORDS], new[:MAX_WORDS], autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            _put(pieces, "same", "".join(old[i1:i2]))
            continue
        _put(pieces, "removed", "".join(old[i1:i2]))
        _put(pieces, "added", "".join(new[j1:j2]))
    _put(pieces, "removed", "".join(old[MAX_WORDS:]))
    _put(pieces, "added", "".join(new[MAX_WORDS:]))
    return pieces


def _put(pieces: list[Piece], change: Change, text: str) -> None:
    if not text:
        return
    if pieces and pieces[-1].change == change:
        pieces[-1] = Piece(change, pieces[-1].text + text)
    else:
        pieces.append(Piece(change, text))


def readable(pieces: list[Piece], *, num_words: int = 2) -> list[Piece]:
    """Join changes that only a blank or a few equal words keep apart, so that replaced phrases read as phrases.

    >>> [p.text for p in readable(word_diff("go in at night", "ask in the day")) if p.change == "removed"]
    ['go in at night']
    """
    removed, added = "", ""
    out: list[Piece] = []

    def flush() -> None:
        nonlocal removed, added
        _put(out, "removed", removed)
        _put(out, "added", added)
        removed = added = ""

    for number, piece in enumerate(pieces):
        if piece.change == "removed":
            removed += piece.text
        elif piece.change == "added":
            added += piece.text
        elif (removed or added) and number + 1 < len(pieces) and _count(piece.text) <= num_words:
            removed += piece.text
            added += piece.text
        else:
            flush()
            _put(out, "same", piece.text)
    flush()
    return out


def side(pieces: list[Piece], shown: Literal["before", "after"]) -> list[Piece]:
    """Return the pieces of one side of a side-by-side view."""
    hidden = "added" if shown == "before" else "removed"
    return [piece for piece in pieces if piece.change != hidden]


def changed_share(pieces: list[Piece]) -> float:
    """Return the share of words that are not the same on both sides; 0 for two empty texts."""
    same = 2 * sum(_count(p.text) for p in pieces if p.change == "same")
    other = sum(_count(p.text) for p in pieces if p.change != "same")
    return other / (same + other) if same + other else 0.0


def _count(text: str) -> int:
    return sum(1 for word in words(text) if not word.isspace())
