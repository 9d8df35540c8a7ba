"""Utility control: rows that teach which of two options is chosen, as a soft target on the two label tokens.

Both orders of every pair become rows, with the target turned along, so that no liking for a slot can be learned.
The prompt is byte for byte the one that a `Score` of the same options puts to a policy.
Source of the idea: Mazeika et al. 2025, Utility Engineering, arXiv 2502.08640, section on utility control; the form of
the loss is ours.
"""

from __future__ import annotations

from collections.abc import Sequence

from agents.errors import UserError
from agents.requests import Orders, Score
from agents.sample import Sample
from agents.scoring import LABELS, listed, permutations
from selfalign.build.rows import Row, TrainingSet, chat
from selfalign.config import ChoiceConfig
from selfalign.label.extrapolated import copies_of, num_votes
from selfalign.label.shares import shares_of
from selfalign.samples import Funnel, drop


def choice_rows(samples: Sequence[Sample], config: ChoiceConfig, funnel: Funnel, seed: int) -> TrainingSet:
    """Return two rows a pair: {"prompt", "stub", "labels", "target"}. Raises UserError when nothing can be learned.

    A pair with extrapolated hard votes has as many of the two as these come to.

    The target is the share of the votes under `config.target`; pairs with fewer than `config.min_votes` votes, or a
    share within `config.margin` of a half, are left out and counted.
    """
    pairs, funnel = drop(samples, funnel, "two options", lambda s: None if _is_pair(s) else "no pair of options")
    shares = shares_of(pairs, config.target)
    enough, funnel = drop(
        pairs,
        funnel,
        "enough votes",
        lambda s: None if num_votes(s) >= config.min_votes else f"fewer than {config.min_votes} votes",
    )
    kept, funnel = drop(enough, funnel, "decided", lambda s: _undecided(shares.get(s.sample_id), config.margin))
    if not kept:
        raise UserError(
            "No pair of options can be learned from.",
            str(funnel).replace("\n", "; ") + ".",
            "play a society that votes on pairs (society=utility_vote), or lower recipe.margin and recipe.min_votes",
        )
    rows: list[Row] = []
    ids: list[str] = []
    for sample in kept:
        both = both_orders(sample, shares[sample.sample_id]) * copies_of(sample)
        rows += both
        ids += [sample.sample_id] * len(both)
    firsts = sum(shares[sample.sample_id] > 0.5 for sample in kept)
    return TrainingSet(
        form="choice",
        rows=tuple(rows),
        sample_ids=tuple(ids),
        funnel=funnel,
        counts={"soft_choice": len(kept)},
        notes=(f"in {firsts} of {len(kept)} pairs the first option is preferred; both orders are taught",),
    )


def both_orders(sample: Sample, share: float) -> list[Row]:
    """Return a pair's rows: the options in the given order and turned round. share: of the first option."""
    score = Score(
        messages=sample.prompt, options=tuple(one.text for one in sample.candidates), purpose="", orders=Orders.REVERSED
    )
    shares = (share, 1 - share)
    return [
        {
            "prompt": chat(listed(score, order)),
            "stub": score.stub,
            "labels": list(LABELS[:2]),
            "target": [shares[option] for option in order],
        }
        for order in permutations(2, Orders.REVERSED)
    ]


def _is_pair(sample: Sample) -> bool:
    texts = [one.text for one in sample.candidates]
    return sample.kind == "soft_choice" and len(texts) == 2 and texts[0] != texts[1]


def _undecided(share: float | None, margin: float) -> str | None:
    if share is None:
        return "the rule leaves this pair out"
    return "a tie" if abs(share - 0.5) < margin else None
