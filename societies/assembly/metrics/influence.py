"""Who was heard: shares of airtime, replies that came back, turns that said something new, and what went with whom."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agents.statistics.intervals import NOTHING, Interval, student_band
from societies.assembly.metrics.measured import FloatArray, Measured, resampled


def gini(amounts: npt.ArrayLike) -> float:
    """Return 2 sum r x_(r) / (n sum x) - (n + 1) / n: 0 for equal amounts, (n - 1)/n when one has all.

    nan when nobody has anything. Source: Gini 1912, in the form of Sen 1973.
    """
    x = np.sort(np.asarray(amounts, dtype=np.float64))
    total, n = float(x.sum()), x.size
    if n == 0 or total <= 0 or x[0] < 0:
        return math.nan
    return 2 * float(np.arange(1, n + 1) @ x) / (n * total) - (n + 1) / n


def airtime(words: FloatArray, *, seed: int = 0) -> Measured:
    """Measure the Gini of words spoken. words: one number a citizen who could have spoken, silent ones at 0. Null 0."""
    return resampled(gini, words, null=0.0, seed=seed)


def reciprocity(replies: FloatArray) -> float:
    """Return the share of replies that came back: sum min(r_ij, r_ji) / sum r_ij, in [0, 1]; nan without replies.

    replies[i, j]: how often i took up a point of j; the diagonal is ignored. Source: Squartini et al. 2013.
    """
    r = np.array(replies, dtype=np.float64)
    np.fill_diagonal(r, 0.0)
    total = float(r.sum())
    return float(np.minimum(r, r.T).sum()) / total if total > 0 else math.nan


def reciprocity_against_chance(replies: FloatArray, *, num_shuffles: int = 200, seed: int = 0) -> Measured:
    """Measure reciprocity with an interval over citizens; null: each citizen's replies go to random others.

    A citizen drawn twice does not reply to themselves: such pairs are left out of the resample.
    """
    r = np.asarray(replies, dtype=np.float64)
    n, rng = len(r), np.random.default_rng(seed)

    def among(rows: npt.NDArray[np.int64]) -> float:
        different = rows[:, None] != rows[None, :]
        return reciprocity(np.where(different, r[np.ix_(rows, rows)], 0.0))

    def shuffled() -> float:
        out = np.zeros_like(r)
        for i in range(n):
            others = np.delete(np.arange(n), i)
            out[i, rng.permutation(others)] = r[i, others]
        return reciprocity(out)

    null = float(np.mean([shuffled() for _ in range(num_shuffles)])) if n > 1 and num_shuffles else math.nan
    return resampled(among, np.arange(n), null=null, seed=seed)


def novelty(turns: FloatArray) -> FloatArray:
    """Return 1 - the largest cosine with any earlier turn, for each turn in order; the first turn has 1.

    turns: embeddings, shape (T, d), none of them 0. Low novelty late in a round is repetition or convergence.
    """
    lengths = np.linalg.norm(turns, axis=1, keepdims=True)
    if (lengths <= 0).any():
        raise ValueError("a turn has an embedding of length 0")
    unit = turns / lengths
    alike = np.tril(unit @ unit.T, -1) + np.triu(np.full((len(unit), len(unit)), -np.inf))
    nearest = alike.max(axis=1, initial=-np.inf)
    return np.where(np.isfinite(nearest), 1 - nearest, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """What went with speakers' speeches, in levels of agreement from 0 to 1; each number rests on n units.

    effect: mean |whole - without|; null: mean |whole - reordered|, which is what mere order does.
    excess: effect less that null, listener by listener; null 0.
    pull: mean way towards the speaker by hearing them; null: that towards somebody else at the table, by hearing the
    same speaker, since whatever moves listeners to the middle moves them towards most others.
    """

    effect: Measured
    excess: Measured
    pull: Measured


def pull(whole: npt.ArrayLike, without: npt.ArrayLike, own: npt.ArrayLike, theirs: npt.ArrayLike) -> FloatArray:
    """Return how far hearing a speaker moved each listener towards somebody: sign(theirs - own)(whole - without).

    All in levels of agreement from 0 to 1, of one shape or broadcast to it. whole, without: having read the speeches
    with and without the speaker's. own, theirs: of the listener and of the speaker, or whoever it may be, before the
    talk, from an answer of its own: taken from `without` the sign would follow that answer's noise, and noise alone
    would pull. In -1 .. 1; 0 between equals.
    """
    w, o, a, b = (np.asarray(one, dtype=np.float64) for one in (whole, without, own, theirs))
    return np.sign(b - a) * (w - o)


def left_out(
    whole: npt.ArrayLike,
    without: npt.ArrayLike,
    reordered: npt.ArrayLike,
    pulled: npt.ArrayLike,
    aside: npt.ArrayLike,
    units: Sequence[Hashable],
) -> LeftOut:
    """Measure what the speeches of those left out did to their listeners, beside what mere order does.

    One entry a listener and speaker. whole, without, reordered: levels of agreement from 0 to 1. pulled, aside: `pull`
    towards the speaker, and the mean of `pull` towards the others at the table; both nan where a speaker spoke for
    somebody else, who then counts for no pull. units: what may be taken for independent. Listeners of one speaker
    are not, since they read the same speeches: within one assembly the unit is the speaker, given its tables; over
    several it is the assembly, whose speakers share panel and question. Each unit counts once, by its mean, and the
    interval is Student's: units are few, and a bootstrap of few is too narrow. One unit has no interval.
    """
    w, o, r = (np.asarray(one, dtype=np.float64) for one in (whole, without, reordered))
    effect, order = _by_unit(np.abs(w - o), units), _by_unit(np.abs(w - r), units)
    towards, elsewhere = (_by_unit(np.asarray(one, dtype=np.float64), units) for one in (pulled, aside))
    return LeftOut(
        effect=_student(effect, null=_mean(order)),
        excess=_student(effect - order, null=0.0),
        pull=_student(towards, null=_mean(elsewhere)),
    )


def _by_unit(values: FloatArray, units: Sequence[Hashable]) -> FloatArray:
    """Return the mean of each unit, in the order of their first entries; units without a value are left out."""
    own: dict[Hashable, list[float]] = {}
    for unit, value in zip(units, values.tolist(), strict=True):
        if math.isfinite(value):
            own.setdefault(unit, []).append(value)
    return np.array([math.fsum(known) / len(known) for known in own.values()])


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if values.size else math.nan


def _student(values: FloatArray, *, null: float) -> Measured:
    if not values.size:
        return Measured(value=NOTHING, null=null, n=0)
    mean, lo, hi = (float(one) for one in student_band(values))
    se = float(values.std(ddof=1)) / math.sqrt(values.size) if values.size > 1 else math.nan
    return Measured(value=Interval(mean, se, lo, hi), null=null, n=values.size)
