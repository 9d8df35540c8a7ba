"""Draws that look at no panel as a whole: a simple random sample, and a stratified one. Both are yardsticks.

Neither promises that a panel meets the quotas: the log says how often theirs do (`meets_quotas`), and the certificate's
check of the panels fails where one does not. Both are lotteries all the same, with known chances.
"""

from __future__ import annotations

import math

import numpy as np

from societies.assembly.lottery.instance import Instance
from societies.assembly.lottery.leximin import relaxed_levels
from societies.assembly.lottery.lottery import Lottery, lottery
from societies.assembly.lottery.panels import NoPanel, possible_with_fractions
from societies.assembly.lottery.types import FloatArray, Polytope, types_of

NUM_PANELS = 1000
TOLERANCE = 1e-9


def simple_random(pool: Instance, *, seed: int = 0) -> Lottery:
    """Return a simple random sample: every k people of different households alike, quotas or not.

    Written out as windows of k along random circles of people, at least 1000 of them, so that without households each
    chance is exactly k / n. Of a household drawn, one person sits by lot.
    """
    types = types_of(pool)
    rng = np.random.default_rng(seed)
    homes = np.arange(pool.n) if pool.households is None else pool.households
    by_home = np.argsort(homes, kind="stable")
    sizes = np.unique(homes, return_counts=True)[1]
    first, num = np.cumsum(sizes) - sizes, len(sizes)
    if num < pool.k:
        raise NoPanel
    a_turn = num // math.gcd(num, pool.k)
    turns = math.ceil(NUM_PANELS / a_turn)
    windows = (np.arange(a_turn)[:, None] * pool.k + np.arange(pool.k)) % num
    drawn = np.concatenate([rng.permutation(num)[windows] for _ in range(turns)])
    people = by_home[first[drawn] + np.floor(rng.random(drawn.shape) * sizes[drawn]).astype(np.int64)]
    panels = np.zeros((len(people), types.num))
    np.add.at(panels, (np.arange(len(people))[:, None], types.of[people]), 1.0)
    unique, counts = np.unique(panels, axis=0, return_counts=True)
    q = counts / counts.sum()
    log: dict[str, float | str] = {"types": float(types.num), "meets_quotas": _meeting(types.polytope, unique, q)}
    return lottery(pool, types, unique, q, seed=seed, algorithm="random", log=log)


def stratified(pool: Instance, *, seed: int = 0) -> Lottery:
    """Return a stratified sample: chances as equal as the quotas allow on average, drawn systematically.

    Strata are the types of people. Their expected seats meet every quota on average, with chances as equal as that
    allows (LEXIMIN over panels with fractions); people stand in the order of the quotas' features, and one random start
    takes every whole step along their summed chances. Each stratum gets its expected seats rounded up or down, and so
    does each run of strata: the first feature of the quotas is met most closely. Nothing here depends on the seed.
    Source: Madow 1949 (systematic sampling with unequal chances).
    Raises NoPanel when the quotas cannot even be met on average.
    """
    types = types_of(pool)
    polytope = types.polytope
    seats = expected_seats(polytope)
    ends = np.cumsum(seats)
    ends *= pool.k / ends[-1]
    ends = np.concatenate([[0.0], np.round(ends, 12)])
    ends[-1] = float(pool.k)
    starts = np.unique(np.concatenate([[0.0], ends - np.floor(ends)]))
    lengths = np.diff(np.append(starts, 1.0))
    middles = (starts + lengths / 2)[lengths > TOLERANCE]
    panels = np.diff(np.floor(ends[None, :] - middles[:, None]), axis=1)
    q = lengths[lengths > TOLERANCE] / lengths[lengths > TOLERANCE].sum()
    log: dict[str, float | str] = {"types": float(types.num), "meets_quotas": _meeting(polytope, panels, q)}
    return lottery(pool, types, panels, q, seed=seed, algorithm="stratified", log=log)


def expected_seats(polytope: Polytope) -> FloatArray:
    """Return seats on average (T,) that keep all bounds with chances as equal as can be. Raises NoPanel."""
    if not possible_with_fractions(polytope):
        raise NoPanel
    chances, _, _ = relaxed_levels(polytope, np.ones(len(polytope.sizes), dtype=np.bool_))
    return chances * polytope.sizes


def _meeting(polytope: Polytope, panels: FloatArray, q: FloatArray) -> float:
    """Return the share of the lottery's weight on panels that meet everything."""
    rows = panels @ polytope.matrix.T
    inside = (rows >= polytope.lower - 1e-6).all(axis=1) & (rows <= polytope.upper + 1e-6).all(axis=1)
    return float(q[inside].sum())
