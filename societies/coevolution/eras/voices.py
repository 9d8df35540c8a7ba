"""Who answers for an era, and the script that asks them: every pair and every measured item, once each.

A `Score` has no chance in it, so what a voice said holds for every challenge and every arm of a run. The order in which
a request names the actions is undone by the instrument and by the engine room, nowhere here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np

from agents.errors import UserError, did_you_mean
from agents.instruments.types import Readings, Subject
from agents.instruments.value_vector import ValueVectorInstrument
from agents.instruments.value_vector.dims import NUM_DIMS
from agents.instruments.value_vector.forms import PACKAGE as ITEMS
from agents.instruments.value_vector.forms import prompt_of
from agents.instruments.value_vector.instrument import MASS_FLOOR, order_gap
from agents.instruments.value_vector.vector import added
from agents.persona import Persona, render
from agents.prompts import render_messages
from agents.requests import Cause, Forfeit, Fork, Message, Orders, RequestFailed, Score, Scores, Script
from agents.statistics.drift import stream
from societies.coevolution.eras.answers import Answered, Ballots, FloatArray, Pair
from societies.coevolution.eras.config import POLICY, Era, ErasConfig

PACKAGE = "societies.coevolution.eras"
BANK = "eras.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """One or several subjects that answer as one. name: in tables; unique in a run."""

    name: str
    subjects: tuple[Subject, ...]


def era_texts() -> dict[str, dict[str, str]]:
    """Return the built-in eras: id -> span and text."""
    text = (resources.files(PACKAGE) / "data" / f"{BANK}.jsonl").read_text("utf-8")
    rows = [json.loads(line) for line in text.splitlines() if line]
    return {row["id"]: row for row in rows}


def era_prefix(era: Era, number: int, card: str = "") -> tuple[Message, ...]:
    """Return what is read before each question of an era. Raises UserError for one that the bank does not have."""
    bank = era_texts()
    if era.tell and era.tell not in bank:
        raise UserError(
            f'society.eras[{number}].tell = "{era.tell}" is not known.',
            "it names an era of the built-in bank.",
            did_you_mean(era.tell, bank),
        )
    if not (era.tell or era.text):
        return render_messages(PACKAGE, "person.v1", card=card) if card else ()
    told = bank[era.tell] if era.tell else {"span": era.name, "text": era.text}
    return render_messages(PACKAGE, "era.v1", span=told["span"], text=told["text"], card=card)


def voices(config: ErasConfig, cast: Sequence[Persona], seed: int) -> list[Voice]:
    """Return who answers in each timestep; a voice without subjects was recorded.

    cast: personas, one for each seat of the cohort and each newcomer. Seats are given up by chance, never by opinion.
    """
    out = []
    seats = list(cast[: config.cohort.personas])
    leaving = round(config.cohort.replacement * config.cohort.personas)
    for number, era in enumerate(config.eras):
        if number and seats:
            for place, seat in enumerate(stream(seed, "leaving", number).permutation(len(seats))[:leaving]):
                seats[seat] = cast[config.cohort.personas + (number - 1) * leaving + place]
        one = Subject(policy=era.policy, name=era.name, prefix=era_prefix(era, number))
        several = tuple(
            Subject(
                policy=era.policy,
                name=f"{era.name}/{seat:03d}-{persona.persona_id}",
                prefix=era_prefix(era, number, render(persona)),
            )
            for seat, persona in enumerate(seats)
        )
        out.append(Voice(name=era.name, subjects=() if era.recorded else several or (one,)))
    return out


def policy_voice(policy: str) -> Voice:
    """Return the voice of a policy under examination: nobody tells it an era."""
    return Voice(name=POLICY + policy, subjects=(Subject(policy=policy, name=POLICY + policy),))


def num_personas(config: ErasConfig) -> int:
    """Return how many personas the cohorts of all timesteps need."""
    leaving = round(config.cohort.replacement * config.cohort.personas)
    return config.cohort.personas + leaving * (len(config.eras) - 1)


def asked(voice: Voice, ballots: Ballots, instrument: ValueVectorInstrument) -> Script[Answered]:
    """Ask all subjects of a voice everything, side by side, and return their mean; what was lost is nan."""
    items = {item.id: place for place, item in enumerate(ballots.held)}
    children: list[tuple[str, Script[Any]]] = []
    for subject in voice.subjects:
        children += [(name, _kept(script)) for name, script in instrument.scripts(subject)]
        children += [
            (f"votes/{subject.name}/{n:04d}", _kept(_vote(pair, subject))) for n, pair in enumerate(ballots.pairs)
        ]
    found = yield Fork(tuple(children))
    num_held, num_pairs = len(items), ballots.num_pairs
    rows = np.full((len(voice.subjects), num_held, NUM_DIMS), np.nan)
    gaps, masses = np.full((2, len(voice.subjects), num_held), np.nan)
    votes = np.full((2, len(voice.subjects), num_pairs), np.nan)
    for who in range(len(voice.subjects)):
        start = who * (num_held + num_pairs)
        for readings in found[start : start + num_held]:
            _take(readings, instrument, items, rows[who], gaps[who], masses[who])
        for place, vote in enumerate(found[start + num_held : start + num_held + num_pairs]):
            votes[:, who, place] = vote if vote is not None else math.nan
    return Answered(
        votes=_mean(votes[0]),
        gaps=_mean(votes[1]),
        rows=_mean(rows),
        held_gaps=_mean(gaps),
        masses=_mean(masses),
        num_voters=len(voice.subjects) if len(voice.subjects) > 1 else 0,
    )


def _kept(script: Script[Any]) -> Script[Any]:
    """Run a script; one whose request the engine could not answer comes to None, and the others go on."""
    try:
        return (yield from script)
    except RequestFailed:
        return None


def _vote(pair: Pair, subject: Subject) -> Script[tuple[float, float] | None]:
    """Ask for one of two actions in both orders; return the first one's probability and the gap of the orders."""
    request = Score(
        messages=(*subject.prefix, *render_messages(ITEMS, prompt_of("letters"), context=pair.item.text)),
        options=(pair.item.options[pair.first], pair.item.options[pair.second]),
        purpose="eras/vote",
        policy=subject.policy,
        orders=Orders.REVERSED,
    )
    scores: Scores = yield request
    letters = scores.mode == request.mode.value
    if letters and scores.mass < MASS_FLOOR:
        why = f"label mass {scores.mass:.3f}"
        yield Forfeit(cause=Cause.REFUSAL, request=request, reply="", why=why, final=True)
        return None
    logp = np.array(scores.logp)
    first = 1 / (1 + np.exp(logp[:, 1] - logp[:, 0]))
    return float(first.mean()), float(np.ptp(first))


def _take(
    readings: Readings | None,
    instrument: ValueVectorInstrument,
    items: Mapping[str, int],
    rows: FloatArray,
    gaps: FloatArray,
    masses: FloatArray,
) -> None:
    if not readings:
        return
    item = instrument.by_id[readings[0].item]
    shares = instrument.shares(readings)
    if shares is None:
        return
    place = items[item.id]
    rows[place] = added(item, shares)
    gaps[place] = order_gap(readings)
    known = [one.mass for one in readings if math.isfinite(one.mass)]
    masses[place] = math.fsum(known) / len(known) if known else math.nan


def _mean(values: FloatArray) -> FloatArray:
    """Return the mean over subjects of what is known; nan where nothing is."""
    known = np.isfinite(values)
    num = known.sum(axis=0)
    with np.errstate(invalid="ignore"):
        return np.where(num > 0, np.where(known, values, 0.0).sum(axis=0) / np.maximum(num, 1), np.nan)
