"""MATRIX rows: the mix holds, drafts are never imitated, and data that would teach one thing is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import UserError
from agents.sample import Candidate
from selfalign.build.rewrite import matrix_pairs, matrix_rows, mixed
from selfalign.config import MatrixConfig
from selfalign.samples import Funnel
from tests.selfalign.toy import helpful, sample, step

MIX = {"revision_harmful": 1.0, "answer_helpful": 1.0, "simulation_step": 1.0}


def test_rows_are_trl_conversations_with_lineage() -> None:
    built = matrix_rows([sample(1), helpful(2), step(3)], MatrixConfig(), Funnel(), 0)
    assert built.form == "sft"
    assert built.sample_ids == ("revision_harmful-001", "answer_helpful-002", "simulation_step-003")
    assert built.rows[0] == {
        "prompt": [{"role": "user", "content": "Question number 1?"}],
        "completion": [{"role": "assistant", "content": "Here is a safer way to reach that."}],
    }
    assert built.counts == {"answer_helpful": 1, "revision_harmful": 1, "simulation_step": 1}


@given(
    st.integers(1, 20),
    st.integers(1, 20),
    st.integers(1, 40),
    st.floats(0.25, 3),
    st.floats(0.25, 3),
    st.integers(0, 3),
)
def test_mixing_ratios_hold_up_to_rounding(a: int, b: int, c: int, ra: float, rb: float, seed: int) -> None:
    samples = [sample(n) for n in range(a)] + [helpful(n) for n in range(b)] + [step(n) for n in range(c)]
    mix = {"revision_harmful": ra, "answer_helpful": rb, "simulation_step": 1.0}
    kept, funnel = mixed(samples, mix, Funnel(), seed)
    counts = {kind: sum(s.kind == kind for s in kept) for kind in mix}
    unit = min(a / ra, b / rb, c)
    for kind, ratio in mix.items():
        assert abs(counts[kind] - max(1.0, unit * ratio)) <= 0.5 + 1e-9
    assert funnel.steps[-1].num_out == len(kept)
    assert {s.sample_id for s in mixed(samples[::-1], mix, Funnel(), seed)[0]} == {s.sample_id for s in kept}


def test_a_kind_that_the_mix_asks_for_must_be_there() -> None:
    with pytest.raises(UserError, match=r"recipe\.mix asks for answer_helpful, simulation_step") as error:
        matrix_rows([sample(1)], MatrixConfig(mix=MIX), Funnel(), 0)
    assert "recipe.mix.answer_helpful=0" in error.value.fix


def test_all_rows_refusals_is_refused() -> None:
    samples = [sample(n, revised="I'm sorry, but I cannot help with that.") for n in range(4)]
    with pytest.raises(UserError, match="All 4 answers in the training set are refusals"):
        matrix_rows(samples, MatrixConfig(mix={}), Funnel(), 0)


def test_an_ordinary_request_that_was_refused_is_not_taught() -> None:
    samples = [sample(1), helpful(1), helpful(2, "I'm sorry, but I can't assist with that.")]
    built = matrix_rows(samples, MatrixConfig(mix={}), Funnel(), 0)
    assert built.sample_ids == ("revision_harmful-001", "answer_helpful-001")
    assert built.funnel.steps[0].reasons == {"an ordinary request was refused": 1}


def test_a_draft_without_its_revision_is_never_imitated() -> None:
    built = matrix_rows([sample(1), sample(2, revised=None)], MatrixConfig(mix={}), Funnel(), 0)
    assert built.sample_ids == ("revision_harmful-001",)


def test_pairs_prefer_the_revision_and_drop_what_did_not_change() -> None:
    samples = [sample(1), sample(2, revised="Same.", initial="Same. "), helpful(3)]
    built = matrix_pairs(samples, MatrixConfig(mix={}), Funnel(), 0)
    assert built.form == "pair"
    assert built.rows[0]["chosen"][0]["content"] == "Here is a safer way to reach that."
    assert built.rows[0]["rejected"][0]["content"] == "Sure, do it like this."
    assert built.funnel.steps[0].reasons == {"one answer only": 1, "revised equals draft": 1}


def test_chosen_equal_to_rejected_everywhere_says_what_to_do() -> None:
    samples = [sample(n, revised="Same.", initial="Same.") for n in range(3)]
    with pytest.raises(UserError, match="There is no pair") as error:
        matrix_pairs(samples, MatrixConfig(mix={}), Funnel(), 0)
    assert "revised equals draft: 3" in error.value.why
    assert "matrix_sft" in error.value.fix


def test_the_digest_follows_rows_and_lineage() -> None:
    one = matrix_rows([sample(1), sample(2)], MatrixConfig(mix={}), Funnel(), 0)
    other = matrix_rows([sample(1), sample(3)], MatrixConfig(mix={}), Funnel(), 0)
    assert one.digest == matrix_rows([sample(1), sample(2)], MatrixConfig(mix={}), Funnel(), 5).digest
    assert one.digest != other.digest


def test_an_ordinary_answer_is_preferred_to_the_refusal_beside_it() -> None:
    refusal = Candidate(text="I'm sorry, but I can't help with that.", author="base", role="bad")
    plain = helpful(1)
    both = replace(plain, candidates=(*plain.candidates, refusal))
    built = matrix_pairs([sample(1), both, helpful(2)], MatrixConfig(mix={}), Funnel(), 0)
    assert built.sample_ids == ("revision_harmful-001", "answer_helpful-001")
    assert built.rows[1]["chosen"][0]["content"] == plain.candidates[0].text
    assert built.rows[1]["rejected"][0]["content"] == refusal.text
    assert built.funnel.steps[0].reasons == {"one answer only": 1}
    assert matrix_rows([both], MatrixConfig(mix={}), Funnel(), 0).rows[0]["completion"][0]["content"] == (
        plain.candidates[0].text
    )
