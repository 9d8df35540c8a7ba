"""What a panel prefers in pairs: utilities of the options, how decided it is, and what the order of the options did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.statistics.intervals import bootstrap_mean, effective_n, wilson
from dashboards.assembly_numbers import Number, number_of
from dashboards.assembly_source import guarded
from dashboards.scenes import play_stages
from dashboards.sources import Reader, number, text

if TYPE_CHECKING:
    from societies.assembly.utilities import Edges

NUM_REFITS = 60
FEWEST = 4
DECIDED = 1.96
"""Standard errors from 1/2 from which a pair counts as decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionLine:
    """An option: utility in the common gauge (mean 0, standard deviation 1; null 0), and how often it was compared."""

    option: str
    utility: Number
    num_pairs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Utilities:
    """What the pairs of one stage say. Options come best first.

    order_gap: mean |P(A | A first) - P(A | B first)| of a citizen. decided: share of pairs whose share of votes lies
    away from 1/2. completeness: mean 2 |P - 1/2|. cycles: chance that three options run in a circle. foretold: share of
    held-out pairs whose winner the training pairs foretell; None without any. splits: pairs by what they are for.
    """

    stage: str
    options: tuple[OptionLine, ...]
    order_gap: Number
    decided: Number
    completeness: Number
    cycles: Number
    foretold: Number | None
    num_pairs: int
    splits: Mapping[str, int]
    num_voters: int
    effective_voters: float
    converged: bool
    num_refits: int


def utilities_of(reader: Reader, stages: Sequence[str], seed: int) -> tuple[Utilities, ...]:
    """Return what each stage of a utility vote found; empty for other societies."""
    found: list[Utilities | None] = []
    for stage in play_stages(stages):
        rows = [row for row in reader.rows(f"events/{stage}/choices-*.parquet") if number(row.get("p_a")) is not None]
        voters = reader.rows(f"events/{stage}/utility_citizens-*.parquet", ["citizen", "weight"])
        if len(rows) >= FEWEST:
            found.append(guarded(reader, f"the votes of {stage}", partial(_utilities, stage, rows, voters, seed), None))
    return tuple(one for one in found if one is not None)


def _utilities(
    stage: str, rows: Sequence[Mapping[str, Any]], voters: Sequence[Mapping[str, Any]], seed: int
) -> Utilities:
    from societies.assembly.utilities import accuracy, coherence, fit

    weights = {text(row.get("citizen")): float(row.get("weight") or 0) for row in voters}
    place: dict[str, int] = {}
    for row in rows:
        for column in ("option_a", "option_b"):
            place.setdefault(text(row.get(column)), len(place))
    sure = effective_n(list(weights.values())) or max(float(row.get("num_voters") or 1) for row in rows)
    asked = _edges(rows, place, [float(row["p_a"]) for row in rows], sure)
    whole = fit(asked)
    held = np.array([row.get("split") == "held_pair" for row in rows])
    taught = np.array([row.get("split") == "train" for row in rows])
    foretold = None
    if held.any() and taught.sum() >= FEWEST:
        tested = accuracy(fit(asked.take(taught)), asked.take(held), seed=seed)
        foretold = number_of(tested.right, 0.5, tested.num_decided)
    lo, hi = _bounds(rows, weights, place, sure, whole, seed)
    degree = np.bincount(asked.first, minlength=len(place)) + np.bincount(asked.second, minlength=len(place))
    names = list(place)
    told = coherence(asked, seed=seed)
    gaps = [gap for row in rows if (gap := number(row.get("order_gap"))) is not None]
    decided = sum(abs(float(row["p_a"]) - 0.5) > DECIDED * float(row.get("se") or 0) for row in rows)
    return Utilities(
        stage=stage,
        options=tuple(
            OptionLine(
                option=names[k],
                utility=Number(value=float(whole.mu[k]), lo=lo[k], hi=hi[k], null=0.0, n=int(degree[k])),
                num_pairs=int(degree[k]),
            )
            for k in np.argsort(-whole.mu, kind="stable")
        ),
        order_gap=number_of(bootstrap_mean(gaps, seed=seed), 0.0, len(gaps)),
        decided=number_of(wilson(decided, len(rows)), 0.05, len(rows)),
        completeness=number_of(told.completeness, told.coin_completeness, told.num_edges),
        cycles=number_of(told.cycles, 0.25, told.num_triads),
        foretold=foretold,
        num_pairs=len(rows),
        splits={name: sum(row.get("split") == name for row in rows) for name in ("train", "held_pair", "held_option")},
        num_voters=max(len(weights), *(int(row.get("num_voters") or 0) for row in rows)),
        effective_voters=sure,
        converged=whole.converged,
        num_refits=NUM_REFITS,
    )


def _edges(
    rows: Sequence[Mapping[str, Any]], place: Mapping[str, int], shares: Sequence[float], weight: float
) -> Edges:
    from societies.assembly.utilities import edges

    first = [place[text(row.get("option_a"))] for row in rows]
    second = [place[text(row.get("option_b"))] for row in rows]
    return edges(len(place), first, second, np.clip(shares, 0, 1), np.full(len(rows), max(1.0, weight)))


def _bounds(
    rows: Sequence[Mapping[str, Any]],
    weights: Mapping[str, float],
    place: Mapping[str, int],
    sure: float,
    whole: Any,
    seed: int,
) -> tuple[list[float | None], list[float | None]]:
    """Return the ends of percentile intervals over refits to panels drawn again: another panel is what may differ.

    None throughout where the votes of single citizens are not in the run.
    """
    from societies.assembly.utilities import fit

    citizens = sorted({text(who) for row in rows for who in row.get("voters") or ()})
    column = {who: n for n, who in enumerate(citizens)}
    table = np.full((len(rows), len(citizens)), np.nan)
    for number_, row in enumerate(rows):
        for who, vote in zip(row.get("voters") or (), row.get("votes") or (), strict=False):
            table[number_, column[text(who)]] = vote
    if len(citizens) < 2 or not np.isfinite(table).all():
        nothing: list[float | None] = [None] * len(place)
        return nothing, nothing
    own = np.array([weights.get(who) or 1.0 for who in citizens])
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(NUM_REFITS):
        times = rng.multinomial(len(citizens), np.full(len(citizens), 1 / len(citizens))) * own
        drawn.append(fit(_edges(rows, place, (table @ times / times.sum()).tolist(), sure), start=whole).mu)
    lo, hi = np.quantile(np.array(drawn), [0.025, 0.975], axis=0)
    return lo.tolist(), hi.tolist()
