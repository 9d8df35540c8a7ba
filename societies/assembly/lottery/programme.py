"""Linear programmes over lotteries: with fractional panels (a bound), and by column generation (exact).

A lottery's mean seat counts lie in the hull of the panels, which lies inside the polytope of panels with fractions.
An optimum of the polytope that some lottery attains is therefore an optimum over all lotteries. `relaxed` finds the
first; `attain` adds panels until the two meet, or until the exact pricing problem proves that they do not.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from societies.assembly.lottery.panels import NoPanel, best_panel, quick_panel, solver_error
from societies.assembly.lottery.types import FloatArray, Polytope

PRICE = 1e-7
MANY = 6


@dataclass(frozen=True, slots=True, eq=False)
class Programme:
    """Minimise cost @ e subject to floor + rise @ e <= pi <= ceiling + drop @ e and cuts @ e <= limits.

    pi: (T,) selection probability by type; e: (m,) further variables with `bounds`. ceiling may be None.
    rise, drop: (T, m).
    """

    cost: FloatArray
    floor: FloatArray
    rise: FloatArray
    bounds: tuple[tuple[float | None, float | None], ...]
    ceiling: FloatArray | None = None
    drop: FloatArray | None = None
    cuts: FloatArray | None = None
    limits: FloatArray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """An optimum. weights: q (P,) over panels, or x (T,) seats with fractions. mean: (T,) seats.

    prices: (T,) floor duals minus ceiling duals, on pi: no lottery within the programme has prices @ pi above `level`.
    floors: (T,) floor duals, >= 0.
    """

    value: float
    extra: FloatArray
    weights: FloatArray
    mean: FloatArray
    prices: FloatArray
    floors: FloatArray
    level: float


@dataclass(slots=True)
class Columns:
    """The panels known so far, each once, and what it took to find them."""

    panels: list[FloatArray] = field(default_factory=list)
    num_exact: int = 0
    num_quick: int = 0
    _known: set[bytes] = field(default_factory=set)

    def add(self, panel: FloatArray) -> bool:
        """Keep a panel; False when it is known."""
        key = panel.astype(np.int32).tobytes()
        if key in self._known:
            return False
        self._known.add(key)
        self.panels.append(panel)
        return True

    def array(self) -> FloatArray:
        """Return them as (P, T)."""
        return np.array(self.panels)


def relaxed(programme: Programme, polytope: Polytope) -> Solved:
    """Solve the programme over panels with fractions. Raises a UserError when the solver fails."""
    shape = sparse.diags_array(1.0 / polytope.sizes).tocsr()
    rows = sparse.vstack([polytope.matrix, -polytope.matrix]).tocsr()
    limits = np.concatenate([polytope.upper, -polytope.lower])
    bounds = list(zip(polytope.least, polytope.most, strict=True))
    value, extra, x, prices, floors, _ = _solve(programme, shape, bounds, rows, limits, None)
    return Solved(value, extra, x, x, prices, floors, np.nan)


def restricted(programme: Programme, polytope: Polytope, panels: FloatArray) -> Solved:
    """Solve the programme over lotteries of the given panels (P, T)."""
    shape = sparse.csr_array((panels / polytope.sizes).T)
    bounds: list[tuple[float, float | None]] = [(0.0, None)] * len(panels)
    value, extra, q, prices, floors, level = _solve(programme, shape, bounds, None, None, np.ones(len(panels)))
    return Solved(value, extra, q, q @ panels, prices, floors, level)


def attain(
    programme: Programme,
    polytope: Polytope,
    columns: Columns,
    *,
    bound: float,
    tolerance: float,
    target: FloatArray,
    seed: int,
) -> Solved:
    """Return an optimum over all lotteries within `tolerance`; `columns` grows by the panels that it took.

    bound: a proven lower bound of the value (-inf: none); the search ends as soon as it is met. target: (T,) seat
    counts that the quick panels circle around. Otherwise it ends when the exact pricing problem finds no panel worth
    more than the current level, so that the result is optimal although the bound is not met.
    """
    rng = np.random.default_rng(seed)
    num = polytope.sizes.size
    herd = Herd(target, rng)
    while True:
        solved = restricted(programme, polytope, columns.array())
        if solved.value <= bound + tolerance:
            return solved
        seat = solved.prices / polytope.sizes
        panel, worth = best_panel(polytope, seat)
        columns.num_exact += 1
        if worth <= solved.level + PRICE:
            return replace(solved, level=worth)
        if not columns.add(panel):
            if worth <= solved.level + tolerance:
                return replace(solved, level=worth)
            raise solver_error("adding panels to the lottery", "the best panel is known already: prices are inexact")
        if herd.drawn < MANY * num:
            # About as many panels as types are needed to surround a point; a few more settle what is left.
            herd.gather(polytope, columns, max(8, num // 4 if herd.drawn else num))
            continue
        for _ in range(num // 20):
            columns.num_quick += 1
            quick = quick_panel(polytope, seat * (1 + 0.3 * rng.standard_normal(len(seat))))
            if quick is not None:
                columns.add(quick)


class Herd:
    """Panels whose running mean stays near a target (T,): each next one favours whoever is behind."""

    def __init__(self, target: FloatArray, rng: np.random.Generator) -> None:
        self.drawn = 0
        self._rng = rng
        self._target = target
        self._total = np.zeros_like(target)

    def gather(self, polytope: Polytope, columns: Columns, num: int) -> None:
        """Add `num` panels. Raises NoPanel when there is none."""
        for _ in range(num):
            self.drawn += 1
            behind = (self.drawn * self._target - self._total) / polytope.sizes
            panel = quick_panel(polytope, behind)
            if panel is None:
                panel = quick_panel(polytope, behind + np.abs(behind).mean() * self._rng.standard_normal(len(behind)))
            if panel is None:
                panel, _ = best_panel(polytope, behind)
                columns.num_exact += 1
            else:
                columns.num_quick += 1
            self._total += panel
            columns.add(panel)


def _solve(
    programme: Programme,
    shape: sparse.csr_array,
    bounds: list[tuple[float, float | None]],
    rows: sparse.csr_array | None,
    limits: FloatArray | None,
    unit: FloatArray | None,
) -> tuple[float, FloatArray, FloatArray, FloatArray, FloatArray, float]:
    """Solve over y >= 0 with pi = shape @ y; variables are (y, e)."""
    num_types, num_y = shape.shape
    num_extra = len(programme.cost)
    blocks = [sparse.hstack([-shape, sparse.csr_array(programme.rise)])]
    right = [-programme.floor]
    if programme.ceiling is not None and programme.drop is not None:
        blocks.append(sparse.hstack([shape, sparse.csr_array(-programme.drop)]))
        right.append(programme.ceiling)
    if rows is not None and limits is not None:
        blocks.append(sparse.hstack([rows, sparse.csr_array((rows.shape[0], num_extra))]))
        right.append(limits)
    if programme.cuts is not None and programme.limits is not None:
        blocks.append(sparse.hstack([sparse.csr_array((len(programme.cuts), num_y)), sparse.csr_array(programme.cuts)]))
        right.append(programme.limits)
    equal = None if unit is None else sparse.csr_array(np.concatenate([unit, np.zeros(num_extra)])[None])
    found = linprog(
        np.concatenate([np.zeros(num_y), programme.cost]),
        A_ub=sparse.vstack(blocks).tocsr(),
        b_ub=np.concatenate(right),
        A_eq=equal,
        b_eq=None if unit is None else np.ones(1),
        bounds=bounds + list(programme.bounds),
        method="highs-ds",
    )
    if found.status == 2:
        raise NoPanel
    if found.status != 0:
        raise solver_error("solving for a lottery", str(found.message))
    duals = -found.ineqlin.marginals
    floors = np.maximum(duals[:num_types], 0.0)
    prices = floors.copy()
    if programme.ceiling is not None:
        prices -= np.maximum(duals[num_types : 2 * num_types], 0.0)
    level = np.nan if unit is None else -float(found.eqlin.marginals[0])
    y = np.maximum(found.x[:num_y], 0.0)
    return float(found.fun), found.x[num_y:], y if unit is None else y / y.sum(), prices, floors, level
