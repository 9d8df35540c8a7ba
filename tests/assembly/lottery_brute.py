"""LEXIMIN by brute force: every panel written out, every person probed. Slow, small and independent of the package."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy.optimize import linprog

from societies.assembly.lottery import Instance, Quota, instance


def all_panels(pool: Instance) -> np.ndarray:
    """Return every panel that meets size, quotas and households, as 0/1 rows."""
    rows = []
    for chosen in combinations(range(pool.n), pool.k):
        counts = pool.member[list(chosen)].sum(axis=0)
        if any(not q.least <= c <= q.most for q, c in zip(pool.quotas, counts, strict=True)):
            continue
        if pool.households is not None and len(set(pool.households[list(chosen)])) < pool.k:
            continue
        rows.append(np.isin(np.arange(pool.n), chosen).astype(float))
    return np.array(rows).reshape(-1, pool.n)


def leximin_by_brute_force(panels: np.ndarray) -> np.ndarray:
    """Return LEXIMIN chances; people in no panel get 0."""
    fixed = np.where(panels.any(axis=0), np.nan, 0.0)
    while (free := np.isnan(fixed)).any():
        level = _best(panels, fixed, free.astype(float), None)
        for person in np.flatnonzero(free):
            if _best(panels, np.where(free, level, fixed), None, person) <= level + 1e-7:
                fixed[person] = level
    return fixed


def _best(panels: np.ndarray, floor: np.ndarray, rise: np.ndarray | None, person: int | None) -> float:
    """Maximise the common level of the free people, or one person's chance above floors."""
    num = len(panels)
    rise = np.zeros(panels.shape[1]) if rise is None else rise
    cost = -np.append(np.zeros(num) if person is None else panels[:, person], 1.0 if person is None else 0.0)
    found = linprog(
        cost,
        A_ub=np.column_stack([-panels.T, rise]),
        b_ub=-np.nan_to_num(floor) + 1e-9,
        A_eq=np.append(np.ones(num), 0.0)[None],
        b_eq=[1.0],
    )
    assert found.status == 0
    return -float(found.fun)


def small_pool(seed: int, *, n: int = 9, k: int = 4, houses: bool = False) -> Instance:
    """Return a small pool with quotas around a random panel, so that at least one panel exists."""
    rng = np.random.default_rng(seed)
    columns = {f"f{f}": [f"v{v}" for v in rng.integers(0, 2 + f % 2, n)] for f in range(3)}
    homes = np.arange(n) if not houses else rng.integers(0, n - 2, n)
    first = [int(np.flatnonzero(homes == home)[0]) for home in dict.fromkeys(homes.tolist())]
    seed_panel = rng.permutation(first)[:k]
    k = len(seed_panel)
    quotas = []
    for name, column in columns.items():
        for value in sorted(set(column)):
            count = sum(column[i] == value for i in seed_panel)
            quotas.append(Quota(feature=name, value=value, least=max(0, count - int(rng.integers(0, 2))), most=count))
    for number, quota in enumerate(quotas):
        quotas[number] = Quota(
            feature=quota.feature, value=quota.value, least=quota.least, most=quota.most + int(rng.integers(0, 2))
        )
    return instance([f"p{i}" for i in range(n)], columns, quotas, k, [str(h) for h in homes] if houses else None)
