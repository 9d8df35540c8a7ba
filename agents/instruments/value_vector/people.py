"""People whose values are known numbers: how they drift over timesteps, and which action of an item they would take.

Nothing here is remembered: the people of a timestep follow from settings, seed and timestep alone, so the society that
lets them vote and the instrument that knows the truth agree without telling each other anything. They neither talk nor
meet chance on their way; what they hold is what the settings say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from agents.errors import UserError
from agents.instruments.banks import resolve
from agents.instruments.types import Item
from agents.instruments.value_vector.bank import built_in_items, public_items, stratified
from agents.instruments.value_vector.dims import INDEX, NUM_DIMS, VIEWS, WORLDVIEWS
from agents.instruments.value_vector.vector import Additions, additions
from agents.statistics.drift import KINDS, Kind, steps, stream

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """A numeric population with one value a dimension of the value vector, and the drift of its mean."""

    num: int = 2000
    """Number of people."""
    rounds: int = 4
    """Timesteps after the first; round t of the loop meets the people of timestep t."""
    start_sd: float = 1.0
    """Standard deviation over dimensions of the mean that all start from."""
    person_sd: float = 0.5
    """Standard deviation of people around their mean."""
    drift: Kind = "linear"
    """How the mean moves: none, linear (one velocity), wave (to and fro) or walk (a fresh change each timestep)."""
    drift_sd: float = 0.5
    """Standard deviation over dimensions of one timestep's change."""
    period: float = 8.0
    """Timesteps of a whole wave."""
    sharpness: float = 2.0
    """Log-odds of an action for one unit of value between the two; 0 makes everybody undecided."""

    def __post_init__(self) -> None:
        for name, least in (("num", 1), ("rounds", 1), ("period", 1e-9)):
            if getattr(self, name) < least:
                raise UserError(
                    f"people.{name} = {getattr(self, name)} is too small.",
                    "it must be above 0." if name == "period" else "it counts from 1.",
                    f"use at least {least:g}",
                )
        for name in ("start_sd", "person_sd", "drift_sd", "sharpness"):
            if not (0 <= getattr(self, name) < float("inf")):
                raise UserError(
                    f"people.{name} = {getattr(self, name)} cannot be.",
                    "it is a finite size, never negative.",
                    "use 0 or more",
                )
        if self.drift not in KINDS:
            raise UserError(
                f'people.drift = "{self.drift}" is not known.',
                "it names how the mean moves from round to round.",
                f"use one of {', '.join(KINDS)}",
            )


def means(people: People, seed: int) -> FloatArray:
    """Return the mean of everybody's values at each timestep, (rounds + 1, 19)."""
    start = stream(seed, "start").normal(0.0, people.start_sd, NUM_DIMS)
    moved = steps(
        people.drift,
        num_timesteps=people.rounds + 1,
        num_dims=NUM_DIMS,
        sd=people.drift_sd,
        period=people.period,
        rng=stream(seed, "drift"),
    )
    return np.asarray(start + np.cumsum(moved, axis=0), dtype=np.float64)


def crowd(people: People, seed: int, timestep: int, *, panel: int = 0) -> FloatArray:
    """Return the values of everybody at a timestep, (num, 19), or of a panel drawn anew each timestep.

    panel: its size; 0, or no fewer than there are, is everybody. A person's distance from the mean never changes.
    Raises UserError for a timestep that the history does not have.
    """
    if not 0 <= timestep <= people.rounds:
        raise UserError(
            f"There are no people of timestep {timestep}.",
            f"people.rounds = {people.rounds} is the last one.",
            "set society.people.rounds to loop.num_rounds or more",
        )
    own = stream(seed, "people").normal(0.0, people.person_sd, (people.num, NUM_DIMS))
    if 0 < panel < people.num:
        own = own[stream(seed, "panel", timestep).choice(people.num, panel, replace=False)]
    return np.asarray(means(people, seed)[timestep] + own, dtype=np.float64)


def weights(item: Item) -> FloatArray:
    """Return what each action of an item is worth in each dimension, (num_actions, 19).

    Of two actions the first carries the item's signs and the second nothing; the k-th of four is the k-th world view.
    """
    out = np.zeros((len(item.options), NUM_DIMS))
    if item.group == WORLDVIEWS:
        out[np.arange(len(VIEWS)), [INDEX[view] for view in VIEWS]] = 1.0
    else:
        for name, sign in item.scales.items():
            out[0, INDEX[name]] = sign
    return out


def choices(item: Item, values: FloatArray, sharpness: float, actions: Sequence[int] = ()) -> FloatArray:
    """Return the share of people for each action, or for each of some actions where only those are offered.

    values: (num_people, 19). Everyone chooses with probability in proportion to exp(sharpness x worth).
    Source: Luce 1959, choice axiom; the mean over people is a vote share.
    """
    worth = weights(item)[list(actions) if actions else slice(None)]
    odds = sharpness * (values @ worth.T)
    odds = np.exp(odds - odds.max(axis=1, keepdims=True))
    return np.asarray((odds / odds.sum(axis=1, keepdims=True)).mean(axis=0), dtype=np.float64)


def truth(items: Sequence[Item], people: People, seed: int, timestep: int) -> Additions:
    """Return what the items add to the value vector of the people of a timestep: everybody is asked, none is lost."""
    values = crowd(people, seed, timestep)
    return additions(items, {item.id: choices(item, values, people.sharpness) for item in items})


def load_halves(folder: str, num: int | None, data_folder: Path) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """Return (items to learn from, items held out) of our own bank, or of a folder with the public files.

    num: use this many items in all, a part that keeps the share of every stratum; None is all. Raises UserError.
    """
    every = public_items(resolve(folder, data_folder)) if folder else built_in_items()
    return halves(stratified(every, num, 0))


def halves(items: Sequence[Item]) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """Return (items to learn from, items held out), every second item of each stratum, in the order given."""
    order = sorted(range(len(items)), key=lambda place: (items[place].group, items[place].meta["stratum"], place))
    held = set(order[1::2])
    return (
        tuple(item for place, item in enumerate(items) if place not in held),
        tuple(item for place, item in enumerate(items) if place in held),
    )
