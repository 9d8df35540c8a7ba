"""Held-out means held out: do training texts and the items of an instrument share wording?

Two checks: the same words in the same order, and any eight words in a row in common. An overlap fails the gate of a
release, because a policy that has seen the question is not measured by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

NUM_WORDS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """One pair that shares wording. shared: the first words in common; the texts themselves are not repeated here."""

    train: int
    item: int
    exact: bool
    shared: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlapReport:
    """What was compared and what was found; train and item of an overlap are places in the two lists given."""

    num_train: int
    num_items: int
    num_words: int
    overlaps: tuple[Overlap, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing overlaps."""
        return not self.overlaps

    def __str__(self) -> str:
        exact = sum(one.exact for one in self.overlaps)
        found = f"{exact} equal texts and {len(self.overlaps) - exact} with {self.num_words} words in a row in common"
        return f"{self.num_train} training texts against {self.num_items} items: {found}."


def overlap_report(
    train_texts: Iterable[str], item_texts: Iterable[str], *, num_words: int = NUM_WORDS
) -> OverlapReport:
    """Return every pair of a training text and an item that are equal or share `num_words` words in a row.

    Case, punctuation and spacing do not count. Items shorter than that can only be equal.
    """
    items = [_words(text) for text in item_texts]
    by_gram: dict[tuple[str, ...], set[int]] = {}
    by_text: dict[tuple[str, ...], set[int]] = {}
    for k, words in enumerate(items):
        by_text.setdefault(words, set()).add(k)
        for gram in _grams(words, num_words):
            by_gram.setdefault(gram, set()).add(k)
    found: dict[tuple[int, int], Overlap] = {}
    num_train = 0
    for number, text in enumerate(train_texts):
        num_train += 1
        words = _words(text)
        for item in by_text.get(words, ()) if words else ():
            found[number, item] = Overlap(train=number, item=item, exact=True, shared=" ".join(words[:num_words]))
        for gram in _grams(words, num_words):
            for item in by_gram.get(gram, ()):
                found.setdefault((number, item), Overlap(train=number, item=item, exact=False, shared=" ".join(gram)))
    overlaps = tuple(found[key] for key in sorted(found))
    return OverlapReport(num_train=num_train, num_items=len(items), num_words=num_words, overlaps=overlaps)


def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\w+", text.lower()))


def _grams(words: tuple[str, ...], num_words: int) -> Iterable[tuple[str, ...]]:
    return (words[k : k + num_words] for k in range(len(words) - num_words + 1))
