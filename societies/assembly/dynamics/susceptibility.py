"""How far citizens moved towards those they heard: fitted susceptibility against models without it.

Everything here reads opinions before and after, on several items, and who listened to whom. A fit is no proof of
persuasion: noise in the first reading alone draws second readings towards the middle, so each susceptibility comes
with the one found when seats are shuffled, and models are compared by AIC. The shuffled value is what a drift towards
the middle of the whole assembly would show; only what goes beyond it is owed to the table one sat at.
Human susceptibility is said to lie at about 0.3 to 0.8 (from memory, not checked against a source).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from agents.statistics.intervals import Interval, bootstrap_statistic
from societies.assembly.dynamics.models import bounded_mean
from societies.assembly.dynamics.trust import FloatArray, check_trust, shuffled_seats

NUM_SHUFFLES = 200
_CONFIDENCES = np.linspace(0.05, 2.0, 40)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One model of the second reading. num_parameters counts the error variance. aic: lower explains better."""

    name: str
    rmse: float
    num_parameters: int
    aic: float
    setting: float = math.nan


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Susceptibility:
    """What was fitted.

    common:  one susceptibility for all with a bootstrap interval over citizens, in [0, 1].
    shuffled: its mean when seats are shuffled; null of `common`. p: share of shuffles that reach it, at least
             1 / (num_shuffles + 1).
    own:     shape (n,), one a citizen; nan where neither their own nor the others' reading varies.
    models:  best AIC first.
    """

    common: Interval
    shuffled: float
    p: float
    own: FloatArray
    models: tuple[Explained, ...]
    num_citizens: int
    num_items: int


def fit_susceptibility(
    before: FloatArray, after: FloatArray, trust: FloatArray, *, num_shuffles: int = NUM_SHUFFLES, seed: int = 0
) -> Susceptibility:
    """Fit after = (1 - lambda) before + lambda (W before), per citizen and in common.

    before, after: opinions in [-1, 1], shape (n citizens, K items). trust: as in `from_assembly`; its diagonal is set
    to 0 here, since what one thinks oneself stands on the other side.
    """
    x, y = _readings(before), _readings(after)
    if x.shape != y.shape:
        raise ValueError(f"readings of shapes {x.shape} and {y.shape} are not of the same people and items")
    n, num_items = x.shape
    heard = neighbours(check_trust(trust, n)) @ x

    def common(rows: np.typing.NDArray[np.int64]) -> float:
        return _common(x[rows], y[rows], heard[rows])

    interval = bootstrap_statistic(n, common, seed=seed)
    rng = np.random.default_rng(seed)
    null = np.array([_common(x, y, neighbours(shuffled_seats(trust, rng)) @ x) for _ in range(num_shuffles)])
    return Susceptibility(
        common=interval,
        shuffled=float(null.mean()) if num_shuffles else math.nan,
        p=float((1 + (null >= interval.point).sum()) / (1 + num_shuffles)),
        own=np.array([susceptibility_of(x[i], y[i], heard[i]) for i in range(n)]),
        models=compare_models(x, y, trust, interval.point),
        num_citizens=n,
        num_items=num_items,
    )


def neighbours(trust: FloatArray) -> FloatArray:
    """Return W without its diagonal, rows adding up to 1; who hears nobody keeps hearing themselves."""
    others = np.array(trust, dtype=np.float64)
    np.fill_diagonal(others, 0.0)
    alone = others.sum(axis=1) <= 0
    others[alone, alone] = 1.0
    return np.asarray(others / others.sum(axis=1, keepdims=True))


def susceptibility_of(before: FloatArray, after: FloatArray, heard: FloatArray) -> float:
    """Return b / (a + b) with after = a before + b heard and a, b >= 0 (non-negative least squares).

    Shapes (K,). A citizen who turned milder or stronger on everything shows that in a + b, not in the ratio. nan when
    both are 0.
    """
    own, others = _non_negative(before, heard, after)
    return others / (own + others) if own + others > 1e-12 else math.nan


def compare_models(before: FloatArray, after: FloatArray, trust: FloatArray, common: float) -> tuple[Explained, ...]:
    """Return no change, DeGroot, Hegselmann-Krause, and Friedkin-Johnsen with one and with own susceptibilities.

    Errors are taken as normal with one variance; AIC = N ln(RSS / N) + 2 k. Source: Akaike 1974.
    """
    n = len(before)
    heard = neighbours(trust) @ before
    own = np.array([_common(before[[i]], after[[i]], heard[[i]]) for i in range(n)])
    own = np.where(np.isfinite(own), own, 0.0)[:, None]
    one = 0.0 if math.isnan(common) else common
    bounded = [np.stack([bounded_mean(item, c) for item in before.T], axis=1) for c in _CONFIDENCES]
    closest = int(np.argmin([float(((after - due) ** 2).sum()) for due in bounded]))
    models = [
        _explained("no change", after, before, 1),
        _explained("DeGroot", after, trust @ before, 1),
        _explained("Hegselmann-Krause", after, bounded[closest], 2, float(_CONFIDENCES[closest])),
        _explained("Friedkin-Johnsen, one susceptibility", after, before + one * (heard - before), 2, one),
        _explained("Friedkin-Johnsen, own susceptibilities", after, before + own * (heard - before), 1 + n),
    ]
    return tuple(sorted(models, key=lambda model: model.aic))


def _non_negative(first: FloatArray, second: FloatArray, target: FloatArray) -> tuple[float, float]:
    """Return a, b >= 0 that minimise |a first + b second - target|: the free solution, or the better edge."""
    aa, ab, bb = float(first @ first), float(first @ second), float(second @ second)
    at, bt = float(first @ target), float(second @ target)
    below = aa * bb - ab**2
    if below > 1e-12 * aa * bb:
        a, b = (bb * at - ab * bt) / below, (aa * bt - ab * at) / below
        if a >= 0 and b >= 0:
            return a, b
    alone = max(0.0, at / aa) if aa > 0 else 0.0, max(0.0, bt / bb) if bb > 0 else 0.0
    # The explained sum of squares on an edge is coefficient times inner product.
    return (alone[0], 0.0) if alone[0] * at >= alone[1] * bt else (0.0, alone[1])


def _common(x: FloatArray, y: FloatArray, heard: FloatArray) -> float:
    """Return the lambda in [0, 1] of least squares; nan when nobody heard anything that differed from their own."""
    pull = heard - x
    below = float((pull**2).sum())
    return min(1.0, max(0.0, float((pull * (y - x)).sum()) / below)) if below > 1e-15 else math.nan


def _explained(
    name: str, after: FloatArray, due: FloatArray, num_parameters: int, setting: float = math.nan
) -> Explained:
    squares, size = float(((after - due) ** 2).sum()), after.size
    aic = size * math.log(max(squares / size, 1e-300)) + 2 * num_parameters
    return Explained(name=name, rmse=math.sqrt(squares / size), num_parameters=num_parameters, aic=aic, setting=setting)


def _readings(values: FloatArray) -> FloatArray:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 2 or 0 in x.shape or not np.isfinite(x).all() or np.abs(x).max() > 1 + 1e-12:
        raise ValueError("opinions must be a table [citizen, item] of numbers in [-1, 1]")
    return x
