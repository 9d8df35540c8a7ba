"""Rules that give each candidate a chance: the maximal lottery and the random dictator."""

from __future__ import annotations

from typing import Literal

import numpy as np

from societies.assembly.rules.outcome import TOLERANCE, Outcome
from societies.assembly.rules.pairwise import condorcet_winner
from societies.assembly.rules.positional import first_places
from societies.assembly.rules.profile import FloatArray, Profile


def maximal_lottery(profile: Profile, *, matrix: Literal["margin", "sign"] = "margin") -> Outcome:
    """Return the lottery that no other lottery beats: the optimal strategy of the majority game.

    matrix: "margin" plays for margins, "sign" (the C1 lottery of the bipartisan set) for majorities only. With ties
    among majorities the optimum need not be unique; the solver's is given and the note says so.
    Source: Fishburn 1984; Brandl, Brandt and Seedig 2016.
    """
    game = profile.margins if matrix == "margin" else np.sign(profile.margins)
    best = condorcet_winner(profile.margins)
    # Whoever beats everybody is the only optimum, so the programme need not be solved.
    p = optimal_strategy(game) if best is None else np.eye(len(game))[best]
    off = ~np.eye(len(game), dtype=np.bool_)
    even = best is None and bool((profile.margins[off] == 0).any())
    return Outcome(
        rule="maximal_lottery",
        winners=tuple(np.flatnonzero(p > 0).tolist()),
        lottery=tuple(p.tolist()),
        note="two candidates are level, so other lotteries may be as good" if even else "",
    )


def optimal_strategy(game: FloatArray) -> FloatArray:
    """Return p with p @ game >= 0, sum 1, for a skew-symmetric game; chances below 1e-9 are set to 0."""
    from scipy.optimize import linprog

    m = len(game)
    scale = max(1.0, float(np.abs(game).max()))
    found = linprog(
        c=np.append(np.zeros(m), -1.0),
        A_ub=np.column_stack([-game.T / scale, np.ones(m)]),
        b_ub=np.zeros(m),
        A_eq=np.append(np.ones(m), 0.0)[None, :],
        b_eq=[1.0],
        bounds=[(0, None)] * m + [(None, None)],
        method="highs",
    )
    if found.x is None:
        raise RuntimeError(f"the lottery programme was not solved: {found.message}")
    p = np.where(found.x[:m] > TOLERANCE, found.x[:m], 0.0)
    return np.asarray(p / p.sum(), dtype=np.float64)


def random_dictator(profile: Profile) -> Outcome:
    """Return each candidate's share of first places: the chance that a random ballot elects it.

    Source: Gibbard 1977.
    """
    places = first_places(profile)
    if not places.any():
        places = np.ones(profile.num_candidates)
    p = places / places.sum()
    return Outcome(rule="random_dictator", winners=tuple(np.flatnonzero(p > 0).tolist()), lottery=tuple(p.tolist()))
