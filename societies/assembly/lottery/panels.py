"""Finding single panels: the best one for given weights (exact), a good one (quick), and all types that can sit."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from agents.errors import UserError
from societies.assembly.lottery.instance import BoolArray
from societies.assembly.lottery.types import FloatArray, Polytope

WHOLE = 1e-6
NEAR = 40


class NoPanel(Exception):
    """No panel meets the quotas."""


def solver_error(doing: str, message: str) -> UserError:
    """Return the error for a solver that neither solved nor refuted its problem; nothing else is tried instead."""
    return UserError(
        f"The solver stopped while {doing}.",
        f"HiGHS says: {message}",
        "try another seed or algorithm, or widen the quotas; no result of this run should be used",
    )


def best_panel(polytope: Polytope, weights: FloatArray) -> tuple[FloatArray, float]:
    """Return the panel (T,) with the largest weights @ panel, and a proven upper bound of that value.

    weights: (T,) a seat. Raises NoPanel when there is none at all. Solver: HiGHS with no optimality gap allowed.
    """
    scale = float(np.abs(weights).max()) or 1.0
    found = milp(
        -weights / scale,
        integrality=np.ones(len(weights)),
        bounds=Bounds(polytope.least, polytope.most),
        constraints=LinearConstraint(polytope.matrix, polytope.lower, polytope.upper),
        options={"mip_rel_gap": 0.0},
    )
    panel = _checked(polytope, found, "looking for a panel")
    bound = found.fun if found.mip_dual_bound is None else min(found.mip_dual_bound, found.fun)
    return panel, max(-float(bound) * scale, float(weights @ panel))


def quick_panel(polytope: Polytope, weights: FloatArray) -> FloatArray | None:
    """Return a panel of nearly the largest weight, or None when rounding fails (which proves nothing).

    Solves the problem with fractions, keeps what came out whole, and settles the rest and the nearest ties exactly.
    """
    relaxed = _relax(polytope, weights)
    if relaxed.x is None:
        return None
    panel = np.round(relaxed.x)
    torn = np.abs(relaxed.x - panel) > WHOLE
    if not torn.any():
        return panel if polytope.holds(panel) else None
    dense = polytope.matrix[:, torn].toarray()
    prices = np.linalg.lstsq(dense.T, weights[torn], rcond=None)[0]
    distance = np.abs(weights - polytope.matrix.T @ prices)
    distance[torn] = -1.0
    open_ = np.argsort(distance, kind="stable")[: int(torn.sum()) + NEAR]
    kept = panel.copy()
    kept[open_] = 0.0
    rows = polytope.matrix @ kept
    part = milp(
        -weights[open_],
        integrality=np.ones(len(open_)),
        bounds=Bounds(polytope.least[open_], polytope.most[open_]),
        constraints=LinearConstraint(polytope.matrix[:, open_], polytope.lower - rows, polytope.upper - rows),
        options={"mip_rel_gap": 0.01},
    )
    if part.x is None:
        return None
    kept[open_] = np.round(part.x)
    return kept if polytope.holds(kept) else None


def largest_with_fractions(polytope: Polytope, weights: FloatArray) -> float:
    """Return max weights @ x over the panels with fractions: an upper bound for every panel and every lottery."""
    found = _relax(polytope, weights)
    if found.x is None:
        raise solver_error("bounding the panels", str(found.message))
    return -float(found.fun)


def possible_with_fractions(polytope: Polytope) -> bool:
    """Say whether the bounds can all be met at least on average. Raises UserError when the solver cannot tell."""
    found = _relax(polytope, np.zeros(len(polytope.sizes)))
    if found.status not in (0, 2):
        raise solver_error("looking for seats with fractions", str(found.message))
    return bool(found.status == 0)


def reach(polytope: Polytope, seed: int) -> tuple[FloatArray, BoolArray]:
    """Return panels (P, T) in which every type that can sit at all does, and bool (T,) for those types.

    Quick panels favour those not seen yet; when they seat nobody new, an exact search looks for a panel with any of
    them, and ends the matter when there is none. Raises NoPanel when there is no panel at all.
    """
    rng = np.random.default_rng(seed)
    seen = np.zeros(len(polytope.sizes), dtype=np.bool_)
    panels: list[FloatArray] = []
    while not seen.all():
        panel = quick_panel(polytope, np.where(seen, 0.0, 0.5 + rng.random(len(seen))))
        if panel is None or not (panel[~seen] > 0.5).any():
            try:
                panel = any_panel(polytope, ~seen)
            except NoPanel:
                if not panels:
                    raise
                break
        panels.append(panel)
        seen |= panel > 0.5
    return np.array(panels), seen


def any_panel(polytope: Polytope, some: BoolArray) -> FloatArray:
    """Return a panel that seats at least one person of the types in `some`. Raises NoPanel when there is none."""
    found = milp(
        np.zeros(len(some)),
        integrality=np.ones(len(some)),
        bounds=Bounds(polytope.least, polytope.most),
        constraints=[
            LinearConstraint(polytope.matrix, polytope.lower, polytope.upper),
            LinearConstraint(some.astype(np.float64)[None], 1.0, np.inf),
        ],
    )
    return _checked(polytope, found, "looking for a panel")


def _relax(polytope: Polytope, weights: FloatArray) -> Any:
    return milp(
        -weights,
        bounds=Bounds(polytope.least, polytope.most),
        constraints=LinearConstraint(polytope.matrix, polytope.lower, polytope.upper),
    )


def _checked(polytope: Polytope, found: Any, doing: str) -> FloatArray:
    if found.status == 2:
        raise NoPanel
    if found.status != 0 or found.x is None:
        raise solver_error(doing, str(found.message))
    panel: FloatArray = np.round(found.x)
    if not polytope.holds(panel):
        raise solver_error(doing, "a panel came back that breaks a quota")
    return panel
