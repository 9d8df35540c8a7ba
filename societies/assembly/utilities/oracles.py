"""Answerers with known utilities: for tests, for planning how many edges a study needs, and as null baselines.

They stand where a model would be asked; nothing they say is a finding about a model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from societies.assembly.utilities.edges import Edges, FloatArray, IntArray, edges
from societies.assembly.utilities.thurstone import preference

Oracle = Callable[[IntArray, IntArray], Edges]
"""Given two arrays of option numbers, answer each pair."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Thurstonian:
    """Draw `num_draws` answers a pair from known utilities mu and variances; advances its own generator."""

    mu: FloatArray
    var: FloatArray
    num_draws: int
    rng: np.random.Generator

    def __call__(self, first: IntArray, second: IntArray) -> Edges:
        """Answer each pair by the share of draws that prefer the first."""
        p = preference(self.mu[first], self.mu[second], self.var[first], self.var[second])
        share = self.rng.binomial(self.num_draws, p) / self.num_draws
        return edges(self.mu.size, first, second, share, np.full(share.shape, float(self.num_draws)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Strict:
    """Always prefer the option with the larger value; equal values are answered 1/2."""

    value: FloatArray

    def __call__(self, first: IntArray, second: IntArray) -> Edges:
        """Answer each pair with 1, 0 or 1/2."""
        p = (np.sign(self.value[first] - self.value[second]) + 1) / 2
        return edges(self.value.size, first, second, p)


def coin(num_options: int, *, num_draws: int, rng: np.random.Generator) -> Thurstonian:
    """Return the null: an answerer without preferences, which tosses a coin `num_draws` times a pair."""
    return Thurstonian(mu=np.zeros(num_options), var=np.ones(num_options), num_draws=num_draws, rng=rng)
