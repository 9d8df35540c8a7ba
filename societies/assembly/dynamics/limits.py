"""Where opinions end up, without walking there, and whose starting opinion counts for how much."""

from __future__ import annotations

import numpy as np

from agents.errors import UserError
from societies.assembly.dynamics.trust import FloatArray, check_opinions, check_trust, check_unit


def is_primitive(trust: FloatArray) -> bool:
    """Return whether some power of W has no zero: then DeGroot ends in one common opinion.

    Source: Wielandt's bound, (n - 1)^2 + 1 steps are enough (Horn and Johnson 2013, chapter 8).
    """
    size = len(trust)
    reach = np.asarray(trust) > 0
    steps = (size - 1) ** 2 + 1
    # Squaring may go past the bound: a primitive pattern that is once full stays full.
    for _ in range(max(1, steps.bit_length())):
        if reach.all():
            return True
        reach = (reach.astype(np.float64) @ reach.astype(np.float64)) > 0
    return bool(reach.all())


def consensus_weights(trust: FloatArray) -> FloatArray:
    """Return pi with pi W = pi and sum 1: the DeGroot consensus is pi . x0.

    Raises UserError when W is not primitive: there may then be no consensus. Source: DeGroot 1974.
    """
    w = check_trust(trust, len(trust))
    if not is_primitive(w):
        raise UserError(
            "This trust has no common limit.",
            "Some citizens never hear of each other, or opinions go round in a circle.",
            "give every citizen some weight of their own and connect the tables",
        )
    size = len(w)
    equations = np.vstack([w.T - np.eye(size), np.ones(size)])
    pi, *_ = np.linalg.lstsq(equations, np.append(np.zeros(size), 1.0), rcond=None)
    return np.asarray(pi, dtype=np.float64)


def friedkin_johnsen_limit(start: FloatArray, trust: FloatArray, susceptibility: FloatArray) -> FloatArray:
    """Return (I - L W)^-1 (I - L) x0. Raises UserError when the spectral radius of L W reaches 1.

    Source: Friedkin and Johnsen 1990.
    """
    x0 = check_opinions(start)
    return np.asarray(reach_of(trust, susceptibility) @ x0)


def reach_of(trust: FloatArray, susceptibility: FloatArray) -> FloatArray:
    """Return V = (I - L W)^-1 (I - L), shape (n, n): how much of i's final opinion is j's first one; rows add up to 1.

    The mean of a column is a citizen's influence on the whole assembly. Raises UserError as above.
    """
    size = len(trust)
    w, own = check_trust(trust, size), check_unit(susceptibility, size, "susceptibility")
    pulled = own[:, None] * w
    if float(np.abs(np.linalg.eigvals(pulled)).max(initial=0.0)) >= 1 - 1e-12:
        raise UserError(
            "These susceptibilities have no closed limit.",
            "Some group listens only to itself and is not tied to where it began.",
            "give one of its members a susceptibility below 1, or use the DeGroot consensus",
        )
    return np.asarray(np.linalg.solve(np.eye(size) - pulled, np.diag(1 - own)))
