"""Votes of earlier rounds on the same pairs, and where they are going: samples in, samples with the votes to come out.

Earlier samples are aligned by what they say (kind, prompt, candidates), so that it does not matter which run, script or
order they come from. Only rounds up to the present are ever read: nothing here can know the future.
Source: the extrapolative examinee of ProgressGym, Qiu et al. 2024, arXiv 2406.20087; the mathematics, and the form for
vote shares, stand in `agents.statistics.extrapolation`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from agents.errors import UserError
from agents.sample import Sample, Vote
from agents.statistics.extrapolation import Shrink, carried, extrapolate_shares, hard_targets
from selfalign.config import Extrapolate
from selfalign.label.shares import mean_share, weights_of
from selfalign.samples import Funnel, content_key, drop

FloatArray = npt.NDArray[np.float64]
VOTER = "extrapolated"


def extrapolated(
    samples: Sequence[Sample], earlier: Sequence[Sequence[Sample]], config: Extrapolate, funnel: Funnel
) -> tuple[list[Sample], Funnel]:
    """Return this round's samples with the votes that are to be learned, and the funnel.

    earlier: the samples of the rounds before, oldest first. Each sample keeps its prompt and candidates; its votes
    become one, the extrapolated share; of hard votes the side that wins, with `meta["copies"]`. Samples that are no
    voted pair, and pairs whose hard votes cancel, are left out and counted. Gaps in a pair's shares are filled from
    the nearest known round; a missing hard vote counts as 0.
    Raises UserError when no pair of this round was voted on before.
    """
    pairs, funnel = drop(samples, funnel, "a voted pair", _no_pair)
    rounds = [*earlier[max(0, len(earlier) - config.order) :], pairs] if config.order else [pairs]
    series = _aligned(pairs, rounds)
    if len(rounds) > 1 and pairs and not np.isfinite(series[:-1]).any():
        raise UserError(
            f"None of the {len(pairs)} pairs of this round was voted on in the {len(rounds) - 1} rounds before.",
            "votes are extrapolated pair by pair, and pairs are the same when prompt and candidates are.",
            "let the society put the same pairs to the vote in every round (society=value_follow), or set "
            "recipe.extrapolate.order=0",
        )
    signed = _ahead(series, config, _voters(pairs))
    ahead = {sample.sample_id: float(value) for sample, value in zip(pairs, signed, strict=True)}
    kept, funnel = drop(
        pairs, funnel, "votes ahead", lambda s: "votes cancel or tie" if math.isnan(ahead[s.sample_id]) else None
    )
    return [_with(sample, ahead[sample.sample_id], config, len(rounds)) for sample in kept], funnel


def copies_of(sample: Sample) -> int:
    """Return how often a sample's row is repeated: the size of an extrapolated hard vote, else 1."""
    return int(sample.meta.get("copies", 1))


def num_votes(sample: Sample) -> int:
    """Return how many votes stand behind a sample; those that one extrapolated vote stands for count."""
    return int(sample.meta.get("num_votes", len(sample.votes)))


def _aligned(pairs: Sequence[Sample], rounds: Sequence[Sequence[Sample]]) -> FloatArray:
    """Return the share of the first candidate, (num_rounds, num_pairs); nan where a round has no vote on a pair."""
    keys = [content_key(sample) for sample in pairs]
    out = np.full((len(rounds), len(pairs)), np.nan)
    for n, samples in enumerate(rounds):
        known: dict[str, Sample] = {}
        for sample in samples:
            if _no_pair(sample) is None:
                known.setdefault(content_key(sample), sample)
        for k, key in enumerate(keys):
            if key in known:
                out[n, k] = mean_share(known[key])
    return out


def _ahead(series: FloatArray, config: Extrapolate, num_voters: float) -> FloatArray:
    """Return signed copies (hard votes) or shares, (num_pairs,); nan where nothing is left to learn."""
    if config.votes == "hard":
        return hard_targets(np.sign(2 * series - 1), config.order, config.horizon, cap=config.cap)
    filled = carried(series)
    known = np.isfinite(filled).all(axis=0)
    out = np.full(series.shape[1], np.nan)
    if known.any():
        shrink: Shrink = "auto" if config.shrink is None else config.shrink
        out[known] = extrapolate_shares(
            filled[:, known], config.order, config.horizon, shrink=shrink, num_voters=num_voters
        )
    return out


def _with(sample: Sample, value: float, config: Extrapolate, num_rounds: int) -> Sample:
    hard = config.votes == "hard"
    share = float(value > 0) if hard else value
    meta = {**sample.meta, "num_votes": len(sample.votes), "num_rounds": num_rounds}
    if hard:
        meta["copies"] = round(abs(value))
    first = sample.votes[0]
    vote = Vote(voter=VOTER, group="", dim=first.dim, kind="pair", value=(share, 1 - share), t=first.t)
    return replace(sample, votes=(vote,), meta=meta)


def _voters(pairs: Sequence[Sample]) -> float:
    """Return the mean over pairs of how many voters a share rests on: as the society tells, or Kish's number."""
    return float(np.mean([_effective(sample) for sample in pairs])) if pairs else 0.0


def _effective(sample: Sample) -> float:
    told: Mapping[str, object] = sample.meta
    if isinstance(number := told.get("num_voters"), int | float):
        return float(number)
    weights = weights_of(sample)
    squares = math.fsum(w * w for w in weights)
    return math.fsum(weights) ** 2 / squares if squares else 0.0


def _no_pair(sample: Sample) -> str | None:
    texts = [candidate.text for candidate in sample.candidates]
    if len(texts) != 2 or texts[0] == texts[1]:
        return "no pair of options"
    if not sample.votes or any(vote.kind != "pair" for vote in sample.votes):
        return "no vote on a pair"
    return "no vote has weight" if math.isnan(mean_share(sample)) else None
