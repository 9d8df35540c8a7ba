"""Who sits with whom: rotating tables that mix people, spread features evenly and let nobody meet the same faces again.

Cost of a plan over R rounds and G tables, all rounds together:
    repeats    * sum over pairs of max(0, meetings - 1)^2
  + diversity  * sum over rounds, tables and feature values of (count at the table - even share)^2
  + facilitator * sum over people and facilitators of max(0, meetings - 1)
Simulated annealing over swaps of two people in one round: Kirkpatrick, Gelatt and Vecchi 1983. Fixed seats and clusters
(a shared language, an assistant) are never broken, because no swap that would break them is ever proposed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from agents.errors import UserError

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
HOT, COLD = 2.0, 0.02
NUM_TRIES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What counts how much; see the module's formula. Each >= 0."""

    repeats: float = 1.0
    diversity: float = 1.0
    facilitator: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seating:
    """tables: int64 (R, P), the table of each person in each round. cost: of the plan; start_cost: before annealing.

    met: int64 (P, P), how often two people share a table (diagonal 0). num_pairs_met: pairs with at least one meeting.
    num_repeats: meetings beyond the first, summed over pairs. worst_imbalance: largest |count - even share| at a table.
    """

    tables: IntArray
    cost: float
    start_cost: float
    met: IntArray
    num_pairs_met: int
    num_repeats: int
    worst_imbalance: float


def seat_tables(
    features: IntArray,
    num_tables: int,
    num_rounds: int,
    *,
    fixed: Mapping[int, int] | None = None,
    clusters: Sequence[Sequence[int]] = (),
    facilitators: IntArray | None = None,
    weights: Weights | None = None,
    num_steps: int = 20_000,
    seed: int = 0,
) -> Seating:
    """Return a plan. features: int64 (P, F) codes. Table sizes differ by one at most.

    fixed: person -> table, in all rounds. clusters: groups who always share a table, wherever it is.
    facilitators: int64 (R, G), who leads which table when; None: the same person stays at a table.
    num_steps: swaps proposed. The best plan seen is returned.
    Raises UserError when tables, fixed seats or clusters cannot fit.
    """
    weights = weights or Weights()
    fixed = dict(fixed or {})
    rng = np.random.default_rng(seed)
    num = len(features)
    _check(num, num_tables, num_rounds, fixed, clusters)
    block = _blocks(num, clusters)
    if facilitators is None:
        facilitators = np.tile(np.arange(num_tables), (num_rounds, 1))
    marks = _marks(features)
    tables = np.stack([_start(num, num_tables, fixed, clusters, rng) for _ in range(num_rounds)])
    state = _State(tables, marks, facilitators, num_tables, weights)
    start = state.cost()
    held = np.zeros(num, dtype=np.bool_)
    held[list(fixed)] = True
    for group in clusters:
        held[list(group)] |= any(person in fixed for person in group)
    best = _anneal(state, block, held, num_steps, rng)
    state = _State(best, marks, facilitators, num_tables, weights)
    met = state.met
    pairs = met[np.triu_indices(num, 1)]
    return Seating(
        tables=state.tables,
        cost=state.cost(),
        start_cost=start,
        met=met,
        num_pairs_met=int((pairs > 0).sum()),
        num_repeats=int(np.maximum(pairs - 1, 0).sum()),
        worst_imbalance=state.worst_imbalance(),
    )


class _State:
    """A plan with its meetings and counts kept up to date swap by swap."""

    def __init__(
        self, tables: IntArray, marks: FloatArray, facilitators: IntArray, num_tables: int, weights: Weights
    ) -> None:
        self.tables, self._marks, self._leads, self._w = tables, marks, facilitators, weights
        rounds, num = tables.shape
        self.met = np.zeros((num, num), dtype=np.int64)
        for row in tables:
            self.met += row[:, None] == row[None, :]
        np.fill_diagonal(self.met, 0)
        self._counts = np.zeros((rounds, num_tables, marks.shape[1]))
        for number, row in enumerate(tables):
            np.add.at(self._counts[number], row, marks)
        # An even share is taken of the table's own size: a table with one more person may hold a little more of each.
        sizes = np.stack([np.bincount(row, minlength=num_tables) for row in tables])
        self._even = sizes[:, :, None] * marks.mean(axis=0)
        self._seen = np.zeros((num, int(facilitators.max()) + 1), dtype=np.int64)
        for number, row in enumerate(tables):
            np.add.at(self._seen, (np.arange(num), facilitators[number, row]), 1)

    def cost(self) -> float:
        """Return the whole cost."""
        repeats = float((np.maximum(self.met - 1, 0) ** 2).sum()) / 2
        uneven = float(((self._counts - self._even) ** 2).sum())
        again = float(np.maximum(self._seen - 1, 0).sum())
        return self._w.repeats * repeats + self._w.diversity * uneven + self._w.facilitator * again

    def worst_imbalance(self) -> float:
        """Return the largest distance from an even share; 0 without features."""
        return float(np.abs(self._counts - self._even).max(initial=0.0))

    def change(self, number: int, first: IntArray, second: IntArray) -> float:
        """Return what exchanging two groups of one size between their tables in a round would add to the cost."""
        a, b, here, there = self._sides(number, first, second)
        met, w = self.met, self._w
        more = _added(met[np.ix_(first, there)]) + _added(met[np.ix_(second, here)])
        less = _added(met[np.ix_(first, here)] - 1) + _added(met[np.ix_(second, there)] - 1)
        moved = self._marks[second].sum(axis=0) - self._marks[first].sum(axis=0)
        far = self._counts[number] - self._even[number]
        uneven = float(2 * moved @ (moved + far[a] - far[b]))
        lead_a, lead_b = self._leads[number, a], self._leads[number, b]
        again = 0
        if lead_a != lead_b:
            seen = self._seen
            again = int((seen[first, lead_b] > 0).sum() - (seen[first, lead_a] > 1).sum())
            again += int((seen[second, lead_a] > 0).sum() - (seen[second, lead_b] > 1).sum())
        return w.repeats * (more - less) + w.diversity * uneven + w.facilitator * again

    def swap(self, number: int, first: IntArray, second: IntArray) -> None:
        """Exchange the two groups."""
        a, b, here, there = self._sides(number, first, second)
        for group, old, new in ((first, here, there), (second, there, here)):
            for others, step in ((old, -1), (new, 1)):
                self.met[np.ix_(group, others)] += step
                self.met[np.ix_(others, group)] += step
        moved = self._marks[second].sum(axis=0) - self._marks[first].sum(axis=0)
        self._counts[number, a] += moved
        self._counts[number, b] -= moved
        lead_a, lead_b = self._leads[number, a], self._leads[number, b]
        self._seen[first, lead_a] -= 1
        self._seen[first, lead_b] += 1
        self._seen[second, lead_b] -= 1
        self._seen[second, lead_a] += 1
        self.tables[number, first], self.tables[number, second] = b, a

    def _sides(self, number: int, first: IntArray, second: IntArray) -> tuple[int, int, IntArray, IntArray]:
        """Return both tables and who else sits at them."""
        row = self.tables[number]
        a, b = int(row[first[0]]), int(row[second[0]])
        here, there = row == a, row == b
        here[first] = False
        there[second] = False
        return a, b, np.flatnonzero(here), np.flatnonzero(there)


def _added(met: IntArray) -> int:
    """Return what one more meeting of each pair adds to the sum of max(0, meetings - 1)^2."""
    return int(np.maximum(2 * met - 1, 0).sum())


def _anneal(
    state: _State, block: list[IntArray], held: npt.NDArray[np.bool_], num_steps: int, rng: np.random.Generator
) -> IntArray:
    """Return the best plan seen; the heat falls from HOT to COLD geometrically."""
    movable = np.flatnonzero(~held)
    best, best_cost, cost = state.tables.copy(), 0.0, 0.0
    if not len(movable):
        return best
    rounds = rng.integers(0, len(state.tables), num_steps).tolist()
    picks = movable[rng.integers(0, len(movable), (num_steps, 2))].tolist()
    luck = rng.random(num_steps).tolist()
    for step, (number, pick) in enumerate(zip(rounds, picks, strict=True)):
        first, second = _proposal(state.tables[number], block, pick[0], pick[1], held, rng)
        if not len(second):
            continue
        change = state.change(number, first, second)
        heat = HOT * (COLD / HOT) ** (step / num_steps)
        if change > 0 and luck[step] >= np.exp(-change / heat):
            continue
        state.swap(number, first, second)
        cost += change
        if cost < best_cost - 1e-9:
            best_cost, best = cost, state.tables.copy()
    return best


def _proposal(
    row: IntArray,
    block: list[IntArray],
    one: int,
    other: int,
    held: npt.NDArray[np.bool_],
    rng: np.random.Generator,
) -> tuple[IntArray, IntArray]:
    """Return two blocks of different tables, the smaller filled up to the size of the larger by people of its table.

    The second group is empty when there are not enough people without a block to fill it.
    """
    none = np.zeros(0, dtype=np.int64)
    first, second = block[one], block[other]
    if row[one] == row[other]:
        return first, none
    if len(first) < len(second):
        first, second = second, first
    missing = len(first) - len(second)
    if missing:
        at = np.flatnonzero((row == row[second[0]]) & ~held)
        loose = np.array([p for p in at if len(block[p]) == 1 and p not in second], dtype=np.int64)
        if len(loose) < missing:
            return first, none
        second = np.concatenate([second, rng.permutation(loose)[:missing]])
    return first, second


def _check(
    num: int, num_tables: int, num_rounds: int, fixed: Mapping[int, int], clusters: Sequence[Sequence[int]]
) -> None:
    if not 1 <= num_tables <= num or num_rounds < 1:
        raise UserError(
            f"{num} people cannot sit at {num_tables} tables for {num_rounds} rounds.",
            "there must be at least one table and round, and at least one person a table.",
            "change the number of tables or rounds",
        )
    grouped = [person for group in clusters for person in group]
    if len(set(grouped)) != len(grouped):
        raise UserError("Somebody is in two clusters.", "nobody sits at two tables.", "join the clusters into one")
    strangers = [person for person in (*fixed, *grouped) if not 0 <= person < num]
    if strangers or any(not 0 <= table < num_tables for table in fixed.values()):
        raise UserError(
            "A fixed seat or a cluster names a person or table that is not there.",
            f"people are 0 to {num - 1}, tables 0 to {num_tables - 1}.",
            "correct the number",
        )
    for group in clusters:
        if len({fixed[person] for person in group if person in fixed}) > 1:
            raise UserError(
                "A cluster's members are fixed at different tables.",
                "a cluster sits together.",
                "fix them at one table, or take one out of the cluster",
            )


def _blocks(num: int, clusters: Sequence[Sequence[int]]) -> list[IntArray]:
    """Return for each person everybody who moves along, the person included."""
    block = [np.array([person], dtype=np.int64) for person in range(num)]
    for group in clusters:
        for person in group:
            block[person] = np.array(sorted(group), dtype=np.int64)
    return block


def _marks(features: IntArray) -> FloatArray:
    """Return one column a feature value, 0/1, float64 (P, V)."""
    columns = [(column[:, None] == np.unique(column)).astype(np.float64) for column in features.T]
    return np.hstack(columns) if columns else np.zeros((len(features), 0))


def _start(
    num: int,
    num_tables: int,
    fixed: Mapping[int, int],
    clusters: Sequence[Sequence[int]],
    rng: np.random.Generator,
) -> IntArray:
    """Return one round's tables (P,): fixed seats, then clusters from the largest, then everybody else by lot."""
    tables = np.full(num, -1, dtype=np.int64)
    for person, table in fixed.items():
        tables[person] = table
    for group in clusters:
        at = [fixed[person] for person in group if person in fixed]
        if at:
            tables[list(group)] = at[0]
    floor, spare = divmod(num, num_tables)
    taken = np.bincount(tables[tables >= 0], minlength=num_tables)
    if (taken > floor + 1).any() or (taken > floor).sum() > spare:
        raise UserError(
            f"The fixed seats put {int(taken.max())} people at table {int(taken.argmax())}.",
            f"{num} people at {num_tables} tables are {floor} each, with one more at {spare} of them.",
            "fix fewer people there, or set fewer tables",
        )
    free = sorted((group for group in clusters if tables[group[0]] < 0), key=len, reverse=True)
    for _ in range(NUM_TRIES):
        room = _room(taken, floor, spare, rng)
        placed = _place(free, room, rng)
        if placed is not None:
            break
    else:
        raise UserError(
            f"The clusters of {', '.join(str(len(group)) for group in free)} people do not fit the tables.",
            f"{num} people at {num_tables} tables are {floor} each, with one more at {spare} of them.",
            "split a cluster, or set fewer tables",
        )
    for group, table in zip(free, placed, strict=True):
        tables[list(group)] = table
        room[table] -= len(group)
    rest = np.flatnonzero(tables < 0)
    tables[rng.permutation(rest)] = np.repeat(np.arange(num_tables), room)
    return tables


def _room(taken: IntArray, floor: int, spare: int, rng: np.random.Generator) -> IntArray:
    """Return the free seats of each table; the larger tables are those that need it, then any by lot."""
    order = rng.permutation(len(taken))
    order = order[np.argsort(taken[order] <= floor, kind="stable")]
    room = floor - taken
    room[order[:spare]] += 1
    return room


def _place(groups: list[Sequence[int]], room: IntArray, rng: np.random.Generator) -> list[int] | None:
    """Return a table for each group, the emptiest first, ties by lot; None when one does not fit."""
    left = room.copy()
    placed = []
    for group in groups:
        table = int((left + rng.random(len(left)) * 0.5).argmax())
        if left[table] < len(group):
            return None
        left[table] -= len(group)
        placed.append(table)
    return placed
