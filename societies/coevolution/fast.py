"""Thousands of seeds at once: the same challenges where everybody is one vector, as arrays (num_seeds, T, D).

The policy is a vector, people are their mean, and training goes all the way: what the loop in `play` does step by step
for one population, in a few array operations for all seeds. Tests hold the two equal.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from agents.statistics.drift import Kind, steps
from agents.statistics.extrapolation import CAP, extrapolate
from societies.coevolution.protocols import Pulls

FloatArray = npt.NDArray[np.float64]
FastArm = Literal["none", "frozen", "learner", "oracle"]


def histories(
    num_seeds: int,
    *,
    num_timesteps: int = 9,
    num_dims: int = 19,
    start_sd: float = 1.0,
    drift: Kind = "linear",
    drift_sd: float = 0.4,
    period: float = 20.0,
    rng: np.random.Generator,
) -> FloatArray:
    """Return histories of mean values, one a seed, (num_seeds, num_timesteps, num_dims)."""
    start = rng.normal(0.0, start_sd, (num_seeds, 1, num_dims))
    moves = steps(
        drift, num_timesteps=num_timesteps, num_dims=num_seeds * num_dims, sd=drift_sd, period=period, rng=rng
    )
    moved = np.cumsum(moves, axis=0).reshape(num_timesteps, num_seeds, num_dims)
    return start + moved.swapaxes(0, 1)


def learn(seen: FloatArray | npt.NDArray[np.int8], order: int, horizon: int) -> FloatArray:
    """Return the policies E_t learned from what was seen at 1 .. t; E_0 is what was seen at 0.

    seen: (num_seeds, T, ...) readings, or signed votes of any shape. order 0 is lifelong learning.
    """
    known = np.asarray(seen, dtype=np.float64)
    out = known.copy()
    for t in range(1, seen.shape[1]):
        first = max(1, t - order)
        out[:, t] = extrapolate(known[:, first : t + 1].swapaxes(0, 1), order, horizon)
    return out


def learn_votes(votes: npt.NDArray[np.int8], order: int, horizon: int, *, cap: int | None = CAP) -> FloatArray:
    """Return the policies learned from hard votes, (num_seeds, T, num_dims), in units of the mean signed vote.

    votes: (num_seeds, T, num_dims, pairs_per_dim) of -1, 0 (missing) and +1. A pair whose copies come to 0 is left out,
    which leaves the sum as it is; the mean is over all pairs.
    """
    copies = learn(votes, order, horizon)
    if cap is not None:
        copies = np.clip(copies, -cap, cap)
    return np.asarray(copies.mean(axis=-1))


def cast_votes(
    values: FloatArray, thresholds: FloatArray, noise: float, rng: np.random.Generator
) -> npt.NDArray[np.int8]:
    """Return hard votes: +1 above a pair's threshold, -1 below, each the wrong way round with probability `noise`.

    thresholds: (num_dims, pairs_per_dim).
    """
    votes = np.where(values[..., None] > thresholds, 1, -1).astype(np.int8)
    if noise:
        votes[rng.random(votes.shape) < noise] *= -1
    return votes


def coevolve(
    history: FloatArray, arm: FastArm, pulls: Pulls, *, order: int = 0, horizon: int = 1
) -> tuple[FloatArray, FloatArray]:
    """Return (people S, policies E), each (num_seeds, T, D), of one arm of Coevolve.

    At t the examinee asks S_{t - 1}; then people go towards H_t, then towards E_t. pulls.spread does not apply.
    """
    people, policies = history.copy(), history.copy()
    for t in range(1, history.shape[1]):
        if arm == "oracle":
            policy = history[:, t]
        elif arm == "learner":
            first = max(0, t - 1 - order)
            policy = extrapolate(people[:, first:t].swapaxes(0, 1), order, horizon)
        else:
            policy = history[:, 0]
        moved = people[:, t - 1] + pulls.history * (history[:, t] - people[:, t - 1])
        if arm != "none":
            moved = moved + pulls.ai * (policy - moved)
        people[:, t], policies[:, t] = moved, policy
    return people, policies
