"""Write a point of the polytope as a lottery over panels, one panel at a time: for pools with many types of people.

Take a panel that lies on every bound that the point lies on; move away from it, through the point, until another bound
is met; that far away lies a point on one bound more, and the point is a mixture of it and the panel. After at most as
many panels as there are bounds nothing is left to mix. No linear programme over all panels is needed, which is what
makes column generation slow for thousands of types. Source: the constructive proof of Caratheodory's theorem 1907.

Where some point on the way is no mixture of panels at all, no panel lies on its bounds: then nothing is returned, and
the caller goes on by column generation. The result is not taken on trust: the caller compares its mean with the target.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse

from societies.assembly.lottery.panels import NoPanel, best_panel, quick_panel
from societies.assembly.lottery.types import FloatArray, Polytope

CLOSE = 1e-9
DONE = 1e-9


def peel(polytope: Polytope, target: FloatArray, seed: int) -> tuple[FloatArray, FloatArray] | None:
    """Return panels (P, T) and weights (P,) whose mean is `target` seats (T,), to rounding; None when it gets stuck."""
    rng = np.random.default_rng(seed)
    x, left = target.astype(np.float64), 1.0
    panels: list[FloatArray] = []
    weights: list[float] = []
    for _ in range(2 * len(target) + 2 * len(polytope.lower) + 2):
        panel = _on_bounds(_face(polytope, x), x, rng)
        if panel is None:
            return None
        step = _reach(polytope, x, panel)
        panels.append(panel)
        weights.append(left * step)
        left *= 1 - step
        if left <= DONE:
            found = np.array(weights)
            return np.array(panels), found / found.sum()
        x = np.clip((x - step * panel) / (1 - step), polytope.least, polytope.most)
    return None


def _face(polytope: Polytope, x: FloatArray) -> Polytope:
    """Return the panels on every bound that x lies on."""
    rows = polytope.matrix @ x
    at_top, at_bottom = rows > polytope.upper - 1e-7, rows < polytope.lower + 1e-7
    return replace(
        polytope,
        lower=np.where(at_top, polytope.upper, polytope.lower),
        upper=np.where(at_bottom, polytope.lower, polytope.upper),
        least=np.where(x > polytope.most - CLOSE, polytope.most, np.maximum(polytope.least, np.floor(x + CLOSE))),
        most=np.where(x < polytope.least + CLOSE, polytope.least, np.minimum(polytope.most, np.ceil(x - CLOSE))),
    )


def _on_bounds(face: Polytope, x: FloatArray, rng: np.random.Generator) -> FloatArray | None:
    """Return a panel of the face; types that move (bounds apart) only, so that it gets faster as bounds are met.

    Types nearly used up are preferred: a panel without them would leave little room.
    """
    free = face.most - face.least > 0.5
    fixed = face.least.copy()
    rows = face.matrix @ np.where(free, 0.0, fixed)
    if not free.any():
        return fixed if face.holds(fixed) else None
    part = Polytope(
        matrix=sparse.csr_array(face.matrix[:, free]),
        lower=face.lower - rows,
        upper=face.upper - rows,
        least=face.least[free],
        most=face.most[free],
        sizes=face.sizes[free],
    )
    wish = (x - face.least)[free] + 1e-3 * rng.random(int(free.sum()))
    panel = quick_panel(part, wish)
    if panel is None:
        try:
            panel, _ = best_panel(part, wish)
        except NoPanel:
            return None
    fixed[free] = panel
    return fixed


def _reach(polytope: Polytope, x: FloatArray, panel: FloatArray) -> float:
    """Return the largest weight of the panel in x: how far one can go the other way before a bound is met."""
    rows, there = polytope.matrix @ x, polytope.matrix @ panel
    room = np.concatenate([polytope.upper - rows, rows - polytope.lower, polytope.most - x, x - polytope.least])
    used = np.concatenate(
        [polytope.upper - there, there - polytope.lower, polytope.most - panel, panel - polytope.least]
    )
    binding = used > 0.5
    return float(np.clip((room[binding] / used[binding]).min(initial=1.0), 0.0, 1.0))
