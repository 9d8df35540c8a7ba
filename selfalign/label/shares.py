"""From the votes on a sample to what should be preferred, under one of six rules: the plain share, or a target of
`selfalign.label.targets`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from agents.errors import UserError, nearest
from agents.sample import Sample, Vote
from selfalign.label.targets import RULES, Target, Votes, targets, votes

SHARE = "share"
NAMES = (SHARE, *RULES)
"""share: the weighted mean of the voters' own probabilities. The others count each voter as for or against."""


def check_target(name: str, where: str) -> None:
    """Raise UserError for an unknown rule."""
    if name not in NAMES:
        raise UserError(
            f'{where} = "{name}" is no aggregation target.',
            f"targets are {', '.join(NAMES)}.",
            nearest(name, NAMES),
        )


def shares_of(samples: Sequence[Sample], rule: str) -> dict[str, float]:
    """Return sample id -> share that the first of two options should get; samples that the rule leaves out are absent.

    Samples without votes are absent too.
    """
    found: dict[str, float] = {}
    for sample in samples:
        if not sample.votes:
            continue
        share = mean_share(sample) if rule == SHARE else _first(targets_of(sample, rule))
        if not math.isnan(share):
            found[sample.sample_id] = share
    return found


def mean_share(sample: Sample) -> float:
    """Return the weighted mean over voters of p(first) / (p(first) + p(second))."""
    weights = weights_of(sample)
    total = math.fsum(weights)
    shares = [_own(vote) for vote in sample.votes]
    return math.fsum(w * p for w, p in zip(weights, shares, strict=True)) / total if total else math.nan


def targets_of(sample: Sample, rule: str) -> list[Target]:
    """Return a sample's pairs under a rule of `selfalign.label.targets`, from its votes, weights and groups."""
    return targets(ballots(sample), rule)


def ballots(sample: Sample) -> Votes:
    """Return a sample's votes as a table: higher is better, whatever their kind."""
    scores = [[-v for v in vote.value] if vote.kind == "rank" else list(vote.value) for vote in sample.votes]
    return votes(scores, weights_of(sample), [vote.group for vote in sample.votes])


def weights_of(sample: Sample) -> list[float]:
    """Return one weight a vote: the sample's own `weights` (soft panel) or ones."""
    given = sample.meta.get("weights")
    if isinstance(given, list | tuple) and len(given) == len(sample.votes):
        return [float(one) for one in given]
    return [1.0] * len(sample.votes)


def _own(vote: Vote) -> float:
    total = vote.value[0] + vote.value[1]
    return vote.value[0] / total if total > 0 else 0.5


def _first(found: Sequence[Target]) -> float:
    """Return the share of candidate 0 among two, nan where the rule names no pair."""
    for one in found:
        return one.p_chosen if one.chosen == 0 else 1 - one.p_chosen
    return math.nan
