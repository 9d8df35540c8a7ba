"""How many different things are being said: entropy, Hill numbers, belief histograms, bimodality, Jaccard distance."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from agents.statistics.distances import entropy, normalised

FloatArray = npt.NDArray[np.float64]


def counts_of(labels: Sequence[object]) -> FloatArray:
    """Return how often each distinct label occurs, in sorted order of their text."""
    _, counts = np.unique(np.array([str(label) for label in labels]), return_counts=True)
    return counts.astype(np.float64)


def shannon(labels: Sequence[object]) -> float:
    """Return the entropy of labels, such as topics, in nats; nan for none. Source: Shannon 1948, section 6."""
    return entropy(counts_of(labels)) if len(labels) else math.nan


def hill(counts: Sequence[float] | FloatArray, q: float) -> float:
    """Return the Hill number of order q: how many equally common kinds would be as diverse. At least 1.

    q = 0 counts kinds, 1 is exp(entropy), 2 is 1 / sum p^2, inf is 1 / largest share. Raises ValueError for q < 0.
    Source: Hill 1973 (Diversity and evenness), equation 5 and its limit at 1.
    """
    if q < 0:
        raise ValueError(f"no Hill number of order {q}")
    p = normalised(np.asarray(counts, dtype=np.float64))
    p = p[p > 0]
    if q == 1:
        return math.exp(entropy(p))
    if math.isinf(q):
        return float(1 / p.max())
    return float((p**q).sum() ** (1 / (1 - q)))


def belief_entropy(
    beliefs: Sequence[float] | FloatArray, *, width: float, low: float = 0.0, high: float = 1.0
) -> float:
    """Return the entropy of beliefs in a histogram with bins of fixed width, in nats; nan for none.

    Values outside [low, high] count in the outermost bins, so the grid never moves with the data: a grid that did
    would hide a collapse.
    """
    x = np.asarray(beliefs, dtype=np.float64)
    if not x.size:
        return math.nan
    if not (width > 0 and high > low):
        raise ValueError(f"no bins of width {width} from {low} to {high}")
    last = max(0, math.ceil((high - low) / width) - 1)
    places = np.clip(np.floor((x - low) / width), 0, last).astype(np.int64)
    return entropy(np.bincount(places).astype(np.float64))


def bimodality(values: Sequence[float] | FloatArray) -> float:
    """Return the bimodality coefficient with its small-sample correction: above 5/9 hints at two camps; nan below 4.

    Source: SAS/STAT user's guide (CLUSTER); Pfister et al. 2013, equation 1.
    """
    x = np.asarray(values, dtype=np.float64)
    n = x.size
    if n < 4 or np.ptp(x) == 0:
        return math.nan
    z = (x - x.mean()) / x.std()
    skewness = math.sqrt(n * (n - 1)) / (n - 2) * float((z**3).mean())
    excess = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * (float((z**4).mean()) - 3) + 6)
    return (skewness**2 + 1) / (excess + 3 * (n - 1) ** 2 / ((n - 2) * (n - 3)))


def jaccard_distance(first: Collection[object], second: Collection[object]) -> float:
    """Return 1 - shared / all of two sets, in [0, 1]; nan when both are empty. Source: Jaccard 1912."""
    a, b = set(first), set(second)
    return 1 - len(a & b) / len(a | b) if a | b else math.nan


def mean_jaccard_distance(sets: Sequence[Collection[object]]) -> float:
    """Return the mean distance over all pairs of sets; nan for fewer than two. Pairs of empty sets are left out."""
    found = [jaccard_distance(a, b) for k, a in enumerate(sets) for b in sets[k + 1 :]]
    finite = [value for value in found if not math.isnan(value)]
    return math.fsum(finite) / len(finite) if finite else math.nan
