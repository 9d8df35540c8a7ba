"""Overlap with evaluation sets, reviews and splits."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.errors import UserError
from selfalign.release.config import Evaluation
from selfalign.release.decontaminate import EvaluationSet, Matcher, load_sets
from selfalign.release.reviews import krippendorff_alpha, read_reviews
from selfalign.release.splits import groups, side
from selfalign.release.text import words_only

LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
ITEMS = (LONG, "how do I kill a python process", "capital of norway")


def matcher() -> Matcher:
    return Matcher([EvaluationSet(name="set", version="1", items=tuple(words_only(item) for item in ITEMS))])


@pytest.mark.parametrize(
    ("text", "item", "words"),
    [
        (f"Well: {LONG.upper()}!", 0, 13),
        ("zero; three, four five six seven EIGHT nine ten, zero", 0, 8),
        ("please tell me how do i kill a Python process now", 1, 7),
        ("Capital of Norway?", 2, 3),
    ],
)
def test_what_overlaps_is_found_with_the_longest_run(text: str, item: int, words: int) -> None:
    found = matcher().overlaps(["nothing here", text])
    assert found[0] is None
    assert found[1] is not None
    assert (found[1].item, found[1].words) == (item, words)


def test_seven_words_of_a_long_item_and_a_short_item_within_a_text_stay() -> None:
    texts = ["three four five six seven eight nine zero", "the capital of norway is Oslo", ""]
    assert matcher().overlaps(texts) == [None, None, None]


def test_no_set_finds_nothing() -> None:
    assert Matcher([]).overlaps(["a b c"]) == [None]


def test_a_set_that_is_not_there_is_said_to_be_not_available(tmp_path: Path) -> None:
    sets = load_sets([Evaluation(name="A"), Evaluation(name="B", path=str(tmp_path / "none.csv"))])
    assert [one.why_not for one in sets] == ["no file was named", "its file was not found"]


def test_krippendorffs_own_example() -> None:
    # Krippendorff 2011, section C: four observers, twelve units, nominal data: alpha = .743
    rows = ("123321412   ", "1233224125 3", " 3332342251 ", "12332441251 ")
    units = [[row[k] for row in rows if row[k] != " "] for k in range(12)]
    assert krippendorff_alpha(units) == pytest.approx(0.743, abs=5e-4)


def test_alpha_is_not_told_where_it_cannot_be() -> None:
    assert krippendorff_alpha([["accept"], ["flag"]]) is None
    assert krippendorff_alpha([["accept", "accept"]]) is None


def test_the_last_word_of_each_reviewer_counts_and_a_torn_line_is_left_out(tmp_path: Path) -> None:
    lines = (
        '{"sample_id": "s1", "verdict": "flag", "reviewer": "ann", "why": "rude", "time": "x"}\n'
        '{"sample_id": "s1", "verdict": "accept", "reviewer": "ann", "why": "", "time": "y"}\n'
        '{"sample_id": "s2", "verdict": "flag", "reviewer": "bob", "why": "", "time": "z"}\n{"sample_id": "s3", "ver'
    )
    (tmp_path / "reviews.jsonl").write_text(lines)
    reviews = read_reviews(tmp_path)
    assert (reviews.flagged("s1"), reviews.accepted("s1"), reviews.flagged("s2"), reviews.num_torn) == (
        False,
        True,
        True,
        1,
    )


@pytest.mark.parametrize("line", ['{"sample_id": "s1", "verdict": "maybe"}', '{"verdict": "flag"}', "[]", "{"])
def test_a_line_that_is_no_review_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "reviews.jsonl").write_text(f"{line}\n")
    with pytest.raises(UserError, match="line 1 is no review"):
        read_reviews(tmp_path)


KEYS = st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=3), min_size=1, max_size=10)


@settings(max_examples=80, derandomize=True, deadline=None)
@given(KEYS)
def test_rows_that_share_a_key_are_in_one_group_and_order_does_not_matter(keys: list[list[str]]) -> None:
    found = groups(keys)
    for i, left in enumerate(keys):
        for j, right in enumerate(keys):
            if set(left) & set(right):
                assert found[i] == found[j]
    assert groups(keys[::-1]) == found[::-1]
    assert all(name in {key for row in keys for key in row} for name in found)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(KEYS, st.lists(st.lists(st.sampled_from("uvwxyz"), min_size=1, max_size=3), max_size=5))
def test_more_rows_that_tie_nothing_old_move_nobody(old: list[list[str]], new: list[list[str]]) -> None:
    assert groups([*old, *new])[: len(old)] == groups(old)


def test_sides_have_their_shares() -> None:
    sides = [side(f"g{n}", 3, 0.2, 0.1) for n in range(4_000)]
    assert abs(sides.count("test") / 4_000 - 0.2) < 0.02
    assert abs(sides.count("validation") / 4_000 - 0.1) < 0.02
