"""Near duplicates at scale: MinHash signatures, locality-sensitive hashing, and exact Jaccard on what it finds.

Two rows are near duplicates when the Jaccard similarity of the 5-gram sets of their answers is at least the
threshold, that of their prompts at least a half, and that of both together at least the threshold. Prompts and answers
are kept apart, so many answers to one prompt are wanted, and one refusal of many requests is not taken for one row.
Sources: Broder 1997, On the resemblance and containment of documents; Leskovec, Rajaraman and Ullman, Mining of
Massive Datasets, section 3.4 (bands).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfalign.release.text import U64, letter_grams, mix, same_text

NGRAM, NUM_PERMUTATIONS, BANDS, ROWS, LAGS = 5, 128, 32, 4, 8
PROMPT_THRESHOLD = 0.5
_SALT = np.uint64(0xD6E8FEB86659FD93)
_BLOCK = 64


@dataclass(frozen=True, slots=True)
class Document:
    """What is compared: a row's prompt, and its answers."""

    prompt: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Signed:
    """MinHash signatures of documents, part by part: of each its prompt, then its answers.

    parts: uint32, shape (num_parts, 128). starts: where each document's parts begin, one longer than documents.
    """

    parts: NDArray[np.uint32]
    starts: NDArray[np.int64]

    def whole(self) -> NDArray[np.uint32]:
        """Return one signature a document. The least hash of a union is the least of its parts' least hashes."""
        return np.minimum.reduceat(self.parts, self.starts[:-1], axis=0) if len(self.starts) > 1 else self.parts

    def singles(self) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """Return a signature a single answer with its prompt, and the number of the document that it is in."""
        owner = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
        is_answer = np.ones(len(self.parts), dtype=bool)
        is_answer[self.starts[:-1]] = False
        prompts = self.parts[self.starts[:-1]]
        return np.minimum(self.parts[is_answer], prompts[owner[is_answer]]), owner[is_answer]

    def take(self, numbers: NDArray[np.int64]) -> Signed:
        """Return the signatures of some documents, in this order."""
        sizes = np.diff(self.starts)[numbers]
        starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
        at = np.repeat(self.starts[:-1][numbers] - starts[:-1], sizes) + np.arange(starts[-1])
        return Signed(self.parts[at], starts)


def sign(documents: Sequence[Document], seed: int = 0) -> Signed:
    """Return the MinHash signatures of documents.

    The share of equal positions of two signatures estimates the Jaccard similarity of the two sets of 5-grams (of code
    points, those of prompts and of answers told apart) with a standard error of at most 0.045.
    """
    rng = np.random.default_rng(seed)
    factors = rng.integers(0, 1 << 32, NUM_PERMUTATIONS, dtype=np.uint32) | np.uint32(1)
    offsets = rng.integers(0, 1 << 32, NUM_PERMUTATIONS, dtype=np.uint32)
    sizes = np.array([1 + len(document.answers) for document in documents], dtype=np.int64)
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
    out = np.empty((int(starts[-1]), NUM_PERMUTATIONS), dtype=np.uint32)
    for first in range(0, len(documents), _BLOCK):
        block = documents[first : first + _BLOCK]
        grams, begins = _grams(block)
        short = (grams >> np.uint64(32)).astype(np.uint32)
        scratch = np.empty_like(short)
        rows = out[starts[first] : starts[first + len(block)]]
        for k in range(NUM_PERMUTATIONS):
            np.multiply(short, factors[k], out=scratch)
            np.add(scratch, offsets[k], out=scratch)
            rows[:, k] = np.minimum.reduceat(scratch, begins[:-1])
    return Signed(out, starts)


def _grams(documents: Sequence[Document]) -> tuple[U64, NDArray[np.int64]]:
    """Return gram hashes of prompt, answers, prompt, answers ...; those of prompts are salted."""
    texts = [same_text(text) for document in documents for text in (document.prompt, *document.answers)]
    is_prompt = [number == 0 for document in documents for number in range(1 + len(document.answers))]
    grams, begins = letter_grams(texts, NGRAM)
    grams[np.repeat(is_prompt, np.diff(begins))] ^= _SALT
    return grams, begins


def candidate_pairs(signature: NDArray[np.uint32], lags: int = LAGS) -> NDArray[np.int64]:
    """Return pairs (i < j) that agree in all four rows of at least one of 32 bands, shape (num_pairs, 2).

    Members of a bucket are sorted by the band that follows and compared with the `lags` before them, so a bucket of m
    gives at most lags * m pairs, and all of them while m is at most lags + 1.
    """
    num = len(signature)
    found: list[NDArray[np.int64]] = []
    keys = [_band(signature, band) for band in range(BANDS)]
    for band in range(BANDS):
        order = np.lexsort((keys[(band + 1) % BANDS], keys[band]))
        ordered = keys[band][order]
        for lag in range(1, min(lags, num - 1) + 1):
            same = np.flatnonzero(ordered[lag:] == ordered[:-lag])
            if not len(same):
                break
            left, right = order[same], order[same + lag]
            found.append(np.minimum(left, right) * num + np.maximum(left, right))
    codes = np.unique(np.concatenate(found)) if found else np.empty(0, dtype=np.int64)
    return np.stack([codes // num, codes % num], axis=1) if num else np.empty((0, 2), dtype=np.int64)


def _band(signature: NDArray[np.uint32], band: int) -> U64:
    key = np.full(len(signature), np.uint64(band), dtype=np.uint64)
    for column in range(band * ROWS, (band + 1) * ROWS):
        key = mix(key ^ signature[:, column].astype(np.uint64))
    return key


def likely(signature: NDArray[np.uint32], pairs: NDArray[np.int64], least: float) -> NDArray[np.int64]:
    """Return the pairs whose estimated similarity is at least `least`."""
    keep = np.zeros(len(pairs), dtype=bool)
    for start in range(0, len(pairs), 50_000):
        some = pairs[start : start + 50_000]
        equal = (signature[some[:, 0]] == signature[some[:, 1]]).mean(axis=1)
        keep[start : start + 50_000] = equal >= least
    out: NDArray[np.int64] = pairs[keep]
    return out


class Sets:
    """The gram sets of documents, made when they are first asked for."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._documents = documents
        self._known: dict[int, tuple[U64, U64]] = {}

    def __getitem__(self, number: int) -> tuple[U64, U64]:
        """Return the sets of (prompt, answers) of one document."""
        if number not in self._known:
            grams, begins = _grams([self._documents[number]])
            self._known[number] = (np.unique(grams[: begins[1]]), np.unique(grams[begins[1] :]))
        return self._known[number]

    def similarity(self, i: int, j: int) -> tuple[float, float, float]:
        """Return the exact Jaccard similarity of prompts, of answers, and of both together."""
        (p, a), (q, b) = self[i], self[j]
        common_p, common_a = (len(np.intersect1d(x, y, assume_unique=True)) for x, y in ((p, q), (a, b)))
        all_p, all_a = len(p) + len(q) - common_p, len(a) + len(b) - common_a
        return common_p / all_p, common_a / max(1, all_a), (common_p + common_a) / (all_p + all_a)

    def alike(self, i: int, j: int, threshold: float) -> bool:
        """Tell whether two documents are near duplicates (see the module's text)."""
        prompts, answers, both = self.similarity(i, j)
        return prompts >= PROMPT_THRESHOLD and answers >= threshold and both >= threshold


def near_pairs(
    documents: Sequence[Document], threshold: float, signature: NDArray[np.uint32], lags: int = LAGS
) -> list[tuple[int, int]]:
    """Return all found pairs (i < j) of near duplicates, each confirmed by its exact similarity, in order."""
    pairs = likely(signature, candidate_pairs(signature, lags), threshold - 0.12)  # three standard errors below
    sets = Sets(documents)
    return [(i, j) for i, j in pairs.tolist() if sets.alike(i, j, threshold)]


def leaders(pairs: Iterable[tuple[int, int]], order: Sequence[int]) -> dict[int, int]:
    """Return removed -> kept. A row goes when a row that is kept, and comes before it in `order`, is like it.

    So every removed row is a near duplicate of a kept one, and no chain of small changes removes what differs much.
    """
    beside: dict[int, list[int]] = {}
    for i, j in pairs:
        beside.setdefault(i, []).append(j)
        beside.setdefault(j, []).append(i)
    rank = {number: place for place, number in enumerate(order)}
    removed: dict[int, int] = {}
    for number in sorted(beside, key=rank.__getitem__):
        earlier = [k for k in beside[number] if rank[k] < rank[number] and k not in removed]
        if earlier:
            removed[number] = min(earlier, key=rank.__getitem__)
    return removed
