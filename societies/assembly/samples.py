"""What an assembly hands to trainers: rankings and pairs with every vote, principles with their support, the talk of
each table, and what each citizen thought of each statement.

Votes stay votes: one a citizen with group, so that any rule can count them anew; the soft-panel weight pi / seats
stands in the sample's meta. Chosen comes first in a pair. The score "jury" of a candidate is what small juries from the
panel say of it (`recipe=raft recipe.reward=jury` learns from that).
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from agents.prompts import defuse, render_prompt
from agents.requests import Message, Script
from agents.sample import Candidate, Lineage, Sample, Vote
from societies.assembly.clauses import ClauseVote
from societies.assembly.clerk import PACKAGE, Clerk
from societies.assembly.hall import Hall, Tally
from societies.assembly.jury import Verdict, jury
from societies.assembly.phases.protocols import speak_prompt
from societies.assembly.records import Statement, Turn

BEHIND = {
    "clause": ("draft.v1", "clause_vote.v2"),
    "amendment": ("amend.v1", "move_why.v1", "second.v2", "motion_vote.v2"),
    "addition": ("add_clause.v1", "move_why.v1", "second.v2", "motion_vote.v2"),
}
"""Kind of an adopted text -> the prompts by which it was written and voted on."""


def assembly_samples(clerk: Clerk, hall: Hall) -> Script[None]:
    """Write the samples of one arm. The control arms and held questions write none: they measure, they do not teach."""
    if clerk.arm != "full" or not clerk.teaches:
        return
    for tally in hall.tallies:
        yield _ranking(clerk, hall, tally)
        for number, loser in enumerate(tally.ranking[1 : 1 + clerk.config.pairs]):
            yield _pair(clerk, hall, tally, loser, number)
        if clerk.config.reward_rows:
            yield from _rewards(clerk, hall, tally)
    for vote in hall.passed:
        yield _principle(clerk, hall, vote)
    yield from _dialogues(clerk, hall)


def prompt_of(clerk: Clerk) -> tuple[Message, ...]:
    """Return the question as a user would put it."""
    return (Message("user", defuse(clerk.question.text)),)


def _ranking(clerk: Clerk, hall: Hall, tally: Tally) -> Sample:
    order = list(tally.ranking)
    means = tally.levels.mean(axis=0)
    verdicts = juries(hall, tally, int(clerk.rng("jury", tally.vote).integers(2**31)))
    return Sample(
        sample_id=f"{clerk.assembly}.{tally.vote}.ranking",
        kind="assembly_ranking",
        prompt=prompt_of(clerk),
        candidates=tuple(_candidate(clerk, tally.statements[k], float(means[k]), jury=verdicts[k]) for k in order),
        votes=_votes(hall, tally.levels[:, order], tally.vote),
        lineage=_lineage(clerk, hall, tally, [tally.statements[k] for k in order]),
        meta=_meta(clerk, hall) | {"vote": tally.vote, "rule": clerk.config.rule},
    )


def _pair(clerk: Clerk, hall: Hall, tally: Tally, loser: int, number: int) -> Sample:
    """Return winner against loser. p_chosen: share of the panel, by soft weight, that puts the winner higher."""
    both = [tally.winner, loser]
    levels = tally.levels[:, both]
    weights = np.array([citizen.weight for citizen in hall.citizens])
    wins = (levels[:, 0] > levels[:, 1]) + 0.5 * (levels[:, 0] == levels[:, 1])
    share = float((weights * wins).sum() / weights.sum())
    statements = [tally.statements[k] for k in both]
    return Sample(
        sample_id=f"{clerk.assembly}.{tally.vote}.pair-{number}",
        kind="assembly_pair",
        prompt=prompt_of(clerk),
        candidates=(
            _candidate(clerk, statements[0], share, role="good"),
            _candidate(clerk, statements[1], 1 - share, role="bad"),
        ),
        votes=_votes(hall, levels, tally.vote),
        lineage=_lineage(clerk, hall, tally, statements),
        meta=_meta(clerk, hall) | {"vote": tally.vote, "rule": clerk.config.rule, "p_chosen": share},
    )


def juries(hall: Hall, tally: Tally, seed: int) -> list[Verdict]:
    """Return what juries of at most twelve, half the panel at most, say of each statement of a vote.

    Seats follow the groups of the panel: the whole part of each share, then the largest remainders.
    """
    groups = [citizen.group for citizen in hall.citizens]
    num = max(1, min(12, len(groups) // 2))
    sizes = Counter(groups)
    shares = {name: num * size / len(groups) for name, size in sorted(sizes.items())}
    plan = {name: int(share) for name, share in shares.items()}
    rest = sorted(shares, key=lambda name: (plan[name] - shares[name], name))[: num - sum(plan.values())]
    plan = {name: seats + (name in rest) for name, seats in plan.items()}
    return list(jury(tally.levels, groups, plan, threshold=0.5, num_resamples=0, seed=seed))


def _rewards(clerk: Clerk, hall: Hall, tally: Tally) -> Script[None]:
    """Write one row a citizen with an opinion: the question, the opinion, and how far they could sign each statement.

    These train a reward model that says for a person what the person would say.
    """
    for n, citizen in enumerate(hall.citizens):
        if not citizen.opinion:
            continue
        vote = _votes(hall, tally.levels, tally.vote)[n]
        yield Sample(
            sample_id=f"{clerk.assembly}.{tally.vote}.reward-{citizen.citizen_id}",
            kind="assembly_reward",
            prompt=(
                Message(
                    "user",
                    render_prompt(
                        PACKAGE, "reward.v1", question=clerk.question.text, card=citizen.card, opinion=citizen.opinion
                    ),
                ),
            ),
            candidates=tuple(
                _candidate(clerk, one, float(level))
                for one, level in zip(tally.statements, tally.levels[n], strict=True)
            ),
            votes=(vote,),
            lineage=_lineage(clerk, hall, tally, list(tally.statements)),
            meta=_meta(clerk, hall)
            | {
                "vote": tally.vote,
                "citizen": citizen.citizen_id,
                "group": citizen.group,
                "weights": [citizen.weight],
                "num_voters": 1,
            },
        )


def _dialogues(clerk: Clerk, hall: Hall) -> Script[None]:
    """Write the talk of each table in each round, without the facilitator, where it was judged good enough.

    Its score `quality` is the mean over its judged speeches, 0 to 1.
    """
    tables: dict[tuple[int, int], list[Turn]] = {}
    for turn in hall.turns.values():
        tables.setdefault((turn.round_, turn.table), []).append(turn)
    for (round_, table), turns in sorted(tables.items()):
        judged = [hall.quality[turn.turn_id] for turn in turns if turn.turn_id in hall.quality]
        quality = sum(judged) / len(judged) if judged else -1.0
        if quality < clerk.config.min_quality:
            continue
        scores = {"quality": quality}
        speakers = dict.fromkeys(turn.speaker for turn in turns)
        policies = {citizen.citizen_id: citizen.policy for citizen in hall.citizens}
        yield Sample(
            sample_id=f"{clerk.assembly}.round-{round_}.table-{table}.dialogue",
            kind="assembly_dialogue",
            prompt=prompt_of(clerk),
            candidates=(
                Candidate(text="\n".join(f"{turn.name}: {turn.text}" for turn in turns), author="table", scores=scores),
            ),
            lineage=Lineage(
                script=f"{clerk.assembly}.{clerk.arm}",
                requests=tuple(turn.identity for turn in turns),
                prompts=(f"assembly/{speak_prompt(clerk.config.protocol)}", "assembly/dqi.v1"),
                policies=tuple(dict.fromkeys(policies[name] for name in speakers)),
            ),
            meta=_meta(clerk, hall)
            | {
                "round": round_,
                "table": table,
                "turns": [turn.turn_id for turn in turns],
                "speakers": [turn.speaker for turn in turns],
                "num_judged": len(judged),
            },
        )


def _principle(clerk: Clerk, hall: Hall, vote: ClauseVote) -> Sample:
    one = vote.clause
    return Sample(
        sample_id=f"{clerk.assembly}.{one.statement_id}.principle",
        kind="assembly_principle",
        prompt=prompt_of(clerk),
        candidates=(Candidate(text=one.text, author=one.author, role="good"),),
        lineage=Lineage(
            script=f"{clerk.assembly}.{clerk.arm}",
            requests=tuple(dict.fromkeys(_identities(hall, [one]))),
            prompts=tuple(f"assembly/{name}" for name in BEHIND[one.kind]),
            policies=(clerk.policy("drafter"),),
        ),
        meta=_meta(clerk, hall)
        | {
            "clause": one.statement_id,
            "support": vote.support,
            "min_group": vote.min_group([citizen.group for citizen in hall.citizens]),
            "dissents": [hall.dissents[one.statement_id]] if one.statement_id in hall.dissents else [],
        },
    )


def _candidate(clerk: Clerk, one: Statement, support: float, role: str = "", jury: Verdict | None = None) -> Candidate:
    author = clerk.policy("drafter") if one.author == "drafter" else one.author
    said = {} if jury is None else {"jury": jury.value, "jury_dissent": jury.dissent}
    return Candidate(text=one.text, author=author, role=role, scores={"support": support, **said})


def _votes(hall: Hall, levels: np.ndarray, vote: str) -> tuple[Vote, ...]:
    return tuple(
        Vote(
            voter=citizen.citizen_id,
            group=citizen.group,
            dim="endorse",
            kind="score",
            value=tuple(float(level) for level in row),
            rationale=citizen.notes[-1] if citizen.notes else "",
        )
        for citizen, row in zip(hall.citizens, levels, strict=True)
    )


def _lineage(clerk: Clerk, hall: Hall, tally: Tally, statements: list[Statement]) -> Lineage:
    columns = [tally.statements.index(one) for one in statements]
    ballots = [row[k] for row in tally.identities for k in columns]
    requests = tuple(dict.fromkeys((*_identities(hall, statements), *ballots)))
    citizens = dict.fromkeys(citizen.policy for citizen in hall.citizens)
    return Lineage(
        script=f"{clerk.assembly}.{clerk.arm}",
        requests=requests,
        prompts=("assembly/opinion.v1", "assembly/draft.v1", "assembly/redraft.v1", "assembly/endorse.v2"),
        policies=tuple(dict.fromkeys((clerk.policy("drafter"), *citizens))),
    )


def _identities(hall: Hall, statements: list[Statement]) -> list[str]:
    """Return the requests behind some statements: their own, their parents', and the turns that these had heard."""
    found: list[str] = []
    heard = {citizen.citizen_id: citizen.heard for citizen in hall.citizens}
    pending, seen = list(statements), set()
    while pending:
        one = pending.pop(0)
        if one.statement_id in seen:
            continue
        seen.add(one.statement_id)
        found += [one.identity] if one.identity else []
        found += [hall.turns[turn].identity for turn in heard.get(one.author, ()) if turn in hall.turns]
        pending += [hall.statements[parent] for parent in one.parents if parent in hall.statements]
    return found


def _meta(clerk: Clerk, hall: Hall) -> dict[str, object]:
    return {
        "scene_id": clerk.assembly,
        "assembly": clerk.assembly,
        "arm": clerk.arm,
        "topic": clerk.question.topic,
        "question": clerk.question.text,
        "question_id": clerk.question.question_id,
        "num_voters": len(hall.citizens),
        "weights": [citizen.weight for citizen in hall.citizens],
    }
