"""How alike two value vectors are: the raw cosine, and the centred one that can say that it is undefined."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agents.errors import UserError

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
FLAT = 1e-9
"""A vector this much shorter than what it was centred from has no direction."""


@dataclass(frozen=True, slots=True)
class Similarity:
    """values: nan where undefined. undefined: where a vector has no direction (no length, or no variation left)."""

    values: FloatArray
    undefined: BoolArray


def cosine(left: FloatArray, right: FloatArray) -> FloatArray:
    """Return the cosine along the last axis, in [-1, 1]; nan where a vector is all zeros or not finite.

    left, right: (..., num_dims), broadcast. Raises UserError for unequal numbers of dimensions.
    Raw cosines of value vectors barely tell weak policies apart; publish `centred_cosine` beside them.
    """
    a, b = same_dims(left, right)
    return _cosine(a, b, np.zeros(a.shape[-1])).values


def centred_cosine(left: FloatArray, right: FloatArray, centre: FloatArray) -> Similarity:
    """Return the cosine after `centre` (the uniform responder's vector, or the initial one) was subtracted from both.

    Where one of them equals the centre there is nothing to compare: nan, and undefined says so; never 0.
    """
    a, b = same_dims(left, right)
    same_dims(a, centre)
    return _cosine(a, b, np.asarray(centre, dtype=np.float64))


def same_dims(left: FloatArray, right: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return both as float64 arrays. Raises UserError when their last axes differ."""
    a, b = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if a.ndim == 0 or b.ndim == 0 or a.shape[-1] != b.shape[-1]:
        raise UserError(
            f"Value vectors of {_size(a)} and {_size(b)} dimensions were compared.",
            "a cosine needs the same dimensions on both sides.",
            "measure both with the same instrument",
        )
    return a, b


def _size(vector: FloatArray) -> int:
    return vector.shape[-1] if vector.ndim else 0


def _cosine(a: FloatArray, b: FloatArray, centre: FloatArray) -> Similarity:
    x, y = a - centre, b - centre
    long_x, long_y = np.linalg.norm(x, axis=-1), np.linalg.norm(y, axis=-1)
    size = float(np.linalg.norm(centre))
    with np.errstate(invalid="ignore", divide="ignore"):
        flat = (long_x <= FLAT * size) | (long_y <= FLAT * size) | ~np.isfinite(long_x + long_y)
        values = np.clip((x / long_x[..., None] * (y / long_y[..., None])).sum(-1), -1.0, 1.0)
    return Similarity(np.where(flat, np.nan, values), np.broadcast_to(flat, values.shape))
