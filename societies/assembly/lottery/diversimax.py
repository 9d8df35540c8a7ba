"""DIVERSIMAX: one panel whose intersections of features are as even as can be. It is no lottery.

Minimises the sum over pairs of features, and over the cells of each pair, of |people in the cell - k / cells|, under
the quotas. People of equal features stay interchangeable: among them a lot decides, and everybody else's chance is 0.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from agents.errors import UserError
from societies.assembly.lottery.instance import Instance
from societies.assembly.lottery.lottery import Lottery, lottery
from societies.assembly.lottery.panels import NoPanel, solver_error
from societies.assembly.lottery.types import types_of

NUM_PAIRS = 50


def diversimax(pool: Instance, *, seed: int = 0, time_limit_s: float = 120.0) -> Lottery:
    """Return the panel as a lottery of one. With more than 50 pairs of features, 50 of them are drawn by the seed.

    The log holds the sum reached and the gap that the solver could not close within the time limit (0: optimal).
    Raises NoPanel when the quotas cannot be met, UserError with fewer than two features or without any panel in time.
    """
    pairs = list(combinations(range(len(pool.features)), 2))
    if not pairs:
        raise UserError("The pool has fewer than two features.", "DIVERSIMAX evens out pairs.", "use leximin")
    if len(pairs) > NUM_PAIRS:
        chosen = np.random.default_rng(seed).choice(len(pairs), NUM_PAIRS, replace=False)
        pairs = [pairs[number] for number in sorted(chosen)]
    types = types_of(pool, whole=True)
    codes = pool.codes[np.unique(types.of, return_index=True)[1]]
    cells, goals, constant = [], [], 0.0
    for a, b in pairs:
        num_cells = len(pool.values[a]) * len(pool.values[b])
        joint = codes[:, a] * len(pool.values[b]) + codes[:, b]
        inhabited = np.unique(joint)
        cells += [joint == cell for cell in inhabited]
        goals += [pool.k / num_cells] * len(inhabited)
        constant += (num_cells - len(inhabited)) * pool.k / num_cells
    counts, goal = sparse.csr_array(np.array(cells, dtype=np.float64)), np.array(goals)
    gap = sparse.identity(len(goals))
    polytope = types.polytope
    found = milp(
        np.concatenate([np.zeros(types.num), np.ones(len(goals))]),
        integrality=np.concatenate([np.ones(types.num), np.zeros(len(goals))]),
        bounds=Bounds(
            np.concatenate([polytope.least, np.zeros(len(goals))]),
            np.concatenate([polytope.most, np.full(len(goals), np.inf)]),
        ),
        constraints=[
            LinearConstraint(
                sparse.hstack([polytope.matrix, sparse.csr_array((len(polytope.lower), len(goals)))]),
                polytope.lower,
                polytope.upper,
            ),
            LinearConstraint(sparse.hstack([counts, -gap]), -np.inf, goal),
            LinearConstraint(sparse.hstack([counts, gap]), goal, np.inf),
        ],
        options={"time_limit": time_limit_s, "mip_rel_gap": 1e-6},
    )
    if found.status == 2:
        raise NoPanel
    if found.x is None or found.status not in (0, 1):
        raise solver_error("looking for the most even panel", str(found.message))
    panel = np.round(found.x[: types.num])
    log: dict[str, float | str] = {
        "unevenness": float(np.abs(counts @ panel - goal).sum() + constant),
        "solver_gap": float(found.mip_gap or 0.0),
        "pairs": float(len(pairs)),
    }
    one = np.ones(1)
    return lottery(pool, types, panel[None], one, seed=seed, algorithm="diversimax", log=log)
