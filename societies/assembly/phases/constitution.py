"""From votes on clauses to a published text: motions to replace, strike and add, seconded, compared and voted on.

How motions relate to each other and to the text is read before the vote: one that repeats an adopted clause or an
earlier motion is not put. A contradiction is put, since the clerk's reading may be wrong and the vote is the citizens':
where they adopt both clauses, the pair is flagged, because a reader has to know that the text may contradict itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from agents.requests import Script
from societies.assembly.clauses import CHOICES, ClauseVote, Motion, Relation
from societies.assembly.clerk import Clerk
from societies.assembly.hall import Hall
from societies.assembly.phases.clause_vote import cast, passes
from societies.assembly.phases.compare import relate, told
from societies.assembly.phases.motions import described, move, second
from societies.assembly.records import Citizen

ADOPTED = {"replace": "adopted as amended", "add": "adopted as added"}
FAILED = {"replace": "amendment failed", "add": "addition failed"}


def amend(clerk: Clerk, hall: Hall) -> Script[None]:
    """Hear the motions, vote on those that are seconded and new, and publish what was adopted."""
    motions = yield from move(clerk, hall)
    seconders = yield from second(clerk, hall, motions)
    seconded = [one for one, seconder in zip(motions, seconders, strict=True) if seconder is not None]
    relations = yield from _compared(clerk, hall, seconded)
    repeats = _repeats(relations)
    put = [one for one in seconded if one.motion_id not in repeats]
    votes = yield from _votes(clerk, hall, put)
    by_motion = {one.motion_id: vote for one, vote in zip(put, votes, strict=True)}
    yield from _publish(clerk, hall, motions, seconders, by_motion)
    for one, seconder in zip(motions, seconders, strict=True):
        yield _motion_event(clerk, hall, one, seconder, by_motion.get(one.motion_id), repeats.get(one.motion_id, ""))
    hall.relations += relations
    adopted = {one.statement_id for one in hall.adopted}
    for relation in hall.relations:
        yield _pair_event(clerk, relation, {relation.first.statement_id, relation.second.statement_id} <= adopted)


def _compared(clerk: Clerk, hall: Hall, motions: Sequence[Motion]) -> Script[list[Relation]]:
    """Compare the new texts with what was adopted so far and with each other, not with what they replace."""
    new = [one for one in motions if one.kind != "strike"]
    standing = [vote.clause for vote in hall.votes if passes(clerk, vote)]
    texts = [*standing, *(one.text for one in new)]
    pairs = [(k, n) for n in range(len(standing), len(texts)) for k in range(n)]
    return (yield from relate(clerk, texts, pairs))


def _repeats(relations: Sequence[Relation]) -> dict[str, str]:
    """Return motion -> why it is not put: it says what an adopted clause or an earlier motion says."""
    found: dict[str, str] = {}
    for one in relations:
        first, second_ = one.first.statement_id, one.second.statement_id
        if one.verdict == "same" and second_ not in found and first not in found:
            found[second_] = f"says the same as {first} ({told(one)})"
    return found


def _votes(clerk: Clerk, hall: Hall, motions: Sequence[Motion]) -> Script[list[ClauseVote]]:
    """Vote on the motions in their order. Ballots on striking stand under a vote of their own."""
    asked = [
        [
            clerk.poll(
                citizen, "motion_vote.v2", CHOICES, opinion=citizen.opinion, briefing=[], why=one.why, **described(one)
            )
            for citizen in hall.citizens
        ]
        for one in motions
    ]
    votes = []
    for kind, vote in ((("replace", "add"), "clauses"), (("strike",), "strikes")):
        own = [k for k, one in enumerate(motions) if one.kind in kind]
        texts, items = [motions[k].text for k in own], [motions[k].motion_id for k in own]
        found = yield from cast(clerk, hall, texts, [asked[k] for k in own], items=items, vote=vote)
        votes += list(zip(own, found, strict=True))
    return [vote for _, vote in sorted(votes, key=lambda pair: pair[0])]


def _publish(
    clerk: Clerk,
    hall: Hall,
    motions: Sequence[Motion],
    seconders: Sequence[Citizen | None],
    votes: dict[str, ClauseVote],
) -> Script[None]:
    """Write every clause with what became of it; adopted ones make the text, in the order of the winner."""
    by_clause = {one.clause.statement_id: one for one in motions if one.clause is not None}
    by_motion = {one.motion_id: seconder for one, seconder in zip(motions, seconders, strict=True)}
    for vote in hall.votes:
        motion = by_clause.get(vote.clause.statement_id)
        carried = motion is not None and motion.motion_id in votes and passes(clerk, votes[motion.motion_id])
        if not passes(clerk, vote):
            yield _clause_event(clerk, hall, vote, "failed")
            if motion is not None and motion.motion_id in votes:
                yield from _brought_in(clerk, hall, motion, by_motion[motion.motion_id], votes[motion.motion_id])
        elif motion is not None and carried:
            yield _clause_event(clerk, hall, vote, "struck", reason=f"motion {motion.motion_id}: {motion.why}")
        else:
            hall.passed.append(vote)
            yield _clause_event(clerk, hall, vote, "adopted")
    for motion in motions:
        if motion.kind == "add" and motion.motion_id in votes:
            hall.num_clauses += 1
            yield from _brought_in(clerk, hall, motion, by_motion[motion.motion_id], votes[motion.motion_id])
    hall.adopted = [vote.clause for vote in hall.passed]


def _brought_in(clerk: Clerk, hall: Hall, motion: Motion, seconder: Citizen | None, vote: ClauseVote) -> Script[None]:
    status = FAILED[motion.kind]
    if passes(clerk, vote):
        status = ADOPTED[motion.kind]
        hall.passed.append(vote)
    yield _clause_event(clerk, hall, vote, status, motion, seconder)


def _clause_event(
    clerk: Clerk,
    hall: Hall,
    vote: ClauseVote,
    status: str,
    motion: Motion | None = None,
    seconder: Citizen | None = None,
    reason: str = "",
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
        mover=motion.mover.citizen_id if motion else "",
        seconder=seconder.citizen_id if seconder else "",
        replaces=motion.clause.statement_id if motion and motion.clause else "",
        kind=motion.kind if motion else "original",
        reason=motion.why if motion else reason,
    )


def _motion_event(
    clerk: Clerk, hall: Hall, one: Motion, seconder: Citizen | None, vote: ClauseVote | None, repeats: str
) -> object:
    counts = vote.counts if vote else {}
    if vote is not None:
        status, reason = ("carried" if passes(clerk, vote) else "lost"), ""
    else:
        status = "repeats" if seconder else "not seconded"
        reason = repeats or "nobody wanted it put to the vote"
    return clerk.event(
        "motions",
        motion=one.motion_id,
        kind=one.kind,
        clause=one.clause.statement_id if one.clause else "",
        text=one.text.text,
        mover=one.mover.citizen_id,
        why=one.why,
        seconder=seconder.citizen_id if seconder else "",
        status=status,
        reason=reason,
        yes=counts.get("yes", 0),
        no=counts.get("no", 0),
        abstain=counts.get("abstain", 0),
        identity=one.text.identity if one.kind != "strike" else "",
    )


def _pair_event(clerk: Clerk, one: Relation, both_adopted: bool) -> object:
    return clerk.event(
        "clause_pairs",
        first=one.first.statement_id,
        second=one.second.statement_id,
        likeness=one.likeness,
        p_same=one.p_same,
        p_conflict=one.p_conflict,
        verdict=one.verdict,
        both_adopted=both_adopted,
        identities=list(one.identities),
    )
