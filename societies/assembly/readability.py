"""How hard a text is to read: Flesch's reading ease and the Flesch-Kincaid grade, by a syllable count spelt out here.

Sources: Flesch 1948, A new readability yardstick, Journal of Applied Psychology 32(3), the reading ease formula;
Kincaid, Fishburne, Rogers and Chissom 1975, Research Branch Report 8-75, the grade formula. Both were fitted to English
prose of a hundred words and more: of a single clause they tell long words and long sentences, and not much else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_WORD = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)*")
_SENTENCE = re.compile(r"[.!?]+(?=\s|$)")
_VOWELS = re.compile(r"[aeiouy]+")
_SILENT = re.compile(r"(?:[^aeiouyl]e|[aeiouy]le|[^aeiouytd]ed|[^aeiouyscxzgh]es)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Readability:
    """ease: 206.835 - 1.015 words/sentence - 84.6 syllables/word; 60 to 70 is plain English, higher is easier.

    grade: 0.39 words/sentence + 11.8 syllables/word - 15.59, in years of United States schooling.
    """

    num_words: int
    num_sentences: int
    num_syllables: int
    ease: float
    grade: float


def syllables(word: str) -> int:
    """Return the syllables of an English word: runs of vowels (y is one), less a silent ending, at least one.

    Silent are a final e after a consonant (after l only behind a vowel), and the e of -ed (not after t or d) and of
    -es (not after a hiss).

    >>> [syllables(word) for word in ("bridge", "table", "whole", "asked", "wanted", "houses", "people", "quiet")]
    [1, 2, 1, 1, 2, 2, 2, 1]
    """
    low = word.lower().replace("'", "").replace("’", "")
    runs = len(_VOWELS.findall(low))
    return max(1, runs - (runs > 1 and bool(_SILENT.search(low))))


def readability(text: str) -> Readability | None:
    """Return the two scores of a text; None for one without a word. A text without an end mark is one sentence."""
    words = _WORD.findall(text)
    if not words:
        return None
    num_sentences = max(1, sum(bool(_WORD.search(part)) for part in _SENTENCE.split(text)))
    num_syllables = sum(map(syllables, words))
    long, heavy = len(words) / num_sentences, num_syllables / len(words)
    return Readability(
        num_words=len(words),
        num_sentences=num_sentences,
        num_syllables=num_syllables,
        ease=206.835 - 1.015 * long - 84.6 * heavy,
        grade=0.39 * long + 11.8 * heavy - 15.59,
    )
