"""Who is heard: citizens elect witnesses, hear them open and may replace them; witnesses answer each other.

Citizens name the witness they most want to hear, as a distribution over all who are offered, and approve of those whom
they name more often than chance would. A committee rule then gives every large enough part of the panel a witness.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from agents.requests import Script
from societies.assembly.clerk import Clerk, distribution, first
from societies.assembly.hall import Hall, Testimony
from societies.assembly.phases.testimony import speak
from societies.assembly.records import Witness
from societies.assembly.rules.committees import Committee, method_of_equal_shares, pav, phragmen
from societies.assembly.rules.profile import BoolArray

YES_NO = ("yes", "no")
SLACK = 1e-9
ELECT: dict[str, Callable[[BoolArray, int], Committee]] = {
    "phragmen": phragmen,
    "equal_shares": method_of_equal_shares,
    "pav": pav,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Election:
    """Who was elected from the witnesses offered. approvals: bool [citizen, witness]; shares: mean probability of each.

    elected: positions among the offered, in the order of election.
    """

    approvals: BoolArray
    shares: np.ndarray
    elected: tuple[int, ...]


def called_by(clerk: Clerk) -> tuple[tuple[Witness, ...], tuple[Witness, ...]]:
    """Return whom the organisers call in this arm and whom they hold in reserve.

    Nobody without evidence or witnesses, and only one side where it is slanted.
    """
    if clerk.arm in ("no_evidence", "no_witnesses") or not clerk.config.num_questions:
        return (), ()
    lists = clerk.question.witnesses, clerk.question.reserve
    if clerk.arm != "slanted":
        return lists
    own = [tuple(one for one in witnesses if one.stance == "for") for witnesses in lists]
    return own[0], own[1]


def summon(clerk: Clerk, hall: Hall) -> Script[None]:
    """Decide who is heard, by the organisers' list or the citizens' vote, and let citizens replace whom they like."""
    called, reserve = called_by(clerk)
    offered, num = (*called, *reserve), clerk.config.num_witnesses
    election: Election | None = None
    if num and len(offered) > num:
        election = yield from _elect(clerk, hall, offered, num)
        hall.bench = [offered[k] for k in election.elected]
    else:
        hall.bench = list(offered if num else called)
    hall.spare = [one for one in offered if one not in hall.bench]
    kept: dict[str, float] = {}
    sent_away: list[Witness] = []
    if clerk.config.replace_witnesses and hall.bench:
        kept, sent_away = yield from _open(clerk, hall, offered, election)
    for k, one in enumerate(offered):
        elected = election is not None and k in election.elected
        yield clerk.event(
            "witnesses",
            witness=one.name,
            role=one.role,
            stance=one.stance,
            status=_status(one, hall, sent_away, seated=elected or (election is None and one.name in kept)),
            approvals=int(election.approvals[:, k].sum()) if election else 0,
            share=float(election.shares[k]) if election else float("nan"),
            place=election.elected.index(k) + 1 if election and elected else 0,
            keep=kept.get(one.name, float("nan")),
        )


def _status(one: Witness, hall: Hall, sent_away: Sequence[Witness], *, seated: bool) -> str:
    if one in sent_away:
        return "sent away"
    if one not in hall.bench:
        return "not called"
    return "called in" if sent_away and not seated else "heard"


def _elect(clerk: Clerk, hall: Hall, offered: Sequence[Witness], num: int) -> Script[Election]:
    names = tuple(f"{one.name} ({one.role}, {one.stance})" for one in offered)
    found = yield from clerk.weigh([clerk.poll(citizen, "pick_witness.v1", names) for citizen in hall.citizens])
    wanted = np.array([distribution(scores) for scores in found])
    approvals = wanted >= 1 / len(offered) - SLACK
    for citizen, scores, row in zip(hall.citizens, found, wanted, strict=True):
        for one, share in zip(offered, row, strict=True):
            yield clerk.event(
                "ballots",
                citizen=citizen.citizen_id,
                vote="witnesses",
                kind="witness",
                item=one.name,
                value=float(share),
                dist=[],
                weight=citizen.weight,
                identity=scores.identity,
            )
    elected = ELECT[clerk.config.witness_rule](approvals, num).order
    return Election(approvals=approvals, shares=wanted.mean(axis=0), elected=elected)


def _open(
    clerk: Clerk, hall: Hall, offered: Sequence[Witness], election: Election | None
) -> Script[tuple[dict[str, float], list[Witness]]]:
    """Hear everybody open, and let each whom fewer than half want to keep be replaced while anybody is left."""
    yield from speak(clerk, hall, "opening", [(f"O{k}", one, None) for k, one in enumerate(hall.bench)])
    openings = {one.name: one.text for one in hall.testimony}
    heard = [one for one in hall.bench if one.name in openings]
    cells = [(one, citizen) for one in heard for citizen in hall.citizens]
    found = yield from clerk.weigh(
        [
            clerk.poll(citizen, "keep_witness.v1", YES_NO, witness=one.name, role=one.role, speech=openings[one.name])
            for one, citizen in cells
        ]
    )
    for_: dict[str, list[float]] = {}
    for (one, citizen), scores in zip(cells, found, strict=True):
        for_.setdefault(one.name, []).append(first(scores))
        yield clerk.event(
            "ballots",
            citizen=citizen.citizen_id,
            vote="keep",
            kind="witness",
            item=one.name,
            value=first(scores),
            dist=distribution(scores),
            weight=citizen.weight,
            identity=scores.identity,
        )
    keep = {name: float(np.mean([p >= 0.5 for p in ps])) for name, ps in for_.items()}
    unwanted = [one for one in heard if keep[one.name] < 0.5][: len(hall.spare)]
    if not unwanted:
        return keep, []
    stay = [one for one in hall.bench if one not in unwanted]
    new = instead(offered, stay, hall.spare, len(unwanted), None if election is None else election.approvals)
    yield from speak(clerk, hall, "opening", [(f"O{len(hall.bench) + k}", one, None) for k, one in enumerate(new)])
    hall.spare = [one for one in hall.spare if one not in new]
    hall.bench = [*stay, *new]
    return keep, unwanted


def instead(
    offered: Sequence[Witness],
    stay: Sequence[Witness],
    spare: Sequence[Witness],
    num: int,
    approvals: BoolArray | None,
) -> list[Witness]:
    """Return who is called in: by Phragmen's rule, where whoever has a witness who stays carries their load already.

    approvals: bool [citizen, offered]; None where nobody voted, and then the reserve's own order decides.
    """
    if approvals is None:
        return list(spare[:num])
    loads = np.zeros(len(approvals))
    for one in stay:
        supporters = approvals[:, offered.index(one)]
        if supporters.any():
            loads = np.where(supporters, (1 + loads[supporters].sum()) / supporters.sum(), loads)
    columns = [offered.index(one) for one in spare]
    return [spare[k] for k in phragmen(approvals[:, columns], num, loads=loads).order]


def cross_examine(clerk: Clerk, hall: Hall, witness: Witness, answers: Sequence[Testimony]) -> Script[None]:
    """Have every answer of a witness answered by another: of another stance if there is one, else the next."""
    k = hall.bench.index(witness)
    others = [*hall.bench[k + 1 :], *hall.bench[:k]]
    if clerk.config.cross_examination and others and answers:
        other = next((one for one in others if one.stance != witness.stance), others[0])
        yield from speak(clerk, hall, "reply", [(f"R{one.answer_id[1:]}", other, one) for one in answers])
