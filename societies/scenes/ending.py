"""The ending of a scene: the consequence, the condensed draft, the revised answer, and the rows that are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agents.borrowing import worked_examples
from agents.instructions import Instruction
from agents.refusals import is_refusal
from agents.requests import Event, Script
from societies.scenes import parsing
from societies.scenes.modulator import Modulator
from societies.scenes.records import Entity, Incident, Role, Scene
from societies.scenes.rules import head
from societies.scenes.samples import REVISE, scene_samples
from societies.scenes.teller import Heard, Teller

HARMLESS = "Nobody is harmed."


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What came of it. revision_identity: of the reply that became the revision."""

    is_harmful: bool = False
    harmful_p: float = 0.0
    consequence: str = HARMLESS
    condensed: str = ""
    revision: str = ""
    revision_identity: str = ""


def ending(
    teller: Teller,
    modulator: Modulator,
    instruction: Instruction,
    answer: str,
    harm: float,
    incidents: Sequence[Incident],
) -> Script[Ending]:
    """Sum up the consequence; where it is harmful, condense the draft and answer afresh.

    An instruction's known kind decides what a harmful consequence is: an ordinary one never becomes a refusal, however
    often a weak modulator cries wolf. An unlabelled one is judged by its draft.
    """
    is_harmful = instruction.kind == "harmful" or (
        instruction.kind == "unlabelled" and harm >= teller.config.harm_threshold
    )
    if not is_harmful:
        return Ending(harmful_p=harm)
    harms = [*modulator.critiques.summaries, *modulator.critiques.critiques]
    if not harms:
        yield from teller.degrade("consequence", "no critique was written; the incidents stand in for them")
        harms = [incident.text for incident in incidents if incident.accepted]
    consequence = yield from teller.say(
        teller.request("consequence.v1", instruction=instruction.text, harms=harms[-6:]), parsing.statement
    )
    if consequence is None:
        yield from teller.degrade("consequence", "none was told; the last critique stands in for it")
        consequence = harms[-1] if harms else "People are harmed."
    condensed = ""
    if teller.config.condense:
        request = teller.request("condense.v1", draft=head(answer, teller.config.draft_words))
        condensed = (yield from teller.say(request, parsing.statement)) or ""
        if not condensed:
            yield from teller.degrade("condense", "the draft was not condensed; the revision does without it")
    heard = yield from revise(teller, instruction, answer, condensed, consequence)
    if heard.value is None:
        yield from teller.degrade("revise", "no usable revision; the draft stays and no sample is written")
    return Ending(
        is_harmful=True,
        harmful_p=harm,
        consequence=consequence,
        condensed=condensed,
        revision=heard.value or "",
        revision_identity=heard.told.identity,
    )


def revise(
    teller: Teller, instruction: Instruction, answer: str, condensed: str, consequence: str
) -> Script[Heard[str]]:
    """Answer afresh in the light of a consequence."""
    request = teller.request(
        REVISE,
        role="ego",
        max_tokens=teller.config.max_tokens.revision,
        one_line=False,
        instruction=instruction.text,
        condensed=condensed,
        consequence=consequence,
    )
    parse = parsing.revision(
        answer, worked_examples(request.messages), instruction=instruction.text, consequence=consequence
    )
    return (yield from teller.hear(request, parse))


def false_alarm(teller: Teller, instruction: Instruction, answer: str) -> Script[Heard[str] | None]:
    """Return how the policy declines an ordinary instruction when it is told of a harm that does not follow.

    None where the config asks for no such thing, the instruction is not ordinary, it was declined anyway, or the reply
    is no refusal. The reply is the worse half of a preference pair, so that declining is unlearned where it is wrong.
    """
    alarm = teller.config.false_alarm
    if not alarm or instruction.kind != "ordinary" or not answer or is_refusal(answer):
        return None
    heard = yield from revise(teller, instruction, answer, "", alarm)
    return heard if heard.value and is_refusal(heard.value) else None


def record(
    teller: Teller,
    instruction: Instruction,
    *,
    draft: str,
    end: Ending,
    end_reason: str,
    roles: tuple[Role, ...],
    entities: tuple[Entity, ...],
    incidents: tuple[Incident, ...],
) -> Scene:
    """Return the record of a scene."""
    return Scene(
        scene_id=teller.scene_id,
        instruction_id=instruction.id,
        kind=instruction.kind,
        source=instruction.source,
        instruction=instruction.text,
        draft=draft,
        condensed=end.condensed,
        consequence=end.consequence,
        is_harmful=end.is_harmful,
        harmful_p=end.harmful_p,
        revision=end.revision,
        answer=end.revision or draft,
        end_reason=end_reason,
        roles=roles,
        entities=entities,
        incidents=incidents,
        num_degraded=teller.num_degraded,
        num_asked=teller.num_asked,
    )


def answered(
    teller: Teller, scene: Scene, end: Ending, round_: int, num_interactions: int, alarm: Heard[str] | None = None
) -> Script[None]:
    """Write the scene's events and its samples. alarm: the refusal that `false_alarm` found."""
    names = ("scene_id", "instruction_id", "kind", "source", "instruction", "draft", "condensed", "consequence")
    row = {name: getattr(scene, name) for name in names}
    accepted = [incident for incident in scene.incidents if incident.accepted]
    row |= {
        "is_harmful": scene.is_harmful,
        "harmful_p": scene.harmful_p,
        "revision": scene.revision,
        "answer": scene.answer,
        "draft_refuses": is_refusal(scene.draft),
        "answer_refuses": is_refusal(scene.answer),
        "end_reason": scene.end_reason,
        "num_roles": max(0, len(scene.roles) - 1),
        "num_interactions": num_interactions,
        "num_accepted": len(accepted),
        "num_rejected": len(scene.incidents) - len(accepted),
        "num_critiques": sum(bool(incident.critique) for incident in accepted),
        "num_degraded": scene.num_degraded,
        "num_asked": scene.num_asked,
    }
    yield Event(table="scenes", row=row)
    for role in scene.roles:
        yield Event(table="roles", row=_role_row(teller, role))
    for incident in scene.incidents:
        yield Event(table="incidents", row=_incident_row(scene.scene_id, incident))
    for thing in scene.entities:
        fields = ("entity_id", "name", "state", "location")
        row = {"scene_id": scene.scene_id, **{name: getattr(thing, name) for name in fields}}
        yield Event(table="entities", row={**row, "visible_to": list(thing.visible_to)})
    yield answer_event(scene.instruction_id, scene.kind, scene.source, "matrix", scene.instruction, scene.answer)
    yield from scene_samples(teller, scene, end.revision_identity, round_, alarm)


def answer_event(instruction_id: str, kind: str, source: str, method: str, instruction: str, answer: str) -> Event:
    """Return the row that compares methods: one answer to one instruction."""
    row = {
        "instruction_id": instruction_id,
        "kind": kind,
        "source": source,
        "method": method,
        "instruction": instruction,
        "answer": answer,
        "refuses": is_refusal(answer),
    }
    return Event(table="answers", row=row)


def _role_row(teller: Teller, role: Role) -> dict[str, object]:
    names = ("role_id", "name", "traits", "status", "is_ego", "target", "place", "origin", "persona_id")
    return {
        "scene_id": teller.scene_id,
        **{name: getattr(role, name) for name in names},
        "policy": teller.policy(role.role_id),
        "plan": [step.act for step in role.plan],
    }


def _incident_row(scene_id: str, incident: Incident) -> dict[str, object]:
    names = ("incident_id", "step", "source", "text", "place", "secret", "feasible_p", "num_tries", "accepted")
    return {
        "scene_id": scene_id,
        **{name: getattr(incident, name) for name in names},
        "recipients": [role_id for role_id, _ in incident.recipients],
        "asked": [role_id for role_id, _ in incident.asked],
        "asked_p": [p for _, p in incident.asked],
        "conflict_p": incident.conflict_p,
        "critique": incident.critique,
    }
