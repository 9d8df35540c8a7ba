"""Classic models of how opinions move: null models to hold an assembly against, not models of citizens.

Opinions are numbers in [-1, 1], shape (n,); trust is a matrix W, shape (n, n), row i how much i listens to each j.
Each function returns the path, shape (num_steps + 1, n), the starting opinions first.
"""

from __future__ import annotations

import numpy as np

from societies.assembly.dynamics.trust import FloatArray, check_opinions, check_trust, check_unit


def degroot(start: FloatArray, trust: FloatArray, *, num_steps: int) -> FloatArray:
    """Follow x' = W x: everyone takes the average of those they trust. Source: DeGroot 1974."""
    return friedkin_johnsen(start, trust, np.ones(np.size(start)), num_steps=num_steps)


def friedkin_johnsen(start: FloatArray, trust: FloatArray, susceptibility: FloatArray, *, num_steps: int) -> FloatArray:
    """Follow x' = L W x + (I - L) x0: everyone is partly tied to where they began.

    susceptibility: the diagonal of L, shape (n,), in [0, 1]; 1 is DeGroot, 0 never moves.
    Source: Friedkin and Johnsen 1990.
    """
    x0 = check_opinions(start)
    weights = check_trust(trust, x0.size)
    own = check_unit(susceptibility, x0.size, "susceptibility")
    path = np.empty((num_steps + 1, x0.size))
    path[0] = x0
    for step in range(num_steps):
        path[step + 1] = own * (weights @ path[step]) + (1 - own) * x0
    return path


def hegselmann_krause(start: FloatArray, confidence: float, *, max_steps: int = 1000) -> FloatArray:
    """Follow x'_i = mean of all x_j with |x_j - x_i| <= confidence, oneself included, all at once.

    Stops as soon as nobody moves, which happens after finitely many steps; the path ends there.
    Source: Hegselmann and Krause 2002. (Updating one node a step, as some libraries do, is another model.)
    """
    x = check_opinions(start)
    path = [x]
    for _ in range(max_steps):
        moved = bounded_mean(x, confidence)
        if np.allclose(moved, x, rtol=0, atol=1e-14):
            break
        path.append(moved)
        x = moved
    return np.stack(path)


def bounded_mean(x: FloatArray, confidence: float) -> FloatArray:
    """Return each one's mean over all opinions within `confidence` of their own: one Hegselmann-Krause step."""
    near = (np.abs(x[:, None] - x[None, :]) <= confidence).astype(np.float64)
    return np.asarray((near @ x) / near.sum(axis=1))


def deffuant(
    start: FloatArray, confidence: float, *, rate: float = 0.5, num_steps: int, rng: np.random.Generator
) -> FloatArray:
    """Follow random pairs: when |x_i - x_j| < confidence each moves by rate * difference towards the other.

    One step is one pair. rate: in [0, 1/2]; the mean opinion never changes. Source: Deffuant et al. 2000.
    """
    x = check_opinions(start).copy()
    path = np.empty((num_steps + 1, x.size))
    path[0] = x
    for step in range(num_steps):
        i, j = rng.choice(x.size, size=2, replace=False)
        apart = x[j] - x[i]
        if abs(apart) < confidence:
            x[i] += rate * apart
            x[j] -= rate * apart
        path[step + 1] = x
    return path


def altafini(start: FloatArray, trust: FloatArray, *, num_steps: int) -> FloatArray:
    """Follow x' = W x with signed W whose rows have absolute sum 1: a negative weight is distrust.

    Structurally balanced camps end at opposite values, otherwise opinions shrink to 0.
    Source: Altafini 2013, in discrete time.
    """
    x0 = check_opinions(start)
    weights = check_trust(trust, x0.size, signed=True)
    path = np.empty((num_steps + 1, x0.size))
    path[0] = x0
    for step in range(num_steps):
        path[step + 1] = weights @ path[step]
    return path
