"""Slates of statements: k texts of which every n/k people get one that they like as much as any they agree on.

The mathematics only. Who asks for a statement (GEN) and who says how well it represents a person (DISC) come in as
functions, or the script takes the steps `quota`, `select` and `remove` between its own requests.
Source: Fish et al. 2023 (Generative Social Choice, arXiv 2309.01291), algorithm 1; with a word budget and costs:
the same authors' next-generation process (PROSE).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from societies.assembly.rules.matching import balanced_matching, representation
from societies.assembly.rules.profile import FloatArray, IntArray

Generate = Callable[[IntArray, int], Sequence[int]]
"""(numbers of the remaining people, group size r) -> numbers of candidate statements, at least one."""

GenerateWithin = Callable[[IntArray, float, float], Sequence[int]]
"""(numbers of the remaining people, level, cost bound) -> numbers of candidate statements; may be none."""

Discriminate = Callable[[int], FloatArray]
"""Number of a statement -> utility of every person for it, [person]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One statement of a slate, whom it was chosen for, and the level that the last of them gives it."""

    statement: int
    people: tuple[int, ...]
    level: float
    cost: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slate:
    """Statements in the order of choice. matching: [person], position in `seats`, -1 for nobody's constituent.

    utilities: [person], utility for the statement of the person's seat, nan for -1.
    """

    seats: tuple[Seat, ...]
    matching: IntArray
    utilities: FloatArray

    @property
    def statements(self) -> tuple[int, ...]:
        """The statements' numbers, in the order of choice."""
        return tuple(seat.statement for seat in self.seats)


def quota(n: int, k: int, j: int) -> int:
    """Return how many people the j-th of k statements (from 1) stands for: ceil(n/k) for the first, then floor(n/k).

    >>> [quota(11, 4, j) for j in (1, 2, 3, 4)]
    [3, 3, 3, 2]
    """
    if not 1 <= j <= k <= n:
        raise ValueError(f"statement {j} of {k} for {n} people")
    return n // k + (1 if j <= n - k * (n // k) else 0)


def select(utilities: FloatArray, size: int) -> int:
    """Return the column whose size-th largest utility is largest; equal ones by the mean of their `size` largest.

    utilities: [remaining person, candidate statement].
    """
    if not 1 <= size <= len(utilities):
        raise ValueError(f"{size} of {len(utilities)} people")
    top = np.sort(utilities, axis=0)[::-1][:size]
    return int(np.lexsort((-top.mean(axis=0), -top[-1]))[0])


def happiest(utilities: FloatArray, size: int) -> IntArray:
    """Return the positions of the `size` highest utilities, earlier ones first among equals."""
    return np.asarray(np.argsort(-utilities, kind="stable")[:size], dtype=np.int64)


def balanced_slate(generate: Generate, discriminate: Discriminate, n: int, k: int) -> Slate:
    """Choose k statements for n people; with exact answers the slate is balanced justified representative.

    Each round: everybody not yet assigned, the statement whose r-th happiest reader is happiest, its r happiest
    readers leave. n >= k.
    """
    left = np.arange(n)
    seats: list[Seat] = []
    for j in range(1, k + 1):
        size = quota(n, k, j)
        offered = list(generate(left, size))
        if not offered:
            raise ValueError(f"no statement was offered for seat {j}")
        utilities = np.stack([discriminate(s)[left] for s in offered], axis=1)
        best = select(utilities, size)
        mine = happiest(utilities[:, best], size)
        level = float(utilities[mine, best].min())
        seats.append(Seat(statement=int(offered[best]), people=tuple(left[mine].tolist()), level=level))
        left = np.delete(left, mine)
    return _slate(seats, discriminate, n)


def costed_slate(
    generate: GenerateWithin,
    discriminate: Discriminate,
    n: int,
    *,
    budget: float,
    levels: Sequence[float],
    costs: Sequence[float],
) -> Slate:
    """Choose statements within a budget of words: one of cost c must speak for c * n / budget people.

    Levels go from high to low, costs from small to large; a statement is accepted when that many remaining people
    put it at the level or higher, and exactly that many of them, the happiest, leave. The slate's cost never exceeds
    the budget. costs: the bounds that are asked for, each > 0 and charged in full.
    """
    if budget <= 0 or any(cost <= 0 for cost in costs):
        raise ValueError("the budget and all costs must be positive")
    left = np.arange(n)
    seats: list[Seat] = []
    for level in sorted(levels, reverse=True):
        for cost in sorted(costs):
            size = coalition(cost, n, budget)
            while 0 < size <= left.size:
                accepted = _accept(generate(left, level, cost), discriminate, left, level, size)
                if accepted is None:
                    break
                statement, mine = accepted
                seats.append(Seat(statement=statement, people=tuple(left[mine].tolist()), level=level, cost=cost))
                left = np.delete(left, mine)
    return _slate(seats, discriminate, n)


def coalition(cost: float, n: int, budget: float) -> int:
    """Return how many people it takes to pay for a statement: the smallest whole number >= cost * n / budget."""
    return int(np.ceil(cost * n / budget - 1e-9))


def exact_generator(utilities: FloatArray) -> Generate:
    """Return the ideal GEN over a known universe of statements: utilities [person, statement]."""

    def generate(left: IntArray, size: int) -> Sequence[int]:
        return [select(utilities[left], size)]

    return generate


def constituencies(utilities: FloatArray) -> Slate:
    """Match people to a given slate so that total utility is largest and constituencies are balanced.

    utilities: [person, statement of the slate]. For judging a slate on people who did not shape it.
    """
    matching = balanced_matching(utilities)
    given = representation(utilities, matching)
    seats = []
    for s in range(utilities.shape[1]):
        mine = np.flatnonzero(matching == s)
        seats.append(Seat(statement=s, people=tuple(mine.tolist()), level=float(given[mine].min())))
    return Slate(seats=tuple(seats), matching=matching, utilities=given)


def _accept(
    offered: Sequence[int], discriminate: Discriminate, left: IntArray, level: float, size: int
) -> tuple[int, IntArray] | None:
    """Return the offered statement with most approval at the level and its `size` happiest, if there are as many."""
    best: tuple[int, IntArray] | None = None
    most = size - 1
    for statement in offered:
        u = discriminate(statement)[left]
        support = int((u >= level).sum())
        if support > most:
            best, most = (int(statement), happiest(u, size)), support
    return best


def _slate(seats: Sequence[Seat], discriminate: Discriminate, n: int) -> Slate:
    matching = np.full(n, -1, dtype=np.int64)
    utilities = np.full(n, np.nan)
    for position, seat in enumerate(seats):
        people = list(seat.people)
        matching[people] = position
        utilities[people] = discriminate(seat.statement)[people]
    return Slate(seats=tuple(seats), matching=matching, utilities=utilities)
