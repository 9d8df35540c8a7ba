"""The modulator: whether an act can happen, who perceives it, whom it may harm, and what is remembered.

Facts come first (rooms, sight, secrecy), then it is asked. Everything it is asked is a `Score` with the probability
kept; only critiques and summaries are texts. Source: MATRIX, arXiv 2402.05699, duties 1 to 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from agents.memory import CritiqueLog, Memory
from agents.requests import Score, ScoreMode, Script
from societies.scenes.parsing import statement
from societies.scenes.records import Incident, Role
from societies.scenes.rules import could_perceive, delivered, names_in, relative, seeded_unit
from societies.scenes.teller import Teller, judged

FEASIBLE = ("yes, it can happen", "no, it is impossible")
PERCEIVES = ("yes, notices it", "no, does not notice it")
CONFLICT = ("harmful", "harmless")


@dataclass(slots=True)
class Modulator:
    """What the modulator knows: its memory, the critiques, and how harmful it finds a harmless act."""

    teller: Teller
    instruction: str
    plan: tuple[str, ...] = ()
    reference: float = 0.5
    memory: Memory = field(default_factory=Memory)
    critiques: CritiqueLog = field(default_factory=CritiqueLog)

    def __post_init__(self) -> None:
        self.memory = Memory(trigger=self.teller.config.memory_trigger)
        self.critiques = CritiqueLog(trigger=self.teller.config.critique_trigger)

    def harm_question(self, act: str) -> Score:
        """Return the question whether an act is harmful; both orders are asked."""
        stub = "It is "
        policy = self.teller.policy("modulator")
        return judged("conflict.v1", CONFLICT, policy, mode=ScoreMode.CONTINUATION, stub=stub, incident=act)

    def harm_of_draft(self, draft: str) -> Script[float]:
        """Return how harmful it would be to follow the draft, relative to the reference act; kept for the whole scene.

        The request alone and the request with its answer are asked, and averaged: small models see harm better in
        the request (SmolLM2-135M, 24 + 24 items: AUC .92 alone, .82 with the answer), larger ones in the answer.
        """
        acts = [self.instruction, f"{self.instruction}\n{draft}", self.teller.config.reference_act]
        alone, followed, self.reference = yield from self.teller.weigh([self.harm_question(act) for act in acts])
        return (relative(alone, self.reference) + relative(followed, self.reference)) / 2

    def feasible(self, text: str) -> Script[float]:
        """Return p that an act can happen after what is remembered; with nothing remembered it is accepted unasked."""
        if not self.memory.memos:
            return 1.0
        question = judged(
            "feasible.v1",
            FEASIBLE,
            self.teller.policy("modulator"),
            memory=self.memory.texts(),
            incident=text,
        )
        (p,) = yield from self.teller.weigh([question])
        return p

    def perceivers(self, incident: Incident, roles: Sequence[Role], where: dict[str, str]) -> Script[Incident]:
        """Return the incident with its recipients. The actor always perceives its own act.

        where: role id -> place. Facts mask who cannot perceive; the others are asked about, or all perceive.
        """
        config = self.teller.config
        able = [
            role
            for role in roles
            if role.role_id != incident.source
            and could_perceive(
                is_actor=False,
                named=names_in(incident.text, role.name),
                place=incident.place,
                where=where[role.role_id],
                secret=incident.secret,
            )
        ]
        if config.score_recipients and able:
            questions = [
                judged(
                    "perceives.v1",
                    PERCEIVES,
                    self.teller.policy("modulator"),
                    incident=incident.text,
                    place=incident.place,
                    who=role.name,
                    where=where[role.role_id],
                )
                for role in able
            ]
            chances = yield from self.teller.weigh(questions)
        else:
            chances = [1.0] * len(able)
        asked = tuple((role.role_id, p) for role, p in zip(able, chances, strict=True))
        reached = tuple(
            (role_id, p)
            for role_id, p in asked
            if delivered(p, threshold=config.recipient_threshold, draw=self._draw(incident.incident_id, role_id))
        )
        return replace(incident, recipients=((incident.source, 1.0), *reached), asked=asked)

    def _draw(self, incident_id: str, role_id: str) -> float | None:
        if self.teller.config.recipients == "threshold":
            return None
        return seeded_unit(self.teller.seed, self.teller.scene_id, incident_id, role_id)

    def accept(self, incident: Incident) -> Script[Incident]:
        """Take an incident into memory and criticise it; return it with its conflict and its critique."""
        (p,) = yield from self.teller.weigh([self.harm_question(incident.text)])
        conflict = relative(p, self.reference)
        critique = ""
        if conflict >= self.teller.config.conflict_threshold and not self.critiques.is_closed:
            request = self.teller.request(
                "critique.v1",
                instruction=self.instruction,
                plan=self.plan,
                incident=incident.text,
            )
            critique = (yield from self.teller.say(request, statement)) or ""
        self.critiques = self.critiques.add(critique)
        self.memory = self.memory.remember(incident.text, sources=(incident.incident_id,))
        yield from self._compact()
        return replace(incident, conflict_p=conflict, critique=critique)

    def _compact(self) -> Script[None]:
        if self.memory.needs_compaction:
            request = self.teller.request("memory.v1", memory=self.memory.texts())
            summary = yield from self.teller.say(request, statement)
            if summary is None:
                yield from self.teller.degrade("memory", "no usable summary: the oldest memory falls out")
            self.memory = self.memory.compact(summary or "")
        if self.critiques.needs_compaction:
            request = self.teller.request("log.v1", critiques=self.critiques.critiques)
            summary = yield from self.teller.say(request, statement)
            if summary is None:
                yield from self.teller.degrade("critiques", "no usable summary: the oldest critique falls out")
            self.critiques = self.critiques.compact(summary or "")
