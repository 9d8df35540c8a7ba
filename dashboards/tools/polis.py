"""A Polis conversation as findings: groups, what each stands for, what all can live with, and what divides them.

Groups are the exported ones unless asked otherwise; they depend on the history of a conversation, so the agreement of
the groups found here with the exported ones is always told. Tables and map: `polis_view`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from agents.errors import UserError
from agents.statistics.intervals import bootstrap_mean
from dashboards.tools.polis_files import Export
from societies.assembly import polis
from societies.assembly.polis.groups import Start
from societies.assembly.polis.votes import BoolArray, FloatArray, IntArray

Source = Literal["exported", "found"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A number with its 95 % interval."""

    value: float
    lo: float
    hi: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """A statement by group-aware consensus. shares: smoothed agreement of each group."""

    id: str
    text: str
    product: Band
    root: Band
    least: Band
    shares: tuple[float, ...]
    num_seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stance:
    """A statement on which a group, or everybody, takes a side. times: times the others' share; nan for everybody."""

    id: str
    text: str
    side: str
    num_success: int
    num_seen: int
    share: float
    times: float
    best_agree: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Divided:
    """A statement that divides two groups, by letter."""

    id: str
    text: str
    highest: str
    high: float
    lowest: str
    low: float
    gap: float
    z: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group. subgroups: sizes found inside it. silhouette: how well these stand apart.

    centricness, coreness: means over its members (see `polis.standing`), with intervals over members.
    """

    name: str
    num_people: int
    share: float
    subgroups: tuple[int, ...]
    silhouette: float
    centricness: Band
    coreness: Band
    stands_for: tuple[Stance, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Somebody on the map, without a name. group: a letter, or "none". The other three: see `polis.standing`."""

    x: float
    y: float
    group: str
    centricness: float
    coreness: float
    extremeness: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Everything the tool says. chance, chance_silhouette: what two axes explain and how well groups stand apart in
    votes shuffled within statements. null: group-aware consensus of coin flips.

    agreement: adjusted Rand index of the exported and the found groups; nan when there is only one of them.
    next_up: id, text and chance of the statements that routing would show a newcomer most often.
    """

    name: str
    topic: str
    num_people: int
    num_on_map: int
    num_statements: int
    num_moderated: int
    num_votes: int
    source: Source
    explained: tuple[float, ...]
    chance: float
    silhouette: float
    chance_silhouette: float
    agreement: float
    num_found: int
    null: float
    groups: tuple[Group, ...]
    consensus: tuple[Agreed, ...]
    majority: tuple[Stance, ...]
    divisive: tuple[Divided, ...]
    next_up: tuple[tuple[str, str, float], ...]
    places: tuple[Place, ...]
    seed: int
    notes: tuple[str, ...]


def findings(
    export: Export,
    *,
    regroup: bool = False,
    num_groups: int | None = None,
    start: Start = "spread",
    top: int = 5,
    num_resamples: int = 1000,
    seed: int = 0,
) -> Findings:
    """Return what a conversation says. regroup: find groups even when the export has some; so does `num_groups`."""
    values, open_ = export.values, ~export.moderated
    if not open_.any():
        raise UserError(
            f"{export.name}: every statement was moderated out.",
            "nothing is left to read.",
            "give another conversation.",
        )
    on_map = polis.included(values)
    space = polis.find_space(values, export.moderated)
    points = polis.positions(values, space, export.moderated)
    grouping = polis.find_groups(points[on_map], num_groups=num_groups, start=start)
    found = np.full(len(values), polis.UNGROUPED, dtype=np.int64)
    found[on_map] = grouping.labels
    source: Source = "exported"
    labels = export.labels
    if labels is None or regroup or num_groups is not None:
        source, labels = "found", found
    counts = polis.count_votes(values, labels)
    extremity = polis.extremity(space)
    chance = polis.by_chance(values, export.moderated, seed=seed)
    return Findings(
        name=export.name,
        topic=export.topic,
        num_people=len(values),
        num_on_map=int(on_map.sum()),
        num_statements=len(export.statements),
        num_moderated=int(export.moderated.sum()),
        num_votes=int((~np.isnan(values)).sum()),
        source=source,
        explained=tuple(space.explained.tolist()),
        chance=float(chance.explained.mean()),
        silhouette=grouping.silhouette,
        chance_silhouette=float(chance.silhouette.mean()),
        agreement=_agreement(export.labels, found),
        num_found=grouping.num_groups,
        null=polis.coin_flip(len(counts.seen)),
        groups=_groups(export, labels, points, counts, open_, top),
        consensus=_consensus(export, labels, counts, open_, top, num_resamples, seed),
        majority=_majority(export, polis.count_votes(values), open_, top),
        divisive=_divisive(export, counts, open_, top),
        next_up=_next_up(export, polis.priorities(polis.count_votes(values[on_map]), extremity, export.meta), top),
        places=_places(points, labels, on_map | (labels >= 0)),
        seed=seed,
        notes=(*export.notes, *_notes(export, labels, num_groups, grouping.num_groups)),
    )


def letter(group: int) -> str:
    """Return the name of a group: A for 0."""
    return chr(ord("A") + group) if 0 <= group < 26 else str(group)


def _agreement(exported: IntArray | None, found: IntArray) -> float:
    if exported is None:
        return float("nan")
    both = (exported >= 0) & (found >= 0)
    return polis.adjusted_rand(exported[both], found[both])


def _notes(export: Export, labels: IntArray, wanted: int | None, got: int) -> list[str]:
    notes = []
    if wanted is not None and got < wanted:
        notes.append(f"{wanted} groups were asked for, but people stand in fewer places: {got} were found.")
    if int(labels.max(initial=-1)) < 1:
        notes.append("There is one group only: consensus is everybody's agreement, and nothing sets groups apart.")
    small = [letter(g) for g in range(int(labels.max(initial=-1)) + 1) if (labels == g).sum() < 5]
    if small:
        notes.append(f"Fewer than five people in {', '.join(small)}: one person moves their shares by much.")
    unseen = int((np.isnan(export.values).all(axis=0) & ~export.moderated).sum())
    if unseen:
        notes.append(f"Statements that nobody has seen: {unseen}.")
    return notes


def _groups(
    export: Export, labels: IntArray, points: FloatArray, counts: polis.Counts, allowed: BoolArray, top: int
) -> tuple[Group, ...]:
    stands_for = polis.representative(counts, allowed=allowed, top=top)
    inner = polis.find_subgroups(points, labels)
    total = int((labels >= 0).sum())
    stand = polis.standing(points, labels)
    found = []
    for number, statements in enumerate(stands_for):
        member = labels == number
        found.append(
            Group(
                name=letter(number),
                num_people=int(member.sum()),
                share=float(member.sum()) / total if total else 0.0,
                subgroups=tuple(np.bincount(inner[number].labels).tolist()),
                silhouette=inner[number].silhouette,
                centricness=_mean(stand.centricness[member]),
                coreness=_mean(stand.coreness[member]),
                stands_for=tuple(
                    Stance(
                        id=export.statements[item.statement],
                        text=export.texts[item.statement],
                        side=item.side,
                        num_success=item.num_success,
                        num_seen=item.num_seen,
                        share=item.p,
                        times=item.r,
                        best_agree=item.best_agree,
                    )
                    for item in statements
                ),
            )
        )
    return tuple(found)


def _mean(values: FloatArray) -> Band:
    found = bootstrap_mean(values)
    return Band(value=found.point, lo=found.lo, hi=found.hi)


def _consensus(
    export: Export,
    labels: IntArray,
    counts: polis.Counts,
    allowed: BoolArray,
    top: int,
    num_resamples: int,
    seed: int,
) -> tuple[Agreed, ...]:
    every = polis.consensus(counts)
    band = polis.bootstrap_consensus(export.values, labels, num_resamples=num_resamples, seed=seed)
    shares = polis.share(counts.agree, counts.seen)
    order = [int(s) for s in np.argsort(-every.product, kind="stable") if allowed[s]][:top]
    return tuple(
        Agreed(
            id=export.statements[s],
            text=export.texts[s],
            product=Band(value=float(every.product[s]), lo=float(band.lo.product[s]), hi=float(band.hi.product[s])),
            root=Band(value=float(every.root[s]), lo=float(band.lo.root[s]), hi=float(band.hi.root[s])),
            least=Band(value=float(every.least[s]), lo=float(band.lo.least[s]), hi=float(band.hi.least[s])),
            shares=tuple(shares[:, s].tolist()),
            num_seen=int(counts.seen[:, s].sum()),
        )
        for s in order
    )


def _majority(export: Export, counts: polis.Counts, allowed: BoolArray, top: int) -> tuple[Stance, ...]:
    sides = [polis.majority(counts, "agree", allowed=allowed, top=top)]
    sides.append(polis.majority(counts, "disagree", allowed=allowed, top=top))
    return tuple(
        Stance(
            id=export.statements[item.statement],
            text=export.texts[item.statement],
            side=item.side,
            num_success=item.num_success,
            num_seen=item.num_seen,
            share=item.p,
            times=float("nan"),
            best_agree=False,
        )
        for side in sides
        for item in side
    )


def _divisive(export: Export, counts: polis.Counts, allowed: BoolArray, top: int) -> tuple[Divided, ...]:
    return tuple(
        Divided(
            id=export.statements[item.statement],
            text=export.texts[item.statement],
            highest=letter(item.highest),
            high=item.high,
            lowest=letter(item.lowest),
            low=item.low,
            gap=item.gap,
            z=item.z,
        )
        for item in polis.divisive(counts, allowed=allowed, top=top)
    )


def _next_up(export: Export, weights: FloatArray, top: int) -> tuple[tuple[str, str, float], ...]:
    chances = np.where(export.moderated, 0.0, weights)
    chances = chances / chances.sum() if chances.sum() > 0 else chances
    order = np.argsort(-chances, kind="stable")[:top]
    return tuple((export.statements[s], export.texts[s], float(chances[s])) for s in order if chances[s] > 0)


def _places(points: FloatArray, labels: IntArray, shown: BoolArray) -> tuple[Place, ...]:
    stand = polis.standing(points, labels)
    return tuple(
        Place(
            x=float(points[n, 0]),
            y=float(points[n, 1]),
            group=letter(int(labels[n])) if labels[n] >= 0 else "none",
            centricness=float(stand.centricness[n]),
            coreness=float(stand.coreness[n]),
            extremeness=float(stand.extremeness[n]),
        )
        for n in np.flatnonzero(shown)
    )
