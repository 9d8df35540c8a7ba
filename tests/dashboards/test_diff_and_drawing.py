"""The pure parts: word diffs give both texts back, and pictures are well-formed whatever they are given."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.diff import changed_share, readable, side, word_diff, words
from dashboards.drawing import Box, Dot, axis_range, bar, interval_plot, loop_picture, short
from tests.dashboards.fake_run import DRAFT, HOSTILE, REVISION

TEXTS = st.text(alphabet="ab c.,\n\u00e9", max_size=60)


@given(TEXTS, TEXTS)
def test_both_texts_can_be_read_back_from_their_diff(before: str, after: str) -> None:
    for pieces in (word_diff(before, after), readable(word_diff(before, after))):
        assert "".join(piece.text for piece in side(pieces, "before")) == before
        assert "".join(piece.text for piece in side(pieces, "after")) == after


def test_equal_texts_have_one_piece_and_no_change() -> None:
    assert [piece.change for piece in word_diff(DRAFT, DRAFT)] == ["same"]
    assert changed_share(word_diff(DRAFT, DRAFT)) == 0 == changed_share(word_diff("", ""))


def test_texts_without_a_common_word_have_changed_whole() -> None:
    assert changed_share(word_diff("red bus", "green car")) == 1


def test_a_diff_of_very_long_texts_keeps_every_word() -> None:
    long = " ".join(f"word{n}" for n in range(6_000))
    pieces = word_diff(long, long + " end")
    assert "".join(piece.text for piece in side(pieces, "after")) == long + " end"


def test_words_split_and_join_without_loss() -> None:
    assert "".join(words(REVISION)) == REVISION


def _text_of(svg: str) -> str:
    return "".join(ElementTree.fromstring(svg).itertext())


def test_the_loop_picture_is_well_formed_and_holds_hostile_words_as_text() -> None:
    boxes = [
        Box(title="Simulate", lines=("5 scenes", HOSTILE.replace("\x1b", "")), state="bad"),
        Box(title="Gate", lines=()),
    ]
    svg = loop_picture(boxes, "back <b>", "alt & more")
    assert "<script" not in svg
    assert "back <b>" in _text_of(svg)


@pytest.mark.parametrize("dot", [(None, None, None), (0.5, None, None), (0.5, 0.4, 0.6), (9.0, -9.0, 99.0)])
def test_a_plot_is_well_formed_for_any_point(dot: tuple[float | None, float | None, float | None]) -> None:
    dots = [Dot(label="before", point=dot[0], lo=dot[1], hi=dot[2], filled=False)]
    svg = interval_plot(dots, *axis_range(dot, share=True), "alt", null=0.5)
    assert ("not measured" in _text_of(svg)) is (dot[0] is None)


def test_bars_stay_within_their_frame() -> None:
    assert 'width="200' in bar(7.0, "too much") and 'width="0' in bar(-1.0, "too little")


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0004, "0.0004"), (12.345, "12.3"), (1e6, "1,000,000"), (float("inf"), "-")]
)
def test_numbers_have_three_digits_at_most(value: float, shown: str) -> None:
    assert short(value) == shown
