"""Participatory budgets: projects with costs under one budget, by equal shares or greedily by support."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from societies.assembly.rules.profile import FloatArray

SLACK = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Allocation:
    """Projects in the order of purchase, their prices per utility, and what is left.

    rates: the rate rho of each purchase; money: [voter], unspent money of each voter (for one unit of weight);
    num_ties: purchases where another project had the same rate and the lower number was taken.
    """

    projects: tuple[int, ...]
    rates: tuple[float, ...]
    money: FloatArray
    spent: float
    num_ties: int


def equal_shares(
    utilities: FloatArray, costs: FloatArray, budget: float, *, weights: FloatArray | None = None
) -> Allocation:
    """Buy projects by the method of equal shares: everybody holds the same money, the best rate is bought first.

    utilities: [voter, project] >= 0, 0 for no support. costs: > 0. A project with rate rho takes min(money, rho *
    utility) from each supporter; it is affordable when these add up to its cost. May leave money over: see
    `equal_shares_add_one`. Source: Peters and Skowron 2020; Peters, Pierczynski and Skowron 2021, section 3.
    """
    n, m = utilities.shape
    w = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
    if costs.shape != (m,) or (costs <= 0).any() or (utilities < 0).any() or budget < 0:
        raise ValueError("costs must be positive, one a project; utilities and the budget must not be negative")
    money = np.full(n, budget / w.sum())
    bought: list[int] = []
    rates: list[float] = []
    spent, num_ties = 0.0, 0
    left = set(range(m))
    while left:
        offers = {c: _rate(utilities[:, c], money, w, float(costs[c])) for c in sorted(left)}
        left = {c for c in left if np.isfinite(offers[c])}
        if not left:
            break
        rate = min(offers[c] for c in left)
        same = [c for c in sorted(left) if offers[c] <= rate * (1 + SLACK)]
        num_ties += len(same) > 1
        bought.append(same[0])
        rates.append(rate)
        spent += float(costs[same[0]])
        money = np.maximum(0.0, money - np.minimum(money, offers[same[0]] * utilities[:, same[0]]))
        left.discard(same[0])
    return Allocation(projects=tuple(bought), rates=tuple(rates), money=money, spent=spent, num_ties=num_ties)


def _rate(u: FloatArray, money: FloatArray, w: FloatArray, cost: float) -> float:
    """Return the least rho with sum w * min(money, rho * u) = cost, or inf when the supporters cannot pay."""
    who = (u > 0) & (w > 0)
    if (w[who] * money[who]).sum() < cost * (1 - SLACK):
        return float("inf")
    order = np.argsort(money[who] / u[who], kind="stable")
    has, wants, size = money[who][order], u[who][order], w[who][order]
    broke = np.concatenate([[0.0], np.cumsum(size * has)[:-1]])
    rest = np.cumsum((size * wants)[::-1])[::-1]
    rho = (cost - broke) / rest
    fits = np.flatnonzero(rho * wants <= has * (1 + SLACK))
    return float(rho[fits[0]]) if fits.size else float((has / wants)[-1])


def equal_shares_add_one(
    utilities: FloatArray, costs: FloatArray, budget: float, *, weights: FloatArray | None = None, step: float = 0.0
) -> Allocation:
    """Raise everybody's virtual money until the next step would overspend the real budget, and keep the last purchase.

    step: money added a round, by default 1 % of the budget. Source: Peters, Pierczynski and Skowron 2021 (completion).
    """
    more = step if step > 0 else budget / 100
    best = equal_shares(utilities, costs, budget, weights=weights)
    virtual = budget
    while len(best.projects) < len(costs):
        virtual += more
        found = equal_shares(utilities, costs, virtual, weights=weights)
        if found.spent > budget * (1 + SLACK) or virtual > budget * 1000:
            break
        best = found
    return best


def greedy_budget(
    utilities: FloatArray, costs: FloatArray, budget: float, *, weights: FloatArray | None = None
) -> tuple[int, ...]:
    """Return the projects by total utility, the highest first, each taken when it still fits (the usual practice)."""
    w = np.ones(len(utilities)) if weights is None else weights
    total = w @ utilities
    chosen: list[int] = []
    left = budget
    for c in np.argsort(-total, kind="stable").tolist():
        if total[c] > 0 and costs[c] <= left * (1 + SLACK):
            chosen.append(c)
            left -= float(costs[c])
    return tuple(chosen)
