"""Recipes over an assembly's votes: aggregation targets, soft choices in both orders, and what they refuse."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import UserError
from agents.registry import find
from agents.requests import Message, Orders, Score
from agents.sample import Candidate, Lineage, Sample, Vote
from agents.scoring import listed, permutations
from selfalign.config import AssemblyTrainConfig, ChoiceConfig
from selfalign.label.shares import NAMES, mean_share, shares_of
from selfalign.train.choice import soft_cross_entropy

PROMPT = (Message("user", "Which of these two proposals is better for the town?"),)


def choice(n: int, shares: list[float], weights: list[float] | None = None) -> Sample:
    return Sample(
        sample_id=f"choice-{n}",
        kind="soft_choice",
        prompt=PROMPT,
        candidates=(Candidate(text=f"park {n}", author="option"), Candidate(text=f"road {n}", author="option")),
        votes=tuple(
            Vote(voter=f"c{k}", group="ab"[k % 2], dim="choice", kind="pair", value=(p, 1 - p))
            for k, p in enumerate(shares)
        ),
        lineage=Lineage(script=f"pair-{n}"),
        meta={"scene_id": f"pair-{n}", "weights": weights or [1.0] * len(shares)},
    )


def ranking(ballots: list[list[float]]) -> Sample:
    texts = [f"We want plan {k}." for k in range(len(ballots[0]))]
    return Sample(
        sample_id="a.V0.ranking",
        kind="assembly_ranking",
        prompt=(Message("user", "Should the town have a park?"),),
        candidates=tuple(Candidate(text=text, author="drafter") for text in texts),
        votes=tuple(
            Vote(voter=f"c{k}", group="ab"[k % 2], dim="endorse", kind="score", value=tuple(row))
            for k, row in enumerate(ballots)
        ),
        lineage=Lineage(script="a"),
        meta={"scene_id": "a", "weights": [1.0] * len(ballots)},
    )


@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=9))
def test_turning_a_pair_round_turns_its_share_round(shares: list[float]) -> None:
    there, back = choice(0, shares), choice(0, [1 - p for p in shares])
    assert mean_share(there) == pytest.approx(1 - mean_share(back))
    assert min(shares) - 1e-12 <= mean_share(there) <= max(shares) + 1e-12


def test_the_soft_panel_weights_count() -> None:
    assert mean_share(choice(0, [1.0, 0.0], [0.75, 0.25])) == pytest.approx(0.75)


@pytest.mark.parametrize("rule", NAMES)
def test_every_rule_agrees_where_everybody_does(rule: str) -> None:
    found = shares_of([choice(0, [0.9] * 6), choice(1, [0.2] * 6)], rule)
    assert found["choice-0"] > 0.5 > found["choice-1"]


def test_both_orders_become_rows_with_the_prompt_that_a_score_puts() -> None:
    recipe = find("recipes", "utility_control")
    rows, _ = recipe.rows([choice(n, [0.8, 0.6]) for n in range(3)], ChoiceConfig(), 0)
    assert len(rows.rows) == 6 and rows.form == "choice" and len(set(rows.sample_ids)) == 3
    score = Score(messages=PROMPT, options=("park 0", "road 0"), purpose="", orders=Orders.REVERSED)
    for row, order in zip(rows.rows[:2], permutations(2, Orders.REVERSED), strict=True):
        assert [m["content"] for m in row["prompt"]] == [m.content for m in listed(score, order)]
        assert row["stub"] == score.stub and row["labels"] == ["A", "B"]
        park_first = order[0] == 0
        assert row["target"] == pytest.approx([0.7, 0.3] if park_first else [0.3, 0.7])


def test_too_few_votes_and_ties_are_left_out_and_counted() -> None:
    recipe = find("recipes", "utility_control")
    samples = [choice(0, [0.5, 0.5, 0.5]), choice(1, [0.9]), choice(2, [0.9, 0.8, 0.7])]
    rows, _ = recipe.rows(samples, ChoiceConfig(min_votes=2, margin=0.1), 0)
    assert set(rows.sample_ids) == {"choice-2"}
    assert "fewer than 2 votes" in str(rows.funnel) and "a tie" in str(rows.funnel)
    with pytest.raises(UserError, match="No pair of options"):
        recipe.rows(samples[:1], ChoiceConfig(margin=0.1), 0)


@pytest.mark.parametrize(("target", "best"), [("borda", 1), ("condorcet", 0), ("lottery", 0)])
def test_the_target_decides_what_is_taught(target: str, best: int) -> None:
    """Three of five prefer 0 to 1 to 2, two prefer 1 to 2 to 0: Borda picks 1, the majority picks 0."""
    sample = ranking([[3, 2, 1]] * 3 + [[1, 3, 2]] * 2)
    recipe = find("recipes", "assembly_dpo")
    config = AssemblyTrainConfig(target=target, margin=0.0, lora_dropout=0.0)
    rows, _ = recipe.rows([sample], config, 0)
    assert rows.rows[0]["chosen"][0]["content"] == f"We want plan {best}."


def test_votes_that_separate_nothing_and_unknown_targets_are_errors() -> None:
    recipe = find("recipes", "assembly_dpo")
    config = AssemblyTrainConfig(margin=0.2, lora_dropout=0.0)
    with pytest.raises(UserError, match="No vote separates"):
        recipe.rows([ranking([[1, 1], [1, 1]])], config, 0)
    with pytest.raises(UserError, match="no aggregation target"):
        recipe.check(AssemblyTrainConfig(target="bordda", lora_dropout=0.0))


@given(st.floats(0.0, 1.0))
def test_the_loss_is_least_at_the_target(share: float) -> None:
    """At p(A) : p(B) = target the soft cross-entropy is the target's entropy, less is impossible with two labels."""
    logits = torch.full((1, 6), -40.0)
    clipped = min(max(share, 1e-6), 1 - 1e-6)
    logits[0, 2], logits[0, 4] = math.log(clipped), math.log(1 - clipped)
    target, labels = torch.tensor([[clipped, 1 - clipped]]), torch.tensor([[2, 4]])
    entropy = -(clipped * math.log(clipped) + (1 - clipped) * math.log(1 - clipped))
    least = float(soft_cross_entropy(logits, labels, target))
    assert least == pytest.approx(entropy, abs=1e-4)
    logits[0, 2] += 0.5
    assert float(soft_cross_entropy(logits, labels, target)) > least - 1e-6


def test_the_loss_also_wants_a_label_at_all() -> None:
    labels, target = torch.tensor([[0, 1]]), torch.tensor([[0.5, 0.5]])
    sure = soft_cross_entropy(torch.tensor([[5.0, 5.0, 0.0]]), labels, target)
    elsewhere = soft_cross_entropy(torch.tensor([[0.0, 0.0, 5.0]]), labels, target)
    assert float(elsewhere) > float(sure) + 3
