"""What was done to the text: motions with mover, seconder and reason, pairs of clauses, and how hard each reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.assembly_audit import Chain
from dashboards.assembly_source import Archive, Key
from dashboards.sources import number, text, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionLine:
    """A motion. status: carried, lost, not seconded, or repeats (another text); the last two were not voted on.

    seconds: of how many others how many wanted the vote.
    """

    motion: str
    kind: str
    clause: str
    text: str
    mover: str
    why: str
    seconder: str
    seconds: tuple[int, int]
    status: str
    reason: str
    votes: tuple[int, int, int]
    identity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PairLine:
    """Two clauses that were compared. verdict: same, conflict, neither, or undecided where the readings differ."""

    first: str
    second: str
    likeness: float | None
    p_same: float | None
    p_conflict: float | None
    verdict: str
    both_adopted: bool
    identities: tuple[str, ...]

    @property
    def is_flagged(self) -> bool:
        """Whether the published text holds both although they were read as contradicting each other."""
        return self.verdict == "conflict" and self.both_adopted


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How hard a clause reads, by the formulas of `societies.assembly.readability`. clause: "" for the whole text."""

    clause: str
    num_words: int
    num_syllables: int
    ease: float
    grade: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafting:
    """All of it for one arm; empty where the run is older than its tables."""

    motions: tuple[MotionLine, ...]
    pairs: tuple[PairLine, ...]
    readings: tuple[Reading, ...]

    @property
    def flagged(self) -> tuple[PairLine, ...]:
        """The contradictions in the published text."""
        return tuple(one for one in self.pairs if one.is_flagged)


def drafting_of(archive: Archive, key: Key, chains: Sequence[Chain]) -> Drafting:
    """Return what was done to the text of one arm."""
    return Drafting(motions=_motions(archive, key), pairs=_pairs(archive, key), readings=_readings(chains))


def _motions(archive: Archive, key: Key) -> tuple[MotionLine, ...]:
    rows = archive.rows(key, "motions")
    ballots = archive.rows(key, "ballots", ["vote", "item", "kind"]) if rows else []
    seconds = [(text(row.get("item")), row.get("kind") == "second") for row in ballots if row.get("vote") == "seconds"]
    found = []
    for row in rows:
        name = text(row.get("motion"))
        own = [wants for item, wants in seconds if item == name]
        found.append(
            MotionLine(
                motion=name,
                kind=text(row.get("kind")),
                clause=text(row.get("clause")),
                text=text(row.get("text")),
                mover=text(row.get("mover")),
                why=text(row.get("why")),
                seconder=text(row.get("seconder")),
                seconds=(sum(own), len(own)),
                status=text(row.get("status")),
                reason=text(row.get("reason")),
                votes=(whole(row.get("yes")), whole(row.get("no")), whole(row.get("abstain"))),
                identity=text(row.get("identity")),
            )
        )
    return tuple(found)


def _pairs(archive: Archive, key: Key) -> tuple[PairLine, ...]:
    return tuple(
        PairLine(
            first=text(row.get("first")),
            second=text(row.get("second")),
            likeness=number(row.get("likeness")),
            p_same=number(row.get("p_same")),
            p_conflict=number(row.get("p_conflict")),
            verdict=text(row.get("verdict")),
            both_adopted=bool(row.get("both_adopted")),
            identities=tuple(map(text, row.get("identities") or ())),
        )
        for row in archive.rows(key, "clause_pairs")
    )


def _readings(chains: Sequence[Chain]) -> tuple[Reading, ...]:
    from societies.assembly.readability import readability

    adopted = [one for one in chains if one.adopted]
    named = [(one.clause, one.text) for one in adopted] + ([("", " ".join(c.text for c in adopted))] if adopted else [])
    return tuple(
        Reading(
            clause=name,
            num_words=found.num_words,
            num_syllables=found.num_syllables,
            ease=found.ease,
            grade=found.grade,
        )
        for name, words in named
        if (found := readability(words)) is not None
    )
