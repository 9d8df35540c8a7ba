"""Jury verdicts: many small juries drawn to a seating plan, and what it would take to turn their verdict.

Jurors' judgements come in as numbers (for us a `Score` under each persona); nothing here asks anybody.
Source: Gordon et al. 2022 (Jury Learning, CHI).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agents.errors import UserError, did_you_mean
from societies.assembly.rules.profile import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Swaps:
    """The fewest seats that would have to change hands to turn a verdict. num: None when no seating turns it.

    moves: (from group, to group) one a seat. expected: the verdict that the new seating is expected to give.
    """

    num: int | None
    moves: tuple[tuple[str, str], ...]
    expected: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What juries say about one item.

    value: median over juries of the mean over seats. lo, hi: interval for it when the pool of jurors is resampled
    within groups. dissent: mean over juries of the share of jurors on the other side of the threshold than `value`.
    by_group: mean judgement of each seated group. swaps: towards the other side of the threshold.
    """

    value: float
    lo: float
    hi: float
    dissent: float
    by_group: Mapping[str, float]
    swaps: Swaps


def seats_by_group(groups: Sequence[str], plan: Mapping[str, int]) -> dict[str, IntArray]:
    """Return the jurors of each group that has seats.

    Raises UserError for a group with no such jurors, with fewer jurors than seats, or a plan without seats.
    """
    if sum(plan.values()) < 1 or any(num < 0 for num in plan.values()):
        raise UserError(f"The seating plan {dict(plan)} has no seats.", "A jury needs one at least.", "give 12 seats")
    labels = np.asarray(list(groups))
    found: dict[str, IntArray] = {}
    for group, num in plan.items():
        if num == 0:
            continue
        jurors = np.flatnonzero(labels == group)
        if jurors.size == 0:
            raise UserError(
                f'No juror belongs to "{group}".', "the plan gives it seats.", did_you_mean(group, set(groups))
            )
        if jurors.size < num:
            raise UserError(
                f'{num} seats are for "{group}", which has {jurors.size} jurors.',
                "Nobody sits twice on one jury.",
                "give it fewer seats or add jurors",
            )
        found[group] = jurors
    return found


def draw_juries(
    members: Mapping[str, IntArray], plan: Mapping[str, int], num: int, rng: np.random.Generator
) -> IntArray:
    """Return [jury, seat]: juror numbers, drawn without replacement within each jury."""
    columns = []
    for group, jurors in members.items():
        keys = rng.random((num, jurors.size))
        columns.append(jurors[np.argsort(keys, axis=1)[:, : plan[group]]])
    return np.concatenate(columns, axis=1)


def jury(
    judgements: FloatArray,
    groups: Sequence[str],
    plan: Mapping[str, int],
    *,
    threshold: float,
    num_juries: int = 100,
    num_resamples: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[Verdict, ...]:
    """Return one verdict an item.

    judgements: [juror, item], finite. groups: one label a juror. plan: seats of each group, usually 12 together.
    threshold: a value at or above it is a yes. The interval resamples jurors within groups and seats new juries.
    """
    x = np.asarray(judgements, dtype=np.float64)
    if x.ndim != 2 or len(groups) != x.shape[0] or not np.isfinite(x).all():
        raise ValueError(f"judgements {x.shape} must be finite, [juror, item], with one group label a juror")
    members = seats_by_group(groups, plan)
    rng = np.random.default_rng(seed)
    seated = draw_juries(members, plan, num_juries, rng)
    values = median_of_means(x, seated)
    draws = np.empty((num_resamples, x.shape[1]))
    for b in range(num_resamples):
        again = {group: rng.choice(jurors, size=jurors.size) for group, jurors in members.items()}
        draws[b] = median_of_means(x, draw_juries(again, plan, num_juries, rng))
    tails = [(1 - level) / 2, (1 + level) / 2]
    spans = np.quantile(draws, tails, axis=0) if num_resamples else np.full((2, x.shape[1]), np.nan)
    verdicts = []
    for item, value in enumerate(values.tolist()):
        against = (x[seated, item] >= threshold) != (value >= threshold)
        means = {group: float(x[jurors, item].mean()) for group, jurors in members.items()}
        verdicts.append(
            Verdict(
                value=value,
                lo=float(spans[0, item]),
                hi=float(spans[1, item]),
                dissent=float(against.mean()),
                by_group=means,
                swaps=fewest_swaps(means, {g: plan[g] for g in means}, threshold),
            )
        )
    return tuple(verdicts)


def median_of_means(judgements: FloatArray, seated: IntArray) -> FloatArray:
    """Return [item]: the median over juries of the mean judgement of those seated. seated: [jury, seat]."""
    num_jurors = judgements.shape[0]
    seats = np.zeros((seated.shape[0], num_jurors))
    np.add.at(seats, (np.arange(seated.shape[0])[:, None], seated), 1.0)
    return np.asarray(np.median(seats @ judgements / seated.shape[1], axis=0), dtype=np.float64)


def fewest_swaps(means: Mapping[str, float], plan: Mapping[str, int], threshold: float) -> Swaps:
    """Return the fewest seats to hand from one group to another so that the expected verdict changes sides.

    means: mean judgement of each group that can be seated; plan: its seats now. The expected verdict is the mean of
    group means by seats; seats go one by one from the group farthest on the present side to the group farthest on
    the other, which no other choice of as many swaps can beat.
    """
    seats = dict(plan)
    total = sum(seats.values())

    def expected() -> float:
        return math.fsum(means[g] * num for g, num in seats.items()) / total

    above = expected() >= threshold
    sign = 1.0 if above else -1.0
    target = min(means, key=lambda g: sign * means[g])
    moves: list[tuple[str, str]] = []
    while (expected() >= threshold) == above:
        givers = [g for g, num in seats.items() if num > 0 and sign * means[g] > sign * means[target]]
        if not givers:
            return Swaps(num=None, moves=(), expected=expected())
        giver = max(givers, key=lambda g: sign * means[g])
        seats[giver] -= 1
        seats[target] = seats.get(target, 0) + 1
        moves.append((giver, target))
    return Swaps(num=len(moves), moves=tuple(moves), expected=expected())
