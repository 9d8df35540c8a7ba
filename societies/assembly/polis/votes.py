"""Votes on statements as one table: who agreed, who disagreed, who passed, and who never saw a statement.

A table is float64 [participant, statement]: 1 agree, -1 disagree, 0 pass, nan not seen. Passing is an answer and counts
as seen. Labels are int64, one a participant: the number of the group, or -1 for nobody's group.
Source: Small et al. 2021, Polis: scaling deliberation by mapping high dimensional opinion spaces.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

UNGROUPED = -1
MIN_VOTES = 7
"""Votes that bring a participant into the map; fewer when there are fewer statements."""
MIN_PEOPLE = 15
"""A map with fewer people is topped up by those who voted most."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Counts:
    """Votes per group. agree, disagree, seen: int64 [group, statement]; seen includes those who passed."""

    agree: IntArray
    disagree: IntArray
    seen: IntArray

    @property
    def passed(self) -> IntArray:
        """How many passed."""
        return self.seen - self.agree - self.disagree

    def total(self) -> Counts:
        """Return the counts of all groups together, as one group."""
        sums = {name: getattr(self, name).sum(axis=0, keepdims=True) for name in ("agree", "disagree", "seen")}
        return Counts(**sums)


def from_api(values: FloatArray) -> FloatArray:
    """Return votes, or means of votes, of Polis' interface and database (agree = -1) in this package's sign.

    The only place where the sign is turned. Files that Polis exports have agree = 1 already and need no turning.
    """
    return 0.0 - np.asarray(values, dtype=np.float64)


def check_votes(values: FloatArray) -> FloatArray:
    """Return the table as float64, or raise ValueError for a wrong shape or a value that is no vote."""
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError(f"votes have the shape [participant, statement], not {table.shape}")
    known = np.isnan(table) | np.isin(table, (-1.0, 0.0, 1.0))
    if not known.all():
        raise ValueError(f"{table[~known][0]} is no vote: 1 agree, -1 disagree, 0 pass, nan not seen")
    return table


def included(values: FloatArray, already: BoolArray | None = None) -> BoolArray:
    """Return who is on the map: bool [participant].

    At least min(7, number of statements) votes; topped up to 15 people by number of votes, earlier rows first; whoever
    was on it before (`already`, which may be shorter) stays. People without any vote are never on it.
    """
    table = check_votes(values)
    num_votes = (~np.isnan(table)).sum(axis=1)
    on: BoolArray = num_votes >= max(1, min(MIN_VOTES, table.shape[1]))
    if already is not None:
        on[: already.size] |= already
    if on.sum() < MIN_PEOPLE:
        order = np.argsort(-num_votes, kind="stable")
        waiting = [row for row in order if not on[row] and num_votes[row] > 0]
        on[waiting[: MIN_PEOPLE - int(on.sum())]] = True
    return on


def zeroed(values: FloatArray, moderated: BoolArray | None) -> FloatArray:
    """Return the table with the columns of moderated-out statements set to 0 for everybody, as Polis does.

    Such a column has no variance, so that it moves nobody, but it counts as seen when positions are scaled.
    """
    table = check_votes(values)
    if moderated is None:
        return table
    hidden = np.asarray(moderated, dtype=bool)
    if hidden.shape != (table.shape[1],):
        raise ValueError(f"{hidden.shape} marks do not fit {table.shape[1]} statements")
    return np.where(hidden, 0.0, table)


def check_labels(labels: IntArray, num_people: int) -> IntArray:
    """Return labels as int64, or raise ValueError for a wrong length or a number below -1."""
    array = np.asarray(labels, dtype=np.int64)
    if array.shape != (num_people,):
        raise ValueError(f"{array.shape} labels do not fit {num_people} participants")
    if array.size and array.min() < UNGROUPED:
        raise ValueError(f"{array.min()} is no group; -1 means none")
    return array


def count_votes(values: FloatArray, labels: IntArray | None = None) -> Counts:
    """Count agree, disagree and seen per group; without labels everybody is one group. Label -1 counts nowhere."""
    table = check_votes(values)
    who = check_labels(np.zeros(len(table), dtype=np.int64) if labels is None else labels, len(table))
    num_groups = int(who.max()) + 1 if who.size else 0
    member = (who[None, :] == np.arange(num_groups)[:, None]).astype(np.int64)
    return Counts(
        agree=member @ (table == 1).astype(np.int64),
        disagree=member @ (table == -1).astype(np.int64),
        seen=member @ (~np.isnan(table)).astype(np.int64),
    )
