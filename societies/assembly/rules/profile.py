"""Ranking ballots as one rank matrix: ties, truncated ballots and weights included.

A candidate that a ballot does not name shares the ballot's last place with all others it does not name. That is how
every pairwise rule reads it; rules that count named places only (elimination, transfer) look at `ranked`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Order = Sequence[int | Sequence[int]]
"""One ballot from best to worst; an inner sequence is a tie; who is missing is not ranked."""

_CELLS = 4_000_000
"""Most comparison cells held at once (32 MB)."""


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """Ballots of one vote; build it with `profile_of` or `profile_from_orders`, which check and normalise.

    ranks:   int64 [voter, candidate], dense from 0 (best); equal ranks are ties, unranked candidates come last.
    ranked:  bool, same shape: whether the ballot names the candidate.
    weights: float64 [voter], not negative.
    names:   one a candidate.
    support: float64 [a, b]: weight of the ballots with rank_a < rank_b; ties count for neither.
    """

    ranks: IntArray
    ranked: BoolArray
    weights: FloatArray
    names: tuple[str, ...]
    support: FloatArray

    @property
    def num_voters(self) -> int:
        """Number of ballots."""
        return int(self.ranks.shape[0])

    @property
    def num_candidates(self) -> int:
        """Number of candidates."""
        return int(self.ranks.shape[1])

    @property
    def total(self) -> float:
        """Sum of the weights."""
        return float(self.weights.sum())

    @property
    def margins(self) -> FloatArray:
        """[a, b]: support of a over b minus support of b over a."""
        return self.support - self.support.T


def profile_of(
    ranks: npt.ArrayLike,
    *,
    ranked: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    names: Sequence[str] | None = None,
) -> Profile:
    """Return a profile from ranks [voter, candidate]: any numbers, smaller is better, equal is a tie.

    Raises ValueError for empty or misshapen input and for weights that are negative, not finite or all 0.
    """
    raw = np.asarray(ranks)
    if raw.ndim != 2 or 0 in raw.shape:
        raise ValueError(f"ranks must be [voter, candidate] with at least one of each, not {raw.shape}")
    n, m = raw.shape
    named = np.ones((n, m), dtype=np.bool_) if ranked is None else np.asarray(ranked, dtype=np.bool_)
    w = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
    if named.shape != (n, m) or w.shape != (n,):
        raise ValueError(f"ranks {raw.shape}, ranked {named.shape} and weights {w.shape} do not fit together")
    if not np.isfinite(w).all() or (w < 0).any() or not w.any():
        raise ValueError("weights must be finite, not negative and not all 0")
    values = np.where(named, raw, np.inf).astype(np.float64)
    dense = dense_rank(values)
    labels = tuple(names) if names is not None else tuple(str(c) for c in range(m))
    if len(labels) != m or len(set(labels)) != m:
        raise ValueError(f"{m} candidates need {m} different names")
    return Profile(dense, named, w, labels, support_of(dense, w))


def profile_from_orders(
    orders: Sequence[Order],
    num_candidates: int,
    *,
    weights: npt.ArrayLike | None = None,
    names: Sequence[str] | None = None,
) -> Profile:
    """Return a profile from ballots written as orders.

    Raises ValueError for a candidate that is foreign or named twice.

    >>> profile_from_orders([(0, 1), (2, (0, 1))], 3).ranks.tolist()
    [[0, 1, 2], [1, 1, 0]]
    """
    ranks = np.zeros((len(orders), num_candidates))
    ranked = np.zeros((len(orders), num_candidates), dtype=np.bool_)
    for voter, order in enumerate(orders):
        for place, tier in enumerate(order):
            for candidate in (tier,) if isinstance(tier, int | np.integer) else tier:
                if not 0 <= candidate < num_candidates:
                    raise ValueError(f"ballot {voter} names candidate {candidate} of {num_candidates}")
                if ranked[voter, candidate]:
                    raise ValueError(f"ballot {voter} names candidate {candidate} twice")
                ranks[voter, candidate], ranked[voter, candidate] = place, True
    return profile_of(ranks, ranked=ranked, weights=weights, names=names)


def dense_rank(values: npt.ArrayLike) -> IntArray:
    """Return ranks 0, 1, 2 ... along the last axis, smallest first, equal values sharing one and none left out.

    >>> dense_rank([3.0, 1.0, 3.0, 7.0]).tolist()
    [1, 0, 1, 2]
    """
    x = np.asarray(values)
    order = np.argsort(x, axis=-1, kind="stable")
    ordered = np.take_along_axis(x, order, axis=-1)
    steps = np.zeros(x.shape, dtype=np.int64)
    steps[..., 1:] = (ordered[..., 1:] != ordered[..., :-1]).cumsum(axis=-1)
    out = np.empty_like(steps)
    np.put_along_axis(out, order, steps, axis=-1)
    return out


def support_of(ranks: IntArray, weights: FloatArray) -> FloatArray:
    """Return [a, b]: the weight of the ballots that put a strictly above b."""
    return np.asarray(supports_of(ranks, weights[None, :])[0], dtype=np.float64)


def supports_of(ranks: IntArray, weights: FloatArray) -> FloatArray:
    """Return [set, a, b] for several sets of weights [set, voter] over the same ballots."""
    n, m = ranks.shape
    total = np.zeros((weights.shape[0], m * m))
    step = max(1, _CELLS // (m * m))
    for start in range(0, n, step):
        part = ranks[start : start + step]
        above = (part[:, :, None] < part[:, None, :]).reshape(len(part), m * m)
        total += weights[:, start : start + step] @ above.astype(np.float64)
    return total.reshape(-1, m, m)


def reweighted(profile: Profile, weights: FloatArray, support: FloatArray | None = None) -> Profile:
    """Return the same ballots with other weights; ballots of weight 0 are left out. support: when already known."""
    kept = weights > 0
    w = weights[kept]
    ranks = profile.ranks[kept]
    known = support_of(ranks, w) if support is None else support
    return Profile(ranks, profile.ranked[kept], w, profile.names, known)


def restricted(profile: Profile, candidates: Sequence[int]) -> Profile:
    """Return the profile on some of its candidates, in the order given."""
    keep = list(candidates)
    return profile_of(
        profile.ranks[:, keep],
        ranked=profile.ranked[:, keep],
        weights=profile.weights,
        names=[profile.names[c] for c in keep],
    )


def without_voter(profile: Profile, voter: int) -> Profile:
    """Return the profile without one ballot; it must not be the only one."""
    weights = profile.weights.copy()
    weights[voter] = 0.0
    return reweighted(profile, weights)


def with_ranks(profile: Profile, ranks: npt.ArrayLike, ranked: npt.ArrayLike | None = None) -> Profile:
    """Return the same voters with other ballots [voter, candidate]; complete ones unless `ranked` says otherwise."""
    return profile_of(ranks, ranked=ranked, weights=profile.weights, names=profile.names)


def reversed_profile(profile: Profile) -> Profile:
    """Return every ballot upside down; unranked candidates then come first, together."""
    return with_ranks(profile, -profile.ranks)
