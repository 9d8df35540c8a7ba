"""A transparent draw: M numbered tickets of equal chance, each a whole panel, printed before the lot is cast.

Floor(M q) copies of each panel, the rest by pipage rounding: two fractional parts at a time are moved until one is
whole, with odds that keep every expectation. Then each ticket's seats go to the people of a type in turn, so that
inside a type nobody stands on more than one ticket more than another (with households: as evenly as the rule lets).
Flanigan, Kehne and Procaccia 2021, Fair sortition made transparent, NeurIPS.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.errors import UserError
from societies.assembly.lottery.instance import IntArray
from societies.assembly.lottery.lottery import Lottery
from societies.assembly.lottery.types import FloatArray, Types


@dataclass(frozen=True, slots=True, eq=False)
class Tickets:
    """panels: int64 (M, k), positions in the pool, sorted in each row. pi: (n,) chances over the tickets.

    deviation: the largest |pi - lottery's pi| of anybody. seed: of the rounding.
    """

    panels: IntArray
    pi: FloatArray
    deviation: float
    seed: int


def tickets(drawn_from: Lottery, num_tickets: int = 1000, seed: int = 0) -> Tickets:
    """Return the tickets; every one of them is a panel of the lottery and so meets the quotas."""
    if num_tickets < 1:
        raise UserError(
            f"{num_tickets} tickets cannot be drawn from.",
            "the lot falls on one of them.",
            "ask for at least one, best 1000",
        )
    rng = np.random.default_rng(seed)
    copies = pipage(drawn_from.q * num_tickets, rng)
    order = rng.permutation(np.repeat(np.arange(len(copies)), copies))
    panels = _seated(drawn_from.types, drawn_from.panels[order], rng)
    pi = np.bincount(panels.ravel(), minlength=drawn_from.pool.n) / num_tickets
    return Tickets(panels=panels, pi=pi, deviation=float(np.abs(pi - drawn_from.pi).max()), seed=seed)


def pipage(shares: FloatArray, rng: np.random.Generator) -> IntArray:
    """Round non-negative numbers whose sum is whole to whole numbers with that sum, each up or down, and fairly.

    The expectation of every entry is kept. Source: Gandhi, Khuller, Parthasarathy and Srinivasan 2006.
    """
    whole = np.floor(shares + 1e-9)
    rest = np.clip(shares - whole, 0.0, 1.0)
    rest[rest < 1e-9] = 0.0
    open_ = list(rng.permutation(np.flatnonzero(rest)))
    while len(open_) > 1:
        a, b = open_[-1], open_[-2]
        up, down = min(1 - rest[a], rest[b]), min(rest[a], 1 - rest[b])
        move = up if rng.random() < down / (up + down) else -down
        rest[a] += move
        rest[b] -= move
        open_ = open_[:-2] + [each for each in (b, a) if 1e-9 < rest[each] < 1 - 1e-9]
    rounded: IntArray = (whole + np.round(rest)).astype(np.int64)
    rounded[open_[0] if open_ else int(rounded.argmax())] += round(float(shares.sum())) - int(rounded.sum())
    return rounded


def _seated(types: Types, panels: IntArray, rng: np.random.Generator) -> IntArray:
    """Return people for each ticket: always those of the type who have stood on the fewest tickets so far."""
    used = rng.random(len(types.of)) * 0.5
    rows: list[list[int]] = [[] for _ in panels]
    for kind in types.kinds:
        for ticket in np.flatnonzero(panels[:, list(kind.types)].any(axis=1)):
            row, panel = rows[ticket], panels[ticket]
            free = np.ones(len(kind.rooms), dtype=np.bool_)
            for number, type_ in enumerate(kind.types):
                if not panel[type_]:
                    continue
                people = kind.people(number)
                best = people[np.arange(len(people)), used[people].argmin(axis=1)]
                load = np.where(free, used[people].sum(axis=1), np.inf)
                taken = np.argsort(load, kind="stable")[: int(panel[type_])]
                free[taken] = False
                used[best[taken]] += 1
                row.extend(best[taken].tolist())
    return np.sort(np.array(rows, dtype=np.int64), axis=1)
