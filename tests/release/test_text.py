"""Texts as numbers: hashes over whole arrays agree with hashing one at a time; MinHash finds what exact sets find."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfalign.release.minhash import Document, Sets, leaders, near_pairs, sign
from selfalign.release.text import letter_grams, same_text, without_control, word_grams, word_hashes, words_only
from tests.release.making import text

WORD = st.text(alphabet="abcxyzäß", min_size=1, max_size=5)
TEXT = st.lists(WORD, max_size=12).map(" ".join)
FEW = settings(max_examples=40, derandomize=True, deadline=None)


@FEW
@given(st.lists(TEXT, min_size=1, max_size=6))
def test_equal_words_and_only_those_have_equal_hashes(texts: list[str]) -> None:
    hashes, starts = word_hashes([words_only(one) for one in texts])
    words = [word for one in texts for word in words_only(one).split()]
    filled = [
        h for one, a, b in zip(texts, starts, starts[1:], strict=False) if words_only(one) for h in hashes[a:b].tolist()
    ]
    assert len(filled) == len(words)
    assert len(set(zip(words, filled, strict=True))) == len(set(words)) == len(set(filled))


@FEW
@given(st.lists(TEXT, min_size=1, max_size=5), st.integers(1, 4))
def test_word_grams_are_those_of_each_text_alone(texts: list[str], n: int) -> None:
    hashes, starts = word_hashes([words_only(one) for one in texts])
    grams, owner = word_grams(hashes, starts, n)
    for number, one in enumerate(texts):
        alone, _ = word_grams(*word_hashes([words_only(one)]), n)
        assert grams[owner == number].tolist() == alone.tolist()


@FEW
@given(st.lists(TEXT, min_size=1, max_size=5))
def test_letter_grams_are_those_of_each_text_alone(texts: list[str]) -> None:
    grams, starts = letter_grams(texts, 5)
    for number, one in enumerate(texts):
        alone, _ = letter_grams([one], 5)
        assert grams[starts[number] : starts[number + 1]].tolist() == alone.tolist()
        assert len(alone) == max(1, len(one) - 4)


def test_texts_that_differ_in_case_space_and_normal_form_are_the_same() -> None:
    assert same_text("  Caf\u00e9\n AU lait") == same_text("cafe\u0301 au LAIT ")
    assert same_text("tea") != same_text("tee")


def test_control_tokens_are_written_out_once() -> None:
    clean, num = without_control("Hello <|im_start|>system [INST] </s> <not one>")
    assert (clean, num) == ("Hello (im_start)system (INST) (s) <not one>", 3)
    assert without_control(clean) == (clean, 0)


def edited(words: list[str], num: int, rng: random.Random) -> str:
    words = list(words)
    for _ in range(num):
        words[rng.randrange(len(words))] = "otherwise"
    return " ".join(words)


def test_signatures_estimate_the_exact_similarity() -> None:
    rng = random.Random(0)
    documents = []
    for n in range(60):
        base = text(n, 50).split()
        documents += [Document(text(n, 15), (edited(base, k, rng),)) for k in (0, n % 20)]
    signature = sign(documents).whole()
    sets = Sets(documents)
    exact = np.array([sets.similarity(2 * n, 2 * n + 1)[2] for n in range(60)])
    estimate = np.array([(signature[2 * n] == signature[2 * n + 1]).mean() for n in range(60)])
    assert exact.min() < 0.65
    assert abs(estimate - exact).mean() < 0.035  # the expected error is sqrt(s (1 - s) / 128) * sqrt(2 / pi)
    assert abs((estimate - exact).mean()) < 0.015


def test_near_pairs_are_those_of_exact_similarity() -> None:
    rng = random.Random(1)
    documents = []
    for n in range(40):
        base = text(n, 50).split()
        documents += [Document(text(n, 15), (edited(base, k, rng),)) for k in (0, 1, n % 12)]
    sets = Sets(documents)
    exact = {(i, j) for i in range(len(documents)) for j in range(i) if sets.alike(i, j, 0.8)}
    found = {(j, i) for i, j in near_pairs(documents, 0.8, sign(documents).whole())}
    assert len(exact) > 60
    assert found <= exact
    assert len(found) >= 0.99 * len(exact)


def test_one_answer_to_many_prompts_and_many_answers_to_one_prompt_are_no_duplicates() -> None:
    refusal = "I will not help with that, since somebody would be hurt. " * 3
    documents = [Document(text(n, 40), (refusal,)) for n in range(8)] + [
        Document("Why?", (text(n, 40),)) for n in range(8)
    ]
    assert near_pairs(documents, 0.8, sign(documents).whole()) == []


def test_the_signature_of_a_whole_is_that_of_its_parts_together() -> None:
    documents = [Document(text(n, 9), (text(n + 50), text(n + 90))) for n in range(5)]
    signed = sign(documents)
    singles, owner = signed.singles()
    assert owner.tolist() == [n for n in range(5) for _ in range(2)]
    again = sign([Document(d.prompt, (a,)) for d in documents for a in d.answers]).whole()
    assert np.array_equal(singles, again)
    some = np.array([3, 1])
    assert np.array_equal(signed.take(some).whole(), signed.whole()[some])


@FEW
@given(st.integers(2, 12), st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=20))
def test_every_removed_row_is_like_a_kept_one_and_no_two_kept_are_alike(num: int, raw: list[tuple[int, int]]) -> None:
    pairs = {(min(i, j), max(i, j)) for i, j in raw if i != j and max(i, j) < num}
    removed = leaders(pairs, list(range(num)))
    for gone, kept in removed.items():
        assert kept not in removed
        assert (min(gone, kept), max(gone, kept)) in pairs
    assert all(i in removed or j in removed for i, j in pairs)


@pytest.mark.parametrize("texts", [[""], ["", ""], ["a"]])
def test_empty_texts_are_no_trouble(texts: list[str]) -> None:
    assert len(letter_grams(texts, 5)[1]) == len(texts) + 1
    grams, _ = word_grams(*word_hashes(texts), 8)
    assert len(grams) == 0
