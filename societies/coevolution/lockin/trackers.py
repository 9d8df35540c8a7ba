"""Lock-in measured on any run of any society: who believed what at which timestep is all that is asked for.

Inputs are plain frames or arrays, outputs plain records and numbers. A number that cannot be had is nan, never 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from agents.errors import UserError, did_you_mean
from societies.coevolution.lockin.diversity import belief_entropy, bimodality, shannon
from societies.coevolution.lockin.lineage import ConceptTree, lineage_diversity
from societies.coevolution.lockin.threshold import log_precision_slope

if TYPE_CHECKING:
    import polars as pl

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BeliefRecord:
    """What one agent held at one timestep. source: how it was read, such as "score" or "simulated".

    belief: on any scale, a probability by default. log_precision: how sure it claims to be; nan where it was not asked.
    """

    agent: str
    timestep: int
    belief: float
    log_precision: float = math.nan
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockinMetrics:
    """One timestep of a run.

    entropy: of the beliefs in a fixed histogram, nats; effective: exp of it, opinions. bimodality: above 5/9 hints at
    two camps. topic_entropy, lineage_diversity: of what was talked about. lag: distance of the mean belief from the
    truth of that timestep. rho: spectral radius, where the trust is known. log_precision_slope: growth of the mean
    claimed log precision a timestep, over the last ones. nan: not measured. n: beliefs.
    """

    timestep: int
    n: int
    mean: float
    spread: float
    entropy: float
    effective: float
    bimodality: float
    topic_entropy: float
    lineage_diversity: float
    lag: float
    rho: float
    log_precision_slope: float


def beliefs_frame(records: Sequence[BeliefRecord]) -> pl.DataFrame:
    """Return belief records as a frame with the columns that `lockin_metrics` reads."""
    import polars as pl

    schema = {
        "agent": pl.String, "timestep": pl.Int64, "belief": pl.Float64, "log_precision": pl.Float64,
        "source": pl.String,
    }  # fmt: skip
    rows = [(one.agent, one.timestep, one.belief, one.log_precision, one.source) for one in records]
    return pl.DataFrame(rows, schema=schema, orient="row")


def lockin_metrics(
    beliefs: pl.DataFrame,
    *,
    belief: str = "belief",
    timestep: str = "timestep",
    width: float = 0.1,
    low: float = 0.0,
    high: float = 1.0,
    truth: Mapping[int, float] | float | None = None,
    talk: pl.DataFrame | None = None,
    concepts: ConceptTree | None = None,
    rho: float = math.nan,
    window: int = 5,
) -> list[LockinMetrics]:
    """Return the metrics of every timestep, in order.

    beliefs: a row an agent and timestep; `belief` and `timestep` name its columns; a column log_precision is used
    where there is one. width, low, high: of the histogram. truth: one value, or one a timestep. talk: what was said,
    with the columns of `timestep` and "concept". concepts: the tree for lineage diversity. window: timesteps behind
    log_precision_slope. Raises UserError for a missing column.
    """
    _need(beliefs, (timestep, belief), "beliefs")
    if talk is not None:
        _need(talk, (timestep, "concept"), "talk")
    said = {} if talk is None else _grouped(talk, timestep, "concept")
    sure = _grouped(beliefs, timestep, "log_precision") if "log_precision" in beliefs.columns else {}
    levels = {step: _mean(values) for step, values in sure.items()}
    out = []
    for step, values in _grouped(beliefs, timestep, belief).items():
        x = np.array([value for value in values if value is not None and math.isfinite(value)], dtype=np.float64)
        entropy = belief_entropy(x, width=width, low=low, high=high)
        target = truth.get(step, math.nan) if isinstance(truth, Mapping) else math.nan if truth is None else truth
        recent = [s for s in sorted(levels) if s <= step][-window:]
        words = [str(word) for word in said.get(step, ()) if word is not None]
        out.append(
            LockinMetrics(
                timestep=step,
                n=x.size,
                mean=float(x.mean()) if x.size else math.nan,
                spread=float(x.std()) if x.size else math.nan,
                entropy=entropy,
                effective=math.exp(entropy),
                bimodality=bimodality(x),
                topic_entropy=shannon(words),
                lineage_diversity=lineage_diversity(words, concepts) if concepts and words else math.nan,
                lag=abs(float(x.mean()) - target) if x.size else math.nan,
                rho=rho,
                log_precision_slope=log_precision_slope(recent, np.array([levels[s] for s in recent])),
            )
        )
    return out


def drift_speed(vectors: FloatArray) -> FloatArray:
    """Return how far a series of vectors [time, dim] moves each step, shape (time - 1,)."""
    return np.asarray(np.linalg.norm(np.diff(np.asarray(vectors, dtype=np.float64), axis=0), axis=1), dtype=np.float64)


def self_confirmation(policy: FloatArray, population: FloatArray) -> float:
    """Return the correlation of what a policy answers at t with how the population then changes, from t to t + 1.

    policy, population: [time, dim], equal shapes; the policy is taken relative to the population, since people who
    already agree have nowhere to go. nan with fewer than three pairs, or when either side never moves.
    """
    a, b = np.asarray(policy, dtype=np.float64), np.asarray(population, dtype=np.float64)
    if a.ndim != 2 or a.shape != b.shape:
        raise ValueError(f"series of the shapes {a.shape} and {b.shape} do not belong together")
    pull, change = (a - b)[:-1].ravel(), np.diff(b, axis=0).ravel()
    if pull.size < 3 or np.ptp(pull) == 0 or np.ptp(change) == 0:
        return math.nan
    return float(np.corrcoef(pull, change)[0, 1])


def first_component_share(answers: FloatArray) -> float:
    """Return the share of the first principal component of answers [agent, item], items standardised; nan for one item.

    Items on which all agree are left out. The share depends on the number of items: compare equal sets only.
    """
    x = np.asarray(answers, dtype=np.float64)
    x = x[:, x.std(axis=0) > 0]
    if x.shape[0] < 3 or x.shape[1] < 2:
        return math.nan
    return float(np.linalg.eigvalsh(np.corrcoef(x, rowvar=False))[-1] / x.shape[1])


def shared_information(
    policy: Sequence[object], people: Sequence[object], *, num_shuffles: int = 200, seed: int = 0
) -> tuple[float, float]:
    """Return (mutual information in nats, its mean when the pairing is shuffled); nan for no pairs.

    policy, people: answers to the same questions, pair by pair. The plug-in estimate is biased up: the shuffled value
    is the null that it has to beat.
    """
    if len(policy) != len(people):
        raise ValueError(f"{len(policy)} answers do not pair with {len(people)}")
    if not policy:
        return math.nan, math.nan
    a, b = (np.unique(np.array([str(x) for x in side]), return_inverse=True)[1] for side in (policy, people))
    rng = np.random.default_rng(seed)
    null = [_mutual(rng.permutation(a), b) for _ in range(num_shuffles)]
    return _mutual(a, b), float(np.mean(null))


def _mutual(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> float:
    table = np.zeros((int(a.max()) + 1, int(b.max()) + 1))
    np.add.at(table, (a, b), 1 / a.size)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True)
    seen = table > 0
    return max(0.0, float((table[seen] * np.log(table[seen] / expected[seen])).sum()))


def _grouped(frame: pl.DataFrame, by: str, column: str) -> dict[int, list[float]]:
    """Return the values of a column by timestep, in order of time."""
    out: dict[int, list[float]] = {}
    for step, value in frame.select(by, column).sort(by, maintain_order=True).iter_rows():
        out.setdefault(int(step), []).append(value)
    return out


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if value is not None and math.isfinite(value)]
    return math.fsum(known) / len(known) if known else math.nan


def _need(frame: pl.DataFrame, columns: Sequence[str], what: str) -> None:
    for name in columns:
        if name not in frame.columns:
            raise UserError(
                f'The frame of {what} has no column "{name}".',
                "it is tracked by it.",
                did_you_mean(name, frame.columns),
            )
