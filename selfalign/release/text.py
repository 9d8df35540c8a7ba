"""Text as numbers: normal forms, n-gram hashes in whole arrays, and the control tokens of chat templates."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

U64 = NDArray[np.uint64]

CONTROL = re.compile(
    r"<\|[^<>|\n]{0,64}\|>|</?s>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>", re.IGNORECASE
)
"""Marks that a chat template would read as the end of a turn or the beginning of another."""
_WORD = re.compile(r"\w+")
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 1 << 64))


def same_text(text: str) -> str:
    """Return the form in which texts count as equal: Unicode NFC, case folded, white space single."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def words_only(text: str) -> str:
    """Return the case-folded words of a text with single blanks between: the form in which overlap is counted."""
    return " ".join(_WORD.findall(unicodedata.normalize("NFC", text).casefold()))


def words_in(text: str) -> set[str]:
    """Return the words of a text as `words_only` writes them, each once."""
    return set(_WORD.findall(unicodedata.normalize("NFC", text).casefold()))


def without_control(text: str) -> tuple[str, int]:
    """Return text whose control tokens are written out harmlessly, and how many there were. Idempotent."""
    if "<" not in text and "[" not in text:
        return text, 0
    return CONTROL.subn(lambda m: "(" + re.sub(r"[<>|\[\]/]", "", m.group()) + ")", text)


def mix(values: U64) -> U64:
    """Return a bijective scrambling of 64-bit numbers (finaliser of SplitMix64, Steele et al. 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def codepoints(texts: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Return all code points in a row, and where each text begins; one longer than texts, the end last."""
    sizes = np.fromiter((len(text) for text in texts), dtype=np.int64, count=len(texts))
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
    joined = "".join(texts).encode("utf-32-le", errors="surrogatepass")
    return np.frombuffer(joined, dtype=np.uint32), starts


def letter_grams(texts: Sequence[str], n: int) -> tuple[U64, NDArray[np.int64]]:
    """Return the hashes of all n-grams of code points, and where each text's begin (one longer than texts).

    A text shorter than n is filled up with zeros, so that every text has at least one gram.
    """
    codes, starts = codepoints([text if len(text) >= n else text.ljust(n, "\0") for text in texts])
    num = len(codes) - n + 1
    if num <= 0:
        return np.empty(0, dtype=np.uint64), np.zeros(len(texts) + 1, dtype=np.int64)
    grams = np.zeros(num, dtype=np.uint64)
    for k in range(n):
        grams *= _MULTIPLIER
        grams += codes[k : k + num]
    inside = np.ones(num, dtype=bool)
    for k in range(1, n):  # a gram that begins k before the next text would cross into it
        at = starts[1:-1] - k
        inside[at[at >= 0]] = False
    return mix(grams[inside]), starts - np.arange(len(starts)) * (n - 1)


def word_hashes(texts: Sequence[str]) -> tuple[U64, NDArray[np.int64]]:
    """Return a hash a word of texts in the form of `words_only`, and where each text's words begin.

    A word's hash is a polynomial over its code points, found from prefix sums modulo 2^64: all words at one go.
    """
    codes, starts = codepoints([f"{text} " for text in texts])
    blank = codes == 32
    powers = np.concatenate([np.ones(1, dtype=np.uint64), np.full(len(codes), _MULTIPLIER, dtype=np.uint64)]).cumprod()
    letters = np.where(blank, np.uint64(0), mix(codes.astype(np.uint64)))
    prefix = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(letters * powers[:-1], dtype=np.uint64)])
    ends = np.flatnonzero(blank)
    begins = np.concatenate([np.zeros(1, dtype=np.int64), ends[:-1] + 1]) if len(ends) else ends
    shift = np.concatenate([np.ones(1, dtype=np.uint64), np.full(len(codes), _INVERSE, dtype=np.uint64)]).cumprod()
    hashes = mix((prefix[ends] - prefix[begins]) * shift[begins])
    return hashes, np.searchsorted(ends, starts).astype(np.int64)


def word_grams(hashes: U64, starts: NDArray[np.int64], n: int) -> tuple[U64, NDArray[np.int64]]:
    """Return the hashes of all n-grams of words, and the number of the text that each is in."""
    num = len(hashes) - n + 1
    if num <= 0:
        return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
    grams = np.zeros(num, dtype=np.uint64)
    for k in range(n):
        grams *= _MULTIPLIER
        grams += hashes[k : k + num]
    owner = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    inside = owner[:num] == owner[n - 1 : n - 1 + num]
    return mix(grams[inside]), owner[:num][inside]
