"""How alike two directions are: the cosine, raw or about a centre, and standard scores over time.

A cosine without a direction is nan with its reason, never 0: a policy that does not differ from the centre is neither
like nor unlike anything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Vector = Sequence[float] | FloatArray
RELATIVE = 1e-9
"""A difference below this share of what was subtracted is rounding, not a direction."""


@dataclass(frozen=True, slots=True)
class Similarity:
    """A cosine in [-1, 1]; nan with a flag that says why when it is undefined."""

    value: float
    flag: str = ""


def cosine(first: Vector, second: Vector) -> Similarity:
    """Return the cosine of two vectors. Invariant to positive scaling and to the order of the dimensions.

    nan, flagged, for a vector of zeros or with a value missing. Raises ValueError for different shapes.
    """
    a, b = _pair(first, second)
    return _cosine(a, b, np.zeros_like(a))


def centred_cosine(first: Vector, second: Vector, centre: Vector) -> Similarity:
    """Return the cosine of two vectors after subtracting a centre, such as the uniform responder's vector.

    nan, flagged, when one of them does not differ from the centre beyond rounding.
    """
    a, b = _pair(first, second)
    return _cosine(a, b, _pair(first, centre)[1])


def standardised(series: FloatArray) -> FloatArray:
    """Return [time, dim] as standard scores over time, per dimension; nan for a dimension that never moves."""
    values = np.asarray(series, dtype=np.float64)
    if values.ndim != 2:
        raise ValueError(f"a series has the shape (time, dim), not {values.shape}")
    middle = values.mean(axis=0)
    spread = values.std(axis=0)
    moving = spread > RELATIVE * np.maximum(np.abs(middle), np.finfo(np.float64).tiny)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(moving, (values - middle) / spread, np.nan), dtype=np.float64)


def _pair(first: Vector, second: Vector) -> tuple[FloatArray, FloatArray]:
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"vectors of the shapes {a.shape} and {b.shape} cannot be compared")
    return a, b


def _cosine(a: FloatArray, b: FloatArray, centre: FloatArray) -> Similarity:
    if not (np.isfinite(a).all() and np.isfinite(b).all() and np.isfinite(centre).all()):
        return Similarity(math.nan, "a value is missing")
    units = []
    for name, vector in (("first", a), ("second", b)):
        difference = vector - centre
        largest = float(np.abs(difference).max(initial=0.0))
        if largest <= RELATIVE * float(max(np.abs(vector).max(initial=0.0), np.abs(centre).max(initial=0.0))):
            return Similarity(math.nan, f"the {name} vector does not differ from the centre: no direction")
        # Scaled first, so that the squares of tiny or huge vectors neither vanish nor overflow.
        scaled = difference / largest
        units.append(scaled / np.linalg.norm(scaled))
    return Similarity(float(np.clip(units[0] @ units[1], -1.0, 1.0)))
