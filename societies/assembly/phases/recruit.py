"""Recruiting: invitations, who responds, the lottery over quota-keeping panels, who drops out, and who takes the seat.

Nothing is asked here. The panel is drawn once for all arms of an assembly, so that the arms differ in nothing else.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from agents.errors import UserError, nearest
from agents.persona import Persona, render
from agents.prompts import render_prompt
from agents.requests import HUMAN, Script
from societies.assembly.clerk import PACKAGE, Clerk
from societies.assembly.config import AssemblyConfig, Mind
from societies.assembly.hall import Hall
from societies.assembly.lottery import (
    METHODS,
    Instance,
    Lottery,
    NoPanel,
    Quota,
    certificate,
    diagnose,
    draw,
    fairness,
    instance,
)
from societies.assembly.records import Citizen
from societies.seam import Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Who sits, and how that came about. pi: chance of each member, given the pool. alternate: took a free seat."""

    members: tuple[Persona, ...]
    pi: tuple[float, ...]
    alternate: tuple[bool, ...]
    num_invited: int
    lottery: Lottery
    shares: dict[str, dict[str, float]]
    notes: tuple[str, ...] = ()


def draw_panel(config: AssemblyConfig, setting: Setting, assembly: str) -> Panel:
    """Invite, let respond, draw the panel, and fill the seats of those who do not come. Raises UserError."""
    seed = _seed(setting.seed, assembly, "panel")
    rng = np.random.default_rng(seed)
    invited = setting.cast(config.pool, seed % 2**31)
    if len(invited) < config.panel:
        raise UserError(
            f"The population has {len(invited)} persons for a panel of {config.panel}.",
            "everybody on the panel comes from it.",
            "raise population.size or lower society.panel",
        )
    come = np.flatnonzero(rng.random(len(invited)) < config.response_rate)
    notes: list[str] = []
    if len(come) < 2 * config.panel:
        come = rng.permutation(len(invited))[: max(len(come), min(len(invited), 2 * config.panel))]
        notes.append("too few responded; more were asked until two a seat had")
    pool = [invited[n] for n in sorted(come)]
    shares = {feature: _shares(invited, feature) for feature in config.quotas}
    drawn, more = drawn_from(pool, shares, config, seed)
    seats = [int(n) for n in draw(drawn, seed)]
    members, alternates = _fill(drawn.pool, seats, rng.random(len(seats)) < config.dropout, rng)
    return Panel(
        members=tuple(pool[n] for n in members),
        pi=tuple(float(drawn.pi[n]) for n in members),
        alternate=alternates,
        num_invited=len(invited),
        lottery=drawn,
        shares=shares,
        notes=(*notes, *more),
    )


def drawn_from(
    pool: Sequence[Persona], shares: dict[str, dict[str, float]], config: AssemblyConfig, seed: int
) -> tuple[Lottery, tuple[str, ...]]:
    """Return the lottery over panels of these people, and notes on quotas that had to be widened.

    Quotas are each value's share of the invited times the seats, rounded down and up. Where the respondents cannot meet
    them all, the smallest relaxation is taken, and that is said.
    """
    columns = {feature: [_value(person, feature) for person in pool] for feature in shares}
    quotas = [
        Quota(
            feature=feature,
            value=value,
            least=math.floor(share * config.panel + 1e-9),
            most=math.ceil(share * config.panel - 1e-9),
        )
        for feature, known in shares.items()
        for value, share in known.items()
        if value in columns[feature]
    ]
    people = [one.persona_id for one in pool]
    method = METHODS[config.lottery]
    try:
        return method(instance(people, columns, quotas, config.panel), seed=seed % 2**31), ()
    except NoPanel:
        changes = diagnose(instance(people, columns, quotas, config.panel)).changes
    by_name = {change.quota.name: change for change in changes}
    relaxed = [
        replace(quota, least=by_name[quota.name].least, most=by_name[quota.name].most)
        if quota.name in by_name
        else quota
        for quota in quotas
    ]
    notes = ("the respondents could not meet all quotas: " + "; ".join(map(str, changes)),)
    return method(instance(people, columns, relaxed, config.panel), seed=seed % 2**31), notes


def recruit(clerk: Clerk, hall: Hall, panel: Panel) -> Script[None]:
    """Seat the panel: who they are, which mind they think with, and what they weigh."""
    config = clerk.config
    unmoved = frozenset(
        clerk.rng("stubborn").permutation(config.panel)[: round(config.stubborn * config.panel)].tolist()
    )
    minds = config.minds[:1] if clerk.arm == "homogeneous" else config.minds
    for number, (persona, pi) in enumerate(zip(panel.members, panel.pi, strict=True)):
        mind = number % len(minds)
        chosen = minds[mind]
        policy = chosen.policy or clerk.policy("citizen")
        if clerk.arm == "full" and number < config.human_seats:
            policy = f"{HUMAN}:c{number:03d}"
        citizen = Citizen(
            citizen_id=f"c{number:03d}",
            persona=persona,
            card=render(persona),
            policy=policy,
            temperature=chosen.temperature,
            manner=_manner(clerk, chosen, stubborn=number in unmoved),
            mind=mind,
            pi=pi,
            weight=pi / config.panel,
            alternate=panel.alternate[number],
            group=_value(persona, config.quotas[0]) if config.quotas else "",
        )
        hall.citizens.append(citizen)
    for note in panel.notes:
        yield clerk.degrade("recruit", note)
    yield from _facts(clerk, panel)
    for citizen in hall.citizens:
        yield clerk.event(
            "citizens",
            citizen=citizen.citizen_id,
            name=citizen.name,
            persona_id=citizen.persona.persona_id,
            policy=citizen.policy,
            pi=citizen.pi,
            weight=citizen.weight,
            alternate=citizen.alternate,
            mind=citizen.mind,
            group=citizen.group,
            card=citizen.card,
        )


def _manner(clerk: Clerk, mind: Mind, *, stubborn: bool) -> str:
    return render_prompt(PACKAGE, "stubborn.v1") if stubborn and clerk.arm == "stubborn" else mind.manner


def _facts(clerk: Clerk, panel: Panel) -> Script[None]:
    drawn = panel.lottery
    fair = fairness(drawn.pi)
    yield clerk.event(
        "lotteries",
        algorithm=drawn.algorithm,
        num_pool=panel.num_invited,
        num_responded=drawn.pool.n,
        num_panels=len(drawn.q),
        min_pi=fair.smallest,
        max_pi=fair.largest,
        gini=fair.gini,
        geometric_mean=fair.geometric_mean,
        seed=drawn.seed,
        digest=str(certificate(drawn)["digest"]),
        log="; ".join(f"{name} {value}" for name, value in drawn.log),
    )
    for quota in drawn.pool.quotas:
        seats = Counter(_value(person, quota.feature) for person in panel.members)
        yield clerk.event(
            "quotas",
            feature=quota.feature,
            value=quota.value,
            pool_share=panel.shares[quota.feature][quota.value],
            low=quota.least,
            high=quota.most,
            seats=seats[quota.value],
        )


def _fill(
    pool: Instance, seats: list[int], absent: np.ndarray, rng: np.random.Generator
) -> tuple[list[int], tuple[bool, ...]]:
    """Return who sits after those who do not come were replaced by whoever is most like them among the others."""
    free = [n for n in rng.permutation(pool.n).tolist() if n not in set(seats)]
    members, alternates = [], []
    for seat, gone in zip(seats, absent.tolist(), strict=True):
        if gone and free:
            alike = [int((pool.codes[n] != pool.codes[seat]).sum()) for n in free]
            members.append(free.pop(alike.index(min(alike))))
        else:
            members.append(seat)
        alternates.append(bool(gone) and members[-1] != seat)
    return members, tuple(alternates)


def _shares(people: Sequence[Persona], feature: str) -> dict[str, float]:
    counts = Counter(_value(person, feature) for person in people)
    return {value: counts[value] / len(people) for value in sorted(counts)}


def _value(persona: Persona, feature: str) -> str:
    try:
        return persona.demographics[feature]
    except KeyError:
        raise UserError(
            f'society.quotas names "{feature}", which {persona.persona_id} does not have.',
            f"quotas are on features of the population: {', '.join(sorted(persona.demographics))}.",
            nearest(feature, persona.demographics),
        ) from None


def _seed(*parts: object) -> int:
    text = "|".join(map(str, parts))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
