"""Does wisdom carry on: who finds b wiser than a, where the graph has c wiser than b, finds c wiser than a?

If people's judgements are about wisdom and not about single pairs, the third judgement follows from the two others more
often than people call any upgrade wiser. The comparison is with that: how often the same people call other steps wiser.
Source: Klingefjord et al. 2024, arXiv 2404.10636, the test of transitivity (idea; the paper's text was not read).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from agents.statistics.intervals import Interval, bootstrap_statistic, wilson
from societies.assembly.moralgraph.records import Judgement
from societies.assembly.moralgraph.summary import Edge, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Transitivity:
    """holds: share of "wiser" among judgements a -> c of people who judged a -> b wiser, where b -> c is in the graph.

    otherwise: the null, how often the same people call other steps wiser: each person's own share, weighed by how many
    third judgements they made. Their first steps are left out, whatever was said of them: those that led to a third one
    are "wiser" by choice. excess: the difference within people, in the same weights; where all judge by coins of their
    own it is 0 in the mean. Intervals of the two are by bootstrap over people. num_asked, num_other:
    judgements behind holds and the null; num_people: people with both, behind the difference.
    """

    holds: Interval
    otherwise: Interval
    excess: Interval
    num_asked: int
    num_other: int
    num_people: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A judgement worth asking for: this participant on this step, which goes through `middle`."""

    participant: str
    source: str
    middle: str
    target: str


def transitivity(judgements: Iterable[Judgement], kept: Sequence[Edge], *, seed: int = 0) -> Transitivity:
    """Return how often the third judgement follows. kept: the edges of the graph.

    Judgements of unknown participants do not count. The graph holds these judgements too, so a person's own b -> c
    may be among those that keep the edge. Without any such case all numbers are nan.
    """
    known = [judgement for judgement in judgements if judgement.participant]
    due, firsts = _due(known, kept), _firsts(known, kept)
    people = sorted({person for person, _, _ in due})
    asked = {person: [0, 0] for person in people}
    other = {person: [0, 0] for person in people}
    for judgement in known:
        key = judgement.participant, judgement.source, judgement.target
        if judgement.participant in asked and (key in due or key not in firsts):
            tally = (asked if key in due else other)[judgement.participant]
            tally[0] += judgement.verdict == "upgrade"
            tally[1] += 1
    both = [person for person in people if asked[person][1] and other[person][1]]
    wiser, num = (np.array([asked[person][at] for person in both], dtype=np.float64) for at in (0, 1))
    null = np.array([num_wiser / num_said for num_wiser, num_said in (other[person] for person in both)])

    def otherwise(rows: IntArray) -> float:
        return float((num * null)[rows].sum() / num[rows].sum())

    def excess(rows: IntArray) -> float:
        return float(wiser[rows].sum() / num[rows].sum()) - otherwise(rows)

    return Transitivity(
        holds=wilson(sum(yes for yes, _ in asked.values()), sum(n for _, n in asked.values())),
        otherwise=bootstrap_statistic(len(both), otherwise, seed=seed),
        excess=bootstrap_statistic(len(both), excess, seed=seed),
        num_asked=sum(n for _, n in asked.values()),
        num_other=sum(other[person][1] for person in both),
        num_people=len(both),
    )


def questions(judgements: Iterable[Judgement], kept: Sequence[Edge]) -> tuple[Question, ...]:
    """Return the judgements that the test still lacks, those through the likeliest edges first."""
    known = [judgement for judgement in judgements if judgement.participant]
    said = {(j.participant, j.source, j.target) for j in known}
    likelihood = {(edge.source, edge.target): edge.likelihood for edge in kept}
    lacking = {key: middle for key, middle in _due(known, kept).items() if key not in said}
    order = sorted(lacking.items(), key=lambda item: (-likelihood[item[1], item[0][2]], item[0]))
    return tuple(
        Question(participant=person, source=source, middle=middle, target=target)
        for (person, source, target), middle in order
    )


def _due(judgements: Sequence[Judgement], kept: Sequence[Edge]) -> dict[tuple[str, str, str], str]:
    """Return (participant, a, c) -> b for each a -> b that somebody called wiser and each edge b -> c of the graph."""
    onward = _onward(kept)
    found: dict[tuple[str, str, str], str] = {}
    for judgement in judgements:
        if judgement.verdict != "upgrade":
            continue
        for target in onward.get(judgement.target, ()):
            if target != judgement.source:
                found.setdefault((judgement.participant, judgement.source, target), judgement.target)
    return found


def _firsts(judgements: Sequence[Judgement], kept: Sequence[Edge]) -> set[tuple[str, str, str]]:
    """Return (participant, a, b) of each a -> b, wiser or not, by somebody who judged a -> c too, b -> c being kept."""
    onward = _onward(kept)
    said = {(one.participant, one.source, one.target) for one in judgements}
    return {
        (one.participant, one.source, one.target)
        for one in judgements
        if any(c != one.source and (one.participant, one.source, c) in said for c in onward.get(one.target, ()))
    }


def _onward(kept: Sequence[Edge]) -> dict[str, list[str]]:
    """Return b -> every c with b -> c in the graph, the likeliest first."""
    onward: dict[str, list[str]] = {}
    for edge in sorted(kept, key=lambda edge: (-edge.likelihood, edge.source, edge.target)):
        onward.setdefault(edge.source, []).append(edge.target)
    return onward
