"""The toys that the checks share: small populations, a bank of readings, and histories of the published shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from agents.requests import Event
from societies.coevolution.arms import Arm
from societies.coevolution.desk import Budget
from societies.coevolution.humans import Folk, NumericHumans, Poll
from societies.coevolution.play import Trial, VectorGauge, alone
from societies.coevolution.protocols import Challenge, Pulls
from societies.coevolution.records import ChallengeResult
from societies.coevolution.registering import arm
from societies.coevolution.votes import PairBank, even_bank

FloatArray = npt.NDArray[np.float64]
SEEDS, DIMS, TIMESTEPS = 200, 19, 9
REFERENCES = ("none", "frozen", "oracle")


def calm_folk(people: int = 300, **changes: Any) -> Folk:
    """People without chance, so that means move by the drift alone."""
    return Folk(**{"people": people, "dims": DIMS, "num_timesteps": TIMESTEPS, "num_threads": 1, **changes})


def readings(num_dims: int = DIMS) -> PairBank:
    return even_bank("readings", num_dims=num_dims, pairs_per_dim=1, span=1.0, tokens_per_query=10)


def five_arms(order: int = 1) -> list[Arm]:
    learners = [arm("lifelong", "lifelong", {}), arm("extrapolative", "extrapolative", {"order": order})]
    return [*(arm(name, name, {}) for name in REFERENCES), *learners]


def playing(
    challenge: Challenge,
    arms: Sequence[Arm],
    *,
    folk: Folk | None = None,
    bank: PairBank | None = None,
    poll: Poll | None = None,
    pulls: Pulls | None = None,
    budget: Budget | None = None,
    seed: int = 0,
    change: Any = None,
) -> Trial:
    """A trial of numeric people. change: called with the humans once they are made."""
    folk, bank = folk or calm_folk(), bank or readings()

    def humans(names: Sequence[str]) -> NumericHumans:
        made = NumericHumans(folk, bank, poll or Poll(), seed=seed, arms=names, minority=challenge.minority)
        if change is not None:
            change(made)
        return made

    return Trial(
        challenge=challenge,
        settings={},
        arms=arms,
        humans=humans,
        bank=bank,
        gauge=lambda people: VectorGauge(people.dims),
        pulls=pulls or Pulls(),
        budget=budget or Budget(),
        num_timesteps=folk.num_timesteps,
        replica=0,
        seed=seed,
        world={},
    )


def played(script: Any) -> tuple[dict[str, ChallengeResult], list[Event]]:
    """Results by algorithm, and the events."""
    results, notes = alone(script)
    return {result.algorithm: result for result in results}, notes


def rows(notes: Sequence[Event], table: str, **equal: Any) -> list[dict[str, Any]]:
    return [
        dict(note.row)
        for note in notes
        if note.table == table and all(note.row[key] == value for key, value in equal.items())
    ]
