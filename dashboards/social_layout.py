"""Where nodes stand: computed once for all steps, seeded, and kept with the run, so that nodes never jump.

A file of `RUN/layouts/` holds one layout. While a run grows, those who have a place keep it and newcomers find theirs.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import orjson

from dashboards.social import Network, graph_of
from dashboards.sources import number
from sim.store import Run
from sim.tables import write_whole

SCALE = 300.0
"""Positions reach from -300 to 300: smaller ones snap edges to the axes."""
NUM_STEPS = 120
FEW = 8
"""Nodes up to which a circle is clearer than springs, which throw out who has no tie."""
Places = dict[str, tuple[float, float]]


def places_of(network: Network, known: Mapping[str, tuple[float, float]] | None = None, *, seed: int = 0) -> Places:
    """Return where every node stands, in [-300, 300]. known: places that are kept as they are.

    Source: Fruchterman and Reingold 1991, as in networkx.
    """
    import networkx as nx

    graph = graph_of(network)
    graph.add_nodes_from(node.id for node in network.nodes if node.id != network.hub)
    order = sorted(graph.nodes)
    ordered = nx.Graph()
    ordered.add_nodes_from(order)
    ordered.add_edges_from(sorted((min(a, b), max(a, b), data) for a, b, data in graph.edges(data=True)))
    kept = {name: (x / SCALE, y / SCALE) for name, (x, y) in (known or {}).items() if name in ordered}
    if len(ordered) <= FEW and not kept:
        places = _fitted(_ring([node.id for node in network.nodes if node.id in ordered], seed))
    elif len(kept) < len(ordered):
        begin = _ring([node.id for node in network.nodes if node.id in ordered], seed) | kept
        found = nx.spring_layout(
            ordered,
            pos=begin,
            fixed=sorted(kept) or None,
            k=1.6 / math.sqrt(max(1, len(ordered))),
            iterations=NUM_STEPS if len(ordered) <= 500 else 50,
            seed=seed,
        )
        places = {name: (float(x), float(y)) for name, (x, y) in found.items()}
        places = {name: kept.get(name) or places[name] for name in places} if kept else _fitted(places)
    else:
        places = kept
    out = {name: (round(x * SCALE, 2), round(y * SCALE, 2)) for name, (x, y) in sorted(places.items())}
    if network.hub:
        out[network.hub] = (0.0, 0.0)
    return out


def _ring(names: Sequence[str], seed: int) -> Places:
    """Return places on a circle, in the order of the nodes and a little off it by the seed: nothing balances."""
    off = np.random.default_rng(seed).normal(0, 0.05, (len(names), 2))
    angles = 2 * np.pi * np.arange(len(names)) / max(1, len(names))
    spots = np.stack([np.cos(angles), np.sin(angles)], axis=1) + off
    return {name: (float(x), float(y)) for name, (x, y) in zip(names, spots, strict=True)}


def _fitted(places: Mapping[str, tuple[float, float]]) -> Places:
    """Return the places moved and stretched, each way by itself, to reach from -1 to 1."""
    out: dict[str, list[float]] = {name: [0.0, 0.0] for name in places}
    for way in (0, 1):
        values = [place[way] for place in places.values()]
        low, high = min(values, default=0.0), max(values, default=0.0)
        for name, place in places.items():
            out[name][way] = (place[way] - low) / (high - low) * 2 - 1 if high > low else 0.0
    return {name: (x, y) for name, (x, y) in out.items()}


def layout(run: Run, network: Network, *, seed: int, may_write: bool) -> Places:
    """Return the layout that is kept with the run, filled up where somebody is new. may_write: keep what was found."""
    path = _path(run, network.key)
    known = _read(path)
    places = places_of(network, known, seed=seed)
    if may_write and set(places) != set(known):
        # A run on a full or read-only disk is still drawn, from the same seed.
        with suppress(OSError):
            write_whole(path, orjson.dumps({"seed": seed, "places": places}, option=orjson.OPT_SORT_KEYS))
    return places


def _path(run: Run, key: str) -> Path:
    plain = re.sub(r"[^A-Za-z0-9-]+", "-", key)[:60]
    digest = hashlib.blake2b(key.encode(), digest_size=4).hexdigest()
    return run.folder / "layouts" / f"{plain}-{digest}.json"


def _read(path: Path) -> Places:
    """Return the places of a file; none for a file that is missing or broken, which is then made again."""
    try:
        found = orjson.loads(path.read_bytes())["places"]
        pairs = {str(name): (number(x), number(y)) for name, (x, y) in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return {name: (x, y) for name, (x, y) in pairs.items() if x is not None and y is not None}
