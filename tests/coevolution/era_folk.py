"""A responder that is a history with known values: each era's people choose by numbers that drift."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from agents.instruments.oracles import answering
from agents.instruments.types import Item
from agents.instruments.value_vector import built_in_items
from agents.instruments.value_vector.dims import NUM_DIMS
from agents.instruments.value_vector.people import choices
from agents.persona import Persona
from agents.prompts import inline
from agents.requests import Event, Request, Result, Score
from sim.config import validate
from sim.engines.scripted import ScriptedEngine
from sim.scheduler import Scheduler
from sim.task import Outcome
from societies.coevolution.eras import ErasConfig, society
from societies.coevolution.records import ChallengeResult
from societies.coevolution.registering import challenge as registered
from societies.seam import Setting

SPANS = ("13th", "15th", "17th", "19th", "early 21st")
START = np.random.default_rng(3).normal(0.0, 0.6, NUM_DIMS)
SPEED = np.random.default_rng(4).normal(0.0, 0.35, NUM_DIMS)


def values_at(timestep: float) -> np.ndarray:
    return np.asarray(START + timestep * SPEED)


def timestep_of(request: Request) -> int:
    """Which era the request is put to; -1 for a policy that is told none."""
    said = request.messages[0].content
    return next((n for n, span in enumerate(SPANS) if f"You live in the {span}" in said), -1)


def believing(
    values: Callable[[Request], np.ndarray], slot_bias: tuple[float, ...] = ()
) -> Callable[[Request], Result]:
    """Answers every form by what its actions are worth to somebody with these values."""
    items = {
        (inline(item.text), inline(action)): (item, k)
        for item in built_in_items()
        for k, action in enumerate(item.options)
    }

    def found(context: str, actions: list[str]) -> tuple[Item, list[int]]:
        pairs = [items[inline(context), inline(action)] for action in actions]
        return pairs[0][0], [place for _, place in pairs]

    def belief(request: Score) -> list[float]:
        lines = request.messages[-1].content.splitlines()
        compared = request.options == ("Yes", "No")
        actions = [line.partition(": ")[2] for line in lines[1:3]] if compared else list(request.options)
        item, places = found(lines[0], actions)
        return choices(item, values(request)[None], 1.5, places).tolist()

    return answering(belief, slot_bias=slot_bias)


def history(request: Request) -> np.ndarray:
    timestep = timestep_of(request)
    return values_at(timestep) if timestep >= 0 else np.zeros(NUM_DIMS)


def folk(number: int) -> list[Persona]:
    return [Persona(persona_id=f"p{n:03d}", name=f"Person {n}", text=f"I am number {n}.") for n in range(number)]


def setting(population: int = 40, **policies: str) -> Setting:
    given = {"policies": {"all": "base", **policies}}
    return Setting(seed=5, cast=lambda number, _: folk(population)[:number], **given)


class Played:
    """Outcome of the society's one script, and every request that was asked."""

    def __init__(
        self,
        respond: Callable[[Request], Result] | None = None,
        *,
        where: Setting | None = None,
        order: bool = False,
        **changes: Any,
    ) -> None:
        answer = respond or believing(history)
        self.asked: list[tuple[str, Request]] = []

        def answered(ticket: Any) -> Any:
            self.asked.append((ticket.key, ticket.request))
            return answer(ticket.request)

        engine = ScriptedEngine(answered, max_in_flight=1 if order else None)
        self.config = validate(ErasConfig, changes, "society")
        scripts = society.scripts(self.config, where or setting())
        outcomes: list[Outcome] = list(Scheduler(engine, run_seed=0, stage="t").play(scripts))
        assert [one.why for one in outcomes if one.cause] == []
        self.notes = [note for one in outcomes for _, _, note in one.notes]

    def rows(self, table: str, **equal: Any) -> list[dict[str, Any]]:
        rows = [dict(note.row) for note in self.notes if isinstance(note, Event) and note.table == table]
        return [row for row in rows if all(row[key] == value for key, value in equal.items())]

    def vector(self, voice: str) -> np.ndarray:
        return np.array(self.rows("era_vectors", voice=voice)[0]["values"])

    def score(self, challenge: str, algorithm: str) -> float:
        return float(self.rows("results", challenge=challenge, algorithm=algorithm)[0]["score"])

    def centred(self, challenge: str, algorithm: str) -> float:
        judge = registered(*{"follow": ("follow", {}), "predict(1)": ("predict", {"horizon": 1})}[challenge])
        return judge.verdict(self.result(challenge, algorithm)).centred

    def result(self, challenge: str, algorithm: str) -> ChallengeResult:
        (row,) = self.rows("results", challenge=challenge, algorithm=algorithm)
        num, dims = row["num_timesteps"], tuple(row["dims"])
        tracks = {"examinee": np.full((num, len(dims)), np.nan)}
        for one in self.rows("vectors", challenge=challenge):
            if one["algorithm"] in ("", algorithm):
                track = tracks.setdefault(one["track"], np.full((num, len(dims)), np.nan))
                track[one["timestep"]] = one["values"]
        return ChallengeResult(
            challenge=challenge,
            name=row["name"],
            settings={},
            algorithm=algorithm,
            examinee="",
            dims=dims,
            tracks=tracks,
        )
