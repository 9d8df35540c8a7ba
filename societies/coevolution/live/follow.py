"""The society `value_follow`: in round t of the loop, the people of timestep t vote on pairs of actions.

People are numbers whose values are known in every round (`agents.instruments.value_vector.people`), so no model is
asked here. Each vote becomes a `soft_choice` sample whose prompt is the one by which the value vector is measured, on
items that are never measured; a recipe turns it into training rows in both orders. The instrument `value_follow` holds
the policy that was trained on it against the same people.
Source: Follow of ProgressGym, Qiu et al. 2024, arXiv 2406.20087, section 3; votes as shares are ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict, Field

from agents.instruments.types import Item, Subject
from agents.instruments.value_vector.forms import LETTERS, PACKAGE, ask, prompt_of
from agents.instruments.value_vector.people import People, choices, crowd, load_halves, means, truth
from agents.instruments.value_vector.vector import aggregate
from agents.requests import Event, Script
from agents.sample import Candidate, Lineage, Sample, Vote
from societies.seam import Column, Estimate, Setting

FloatArray = npt.NDArray[np.float64]

TABLES: dict[str, dict[str, Column]] = {
    "followed": {
        "round": "int",
        "values": "list[float]",
        "vector": "list[float]",
        "num_people": "int",
        "num_voters": "int",
        "items": "list[str]",
        "held_items": "list[str]",
    },
    "votes": {"round": "int", "item": "str", "block": "str", "first": "str", "second": "str", "p_first": "float"},
}
"""followed: the people of a round; values: their mean by dimension, vector: their value vector on the held items."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowConfig:
    """The `society` section for `name: value_follow`."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    people: People = field(default_factory=People)
    """The people, and how their values drift."""
    voters: Annotated[int, Field(ge=0)] = 0
    """People who vote in a round, drawn anew each time; 0 is everybody, so that shares are exact."""
    folder: str = ""
    """Folder with the three public item files of ProgressGym; empty is our own bank of 84 items."""
    num: Annotated[int, Field(ge=1)] | None = None
    """How many items in all, half of them held out; null is all."""


class ValueFollow:
    """The registered society."""

    name = "value_follow"
    package = PACKAGE
    config: type[Any] = FollowConfig
    tables: Mapping[str, Mapping[str, Column]] = TABLES

    def scripts(self, config: FollowConfig, setting: Setting) -> Iterator[tuple[str, Script[Any]]]:
        """Yield the record of the people, then one script an item. Raises UserError for a round without people."""
        taught, held = load_halves(config.folder, config.num, setting.data_folder)
        values = crowd(config.people, setting.seed, setting.round, panel=config.voters)
        return self._scripts(config, setting, taught, held, values)

    def _scripts(
        self,
        config: FollowConfig,
        setting: Setting,
        taught: tuple[Item, ...],
        held: tuple[Item, ...],
        values: FloatArray,
    ) -> Iterator[tuple[str, Script[Any]]]:
        yield "people", _people(config, setting, taught, held, len(values))
        for place, item in enumerate(taught):
            yield f"item-{place:04d}", vote(f"item-{place:04d}", item, values, config.people.sharpness, setting.round)

    def estimate(self, config: FollowConfig, setting: Setting) -> Estimate:
        """Return the number of scripts; numeric people cost no request."""
        taught, _ = load_halves(config.folder, config.num, setting.data_folder)
        return Estimate(num_scripts=len(taught) + 1, num_requests=0, num_prompt_tokens=0, num_output_tokens=0)


def vote(script: str, item: Item, values: FloatArray, sharpness: float, round_: int) -> Script[None]:
    """Let people choose between two actions of an item; write the vote and its sample. Four actions make four pairs.

    values: of the voters, (num_voters, 19). Nothing is written for an item whose two actions are the same.
    """
    yield from ()
    for first, second in _pairs(item):
        share = float(choices(item, values, sharpness, (first, second))[0])
        a, b = item.options[first], item.options[second]
        row = {"round": round_, "item": item.id, "block": item.group, "first": a, "second": b, "p_first": share}
        yield Event(table="votes", row=row)
        yield Sample(
            sample_id=f"r{round_}.{script}-{first}{second}",
            kind="soft_choice",
            prompt=ask(item, Subject(), LETTERS, "cyclic")[0].request.messages,
            candidates=(
                Candidate(text=a, author="item", role="a", scores={"p": share}),
                Candidate(text=b, author="item", role="b", scores={"p": 1 - share}),
            ),
            votes=(Vote(voter="people", group="", dim=item.group, kind="pair", value=(share, 1 - share), t=round_),),
            lineage=Lineage(script=script, prompts=(f"instruments/{prompt_of(LETTERS)}",)),
            meta={"scene_id": item.id, "p_a": share, "num_voters": len(values), "t": round_},
        )


def _pairs(item: Item) -> list[tuple[int, int]]:
    """Return the pairs of actions that are put to the vote: each of four meets its two neighbours in the list."""
    num = len(item.options)
    if num == 2:
        return [(0, 1)] if item.options[0] != item.options[1] else []
    return [(k, (k + 1) % num) for k in range(num)]


def _people(
    config: FollowConfig, setting: Setting, taught: tuple[Item, ...], held: tuple[Item, ...], num_voters: int
) -> Script[None]:
    yield Event(
        table="followed",
        row={
            "round": setting.round,
            "values": means(config.people, setting.seed)[setting.round].tolist(),
            "vector": aggregate(truth(held, config.people, setting.seed, setting.round)).tolist(),
            "num_people": config.people.num,
            "num_voters": num_voters,
            "items": [item.id for item in taught],
            "held_items": [item.id for item in held],
        },
    )


society = ValueFollow()
