"""What people said about values: cards, and judgements whether one card is wiser than another in a context.

A card names what somebody attends to when living by a value. A judgement is about an upgrade from one card to another.
Source: Klingefjord, Lowe and Edelman 2024, What are human values, and how do we align AI to them?, arXiv 2404.10636.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

Verdict = Literal["upgrade", "no_upgrade", "unsure"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A value. policies: what is attended to, a plural noun phrase with a qualifier each."""

    id: str
    title: str
    policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One participant on one step: is `target` wiser than `source` in this context? participant: "" when unknown."""

    source: str
    target: str
    context: str
    verdict: Verdict
    participant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ballot:
    """A participant voted for a card as wise."""

    participant: str
    card: str


def check_judgements(judgements: Iterable[Judgement]) -> tuple[Judgement, ...]:
    """Return the judgements, or raise ValueError for an unknown verdict or a card that is judged against itself."""
    checked = tuple(judgements)
    for judgement in checked:
        if judgement.verdict not in VERDICTS:
            raise ValueError(f'"{judgement.verdict}" is no verdict: {", ".join(VERDICTS)}')
        if judgement.source == judgement.target:
            raise ValueError(f'card "{judgement.source}" is judged against itself')
    return checked


def latest(judgements: Iterable[Judgement]) -> tuple[Judgement, ...]:
    """Return the judgements with only the last one of a known participant on the same step and context."""
    kept: dict[object, Judgement] = {}
    for number, judgement in enumerate(judgements):
        key = (judgement.participant, judgement.source, judgement.target, judgement.context)
        place: object = key if judgement.participant else number
        kept.pop(place, None)
        kept[place] = judgement
    return tuple(kept.values())


def merged(
    cards: Sequence[Card], judgements: Sequence[Judgement], same: Mapping[str, str]
) -> tuple[tuple[Card, ...], tuple[Judgement, ...]]:
    """Return cards and judgements after duplicates have become one card: `same` maps a card to the one it repeats.

    Chains are followed. Judgements between cards that became one are dropped. Doing it twice changes nothing more.
    Raises ValueError when cards repeat each other in a circle.
    """
    names = {card.id: _canonical(card.id, same) for card in cards}
    names |= {name: _canonical(name, same) for j in judgements for name in (j.source, j.target)}
    kept = tuple(card for card in cards if names[card.id] == card.id)
    moved = (replace(j, source=names[j.source], target=names[j.target]) for j in judgements)
    return kept, tuple(judgement for judgement in moved if judgement.source != judgement.target)


def _canonical(name: str, same: Mapping[str, str]) -> str:
    passed = {name}
    while name in same and same[name] != name:
        name = same[name]
        if name in passed:
            raise ValueError(f'card "{name}" repeats itself in a circle')
        passed.add(name)
    return name
