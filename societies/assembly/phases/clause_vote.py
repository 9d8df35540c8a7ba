"""Votes on texts of the constitution: yes, no or abstain by everybody, with quorum and supermajority."""

from __future__ import annotations

from collections.abc import Sequence

from agents.requests import Score, Script
from societies.assembly.clauses import CHOICES, ClauseVote
from societies.assembly.clerk import Clerk, distribution
from societies.assembly.hall import Hall
from societies.assembly.records import Statement


def vote_on_clauses(clerk: Clerk, hall: Hall) -> Script[None]:
    """Vote on each clause of the winner as it stands."""
    cells = [
        [
            clerk.poll(c, "clause_vote.v2", CHOICES, clause=one.text, opinion=c.opinion, briefing=[])
            for c in hall.citizens
        ]
        for one in hall.clauses
    ]
    hall.votes = yield from cast(clerk, hall, hall.clauses, cells)


def passes(clerk: Clerk, vote: ClauseVote) -> bool:
    """Return whether a vote reached the assembly's quorum and supermajority."""
    return vote.passes(supermajority=clerk.config.supermajority, quorum=clerk.config.quorum)


def cast(
    clerk: Clerk,
    hall: Hall,
    texts: Sequence[Statement],
    asked: Sequence[Sequence[Score]],
    *,
    items: Sequence[str] = (),
    vote: str = "clauses",
) -> Script[list[ClauseVote]]:
    """Ask everybody about every text and write the ballots. asked: [text][citizen].

    items: what the ballots call the texts, if not by their ids. vote: the vote that they belong to.
    """
    found = yield from clerk.weigh([one for row in asked for one in row])
    answers, votes = iter(found), []
    for text, item in zip(texts, items or [one.statement_id for one in texts], strict=True):
        choices, p_yes = [], []
        for citizen in hall.citizens:
            scores = next(answers)
            shares = distribution(scores)
            choices.append(CHOICES[max(range(3), key=lambda k: (shares[k], -k))])
            p_yes.append(shares[0])
            yield clerk.event(
                "ballots",
                citizen=citizen.citizen_id,
                vote=vote,
                kind=choices[-1],
                item=item,
                value=shares[0],
                dist=shares,
                weight=citizen.weight,
                identity=scores.identity,
            )
        votes.append(ClauseVote(clause=text, choices=tuple(choices), p_yes=tuple(p_yes)))
    return votes
