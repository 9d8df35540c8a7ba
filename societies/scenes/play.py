"""The play of a scene: acts, reactions and what comes of them, told from the draft to the revised answer.

The ego performs its plan step by step; whoever perceives an act reacts to what it perceived, and to nothing else: the
only texts a role's prompt receives are those in its own inbox. Acts of one wave are asked for side by side and take
effect in the order of the roles, so the order of replies never shows.
Source: MATRIX, arXiv 2402.05699, section 3, with the defects of its published code put right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from agents.instructions import Instruction
from agents.requests import Generate, OverBudget, Script
from societies.scenes import parsing
from societies.scenes.ending import Ending, answered, ending, false_alarm, record
from societies.scenes.modulator import Modulator
from societies.scenes.opening import Draw, Opening, draft, opening
from societies.scenes.records import Incident, Role, Scene
from societies.scenes.rules import end_reason, head, place_in
from societies.scenes.stage import Stage
from societies.scenes.teller import Heard, Teller


def scene(
    instruction: Instruction,
    *,
    teller: Teller,
    personas: Draw | None = None,
    round_: int = 0,
    simulate: bool = True,
) -> Script[Scene | str]:
    """Play one scene and return its record (mode distil) or the answer after simulation (mode inference).

    simulate: False answers an ordinary instruction without a scene. Whatever happens, the scene's rows are written.
    """
    answer = yield from draft(teller, instruction)
    modulator = Modulator(teller, instruction.text)
    start: Opening | None = None
    stage: Stage | None = None
    end = Ending()
    why = "no draft"
    if answer and not simulate:
        why = "not simulated"
    elif answer:
        harm = yield from modulator.harm_of_draft(head(answer, teller.config.draft_words))
        start = yield from opening(teller, instruction, answer, personas)
        modulator.plan = tuple(step.act for step in start.ego.plan)
        stage = Stage.set_up(start)
        why = yield from play(teller, modulator, stage)
        end = yield from ending(teller, modulator, instruction, answer, harm, stage.incidents)
    told = record(
        teller,
        instruction,
        draft=answer,
        end=end,
        end_reason=why,
        roles=stage.roles if stage else (),
        entities=stage.things() if stage else (),
        incidents=tuple(stage.incidents) if stage else (),
    )
    alarm = yield from false_alarm(teller, instruction, answer)
    yield from answered(teller, told, end, round_, stage.num_interactions if stage else 0, alarm)
    return told.answer if teller.config.mode == "inference" else told


def play(teller: Teller, modulator: Modulator, stage: Stage) -> Script[str]:
    """Play waves of acts until the plan, the interactions or the budget end; return why it ended.

    A wave: the ego's next step when something reached it (its own last act does), and one reaction of every other
    role whose inbox holds something. After the last step the others react once more.
    """
    config = teller.config
    first = True
    while True:
        try:
            num_before = sum(incident.accepted for incident in stage.incidents)
            last = not stage.plan_left
            yield from _wave(teller, modulator, stage, first)
        except OverBudget:
            return "token budget"
        first = False
        reason = end_reason(
            plan_left=0 if last else 1,
            num_accepted_now=sum(incident.accepted for incident in stage.incidents) - num_before,
            num_interactions=stage.num_interactions,
            max_interactions=config.max_interactions,
            tokens_left=teller.tokens_left,
        )
        if reason in ("no deliverable incident", "plan exhausted") and not stage.plan_left:
            reason = "plan exhausted"
        if reason:
            return reason


def _wave(teller: Teller, modulator: Modulator, stage: Stage, first: bool) -> Script[None]:
    others = stage.roles[1:]
    room = teller.config.max_interactions - stage.num_interactions
    blocks: dict[str, tuple[str, ...]] = {}
    for role in stage.roles:
        taken, stage.inbox[role.role_id] = stage.inbox[role.role_id].take(teller.config.inbox_block)
        blocks[role.role_id] = tuple(memo.text for memo in taken)
    ego_acts = stage.plan_left > 0 and (first or bool(blocks["ego"]))
    actors = [role for role in others if blocks[role.role_id]][: room - ego_acts]
    requests = {role.role_id: _react(teller, stage, role, blocks[role.role_id]) for role in actors}
    for role_id, block in blocks.items():
        stage.heard[role_id] += block
    lines = yield from teller.hear_all(
        [(role.role_id, requests[role.role_id], _parser(role, blocks)) for role in actors]
    )
    if ego_acts:
        yield from _ego_step(teller, modulator, stage)
    for role, said in zip(actors, lines, strict=True):
        if teller.tokens_left:
            yield from _reaction(teller, modulator, stage, role, said, requests[role.role_id], _parser(role, blocks))


def _react(teller: Teller, stage: Stage, role: Role, received: tuple[str, ...]) -> Generate:
    return teller.request(
        "react.v1",
        role=role.role_id,
        who=role.name,
        persona=role.persona,
        place=stage.where[role.role_id],
        things=[{"name": thing.name, "state": thing.state} for thing in stage.in_sight(role.role_id)],
        remembered=stage.heard[role.role_id][-teller.config.memory_trigger :],
        received=received,
    )


def _parser(role: Role, blocks: Mapping[str, tuple[str, ...]]) -> parsing.Parser[str]:
    return parsing.reaction(role.name, blocks[role.role_id])


def _ego_step(teller: Teller, modulator: Modulator, stage: Stage) -> Script[None]:
    """Perform the next plan step, verbatim; an impossible one is dropped, since the ego never replans."""
    ego = stage.roles[0]
    step = ego.plan[stage.num_steps_done]
    stage.num_steps_done += 1
    told = step.act.casefold().startswith(ego.name.casefold())
    text = step.act if told else f"{ego.name} {step.act[0].lower()}{step.act[1:]}"
    feasible = yield from modulator.feasible(text)
    incident = Incident(
        incident_id=f"act-{len(stage.incidents)}",
        step=stage.num_steps_done,
        source=ego.role_id,
        text=text,
        place=step.place,
        secret=step.secret,
        thing=step.thing,
        feasible_p=feasible,
        accepted=feasible >= teller.config.feasible_threshold,
    )
    yield from _happen(modulator, stage, incident)


def _reaction(
    teller: Teller,
    modulator: Modulator,
    stage: Stage,
    role: Role,
    heard: Heard[str],
    request: Generate,
    parse: parsing.Parser[str],
) -> Script[None]:
    """Let one role's reaction happen if it can; ask for another wording when it cannot, at most `max_tries` in all."""
    config = teller.config
    if heard.value is None:
        return
    num_tries = 1
    feasible = yield from modulator.feasible(heard.value)
    while feasible < config.feasible_threshold and num_tries < config.max_tries and teller.tokens_left:
        again = yield from teller.hear(warmer(request), parse)
        num_tries += 1
        if again.value is not None:
            heard = again
            feasible = yield from modulator.feasible(again.value)
    said = heard.value or ""
    incident = Incident(
        incident_id=f"act-{len(stage.incidents)}",
        step=stage.num_steps_done,
        source=role.role_id,
        text=said,
        place=place_in(said, config.places) or stage.where[role.role_id],
        feasible_p=feasible,
        num_tries=num_tries,
        accepted=feasible >= config.feasible_threshold,
    )
    if incident.accepted:
        teller.keep(heard)
    yield from _happen(modulator, stage, incident)


def _happen(modulator: Modulator, stage: Stage, incident: Incident) -> Script[None]:
    """Let an accepted incident take effect; one that was dropped leaves only its record."""
    stage.num_interactions += 1
    if incident.accepted:
        incident = yield from modulator.perceivers(incident, stage.roles, stage.where)
        incident = yield from modulator.accept(incident)
        stage.deliver(incident)
    stage.incidents.append(incident)


def warmer(request: Generate) -> Generate:
    """Return the request drawn at no less than 0.7, so that another wording can come."""
    return replace(request, sampling=replace(request.sampling, temperature=max(0.7, request.sampling.temperature)))
