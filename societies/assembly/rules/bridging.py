"""Rules that reward support across groups, given the groups, or across a learned divide where groups are unstable.

Ratings are read as agreement: above the middle of the scale is agree, below is disagree, the middle is a pass and a
blank is "not seen", which is something else than a pass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from societies.assembly.rules.outcome import Outcome, by_scores
from societies.assembly.rules.profile import FloatArray
from societies.assembly.rules.ratings import Ratings

HELPFUL = 0.40
"""Least intercept of a note that is shown as helpful. From memory of the public algorithm, not verified."""


def group_agreement(ratings: Ratings, groups: npt.ArrayLike) -> FloatArray:
    """Return [group, candidate]: (A + 1) / (S + 2), the smoothed share of those who saw a candidate and agree.

    groups: one label a voter; rows are in sorted order of the labels. A and S are sums of weights.
    Source: Polis, group-aware consensus (Small et al. 2021).
    """
    labels = np.asarray(groups)
    if labels.shape != ratings.weights.shape:
        raise ValueError(f"{labels.size} group labels for {ratings.weights.size} voters")
    agree = ratings.seen & (ratings.filled > (ratings.lo + ratings.hi) / 2)
    rows = []
    for label in np.unique(labels):
        w = ratings.weights * (labels == label)
        rows.append((w @ agree + 1) / (w @ ratings.seen + 2))
    return np.stack(rows)


def group_aware_consensus(ratings: Ratings, groups: npt.ArrayLike) -> Outcome:
    """Rank by the product over groups of smoothed agreement, taken to the power 1 / number of groups.

    The root keeps the order of the raw product and is comparable between runs with different numbers of groups.
    """
    shares = group_agreement(ratings, groups)
    return by_scores("group_aware_consensus", np.exp(np.log(shares).mean(axis=0)))


def least_group(ratings: Ratings, groups: npt.ArrayLike) -> Outcome:
    """Rank by the smoothed agreement of the group that agrees least (max-min over groups)."""
    return by_scores("least_group", group_agreement(ratings, groups).min(axis=0))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Factors:
    """r_un ~ mean + voter_intercept_u + intercept_n + voter_factor_u * factor_n; loss after each sweep."""

    mean: float
    voter_intercept: FloatArray
    voter_factor: FloatArray
    intercept: FloatArray
    factor: FloatArray
    losses: tuple[float, ...]


def factorise(
    values: FloatArray,
    *,
    weights: FloatArray | None = None,
    intercept_penalty: float = 0.15,
    factor_penalty: float = 0.03,
    max_sweeps: int = 500,
    tolerance: float = 1e-7,
) -> Factors:
    """Fit one factor and intercepts to ratings in [0, 1] by alternating ridge regressions.

    values: [voter, candidate], nan where unseen; at least one value. weights: [voter], how often each rating counts.
    Each sweep lowers the loss; it ends when one lowers it by less than `tolerance`, relatively. The penalties stand
    beside the squared error of every rating, so people who rate more are shrunk no less. Deterministic: starts from
    the leading singular vector of the centred ratings. The factor's largest entry is made positive.
    Source: Wojcik et al. 2022 (Birdwatch), equation 1; penalties and threshold from memory, not verified.
    """
    seen = ~np.isnan(values)
    y = np.where(seen, values, 0.0)
    w = seen.astype(np.float64) * (1.0 if weights is None else weights[:, None])
    if not w.any():
        raise ValueError("there is no rating to fit")
    mean = float((w * y).sum() / w.sum())
    centred = np.where(seen, values - mean, 0.0)
    _, scale, right = np.linalg.svd(centred, full_matrices=False)
    factor = right[0] * np.sqrt(scale[0] / max(1.0, float(np.sqrt(w.sum(axis=1).mean()))))
    intercept = np.zeros(values.shape[1])
    voter_intercept, voter_factor = np.zeros(values.shape[0]), np.zeros(values.shape[0])
    losses: list[float] = []
    for _ in range(max_sweeps):
        voter_intercept, voter_factor = _ridge(y - mean - intercept, w, factor, intercept_penalty, factor_penalty)
        residual = (y - mean - voter_intercept[:, None]).T
        intercept, factor = _ridge(residual, w.T, voter_factor, intercept_penalty, factor_penalty)
        fitted = voter_intercept[:, None] + intercept + np.outer(voter_factor, factor)
        mean = float((w * (y - fitted)).sum() / (w.sum() * (1 + intercept_penalty)))
        error = (w * (y - mean - fitted) ** 2).sum()
        voter_cost = intercept_penalty * voter_intercept**2 + factor_penalty * voter_factor**2
        cost = intercept_penalty * intercept**2 + factor_penalty * factor**2
        penalty = w.sum(axis=1) @ voter_cost + w.sum(axis=0) @ cost + intercept_penalty * mean**2 * w.sum()
        losses.append(float(error + penalty))
        if len(losses) > 1 and losses[-2] - losses[-1] <= tolerance * max(1.0, losses[-1]):
            break
    sign = 1.0 if factor[np.argmax(np.abs(factor))] >= 0 else -1.0
    return Factors(
        mean=mean,
        voter_intercept=voter_intercept,
        voter_factor=sign * voter_factor,
        intercept=intercept,
        factor=sign * factor,
        losses=tuple(losses),
    )


def _ridge(
    target: FloatArray, w: FloatArray, factor: FloatArray, intercept_penalty: float, factor_penalty: float
) -> tuple[FloatArray, FloatArray]:
    """Return for each row the intercept a and slope b that minimise sum w ((t - a - b f)^2 + pa a^2 + pb b^2)."""
    count = np.maximum(w.sum(axis=1), 1e-300)
    aa = count * (1 + intercept_penalty)
    ab = w @ factor
    bb = w @ factor**2 + count * factor_penalty
    ta = (w * target).sum(axis=1)
    tb = (w * target) @ factor
    det = aa * bb - ab**2
    empty = w.sum(axis=1) == 0
    det = np.where(empty, 1.0, det)
    return (np.where(empty, 0.0, (bb * ta - ab * tb) / det), np.where(empty, 0.0, (aa * tb - ab * ta) / det))


def birdwatch(ratings: Ratings) -> Outcome:
    """Rank by the intercept that is left when the learned divide between voters is taken out.

    The note counts who passes the threshold for helpful notes.
    """
    fitted = factorise((ratings.values - ratings.lo) / (ratings.hi - ratings.lo), weights=ratings.weights)
    found = by_scores("birdwatch", np.round(fitted.intercept, 6))
    helpful = int((fitted.intercept > HELPFUL).sum())
    note = f"{helpful} of {len(ratings.names)} intercepts above {HELPFUL:g}"
    return Outcome(rule="birdwatch", winners=found.winners, ranking=found.ranking, scores=found.scores, note=note)
