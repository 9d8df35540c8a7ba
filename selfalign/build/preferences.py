"""Preferences from votes: pairs to prefer and answers to imitate, as often as people vote for them.

TRL's losses take no weight a row, so a share is taught by counting: of `draws` votes drawn from a pair's share, each
becomes a row. In the mean over draws the pair loss is then p log s(h) + (1 - p) log s(-h), and imitation is likelihood
under the people's own shares. Hard votes become as many rows as extrapolation makes of them. Two options are put to the
policy as a `Score` puts them, under letters and in both orders, so that no liking for a slot can be learned; answers in
words stand as they are.
Source: DPO, Rafailov et al. 2023, arXiv 2305.18290; reweighted imitation and copies after ProgressGym, Qiu et al. 2024,
arXiv 2406.20087; counting drawn votes is ours.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from agents.errors import UserError
from agents.refusals import read_refusal
from agents.requests import Orders, Score
from agents.sample import Sample
from agents.scoring import LABELS, listed, permutations
from selfalign.build.rows import Row, TrainingSet, answer, chat
from selfalign.config import PreferenceConfig
from selfalign.label.extrapolated import copies_of
from selfalign.label.shares import weights_of
from selfalign.label.votes import beats
from selfalign.samples import Funnel, content_key, drop


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """Two candidates of a sample and the share of the votes for the first of them."""

    sample: Sample
    first: int
    second: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A sample as a policy sees it. answers: one a candidate.

    stub, tail: what stands around the label in each answer; labels: what may stand there. Empty for words.
    """

    prompt: list[dict[str, str]]
    answers: tuple[str, ...]
    stub: str = ""
    tail: str = ""
    labels: tuple[str, ...] = ()


def preference_pairs(samples: Sequence[Sample], config: PreferenceConfig, funnel: Funnel, seed: int) -> TrainingSet:
    """Return rows prompt, chosen, rejected. Raises UserError when no votes decide, or all prefer one answer."""
    return _rows(samples, config, funnel, seed, "pair", _sides)


def preferred_answers(samples: Sequence[Sample], config: PreferenceConfig, funnel: Funnel, seed: int) -> TrainingSet:
    """Return rows prompt, completion: each answer as often as it was voted for. Raises UserError as for pairs."""
    return _rows(
        samples, config, funnel, seed, "sft", lambda shown, chosen, _: {"completion": answer(shown.answers[chosen])}
    )


def rewarded_prompts(samples: Sequence[Sample], config: PreferenceConfig, funnel: Funnel, seed: int) -> TrainingSet:
    """Return pairs for a reward model that also say how the policy is to answer: stub, tail and labels.

    The policy is then trained on the same prompts. Raises UserError as for pairs.
    """

    def row(shown: Shown, chosen: int, rejected: int) -> Row:
        form = {"stub": shown.stub, "tail": shown.tail, "labels": list(shown.labels)}
        return {**_sides(shown, chosen, rejected), **form}

    return _rows(samples, config, funnel, seed, "pair", row)


def decided(samples: Sequence[Sample], config: PreferenceConfig, funnel: Funnel) -> tuple[list[Preference], Funnel]:
    """Return the pairs of candidates that votes tell apart, the clearest `per_sample` of each sample, and the funnel.

    Raises UserError when there is none.
    """
    voted, funnel = drop(samples, funnel, "voted on", _no_votes)
    found = {sample.sample_id: _pairs(sample, config) for sample in voted}
    kept, funnel = drop(voted, funnel, "decided", lambda s: None if found[s.sample_id] else "a tie")
    if not kept:
        raise UserError(
            "No votes tell two answers apart.",
            str(funnel).replace("\n", "; ") + f"; recipe.margin={config.margin}.",
            "play a society that votes on answers (society=value_follow, utility_vote or assembly), or lower "
            "recipe.margin",
        )
    return [one for sample in kept for one in found[sample.sample_id]], funnel


def shown_as(sample: Sample) -> list[Shown]:
    """Return the ways a sample is put to the policy: options under letters in both orders, or its answers in words."""
    if sample.kind != "soft_choice" or len(sample.candidates) != 2:
        return [Shown(prompt=chat(sample.prompt), answers=tuple(one.text.strip() for one in sample.candidates))]
    options = tuple(one.text for one in sample.candidates)
    score = Score(messages=sample.prompt, options=options, purpose="", orders=Orders.REVERSED)
    tail = ")" if score.stub.endswith("(") else ""
    return [
        Shown(
            prompt=chat(listed(score, order)),
            answers=tuple(f"{score.stub}{LABELS[order.index(option)]}{tail}" for option in range(2)),
            stub=score.stub,
            tail=tail,
            labels=tuple(LABELS[:2]),
        )
        for order in permutations(2, Orders.REVERSED)
    ]


def drawn(one: Preference, draws: int, seed: int, place: int) -> tuple[int, int]:
    """Return how many rows prefer the first and how many the second candidate.

    Of a share p: floor(p draws + u) and the rest, u uniform in [0, 1) by seed, content and place, so that the mean is
    p draws and no count is further than one from it. Hard votes: all copies on the side that won.
    """
    if "copies" in one.sample.meta:
        copies = copies_of(one.sample)
        return (copies, 0) if one.share > 0.5 else (0, copies)
    key = f"{seed}|{content_key(one.sample)}|{one.first}|{one.second}|{place}"
    u = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=7).digest(), "big") / 2**56
    first = min(draws, math.floor(one.share * draws + u))
    return first, draws - first


def _sides(shown: Shown, chosen: int, rejected: int) -> Row:
    return {"chosen": answer(shown.answers[chosen]), "rejected": answer(shown.answers[rejected])}


def _rows(
    samples: Sequence[Sample],
    config: PreferenceConfig,
    funnel: Funnel,
    seed: int,
    form: Literal["pair", "sft"],
    row: Callable[[Shown, int, int], Row],
) -> TrainingSet:
    """Return the training set with one row(shown, chosen, rejected) a drawn vote, and its prompt."""
    preferences, funnel = decided(samples, config, funnel)
    rows: list[Row] = []
    ids: list[str] = []
    for one in preferences:
        for place, shown in enumerate(shown_as(one.sample)):
            first, second = drawn(one, config.draws, seed, place)
            sides = [(one.first, one.second)] * first + [(one.second, one.first)] * second
            rows += [{"prompt": shown.prompt, **row(shown, *side)} for side in sides]
            ids += [one.sample.sample_id] * len(sides)
    _refuse_one_sided(rows, "completion" if form == "sft" else "chosen", funnel)
    clear = math.fsum(max(one.share, 1 - one.share) for one in preferences) / len(preferences)
    note = f"{len(preferences)} pairs, {len(rows)} rows; the preferred one has {clear:.0%} of the votes on average"
    return TrainingSet(
        form=form,
        rows=tuple(rows),
        sample_ids=tuple(ids),
        funnel=funnel,
        counts=dict(sorted(Counter(one.sample.kind for one in preferences).items())),
        notes=(note,),
    )


def _pairs(sample: Sample, config: PreferenceConfig) -> list[Preference]:
    texts = [one.text.strip() for one in sample.candidates]
    found = [
        Preference(sample=sample, first=i, second=j, share=_share(sample, i, j))
        for i in range(len(texts))
        for j in range(i + 1, len(texts))
        if texts[i] and texts[j] and texts[i] != texts[j]
    ]
    clear = [one for one in found if abs(one.share - 0.5) > max(config.margin, 1e-9)]
    return sorted(clear, key=lambda one: (-abs(one.share - 0.5), one.first, one.second))[: config.per_sample]


def _share(sample: Sample, i: int, j: int) -> float:
    """Return the weighted share of the votes for candidate i over j; 1/2 where nobody has weight."""
    weights = weights_of(sample)
    total = math.fsum(weights)
    if not total:
        return 0.5
    return math.fsum(w * beats(vote, i, j) for w, vote in zip(weights, sample.votes, strict=True)) / total


def _no_votes(sample: Sample) -> str | None:
    if len(sample.candidates) < 2:
        return "one answer only"
    return None if sample.votes else "no votes"


def _refuse_one_sided(rows: Sequence[Row], key: str, funnel: Funnel) -> None:
    """Raise UserError when rows teach one and the same answer to several prompts, or nothing but refusals."""
    taught = [str(row[key][0]["content"]) for row in rows]
    if len({str(row["prompt"]) for row in rows}) > 1 and len(set(taught)) == 1:
        raise UserError(
            f"All {len(taught)} rows prefer the same answer, {taught[0][:60]!r}.",
            "a policy trained on them gives that answer to everything. " + str(funnel).replace("\n", "; ") + ".",
            "put other questions to the vote, or answers that differ between questions",
        )
    if taught and all(read_refusal(text).refused for text in taught):
        raise UserError(
            f"All {len(taught)} preferred answers are refusals.",
            "a policy trained on them refuses everything, harmless requests too.",
            "let people vote on answers to ordinary requests as well",
        )
