"""RAFT: keep what was rewarded most, and imitate it.

Two rules: the best candidate of each prompt (`best_of_each`), or the best share alpha of the whole batch (`top_share`).
Source: Dong et al. 2023, RAFT: Reward rAnked FineTuning, arXiv 2304.06767, section 3.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from agents.errors import UserError
from agents.refusals import read_refusal
from agents.sample import Sample
from selfalign.build.rows import Row, TrainingSet, imitate
from selfalign.config import RaftConfig, Select
from selfalign.label.votes import Label, label_of
from selfalign.samples import Funnel, drop


def best_of_each(rewards: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """Return (prompt, candidate) with the highest reward of each prompt; the first of equals."""
    return [(n, max(range(len(row)), key=lambda k: row[k])) for n, row in enumerate(rewards) if row]


def top_share(rewards: Sequence[Sequence[float]], alpha: float) -> list[tuple[int, int]]:
    """Return the ceil(alpha * number) best (prompt, candidate) of all, in the given order; the first of equals."""
    cells = [(n, k) for n, row in enumerate(rewards) for k in range(len(row))]
    cells.sort(key=lambda cell: -rewards[cell[0]][cell[1]])
    return sorted(cells[: math.ceil(alpha * len(cells))])


def best_of_k_kl(num_candidates: int) -> float:
    """Return the bound log K - (K-1)/K on KL(best-of-K || base), in nats."""
    return math.log(num_candidates) - (num_candidates - 1) / num_candidates


def degenerate(text: str) -> bool:
    """Tell whether a text is empty or little but repetition: fewer than a quarter of its word triples are new."""
    words = text.split()
    triples = list(zip(words, words[1:], words[2:], strict=False))
    return not words or (len(triples) >= 12 and len(set(triples)) < len(triples) / 4)


def raft_rows(samples: Sequence[Sample], config: RaftConfig, funnel: Funnel, seed: int) -> TrainingSet:
    """Return rows prompt -> selected answer. Raises UserError when nothing is rewarded or all rewards are equal."""
    labels: dict[str, Label] = {}

    def unrewarded(sample: Sample) -> str | None:
        label = label_of(sample, config.reward, config.dim)
        if label is None:
            return "no reward"
        labels[sample.sample_id] = label
        return None

    kept, funnel = drop(samples, funnel, "has a reward", unrewarded)
    if not kept:
        what = "votes" if config.reward == "votes" else f'candidate scores named "{config.reward}"'
        raise UserError(
            f'recipe.reward = "{config.reward}" finds nothing to go by.',
            f"none of the {len(samples)} samples carries {what}.",
            "let the society vote on or score its candidates, or name a score that they carry (recipe.reward=...)",
        )
    alive = [[k for k, candidate in enumerate(sample.candidates) if not degenerate(candidate.text)] for sample in kept]
    rewards = [[labels[s.sample_id].score[k] for k in ks] for s, ks in zip(kept, alive, strict=True)]
    flat = [value for row in rewards for value in row]
    if not flat:
        raise UserError(
            "Every rewarded answer is empty or repeats itself.",
            f"{len(kept)} samples were looked at.",
            "lower the temperature of the answers, or use a stronger model",
        )
    several = sum(len(row) > 1 for row in rewards)
    if several and max(flat) == min(flat):
        raise UserError(
            "All rewarded answers have the same reward.",
            f"the {len(flat)} candidates cannot be told apart, so selection would be chance.",
            "use votes of more personas, another recipe.dim, or a finer score",
        )
    cells = best_of_each(rewards) if config.select is Select.LOCAL else top_share(rewards, config.alpha)
    picked = [(kept[n], kept[n].candidates[alive[n][k]].text) for n, k in cells]
    if all(read_refusal(text).refused for _, text in picked):
        raise UserError(
            f"All {len(picked)} selected answers are refusals.",
            "a policy trained on them refuses everything.",
            "add ordinary requests to the society's instructions, or reward helpfulness as well",
        )
    rows: list[Row] = [imitate(sample, text) for sample, text in picked]
    chosen_mean = sum(rewards[n][k] for n, k in cells) / len(cells)
    return TrainingSet(
        form="sft",
        rows=tuple(rows),
        sample_ids=tuple(sample.sample_id for sample, _ in picked),
        funnel=funnel,
        counts=dict(sorted(Counter(sample.kind for sample, _ in picked).items())),
        notes=(
            (
                f"selected {len(picked)} of {len(flat)} answers; mean reward {chosen_mean:.3f}, of all "
                f"{sum(flat) / len(flat):.3f}"
            ),
        ),
    )
