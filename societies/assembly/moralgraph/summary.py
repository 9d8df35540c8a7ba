"""From judgements to edges: how likely the target is wiser, how much people differ, and which edges are kept.

For an ordered pair (a, b): w upgrades, n "no upgrade" and u "unsure" judged from a to b, l upgrades judged from b to a.
Likelihood L = (w-l)/(w+n+u+l). Entropy H in bits over (w, n, u, l). Kept: w >= 2, L >= .33, H <= 1.69.

`compat=True` puts a fifth count into H, the number of judgements in either direction, as the public implementation
does: the published edges were made so. It lowers H for some pairs and raises it for others.
Source: Klingefjord et al. 2024, arXiv 2404.10636, section 4; thresholds as in the public implementation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from societies.assembly.moralgraph.records import VERDICTS, Judgement, check_judgements

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

MIN_WISER = 2
MIN_LIKELIHOOD = 0.33
MAX_ENTROPY = 1.69


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """An ordered pair of cards with its counts. impressions: judgements in either direction.

    contexts: those in which somebody called the target wiser, in order. entropy: bits.
    """

    source: str
    target: str
    contexts: tuple[str, ...]
    wiser: int
    not_wiser: int
    unsure: int
    less_wise: int
    impressions: int
    likelihood: float
    entropy: float

    @property
    def kept(self) -> bool:
        """Whether the edge has enough upgrades and agreement to be in the graph."""
        return bool(keep(np.array([self.wiser]), np.array([self.likelihood]), np.array([self.entropy]))[0])


def likelihood(wiser: IntArray, not_wiser: IntArray, unsure: IntArray, less_wise: IntArray) -> FloatArray:
    """Return L in [-1, 1]; 0 where nobody judged."""
    total = np.asarray(wiser + not_wiser + unsure + less_wise, dtype=np.float64)
    shares = np.divide(wiser - less_wise, total, out=np.zeros_like(total), where=total > 0)
    return np.asarray(shares, dtype=np.float64)


def entropy(*counts: IntArray) -> FloatArray:
    """Return the entropy in bits of the shares that counts of several kinds have; 0 where all are 0."""
    table = np.stack([np.asarray(count, dtype=np.float64) for count in counts])
    total = table.sum(axis=0)
    shares = np.divide(table, total, out=np.zeros_like(table), where=total > 0)
    logs = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    return np.asarray(-(shares * logs).sum(axis=0) + 0.0, dtype=np.float64)


def keep(wiser: IntArray, likelihoods: FloatArray, entropies: FloatArray) -> BoolArray:
    """Return which edges are kept; never both directions of a pair."""
    return (wiser >= MIN_WISER) & (likelihoods >= MIN_LIKELIHOOD) & (entropies <= MAX_ENTROPY)


def edge_of(
    source: str,
    target: str,
    *,
    contexts: Sequence[str],
    wiser: int,
    not_wiser: int,
    unsure: int,
    less_wise: int,
    impressions: int,
    compat: bool = False,
) -> Edge:
    """Return the edge that these counts make."""
    w, n, u, less, seen = (np.array([x]) for x in (wiser, not_wiser, unsure, less_wise, impressions))
    counted = (w, n, u, less, seen) if compat else (w, n, u, less)
    return Edge(
        source=source,
        target=target,
        contexts=tuple(contexts),
        wiser=wiser,
        not_wiser=not_wiser,
        unsure=unsure,
        less_wise=less_wise,
        impressions=impressions,
        likelihood=float(likelihood(w, n, u, less)[0]),
        entropy=float(entropy(*counted)[0]),
    )


def summarise(judgements: Iterable[Judgement], *, compat: bool = False) -> tuple[Edge, ...]:
    """Return one edge for each ordered pair that somebody judged, in the order of first judgement; kept or not."""
    tallies: dict[tuple[str, str], list[int]] = {}
    contexts: dict[tuple[str, str], dict[str, None]] = {}
    for judgement in check_judgements(judgements):
        pair = (judgement.source, judgement.target)
        tallies.setdefault(pair, [0, 0, 0])[VERDICTS.index(judgement.verdict)] += 1
        named = contexts.setdefault(pair, {})
        if judgement.verdict == "upgrade":
            named[judgement.context] = None
    edges = []
    for (source, target), (wiser, not_wiser, unsure) in tallies.items():
        back = tallies.get((target, source), [0, 0, 0])
        edges.append(
            edge_of(
                source,
                target,
                contexts=tuple(contexts[source, target]),
                wiser=wiser,
                not_wiser=not_wiser,
                unsure=unsure,
                less_wise=back[0],
                impressions=wiser + not_wiser + unsure + sum(back),
                compat=compat,
            )
        )
    return tuple(edges)


def kept_edges(edges: Iterable[Edge]) -> tuple[Edge, ...]:
    """Return the edges of the moral graph."""
    return tuple(edge for edge in edges if edge.kept)
