"""Does wisdom carry on: who finds b wiser than a, where the graph has c wiser than b, finds c wiser than a?

If people's judgements are about wisdom and not about single pairs, the third judgement follows from the two others more
often than people call any upgrade wiser. The comparison is with that: how often the same people call other steps wiser.
Source: Klingefjord et al. 2024, arXiv 2404.10636, the test of transitivity (idea; the paper's text was not read).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agents.statistics.intervals import NAN, Interval, bootstrap_statistic, wilson
from societies.assembly.moralgraph.records import Judgement
from societies.assembly.moralgraph.summary import Edge, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Transitivity:
    """holds: share of "wiser" among judgements a -> c of people who judged a -> b wiser, where b -> c is in the graph.

    otherwise: share of "wiser" among the same people's other judgements, the null. These hold the a -> b judgements,
    which are "wiser" by choice, so the null is rather too high than too low. excess: the difference, with a bootstrap
    interval over people. num_asked, num_other: judgements behind the two; num_people: people behind
    the first.
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
    due = _due(known, kept)
    people = sorted({person for person, _, _ in due})
    asked = {person: [0, 0] for person in people}
    other = {person: [0, 0] for person in people}
    for judgement in known:
        if judgement.participant in asked:
            key = judgement.participant, judgement.source, judgement.target
            tally = (asked if key in due else other)[judgement.participant]
            tally[0] += judgement.verdict == "upgrade"
            tally[1] += 1
    num_asked, num_other = (sum(n for _, n in tally.values()) for tally in (asked, other))
    if not num_asked:
        nothing = Interval(NAN, NAN, NAN, NAN)
        return Transitivity(
            holds=nothing, otherwise=nothing, excess=nothing, num_asked=0, num_other=num_other, num_people=0
        )
    there = [person for person in people if asked[person][1]]

    def excess(rows: IntArray) -> float:
        drawn = [there[n] for n in rows.tolist()]
        shares = []
        for tally in (asked, other):
            total = sum(tally[person][1] for person in drawn)
            if not total:
                return NAN
            shares.append(sum(tally[person][0] for person in drawn) / total)
        return shares[0] - shares[1]

    return Transitivity(
        holds=wilson(sum(asked[person][0] for person in there), num_asked),
        otherwise=wilson(sum(other[p][0] for p in there), sum(other[p][1] for p in there)),
        excess=bootstrap_statistic(len(there), excess, seed=seed),
        num_asked=num_asked,
        num_other=sum(other[person][1] for person in there),
        num_people=len(there),
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
    onward: dict[str, list[str]] = {}
    for edge in sorted(kept, key=lambda edge: (-edge.likelihood, edge.source, edge.target)):
        onward.setdefault(edge.source, []).append(edge.target)
    found: dict[tuple[str, str, str], str] = {}
    for judgement in judgements:
        if judgement.verdict != "upgrade":
            continue
        for target in onward.get(judgement.target, ()):
            if target != judgement.source:
                found.setdefault((judgement.participant, judgement.source, target), judgement.target)
    return found
