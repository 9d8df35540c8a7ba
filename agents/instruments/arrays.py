"""Readings as arrays, and what arrays of log-probabilities say: expected answers, marginals, card information."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from agents.instruments.types import FloatArray, Reading, Response
from agents.scoring import FLOOR
from agents.statistics.distances import entropy


def to_response(
    readings: Sequence[Reading], *, form: str, subjects: Sequence[str] = (), items: Sequence[str] = ()
) -> Response:
    """Return the readings of one form as arrays; cells that nobody answered, or that were forfeited, are masked.

    subjects, items: their order; by default the order in which they first occur.
    """
    own = [one for one in readings if one.form == form]
    subject_names = list(subjects) or list(dict.fromkeys(one.subject for one in own))
    item_names = list(items) or list(dict.fromkeys(one.item for one in own))
    used = [one for one in own if not one.forfeit and one.logp]
    num_orders = max((len(one.logp) for one in used), default=1)
    num_options = max((len(row) for one in used for row in one.logp), default=1)
    num_paraphrases = max((one.paraphrase for one in used), default=0) + 1
    shape = (len(subject_names), len(item_names), num_paraphrases, num_orders, num_options)
    logp, mass, weights = np.full(shape, np.nan), np.full(shape[:3], np.nan), np.ones(shape[0])
    row_of, column_of = ({name: k for k, name in enumerate(names)} for names in (subject_names, item_names))
    for one in used:
        cell = row_of[one.subject], column_of[one.item], one.paraphrase
        for order, row in enumerate(one.logp):
            logp[(*cell, order, slice(0, len(row)))] = row
        mass[cell] = one.mass
        weights[cell[0]] = one.weight
    return Response(
        instrument=own[0].instrument if own else "",
        subjects=tuple(subject_names),
        items=tuple(item_names),
        logp=logp,
        mask=np.isfinite(logp),
        mass=mass,
        weights=weights,
    )


def probabilities(response: Response, *, average: Literal["log", "probability"] = "log") -> FloatArray:
    """Return p[subject, item, option] given that an option is answered; nan where nothing was, 0 in the padding.

    average: over orders and paraphrases. "log" cancels slot effects that are additive in log space exactly;
    "probability" cancels them for a responder that ignores content.
    """
    logp, mask = response.logp, response.mask
    seen = mask.any(axis=-1, keepdims=True)
    cut = np.where(mask, np.maximum(logp, FLOOR), -np.inf)
    if average == "probability":
        with np.errstate(invalid="ignore"):
            shares = np.exp(cut) / np.exp(cut).sum(axis=-1, keepdims=True)
        total = np.where(seen, shares, 0.0).sum(axis=(2, 3))
        counts = seen.sum(axis=(2, 3))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(counts > 0, total / counts, np.nan), dtype=np.float64)
    counts = mask.sum(axis=(2, 3))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(counts > 0, np.where(mask, cut, 0.0).sum(axis=(2, 3)) / counts, -np.inf)
        weights = np.exp(mean - mean.max(axis=-1, keepdims=True))
        return np.asarray(weights / weights.sum(axis=-1, keepdims=True), dtype=np.float64)


def marginals(response: Response) -> FloatArray:
    """Return the population's p[item, option]: weighted mean of expected answers, not of sampled ones."""
    p = probabilities(response)
    seen = np.isfinite(p).all(axis=-1, keepdims=True)
    w = response.weights[:, None, None] * seen
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((np.where(seen, p, 0.0) * w).sum(axis=0) / w.sum(axis=0), dtype=np.float64)


def card_information(response: Response) -> FloatArray:
    """Return, per item, the share of the answers' entropy that the subject settles, in [0, 1].

    (H(mean p) - mean H(p)) / H(mean p); 0 when everybody answers alike, nan when nothing was answered.
    """
    p, mean = probabilities(response), marginals(response)
    out = np.full(len(response.items), np.nan)
    for k in range(len(response.items)):
        rows = [(w, row) for w, row in zip(response.weights, p[:, k], strict=True) if np.isfinite(row).all()]
        if rows:
            whole = entropy(mean[k])
            within = math.fsum(w * entropy(row) for w, row in rows) / math.fsum(w for w, _ in rows)
            out[k] = (whole - within) / whole if whole > 1e-12 else 0.0
    return out


def first_slot_shares(response: Response, orders: Sequence[Sequence[int]]) -> FloatArray:
    """Return how far p(first slot) is from 1/K, per item, mean over subjects and orders; before any averaging.

    orders: as `agents.scoring.permutations` gives them.
    """
    logp = np.where(response.mask, response.logp, -np.inf)
    with np.errstate(invalid="ignore"):
        shares = np.exp(logp) / np.exp(logp).sum(axis=-1, keepdims=True)
    first = np.stack([shares[:, :, :, k, order[0]] for k, order in enumerate(orders)], axis=-1)
    num_options = response.mask.any(axis=(0, 2, 3)).sum(axis=-1)
    return np.asarray(np.nanmean(first, axis=(0, 2, 3)) - 1 / num_options, dtype=np.float64)
