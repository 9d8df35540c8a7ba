"""The guardian of balance: counts what was heard of either side, and calls a witness of a side that had too little."""

from __future__ import annotations

from collections.abc import Mapping

from agents.requests import Script
from societies.assembly.balance import Balance, Heard, balance
from societies.assembly.clerk import Clerk
from societies.assembly.hall import Hall
from societies.assembly.phases.survey import survey_before
from societies.assembly.phases.testimony import speak
from societies.assembly.records import Witness

ADVISERS = {"advise for": "for", "advise against": "against"}
"""Tasks at a table that give a side, whatever the speaker leans to."""


def guard(clerk: Clerk, hall: Hall, moment: str, *, call: bool) -> Script[None]:
    """Count what was heard of either side, write it down, and call a witness of the side that was heard too little.

    call: whether anybody would still hear the witness.
    """
    if not clerk.config.guardian or clerk.arm in ("no_evidence", "no_witnesses"):
        return
    found = heard_so_far(clerk, hall, least=clerk.config.guardian)
    answer_id = f"G{sum(one.answer_id.startswith('G') for one in hall.testimony)}"
    witness = _of_side(hall, found.under) if call and found.under else None
    if witness is not None:
        yield from speak(clerk, hall, "call", [(answer_id, witness, None)])
        hall.spare = [one for one in hall.spare if one is not witness]
    sides = [_lean(one.levels, moment) for one in hall.citizens]
    yield clerk.event(
        "balances",
        moment=moment,
        cited_for=found.cited[0],
        cited_against=found.cited[1],
        words_for=found.words[0],
        words_against=found.words[1],
        talk_for=found.talk[0],
        talk_against=found.talk[1],
        citizens_for=sides.count("for"),
        citizens_against=sides.count("against"),
        under=found.under,
        called="" if witness is None else witness.name,
    )


def heard_so_far(clerk: Clerk, hall: Hall, *, least: float) -> Balance:
    """Return the balance of all testimony and all speeches up to now."""
    stances = {one.evidence_id: one.stance for one in clerk.evidence}
    levels = {one.citizen_id: one.levels for one in hall.citizens}
    witnesses = [
        Heard(
            by="witness",
            side=one.stance,
            num_words=len(one.text.split()),
            cites=tuple(stances[cited] for cited in one.cites),
        )
        for one in hall.testimony
    ]
    citizens = [
        Heard(
            by="citizen",
            side=ADVISERS.get(turn.task) or _lean(levels[turn.speaker], survey_before(turn.round_)),
            num_words=len(turn.text.split()),
            cites=tuple(stances[cited] for cited in turn.cites),
        )
        for turn in hall.turns.values()
    ]
    return balance([*witnesses, *citizens], least=least)


def _lean(levels: Mapping[str, float], survey: str) -> str:
    t = survey if f"{survey}/affirming" in levels else "before"
    gap = levels[f"{t}/affirming"] - levels[f"{t}/negating"]
    return "for" if gap > 0 else "against" if gap < 0 else "neutral"


def _of_side(hall: Hall, side: str) -> Witness | None:
    """Return a witness of a side whom nobody has called yet, else the one of those heard who has said least."""
    said = {one.name: 0 for one in hall.bench}
    for one in hall.testimony:
        said[one.name] = said.get(one.name, 0) + len(one.text.split())
    fresh = [one for one in hall.spare if one.stance == side]
    again = sorted((one for one in hall.bench if one.stance == side), key=lambda one: said[one.name])
    return next(iter([*fresh, *again]), None)
