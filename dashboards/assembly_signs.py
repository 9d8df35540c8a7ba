"""The signs by which agreement is judged: what each measures, of one arm, and what changes when the arms are paired."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from agents.statistics.intervals import bootstrap_mean, wilson
from dashboards.assembly_numbers import Number, mean_of
from dashboards.assembly_source import FloatArray, IntArray, Poll

if TYPE_CHECKING:
    from societies.assembly.metrics import Measured

NUM_RESAMPLES = 1000
FEWEST_RESAMPLES = 100

Statistic = Callable[[Poll, int], "Measured | None"]
Paired = Callable[[Poll, Poll, int], "Measured | None"]
Variances = Callable[[Poll, "Poll | None"], "tuple[FloatArray, FloatArray] | None"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """One sign. statistic: of an arm. versus: of an arm and its control, paired by citizen; with `against_control` the
    sign is that. Both take the number of resamples. variances: instead of both, the opinions whose variances make a
    ratio, below first. share: the value lies within 0 .. 1.
    """

    name: str
    about: str
    null_name: str
    statistic: Statistic | None = None
    versus: Paired | None = None
    variances: Variances | None = None
    against_control: bool = False
    share: bool = False

    @property
    def pairs(self) -> bool:
        """Whether the sign can be held against another arm."""
        return self.versus is not None or self.against_control


def _concentration(poll: Poll, num: int) -> Measured | None:
    from societies.assembly.metrics import first_choice_concentration

    return first_choice_concentration(poll.firsts, len(poll.votes[-1][1]))


def _concentration_versus(poll: Poll, control: Poll, num: int) -> Measured | None:
    from societies.assembly.metrics import resampled

    sizes = len(poll.votes[-1][1]), len(control.votes[-1][1])

    def shared(first: IntArray, size: int) -> float:
        counts = np.bincount(first, minlength=size)
        return float((counts * (counts - 1)).sum()) / (first.size * (first.size - 1)) if first.size > 1 else math.nan

    return resampled(
        lambda a, b: shared(a, sizes[0]) - shared(b, sizes[1]), poll.firsts, control.firsts, null=0.0, num_resamples=num
    )


def _top_share(poll: Poll, num: int) -> Measured | None:
    from societies.assembly.metrics import Measured

    n, size = poll.firsts.size, len(poll.votes[-1][1])
    most = int(np.bincount(poll.firsts, minlength=size).max())
    by_chance = np.random.default_rng(0).multinomial(n, np.full(size, 1 / size), size=2000).max(axis=1).mean() / n
    return Measured(value=wilson(most, n), null=float(by_chance), n=n)


def _own_opinions(poll: Poll, _: Poll | None) -> tuple[FloatArray, FloatArray] | None:
    return None if poll.before is None or poll.after is None else (poll.before, poll.after)


def _opinions_beside(poll: Poll, control: Poll | None) -> tuple[FloatArray, FloatArray] | None:
    if control is None or poll.after is None or control.after is None:
        return None
    return control.after, poll.after


def num_resamples(num_assemblies: int) -> int:
    """Return how often each of so many assemblies is resampled, so that many cost no more than one."""
    return max(FEWEST_RESAMPLES, NUM_RESAMPLES // max(1, num_assemblies))


def number_over(sign: Sign, cells: Sequence[tuple[Poll, Poll | None]], num: int) -> Number | None:
    """Return a sign over assemblies: the mean of its values, or the ratio of its variances' sums.

    cells: a poll of each assembly, with the poll that it is held against, if any. num: resamples. None where no
    assembly has the sign.
    """
    from societies.assembly.metrics import variance_collapse_over

    if sign.variances is not None:
        pairs = [pair for poll, other in cells if (pair := sign.variances(poll, other)) is not None]
        one = mean_of([variance_collapse_over(pairs, num_resamples=num)]) if pairs else None
        return None if one is None else replace(one, num_assemblies=len(pairs))
    measured = []
    for poll, other in cells:
        if other is None:
            measured.append(sign.statistic(poll, num) if sign.statistic is not None else None)
        else:
            measured.append(sign.versus(poll, other, num) if sign.versus is not None else None)
    return mean_of(measured, share=sign.share and all(other is None for _, other in cells))


def _polarisation(poll: Poll, num: int) -> Measured | None:
    from societies.assembly.metrics import polarisation_change

    if poll.before_levels is None or poll.after_levels is None:
        return None
    return polarisation_change(poll.before_levels, poll.after_levels, poll.num_levels, num_resamples=num)


def _change(poll: Poll) -> FloatArray | None:
    return None if poll.before is None or poll.after is None else poll.after[:, 0] - poll.before[:, 0]


def _shift(poll: Poll, num: int) -> Measured | None:
    return _mean(_change(poll), num)


def _shift_versus(poll: Poll, control: Poll, num: int) -> Measured | None:
    own, other = _change(poll), _change(control)
    return None if own is None or other is None else _mean(own - other, num)


def _support(poll: Poll, num: int) -> Measured | None:
    from societies.assembly.metrics import Measured

    best, levels = poll.for_winner, poll.votes[-1][2]
    if best is None:
        return None
    return Measured(value=bootstrap_mean(best, num_resamples=num), null=best_by_chance(levels), n=len(levels))


def best_by_chance(levels: FloatArray, num: int = 200) -> float:
    """Return the mean support of the best statement when each citizen's ballots are dealt to statements at random.

    levels: [citizen, statement]. The winner was picked for its support, so a statement at random is no fair null.
    """
    rng = np.random.default_rng(0)
    return float(np.mean([rng.permuted(levels, axis=1).mean(axis=0).max() for _ in range(num)]))


def sure_by_chance(levels: FloatArray, num: int = 100) -> float:
    """Return how much of its resamples of citizens the best statement wins when ballots are dealt at random.

    levels: [citizen, statement]. A picked winner mostly wins again, so one in as many as there are is no fair null.
    """
    rng = np.random.default_rng(0)
    n = len(levels)
    shares = []
    for _ in range(num):
        dealt = rng.permuted(levels, axis=1)
        drawn = rng.multinomial(n, np.full(n, 1 / n), size=num) @ dealt
        shares.append(float((drawn.argmax(axis=1) == dealt.mean(axis=0).argmax()).mean()))
    return float(np.mean(shares))


def _support_versus(poll: Poll, control: Poll, num: int) -> Measured | None:
    own, other = poll.for_winner, control.for_winner
    return None if own is None or other is None else _mean(own - other, num)


def _learned(poll: Poll, num: int) -> Measured | None:
    if poll.knew_before is None or poll.knew_after is None:
        return None
    return _mean(poll.knew_after - poll.knew_before, num)


def _learned_versus(poll: Poll, control: Poll, num: int) -> Measured | None:
    parts = poll.knew_before, poll.knew_after, control.knew_before, control.knew_after
    if any(part is None for part in parts):
        return None
    a, b, c, d = (np.asarray(part) for part in parts)
    return _mean((b - a) - (d - c), num)


def _mean(values: FloatArray | None, num: int) -> Measured | None:
    from societies.assembly.metrics import Measured

    if values is None:
        return None
    return Measured(value=bootstrap_mean(values, num_resamples=num), null=0.0, n=values.size)


SIGNS = (
    Sign(
        name="two citizens share a first choice",
        about="chance that two different citizens like the same statement best in the deciding vote",
        null_name="choices at random",
        statistic=_concentration,
        share=True,
        versus=_concentration_versus,
    ),
    Sign(
        name="variance of opinions, after / before",
        about="of agreement with both sides of the question, before anything was heard and after the vote",
        null_name="no change",
        variances=_own_opinions,
    ),
    Sign(
        name="variance of opinions after, against the control's",
        about="the same survey after the vote, divided by that of the arm without interaction",
        null_name="as in the control",
        variances=_opinions_beside,
        against_control=True,
    ),
    Sign(
        name="share of the most popular first choice",
        about="picking the most popular flatters; so does the null",
        null_name="choices at random",
        statistic=_top_share,
        share=True,
    ),
    Sign(
        name="change of polarisation",
        about="Esteban-Ray, of the likeliest level of agreement with the first side, after minus before",
        null_name="no change",
        statistic=_polarisation,
    ),
    Sign(
        name="change of mean agreement with the first side",
        about="after minus before, on a scale from 0 to 1",
        null_name="no change",
        statistic=_shift,
        versus=_shift_versus,
    ),
    Sign(
        name="support of the winning statement",
        about="mean expected agreement in the deciding vote, 0 to 1",
        null_name="the best by chance",
        statistic=_support,
        versus=_support_versus,
    ),
    Sign(
        name="knowledge gained",
        about="probability of the right answers of the quiz, after minus before",
        null_name="no change",
        statistic=_learned,
        versus=_learned_versus,
    ),
)
