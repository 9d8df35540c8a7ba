"""NASH: the lottery with the largest product of chances, so that nobody's chance is traded away cheaply.

Frank-Wolfe over panels, with the weights of the known panels settled anew after each step (multiplicative updates, the
EM algorithm for mixtures). The pricing problem gives a seat the weight 1/pi. By concavity no lottery's mean log chance
is larger than ours by more than value/n - 1, where value is the largest weight of a panel: so the geometric mean is
within the factor exp(value/n - 1) of the best, and the log holds that proven gap.
"""

from __future__ import annotations

import numpy as np

from agents.errors import UserError
from societies.assembly.lottery.instance import Instance
from societies.assembly.lottery.leximin import prepare, work
from societies.assembly.lottery.lottery import Lottery, lottery
from societies.assembly.lottery.panels import best_panel, largest_with_fractions, quick_panel
from societies.assembly.lottery.programme import Herd
from societies.assembly.lottery.types import FloatArray

GAP = 1e-3
NUM_UPDATES = 2_000
NUM_ROUNDS = 2_000


def nash(pool: Instance, *, seed: int = 0, gap: float = GAP) -> Lottery:
    """Return a lottery whose geometric mean of chances is proven to be within exp(gap) of the largest.

    People who sit in no panel are left out of the product. Raises NoPanel when the quotas cannot be met, UserError
    when the gap is not reached.
    """
    types, polytope, columns, can_sit = prepare(pool, seed)
    rng = np.random.default_rng(seed)
    people = np.where(can_sit, polytope.sizes, 0.0)
    n = float(people.sum())
    Herd(polytope.sizes * (pool.k / pool.n), rng).gather(polytope, columns, max(8, types.num // 2))
    q = np.zeros(0)
    for rounds in range(1, NUM_ROUNDS + 1):
        panels = columns.array()
        q = np.concatenate([q * (1 - 1 / (1 + rounds)), np.full(len(panels) - len(q), 1.0)])
        q = settle(panels, people, q / q.sum())
        seat = _slope(q @ panels, people)
        bound = largest_with_fractions(polytope, seat) / n - 1
        proof = "panels with fractions"
        if bound > gap:
            panel = quick_panel(polytope, seat)
            columns.num_quick += 1
            if panel is None or float(seat @ panel) <= n * (1 + gap) or not columns.add(panel):
                panel, worth = best_panel(polytope, seat)
                columns.num_exact += 1
                columns.add(panel)
                bound, proof = worth / n - 1, "exact pricing"
        if bound <= gap:
            log: dict[str, float | str] = {
                "types": float(types.num),
                "proven_gap": bound,
                "proof": proof,
                "rounds": float(rounds),
            }
            return lottery(
                pool, types, panels, q, seed=seed, algorithm="nash", can_sit=can_sit, log=log | work(columns)
            )
        for _ in range(max(1, types.num // 40)):
            more = quick_panel(polytope, seat * (1 + 0.2 * rng.standard_normal(len(seat))))
            columns.num_quick += 1
            if more is not None:
                columns.add(more)
    raise UserError(
        f"NASH did not reach a gap of {gap} in {NUM_ROUNDS} rounds.", f"it stands at {bound:.1e}.", "allow a larger gap"
    )


def settle(panels: FloatArray, people: FloatArray, q: FloatArray) -> FloatArray:
    """Return weights q (P,) with a larger sum of people * log(pi) over the given panels; q must be positive.

    Each step multiplies q by the panel's slope, which is 1 at the optimum; it never lowers the sum.
    """
    for _ in range(NUM_UPDATES):
        slope = panels @ _slope(q @ panels, people) / people.sum()
        if slope.max() < 1 + GAP / 10:
            break
        q = q * slope
    kept: FloatArray = np.maximum(q / q.sum(), 1e-15)
    return kept


def _slope(mean: FloatArray, people: FloatArray) -> FloatArray:
    """Return what one more seat adds to the sum of people * log(mean seats); 0 for types that cannot sit."""
    return np.where(people > 0, people / np.maximum(mean, 1e-300), 0.0)
