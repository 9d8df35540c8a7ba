"""A reserve for a panel: chosen before anybody drops out, seated when somebody does.

Chosen so that the expected distance from the quotas after the best replacement is smallest, over sampled drop-outs
(empirical risk minimisation). After Assos, Baharav, Flanigan and Procaccia 2025, Alternates, assemble! Selecting
optimal alternates for citizens' assemblies; its text was not at hand, so the details of the loss are ours: one for each
seat by which a quota is missed or exceeded, and one for each empty seat.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from agents.errors import UserError
from societies.assembly.lottery.instance import BoolArray, Instance, IntArray
from societies.assembly.lottery.lottery import seat
from societies.assembly.lottery.panels import solver_error
from societies.assembly.lottery.types import FloatArray, types_of

NUM_SCENARIOS = 40


@dataclass(frozen=True, slots=True, eq=False)
class Alternates:
    """people: positions in the pool, sorted. loss: mean over the sampled drop-outs after replacement.

    loss_without: the same if nobody were replaced. solver_gap: 0 when the choice is proven to be the best.
    """

    people: IntArray
    loss: float
    loss_without: float
    solver_gap: float


def alternates(
    pool: Instance,
    panel: IntArray,
    num: int,
    dropout: FloatArray,
    *,
    seed: int = 0,
    num_scenarios: int = NUM_SCENARIOS,
    time_limit_s: float = 60.0,
) -> Alternates:
    """Return `num` alternates for a panel (positions, (k,)). dropout: (n,) chances of dropping out.

    People of the panel's households are not asked. Raises UserError when fewer than `num` others are left.
    """
    rng = np.random.default_rng(seed)
    free = np.ones(pool.n, dtype=np.bool_)
    free[panel] = False
    if pool.households is not None:
        free &= ~np.isin(pool.households, pool.households[panel])
    others = np.flatnonzero(free)
    homes = None if pool.households is None else pool.households[others]
    num_there = len(others) if homes is None else len(np.unique(homes))
    if not 1 <= num <= num_there:
        raise UserError(
            f"{num} alternates cannot be chosen.",
            f"{num_there} others could be asked.",
            f"choose {num_there} or fewer",
        )
    rest = replace(
        pool,
        people=tuple(pool.people[i] for i in others),
        codes=pool.codes[others],
        member=pool.member[others],
        households=homes,
        k=num,
    )
    gone = rng.random((num_scenarios, len(panel))) < dropout[panel]
    counts, base, repeats = _scenarios(pool, panel, gone)
    chosen, loss, gap = _choose(rest, pool, base, counts, repeats, rng, time_limit_s)
    without = float(repeats @ (_misses(pool, base) + counts)) / repeats.sum()
    return Alternates(people=np.sort(others[chosen]), loss=loss, loss_without=without, solver_gap=gap)


def rebalance(pool: Instance, panel: IntArray, dropped: IntArray, reserve: IntArray) -> tuple[IntArray, float]:
    """Return the panel after replacing the dropped with the best of the reserve, and its loss.

    All three are positions in the pool. The result may have fewer than k seats when that keeps the quotas better.
    """
    stay = np.setdiff1d(panel, dropped)
    member = pool.member[reserve].astype(np.float64)
    num, quotas = len(reserve), len(pool.quotas)
    base = pool.member[stay].sum(axis=0).astype(np.float64)
    least, most = _bounds(pool)
    eye, none = sparse.identity(quotas), sparse.csr_array((quotas, quotas))
    room = pool.k - len(stay)
    found = milp(
        np.concatenate([-np.ones(num), np.ones(2 * quotas)]),
        integrality=np.concatenate([np.ones(num), np.zeros(2 * quotas)]),
        bounds=Bounds(0.0, np.concatenate([np.ones(num), np.full(2 * quotas, np.inf)])),
        constraints=[
            LinearConstraint(sparse.hstack([sparse.csr_array(member.T), eye, none]), least - base, np.inf),
            LinearConstraint(sparse.hstack([sparse.csr_array(member.T), none, -eye]), -np.inf, most - base),
            LinearConstraint(np.concatenate([np.ones(num), np.zeros(2 * quotas)])[None], 0, room),
        ],
    )
    if found.status != 0:
        raise solver_error("seating alternates", str(found.message))
    seated = reserve[np.round(found.x[:num]).astype(bool)]
    return np.sort(np.concatenate([stay, seated])), float(found.fun) + room


def _scenarios(pool: Instance, panel: IntArray, gone: BoolArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return empty seats (S,), quota counts of those who stay (S, Q) and how often each scenario came (S,)."""
    stay = (~gone) @ pool.member[panel].astype(np.float64)
    rows = np.column_stack([gone.sum(axis=1).astype(np.float64), stay])
    unique, repeats = np.unique(rows, axis=0, return_counts=True)
    return unique[:, 0], unique[:, 1:], repeats.astype(np.float64)


def _bounds(pool: Instance) -> tuple[FloatArray, FloatArray]:
    return (
        np.array([quota.least for quota in pool.quotas], dtype=np.float64),
        np.array([quota.most for quota in pool.quotas], dtype=np.float64),
    )


def _misses(pool: Instance, counts: FloatArray) -> FloatArray:
    least, most = _bounds(pool)
    missed: FloatArray = (np.maximum(least - counts, 0) + np.maximum(counts - most, 0)).sum(axis=1)
    return missed


def _choose(
    rest: Instance,
    pool: Instance,
    base: FloatArray,
    empty: FloatArray,
    repeats: FloatArray,
    rng: np.random.Generator,
    time_limit_s: float,
) -> tuple[IntArray, float, float]:
    """Choose seat counts z (T,) for the reserve.

    Variables: z, who replaces in each scenario r (S, T), seats below and above the quotas (S, Q) each.
    """
    types = types_of(rest)
    p, quotas, num = types.polytope, len(pool.quotas), len(empty)
    least, most = _bounds(pool)
    member = p.matrix[:quotas]
    side = sparse.identity(num)
    wide, slack = sparse.csr_array((num * quotas, types.num)), sparse.identity(num * quotas)
    none = sparse.csr_array((num * quotas, num * quotas))
    each = sparse.kron(side, member)
    tail = sparse.csr_array((num * types.num, 2 * num * quotas))
    copies = sparse.vstack([sparse.identity(types.num)] * num)
    others = p.matrix[quotas:]
    seats = sparse.kron(side, np.ones((1, types.num)))
    cost = np.concatenate([np.zeros(types.num), -np.repeat(repeats, types.num), np.tile(np.repeat(repeats, quotas), 2)])
    found = milp(
        cost / repeats.sum(),
        integrality=np.concatenate([np.ones(types.num), np.zeros(len(cost) - types.num)]),
        bounds=Bounds(0.0, np.concatenate([p.most, np.full(len(cost) - types.num, np.inf)])),
        constraints=[
            LinearConstraint(
                sparse.hstack([others, sparse.csr_array((others.shape[0], len(cost) - types.num))]),
                p.lower[quotas:],
                p.upper[quotas:],
            ),
            LinearConstraint(sparse.hstack([-copies, sparse.identity(num * types.num), tail]), -np.inf, 0.0),
            LinearConstraint(
                sparse.hstack([sparse.csr_array((num, types.num)), seats, sparse.csr_array((num, 2 * num * quotas))]),
                0.0,
                empty,
            ),
            LinearConstraint(sparse.hstack([wide, each, slack, none]), (least - base).ravel(), np.inf),
            LinearConstraint(sparse.hstack([wide, each, none, -slack]), -np.inf, (most - base).ravel()),
        ],
        options={"time_limit": time_limit_s, "mip_rel_gap": 1e-3},
    )
    if found.x is None:
        raise solver_error("choosing alternates", str(found.message))
    counts = np.round(found.x[: types.num]).astype(np.int64)
    loss = float(found.fun) + float(repeats @ empty) / float(repeats.sum())
    return seat(types, counts, rng), loss, float(found.mip_gap or 0.0)
