"""How sure utilities are: from the curvature of the fit, or from fits to resampled edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.statistics.intervals import Interval, z_value
from societies.assembly.utilities.edges import Edges, FloatArray, edges
from societies.assembly.utilities.thurstone import Utilities, fit

_LEAST = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Uncertainty:
    """Intervals of utilities in their gauge.

    se, lo, hi: shape (N,). covariance: shape (N, N), what `difference` uses; from `laplace` with the common scale taken
    as known, from `bootstrap` of the drawn mu. level: coverage that was asked for.
    """

    se: FloatArray
    lo: FloatArray
    hi: FloatArray
    covariance: FloatArray
    level: float


def laplace(fitted: Utilities, data: Edges, *, level: float = 0.95) -> Uncertainty:
    """Return normal intervals from the expected information at the fit, carried through the gauge.

    The scale varies too: dividing by it narrows the intervals of mu. For differences it is taken as known, because
    whether two options differ at all must not depend on a scale that, without preferences, is noise itself.
    Counts each edge's weight as that many independent answers. Where an edge is one whole distribution read off a
    model, that is a convention and `bootstrap` is the better reading. The guard's own derivative is left out (1e-5).
    Source: Tierney and Kadane 1986 for the approximation; Fisher information of a probit.
    """
    num = fitted.num_options
    information = _information(fitted, data)
    # Without priors the common shift and scale are free: the pseudo-inverse leaves those directions out.
    covariance = np.linalg.pinv(information, hermitian=True)[:num, :num]
    spread = max(fitted.spread, _LEAST)
    centre = (np.eye(num) - 1 / num) / spread
    gauge = centre - np.outer(fitted.mu, fitted.mu) / (num * spread)
    se = np.sqrt(np.maximum(0.0, np.einsum("ij,jk,ik->i", gauge, covariance, gauge, optimize=True)))
    z = z_value(level)
    known_scale = centre @ covariance @ centre.T
    return Uncertainty(se=se, lo=fitted.mu - z * se, hi=fitted.mu + z * se, covariance=known_scale, level=level)


def bootstrap(
    fitted: Utilities, data: Edges, *, num_resamples: int = 200, level: float = 0.95, seed: int = 0
) -> Uncertainty:
    """Return percentile intervals of mu over fits to edges drawn with replacement. Each refit starts at the fit.

    An option whose edges all miss a draw falls back on the prior there, which widens its interval as it should.
    Source: Efron 1979.
    """
    rng = np.random.default_rng(seed)
    num = len(data)
    draws = np.empty((num_resamples, fitted.num_options))
    for k in range(num_resamples):
        times = np.bincount(rng.integers(0, num, num), minlength=num)
        kept = np.flatnonzero(times)
        weight = data.weight[kept] * times[kept]
        drawn = edges(data.num_options, data.first[kept], data.second[kept], data.p[kept], weight)
        draws[k] = fit(drawn, priors=fitted.priors, start=fitted).mu
    lo, hi = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    covariance = np.atleast_2d(np.cov(draws, rowvar=False))
    return Uncertainty(se=draws.std(axis=0, ddof=1), lo=lo, hi=hi, covariance=covariance, level=level)


def difference(fitted: Utilities, sure: Uncertainty, a: int, b: int) -> Interval:
    """Return mu_a - mu_b with a normal interval; it covers 0 when the two cannot be told apart."""
    point = float(fitted.mu[a] - fitted.mu[b])
    c = sure.covariance
    se = float(np.sqrt(max(0.0, c[a, a] + c[b, b] - 2 * c[a, b])))
    half = z_value(sure.level) * se
    return Interval(point, se, point - half, point + half)


def _information(fitted: Utilities, data: Edges) -> FloatArray:
    """Return the expected information about (locations, log variances), priors included: shape (2 N, 2 N)."""
    from scipy.special import ndtr

    num, a, b = fitted.num_options, data.first, data.second
    m, v = fitted.location, np.exp(fitted.log_var)
    q2 = v[a] + v[b]
    z = (m[a] - m[b]) / np.sqrt(q2)
    below = np.maximum(ndtr(z) * ndtr(-z), 1e-300)
    curvature = data.weight * np.exp(-(z**2)) / (2 * np.pi) / below
    # z depends on four parameters; each edge adds the outer product of its four slopes.
    slopes = np.stack([1 / np.sqrt(q2), -1 / np.sqrt(q2), -0.5 * z * v[a] / q2, -0.5 * z * v[b] / q2])
    places = np.stack([a, b, num + a, num + b])
    information = np.zeros(4 * num * num)
    for i in range(4):
        for j in range(4):
            flat = places[i] * (2 * num) + places[j]
            information += np.bincount(flat, curvature * slopes[i] * slopes[j], 4 * num * num)
    prior = np.repeat([1 / fitted.priors.utility**2, 1 / fitted.priors.log_variance**2], num)
    return np.asarray(information.reshape(2 * num, 2 * num) + np.diag(prior))
