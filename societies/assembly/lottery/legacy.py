"""LEGACY: the greedy draw that assemblies used before: the most urgent quota first, a random person from it, again.

Urgency of a value: seats still owed over people still there. A draw that gets stuck starts afresh. What chances it
gives is not computed by anybody: here they are estimated from many draws and shared within types.
Flanigan et al. 2021, Nature 596, section on the LEGACY algorithm.
"""

from __future__ import annotations

import numpy as np

from agents.errors import UserError
from societies.assembly.lottery.instance import Instance
from societies.assembly.lottery.lottery import Lottery, lottery
from societies.assembly.lottery.types import FloatArray, Types, types_of

NUM_TRIES = 100
BATCH = 1000


def legacy(pool: Instance, *, seed: int = 0, num_draws: int = 10_000) -> Lottery:
    """Return the lottery of `num_draws` greedy draws; the standard error of a chance p is sqrt(p (1 - p) / num_draws).

    Stuck tries are thrown away and counted in the log; after 100 tries for each draw wanted the search ends with the
    draws that it has (`draws`), and with a UserError when it has none.
    """
    if num_draws < 1:
        raise UserError(
            f"{num_draws} draws give no lottery.", "chances are estimated from draws.", "ask for at least one"
        )
    rng = np.random.default_rng(seed)
    types = types_of(pool)
    found: list[FloatArray] = []
    tries = got = 0
    while got < num_draws and tries < NUM_TRIES * num_draws:
        drawn, complete = _greedy(pool, types, BATCH, rng)
        panels = drawn[complete][: num_draws - got]
        found.append(panels)
        tries += BATCH
        got += len(panels)
    if not got:
        raise UserError(
            f"LEGACY found no panel in {tries:,} tries.",
            "each try painted itself into a corner; this does not prove that the quotas cannot be met.",
            "use --algorithm leximin, which finds a panel whenever there is one",
        )
    unique, counts = np.unique(np.concatenate(found), axis=0, return_counts=True)
    log: dict[str, float | str] = {"draws": float(got), "tries": float(tries), "chances": "estimated"}
    return lottery(pool, types, unique, counts / counts.sum(), seed=seed, algorithm="legacy", log=log)


def _greedy(pool: Instance, types: Types, num: int, rng: np.random.Generator) -> tuple[FloatArray, np.ndarray]:
    """Run `num` draws side by side; return seat counts (num, T) and which of them are complete."""
    member = pool.member[np.unique(types.of, return_index=True)[1]].astype(np.float64)
    member = np.hstack([member, np.ones((types.num, 1))])
    least = np.array([q.least for q in pool.quotas] + [pool.k], dtype=np.float64)
    most = np.array([q.most for q in pool.quotas] + [pool.k], dtype=np.float64)
    kind_of = np.empty(types.num, dtype=np.int64)
    for number, kind in enumerate(types.kinds):
        kind_of[list(kind.types)] = number
    share = np.concatenate([kind.share for kind in types.kinds]).astype(np.float64)
    homes = np.tile([float(len(kind.rooms)) for kind in types.kinds], (num, 1))
    seats = np.zeros((num, types.num))
    barred = np.zeros((num, types.num), dtype=np.bool_)
    alive = np.ones(num, dtype=np.bool_)
    everyone = np.arange(num)
    for _ in range(pool.k):
        taken = seats @ member
        barred |= (taken >= most - 0.5) @ member.T > 0.5
        left = np.where(barred, 0.0, homes[:, kind_of] * share)
        there = left @ member
        alive &= (there >= least - taken - 0.5).all(axis=1) & (there[:, -1] > 0.5)
        urgency = np.where(there > 0.5, (least - taken) / np.maximum(there, 1.0), -np.inf)
        urgency[:, -1] = -np.inf if len(pool.quotas) else 0.0
        urgency += 1e-9 * rng.random(urgency.shape)
        chosen = urgency.argmax(axis=1)
        odds = left * member[:, chosen].T
        sums = odds.cumsum(axis=1)
        pick = np.minimum((sums < (rng.random(num) * sums[:, -1])[:, None]).sum(axis=1), types.num - 1)
        rows = everyone[alive]
        seats[rows, pick[alive]] += 1
        homes[rows, kind_of[pick[alive]]] -= 1
    taken = seats @ member
    return seats, alive & (taken >= least - 0.5).all(axis=1) & (taken <= most + 0.5).all(axis=1)
