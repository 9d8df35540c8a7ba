"""The hall: everything that an assembly has come to so far. Phases read it and add to it; nothing else does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from societies.assembly.clauses import ClauseVote, Relation
from societies.assembly.records import Citizen, Statement, Turn, Witness


@dataclass(frozen=True, slots=True, kw_only=True)
class Testimony:
    """What a witness said. stance: the witness's. cites: ids of evidence."""

    answer_id: str
    name: str
    text: str
    stance: str = "neutral"
    cites: tuple[str, ...] = ()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """A table in a round. num_notes: who sat there, by id -> how many notes they had made by then."""

    round_: int
    table: int
    num_notes: Mapping[str, int]


@dataclass(slots=True)
class Hall:
    """The state of one arm of one assembly.

    sittings: the tables of the last round so far.
    quality: turn -> mean over judges of the quality of its reasons, 0 to 1. camps: citizen -> opinion group of the
    written round; empty without one. clauses: those before the assembly. merged: clause -> the one that says the same.
    relations: pairs of clauses that were compared. votes: on `clauses`. passed: the votes that adopted `adopted`.
    dissents: clause -> the minority report that was signed. num_clauses: clauses that were voted on, not counting
    words put in the place of others.
    bench: witnesses who are heard. spare: those whom nobody has called yet.
    """

    citizens: list[Citizen] = field(default_factory=list)
    testimony: list[Testimony] = field(default_factory=list)
    bench: list[Witness] = field(default_factory=list)
    spare: list[Witness] = field(default_factory=list)
    turns: dict[str, Turn] = field(default_factory=dict)
    sittings: list[Sitting] = field(default_factory=list)
    statements: dict[str, Statement] = field(default_factory=dict)
    tallies: list[Tally] = field(default_factory=list)
    quality: dict[str, float] = field(default_factory=dict)
    before: np.ndarray | None = None
    after: np.ndarray | None = None
    camps: dict[str, str] = field(default_factory=dict)
    clauses: list[Statement] = field(default_factory=list)
    merged: dict[str, str] = field(default_factory=dict)
    relations: list[Relation] = field(default_factory=list)
    votes: list[ClauseVote] = field(default_factory=list)
    passed: list[ClauseVote] = field(default_factory=list)
    adopted: list[Statement] = field(default_factory=list)
    dissents: dict[str, str] = field(default_factory=dict)
    num_clauses: int = 0

    @property
    def winner(self) -> Statement:
        """The statement that won the last vote."""
        last = self.tallies[-1]
        return last.statements[last.winner]
