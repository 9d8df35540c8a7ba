"""GOLDILOCKS: no chance too small and none too large: minimise max n pi / k + gamma * max k / (n pi).

Baharav and Flanigan 2024, Fair, manipulation-robust, and transparent sortition, arXiv 2406.15009. The formula was
written down without the paper's text at hand: its form and the default gamma = 1 are not verified against it.

1 / v is convex in the smallest chance v, so tangents bound it from below; each solution adds the tangent at its own v
until the bound and the true value agree.
"""

from __future__ import annotations

import numpy as np

from agents.errors import UserError
from societies.assembly.lottery.instance import BoolArray, Instance
from societies.assembly.lottery.leximin import TOLERANCE, prepare, work
from societies.assembly.lottery.lottery import Lottery, lottery
from societies.assembly.lottery.panels import solver_error
from societies.assembly.lottery.programme import Programme, Solved, attain, relaxed

NUM_TANGENTS = 200


def goldilocks(pool: Instance, *, gamma: float = 1.0, seed: int = 0, tolerance: float = TOLERANCE) -> Lottery:
    """Return the lottery. People who sit in no panel are left out of the smallest chance.

    Raises NoPanel when the quotas cannot be met, UserError for a gamma that is not positive or a failing solver.
    """
    if not gamma > 0:
        raise UserError(
            f"gamma = {gamma} weighs the smallest chance by nothing.",
            "the method weighs both ends.",
            "give a positive number",
        )
    types, polytope, columns, can_sit = prepare(pool, seed)
    even = pool.k / pool.n
    touch = [even]

    def settled(solved: Solved) -> bool:
        _, low, inverse = solved.extra
        if even * gamma * (1 / low - inverse) <= tolerance:
            return True
        if len(touch) >= NUM_TANGENTS:
            raise solver_error("balancing the chances", f"{NUM_TANGENTS} tangents did not settle the smallest one")
        touch.append(float(low))
        return False

    while not settled(bound := relaxed(_programme(can_sit, even, gamma, touch), polytope)):
        pass
    while True:
        solved = attain(
            _programme(can_sit, even, gamma, touch),
            polytope,
            columns,
            bound=bound.value,
            tolerance=tolerance,
            target=bound.mean,
            seed=seed,
        )
        if settled(solved):
            break
    pi = solved.mean[can_sit] / polytope.sizes[can_sit]
    log: dict[str, float | str] = {
        "types": float(types.num),
        "gamma": gamma,
        "value": float(pi.max()) / even + gamma * even / float(pi.min()),
        "bound": bound.value,
    }
    panels = columns.array()[: len(solved.weights)]
    return lottery(
        pool,
        types,
        panels,
        solved.weights,
        seed=seed,
        algorithm="goldilocks",
        can_sit=can_sit,
        log=log | work(columns),
    )


def _programme(can_sit: BoolArray, even: float, gamma: float, touch: list[float]) -> Programme:
    """Return the programme in e = (largest chance, smallest chance, a bound of its inverse)."""
    num = len(can_sit)
    rise, drop = np.zeros((num, 3)), np.zeros((num, 3))
    rise[can_sit, 1] = 1.0
    drop[:, 0] = 1.0
    return Programme(
        cost=np.array([1 / even, 0.0, gamma * even]),
        floor=np.zeros(num),
        rise=rise,
        bounds=((0.0, 1.0), (1e-9, 1.0), (1.0, None)),
        ceiling=np.zeros(num),
        drop=drop,
        cuts=np.array([[0.0, -1 / v**2, -1.0] for v in touch]),
        limits=np.array([-2 / v for v in touch]),
    )
