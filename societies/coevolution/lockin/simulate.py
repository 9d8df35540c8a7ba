"""Agents that learn from the world and from each other's conclusions: the numeric lock-in model, in log space.

Each step every agent sees fresh private evidence of a fixed truth, and adds the aggregates of those it trusts:
    q' = p' + W q,    nu' q' = muhat' p' + W (nu q)    (elementwise)
with p and muhat from private evidence, q and nu the aggregate. Evidence that comes back is counted again; above the
threshold precision grows like rho^t and passes any float (1e300 within some 1e4 steps at a product of 1.1), so q is
kept as its logarithm and nu as a weighted mean. Source: The Lock-in Hypothesis (arXiv 2506.06166), section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from societies.coevolution.lockin.trust import AI, FloatArray, IntArray, Trust

_CHUNK = 256
"""Steps whose evidence is drawn at once; it does not show in the results."""


@dataclass(frozen=True, slots=True)
class World:
    """What an intervention may change. evidence: precision of one step's private evidence, one an agent; 0 is none."""

    trust: Trust
    evidence: FloatArray


@dataclass(frozen=True, slots=True)
class State:
    """What the agents hold, each of shape (num_runs, num_agents).

    private: summed precision of private evidence. weighted: its precision-weighted sum. mean, log_precision: the
    aggregate nu and log q; -inf where an agent knows nothing, and its mean is then 0 and means nothing.
    """

    private: FloatArray
    weighted: FloatArray
    mean: FloatArray
    log_precision: FloatArray


class Intervention(Protocol):
    """Something done to the world at some steps."""

    def apply(self, step: int, world: World, state: State) -> World:
        """Return the world of this step, given what the agents held before it."""


@dataclass(frozen=True, slots=True)
class Trajectory:
    """A recorded simulation.

    steps: (num_records,). mean, log_precision: (num_records, num_runs, num_agents). truth: what there was to find.
    people: the agents with private evidence of their own; errors and precisions below are theirs.
    """

    steps: IntArray
    mean: FloatArray
    log_precision: FloatArray
    truth: float
    people: IntArray

    def at(self, step: int) -> int:
        """Return the place of a step. Raises ValueError when it was not recorded."""
        places = np.flatnonzero(self.steps == step)
        if not places.size:
            raise ValueError(f"step {step} was not recorded: {self.steps.tolist()}")
        return int(places[0])

    def belief(self, step: int) -> FloatArray:
        """Return the people's mean belief, one a run."""
        return np.asarray(self.mean[self.at(step)][:, self.people].mean(axis=1), dtype=np.float64)

    def error(self, step: int) -> FloatArray:
        """Return how far the people's mean belief is from the truth, one a run."""
        return np.abs(self.belief(step) - self.truth)

    def spread(self, step: int) -> FloatArray:
        """Return the standard deviation of the beliefs among the people, one a run: what is left of diversity."""
        return np.asarray(self.mean[self.at(step)][:, self.people].std(axis=1), dtype=np.float64)

    def log_mean_precision(self, step: int) -> float:
        """Return the logarithm of the precision that people claim, mean over runs and people."""
        values = self.log_precision[self.at(step)][:, self.people]
        return float(np.logaddexp.reduce(values, axis=None) - np.log(values.size))


def people_and_ai(trust: Trust, *, sigma: float = 1.0) -> World:
    """Return a world in which everybody has evidence of standard deviation `sigma` each step, but the AI has none."""
    evidence = np.full(trust.num_agents, sigma**-2)
    evidence[AI] = 0.0
    return World(trust, evidence)


def begin(num_runs: int, num_agents: int) -> State:
    """Return agents that know nothing."""
    nothing = np.zeros((num_runs, num_agents))
    return State(nothing, nothing, nothing, np.full((num_runs, num_agents), -np.inf))


def advance(state: State, world: World, noise: FloatArray, truth: float) -> State:
    """Return the agents one step on; everybody hears what the others held before it.

    noise: standard normal, shape (num_runs, num_agents).
    """
    private = state.private + world.evidence
    weighted = state.weighted + world.evidence * truth + np.sqrt(world.evidence) * noise
    with np.errstate(divide="ignore"):
        own = np.log(private)
    trust = world.trust
    heard = trust.log_weights + state.log_precision[:, trust.sources]
    peaks = _by_listener(np.maximum, heard, trust, -np.inf)
    lift = np.where(np.isfinite(peaks), peaks, 0.0)
    total = _by_listener(np.add, np.exp(heard - lift[:, trust.listeners]), trust, 0.0)
    with np.errstate(divide="ignore"):
        log_precision = np.logaddexp(own, lift + np.log(total))
    base = np.where(np.isfinite(log_precision), log_precision, 0.0)
    share = np.exp(heard - base[:, trust.listeners])
    with np.errstate(divide="ignore", invalid="ignore"):
        own_part = np.where(private > 0, weighted / private * np.exp(own - base), 0.0)
    mean = own_part + _by_listener(np.add, share * state.mean[:, trust.sources], trust, 0.0)
    return State(private, weighted, mean, log_precision)


def simulate(
    world: World,
    *,
    num_steps: int,
    seeds: Sequence[int],
    record: Sequence[int],
    truth: float = 0.0,
    interventions: Sequence[Intervention] = (),
) -> Trajectory:
    """Run the model once a seed and return what was held at the recorded steps (1 is the first).

    Equal seeds see equal evidence whatever the trust, so arms can be compared pair by pair.
    """
    steps = np.array(sorted(set(record)), dtype=np.int64)
    if not steps.size or steps[0] < 1 or steps[-1] > num_steps:
        raise ValueError(f"record steps from 1 to {num_steps}, not {list(record)}")
    rngs = [np.random.default_rng(seed) for seed in seeds]
    num_agents = world.trust.num_agents
    state = begin(len(rngs), num_agents)
    means, precisions = [], []
    wanted = set(steps.tolist())
    noise = np.empty(0)
    for step in range(1, num_steps + 1):
        place = (step - 1) % _CHUNK
        if place == 0:
            noise = np.stack([rng.standard_normal((_CHUNK, num_agents)) for rng in rngs], axis=1)
        now = world
        for intervention in interventions:
            now = intervention.apply(step, now, state)
        state = advance(state, now, noise[place], truth)
        if step in wanted:
            means.append(state.mean)
            precisions.append(state.log_precision)
    people = np.flatnonzero(world.evidence > 0)
    return Trajectory(steps, np.stack(means), np.stack(precisions), truth, people)


def _by_listener(reduce: np.ufunc, values: FloatArray, trust: Trust, empty: float) -> FloatArray:
    """Return (num_runs, num_agents): values (num_runs, num_edges) reduced over each listener's edges."""
    out = np.full((values.shape[0], trust.num_agents), empty)
    if trust.listeners.size:
        first = np.flatnonzero(np.diff(trust.listeners, prepend=-1))
        out[:, trust.listeners[first]] = reduce.reduceat(values, first, axis=1)
    return out
