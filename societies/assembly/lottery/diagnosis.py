"""When no panel meets the quotas: the smallest change of the quotas with which one would."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from agents.errors import UserError
from societies.assembly.lottery.instance import Instance, Quota
from societies.assembly.lottery.panels import solver_error
from societies.assembly.lottery.types import types_of

TOUCHED = 1e-3


@dataclass(frozen=True, slots=True)
class Change:
    """One quota that has to give: what it is and what it would have to be."""

    quota: Quota
    least: int
    most: int

    def __str__(self) -> str:
        """Return it in words."""
        parts = []
        if self.least < self.quota.least:
            parts.append(f"lower the minimum of {self.quota.name} from {self.quota.least} to {self.least}")
        if self.most > self.quota.most:
            parts.append(f"raise the maximum of {self.quota.name} from {self.quota.most} to {self.most}")
        return " and ".join(parts)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """changes: the fewest seats of change in all, then the fewest quotas; empty when a panel exists.

    num_seats: the seats by which quotas move. within_flex: all changes stay inside the flexible ranges given.
    plain: contradictions that can be seen without any search.
    """

    changes: tuple[Change, ...]
    num_seats: int
    within_flex: bool
    plain: tuple[str, ...]


def diagnose(pool: Instance) -> Diagnosis:
    """Return the smallest relaxation; inside the flexible ranges if one exists there, else without regard to them.

    Raises UserError when no quotas at all would help: the households are fewer than the seats.
    """
    homes = pool.n if pool.households is None else len(np.unique(pool.households))
    if homes < pool.k:
        raise UserError(
            f"A panel of {pool.k} cannot be drawn: the pool has {homes} households.",
            "at most one person of a household may sit, whatever the quotas are.",
            "choose a smaller panel, or allow more than one person of a household",
        )
    flexible = any(q.flex_least is not None or q.flex_most is not None for q in pool.quotas)
    changes = _relax(pool, flex=True) if flexible else None
    within = changes is not None
    if changes is None:
        changes = _relax(pool, flex=False)
    if changes is None:
        raise solver_error("relaxing the quotas", "no relaxation was found although one must exist")
    seats = sum(change.quota.least - change.least + change.most - change.quota.most for change in changes)
    return Diagnosis(changes=changes, num_seats=seats, within_flex=within, plain=contradictions(pool))


def contradictions(pool: Instance) -> tuple[str, ...]:
    """Return in words what is wrong with single quotas or single features; [] does not mean that a panel exists."""
    said = []
    there = pool.member.sum(axis=0)
    for quota, num in zip(pool.quotas, there, strict=True):
        if quota.least > num:
            said.append(f"{quota.name} asks for at least {quota.least}, the pool has {num}")
        if quota.least > pool.k:
            said.append(f"{quota.name} asks for at least {quota.least} of {pool.k} seats")
    for feature in dict.fromkeys(quota.feature for quota in pool.quotas):
        lines = [number for number, quota in enumerate(pool.quotas) if quota.feature == feature]
        if not (pool.member[:, lines].sum(axis=1) == 1).all():
            continue
        least, most = (sum(getattr(pool.quotas[line], end) for line in lines) for end in ("least", "most"))
        if least > pool.k:
            said.append(f"the minima of {feature} add up to {least}, above the {pool.k} seats")
        if most < pool.k:
            said.append(f"the maxima of {feature} add up to {most}, below the {pool.k} seats")
    return tuple(said)


def infeasible(pool: Instance) -> UserError:
    """Return the error that names the smallest relaxation."""
    found = diagnose(pool)
    if not found.changes:
        return solver_error("looking for a panel", "it found none, and then one, for the same quotas")
    shown = "; ".join(str(change) for change in found.changes)
    why = "; ".join(found.plain) or "each quota can be met alone, all of them together cannot"
    return UserError(
        f"No panel of {pool.k} meets all {len(pool.quotas)} quotas.",
        why + ".",
        f"{shown} (the smallest change: {found.num_seats} seat{'s' * (found.num_seats != 1)} in all)",
    )


def _relax(pool: Instance, *, flex: bool) -> tuple[Change, ...] | None:
    """Minimise the seats of change, then the number of quotas touched: x, then below, above, touched (Q each)."""
    types = types_of(pool)
    p, num = types.polytope, len(pool.quotas)
    below = np.array([_room(q.least, q.flex_least, 0, flex) for q in pool.quotas], dtype=np.float64)
    above = np.array([_room(q.most, q.flex_most, max(pool.n, q.most), flex) for q in pool.quotas], dtype=np.float64)
    eye, none = sparse.identity(num), sparse.csr_array((num, num))
    rows = sparse.hstack([p.matrix, sparse.csr_array((p.matrix.shape[0], 3 * num))]).tocsr()
    quotas = rows[:num]
    pad = sparse.csr_array((num, types.num))
    reach = sparse.diags_array(np.maximum(below + above, 1.0))
    found = milp(
        np.concatenate([np.zeros(types.num), np.ones(2 * num), np.full(num, TOUCHED)]),
        integrality=np.ones(types.num + 3 * num),
        bounds=Bounds(
            np.concatenate([p.least, np.zeros(3 * num)]), np.concatenate([p.most, below, above, np.ones(num)])
        ),
        constraints=[
            LinearConstraint(rows[num:], p.lower[num:], p.upper[num:]),
            LinearConstraint(quotas + sparse.hstack([pad, eye, none, none]), p.lower[:num], np.inf),
            LinearConstraint(quotas + sparse.hstack([pad, none, -eye, none]), -np.inf, p.upper[:num]),
            LinearConstraint(sparse.hstack([pad, eye, eye, -reach]), -np.inf, 0.0),
        ],
    )
    if found.status == 2:
        return None
    if found.status != 0:
        raise solver_error("relaxing the quotas", str(found.message))
    down, up = np.split(np.round(found.x[types.num : types.num + 2 * num]).astype(int), 2)
    return tuple(
        Change(quota, quota.least - int(d), quota.most + int(u))
        for quota, d, u in zip(pool.quotas, down, up, strict=True)
        if d or u
    )


def _room(now: int, limit: int | None, end: int, flex: bool) -> int:
    return abs(now - (end if limit is None or not flex else limit))
