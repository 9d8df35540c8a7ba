"""Where lock-in begins: does the error still shrink, how fast does precision grow, and which product divides the two.

Theory: (N - 1) * ai_trust * people_trust = 1 for a star, rho(W) = 1 in general (The Lock-in Hypothesis, theorem 3.2,
second hand). The locator below does not know it: it only looks at simulated beliefs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from societies.coevolution.lockin.simulate import Trajectory, people_and_ai, simulate
from societies.coevolution.lockin.trust import FloatArray, star_of_product

EARLY_SHARE = 8
"""The error at the end of a run is compared with the one after an eighth of it."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A bracket [lo, hi] of the control value at which lock-in begins, and its geometric middle."""

    value: float
    lo: float
    hi: float
    num_simulations: int


def shrinkage(early: FloatArray, late: FloatArray) -> float:
    """Return mean late error / mean early error: 1 is frozen, sqrt(T_early / T_late) learns from all evidence."""
    return float(np.mean(late) / np.mean(early))


def is_frozen(early: FloatArray, late: FloatArray, *, ratio: float = EARLY_SHARE) -> bool:
    """Tell whether errors shrink less than half as fast, on a log scale, as fresh evidence alone would make them.

    early, late: absolute errors, one a run. ratio: time of the late ones / time of the early ones. Fresh evidence
    leaves 1/sqrt(ratio) of the error, frozen beliefs leave all of it; the line is drawn at the geometric middle.
    """
    return bool(shrinkage(early, late) > float(ratio) ** -0.25)


def log_precision_slope(steps: Sequence[int] | FloatArray, log_precision: FloatArray) -> float:
    """Return the growth of the claimed log precision a step, by least squares.

    Above the threshold it tends to log rho; below it tends to 0, since precision is then linear in time.
    """
    t, y = np.asarray(steps, dtype=np.float64), np.asarray(log_precision, dtype=np.float64)
    if t.size < 2 or t.shape != y.shape or not np.isfinite(y).all():
        return math.nan
    return float(np.polyfit(t - t.mean(), y, 1)[0])


def growth_exponent(steps: tuple[int, int], log_precision: tuple[float, float]) -> float:
    """Return d log precision / d log time between two steps: 1 learns, 2 is the threshold, more is lock-in."""
    return (log_precision[1] - log_precision[0]) / (math.log(steps[1]) - math.log(steps[0]))


def locate(frozen: Callable[[float], bool], lo: float, hi: float, *, tolerance: float = 0.01) -> Threshold:
    """Return the control value at which `frozen` turns true, by bisection on a log scale.

    tolerance: relative width of the final bracket. Raises ValueError unless `lo` learns and `hi` is frozen.
    """
    if not 0 < lo < hi:
        raise ValueError(f"no bracket from {lo} to {hi}")
    if frozen(lo) or not frozen(hi):
        raise ValueError(f"the threshold is not between {lo} and {hi}: widen the bracket, or simulate longer")
    num = 2
    while hi / lo > 1 + tolerance:
        middle = math.sqrt(lo * hi)
        num += 1
        lo, hi = (lo, middle) if frozen(middle) else (middle, hi)
    return Threshold(math.sqrt(lo * hi), lo, hi, num)


def star_trajectory(
    product: float, *, num_agents: int = 101, num_steps: int = 2000, seeds: Sequence[int], record: Sequence[int] = ()
) -> Trajectory:
    """Return the simulation of an even star with this product, recorded at 1/8 of the run, at its end and on demand."""
    marks = {num_steps // EARLY_SHARE, num_steps, *record}
    world = people_and_ai(star_of_product(num_agents, product))
    return simulate(world, num_steps=num_steps, seeds=seeds, record=sorted(marks))


def locate_star(
    *,
    num_agents: int = 101,
    num_steps: int = 2000,
    seeds: Sequence[int] = range(15),
    lo: float = 0.5,
    hi: float = 2.0,
    tolerance: float = 0.01,
) -> Threshold:
    """Return the product at which an even star freezes, judged by its simulated errors alone."""

    def frozen(product: float) -> bool:
        found = star_trajectory(product, num_agents=num_agents, num_steps=num_steps, seeds=seeds)
        return is_frozen(found.error(num_steps // EARLY_SHARE), found.error(num_steps))

    return locate(frozen, lo, hi, tolerance=tolerance)
