"""A lottery over panels: what it is, how a panel is drawn from it, and what it means for each person."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from societies.assembly.lottery.instance import BoolArray, Instance, IntArray
from societies.assembly.lottery.types import FloatArray, HouseKind, Polytope, Types

TINY = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lottery:
    """q over panels. panels: int64 (P, T), seats a type; q: (P,) > 0, sums to 1; pi: (n,), sums to k.

    Inside a type all are equally likely, so `panels` and `q` fix the chance of each person.
    excluded: ids of people who sit in no panel that meets the quotas. seed: of the search for panels.
    log: what the solver did, and the proven errors; see the algorithm's module for its words.
    """

    pool: Instance
    types: Types
    panels: IntArray
    q: FloatArray
    pi: FloatArray
    seed: int
    algorithm: str
    excluded: tuple[str, ...] = ()
    log: tuple[tuple[str, float | str], ...] = ()


def lottery(
    pool: Instance,
    types: Types,
    panels: FloatArray,
    q: FloatArray,
    *,
    seed: int,
    algorithm: str,
    can_sit: BoolArray | None = None,
    log: dict[str, float | str],
) -> Lottery:
    """Return the lottery with panels of no weight dropped and the rest in a fixed order."""
    kept = q > TINY
    panels, q = panels[kept], q[kept]
    order = np.lexsort(panels.T[::-1])
    seats: IntArray = np.round(panels[order]).astype(np.int64)
    q = q[order] / q.sum()
    out = np.zeros(pool.n, dtype=np.bool_) if can_sit is None else ~can_sit[types.of]
    return Lottery(
        pool=pool,
        types=types,
        panels=seats,
        q=q,
        pi=types.spread(q @ seats),
        seed=seed,
        algorithm=algorithm,
        excluded=tuple(pool.people[i] for i in np.flatnonzero(out)),
        log=tuple(log.items()),
    )


def draw(drawn_from: Lottery, seed: int) -> IntArray:
    """Return one panel: k sorted positions in the pool. The same seed gives the same panel."""
    panel: IntArray = draws(drawn_from, 1, seed)[0]
    return panel


def draws(drawn_from: Lottery, num: int, seed: int) -> IntArray:
    """Return `num` independent panels, int64 (num, k): how much would another draw have changed?"""
    rng = np.random.default_rng(seed)
    which = rng.choice(len(drawn_from.q), size=num, p=drawn_from.q)
    return np.stack([seat(drawn_from.types, drawn_from.panels[w], rng) for w in which])


def seat(types: Types, panel: IntArray, rng: np.random.Generator) -> IntArray:
    """Return who sits, sorted: inside a type everybody is equally likely; no household twice."""
    out = []
    for kind in types.kinds:
        homes = rng.permutation(len(kind.rooms))
        start = 0
        for number, type_ in enumerate(kind.types):
            taken = homes[start : start + int(panel[type_])]
            start += len(taken)
            who = rng.integers(0, kind.share[number], len(taken))
            out.append(kind.people(number)[taken, who])
    return np.sort(np.concatenate(out))


def person_panels(drawn_from: Lottery, seed: int = 0) -> tuple[IntArray, FloatArray]:
    """Return panels of persons, int64 (m, k), and their weights (m,): the lottery written out, with the same pi.

    Each panel of types becomes at most n + 1 panels of persons: a wheel turns once, every type's seats move along its
    people in step, and a panel's weight is the share of the turn for which it stands. m grows like P * n; for large
    pools draw instead, or use tickets.
    """
    rng = np.random.default_rng(seed)
    panels, weights = [], []
    for panel, q in zip(drawn_from.panels, drawn_from.q, strict=True):
        order = [rng.permutation(len(kind.rooms)) for kind in drawn_from.types.kinds]
        stops = np.unique(np.concatenate([_stops(kind, panel) for kind in drawn_from.types.kinds]))
        ends = np.append(stops[1:], 1.0)
        for start, end in zip(stops, ends, strict=True):
            if end - start > TINY:
                panels.append(_turned(drawn_from.types, panel, order, (start + end) / 2))
                weights.append(q * (end - start))
    return np.stack(panels), np.array(weights)


def _stops(kind: HouseKind, panel: IntArray) -> FloatArray:
    """Return the fractions of a turn at which this kind's people change."""
    fine = [len(kind.rooms) * kind.share[i] for i, t in enumerate(kind.types) if panel[t]]
    if not fine or (len(kind.types) == 1 and kind.share[0] == 1 and panel[kind.types[0]] == len(kind.rooms)):
        return np.zeros(1)
    return np.concatenate([np.arange(steps) / steps for steps in fine])


def _turned(types: Types, panel: IntArray, order: list[IntArray], turn: float) -> IntArray:
    out = []
    for kind, homes in zip(types.kinds, order, strict=True):
        num = len(homes)
        start = int(turn * num)
        for number, type_ in enumerate(kind.types):
            taken = homes[(start + np.arange(int(panel[type_]))) % num]
            start += len(taken)
            who = int(turn * num * kind.share[number]) % kind.share[number]
            out.append(kind.people(number)[taken, who])
    return np.sort(np.concatenate(out))


def narrowed(polytope: Polytope, can_sit: BoolArray) -> Polytope:
    """Return the panels without the types that cannot sit."""
    return replace(polytope, most=np.where(can_sit, polytope.most, 0.0))
