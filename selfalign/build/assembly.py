"""Preference pairs from an assembly's ballots, under a named aggregation target.

Every ranking sample holds all statements with every citizen's ballot, so the rule is chosen here, at training time, and
several rules can be compared on the same ballots.
Source: the soft and hard panel of DemPO, arXiv 2602.05113; the targets' sources stand in `selfalign.label.targets`.
"""

from __future__ import annotations

from collections.abc import Sequence

from agents.errors import UserError
from agents.sample import Sample
from selfalign.build.rows import Row, TrainingSet, prefer
from selfalign.config import AssemblyTrainConfig
from selfalign.label.shares import targets_of
from selfalign.samples import Funnel, drop


def assembly_pairs(samples: Sequence[Sample], config: AssemblyTrainConfig, funnel: Funnel, seed: int) -> TrainingSet:
    """Return rows prompt, chosen, rejected: at most `per_vote` pairs a vote, the heaviest and clearest first.

    Raises UserError when no vote separates two statements.
    """
    voted, funnel = drop(samples, funnel, "is a vote", lambda s: None if _is_vote(s) else "no vote on statements")
    rows: list[Row] = []
    ids: list[str] = []
    won = 0.0
    for sample in voted:
        clear = [one for one in targets_of(sample, config.target) if one.p_chosen >= 0.5 + config.margin]
        for one in clear[: config.per_vote]:
            texts = sample.candidates[one.chosen].text, sample.candidates[one.rejected].text
            if texts[0].strip() != texts[1].strip():
                rows.append(prefer(sample, *texts))
                ids.append(sample.sample_id)
                won += one.p_chosen
    if not rows:
        raise UserError(
            "No vote separates two statements.",
            str(funnel).replace("\n", "; ") + f"; recipe.target={config.target}, recipe.margin={config.margin}.",
            "play assemblies first (society=assembly), or lower recipe.margin",
        )
    return TrainingSet(
        form="pair",
        rows=tuple(rows),
        sample_ids=tuple(ids),
        funnel=funnel,
        counts={"assembly_pair": len(rows)},
        notes=(f"target {config.target}: the chosen one has {won / len(rows):.0%} of the panel on average",),
    )


def _is_vote(sample: Sample) -> bool:
    return sample.kind == "assembly_ranking" and len(sample.candidates) > 1 and bool(sample.votes)
