"""The records that the phases of an assembly pass on: evidence, questions, citizens, turns, statements."""

from __future__ import annotations

from dataclasses import dataclass, field

from agents.persona import Persona


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One sentence of the briefing. stance: "for", "against" or "neutral". planted: false, and marked as such."""

    evidence_id: str
    claim: str
    source: str = ""
    stance: str = "neutral"
    planted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """Somebody who answers questions. role: "expert", "stakeholder" or "lived experience"."""

    name: str
    role: str
    stance: str = "neutral"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuizItem:
    """A question of fact with its right answer first among the options."""

    text: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What an assembly is asked to settle.

    witnesses: whom the organisers call. reserve: whom citizens or the guardian may call besides. falsehood: a false
    claim for the arm `misinformation`; it takes the place of the evidence with its id, or stands behind the others.
    """

    question_id: str
    text: str
    affirming: str
    negating: str
    topic: str = ""
    evidence: tuple[Evidence, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    reserve: tuple[Witness, ...] = ()
    falsehood: Evidence | None = None
    quiz: tuple[QuizItem, ...] = ()


@dataclass(slots=True, kw_only=True)
class Citizen:
    """A member of the panel during one assembly: who they are, and what they alone know.

    pi: probability of being drawn. weight: pi / panel, the soft-panel weight. group: first quota feature's value.
    notes: their own journal. heard: ids of the turns and answers that reached them.
    """

    citizen_id: str
    persona: Persona
    card: str
    policy: str
    temperature: float
    manner: str
    mind: int = 0
    pi: float = 1.0
    weight: float = 1.0
    alternate: bool = False
    group: str = ""
    notes: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    opinion: str = ""
    opinion_id: str = ""
    levels: dict[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name that others hear."""
        return self.persona.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One speech at a table. task: as what it was made, such as "host" or "devil"; "" for the speaker's own view."""

    turn_id: str
    round_: int
    table: int
    ordinal: int
    speaker: str
    name: str
    text: str
    identity: str
    kind: str = "speech"
    task: str = ""
    cites: tuple[str, ...] = ()
    replies_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A text that is voted on. parents: ids of what it was made from. heard: turns behind its parents."""

    statement_id: str
    text: str
    author: str
    kind: str
    parents: tuple[str, ...] = ()
    identity: str = ""
