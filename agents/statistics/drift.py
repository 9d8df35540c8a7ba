"""A known movement of values, timestep by timestep, and random streams that depend on their words alone."""

from __future__ import annotations

import hashlib
from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Kind = Literal["none", "linear", "wave", "walk"]
KINDS: tuple[str, ...] = ("none", "linear", "wave", "walk")


def stream(seed: int, *words: object) -> np.random.Generator:
    """Return the random stream of a purpose: it depends on the seed and the words alone, never on what ran before."""
    text = "\x1f".join([str(seed), *map(str, words)])
    return np.random.default_rng(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "big"))


def steps(
    kind: Kind, *, num_timesteps: int, num_dims: int, sd: float, period: float, rng: np.random.Generator
) -> FloatArray:
    """Return the change of the mean from t - 1 to t, (num_timesteps, num_dims); row 0 is 0.

    sd: of one timestep's change in one dimension. Row t is the same however many timesteps follow it.
    linear: one velocity for ever. wave: the same velocity at first, then to and fro with this period, in timesteps.
    walk: every timestep a fresh change.
    """
    times = np.arange(num_timesteps, dtype=np.float64)[:, None]
    speed = rng.normal(0.0, sd, (1, num_dims))
    if kind == "walk":
        moved = np.cumsum(rng.normal(0.0, sd, (num_timesteps, num_dims)), axis=0)
    elif kind == "wave":
        moved = speed * period / (2 * np.pi) * np.sin(2 * np.pi * times / period)
    elif kind == "linear":
        moved = speed * times
    else:
        moved = np.zeros((num_timesteps, num_dims))
    return np.diff(moved, axis=0, prepend=moved[:1])
