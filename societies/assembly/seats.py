"""Which citizen sits at which table in which round: rotating tables, mixed by the features that the panel mirrors."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from societies.assembly.config import AssemblyConfig
from societies.assembly.records import Citizen
from societies.assembly.seating import Weights, seat_tables

NUM_STEPS = 500
"""Swaps that the annealing tries: enough to mix a few dozen citizens, and a fifth of a second."""


MOVING = Weights(facilitator=10.0)
"""In a world cafe whoever is no host moves on: to meet a table again costs more than to meet people again."""


def seats_of(
    citizens: Sequence[Citizen], config: AssemblyConfig, rng: np.random.Generator
) -> list[list[list[Citizen]]]:
    """Return rounds of tables of citizens; at a table they speak in this order, which the seed shuffles.

    In a world cafe somebody stays at each table through all rounds as its host, and comes first there.
    """
    if not config.num_rounds:
        return []
    num_tables = math.ceil(len(citizens) / config.table_size)
    order = rng.permutation(len(citizens)) if config.protocol == "world_cafe" else None
    hosts = {} if order is None else {int(n): table for table, n in enumerate(order[:num_tables])}
    plan = seat_tables(
        _codes(citizens, config.quotas),
        num_tables,
        config.num_rounds,
        fixed=hosts,
        weights=MOVING if hosts else None,
        num_steps=NUM_STEPS if num_tables > 1 else 0,
        seed=int(rng.integers(2**31)),
    )
    order = rng.permutation(len(citizens)) if order is None else order
    return [[[citizens[n] for n in order if row[n] == table] for table in range(num_tables)] for row in plan.tables]


def _codes(citizens: Sequence[Citizen], features: Sequence[str]) -> np.ndarray:
    columns = [[one.persona.demographics.get(name, "") for one in citizens] for name in features]
    codes = [np.unique(column, return_inverse=True)[1] for column in columns]
    return np.stack(codes, axis=1) if codes else np.zeros((len(citizens), 1), dtype=np.int64)
