"""Ballots that divide a whole among options, and the rules that turn them into one division.

p: float64 [voter, option], each row >= 0 and adding up to 1. weights: float64 [..., voter], not negative, not all 0 in
a vote; leading axes are votes counted at once, such as resamples. Every rule returns [..., option], adding up to 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from societies.assembly.rules.profile import FloatArray

_HALVINGS = 60
"""Of the interval in which the phantoms' time is sought: finer than a double tells apart."""
_SLACK = 1e-12
"""Cumulated weights that are this near to a half are a half."""

ShareRule = Callable[[FloatArray, FloatArray], FloatArray]


def mean_shares(p: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the weighted mean of the ballots: cumulative voting read as a division."""
    return np.asarray(weights @ p / weights.sum(axis=-1, keepdims=True))


def quadratic_shares(p: FloatArray, weights: FloatArray) -> FloatArray:
    """Divide in proportion to quadratic votes: a share s of a ballot buys sqrt(s) votes, so spreading pays."""
    return _scaled(weights @ np.sqrt(p))


def median_shares(p: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the weighted medians of the options, rescaled to add up to 1; nan where every median is 0.

    Between two middle ballots the median is halfway. Rescaling costs the single median its strategy-proofness.
    """
    columns = []
    half = weights.sum(axis=-1)[..., None] * 0.5
    for shares in p.T:
        order = np.argsort(shares, kind="stable")
        held = np.cumsum(weights[..., order], axis=-1)
        low = (held >= half * (1 - _SLACK)).argmax(axis=-1)
        high = (held > half * (1 + _SLACK)).argmax(axis=-1)
        columns.append((shares[order][low] + shares[order][high]) / 2)
    return _scaled(np.stack(columns, axis=-1))


def independent_markets(p: FloatArray, weights: FloatArray) -> FloatArray:
    """Return medians with phantom ballots that rise until the whole is spent: no voter gains by misreporting.

    With phantoms at min(1, k t), k = 0..n, the median of an option is the largest x that is no more than t times the
    weight of those who give it x or more; t is where these add up to 1. Voters who give all to one option each get
    their proportion. Weights count as copies of a ballot. Strategy-proof for utilities that fall with the L1 distance.
    Source: Freeman, Pennock, Peters and Wortman Vaughan 2021 (Truthful aggregation of budget proposals), section 5;
    from memory, section not verified.
    """
    levels, above = _markets(p, weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        full = np.where(above > 0, levels / np.where(above > 0, above, 1.0), 0.0)
    low, high = np.zeros(weights.shape[:-1]), full.max(axis=(-1, -2))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        over = _bought(levels, above, middle).sum(axis=-1) > 1
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    return _scaled(_bought(levels, above, (low + high) / 2))


def _markets(p: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return each option's shares in order [option, voter], and the weight that gives as much or more [..., o, v]."""
    order = np.argsort(p, axis=0, kind="stable").T
    levels = np.take_along_axis(p.T, order, axis=1)
    above = np.cumsum(weights[..., order][..., ::-1], axis=-1)[..., ::-1]
    return levels, np.asarray(above)


def _bought(levels: FloatArray, above: FloatArray, t: FloatArray) -> FloatArray:
    return np.asarray(np.minimum(levels, above * t[..., None, None]).max(axis=-1))


def _scaled(x: FloatArray) -> FloatArray:
    total = x.sum(axis=-1, keepdims=True)
    return np.where(total > 0, x / np.where(total > 0, total, 1.0), np.nan)


def overlap(p: FloatArray, division: FloatArray) -> FloatArray:
    """Return how much of the division each voter asked for, in [0, 1]: 1 less half the L1 distance.

    division: [..., option]; result [..., voter], nan where the division is undefined.
    """
    return np.asarray(1 - np.abs(p - division[..., None, :]).sum(axis=-1) / 2)


SHARE_RULES: Mapping[str, ShareRule] = {
    "mean": mean_shares,
    "median": median_shares,
    "independent_markets": independent_markets,
    "quadratic_shares": quadratic_shares,
}
"""Rules over ballots that divide a whole."""
