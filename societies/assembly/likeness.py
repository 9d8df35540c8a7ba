"""Which texts lie near each other by their words: the cheap look before a model is asked whether two say the same."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORD = re.compile(r"[^\W\d_]+|\d+(?:\.\d+)?")
COMMON = frozenset(
    _WORD.findall(
        "a an and are as at be by for from has have in is it its of on or our shall should so that the their them they "
        "this to us was we which who will with would"
    )
)
"""Words that two clauses share whatever they say. Not, no and numbers are none: they may be all that differs."""


def words_of(text: str) -> list[str]:
    """Return the words and numbers of a text, in lower case and in order."""
    return _WORD.findall(text.casefold())


def is_same_text(one: str, other: str) -> bool:
    """Return whether two texts have the same words in the same order, whatever their marks."""
    return words_of(one) == words_of(other)


def likeness(one: str, other: str) -> float:
    """Return the share of content words that two texts have in common (Jaccard), 0 to 1; 0 for two empty ones."""
    a, b = (set(words_of(text)) - COMMON for text in (one, other))
    return len(a & b) / len(a | b) if a | b else 0.0


def nearest(texts: Sequence[str], pairs: Sequence[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    """Return at most so many of some pairs of texts, the likest ones, in the order given.

    >>> nearest(["a red bus", "the red bus", "old trees"], [(0, 1), (0, 2), (1, 2)], 1)
    [(0, 1)]
    """
    ranked = sorted(range(len(pairs)), key=lambda k: (-likeness(texts[pairs[k][0]], texts[pairs[k][1]]), k))
    return [pairs[k] for k in sorted(ranked[:most])]
