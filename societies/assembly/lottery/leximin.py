"""LEXIMIN and MAXIMIN: the smallest chance as large as can be; then, for LEXIMIN, the next smallest, and so on.

Flanigan, Goelz, Gupta, Hennig and Procaccia 2021, Fair algorithms for selecting citizens' assemblies, Nature 596.

The levels are solved over panels with fractions first; a lottery that attains their solution is LEXIMIN among all
lotteries, because the lotteries are a part of what was optimised over. Only where no lottery attains it are the levels
solved again by column generation with an exact pricing problem; the log says which of the two it was.

Errors are proven, not assumed. With duals w at a level of value z, everybody fixed at that level satisfies
pi <= z + gap / w in every lottery that keeps the levels, where gap compares w @ pi with its proven maximum. The log's
`certified_error` is the largest such bound; `attained_within` is the largest shortfall of the lottery itself.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from societies.assembly.lottery.instance import BoolArray, Instance
from societies.assembly.lottery.lottery import Lottery, lottery, narrowed
from societies.assembly.lottery.panels import NoPanel, largest_with_fractions, reach, solver_error
from societies.assembly.lottery.peel import peel
from societies.assembly.lottery.programme import Columns, Programme, Solved, attain, relaxed, restricted
from societies.assembly.lottery.types import FloatArray, Polytope, Types, types_of

TOLERANCE = 1e-6
CERTIFIED = 1e-4
MEASURABLE = 1e-9
LARGE = 400
"""Types from which panels are peeled off the levels before any column generation."""


def leximin(pool: Instance, *, seed: int = 0, tolerance: float = TOLERANCE, exact: bool = False) -> Lottery:
    """Return the LEXIMIN lottery. Raises NoPanel when the quotas cannot be met, UserError when the solver fails.

    tolerance: how far a chance may fall short of its level. exact: skip the panels with fractions and use column
    generation from the start (slower, the same lottery).
    """
    types, polytope, columns, can_sit = prepare(pool, seed)
    log: dict[str, float | str] = {"types": float(types.num)}
    attained = None
    if not exact:
        target, error, num_levels = relaxed_levels(polytope, can_sit)
        attained = realise(polytope, columns, target, seed=seed, tolerance=tolerance)
        log |= {"levels": float(num_levels), "certified_error": error}
    if attained is None:
        attained, error, num_levels = _exact_levels(polytope, columns, can_sit, seed, tolerance)
        log |= {"proof": "column generation", "levels": float(num_levels), "certified_error": error}
    else:
        log |= {"proof": "bound attained", "attained_within": max(attained.value, 0.0)}
    log |= work(columns)
    return lottery(
        pool,
        types,
        columns.array()[: len(attained.weights)],
        attained.weights,
        seed=seed,
        algorithm="leximin",
        can_sit=can_sit,
        log=log,
    )


def maximin(pool: Instance, *, seed: int = 0, tolerance: float = TOLERANCE) -> Lottery:
    """Return a lottery whose smallest chance is as large as can be; the other chances are as they fall out.

    Raises NoPanel when the quotas cannot be met, UserError when the solver fails.
    """
    types, polytope, columns, can_sit = prepare(pool, seed)
    level = _level(np.where(can_sit, np.nan, 0.0))
    bound = relaxed(level, polytope)
    solved = attain(level, polytope, columns, bound=bound.value, tolerance=tolerance, target=bound.mean, seed=seed)
    log: dict[str, float | str] = {"types": float(types.num), "minimum": -solved.value, "bound": -bound.value}
    log |= work(columns)
    panels = columns.array()[: len(solved.weights)]
    return lottery(pool, types, panels, solved.weights, seed=seed, algorithm="maximin", can_sit=can_sit, log=log)


def prepare(pool: Instance, seed: int) -> tuple[Types, Polytope, Columns, BoolArray]:
    """Return types, polytope, first panels and who can sit: the start of every algorithm. Raises NoPanel."""
    types = types_of(pool)
    first, can_sit = reach(types.polytope, seed)
    columns = Columns(num_exact=len(first))
    for panel in first:
        columns.add(panel)
    return types, narrowed(types.polytope, can_sit), columns, can_sit


def work(columns: Columns) -> dict[str, float | str]:
    """Return what the search cost."""
    found = {"panels_known": len(columns.panels), "exact_panels": columns.num_exact, "quick_panels": columns.num_quick}
    return {name: float(number) for name, number in found.items()}


def realise(polytope: Polytope, columns: Columns, target: FloatArray, *, seed: int, tolerance: float) -> Solved | None:
    """Return a lottery in which nobody falls more than `tolerance` short of `target` (T,); None if there is none.

    With many types panels are peeled off the target one by one (`peel`), which needs no linear programme over panels.
    """
    seats = target * polytope.sizes
    face = polytope.face(seats)
    if len(target) >= LARGE and (found := peel(face, seats, seed)) is not None:
        panels, weights = found
        short = float((target - weights @ panels / polytope.sizes).max())
        if short <= tolerance and all(face.holds(panel) for panel in panels):
            return _peeled(columns, panels, weights, short)
    one = np.ones((len(target), 1))
    programme = Programme(cost=np.ones(1), floor=target, rise=-one, bounds=((0.0, None),))
    try:
        solved = attain(programme, face, columns, bound=0.0, tolerance=tolerance, target=seats, seed=seed)
    except NoPanel:
        return None
    return solved if solved.value <= tolerance else None


def _peeled(columns: Columns, panels: FloatArray, weights: FloatArray, short: float) -> Solved:
    """Return the peeled lottery in the form of a programme's solution; `columns` then holds its panels alone."""
    unique, where = np.unique(panels, axis=0, return_inverse=True)
    columns.panels[:] = list(unique)
    columns.num_quick += len(panels)
    mass = np.bincount(where.reshape(-1), weights=weights).astype(np.float64)
    none = np.zeros(0)
    return Solved(
        value=short, extra=none, weights=mass, mean=mass @ unique, prices=none, floors=none, level=float("nan")
    )


def relaxed_levels(polytope: Polytope, can_sit: BoolArray) -> tuple[FloatArray, float, int]:
    """Return LEXIMIN's chances (T,) over panels with fractions, the largest proven error, and the programmes."""

    def solve(programme: Programme) -> tuple[Solved, float]:
        solved = relaxed(programme, polytope)
        return solved, largest_with_fractions(polytope, solved.floors / polytope.sizes)

    return _levels(solve, can_sit)


def _exact_levels(
    polytope: Polytope, columns: Columns, can_sit: BoolArray, seed: int, tolerance: float
) -> tuple[Solved, float, int]:
    target = relaxed(_level(np.where(can_sit, np.nan, 0.0)), polytope).mean

    def solve(programme: Programme) -> tuple[Solved, float]:
        solved = attain(programme, polytope, columns, bound=-np.inf, tolerance=tolerance, target=target, seed=seed)
        return solved, solved.level

    pi, error, num_levels = _levels(solve, can_sit)
    one = np.ones((len(pi), 1))
    last = Programme(cost=np.ones(1), floor=pi, rise=-one, bounds=((0.0, None),))
    return restricted(last, polytope, columns.array()), error, num_levels


def _levels(solve: Callable[[Programme], tuple[Solved, float]], can_sit: BoolArray) -> tuple[FloatArray, float, int]:
    """Return the levels (T,), the largest proven error of one, and how many programmes it took."""
    fixed = np.where(can_sit, np.nan, 0.0)
    worst, rounds = 0.0, 0
    while (free := np.isnan(fixed)).any():
        rounds += 1
        solved, top = solve(_level(fixed))
        z, duals = -solved.value, solved.floors
        gap = max(top - float(duals[free].sum()) * z - float(duals[~free] @ fixed[~free]), 0.0)
        certain = free & (duals > MEASURABLE) & (gap <= CERTIFIED * duals)
        if not certain.any():
            raise solver_error("fixing a level", f"its duals leave a gap of {gap:.1e}")
        worst = max(worst, gap / float(duals[certain].min()))
        fixed[certain] = z
    return fixed, worst, rounds


def _level(fixed: FloatArray) -> Programme:
    """Return: maximise z with pi >= z for types that are not fixed yet (nan) and pi >= fixed for the others."""
    free = np.isnan(fixed)
    return Programme(
        cost=-np.ones(1),
        floor=np.where(free, 0.0, fixed),
        rise=free.astype(np.float64)[:, None],
        bounds=((None, None),),
    )
