"""Turn votes into training targets: five answers to "what should the model prefer, given that people differ?".

Votes on the candidates of one prompt go in; pairs with the probability that the first should be preferred come out.
No rule is neutral, so all five are there, and a study compares them:
  borda      Bradley-Terry utilities, which order as Borda does: what plain preference learning does anyway;
  condorcet  only pairs that a majority winner (or the smallest unbeaten set) wins, with its share of votes;
  lottery    soft targets from the maximal lottery, which no clone can upset;
  consensus  each pair weighted by how many groups agree on it (group-aware consensus);
  maxmin     the target that is least bad for the group it fits worst.
Pure: arrays in, frozen records out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from agents.errors import UserError, nearest

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
_TIE = 1e-9
"""Probabilities this near to 1/2 are 1/2: sums of weights in another order may differ in their last digits."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Votes:
    """How voters valued the candidates of one prompt.

    scores: shape (n voters, m candidates), higher is better; a ranking is given as minus its ranks. nan: not seen.
            Equal scores are a tie and count half for each side.
    weight: shape (n,), not negative; a soft panel's pi_i / k. Only proportions matter.
    group:  shape (n,), a group number 0 .. G-1 for each voter.
    Raises ValueError when shapes differ or nobody has weight.
    """

    scores: FloatArray
    weight: FloatArray
    group: IntArray

    def __post_init__(self) -> None:
        n = len(self.scores)
        if self.scores.ndim != 2 or self.weight.shape != (n,) or self.group.shape != (n,):
            raise ValueError("scores must be [voter, candidate], with one weight and one group a voter")
        if not np.isfinite(self.weight).all() or (self.weight < 0).any() or self.weight.sum() <= 0:
            raise ValueError("weights must not be negative, and somebody must have one")

    def take(self, rows: IntArray) -> Votes:
        """Return the votes of some voters, by number; repeats count again."""
        return Votes(scores=self.scores[rows], weight=self.weight[rows], group=self.group[rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One pair to learn from.

    chosen, rejected: candidate numbers; p_chosen >= 1/2 is how strongly the first should be preferred.
    weight:  of the row in the loss. se: bootstrap standard error of p_chosen over voters, nan when not asked for.
    num_voters: who saw both candidates.
    """

    chosen: int
    rejected: int
    p_chosen: float
    weight: float
    num_voters: int
    rule: str
    se: float = math.nan


def votes(
    scores: npt.ArrayLike, weight: npt.ArrayLike | None = None, groups: Sequence[str | int] | None = None
) -> Votes:
    """Return votes from anything array-like; no weights: equal ones; no groups: one for all."""
    table = np.asarray(scores, dtype=np.float64)
    n = len(table)
    of = np.zeros(n, dtype=np.int64)
    if groups is not None:
        _, of = np.unique(np.asarray(groups), return_inverse=True)
    w = np.ones(n) if weight is None else np.asarray(weight, dtype=np.float64)
    return Votes(scores=table, weight=w, group=of.astype(np.int64))


def wins(given: Votes) -> tuple[FloatArray, IntArray]:
    """Return weighted wins and the number of voters by group, pair and direction.

    wins[g, a, b]: weight of group g's votes for a over b, ties half; seen[a, b]: voters who saw both. Weights are
    scaled to a mean of 1, so that wins are counts of voters and smoothing by one voter means the same everywhere.
    """
    scale = given.weight / given.weight.mean()
    num_groups, m = int(given.group.max()) + 1, given.scores.shape[1]
    out, both = np.zeros((num_groups, m, m)), np.isfinite(given.scores)
    a, b = given.scores[:, :, None], given.scores[:, None, :]
    together = both[:, :, None] & both[:, None, :]
    with np.errstate(invalid="ignore"):
        ahead = np.where(together, (a > b) + 0.5 * (a == b), 0.0)
    np.add.at(out, given.group, ahead * scale[:, None, None])
    out[:, np.arange(m), np.arange(m)] = 0.0
    return out, together[given.weight > 0].sum(axis=0).astype(np.int64)


def shares(given: Votes) -> FloatArray:
    """Return the weighted share that prefers a to b, shape (m, m); nan where nobody saw both and on the diagonal."""
    won = wins(given)[0].sum(axis=0)
    total = won + won.T
    return np.asarray(np.divide(won, total, out=np.full_like(won, math.nan), where=total > 0))


def borda(given: Votes) -> list[Target]:
    """Return all pairs with the probability of a Bradley-Terry fit; row weight 1.

    On complete ballots the fit orders as Borda scores do (1-1 up to ties). A pseudo-comparison of half a win each way
    keeps unanimous votes finite. Source: Bradley and Terry 1952; the maximum by Newton's method.
    """
    won, seen = wins(given)
    theta = bradley_terry(won.sum(axis=0))
    p = 1 / (1 + np.exp(theta[None, :] - theta[:, None]))
    return _targets(p, seen, "borda", np.ones_like(p))


def condorcet(given: Votes) -> list[Target]:
    """Return pairs (member, other) of the smallest set whose members each beat everyone outside it; row weight 1.

    With a Condorcet winner that is the winner against all others. When everybody is in a cycle there is no such pair:
    the votes name no winner and nothing is to be learned. Source: Smith 1973; Schwartz 1986.
    """
    p, (_, seen) = shares(given), wins(given)
    top = unbeaten_set(p)
    inside = np.isin(np.arange(len(p)), top)
    keep = inside[:, None] & ~inside[None, :]
    return _targets(np.where(keep, p, math.nan), seen, "condorcet", np.ones_like(p))


def lottery(given: Votes) -> list[Target]:
    """Return pairs with p = q_a / (q_a + q_b) for the maximal lottery q, row weight q_a + q_b (0: left out)."""
    q, (_, seen) = maximal_lottery(given), wins(given)
    both = q[:, None] + q[None, :]
    p = np.divide(q[:, None] + np.zeros_like(both), both, out=np.full_like(both, math.nan), where=both > 1e-9)
    return _targets(p, seen, "lottery", both)


def consensus(given: Votes) -> list[Target]:
    """Return pairs in the direction that more groups share, with the vote share, weighted by that agreement.

    Agreement on a over b is the product over groups of (wins_g + 1) / (votes_g + 2), to the power 1 / G so that
    weights do not shrink with the number of groups. p is the share of all voters, at least 1/2: where groups and
    voters disagree about the direction p is 1/2. Source: Polis group-aware consensus (Small et al. 2021).
    """
    by_group, seen = wins(given)
    total = by_group + by_group.transpose(0, 2, 1)
    smooth = (by_group + 1) / (total + 2)
    agreed = np.exp(np.log(smooth).mean(axis=0))
    p = shares(given)
    ahead, behind = agreed > agreed.T + _TIE, agreed < agreed.T - _TIE
    p = np.where(ahead, np.maximum(p, 0.5), np.where(behind, np.minimum(p, 0.5), 0.5))
    return _targets(p, seen, "consensus", np.maximum(agreed, agreed.T), prefer=ahead)


def maxmin(given: Votes) -> list[Target]:
    """Return all pairs with the p whose cross-entropy is smallest for the group it is largest for; row weight 1.

    Cross-entropy is linear in a group's share, so only the lowest and the highest share count and
    p = median(lowest, 1/2, highest): groups that disagree on the direction give 1/2, groups that agree give the
    weakest agreement. Shares are (wins + 1) / (votes + 2); groups where nobody saw both are left out.
    Source: Sagawa et al. 2020 (group DRO); solved for one pair.
    """
    by_group, seen = wins(given)
    total = by_group + by_group.transpose(0, 2, 1)
    smooth = np.where(total > 0, (by_group + 1) / (total + 2), math.nan)
    voted = total.sum(axis=0) > 0
    low = np.where(voted, np.nanmin(np.where(voted, smooth, 0.5), axis=0), math.nan)
    high = np.where(voted, np.nanmax(np.where(voted, smooth, 0.5), axis=0), math.nan)
    p = np.where(low > 0.5, low, np.where(high < 0.5, high, 0.5))
    return _targets(np.where(voted, p, math.nan), seen, "maxmin", np.ones_like(p))


RULES: dict[str, Callable[[Votes], list[Target]]] = {
    "borda": borda,
    "condorcet": condorcet,
    "lottery": lottery,
    "consensus": consensus,
    "maxmin": maxmin,
}


def targets(given: Votes, rule: str, *, num_resamples: int = 0, seed: int = 0) -> list[Target]:
    """Return the targets of a rule by name, heaviest and clearest first.

    num_resamples: above 0, p_chosen gets a standard error over voters drawn again within their groups; resamples in
    which the rule drops the pair are left out of it. Raises UserError for an unknown rule.
    """
    if rule not in RULES:
        raise UserError(
            f'The aggregation target "{rule}" is unknown.',
            f"targets are {', '.join(RULES)}.",
            nearest(rule, RULES),
        )
    found = sorted(RULES[rule](given), key=lambda t: (-t.weight, -t.p_chosen, t.chosen, t.rejected))
    if num_resamples <= 0 or not found:
        return found
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(given.group == g) for g in np.unique(given.group)]
    drawn: dict[tuple[int, int], list[float]] = {(t.chosen, t.rejected): [] for t in found}
    for _ in range(num_resamples):
        rows = np.concatenate([rng.choice(group, size=group.size) for group in members])
        if given.weight[rows].sum() <= 0:
            continue
        for t in RULES[rule](given.take(rows)):
            for key, p in (((t.chosen, t.rejected), t.p_chosen), ((t.rejected, t.chosen), 1 - t.p_chosen)):
                if key in drawn:
                    drawn[key].append(p)
    return [replace(t, se=_spread(drawn[t.chosen, t.rejected])) for t in found]


def bradley_terry(won: FloatArray, *, prior_wins: float = 0.5) -> FloatArray:
    """Return log strengths with mean 0, shape (m,). won[a, b]: times a beat b. prior_wins are added to each direction.

    The same number of pseudo-wins for every pair leaves the order of complete ballots as it is.
    """
    m = len(won)
    counts = won + prior_wins * (1 - np.eye(m))
    games, beaten = counts + counts.T, counts.sum(axis=1)
    theta = np.zeros(m)
    for _ in range(100):
        p = 1 / (1 + np.exp(theta[None, :] - theta[:, None]))
        slope = beaten - (games * p).sum(axis=1)
        curve = games * p * (1 - p)
        # Adding a constant matrix fixes the free shift and changes nothing else.
        step = np.linalg.solve(np.diag(curve.sum(axis=1)) - curve + 1 / m, slope)
        theta = theta + step / max(1.0, float(np.abs(step).max()))
        if float(np.abs(step).max()) < 1e-12:
            break
    return np.asarray(theta - theta.mean())


def unbeaten_set(p: FloatArray) -> IntArray:
    """Return the smallest non-empty set whose members beat (share above 1/2) all outside it: the Smith set.

    p: shape (m, m), as from `shares`; an unseen pair is no victory.
    """
    m = len(p)
    beats = np.nan_to_num(p, nan=0.0) > 0.5 + _TIE
    order = np.argsort(-beats.sum(axis=1), kind="stable")
    for size in range(1, m + 1):
        inside, outside = order[:size], order[size:]
        if beats[np.ix_(inside, outside)].all():
            return np.sort(inside).astype(np.int64)
    raise AssertionError("the set of all candidates always qualifies")


def maximal_lottery(given: Votes) -> FloatArray:
    """Return q, shape (m,): no other candidate or lottery is preferred to it by more voters than prefer it.

    An optimal mixed strategy of the game of majority margins M: q'M >= 0, sum q = 1, q >= 0. Where several are
    optimal (even margins) the one nearest to equal chances is taken: it is unique, so renaming candidates cannot
    change it, as they could the corner that a linear program stops at. Found as a least-distance problem by bounded
    least squares (Stark and Parker 1995); scipy's own `nnls` was seen to stop short on tied margins.
    Sources: Kreweras 1965; Fishburn 1984; Lawson and Hanson 1974, chapter 23 (least distance programming).
    """
    from scipy.optimize import lsq_linear

    p = np.nan_to_num(shares(given), nan=0.5)
    margin, m = p - p.T, len(p)
    # Minimise |q| subject to G q >= h. Only the last row has h above 0, so the sum comes out at exactly 1.
    below = np.vstack([margin.T, np.eye(m), np.ones(m)])
    least = np.append(np.zeros(2 * m), 1.0)
    system, aim = np.vstack([below.T, least]), np.append(np.zeros(m), 1.0)
    found = lsq_linear(system, aim, bounds=(0, np.inf), method="bvls", tol=1e-14, max_iter=200 * m)
    left = system @ found.x - aim
    q = np.maximum(-left[:m] / left[m], 0.0)
    q[q < 1e-9] = 0.0
    q /= q.sum()
    if float((q @ margin).min()) < -1e-7:
        raise AssertionError("a zero-sum game has a solution, but none was found")
    return np.asarray(q, dtype=np.float64)


def _targets(
    p: FloatArray, seen: IntArray, rule: str, weight: FloatArray, *, prefer: npt.NDArray[np.bool_] | None = None
) -> list[Target]:
    """Return one target a pair somebody saw, in the direction with p above 1/2; ties go to `prefer`, else the lower.

    p[a, b] may be nan on one side of a pair; both sides nan leave it out.
    """
    out = []
    for a in range(len(p)):
        for b in range(a + 1, len(p)):
            forward = p[a, b] if not math.isnan(p[a, b]) else 1 - p[b, a]
            if math.isnan(forward) or seen[a, b] == 0:
                continue
            tie = abs(forward - 0.5) < _TIE
            turned = bool(prefer is not None and prefer[b, a]) if tie else forward < 0.5
            first, second = (b, a) if turned else (a, b)
            out.append(
                Target(
                    chosen=first,
                    rejected=second,
                    p_chosen=0.5 if tie else float(max(forward, 1 - forward)),
                    weight=float(weight[a, b]),
                    num_voters=int(seen[a, b]),
                    rule=rule,
                )
            )
    return out


def _spread(drawn: Sequence[float]) -> float:
    return float(np.std(drawn, ddof=1)) if len(drawn) > 1 else math.nan
