"""From the winning statement to a published text: clauses, votes with quorum and supermajority, amendments, dissent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from agents.requests import Script
from societies.assembly import parsing
from societies.assembly.clerk import Clerk, distribution
from societies.assembly.hall import Hall
from societies.assembly.phases.caucus import statement_event
from societies.assembly.records import Citizen, Statement

CHOICES = ("yes", "no", "abstain")
Choice = Literal["yes", "no", "abstain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseVote:
    """Everybody's answer on one clause. p_yes: probability of yes, one a citizen."""

    clause: Statement
    choices: tuple[str, ...]
    p_yes: tuple[float, ...]

    @property
    def counts(self) -> Counter[str]:
        """Votes by choice."""
        return Counter(self.choices)

    @property
    def support(self) -> float:
        """Share of yes among yes and no; 0 where nobody said either."""
        said = self.counts["yes"] + self.counts["no"]
        return self.counts["yes"] / said if said else 0.0

    def passes(self, *, supermajority: float, quorum: float) -> bool:
        """Return whether enough voted, and enough of those said yes."""
        said = self.counts["yes"] + self.counts["no"]
        return said >= quorum * len(self.choices) and said > 0 and self.support >= supermajority

    def min_group(self, groups: list[str]) -> float:
        """Return the least share of yes among any group's yes and no; 1 where no group said either."""
        shares = []
        for group in sorted(set(groups)):
            own = [choice for choice, name in zip(self.choices, groups, strict=True) if name == group]
            said = own.count("yes") + own.count("no")
            if said:
                shares.append(own.count("yes") / said)
        return min(shares, default=1.0)


def publish(clerk: Clerk, hall: Hall) -> Script[None]:
    """Vote on the winner clause by clause; a clause that fails may be amended once; minorities write their reports."""
    winner = hall.winner
    originals = [
        Statement(
            statement_id=f"K{k}",
            text=text,
            author=winner.author,
            kind="clause",
            parents=(winner.statement_id,),
            identity=winner.identity,
        )
        for k, text in enumerate(parsing.clauses(winner.text, clerk.config.num_clauses), start=1)
    ]
    hall.num_clauses = len(originals)
    for one in originals:
        yield statement_event(clerk, one)
    votes = yield from _vote_all(clerk, hall, originals)
    failed = [vote for vote in votes if not _passes(clerk, vote)]
    amended = yield from _amend(clerk, hall, failed)
    second_votes = yield from _vote_all(clerk, hall, [one for one, _ in amended])
    for vote in votes:
        if _passes(clerk, vote):
            hall.adopted.append(vote.clause)
            yield _clause_event(clerk, hall, vote, "adopted")
        else:
            yield _clause_event(clerk, hall, vote, "failed")
    for vote, (_, mover) in zip(second_votes, amended, strict=True):
        seconder = _seconder(hall, vote, mover)
        status = "amendment failed"
        if seconder is None:
            status = "amendment not seconded"
        elif _passes(clerk, vote):
            status = "adopted as amended"
            hall.adopted.append(vote.clause)
        yield _clause_event(clerk, hall, vote, status, mover, seconder)
    adopted = {one.statement_id for one in hall.adopted}
    yield from _dissent(clerk, hall, [v for v in (*votes, *second_votes) if v.clause.statement_id in adopted])


def _passes(clerk: Clerk, vote: ClauseVote) -> bool:
    return vote.passes(supermajority=clerk.config.supermajority, quorum=clerk.config.quorum)


def _vote_all(clerk: Clerk, hall: Hall, clauses: list[Statement]) -> Script[list[ClauseVote]]:
    cells = [(one, citizen) for one in clauses for citizen in hall.citizens]
    found = yield from clerk.weigh(
        [
            clerk.poll(citizen, "clause_vote.v1", CHOICES, clause=one.text, opinion=citizen.opinion, briefing=[])
            for one, citizen in cells
        ]
    )
    choices: dict[str, list[str]] = {one.statement_id: [] for one in clauses}
    p_yes: dict[str, list[float]] = {one.statement_id: [] for one in clauses}
    for (one, citizen), scores in zip(cells, found, strict=True):
        shares = distribution(scores)
        choice = CHOICES[max(range(3), key=lambda k: (shares[k], -k))]
        choices[one.statement_id].append(choice)
        p_yes[one.statement_id].append(shares[0])
        yield clerk.event(
            "ballots",
            citizen=citizen.citizen_id,
            vote="clauses",
            kind=choice,
            item=one.statement_id,
            value=shares[0],
            dist=shares,
            weight=citizen.weight,
            identity=scores.identity,
        )
    return [
        ClauseVote(clause=one, choices=tuple(choices[one.statement_id]), p_yes=tuple(p_yes[one.statement_id]))
        for one in clauses
    ]


def _seconder(hall: Hall, vote: ClauseVote, mover: Citizen) -> Citizen | None:
    """Return whoever supports an amendment most, its mover apart; None where nobody else says yes."""
    order = sorted(range(len(hall.citizens)), key=lambda n: (-vote.p_yes[n], n))
    yes = [n for n in order if vote.choices[n] == "yes" and hall.citizens[n] is not mover]
    return hall.citizens[yes[0]] if yes else None


def _amend(clerk: Clerk, hall: Hall, failed: list[ClauseVote]) -> Script[list[tuple[Statement, Citizen]]]:
    """Let whoever opposed a failed clause most write it anew."""
    asked: list[tuple[ClauseVote, Citizen]] = []
    for vote in failed:
        first = min(range(len(hall.citizens)), key=lambda n: (vote.p_yes[n], n))
        asked.append((vote, hall.citizens[first]))
    answers = yield from clerk.hear_all(
        [
            (
                f"amend-{vote.clause.statement_id}",
                clerk.of(
                    mover,
                    "amend.v1",
                    max_tokens=clerk.config.max_tokens.clause,
                    one_line=True,
                    clause=vote.clause.text,
                    opinion=mover.opinion,
                ),
                parsing.sentence,
            )
            for vote, mover in asked
        ]
    )
    amended: list[tuple[Statement, Citizen]] = []
    for (vote, mover), answer in zip(asked, answers, strict=True):
        if answer.value is None or answer.value == vote.clause.text:
            yield clerk.degrade("amendment", f"none for {vote.clause.statement_id}; the clause is struck")
            continue
        one = Statement(
            statement_id=f"{vote.clause.statement_id}a",
            text=answer.value,
            author=mover.citizen_id,
            kind="amendment",
            parents=(vote.clause.statement_id, mover.opinion_id) if mover.opinion_id else (vote.clause.statement_id,),
            identity=answer.identities[-1],
        )
        amended.append((one, mover))
        yield statement_event(clerk, one, heard=mover.heard)
    return amended


def _clause_event(
    clerk: Clerk,
    hall: Hall,
    vote: ClauseVote,
    status: str,
    mover: Citizen | None = None,
    seconder: Citizen | None = None,
) -> object:
    counts = vote.counts
    return clerk.event(
        "clauses",
        clause=vote.clause.statement_id,
        text=vote.clause.text,
        status=status,
        support=vote.support,
        min_group=vote.min_group([citizen.group for citizen in hall.citizens]),
        yes=counts["yes"],
        no=counts["no"],
        abstain=counts["abstain"],
        sources=list(vote.clause.parents),
        mover=mover.citizen_id if mover else "",
        seconder=seconder.citizen_id if seconder else "",
        replaces=vote.clause.parents[0] if mover else "",
    )


def _dissent(clerk: Clerk, hall: Hall, adopted: list[ClauseVote]) -> Script[None]:
    """Give every minority that is large enough its report, written by whoever opposed the clause most."""
    entitled: list[tuple[ClauseVote, list[Citizen], float]] = []
    for vote in adopted:
        against = [n for n, choice in enumerate(vote.choices) if choice == "no"]
        share = len(against) / len(vote.choices)
        if against and share >= clerk.config.minority:
            order = sorted(against, key=lambda n: (vote.p_yes[n], n))
            entitled.append((vote, [hall.citizens[n] for n in order], share))
    answers = yield from clerk.hear_all(
        [
            (
                f"dissent-{vote.clause.statement_id}",
                clerk.of(
                    coalition[0],
                    "dissent.v1",
                    max_tokens=clerk.config.max_tokens.clause,
                    clause=vote.clause.text,
                    num=len(coalition) - 1,
                    opinion=coalition[0].opinion,
                ),
                parsing.said,
            )
            for vote, coalition, _ in entitled
        ]
    )
    for (vote, coalition, share), answer in zip(entitled, answers, strict=True):
        if answer.value is None:
            yield clerk.degrade("dissent", f"{coalition[0].citizen_id} wrote no usable report")
            continue
        yield clerk.event(
            "dissents",
            clause=vote.clause.statement_id,
            author=coalition[0].citizen_id,
            text=answer.value,
            coalition=[citizen.citizen_id for citizen in coalition],
            share=share,
            identity=answer.identities[-1],
        )
