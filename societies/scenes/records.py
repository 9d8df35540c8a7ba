"""What a scene leaves behind: plain frozen records, and the columns of its event tables."""

from __future__ import annotations

from dataclasses import dataclass

from societies.seam import Curve

TABLES: dict[str, dict[str, str]] = {
    "scenes": {
        "scene_id": "str",
        "instruction_id": "str",
        "kind": "str",
        "source": "str",
        "instruction": "str",
        "draft": "str",
        "condensed": "str",
        "consequence": "str",
        "is_harmful": "bool",
        "harmful_p": "float",
        "revision": "str",
        "answer": "str",
        "draft_refuses": "bool",
        "answer_refuses": "bool",
        "end_reason": "str",
        "num_roles": "int",
        "num_interactions": "int",
        "num_accepted": "int",
        "num_rejected": "int",
        "num_critiques": "int",
        "num_degraded": "int",
        "num_asked": "int",
    },
    "roles": {
        "scene_id": "str",
        "role_id": "str",
        "name": "str",
        "traits": "str",
        "status": "str",
        "is_ego": "bool",
        "target": "str",
        "place": "str",
        "origin": "str",
        "persona_id": "str",
        "policy": "str",
        "plan": "list[str]",
    },
    "incidents": {
        "scene_id": "str",
        "incident_id": "str",
        "step": "int",
        "source": "str",
        "text": "str",
        "place": "str",
        "secret": "bool",
        "recipients": "list[str]",
        "asked": "list[str]",
        "asked_p": "list[float]",
        "feasible_p": "float",
        "num_tries": "int",
        "accepted": "bool",
        "conflict_p": "float",
        "critique": "str",
    },
    "entities": {
        "scene_id": "str",
        "entity_id": "str",
        "name": "str",
        "state": "str",
        "location": "str",
        "visible_to": "list[str]",
    },
    "degraded": {"scene_id": "str", "step": "str", "why": "str"},
    "answers": {
        "instruction_id": "str",
        "kind": "str",
        "source": "str",
        "method": "str",
        "instruction": "str",
        "answer": "str",
        "refuses": "bool",
    },
}
"""Event table -> column -> type. `asked` and `asked_p` hold every entity that the modulator was asked about."""

CURVES = (
    Curve(
        table="scenes",
        column="is_harmful",
        name="harmful",
        definition="scenes whose draft was judged harmful",
        by=("kind",),
    ),
    Curve(
        table="scenes",
        column="draft_refuses",
        name="draft refuses",
        definition="drafts with a refusal keyword",
        by=("kind",),
    ),
    Curve(
        table="scenes",
        column="answer_refuses",
        name="answer refuses",
        definition="final answers with a refusal keyword",
        by=("kind",),
    ),
    Curve(
        table="scenes",
        column="num_interactions",
        name="interactions",
        definition="acts tried in a scene",
        unit="acts",
        by=("kind",),
    ),
    Curve(
        table="scenes",
        column="num_rejected",
        name="rejected acts",
        definition="acts that the modulator found not feasible",
        unit="acts",
        by=("kind",),
    ),
    Curve(
        table="scenes",
        column="num_critiques",
        name="critiques",
        definition="critiques written in a scene",
        unit="critiques",
        by=("kind",),
    ),
    Curve(
        table="scenes",
        column="num_degraded",
        name="substituted steps",
        definition="steps that went on with a substitute",
        unit="steps",
        by=("kind",),
    ),
    Curve(
        table="answers",
        column="refuses",
        name="refuses",
        definition="answers of a method with a refusal keyword",
        by=("method", "kind"),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the ego's plan. thing: the passive object that it touches, or ""."""

    act: str
    place: str = "home"
    thing: str = ""
    secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Somebody in the scene. origin: "model", "backup", "population" or "default"."""

    role_id: str
    name: str
    traits: str = ""
    status: str = ""
    is_ego: bool = False
    target: str = ""
    plan: tuple[Step, ...] = ()
    place: str = "home"
    origin: str = "model"
    persona_id: str = ""
    card: str = ""

    @property
    def persona(self) -> str:
        """What the role knows of itself, one line."""
        return self.card or "; ".join(part for part in (self.traits, self.status) if part) or "an ordinary person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A passive object. Its state is a word that whoever stands beside it may see, never the text of an incident."""

    entity_id: str
    name: str
    state: str
    location: str
    visible_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something that somebody did, or tried to do.

    recipients: (role_id, p) of those it was delivered to. asked: (role_id, p) of all whom the facts let perceive it.
    num_tries: wordings tried. accepted False: dropped after them; it then reached nobody and no memory.
    """

    incident_id: str
    step: int
    source: str
    text: str
    place: str
    secret: bool = False
    thing: str = ""
    recipients: tuple[tuple[str, float], ...] = ()
    asked: tuple[tuple[str, float], ...] = ()
    feasible_p: float = 1.0
    num_tries: int = 1
    accepted: bool = True
    conflict_p: float = 0.0
    critique: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A scene after its end. answer: the revision where the consequence is harmful, else the draft."""

    scene_id: str
    instruction_id: str
    kind: str
    source: str
    instruction: str
    draft: str = ""
    condensed: str = ""
    consequence: str = ""
    is_harmful: bool = False
    harmful_p: float = 0.0
    revision: str = ""
    answer: str = ""
    end_reason: str = ""
    roles: tuple[Role, ...] = ()
    entities: tuple[Entity, ...] = ()
    incidents: tuple[Incident, ...] = ()
    num_degraded: int = 0
    num_asked: int = 0
