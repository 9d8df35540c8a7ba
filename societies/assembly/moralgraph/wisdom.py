"""Which values are wisest: PageRank in which rank flows to the wiser card, and the winner of each context.

r(b) = (1-d)/N + d * sum over a->b of r(a) * L_ab / (sum of a's L), d = .85. What cards without an outgoing edge hold is
spread over all cards, so that ranks add up to 1. The public implementation lets it vanish;
`compat=True` does so too, with its 100 steps from 1/N.
Source: Page et al. 1999; Klingefjord et al. 2024, arXiv 2404.10636, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from societies.assembly.moralgraph.summary import Edge, FloatArray, IntArray

DAMPING = 0.85
COMPAT_STEPS = 100


def pagerank(edges: Sequence[Edge], *, damping: float = DAMPING, compat: bool = False) -> dict[str, float]:
    """Return card -> rank for every card that has an edge, in the order of the edges. Only positive likelihoods flow.

    Solved exactly as linear equations, except with `compat`. Raises ValueError for an edge whose likelihood is not
    positive: such an edge is not kept.
    """
    names = list(dict.fromkeys(name for edge in edges for name in (edge.source, edge.target)))
    place = {name: number for number, name in enumerate(names)}
    weights = np.array([edge.likelihood for edge in edges], dtype=np.float64)
    if (weights <= 0).any():
        raise ValueError("an edge with a likelihood of 0 or less carries no rank; keep edges first")
    source = np.array([place[edge.source] for edge in edges], dtype=np.int64)
    target = np.array([place[edge.target] for edge in edges], dtype=np.int64)
    ranks = ranks_of(source, target, weights, len(names), damping=damping, compat=compat)
    return dict(zip(names, ranks.tolist(), strict=True))


def ranks_of(
    source: IntArray, target: IntArray, weights: FloatArray, num: int, *, damping: float = DAMPING, compat: bool = False
) -> FloatArray:
    """Return the PageRank of cards 0..num-1: float64 [card]. source, target, weights: one an edge."""
    if num == 0:
        return np.zeros(0)
    flow = np.zeros((num, num))
    np.add.at(flow, (target, source), weights)
    out = flow.sum(axis=0)
    flow = np.divide(flow, out, out=np.zeros_like(flow), where=out > 0)
    base = np.full(num, (1 - damping) / num)
    if compat:
        ranks = np.full(num, 1 / num)
        for _ in range(COMPAT_STEPS):
            ranks = base + damping * (flow @ ranks)
        return ranks
    flow[:, out <= 0] = 1 / num
    return np.asarray(np.linalg.solve(np.eye(num) - damping * flow, base), dtype=np.float64)


def wisest(ranks: Mapping[str, float]) -> tuple[str, ...]:
    """Return the cards, highest rank first; ranks equal to twelve digits in the order of their names."""
    return tuple(sorted(ranks, key=lambda card: (-round(ranks[card], 12), card)))


def winners(edges: Sequence[Edge], ranks: Mapping[str, float]) -> dict[str, str]:
    """Return context -> the card of highest rank among those with an incoming edge in that context."""
    found: dict[str, str] = {}
    for edge in edges:
        for context in edge.contexts:
            best = found.get(context)
            if best is None or wisest({card: ranks[card] for card in (best, edge.target)})[0] == edge.target:
                found[context] = edge.target
    return dict(sorted(found.items()))
