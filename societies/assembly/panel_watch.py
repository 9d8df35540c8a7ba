"""What a round of the loop did to the frozen panel: drift, what is left of its diversity, agreement with assemblies.

A poll is the panel's answers in two wordings, [citizen, item, level] each; see `metrics/repolled.py` for the distances.
The null of drift is how far the two wordings lie apart under the first policy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from agents.instruments.types import Told, Watched
from societies.assembly.metrics import repolled
from societies.assembly.metrics.measured import FloatArray
from societies.assembly.metrics.repolled import Statistic

Poll = tuple[FloatArray, FloatArray]
LEVEL, SPREAD, EVENNESS, SETTLED, REWORDED = "level", "spread", "evenness", "settled", "reworded"
DRIFT, OWN_DRIFT, CHANGE, DIVERSITY, HALVES, AGREEMENT = (
    "drift", "own_drift", "change", "diversity", "drift_halves", "agreement",
)  # fmt: skip
NO_SPREAD = 1e-12
"""A variance not above this is none: there is nothing to lose of it."""
REWORDING = "the first policy asked in other words"
FIRST = "the first policy"

TEXTS: Mapping[str, str] = {
    LEVEL: "mean agreement of the panel with all items, 0 to 1",
    SPREAD: "variance of agreement between citizens, mean over items",
    EVENNESS: "entropy of the panel's mean answer, 1 for uniform",
    SETTLED: "share of the answers' entropy that is told by who answers",
    REWORDED: "distance of the panel's answers to the same items in other words",
    DRIFT: "distance of the panel's mean answers from those under the first policy",
    HALVES: "distance of two random halves of the panel under the first policy",
    OWN_DRIFT: "distance of citizens' own answers from those under the first policy",
    CHANGE: "distance of citizens' own answers from those before this round",
    DIVERSITY: "variance between citizens over that under the first policy",
}


def mean_of(statistic: Statistic) -> Statistic:
    """Return the statistic's mean over the two wordings."""
    return lambda one, two, weights: (statistic(one, weights) + statistic(two, weights)) / 2


STATISTICS: Mapping[str, Statistic] = {
    LEVEL: mean_of(repolled.level),
    SPREAD: mean_of(repolled.spread),
    EVENNESS: mean_of(repolled.evenness),
    SETTLED: mean_of(repolled.settled),
    REWORDED: repolled.panel_distance,
}
"""Of one poll."""


def moved(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, weights: FloatArray) -> FloatArray:
    """Return how far the panel's means of two polls lie apart, each wording with itself."""
    return (repolled.panel_distance(a, c, weights) + repolled.panel_distance(b, d, weights)) / 2


def own_moved(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, weights: FloatArray) -> FloatArray:
    """Return how far citizens' own answers of two polls lie apart, each wording with itself."""
    return (repolled.own_distance(a, c, weights) + repolled.own_distance(b, d, weights)) / 2


def diversity(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the variance between citizens of the second poll over that of the first; nan where there was none."""
    earlier, later = STATISTICS[SPREAD](a, b, weights), STATISTICS[SPREAD](c, d, weights)
    some = earlier > NO_SPREAD
    return np.asarray(np.where(some, later / np.where(some, earlier, 1.0), np.nan), dtype=np.float64)


def num_answering(polls: Sequence[FloatArray]) -> int:
    """Return how many citizens answered at least one item in every poll."""
    return int(np.stack([repolled.answered(one).any(axis=1) for one in polls]).all(axis=0).sum())


def watched(first: Poll, before: Poll, now: Poll, results: FloatArray, num_results: int) -> list[Watched]:
    """Return the numbers of a round.

    first, before, now: polls under the first policy, the one in force before the round, and the one after it.
    results: what assemblies answered after deliberating, [item, level]; num_results: how many of them sat.
    """
    reworded, own_reworded = (repolled.value(f, *first) for f in (repolled.panel_distance, repolled.own_distance))
    rows = [
        _row(DRIFT, moved, (*first, *now), reworded, REWORDING),
        _fixed(HALVES, repolled.halves(first[0]), first),
        _row(OWN_DRIFT, own_moved, (*first, *now), own_reworded, REWORDING),
        _row(CHANGE, own_moved, (*before, *now), own_reworded, REWORDING),
        _row(DIVERSITY, diversity, (*first, *now), 1.0, "no change"),
    ]
    for name in (SPREAD, EVENNESS, SETTLED):
        rows.append(_row(name, STATISTICS[name], now, repolled.value(STATISTICS[name], *first), FIRST))
    if num_results:
        agreed = mean_of(lambda answers, weights: repolled.agreement(answers, results, weights))
        what = f"1 less the distance from what {num_results} assemblies on held questions answered after deliberating"
        rows.append(_row(AGREEMENT, agreed, now, repolled.value(agreed, *first), FIRST, what))
    return rows


def _row(
    name: str,
    statistic: Statistic,
    polls: Sequence[FloatArray],
    null: float,
    null_name: str,
    text: str = "",
) -> Watched:
    found = repolled.by_citizen(statistic, *polls)
    return Watched(
        name=name,
        value=found.point,
        lo=found.lo,
        hi=found.hi,
        n=num_answering(polls),
        null=null,
        null_name=null_name,
        text=text or TEXTS[name],
    )


def _fixed(name: str, value: float, polls: Sequence[FloatArray]) -> Watched:
    return Watched(
        name=name,
        value=value,
        lo=math.nan,
        hi=math.nan,
        n=num_answering(polls),
        null=math.nan,
        null_name="",
        text=TEXTS[name],
    )


def results_of(told: Told, items: Sequence[str], num_levels: int) -> tuple[FloatArray, int]:
    """Return what assemblies answered after deliberating, [item, level], and how many of them sat.

    items: "question/side". A result is the mean over seats of the survey after the vote, in the first round of the
    loop, of the arm `full`. nan for items on which nobody sat.
    """
    places = {item: k for k, item in enumerate(items)}
    wanted = {item.rpartition("/")[0] for item in items}
    sat = {
        row["assembly"]: row["question_id"]
        for row in told("r1.play", "assemblies")
        if row["arm"] == "full" and row["question_id"] in wanted
    }
    found: list[list[list[float]]] = [[] for _ in items]
    for row in told("r1.play", "probes"):
        if row["t"] == "after" and row["arm"] == "full" and row["assembly"] in sat:
            place = places.get(f"{sat[row['assembly']]}/{row['item']}")
            if place is not None and len(row["dist"]) == num_levels:
                found[place].append(row["dist"])
    means = [np.mean(rows, axis=0).tolist() if rows else [math.nan] * num_levels for rows in found]
    return np.array(means, dtype=np.float64).reshape(len(items), num_levels), len(sat)
