"""Bridging values: cards that people of different camps reach from different starting points.

A card bridges when a voter of one camp, who had voted for A, judged A to this card an upgrade, and a voter of another
camp did so from another card B.
Source: Klingefjord et al. 2024, arXiv 2404.10636, on values that bridge political camps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from societies.assembly.moralgraph.records import Ballot, Judgement


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """reached: camp -> the cards its people came from, sorted. num_people: how many different people came."""

    card: str
    reached: tuple[tuple[str, tuple[str, ...]], ...]
    num_people: int


def bridging_values(
    judgements: Iterable[Judgement], camps: Mapping[str, str], ballots: Iterable[Ballot] | None = None
) -> tuple[Bridge, ...]:
    """Return the bridging cards, those reached by most people first.

    camps: participant -> camp; people without one are left out. ballots: who voted for what; with None nobody needs to
    have voted for the card they came from, which is a weaker claim: say so where it is shown.
    """
    voted = None if ballots is None else {(ballot.participant, ballot.card) for ballot in ballots}
    reached: dict[str, dict[str, set[str]]] = {}
    people: dict[str, set[str]] = {}
    for judgement in judgements:
        camp = camps.get(judgement.participant)
        own = voted is None or (judgement.participant, judgement.source) in voted
        if judgement.verdict == "upgrade" and camp is not None and own:
            reached.setdefault(judgement.target, {}).setdefault(camp, set()).add(judgement.source)
            people.setdefault(judgement.target, set()).add(judgement.participant)
    found = [
        Bridge(
            card=card,
            reached=tuple((camp, tuple(sorted(sources))) for camp, sources in sorted(by_camp.items())),
            num_people=len(people[card]),
        )
        for card, by_camp in reached.items()
        if _bridges(by_camp)
    ]
    return tuple(sorted(found, key=lambda bridge: (-bridge.num_people, bridge.card)))


def _bridges(by_camp: Mapping[str, set[str]]) -> bool:
    """Return whether two camps came from two different cards: not all from the very same one."""
    return len(by_camp) > 1 and len(set().union(*by_camp.values())) > 1
