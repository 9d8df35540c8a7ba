"""MATRIX rows: imitate the revised answer, or prefer it to the first draft.

Three kinds of rows in a mix (paper: 6k harmful, 6k helpful, 6k simulation steps). Revisions of harmful requests alone
teach a small model to refuse everything, so a kind that the mix asks for must be there, and a set whose answers are
all refusals is an error rather than a policy.
Source: Pang et al. 2024, Self-Alignment of LLMs via Monopolylogue-based Social Scene Simulation, arXiv 2402.05699.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

from agents.errors import UserError
from agents.refusals import read_refusal
from agents.sample import Sample
from selfalign.build.rows import TrainingSet, imitate, prefer
from selfalign.config import MatrixConfig
from selfalign.samples import Funnel, candidate_of, drop

TARGETS = ("revised", "good", "reference", "")
"""Roles that may be imitated, best first."""
AS_IT_IS = ("answer_helpful", "simulation_step")
"""Kinds whose only answer is imitated as it was given. A draft of any other kind never is."""


def matrix_rows(samples: Sequence[Sample], config: MatrixConfig, funnel: Funnel, seed: int) -> TrainingSet:
    """Return rows prompt -> revised answer, mixed by kind. Raises UserError when they would teach nothing or one thing.

    seed: decides which rows of an overfull kind are used; the choice does not depend on their order.
    """
    kept, funnel = drop(samples, funnel, "has a target", _no_target)
    chosen, funnel = mixed(kept, config.mix, funnel, seed, max_rows=config.max_rows)
    texts = [_target(sample) for sample in chosen]
    rows = tuple(imitate(sample, text) for sample, text in zip(chosen, texts, strict=True))
    answers = [text for sample, text in zip(chosen, texts, strict=True) if sample.kind != "simulation_step"]
    _refuse_one_sided(answers, "answers")
    return TrainingSet(
        form="sft",
        rows=rows,
        sample_ids=tuple(sample.sample_id for sample in chosen),
        funnel=funnel,
        counts=_counts(chosen),
        notes=(_refusal_note(answers),),
    )


def matrix_pairs(samples: Sequence[Sample], config: MatrixConfig, funnel: Funnel, seed: int) -> TrainingSet:
    """Return rows that prefer the revised answer to the draft. Raises UserError when there is no pair, or one side."""
    kept, funnel = drop(samples, funnel, "is a pair", _no_pair)
    if not kept:
        raise UserError(
            "There is no pair of a draft and a revised answer.",
            str(funnel).replace("\n", "; ") + ".",
            "use recipe=matrix_sft, which needs no pairs, or play more scenes; when every revision equals its draft, "
            "raise the revision's temperature or use a stronger model",
        )
    chosen, funnel = mixed(kept, config.mix, funnel, seed, max_rows=config.max_rows)
    pairs = [(_target(sample), _draft(sample)) for sample in chosen]
    _refuse_one_sided([better for better, _ in pairs], "chosen answers")
    return TrainingSet(
        form="pair",
        rows=tuple(prefer(sample, *pair) for sample, pair in zip(chosen, pairs, strict=True)),
        sample_ids=tuple(sample.sample_id for sample in chosen),
        funnel=funnel,
        counts=_counts(chosen),
        notes=(_refusal_note([better for better, _ in pairs]),),
    )


def mixed(
    samples: Sequence[Sample], mix: Mapping[str, float], funnel: Funnel, seed: int, *, max_rows: int = 0
) -> tuple[list[Sample], Funnel]:
    """Return the largest subset whose kinds stand in the ratio `mix`, in the given order.

    An empty mix keeps all. Ratios hold up to rounding: kind k gets round(unit * mix[k]), unit being what the scarcest
    kind allows, or max_rows / sum(mix). Every kind keeps at least one row. Raises UserError for a kind that is missing.
    """
    ratios = {kind: ratio for kind, ratio in mix.items() if ratio > 0}
    if not ratios:
        if max_rows and len(samples) > max_rows:
            keep = {s.sample_id for s in sorted(samples, key=lambda s: _draw(seed, s.sample_id))[:max_rows]}
            return drop(samples, funnel, "mix", lambda s: None if s.sample_id in keep else "over recipe.max_rows")
        return list(samples), funnel
    have = Counter(sample.kind for sample in samples)
    missing = sorted(kind for kind in ratios if not have[kind])
    if missing:
        there = ", ".join(f"{kind} {num}" for kind, num in sorted(have.items())) or "none at all"
        raise UserError(
            f"recipe.mix asks for {', '.join(missing)}, but no usable sample is of that kind.",
            f"there are: {there}. Without ordinary requests in the mix a small policy learns to refuse everything.",
            f"give the society instructions that lead to such samples, or set recipe.mix.{missing[0]}=0",
        )
    unit = min(have[kind] / ratio for kind, ratio in ratios.items())
    if max_rows:
        unit = min(unit, max_rows / sum(ratios.values()))
    keep = set()
    for kind, ratio in ratios.items():
        ids = sorted((s.sample_id for s in samples if s.kind == kind), key=lambda i: _draw(seed, i))
        keep.update(ids[: max(1, round(unit * ratio))])

    def why(sample: Sample) -> str | None:
        if sample.sample_id in keep:
            return None
        return f"more {sample.kind} than the mix takes" if sample.kind in ratios else f"{sample.kind} is not in the mix"

    return drop(samples, funnel, "mix", why)


def _draw(seed: int, sample_id: str) -> bytes:
    return hashlib.blake2b(f"{seed}|{sample_id}".encode(), digest_size=8).digest()


def target_of(sample: Sample) -> str | None:
    """Return the answer that a sample teaches, or None."""
    candidate = candidate_of(sample, *TARGETS)
    if candidate is None and sample.kind in AS_IT_IS:
        candidate = candidate_of(sample, "initial")
    return None if candidate is None else candidate.text


def _target(sample: Sample) -> str:
    text = target_of(sample)
    assert text is not None
    return text


def _no_target(sample: Sample) -> str | None:
    text = target_of(sample)
    if text is None:
        return "no revised answer"
    if sample.kind == "answer_helpful" and read_refusal(text).refused:
        return "an ordinary request was refused"
    return None


def worse_of(sample: Sample) -> str | None:
    """Return the answer that a pair teaches against, or None: a draft that was revised, or a refusal out of place."""
    taught_as_it_is = sample.kind in AS_IT_IS and candidate_of(sample, *TARGETS) is None
    candidate = candidate_of(sample, *(("bad",) if taught_as_it_is else ("initial", "bad")))
    return None if candidate is None else candidate.text


def _draft(sample: Sample) -> str:
    text = worse_of(sample)
    assert text is not None
    return text


def _no_pair(sample: Sample) -> str | None:
    better, worse = target_of(sample), worse_of(sample)
    if better is None or worse is None:
        return "one answer only"
    return "revised equals draft" if better.strip() == worse.strip() else None


def _counts(samples: Sequence[Sample]) -> dict[str, int]:
    return dict(sorted(Counter(sample.kind for sample in samples).items()))


def _refusal_note(texts: Sequence[str]) -> str:
    return f"{sum(read_refusal(text).refused for text in texts)} of {len(texts)} taught answers look like refusals"


def _refuse_one_sided(texts: Sequence[str], what: str) -> None:
    if texts and all(read_refusal(text).refused for text in texts):
        raise UserError(
            f"All {len(texts)} {what} in the training set are refusals.",
            "a policy trained on them refuses everything, harmless requests too.",
            "add ordinary requests to the society's instructions and keep recipe.mix.answer_helpful above 0",
        )
