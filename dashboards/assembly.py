"""What the assemblies of a run found, as plain records: signs of artificial consensus first, then a few in detail.

Everything is read from the event tables; a society without them has no assemblies. The mathematics is the society's.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dashboards.assembly_audit import Chain, chains_of
from dashboards.assembly_beside import Baseline, TalkQuality, Uptake, baselines_of, quality_of, uptake_of
from dashboards.assembly_clauses import Drafting, drafting_of
from dashboards.assembly_consensus import ConsensusLine, consensus_lines
from dashboards.assembly_counterfactual import Difference, Manipulation, differences_of, manipulations_of
from dashboards.assembly_drafts import Step, history_of
from dashboards.assembly_heard import Called, Planted, Weighing, balance_of, called_of, planted_of
from dashboards.assembly_map import moral_graph, opinion_map
from dashboards.assembly_minds import Minds, minds_of
from dashboards.assembly_minority import Dissent, dissents_of
from dashboards.assembly_numbers import Number, number_of
from dashboards.assembly_panel import Certificate, certificate_of
from dashboards.assembly_panels import PanelLine, panel_lines
from dashboards.assembly_replayed import Left, Replayed, replayed_everywhere, replayed_of
from dashboards.assembly_source import CONTROL, MAIN, Archive, Key, Poll, guarded
from dashboards.assembly_votes import GroupLine, Recount, recount, support_by_group
from dashboards.sources import Reader, mapping, number, text, whole

if TYPE_CHECKING:
    from dashboards.tools.moralgraph import Findings as MoralGraph
    from dashboards.tools.polis import Findings as OpinionMap

NUM_SHOWN = 3
"""Assemblies told in detail at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one arm of one assembly ended. degraded: steps whose model answer was replaced, by step."""

    stage: str
    assembly: str
    arm: str
    question: str
    topic: str
    winner: str
    winner_text: str
    rule: str
    num_citizens: int
    num_clauses: int
    num_adopted: int
    num_dissents: int
    num_requests: int
    degraded: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """Agreement of one citizen with the first side of the question, before and after."""

    group: str
    before: float
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One assembly in detail, in the arm `full` or the first that was played. opinions: arm -> one a citizen.

    moral: the graph, a sentence on why there is none, or None where nobody was asked. airtime: Gini of words spoken.
    """

    outcome: Outcome
    sides: tuple[str, str]
    certificate: Certificate | None
    opinions: dict[str, tuple[Opinion, ...]]
    map: OpinionMap | None
    history: tuple[Step, ...]
    recount: Recount | None
    groups: tuple[GroupLine, ...]
    chains: tuple[Chain, ...]
    drafting: Drafting
    dissents: tuple[Dissent, ...]
    minds: Minds | None
    replayed: Replayed | None
    moral: MoralGraph | str | None
    airtime: Number | None
    baselines: tuple[Baseline, ...]
    quality: TalkQuality | None
    uptake: Uptake | None
    called: tuple[Called, ...]
    balance: tuple[Weighing, ...]
    planted: Planted | None
    phases: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assemblies:
    """Everything. num: assemblies with a finished arm. num_unfinished: arms that began and left no result.

    supermajority, minority: as the run's config has them, None unknown. differences: of the arms from the assembly.
    replayed: what went with speakers who were left out, over at least two assemblies.
    """

    num: int
    arms: tuple[str, ...]
    num_unfinished: int
    outcomes: tuple[Outcome, ...]
    consensus: tuple[ConsensusLine, ...]
    panels: tuple[PanelLine, ...]
    shown: tuple[Account, ...]
    supermajority: float | None
    minority: float | None
    differences: tuple[Difference, ...] = ()
    manipulations: tuple[Manipulation, ...] = ()
    replayed: Left | None = None


def assemblies_of(reader: Reader, stages: Sequence[str], *, seed: int) -> Assemblies | None:
    """Return what assemblies found; None for a run without any. What breaks becomes a problem of the reader."""
    archive = Archive(reader, stages)
    if not archive.summaries:
        return None
    settings = mapping(reader.config().get("society"))
    polls: dict[Key, Poll] = guarded(reader, "surveys and ballots of the assemblies", archive.polls, {})
    outcomes = _outcomes(archive)
    where = archive.assemblies
    drawn = random.Random(seed).sample(range(len(where)), min(NUM_SHOWN, len(where)))
    shown = [
        account for n in sorted(drawn) if (account := _shown(archive, outcomes, where[n], polls, seed)) is not None
    ]
    return Assemblies(
        num=len(where),
        arms=tuple(archive.arms),
        num_unfinished=archive.num_unfinished,
        outcomes=tuple(outcomes.values()),
        consensus=guarded(reader, "signs of consensus of the assemblies", lambda: consensus_lines(polls), ()),
        panels=guarded(
            reader,
            "differences between the panels",
            lambda: panel_lines(polls, {key: one.question for key, one in outcomes.items()}, seed=seed),
            (),
        ),
        shown=tuple(shown),
        supermajority=number(settings.get("supermajority")),
        minority=number(settings.get("minority")),
        differences=guarded(reader, "differences of the arms", lambda: differences_of(polls), ()),
        manipulations=guarded(reader, "what strategic voters could do", lambda: manipulations_of(archive), ()),
        replayed=guarded(reader, "what went with speakers", lambda: replayed_everywhere(archive), None),
    )


def main_arm(archive: Archive, where: tuple[str, str]) -> Key:
    """Return the arm of an assembly that is told: the assembly itself, or the first that was played to its end."""
    own = [key for key in archive.summaries if key.where == where]
    return next((key for key in own if key.arm == MAIN), own[0])


def _shown(
    archive: Archive, outcomes: dict[Key, Outcome], where: tuple[str, str], polls: dict[Key, Poll], seed: int
) -> Account | None:
    key = main_arm(archive, where)
    control = next((one for one in archive.summaries if one.where == where and one.arm == CONTROL), None)
    return guarded(
        archive.reader, key.assembly, lambda: _account(archive, outcomes[key], key, control, polls, seed), None
    )


def _account(
    archive: Archive, outcome: Outcome, key: Key, control: Key | None, polls: dict[Key, Poll], seed: int
) -> Account:
    row, poll = archive.summaries[key], polls.get(key)
    chains = chains_of(archive, key)
    told = {one.arm: found for one in polls if one.where == key.where and (found := _opinions(polls[one]))}
    clauses, ballots = archive.rows(key, "clauses"), archive.rows(key, "ballots", ["citizen", "vote", "kind", "item"])
    return Account(
        outcome=outcome,
        sides=(text(row.get("affirming")), text(row.get("negating"))),
        certificate=certificate_of(archive, key),
        opinions={arm: told[arm] for arm in archive.arms if arm in told},
        map=opinion_map(archive, key, seed),
        history=history_of(archive, key, poll, chains) if poll else (),
        recount=recount(poll, text(row.get("rule")), seed) if poll else None,
        groups=support_by_group(poll, clauses, ballots, seed) if poll else (),
        chains=chains,
        drafting=drafting_of(archive, key, chains),
        dissents=dissents_of(archive, key, seed),
        minds=minds_of(archive, key, None if control == key else control, seed),
        replayed=replayed_of(archive, key),
        moral=moral_graph(archive, key, text(row.get("question_id")), seed),
        airtime=_airtime(archive, key),
        baselines=baselines_of(archive, key, poll) if poll else (),
        quality=quality_of(archive, key, seed),
        uptake=uptake_of(archive, key),
        called=called_of(archive, key),
        balance=balance_of(archive, key),
        planted=planted_of(archive, key.where, polls),
        phases=tuple((text(p.get("phase")), whole(p.get("num_requests"))) for p in archive.rows(key, "phases")),
    )


def _outcomes(archive: Archive) -> dict[Key, Outcome]:
    degraded, dissents = archive.tallies("degraded", "step"), archive.tallies("dissents", "status")
    return {
        key: Outcome(
            stage=key.stage,
            assembly=key.assembly,
            arm=key.arm,
            num_dissents=sum(num for status, num in dissents.get(key, {}).items() if status != "lapsed"),
            degraded=degraded.get(key, {}),
            question=text(row.get("question")),
            topic=text(row.get("topic")),
            winner=text(row.get("winner")),
            winner_text=text(row.get("winner_text")),
            rule=text(row.get("rule")),
            num_citizens=whole(row.get("num_citizens")),
            num_clauses=whole(row.get("num_clauses")),
            num_adopted=whole(row.get("num_adopted")),
            num_requests=whole(row.get("num_requests")),
        )
        for key, row in archive.summaries.items()
    }


def _opinions(poll: Poll) -> tuple[Opinion, ...]:
    if poll.before is None or poll.after is None:
        return ()
    pairs = zip(poll.groups, poll.before[:, 0].tolist(), poll.after[:, 0].tolist(), strict=True)
    return tuple(Opinion(group=group, before=before, after=after) for group, before, after in pairs)


def _airtime(archive: Archive, key: Key) -> Number | None:
    import numpy as np

    from societies.assembly.metrics import airtime

    words = {text(row.get("citizen")): 0.0 for row in archive.rows(key, "citizens", ["citizen"])}
    turns = archive.rows(key, "turns", ["speaker", "text"])
    for row in turns:
        if text(row.get("speaker")) in words:
            words[text(row.get("speaker"))] += len(text(row.get("text")).split())
    if not turns or not words:
        return None
    found = airtime(np.array(list(words.values())))
    return number_of(found.value, found.null, found.n)
