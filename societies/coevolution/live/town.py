"""The town before anybody speaks: who lives where, who knows whom, and what chance has in store for each timestep.

Everything here depends on run seed, replica and purpose, and never on the arm: arms differ in their AI alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from agents.errors import UserError
from agents.persona import Persona, render
from agents.statistics.drift import stream
from societies.coevolution.live.config import LiveConfig
from societies.coevolution.live.records import Claim, Person, load_claims
from societies.seam import Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What all arms of a replica share.

    newcomers: timestep -> (seat, persona) of everybody who comes. topics, hears: [timestep - 1][seat] of the claim that
    a person speaks about, and which neighbour they hear. asks, meets, picks, leans: draws from [0, 1) for whether they
    turn to the AI and hear the neighbour, which topic they choose, and for which view evidence speaks.
    """

    replica: int
    seed: int
    claims: tuple[Claim, ...]
    settlers: tuple[Persona, ...]
    neighbours: tuple[tuple[int, ...], ...]
    newcomers: dict[int, tuple[tuple[int, Persona], ...]]
    topics: tuple[tuple[int, ...], ...]
    asks: tuple[tuple[float, ...], ...]
    meets: tuple[tuple[float, ...], ...]
    picks: tuple[tuple[float, ...], ...]
    leans: tuple[tuple[float, ...], ...]
    hears: tuple[tuple[int, ...], ...]

    def people(self) -> list[Person]:
        """Return the first people, who have heard nothing."""
        return [settle(seat, persona) for seat, persona in enumerate(self.settlers)]


def settle(seat: int, persona: Persona) -> Person:
    """Return a persona in a seat, who has heard nothing."""
    return Person(seat=seat, persona=persona, card=render(persona))


def make_plan(config: LiveConfig, setting: Setting, replica: int) -> Plan:
    """Draw people, network and chance of a replica. Raises UserError where the population is too small."""
    seed = int(stream(setting.seed, "live", replica).integers(2**31))
    leaving = round(config.replacement * config.personas)
    needed = config.personas + leaving * config.timesteps
    cast = setting.cast(needed, seed)
    if len(cast) < needed:
        raise UserError(
            f"The population has {len(cast)} persons within reach; society.personas = {config.personas} and "
            f"society.replacement = {config.replacement} need {needed}.",
            "everybody in the town, and every newcomer, comes from it.",
            "raise population.size or lower them",
        )
    claims = load_claims(config.claims)
    neighbours = _small_world(config, seed)
    times = range(1, config.timesteps + 1)
    seats = range(config.personas)
    chance = {t: stream(seed, "chance", t) for t in times}

    def draws(purpose: str) -> tuple[tuple[float, ...], ...]:
        return tuple(tuple(stream(seed, purpose, t).random(config.personas).tolist()) for t in times)

    return Plan(
        replica=replica,
        seed=seed,
        claims=claims,
        settlers=tuple(cast[: config.personas]),
        neighbours=neighbours,
        newcomers={
            t: tuple(
                (int(seat), cast[config.personas + (t - 1) * leaving + place])
                for place, seat in enumerate(stream(seed, "leaving", t).permutation(config.personas)[:leaving])
            )
            for t in times
        },
        topics=tuple(tuple(chance[t].integers(len(claims), size=config.personas).tolist()) for t in times),
        asks=tuple(tuple(chance[t].random(config.personas).tolist()) for t in times),
        meets=draws("meets"),
        picks=draws("picks"),
        leans=draws("leans"),
        hears=tuple(tuple(int(chance[t].choice(neighbours[seat])) for seat in seats) for t in times),
    )


def _small_world(config: LiveConfig, seed: int) -> tuple[tuple[int, ...], ...]:
    """Return each seat's neighbours in a connected small world. Source: Watts and Strogatz 1998."""
    import networkx as nx

    graph = nx.connected_watts_strogatz_graph(config.personas, config.degree, config.rewiring, tries=200, seed=seed)
    return tuple(tuple(sorted(graph.neighbors(seat))) for seat in range(config.personas))
