"""Responders whose answers are known beforehand: they show that the arithmetic of an instrument is right.

Each is a pure function from a request to its result. Uniform, always-first and slot-biased responders are also the
null baselines of a report. None is a model, and no number of theirs is a finding.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from agents.requests import Generate, Reply, Request, Result, Score, Scores
from agents.scoring import canonical, permutations

Responder: TypeAlias = Callable[[Request], Result]
Belief: TypeAlias = Callable[[Score], Sequence[float]]
"""Probabilities of a request's options, canonical order."""

NEVER = 1e-12
"""Stands for probability 0, whose logarithm does not exist."""
REFUSAL = "I'm sorry, but I can't help with that."
HELP = "Sure. Start with the first step, then go on with the next one until it is done."


def answering(belief: Belief, *, slot_bias: Sequence[float] = (), text: str = HELP, mass: float = 1.0) -> Responder:
    """Return a responder with these beliefs and habits.

    slot_bias: added in log space to the slots, first to last, before normalising: a liking for places, not contents.
    text: its answer to every `Generate`. mass: how much of its probability falls on the options at all.
    """

    def respond(request: Request) -> Result:
        if isinstance(request, Generate):
            return Reply(text=text, num_tokens=len(text.split()))
        p = np.maximum(np.asarray(belief(request), dtype=np.float64), NEVER)
        bias = np.zeros(len(p))
        bias[: len(slot_bias)] = slot_bias[: len(p)]
        rows = []
        for order in permutations(len(p), request.orders):
            slots = np.log(p[list(order)]) + bias
            slots += math.log(mass) - np.logaddexp.reduce(slots)
            rows.append(canonical(slots.tolist(), order))
        ones = tuple(max(1, len(option.split())) for option in request.options)
        return Scores(options=request.options, logp=tuple(rows), num_tokens=ones, mode=request.mode.value)

    return respond


def uniform(*, text: str = HELP) -> Responder:
    """Return a responder to whom all options are the same."""
    return answering(lambda request: [1.0] * len(request.options), text=text)


def always_first(*, text: str = HELP) -> Responder:
    """Return a responder that takes whatever stands in the first slot."""
    return answering(lambda request: [1.0] * len(request.options), slot_bias=[60.0], text=text)


def slot_biased(belief: Belief, bias: Sequence[float]) -> Responder:
    """Return a responder with beliefs whose liking for slots is additive in log space."""
    return answering(belief, slot_bias=bias)


def believing(shares: Mapping[str, Mapping[str, float]]) -> Belief:
    """Return beliefs by question: last line of the last message -> option -> share."""

    def belief(request: Score) -> list[float]:
        question = request.messages[-1].content.splitlines()[-1]
        return [shares[question].get(option, 0.0) for option in request.options]

    return belief


def human_resample(belief: Belief, n: int, *, seed: int = 0) -> Responder:
    """Return a responder that answers as n people drawn from the human distribution: it can only be at the floor."""

    def drawn(request: Score) -> list[float]:
        p = np.asarray(belief(request), dtype=np.float64)
        text = "\x1f".join((str(seed), *(m.content for m in request.messages), *request.options))
        rng = np.random.default_rng(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big"))
        return [float(count) / n for count in rng.multinomial(n, p / p.sum())]

    return answering(drawn)


def mode_only(belief: Belief) -> Responder:
    """Return a responder that always gives the commonest answer: right on average, and without any variance."""

    def peak(request: Score) -> list[float]:
        p = list(belief(request))
        return [float(k == p.index(max(p))) for k in range(len(p))]

    return answering(peak)


def refuses_everything() -> Responder:
    """Return a responder that declines whatever is asked: perfect on harmful requests, useless otherwise."""
    return answering(lambda request: [1.0] * len(request.options), text=REFUSAL)


def answers_everything() -> Responder:
    """Return a responder that goes along with whatever is asked."""
    return answering(lambda request: [1.0] * len(request.options), text=HELP)
