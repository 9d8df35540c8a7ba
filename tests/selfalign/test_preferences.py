"""Rows from votes: as many as people vote for, in both orders where letters are shown, and nothing one-sided."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.errors import UserError
from agents.registry import find
from agents.sample import Candidate, Sample
from selfalign.build.preferences import Preference, decided, drawn, shown_as
from selfalign.config import Extrapolate, PreferenceConfig, RlConfig
from selfalign.recipe import Recipe
from selfalign.samples import Funnel
from tests.selfalign.test_assembly_recipes import PROMPT, choice, ranking
from tests.selfalign.test_extrapolated import round_of
from tests.selfalign.toy import pair_vote, sample

PLAIN = {"lora_dropout": 0.0}
DPO, SFT, GRPO, RLOO = (find("recipes", name) for name in ("follow_dpo", "follow_sft", "grpo", "rloo"))


def config_for(recipe: Recipe, **given: object) -> PreferenceConfig:
    config: PreferenceConfig = recipe.config(**PLAIN, **given)  # type: ignore[assignment]
    return config


def said(row: object, key: str) -> str:
    return str(row[key][0]["content"])  # type: ignore[index]


@given(share=st.floats(0.01, 0.99), draws=st.integers(1, 7), seed=st.integers(0, 50))
@settings(max_examples=60, derandomize=True, deadline=None)
def test_drawn_votes_are_within_one_of_the_share(share: float, draws: int, seed: int) -> None:
    one = Preference(sample=choice(0, [share]), first=0, second=1, share=share)
    first, second = drawn(one, draws, seed, 0)
    assert first + second == draws and abs(first - share * draws) < 1
    assert drawn(one, draws, seed, 0) == (first, second)


def test_drawn_votes_have_the_share_as_their_mean() -> None:
    ones = [Preference(sample=choice(n, [0.7]), first=0, second=1, share=0.7) for n in range(800)]
    assert np.mean([drawn(one, 1, 0, 0)[0] for one in ones]) == pytest.approx(0.7, abs=0.05)


def test_a_pair_is_shown_in_both_orders_and_the_letter_follows_the_option() -> None:
    rows, _ = DPO.rows([choice(0, [1.0]), choice(1, [1.0])], config_for(DPO), 0)
    assert rows.form == "pair" and len(rows.rows) == 4
    for row in rows.rows:
        lines = row["prompt"][-1]["content"].splitlines()[-2:]
        by_letter = {f"Answer: ({line[1]})": line[4:] for line in lines}
        assert by_letter[said(row, "chosen")].startswith("park") and by_letter[said(row, "rejected")].startswith("road")
    assert Counter(said(row, "chosen") for row in rows.rows) == {"Answer: (A)": 2, "Answer: (B)": 2}


def test_shares_become_rows_on_both_sides_and_imitation_repeats_what_is_voted_for() -> None:
    samples = [choice(n, [0.75]) for n in range(3)]
    pairs, _ = DPO.rows(samples, config_for(DPO, draws=4), 0)
    answers, _ = SFT.rows(samples, config_for(SFT, draws=4), 0)
    assert len(pairs.rows) == len(answers.rows) == 3 * 2 * 4
    assert [said(row, "chosen") for row in pairs.rows] == [said(row, "completion") for row in answers.rows]
    parks = 0
    for row in answers.rows:
        first = row["prompt"][-1]["content"].splitlines()[-2]
        parks += (said(row, "completion") == "Answer: (A)") == first.startswith("(A) park")
    assert parks == 18, "three of four votes are for the park"


def test_hard_votes_become_copies_and_extrapolation_reaches_every_recipe() -> None:
    rounds = [round_of(k, row) for k, row in enumerate([[0.9, 0.2], [0.9, 0.7]])]
    hard = Extrapolate(order=1, votes="hard")
    for recipe in (DPO, SFT, GRPO, RLOO):
        rows, _ = recipe.rows(rounds[1], config_for(recipe, extrapolate=hard), 0, earlier=rounds[:1])
        assert Counter(rows.sample_ids) == {"r1.choice-0": 2, "r1.choice-1": 6}, "unchanged 1, just flipped 2k + 1"
        noise = [*rounds, round_of(2, [0.1, 0.1])]
        again, _ = recipe.rows(noise[1], config_for(recipe, extrapolate=hard), 0, earlier=noise[:1])
        assert again.digest == rows.digest


def test_a_ranking_teaches_its_clearest_pairs_in_words() -> None:
    rows, _ = DPO.rows([ranking([[3, 2, 1]] * 3 + [[1, 3, 2]] * 2)], config_for(DPO, per_sample=1, draws=10), 0)
    assert Counter(said(row, "chosen") for row in rows.rows) == {"We want plan 1.": 10}
    everything, _ = decided([ranking([[3, 2, 1]] * 3 + [[1, 3, 2]] * 2)], config_for(DPO), Funnel())
    assert [(one.first, one.second, round(one.share, 2)) for one in everything] == [
        (1, 2, 1.0), (0, 1, 0.6), (0, 2, 0.6),
    ]  # fmt: skip


def test_reward_rows_say_how_the_policy_is_to_answer() -> None:
    letters, _ = GRPO.rows([choice(0, [1.0])], config_for(GRPO), 0)
    assert {(row["stub"], row["tail"], tuple(row["labels"])) for row in letters.rows} == {
        ("Answer: (", ")", ("A", "B"))
    }
    words, _ = RLOO.rows([sample(n, votes=(pair_vote("a", 0.9, 0.1),)) for n in range(4)], config_for(RLOO, draws=9), 0)
    assert {(row["stub"], row["tail"], tuple(row["labels"])) for row in words.rows} == {("", "", ())}


def lone(text: str, other: str, n: int) -> Sample:
    made = choice(n, [1.0])
    candidates = (Candidate(text=text, author="x"), Candidate(text=other, author="x"))
    prompt = (replace(PROMPT[0], content=f"Question {n}?"),)
    return replace(made, kind="answers", prompt=prompt, candidates=candidates)


@pytest.mark.parametrize("recipe", [DPO, SFT, GRPO, RLOO], ids=lambda one: one.name)
def test_ties_no_votes_and_one_sided_votes_are_users_mistakes(recipe: Recipe) -> None:
    config = config_for(recipe)
    with pytest.raises(UserError, match="No votes tell two answers apart") as error:
        recipe.rows([choice(0, [0.5]), replace(choice(1, [0.9]), votes=())], config, 0)
    assert "a tie: 1" in error.value.why and "no votes: 1" in error.value.why
    with pytest.raises(UserError, match="rows prefer the same answer, 'Yes\\.'"):
        recipe.rows([lone("Yes.", "No.", n) for n in range(3)], config, 0)
    with pytest.raises(UserError, match="preferred answers are refusals"):
        recipe.rows([lone(f"I'm sorry, I cannot help with {n}.", "Sure.", n) for n in range(3)], config, 0)


def test_same_answers_and_empty_ones_are_no_pair() -> None:
    with pytest.raises(UserError, match="No votes tell"):
        DPO.rows([lone("Same.", "Same. ", 0), lone("", "Something.", 1)], config_for(DPO), 0)


@pytest.mark.parametrize(
    ("recipe", "given", "message"),
    [
        (GRPO, {"batch": 3, "grad_accumulation": 2}, "num_generations = 4 does not divide the 6 answers"),
        (RLOO, {"batch": 4, "scale_rewards": "group"}, "scale_rewards = group has no meaning with recipe rloo"),
    ],
)
def test_settings_that_trl_would_refuse_or_ignore_are_named(
    recipe: Recipe, given: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        recipe.check(config_for(recipe, **given))
    with pytest.raises(UserError, match="has no effect"):
        recipe.check(RlConfig(batch=4, lora_dropout=0.1))


def test_options_are_put_as_a_score_puts_them() -> None:
    shown = shown_as(choice(0, [0.9]))
    assert [one.answers for one in shown] == [("Answer: (A)", "Answer: (B)"), ("Answer: (B)", "Answer: (A)")]
