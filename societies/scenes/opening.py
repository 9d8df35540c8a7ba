"""The opening of a scene: the draft answer, the situation behind it, who is touched, and what the ego will do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agents.asking import nonempty
from agents.instructions import Instruction
from agents.persona import Persona, render
from agents.prompts import inline
from agents.requests import Constraint, Script, json_constraint
from societies.scenes import parsing
from societies.scenes.records import Entity, Role, Step
from societies.scenes.rules import complete_cast, head, plan_from_text
from societies.scenes.teller import Teller

Draw = Callable[[int], list[Persona]]
DEFAULT_EGO = "Asker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How a scene begins: ego first among the roles, its plan in it, and the passive objects that the plan touches."""

    situation: str
    future: str
    roles: tuple[Role, ...]
    entities: tuple[Entity, ...]

    @property
    def ego(self) -> Role:
        """The asker."""
        return self.roles[0]


def draft(teller: Teller, instruction: Instruction) -> Script[str]:
    """Return the policy's answer to the instruction alone; "" when it gave none."""
    warmth = teller.config.ordinary_temperature if instruction.kind == "ordinary" else None
    heard = yield from teller.hear(teller.plain(instruction.text, temperature=warmth), nonempty)
    return heard.value or ""


def opening(teller: Teller, instruction: Instruction, answer: str, personas: Draw | None) -> Script[Opening]:
    """Ask for the situation, the ego, the future, the roles, the plan and the personas; replace what is missing."""
    config, x = teller.config, inline(instruction.text)
    ask_for = teller.request("situation.v1", instruction=instruction.text)
    situation = (yield from teller.say(ask_for, parsing.statement)) or ""
    if not situation:
        yield from teller.degrade("situation", "none was told; the scene goes on without one")
    ego_name = yield from _ego_name(teller, instruction, situation)
    future = yield from teller.say(
        teller.request(
            "future.v1",
            max_tokens=config.max_tokens.text,
            one_line=False,
            instruction=instruction.text,
            situation=situation,
            draft=head(answer, config.draft_words),
        ),
        parsing.passage,
    )
    if future is None:
        yield from teller.degrade("future", "none was told; the draft stands in for it")
        future = head(inline(answer), 60)
    names = yield from _role_names(teller, instruction, ego_name, future)
    steps = yield from _plan(teller, instruction, ego_name, future)
    ego = Role(
        role_id="ego",
        name=ego_name,
        is_ego=True,
        target=head(x, 40),
        plan=steps,
        place=steps[0].place,
        origin="model" if ego_name != DEFAULT_EGO else "default",
    )
    others = [
        Role(role_id=f"role-{k}", name=name, place=place, origin=origin)
        for k, (name, place, origin) in enumerate(names)
    ]
    roles = yield from _fill(teller, [ego, *others], personas)
    return Opening(situation=situation, future=future, roles=roles, entities=objects(steps))


def objects(steps: Sequence[Step]) -> tuple[Entity, ...]:
    """Return the passive objects that a plan touches, each once, where it is touched first."""
    first: dict[str, Step] = {}
    for step in steps:
        if step.thing:
            first.setdefault(step.thing.casefold(), step)
    return tuple(
        Entity(entity_id=f"thing-{k}", name=step.thing, state="untouched", location=step.place)
        for k, step in enumerate(first.values())
    )


def _ego_name(teller: Teller, instruction: Instruction, situation: str) -> Script[str]:
    request = teller.request(
        "ego.v1",
        max_tokens=8,
        constraint=Constraint(choices=teller.config.ego_names) if teller.config.ego_names else None,
        instruction=instruction.text,
        situation=situation,
    )
    name = yield from teller.say(request, parsing.role_name)
    if name is None:
        yield from teller.degrade("ego", f"no role was named; the ego is called {DEFAULT_EGO}")
    return name or DEFAULT_EGO


def _role_names(
    teller: Teller, instruction: Instruction, ego: str, future: str
) -> Script[tuple[tuple[str, str, str], ...]]:
    config = teller.config
    num = config.num_roles
    free: dict[str, Any] = {"type": "string", "minLength": 3, "maxLength": parsing.MAX_NAME}
    place = {"type": "string", "enum": list(config.places)}
    named = [{"type": "string", "enum": list(config.role_names[k::num])} for k in range(num)]
    entries = [_entry({"name": one, "place": place}) for one in (named if len(config.role_names) >= num else [free])]
    request = teller.request(
        "roles.v1",
        max_tokens=config.max_tokens.roles,
        one_line=False,
        constraint=_listed("roles", entries, num, num),
        instruction=instruction.text,
        future=head(future, 60),
        num_roles=num,
        places=config.places,
    )
    found = yield from teller.say(request, lambda text: parsing.role_list(text, config.places))
    cast = complete_cast(found or [], ego, config.num_roles)
    if cast.num_backup:
        yield from teller.degrade("roles", f"{cast.num_backup} of {config.num_roles} are backup roles")
    return cast.members


def _plan(teller: Teller, instruction: Instruction, ego: str, future: str) -> Script[tuple[Step, ...]]:
    config = teller.config
    fields: dict[str, dict[str, Any]] = {
        "act": {"type": "string", "minLength": 8, "maxLength": 90},
        "thing": {"type": "string", "maxLength": 20},
        "place": {"type": "string", "enum": list(config.places)},
        "secret": {"type": "string", "enum": ["no", "yes"]},
    }
    request = teller.request(
        "plan.v1",
        max_tokens=config.max_tokens.plan,
        one_line=False,
        constraint=_listed("steps", [_entry(fields)], min(config.min_steps, config.num_steps), config.num_steps),
        instruction=instruction.text,
        future=head(future, 60),
        ego=ego,
        max_steps=config.num_steps,
        places=config.places,
    )
    steps = yield from teller.say(
        request, lambda text: parsing.plan(text, max_steps=config.num_steps, places=config.places)
    )
    if steps is None:
        yield from teller.degrade("plan", "no plan was given; it is cut from the future")
        steps = plan_from_text(future, config.num_steps, config.places[0])
    return steps or (Step(act=f"does what the answer says about: {head(inline(instruction.text), 20)}"),)


def _fill(teller: Teller, roles: Sequence[Role], personas: Draw | None) -> Script[tuple[Role, ...]]:
    """Give every role its traits and duties: from the population, or asked for side by side."""
    drawn = personas(len(roles) - 1) if personas is not None else []
    cards = {role.role_id: persona for role, persona in zip(roles[1:], drawn, strict=False)}
    asked = [role for role in roles if role.role_id not in cards]
    found = yield from teller.hear_all(
        [(role.role_id, teller.request("persona.v1", who=role.name), parsing.persona) for role in asked]
    )
    told = {role.role_id: teller.keep(heard) for role, heard in zip(asked, found, strict=True)}
    filled = []
    for role in roles:
        card = cards.get(role.role_id)
        if card is not None:
            text = inline(render(card).replace("\n", "; "))
            filled.append(replace(role, origin="population", persona_id=card.persona_id, card=text))
            continue
        answer = told[role.role_id]
        if answer is None:
            yield from teller.degrade("persona", f"none was told for {role.name}")
        filled.append(replace(role, traits=(answer or ("", ""))[0], status=(answer or ("", ""))[1]))
    return tuple(filled)


def _entry(fields: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def _listed(key: str, entries: Sequence[dict[str, Any]], least: int, most: int) -> Constraint:
    """Return the form {key: [entries]}: each entry of its own kind, or all of one kind."""
    array: dict[str, Any] = {"type": "array", "items": entries[0], "minItems": least, "maxItems": most}
    if len(entries) > 1:
        array["prefixItems"] = list(entries)
    fields = {key: array}
    return json_constraint({"type": "object", "properties": fields, "required": [key], "additionalProperties": False})
