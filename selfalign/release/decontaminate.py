"""Overlap with named evaluation sets, counted in word n-grams.

A row that shares eight words in a row with an evaluation item goes; thirteen are counted beside it, because older
reports use them. An item of five to seven words counts where all of it occurs, a shorter one where a message is nothing
else. Source of the 13-gram rule: Brown et al. 2020, arXiv 2005.14165, appendix C.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agents.errors import UserError
from selfalign.release.config import Evaluation
from selfalign.release.text import U64, word_grams, word_hashes, words_only

SHORT, LONG, LEAST = 8, 13, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationSet:
    """A named set as it was found. items: normal form of each text; none when it was not available."""

    name: str
    version: str
    items: tuple[str, ...] = ()
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Overlap:
    """The longest rule by which a text overlaps: 13, 8, or the item's own length; of which set and item."""

    set_name: str
    item: int
    words: int


@dataclass(slots=True)
class Matcher:
    """Finds evaluation items in texts. Built once from all sets."""

    sets: Sequence[EvaluationSet]
    _whole: dict[str, tuple[int, int]] = field(default_factory=dict)
    _tables: dict[int, tuple[U64, NDArray[np.int64]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        pieces: dict[int, tuple[list[U64], list[NDArray[np.int64]]]] = {}
        flat = [(s, n, text) for s, one in enumerate(self.sets) for n, text in enumerate(one.items) if text]
        for s, n, text in flat:
            self._whole.setdefault(text, (s, n))
        if not flat:
            return
        hashes, starts = word_hashes([text for _, _, text in flat])
        lengths = np.diff(starts)
        for size in (*range(LEAST, SHORT), SHORT, LONG):
            grams, owner = word_grams(hashes, starts, size)
            wanted = lengths[owner] == size if size < SHORT else np.ones(len(owner), dtype=bool)
            pieces[size] = ([grams[wanted]], [owner[wanted]])
        self._flat = flat
        for size, (all_grams, owners) in pieces.items():
            grams, first = np.unique(np.concatenate(all_grams), return_index=True)
            if len(grams):
                self._tables[size] = (grams, np.concatenate(owners)[first])

    _flat: list[tuple[int, int, str]] = field(default_factory=list)

    def overlaps(self, texts: Sequence[str]) -> list[Overlap | None]:
        """Return for each text the overlap with the longest run of words, or None."""
        out: list[Overlap | None] = [None] * len(texts)
        if not self._flat or not texts:
            return out
        plain = [words_only(text) for text in texts]
        for number, text in enumerate(plain):
            if text in self._whole:
                s, n = self._whole[text]
                out[number] = Overlap(self.sets[s].name, n, text.count(" ") + 1)
        hashes, starts = word_hashes(plain)
        for size, (table, owners) in sorted(self._tables.items()):
            grams, text_of = word_grams(hashes, starts, size)
            at = np.minimum(np.searchsorted(table, grams), len(table) - 1)
            hit = np.flatnonzero(table[at] == grams)
            numbers, first = np.unique(text_of[hit], return_index=True)
            for number, k in zip(numbers.tolist(), hit[first].tolist(), strict=True):
                s, n, _ = self._flat[int(owners[at[k]])]
                before = out[number]
                if before is None or before.words < size:
                    out[number] = Overlap(self.sets[s].name, n, size)
        return out


def load_sets(evaluations: Iterable[Evaluation]) -> list[EvaluationSet]:
    """Read the named sets. One that cannot be read is returned without items and with the reason."""
    from agents.instructions import load_instructions

    out = []
    for one in evaluations:
        if not one.path:
            out.append(EvaluationSet(name=one.name, version=one.version, why_not="no file was named"))
            continue
        try:
            texts = [words_only(item.text) for item in load_instructions(Path(one.path))]
        except UserError as error:
            why = "its file was not found" if not Path(one.path).exists() else f"its file cannot be read ({error.why})"
            out.append(EvaluationSet(name=one.name, version=one.version, why_not=why))
            continue
        out.append(EvaluationSet(name=one.name, version=one.version, items=tuple(texts)))
    return out
