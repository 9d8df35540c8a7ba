"""Exchange rates between goods, and what waiting costs, from utilities of amounts.

U(N of X) = a_X + b_X ln N is fitted for each good; n of X are worth m of Y where the two curves are equal.
Source: Mazeika et al. 2025 (Utility Engineering) for both; how they fit discounting is from memory, not checked;
Mazur 1987 for the hyperbolic form, Samuelson 1937 for the exponential one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from agents.errors import UserError
from agents.statistics.intervals import NAN, Interval, z_value
from societies.assembly.utilities.edges import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class LogCurve:
    """U(N) = a + b ln N by least squares.

    covariance: of (a, b), row by row; nan with only two amounts. r2: share of the variance of U explained.
    """

    a: float
    b: float
    covariance: tuple[float, float, float]
    r2: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """One form of discounting fitted to the present worth of delayed goods.

    rate: per unit of delay. rmse: of ln D. aic: lower explains better; None of them says that discounting is rational.
    """

    form: str
    rate: float
    rmse: float
    aic: float


def log_curve(amounts: FloatArray, utility: FloatArray) -> LogCurve:
    """Fit U(N) = a + b ln N. amounts: positive, at least two different ones, else UserError."""
    x = np.asarray(amounts, dtype=np.float64)
    if x.size == 0 or x.min() <= 0 or np.unique(x).size < 2:
        raise UserError(
            f"The amounts {x.tolist()} give no exchange rate.",
            "A slope over ln N needs two different amounts above 0.",
            "ask about at least three amounts of each good",
        )
    design = np.stack([np.ones(x.size), np.log(x)], axis=1)
    (a, b), *_ = np.linalg.lstsq(design, utility, rcond=None)
    left = utility - design @ np.array([a, b])
    total = float(((utility - utility.mean()) ** 2).sum())
    r2 = 1 - float(left @ left) / total if total > 0 else NAN
    if x.size < 3:
        return LogCurve(a=float(a), b=float(b), covariance=(NAN, NAN, NAN), r2=r2, n=x.size)
    c = np.linalg.inv(design.T @ design) * float(left @ left) / (x.size - 2)
    covariance = (float(c[0, 0]), float(c[0, 1]), float(c[1, 1]))
    return LogCurve(a=float(a), b=float(b), covariance=covariance, r2=r2, n=x.size)


def exchange_rate(x: LogCurve, y: LogCurve, amount: float = 1.0, *, level: float = 0.95) -> Interval:
    """Return how many of Y are worth `amount` of X: m with a_X + b_X ln n = a_Y + b_Y ln m.

    The interval is normal in ln m (delta method), so never negative; se is that of ln m. nan when more of Y is no
    better (b_Y not above 0): there is then no such amount. `amount` should lie within the range that was asked about.
    """
    if y.b <= 0 or amount <= 0:
        return Interval(NAN, NAN, NAN, NAN)
    ln_n = math.log(amount)
    ln_m = (x.a + x.b * ln_n - y.a) / y.b
    if abs(ln_m) > 700:
        return Interval(NAN, NAN, NAN, NAN)
    (xaa, xab, xbb), (yaa, yab, ybb) = x.covariance, y.covariance
    variance = (xaa + 2 * ln_n * xab + ln_n**2 * xbb + yaa + 2 * ln_m * yab + ln_m**2 * ybb) / y.b**2
    se = math.sqrt(max(0.0, variance)) if math.isfinite(variance) else NAN
    half = z_value(level) * se

    def bounded(power: float) -> float:
        return math.exp(power) if power < 700 else math.inf

    return Interval(math.exp(ln_m), se, bounded(ln_m - half), bounded(ln_m + half))


def present_worth(now: LogCurve, amount: float, utility: FloatArray) -> FloatArray:
    """Return D: the amount now that is worth as much as `amount` later, divided by `amount`.

    utility: of getting `amount` after each delay, in the gauge of `now`. Raises UserError when more now is no better.
    """
    if now.b <= 0:
        raise UserError(
            "Waiting cannot be priced.",
            "More of the good now is not preferred to less.",
            "ask about amounts that differ more, or leave this good out",
        )
    return np.asarray(np.exp((utility - now.a) / now.b) / amount, dtype=np.float64)


def discounting(delays: FloatArray, worth: FloatArray) -> tuple[Discount, Discount, Discount]:
    """Fit ln D = -k t (exponential), ln D = -ln(1 + k t) (hyperbolic) and D = 1 (none) to present worths.

    delays: not negative, some above 0. worth: positive. Returns the three forms, best AIC first. The error of ln D is
    taken as normal. k is not negative: preferring later to sooner shows as k = 0.
    """
    from scipy.optimize import minimize_scalar

    log_worth = np.log(worth)
    # The search is over ln k, wide around one over the typical delay.
    middle = -math.log(float(np.mean(delays[delays > 0])))

    def search(curve: str) -> float:
        def squares(ln_k: float) -> float:
            return _squares(curve, math.exp(ln_k), delays, log_worth)

        found = minimize_scalar(squares, bounds=(middle - 14, middle + 14), method="bounded", options={"xatol": 1e-9})
        k = math.exp(float(found.x))
        return k if _squares(curve, k, delays, log_worth) < _squares(curve, 0.0, delays, log_worth) else 0.0

    rates = {"exponential": search("exponential"), "hyperbolic": search("hyperbolic"), "none": 0.0}
    fits = []
    for form, rate in rates.items():
        squares = _squares(form, rate, delays, log_worth)
        n, num_parameters = delays.size, 1 if form == "none" else 2
        aic = n * math.log(max(squares / n, 1e-300)) + 2 * num_parameters
        fits.append(Discount(form=form, rate=rate, rmse=math.sqrt(squares / n), aic=aic))
    first, second, third = sorted(fits, key=lambda found: found.aic)
    return first, second, third


def _squares(form: str, k: float, delays: FloatArray, log_worth: FloatArray) -> float:
    due = -np.log1p(k * delays) if form == "hyperbolic" else -k * delays
    return float(((log_worth - due) ** 2).sum())
