"""The Mesa world: two phases, reproducible order, circles of acquaintances."""

from __future__ import annotations

from agents.persona import Persona
from sim.world import Citizen, World


def people(number: int) -> list[Persona]:
    return [Persona(persona_id=f"p{n:03d}", name=f"Name {n}") for n in range(number)]


def test_all_ask_before_anyone_applies() -> None:
    world = World(people(20), seed=1)
    log: list[str] = []

    def answer(questions: list[str]) -> list[str]:
        log.append("answered")
        return [q.upper() for q in questions]

    world.step_with(
        ask=lambda c: log.append("ask") or c.persona.persona_id,
        answer=answer,
        apply=lambda c, reply: log.append(f"apply {reply == c.persona.persona_id.upper()}"),
        measure=lambda w: {"size": float(len(w.citizens))},
    )
    assert log == ["ask"] * 20 + ["answered"] + ["apply True"] * 20
    assert world.tick == 1
    assert world.metrics == [{"tick": 1.0, "size": 20.0}]


def test_the_order_of_asking_follows_from_the_seed() -> None:
    def order(seed: int) -> list[str]:
        world, seen = World(people(30), seed=seed), []

        def ask(citizen: Citizen) -> None:
            seen.append(citizen.persona.persona_id)

        world.step_with(ask=ask, answer=lambda qs: qs, apply=lambda c, r: None)
        return seen

    assert order(3) == order(3)
    assert order(3) != order(4)


def test_a_circle_is_connected_distinct_and_reproducible() -> None:
    world = World(people(60), seed=2)
    by_id = {c.persona.persona_id: c for c in world.citizens}
    circle = world.circle(7, seed=5)
    assert circle == world.circle(7, seed=5)
    assert len({p.persona_id for p in circle}) == 7
    for n, persona in enumerate(circle[1:], start=1):
        earlier = {p.persona_id for p in circle[:n]}
        assert earlier & {c.persona.persona_id for c in by_id[persona.persona_id].neighbours}


def test_a_tiny_world_gives_what_it_has() -> None:
    assert len(World(people(3), seed=0).circle(10, seed=0)) == 3
    assert World([], seed=0).circle(3, seed=0) == []
