"""Random profiles to try rules on: impartial, Mallows and Euclidean cultures."""

from __future__ import annotations

import numpy as np

from societies.assembly.rules.profile import FloatArray, IntArray, Profile, profile_of


def impartial(num_voters: int, num_candidates: int, rng: np.random.Generator) -> Profile:
    """Draw every ballot uniformly from all rankings."""
    return profile_of(rng.permuted(np.tile(np.arange(num_candidates), (num_voters, 1)), axis=1))


def mallows(num_voters: int, num_candidates: int, rng: np.random.Generator, *, dispersion: float = 0.8) -> Profile:
    """Draw ballots around one random order: probability proportional to dispersion ** (Kendall distance).

    dispersion: 0 repeats the order, 1 is impartial. Source: Mallows 1957, by repeated insertion (Doignon et al. 2004).
    """
    if not 0 <= dispersion <= 1:
        raise ValueError(f"dispersion {dispersion} is not between 0 and 1")
    centre = rng.permutation(num_candidates)
    orders = np.empty((num_voters, num_candidates), dtype=np.int64)
    for voter in range(num_voters):
        order: list[int] = []
        for i in range(num_candidates):
            # Inserted at place j of i + 1, the candidate passes i - j others.
            chance = np.power(dispersion, np.arange(i, -1, -1, dtype=np.float64))
            order.insert(int(rng.choice(i + 1, p=chance / chance.sum())), int(centre[i]))
        orders[voter] = order
    return profile_of(np.argsort(orders, axis=1))


def euclidean(num_voters: int, num_candidates: int, rng: np.random.Generator, *, num_dims: int = 2) -> Profile:
    """Draw voters and candidates uniformly in a cube; nearer is better. One dimension gives single-peaked ballots."""
    distances = _distances(rng.random((num_voters, num_dims)), rng.random((num_candidates, num_dims)))
    return profile_of(distances)


def resampled(profile: Profile, num_voters: int, num_candidates: int, rng: np.random.Generator) -> Profile:
    """Draw ballots of an existing vote by weight, with replacement, over some of its candidates."""
    share = profile.weights / profile.weights.sum()
    voters: IntArray = rng.choice(profile.num_voters, size=num_voters, p=share)
    some = rng.choice(profile.num_candidates, size=min(num_candidates, profile.num_candidates), replace=False)
    return profile_of(profile.ranks[np.ix_(voters, some)], ranked=profile.ranked[np.ix_(voters, some)])


def _distances(voters: FloatArray, candidates: FloatArray) -> FloatArray:
    return np.asarray(((voters[:, None, :] - candidates[None, :, :]) ** 2).sum(axis=2), dtype=np.float64)
