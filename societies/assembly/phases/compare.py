"""Which clauses say the same and which contradict each other, found before anybody votes on them.

Words choose the pairs (`likeness.py`), so that their number is bounded; the clerk's policy reads each pair in both
orders of the texts, each with its answers in both orders. A verdict counts only where these four readings agree: a
model that answers by position would otherwise strike clauses by chance.
"""

from __future__ import annotations

from collections.abc import Sequence

from agents.requests import Scores, Script
from societies.assembly import parsing
from societies.assembly.clauses import READ, Relation, Verdict
from societies.assembly.clerk import Clerk, judged
from societies.assembly.hall import Hall
from societies.assembly.likeness import is_same_text, likeness, nearest
from societies.assembly.phases.caucus import statement_event
from societies.assembly.records import Statement

ANSWERS = tuple(READ)


def examine(clerk: Clerk, hall: Hall) -> Script[None]:
    """Cut the winner into clauses, and merge what says the same into the clause that said it first."""
    winner = hall.winner
    found = [
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
    for one in found:
        hall.statements[one.statement_id] = one
        yield statement_event(clerk, one)
    pairs = [(k, n) for n in range(len(found)) for k in range(n)]
    relations = yield from relate(clerk, found, pairs)
    hall.relations += relations
    for relation in relations:
        first, second = relation.first, relation.second
        if relation.verdict == "same" and second.statement_id not in hall.merged:
            # What the first was merged into stands for both.
            kept = hall.merged.get(first.statement_id, first.statement_id)
            hall.merged[second.statement_id] = kept
            yield clerk.event(
                "clauses",
                **_no_votes(second),
                status="merged",
                reason=f"says the same as {kept} ({told(relation)})",
            )
    hall.clauses = [one for one in found if one.statement_id not in hall.merged]
    hall.num_clauses = len(hall.clauses)


def _no_votes(one: Statement) -> dict[str, object]:
    counts = {"support": None, "min_group": None, "yes": 0, "no": 0, "abstain": 0}
    moved = {"kind": "original", "mover": "", "seconder": "", "replaces": ""}
    return {"clause": one.statement_id, "text": one.text, "sources": list(one.parents), **counts, **moved}


def told(relation: Relation) -> str:
    """Return what a verdict rests on, in words."""
    if not relation.identities:
        return "word for word"
    share = relation.p_conflict if relation.verdict == "conflict" else relation.p_same
    return f"the clerk's reading, p = {share:.2f}"


def relate(clerk: Clerk, texts: Sequence[Statement], pairs: Sequence[tuple[int, int]]) -> Script[list[Relation]]:
    """Return what the nearest of some pairs of texts have to do with each other, in the order of the pairs."""
    bodies = [one.text for one in texts]
    equal = [pair for pair in pairs if is_same_text(bodies[pair[0]], bodies[pair[1]])]
    rest = [pair for pair in pairs if pair not in equal]
    asked = nearest(bodies, rest, clerk.config.num_compared)
    found = yield from clerk.weigh(
        [
            judged("clause_pair.v1", ANSWERS, clerk.policy("clerk"), {"first": bodies[k], "second": bodies[n]})
            for pair in asked
            for k, n in (pair, pair[::-1])
        ]
    )
    by_pair = dict(zip(asked, zip(found[::2], found[1::2], strict=True), strict=True))
    return [
        _relation(texts[k], texts[n], by_pair.get((k, n))) for k, n in pairs if (k, n) in by_pair or (k, n) in equal
    ]


def _relation(first: Statement, second: Statement, readings: tuple[Scores, Scores] | None) -> Relation:
    near = likeness(first.text, second.text)
    if readings is None:
        return Relation(first=first, second=second, likeness=near, p_same=1.0, p_conflict=0.0, verdict="same")
    shares = [one.probability for one in readings]
    mean = {READ[answer]: sum(one[answer] for one in shares) / len(shares) for answer in ANSWERS}
    return Relation(
        first=first,
        second=second,
        likeness=near,
        p_same=mean["same"],
        p_conflict=mean["conflict"],
        verdict=verdict_of(readings),
        identities=tuple(one.identity for one in readings),
    )


def verdict_of(readings: Sequence[Scores]) -> Verdict:
    """Return the answer that is the likeliest in every reading; "undecided" where they differ."""
    likeliest = {one.options[max(range(len(row)), key=row.__getitem__)] for one in readings for row in one.logp}
    return READ[likeliest.pop()] if len(likeliest) == 1 else "undecided"  # type: ignore[return-value]
