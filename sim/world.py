"""The Mesa world: citizens on a social network, activated in two phases, with scalar metrics a tick.

Large numeric state stays in Polars columns; a citizen exists only for those who speak. In a tick all ask first, in a
reproducible order, then all apply: no citizen sees what another did in the same tick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import mesa
import networkx as nx
import numpy as np
from mesa.discrete_space import CellAgent, Network

from agents.persona import Persona

Ask = Callable[["Citizen"], Any]
Apply = Callable[["Citizen", Any], None]


class Citizen(CellAgent):  # type: ignore[misc]
    """A persona with a place in the network."""

    def __init__(self, model: World, persona: Persona, cell: Any) -> None:
        super().__init__(model)
        self.persona = persona
        self.cell = cell

    @property
    def neighbours(self) -> list[Citizen]:
        """Citizens at connected nodes, by persona id."""
        found = [agent for cell in self.cell.connections.values() for agent in cell.agents]
        return sorted(found, key=lambda citizen: citizen.persona.persona_id)


class World(mesa.Model):  # type: ignore[misc]
    """Citizens, their network, a tick counter and metrics.

    personas: one citizen each, in this order. network: a graph over 0..n-1; by default a small world with about
    `degree` neighbours each (Watts and Strogatz 1998) with rewiring 0.1.
    """

    def __init__(
        self, personas: Sequence[Persona], *, seed: int, degree: int = 6, network: nx.Graph | None = None
    ) -> None:
        super().__init__(rng=seed)
        self.tick = 0
        graph = small_world(len(personas), degree, seed) if network is None else network
        self.network = Network(graph, random=self.random)
        cells = {cell.coordinate: cell for cell in self.network.all_cells}
        self.citizens = [Citizen(self, persona, cells[n]) for n, persona in enumerate(personas)]
        self.metrics: list[dict[str, float]] = []

    def step_with(
        self,
        ask: Ask,
        answer: Callable[[list[Any]], Iterable[Any]],
        apply: Apply,
        measure: Callable[[World], dict[str, float]] | None = None,
    ) -> None:
        """Play one tick: all citizens ask in a shuffled, reproducible order; all are answered; all apply.

        answer: takes the questions in asking order and returns the answers in the same order.
        """
        order = [self.citizens[i] for i in self.rng.permutation(len(self.citizens))]
        answers = list(answer([ask(citizen) for citizen in order]))
        for citizen, reply in zip(order, answers, strict=True):
            apply(citizen, reply)
        self.tick += 1
        if measure is not None:
            self.metrics.append({"tick": float(self.tick), **measure(self)})

    def circle(self, number: int, seed: int) -> list[Persona]:
        """Return a circle of acquaintances: one citizen drawn by the seed, then nearest neighbours outwards.

        Ties at equal distance are broken by a seeded shuffle. Returns fewer when the component is smaller.
        """
        if not self.citizens:
            return []
        rng = np.random.default_rng(seed)
        ring = [self.citizens[int(rng.integers(len(self.citizens)))]]
        found: list[Citizen] = []
        seen = set(ring)
        while ring and len(found) < number:
            found += ring
            outer = [n for citizen in ring for n in citizen.neighbours if n not in seen]
            ring = list(dict.fromkeys(outer))
            rng.shuffle(ring)  # type: ignore[arg-type]
            seen.update(ring)
        return [citizen.persona for citizen in found[:number]]


def small_world(number: int, degree: int, seed: int) -> nx.Graph:
    """Return a connected small-world graph; tiny worlds are complete graphs."""
    if number <= degree + 1:
        return nx.complete_graph(number)
    return nx.connected_watts_strogatz_graph(number, max(2, degree), 0.1, tries=200, seed=seed)
