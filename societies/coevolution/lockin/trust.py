"""Who listens to whom, and how much: a trust matrix as sorted edges, and its spectral radius.

W[i, j] >= 0 is the weight with which agent i adds agent j's aggregate to its own evidence. Weights are kept as
logarithms, since interventions multiply them. Source: Qiu et al. 2025 (The Lock-in Hypothesis, arXiv 2506.06166),
section 3; second hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import networkx as nx

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
AI = 0
"""The agent in the middle of a star."""
DENSE = 1500
"""Largest strongly connected part whose eigenvalues are all computed."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Edges sorted by listener: `listeners[e]` gives weight exp(log_weights[..., e]) to `sources[e]`.

    log_weights: shape (num_edges,), or (num_runs, num_edges) where an intervention weighs each run differently.
    """

    num_agents: int
    listeners: IntArray
    sources: IntArray
    log_weights: FloatArray

    def matrix(self) -> FloatArray:
        """Return W, shape (num_agents, num_agents). Raises ValueError when the runs have different weights."""
        if self.log_weights.ndim != 1:
            raise ValueError("each run has a matrix of its own")
        out = np.zeros((self.num_agents, self.num_agents))
        out[self.listeners, self.sources] = np.exp(self.log_weights)
        return out


def from_matrix(weights: FloatArray) -> Trust:
    """Return the trust of a dense matrix W. Raises ValueError unless it is square, finite and non-negative."""
    w = np.asarray(weights, dtype=np.float64)
    if w.ndim != 2 or w.shape[0] != w.shape[1] or not np.isfinite(w).all() or (w < 0).any():
        raise ValueError("trust is a square matrix of finite, non-negative weights")
    listeners, sources = np.nonzero(w)
    return Trust(w.shape[0], listeners.astype(np.int64), sources.astype(np.int64), np.log(w[listeners, sources]))


def star(num_agents: int, ai_trust: float, people_trust: float) -> Trust:
    """Return one AI (agent 0) that trusts each person by `ai_trust`, and is trusted by each by `people_trust`.

    People do not trust each other. The published symbols are lambda1 and lambda2; the spectral radius is
    sqrt((num_agents - 1) * ai_trust * people_trust).
    """
    if num_agents < 2:
        raise ValueError(f"a star of {num_agents} agents has nobody to listen to")
    w = np.zeros((num_agents, num_agents))
    w[AI, 1:] = ai_trust
    w[1:, AI] = people_trust
    return from_matrix(w)


def star_of_product(num_agents: int, product: float) -> Trust:
    """Return the even star whose (num_agents - 1) * ai_trust * people_trust is `product`: the threshold is 1."""
    weight = float(np.sqrt(product / (num_agents - 1)))
    return star(num_agents, weight, weight)


def from_graph(graph: nx.Graph | nx.DiGraph, *, trust: float = 1.0, weight: str = "weight") -> Trust:
    """Return the trust of a networkx graph, agents in its node order.

    An edge u -> v says that u listens to v; an undirected edge goes both ways. trust: multiplies every edge's
    `weight`, which is 1 where an edge has none.
    """
    import networkx as nx

    return from_matrix(trust * nx.to_numpy_array(graph, weight=weight, dtype=np.float64))


def spectral_radius(trust: Trust) -> float:
    """Return rho(W): above 1 some agent almost surely never finds the truth, below 1 everybody does.

    Computed part by part over the strongly connected ones, so that a hierarchy without loops has exactly 0.
    Source: Perron and Frobenius for the parts; Lock-in Hypothesis, theorem 3.2 for its meaning (second hand).
    """
    from scipy import sparse

    if trust.log_weights.ndim != 1:
        raise ValueError("each run has a spectral radius of its own")
    shape = (trust.num_agents, trust.num_agents)
    w = sparse.csr_array((np.exp(trust.log_weights), (trust.listeners, trust.sources)), shape=shape)
    _, labels = sparse.csgraph.connected_components(w, directed=True, connection="strong")
    order = np.argsort(labels, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    diagonal = float(w.diagonal().max(initial=0.0))
    return max([diagonal, *(_radius(w[part][:, part]) for part in parts if part.size > 1)])


def _radius(part: Any) -> float:
    """Return the Perron root of an irreducible part: it is real, and no eigenvalue has a larger real part."""
    from scipy.sparse.linalg import eigs

    size = part.shape[0]
    if size <= DENSE:
        return float(np.abs(np.linalg.eigvals(part.toarray())).max())
    start = np.ones(size)
    return float(eigs(part, k=1, which="LR", v0=start, return_eigenvectors=False)[0].real)
