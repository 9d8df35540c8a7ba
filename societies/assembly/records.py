"""What an assembly leaves behind: event tables, and the records that its phases pass on.

Every row carries the assembly and the arm; what a model said carries the identity of its request.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from agents.persona import Persona
from societies.seam import Column, Curve

_HEAD: dict[str, Column] = {"assembly": "str", "arm": "str"}

TABLES: dict[str, dict[str, Column]] = {
    "assemblies": {
        **_HEAD,
        "question": "str",
        "question_id": "str",
        "affirming": "str",
        "negating": "str",
        "topic": "str",
        "protocol": "str",
        "winner": "str",
        "winner_text": "str",
        "rule": "str",
        "num_citizens": "int",
        "num_clauses": "int",
        "num_adopted": "int",
        "variance_before": "float",
        "variance_after": "float",
        "first_choice_share": "float",
        "first_choice_hhi": "float",
        "num_requests": "int",
    },
    "phases": {**_HEAD, "phase": "str", "ordinal": "int", "num_requests": "int"},
    "lotteries": {
        **_HEAD,
        "algorithm": "str",
        "num_pool": "int",
        "num_responded": "int",
        "num_panels": "int",
        "min_pi": "float",
        "max_pi": "float",
        "gini": "float",
        "geometric_mean": "float",
        "seed": "int",
        "digest": "str",
        "log": "str",
    },
    "quotas": {
        **_HEAD,
        "feature": "str",
        "value": "str",
        "pool_share": "float",
        "low": "int",
        "high": "int",
        "seats": "int",
    },
    "citizens": {
        **_HEAD,
        "citizen": "str",
        "name": "str",
        "persona_id": "str",
        "policy": "str",
        "pi": "float",
        "weight": "float",
        "alternate": "bool",
        "mind": "int",
        "group": "str",
        "card": "str",
    },
    "camps": {**_HEAD, "citizen": "str", "camp": "str"},
    "seats": {**_HEAD, "round": "int", "table": "int", "citizen": "str"},
    "probes": {
        **_HEAD,
        "citizen": "str",
        "t": "str",
        "item": "str",
        "text": "str",
        "level": "float",
        "dist": "list[float]",
        "mass": "float",
        "identity": "str",
    },
    "evidence": {**_HEAD, "evidence": "str", "claim": "str", "source": "str", "stance": "str", "planted": "bool"},
    "witnesses": {
        **_HEAD,
        "witness": "str",
        "role": "str",
        "stance": "str",
        "status": "str",
        "approvals": "int",
        "share": "float",
        "place": "int",
        "keep": "float",
    },
    "testimony": {
        **_HEAD,
        "answer_id": "str",
        "kind": "str",
        "replies_to": "str",
        "witness": "str",
        "role": "str",
        "stance": "str",
        "question": "str",
        "asker": "str",
        "support": "float",
        "answer": "str",
        "cites": "list[str]",
        "identity": "str",
    },
    "balances": {
        **_HEAD,
        "moment": "str",
        "cited_for": "int",
        "cited_against": "int",
        "words_for": "int",
        "words_against": "int",
        "talk_for": "int",
        "talk_against": "int",
        "citizens_for": "int",
        "citizens_against": "int",
        "under": "str",
        "called": "str",
    },
    "quiz": {**_HEAD, "citizen": "str", "t": "str", "item": "str", "p_right": "float", "identity": "str"},
    "turns": {
        **_HEAD,
        "turn": "str",
        "round": "int",
        "table": "int",
        "ordinal": "int",
        "speaker": "str",
        "kind": "str",
        "task": "str",
        "text": "str",
        "cites": "list[str]",
        "replies_to": "list[str]",
        "bid": "float",
        "identity": "str",
    },
    "notes": {**_HEAD, "citizen": "str", "round": "int", "text": "str", "identity": "str"},
    "influences": {
        **_HEAD,
        "citizen": "str",
        "round": "int",
        "turn": "str",
        "speaker": "str",
        "p": "float",
        "change": "float",
        "identity": "str",
    },
    "statements": {
        **_HEAD,
        "statement": "str",
        "kind": "str",
        "round": "int",
        "author": "str",
        "text": "str",
        "parents": "list[str]",
        "heard": "list[str]",
        "origin": "str",
        "identity": "str",
    },
    "ballots": {
        **_HEAD,
        "citizen": "str",
        "vote": "str",
        "kind": "str",
        "item": "str",
        "value": "float",
        "dist": "list[float]",
        "weight": "float",
        "identity": "str",
    },
    "quality": {
        **_HEAD,
        "turn": "str",
        "judge": "str",
        "scales": "list[str]",
        "codes": "list[int]",
        "total": "float",
        "why": "str",
        "identity": "str",
    },
    "results": {
        **_HEAD,
        "vote": "str",
        "rule": "str",
        "winners": "list[str]",
        "ranking": "list[str]",
        "ties": "int",
        "tie_break": "str",
    },
    "recounts": {
        **_HEAD,
        "vote": "str",
        "rule": "str",
        "tactic": "str",
        "voters": "list[str]",
        "sincere": "str",
        "counted": "str",
        "favours": "str",
        "num_strategic": "int",
        "num_able": "int",
        "num_draws": "int",
        "changes": "float",
        "by_chance": "float",
        "gain": "float",
        "gain_others": "float",
        "gain_all": "float",
        "gain_lo": "float",
        "gain_hi": "float",
        "gain_others_lo": "float",
        "gain_others_hi": "float",
        "gain_by_chance": "float",
        "num_voters": "int",
    },
    "clauses": {
        **_HEAD,
        "clause": "str",
        "text": "str",
        "status": "str",
        "support": "float",
        "min_group": "float",
        "yes": "int",
        "no": "int",
        "abstain": "int",
        "sources": "list[str]",
        "mover": "str",
        "seconder": "str",
        "replaces": "str",
        "kind": "str",
        "reason": "str",
    },
    "clause_pairs": {
        **_HEAD,
        "first": "str",
        "second": "str",
        "likeness": "float",
        "p_same": "float",
        "p_conflict": "float",
        "verdict": "str",
        "both_adopted": "bool",
        "identities": "list[str]",
    },
    "motions": {
        **_HEAD,
        "motion": "str",
        "kind": "str",
        "clause": "str",
        "text": "str",
        "mover": "str",
        "why": "str",
        "seconder": "str",
        "status": "str",
        "reason": "str",
        "yes": "int",
        "no": "int",
        "abstain": "int",
        "identity": "str",
    },
    "dissents": {
        **_HEAD,
        "clause": "str",
        "author": "str",
        "text": "str",
        "coalition": "list[str]",
        "share": "float",
        "signers": "list[str]",
        "signed": "float",
        "quota": "float",
        "entitled": "bool",
        "grounds": "list[str]",
        "status": "str",
        "identity": "str",
    },
    "cards": {**_HEAD, "card": "str", "citizen": "str", "title": "str", "policies": "list[str]", "canonical": "str"},
    "upgrades": {
        **_HEAD,
        "citizen": "str",
        "low": "str",
        "high": "str",
        "verdict": "str",
        "p": "float",
        "story": "str",
        "identity": "str",
    },
    "moral_edges": {
        **_HEAD,
        "low": "str",
        "high": "str",
        "wiser": "int",
        "not_wiser": "int",
        "unsure": "int",
        "likelihood": "float",
        "entropy": "float",
        "kept": "bool",
    },
    "degraded": {**_HEAD, "step": "str", "why": "str"},
}

CURVES = (
    Curve(
        table="assemblies",
        column="variance_before",
        name="variance before",
        definition="of citizens' stances on the question before deliberation",
        by=("arm",),
    ),
    Curve(
        table="assemblies",
        column="variance_after",
        name="variance after",
        definition="of citizens' stances on the question after deliberation",
        by=("arm",),
    ),
    Curve(
        table="assemblies",
        column="first_choice_share",
        name="first-choice share",
        definition="share of first choices that the most wanted statement got",
        by=("arm",),
    ),
    Curve(
        table="assemblies",
        column="num_adopted",
        name="clauses adopted",
        definition="clauses that passed",
        unit="clauses",
        by=("arm",),
    ),
    Curve(
        table="recounts",
        column="changes",
        name="winner changed by strategic voters",
        definition="share of draws of strategic voters, ballots recounted, in which another statement wins",
        by=("arm", "vote"),
        null=0.0,
    ),
)


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
