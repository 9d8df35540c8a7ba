"""The caucus: opinions, candidate statements, everybody's ballot on every statement, critiques, and statements anew.

Source of the procedure: the Habermas Machine, Tessler et al., Science 2024. Ballots here are distributions over levels
of agreement, one question a statement, so that no list of statements has to be ranked in one breath.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from agents.requests import Generate, Script
from societies.assembly import parsing
from societies.assembly.clerk import Clerk, distribution, expected
from societies.assembly.hall import Hall, Tally
from societies.assembly.phases.survey import LEVELS
from societies.assembly.records import Statement
from societies.assembly.rules import RULES, break_ties, recount, strategic_profile
from societies.assembly.rules.profile import IntArray, profile_of


def opinions(clerk: Clerk, hall: Hall) -> Script[None]:
    """Collect everybody's opinion."""
    answers = yield from clerk.hear_all(
        [
            (
                f"opinion-{citizen.citizen_id}",
                clerk.of(citizen, "opinion.v1", max_tokens=clerk.config.max_tokens.opinion),
                parsing.said,
            )
            for citizen in hall.citizens
        ]
    )
    for citizen, answer in zip(hall.citizens, answers, strict=True):
        if answer.value is None:
            yield clerk.degrade("opinion", f"{citizen.citizen_id} wrote nothing usable")
            continue
        citizen.opinion, citizen.opinion_id = answer.value, f"O.{citizen.citizen_id}"
        yield from _keep(
            clerk,
            hall,
            Statement(
                statement_id=citizen.opinion_id,
                text=answer.value,
                author=citizen.citizen_id,
                kind="opinion",
                identity=answer.identities[-1],
            ),
            heard=citizen.heard,
        )


def draft(clerk: Clerk, hall: Hall) -> Script[None]:
    """Draw candidate statements from the opinions."""
    yield from _candidates(clerk, hall, round_=0)


def vote(clerk: Clerk, hall: Hall) -> Script[None]:
    """Let everybody say how far they could sign each candidate; the rule decides."""
    yield from _ballot(clerk, hall, round_=0)


def critique(clerk: Clerk, hall: Hall) -> Script[None]:
    """Show the winner, collect critiques, draft anew and vote again; the winner so far stands among the candidates."""
    for round_ in range(1, clerk.config.num_critiques + 1):
        winner = hall.winner
        citizens = [citizen for citizen in hall.citizens if citizen.opinion]
        answers = yield from clerk.hear_all(
            [
                (
                    f"critique-{round_}-{citizen.citizen_id}",
                    clerk.of(
                        citizen,
                        "critique.v1",
                        max_tokens=clerk.config.max_tokens.note,
                        opinion=citizen.opinion,
                        winner=winner.text,
                    ),
                    parsing.said,
                )
                for citizen in citizens
            ]
        )
        critiques = []
        for citizen, answer in zip(citizens, answers, strict=True):
            if answer.value is None:
                yield clerk.degrade("critique", f"{citizen.citizen_id} criticised nothing usable")
                continue
            one = Statement(
                statement_id=f"C{round_}.{citizen.citizen_id}",
                text=answer.value,
                author=citizen.citizen_id,
                kind="critique",
                parents=(winner.statement_id,),
                identity=answer.identities[-1],
            )
            critiques.append(one)
            yield from _keep(clerk, hall, one, round_=round_, heard=citizen.heard)
        yield from _candidates(clerk, hall, round_=round_, critiques=critiques)
        if _standing(hall, round_):
            yield from _ballot(clerk, hall, round_=round_)


def _candidates(clerk: Clerk, hall: Hall, *, round_: int, critiques: Sequence[Statement] = ()) -> Script[None]:
    """Draw candidate statements, each from the opinions and critiques in an order of its own."""
    authors = [citizen for citizen in hall.citizens if citizen.opinion]
    by_author = {one.author: one for one in critiques}
    asked: list[tuple[str, Generate, tuple[str, ...]]] = []
    for k in range(clerk.config.num_candidates):
        order = clerk.rng("draft", round_, k).permutation(len(authors))
        shown = [authors[n] for n in order]
        more: dict[str, Any] = {}
        if round_:
            more = {
                "winner": hall.winner.text,
                "critiques": [by_author[c.citizen_id].text for c in shown if c.citizen_id in by_author],
            }
        request = clerk.text(
            "redraft.v1" if round_ else "draft.v1",
            clerk.view(opinions=[citizen.opinion for citizen in shown], **more) | {"briefing": []},
            policy=clerk.policy("drafter"),
            max_tokens=clerk.config.max_tokens.statement,
        )
        parents = tuple(c.opinion_id for c in shown) + tuple(one.statement_id for one in critiques)
        asked.append((f"draft-{round_}-{k:02d}", request, parents))
    answers = yield from clerk.hear_all([(name, request, parsing.statement) for name, request, _ in asked])
    seen = {one.text for one in hall.statements.values()}
    for k, ((_, _, parents), answer) in enumerate(zip(asked, answers, strict=True)):
        if answer.value is None or answer.value in seen:
            yield clerk.degrade("draft", f"draft {k} of round {round_} was unusable or there already")
            continue
        seen.add(answer.value)
        yield from _keep(
            clerk,
            hall,
            Statement(
                statement_id=f"S{round_}.{k}",
                text=answer.value,
                author="drafter",
                kind="draft",
                parents=parents,
                identity=answer.identities[-1],
            ),
            round_=round_,
        )
    if not _standing(hall, round_):
        # A vote needs something to vote on: the opinions themselves are statements too.
        instead = "the winner so far stands" if round_ else "the opinions stand for vote themselves"
        yield clerk.degrade("draft", f"no usable draft in round {round_}; {instead}")


def _standing(hall: Hall, round_: int) -> list[Statement]:
    return [one for one in hall.statements.values() if one.statement_id.startswith(f"S{round_}.")]


def _up_for_vote(hall: Hall, round_: int) -> tuple[Statement, ...]:
    drafts = _standing(hall, round_) or [one for one in hall.statements.values() if one.kind == "opinion"]
    return (*drafts, hall.winner) if round_ else tuple(drafts)


def _ballot(clerk: Clerk, hall: Hall, *, round_: int) -> Script[None]:
    statements = _up_for_vote(hall, round_)
    if not statements:
        raise RuntimeError("nobody wrote anything, so there is nothing to vote on")
    levels = LEVELS[clerk.config.scale]
    asked = [(n, k) for k in range(len(statements)) for n in range(len(hall.citizens))]
    found = yield from clerk.weigh(
        [
            clerk.poll(
                hall.citizens[n],
                "endorse.v2",
                levels,
                statement=statements[k].text,
                opinion=hall.citizens[n].opinion,
                briefing=[],
            )
            for n, k in asked
        ]
    )
    table = np.zeros((len(hall.citizens), len(statements)))
    identities = [[""] * len(statements) for _ in hall.citizens]
    for (n, k), scores in zip(asked, found, strict=True):
        table[n, k] = expected(scores)
        identities[n][k] = scores.identity
        yield clerk.event(
            "ballots",
            citizen=hall.citizens[n].citizen_id,
            vote=f"V{round_}",
            kind="score",
            item=statements[k].statement_id,
            value=table[n, k],
            dist=distribution(scores),
            weight=hall.citizens[n].weight,
            identity=scores.identity,
        )
    yield from _decide(clerk, hall, f"V{round_}", statements, table, identities)


def _decide(
    clerk: Clerk,
    hall: Hall,
    vote_id: str,
    statements: tuple[Statement, ...],
    levels: np.ndarray,
    identities: list[list[str]],
) -> Script[None]:
    rule = RULES[clerk.config.rule]
    profile = profile_of(-levels, names=[one.statement_id for one in statements])
    seed = int(clerk.rng("ties", vote_id).integers(2**31))
    if clerk.arm == "strategic":
        poll = break_ties(rule(profile), profile, seed).order
        profile = strategic_profile(profile, strategists(clerk, len(hall.citizens)), poll, clerk.config.tactic)
    outcome = rule(profile)
    broken = break_ties(outcome, profile, seed)
    hall.tallies.append(
        Tally(
            vote=vote_id,
            statements=statements,
            levels=levels,
            identities=tuple(map(tuple, identities)),
            winner=broken.order[0],
            ranking=broken.order,
        )
    )
    num_ties = len(outcome.winners) - 1
    how = f"{len(broken.ballots)} random ballots, {broken.num_by_lot} by lot, seed {seed}" if num_ties else ""
    yield clerk.event(
        "results",
        vote=vote_id,
        rule=clerk.config.rule,
        winners=[statements[k].statement_id for k in outcome.winners],
        ranking=[statements[k].statement_id for k in broken.order],
        ties=num_ties,
        tie_break=how,
    )
    if "strategic" in clerk.config.arms and clerk.arm in ("full", "strategic"):
        yield _recounted(clerk, hall, vote_id, statements, levels, seed)


def strategists(clerk: Clerk, num: int) -> IntArray:
    """Return who votes strategically in the arm `strategic`, the same citizens in every vote."""
    return np.sort(clerk.rng("strategic").permutation(num)[: round(clerk.config.strategic * num)])


def _recounted(
    clerk: Clerk, hall: Hall, vote_id: str, statements: tuple[Statement, ...], levels: np.ndarray, seed: int
) -> object:
    """Return the row of what strategic voters could do to a vote: counted from its sincere ballots, nobody is asked."""
    found = recount(levels, RULES[clerk.config.rule], clerk.config.strategic, tactic=clerk.config.tactic, seed=seed)
    cast = strategists(clerk, len(hall.citizens)).tolist() if clerk.arm == "strategic" else []
    return clerk.event(
        "recounts",
        vote=vote_id,
        rule=clerk.config.rule,
        tactic=clerk.config.tactic,
        voters=[hall.citizens[n].citizen_id for n in cast],
        sincere=statements[found.winner].statement_id,
        counted=statements[hall.tallies[-1].winner].statement_id,
        favours="" if found.favours is None else statements[found.favours].statement_id,
        num_strategic=found.num,
        num_able=found.num_able,
        num_draws=found.num_draws,
        changes=found.changes,
        by_chance=found.by_chance,
        gain=found.gain,
        gain_others=found.gain_others,
        gain_all=found.gain_all,
        gain_lo=found.gain_band[0],
        gain_hi=found.gain_band[1],
        gain_others_lo=found.gain_others_band[0],
        gain_others_hi=found.gain_others_band[1],
        gain_by_chance=found.gain_by_chance,
        num_voters=found.num_voters,
    )


def _keep(clerk: Clerk, hall: Hall, one: Statement, *, round_: int = 0, heard: Sequence[str] = ()) -> Script[None]:
    hall.statements[one.statement_id] = one
    yield statement_event(clerk, one, round_=round_, heard=heard)


def statement_event(clerk: Clerk, one: Statement, *, round_: int = 0, heard: Sequence[str] = ()) -> object:
    """Return the row of a text that was written. heard: turns and answers that had reached its author."""
    return clerk.event(
        "statements",
        statement=one.statement_id,
        kind=one.kind,
        round=round_,
        author=one.author,
        text=one.text,
        parents=list(one.parents),
        heard=list(heard),
        origin="simulated",
        identity=one.identity,
    )
