"""Whether both sides of a question were heard: evidence cited, witnesses' words, and who had the floor. Pure.

Counting has no opinion on who is right. It says only that one side of the question had less of the hearing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Side = Literal["for", "against", "neutral"]
SIDES: tuple[Side, Side] = ("for", "against")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Something that was said. by: who said it. side: the speaker's. cites: the sides of the evidence named in it."""

    by: Literal["witness", "citizen"]
    side: str
    num_words: int
    cites: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What was heard of either side, for and against. cited: times evidence of a side was named, by anybody.

    words: spoken by witnesses of a side. talk: spoken by citizens who lean to a side; how many citizens lean to it is
    the panel's, not the hearing's, so the guardian does not act on it. under: the side that was heard too little.
    """

    cited: tuple[int, int]
    words: tuple[int, int]
    talk: tuple[int, int]
    under: str


def balance(heard: Iterable[Heard], *, least: float) -> Balance:
    """Return the balance of what was heard. least: share, 0 to 1/2, that either side must have of it.

    A side is under-heard when its share of the evidence cited, or of the words of witnesses, is below `least`; where
    both sides are, by one measure each, the smaller share counts. Citations are few, so each side starts with one
    (Laplace): a single citation says little.

    >>> balance([Heard(by="witness", side="for", num_words=30)], least=0.4).under
    'against'
    >>> balance([], least=0.4).under
    ''
    """
    pieces = tuple(heard)
    cited = _sums((side, 1) for one in pieces for side in one.cites)
    words = _sums((one.side, one.num_words) for one in pieces if one.by == "witness")
    talk = _sums((one.side, one.num_words) for one in pieces if one.by == "citizen")
    shares = [(_share(cited, k, start=1), k) for k in (0, 1)] + [(_share(words, k, start=0), k) for k in (0, 1)]
    smallest, side = min(shares)
    return Balance(cited=cited, words=words, talk=talk, under=SIDES[side] if smallest < least else "")


def _sums(amounts: Iterable[tuple[str, int]]) -> tuple[int, int]:
    found = {"for": 0, "against": 0}
    for side, amount in amounts:
        if side in found:
            found[side] += amount
    return found["for"], found["against"]


def _share(amounts: tuple[int, int], k: int, *, start: int) -> float:
    total = sum(amounts) + 2 * start
    return (amounts[k] + start) / total if total else 0.5
