"""What an invitation brings: who answers, judged by past invitations, and how sure the pool is to meet the quotas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.errors import UserError
from societies.assembly.lottery.instance import BoolArray, IntArray
from societies.assembly.lottery.recruit import invite, respond, response_chance
from societies.assembly.lottery.types import FloatArray

NUM_STEPS = 60
RIDGE = 1e-9
"""Per person: it only chooses among equal fits, since the columns of two features add up to the same."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forecast:
    """What came of simulated invitations. size: (draws,) people in the pool. counts: (draws, quotas) of them.

    enough: (quotas,) share of draws with the least that a quota asks for; all_enough: with the least of all quotas and
    as many people as there are seats.
    """

    size: IntArray
    counts: IntArray
    enough: FloatArray
    all_enough: float


def fit_response(member: BoolArray, feature: IntArray, rates: FloatArray) -> FloatArray:
    """Return beta (v,) of P(respond | x) = sigma(x @ beta), so that each value's people answer at its past rate.

    member: bool (n, v), who has which value, exactly one of each feature. feature: int (v,), which feature a value
    belongs to, 0..F-1. rates: (v,), each in (0, 1). Past invitations may have reached other people, so that features
    disagree on the overall rate: each feature's rates are scaled to the mean over features first. These are the score
    equations of a logistic regression with the rates as its sufficient statistics, so they are met exactly up to the
    scaling. Newton with halved steps.
    Raises UserError for rates of 0 or 1, and where no finite beta fits.
    """
    if ((rates <= 0) | (rates >= 1)).any():
        raise UserError("A response rate is 0 or 1.", "then nobody, or everybody, would answer.", "give a rate between")
    rows, counts = np.unique(member, axis=0, return_counts=True)
    x, weight = rows.astype(np.float64), counts.astype(np.float64)
    target = _scaled(member, feature, rates)
    num_features = int(feature.max()) + 1
    overall = target.sum() / member.sum()
    beta = np.full(len(rates), np.log(overall / (1 - overall)) / num_features)
    ridge = RIDGE * len(member)

    def loss(b: FloatArray) -> float:
        return float(weight @ np.logaddexp(0.0, x @ b) - target @ b + ridge / 2 * (b @ b))

    for _ in range(NUM_STEPS):
        p = response_chance(x, beta)
        gradient = x.T @ (weight * p) - target + ridge * beta
        if np.abs(gradient).max() < 1e-7 * max(1.0, target.max()):
            return beta
        hessian = (x.T * (weight * p * (1 - p))) @ x + ridge * np.eye(len(beta))
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        while loss(beta - size * step) > loss(beta) + 1e-12 and size > 1e-6:
            size /= 2
        beta = beta - size * step
    raise UserError(
        "No model of response fits these rates.",
        "two features ask for answers that these people cannot give together.",
        "give rates of fewer features",
    )


def _scaled(member: BoolArray, feature: IntArray, rates: FloatArray) -> FloatArray:
    """Return the answers to expect of each value, (v,), with the same sum over every feature."""
    expected = member.sum(axis=0) * rates
    sums = np.bincount(feature, weights=expected)
    parts: FloatArray = expected * (sums.mean() / sums)[feature]
    return parts


def forecast(
    strata: IntArray,
    homes: IntArray,
    chances: FloatArray,
    num_letters: int,
    *,
    member: BoolArray,
    least: IntArray,
    k: int,
    shares: FloatArray | None = None,
    num_draws: int = 400,
    seed: int = 0,
) -> Forecast:
    """Return what the pool looks like over simulated invitations.

    strata: int64 (H,), of the households. homes: int64 (n,), each person's household. chances: (n,) of answering a
    letter. member: bool (n, q), who counts for which quota. least: (q,). k: seats. shares: of letters, see `invite`.
    """
    size = np.zeros(num_draws, dtype=np.int64)
    counts = np.zeros((num_draws, member.shape[1]), dtype=np.int64)
    for number, one in enumerate(np.random.SeedSequence(seed).generate_state(2 * num_draws).reshape(num_draws, 2)):
        letters, _ = invite(strata, num_letters, shares=shares, seed=int(one[0]))
        pool = letters[homes] & respond(chances, seed=int(one[1]))
        size[number] = pool.sum()
        counts[number] = member[pool].sum(axis=0)
    met = counts >= least
    return Forecast(
        size=size,
        counts=counts,
        enough=met.mean(axis=0) if member.shape[1] else np.zeros(0),
        all_enough=float((met.all(axis=1) & (size >= k)).mean()),
    )
