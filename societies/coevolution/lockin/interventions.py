"""What can be done about lock-in: trust the others less, sample for diversity, bring in fresh evidence.

Each turns the world of a step into another, from step `start` up to but not including `stop`, so arms differ in
nothing else. Only lowering trust moves the spectral radius; the other two change what is heard, and above the
threshold that is not enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from societies.coevolution.lockin.simulate import State, World
from societies.coevolution.lockin.trust import AI, FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class LowerTrust:
    """Multiply trust by `factor`, between 0 and 1.

    listener, source: only edges of this listener, or to this source; None is any. In a star, `listener=AI` lowers how
    much the AI trusts people, and `source=AI` how much people trust the AI.
    """

    start: int
    factor: float
    listener: int | None = None
    source: int | None = None
    stop: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.factor <= 1:
            raise ValueError(f"a factor of {self.factor} does not lower trust; use one above 0, up to 1")

    def apply(self, step: int, world: World, state: State) -> World:
        """Return the world with the chosen edges weakened."""
        if not _active(step, self.start, self.stop):
            return world
        trust = world.trust
        chosen = np.ones(trust.listeners.shape, dtype=bool)
        if self.listener is not None:
            chosen &= trust.listeners == self.listener
        if self.source is not None:
            chosen &= trust.sources == self.source
        weights = trust.log_weights + np.where(chosen, np.log(self.factor), 0.0)
        return replace(world, trust=replace(trust, log_weights=weights))


@dataclass(frozen=True, slots=True, kw_only=True)
class DiverseSampling:
    """Let one listener weigh its sources by how rare their beliefs are,; total trust is kept.

    strength: 0 changes nothing, 1 gives every bin of beliefs the same say. num_bins: over the beliefs' own range.
    """

    start: int
    strength: float = 1.0
    listener: int = AI
    num_bins: int = 20
    stop: int | None = None

    def apply(self, step: int, world: World, state: State) -> World:
        """Return the world with the listener's edges reweighed, run by run."""
        if not _active(step, self.start, self.stop):
            return world
        trust = world.trust
        own = np.flatnonzero(trust.listeners == self.listener)
        beliefs = state.mean[:, trust.sources[own]]
        shares = np.stack([diversity_weights(_bins(row, self.num_bins), self.strength) for row in beliefs])
        weights = np.broadcast_to(trust.log_weights, (beliefs.shape[0], trust.listeners.size)).copy()
        logs = weights[:, own]
        mixed = logs + np.log(shares)
        scale = np.logaddexp.reduce(logs, axis=1, keepdims=True) - np.logaddexp.reduce(mixed, axis=1, keepdims=True)
        weights[:, own] = mixed + scale
        return replace(world, trust=replace(trust, log_weights=weights))


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshEvidence:
    """Every agent with evidence sees `factor` times as much of it, and the AI its own.

    ai_precision: of the AI's own evidence a step; 0 leaves it without.
    """

    start: int
    factor: float = 1.0
    ai_precision: float = 0.0
    stop: int | None = None

    def apply(self, step: int, world: World, state: State) -> World:
        """Return the world with more evidence in it."""
        if not _active(step, self.start, self.stop):
            return world
        evidence = world.evidence * self.factor
        evidence[AI] = max(float(evidence[AI]), self.ai_precision)
        return replace(world, evidence=evidence)


def diversity_weights(labels: Sequence[object] | FloatArray, strength: float = 1.0) -> FloatArray:
    """Return sampling weights that add up to 1 and favour what is rare: in proportion to count(label)^-strength.

    labels: one an item, such as a topic, a cluster or a bin of beliefs. With strength 1 every label is drawn equally
    often. Any society can weigh its samples by this before a policy learns from them.
    """
    _, places, counts = np.unique(np.asarray(labels), return_inverse=True, return_counts=True)
    weights: FloatArray = counts[places].astype(np.float64) ** -strength
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _active(step: int, start: int, stop: int | None) -> bool:
    return start <= step and (stop is None or step < stop)


def _bins(values: FloatArray, num_bins: int) -> FloatArray:
    low, high = float(values.min()), float(values.max())
    if high <= low:
        return np.zeros(values.shape)
    places = np.floor((values - low) / (high - low) * num_bins)
    return np.asarray(np.minimum(places, num_bins - 1), dtype=np.float64)
