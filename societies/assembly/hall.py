"""The hall: everything that an assembly has come to so far. Phases read it and add to it; nothing else does."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from societies.assembly.records import Citizen, Statement, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Testimony:
    """What a witness answered."""

    answer_id: str
    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """One vote of everybody on several statements.

    levels: (citizens, statements), expected agreement 0 to 1. identities: of the ballots, same shape.
    winner: index of the statement that won.
    """

    vote: str
    statements: tuple[Statement, ...]
    levels: np.ndarray
    identities: tuple[tuple[str, ...], ...]
    winner: int
    ranking: tuple[int, ...]


@dataclass(slots=True)
class Hall:
    """The state of one arm of one assembly. quality: turn -> mean over judges of the quality of its reasons, 0 to 1."""

    citizens: list[Citizen] = field(default_factory=list)
    testimony: list[Testimony] = field(default_factory=list)
    turns: dict[str, Turn] = field(default_factory=dict)
    statements: dict[str, Statement] = field(default_factory=dict)
    tallies: list[Tally] = field(default_factory=list)
    quality: dict[str, float] = field(default_factory=dict)
    before: np.ndarray | None = None
    after: np.ndarray | None = None
    adopted: list[Statement] = field(default_factory=list)
    num_clauses: int = 0

    @property
    def winner(self) -> Statement:
        """The statement that won the last vote."""
        last = self.tallies[-1]
        return last.statements[last.winner]
