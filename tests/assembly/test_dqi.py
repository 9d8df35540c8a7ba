"""The discourse rubric: what a judge must answer, what is read, and what judges agree on."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from societies.assembly.dqi import (
    RUBRIC,
    Judged,
    Unread,
    answer_schema,
    instructions,
    quality,
    read_answer,
    total,
)

LOWEST = {scale.name: scale.levels[0].code for scale in RUBRIC}
HIGHEST = {scale.name: scale.levels[-1].code for scale in RUBRIC}


def read(reply):
    return read_answer(reply, turn="t", judge="j")


def test_the_rubric_has_the_published_scales_and_their_levels():
    sizes = {scale.name: len(scale.levels) for scale in RUBRIC if not scale.lay}
    assert sizes == {
        "participation": 2,
        "justification": 4,
        "content": 4,
        "respect_groups": 3,
        "respect_demands": 3,
        "counterarguments": 4,
        "constructive_politics": 3,
    }
    content = next(scale for scale in RUBRIC if scale.name == "content")
    assert [level.label for level in content.levels] == ["0", "1", "2a", "2b"]
    # Both readings of the common good stand equally high.
    assert content.rank(2) == content.rank(3) == content.top == 2


def test_schema_and_instructions_name_every_scale_and_level():
    schema = answer_schema()
    assert schema["required"] == [scale.name for scale in RUBRIC]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["content"]["enum"] == [0, 1, 2, 3]
    json.dumps(schema)
    text = instructions()
    assert all(level.meaning in text for scale in RUBRIC for level in scale.levels)
    assert len(text.splitlines()) == len(RUBRIC)


def test_a_good_answer_is_read_also_from_within_text():
    found = read("Here it is: " + json.dumps(HIGHEST) + " That is all {so}.")
    assert isinstance(found, Judged)
    assert found.codes == HIGHEST and (found.turn, found.judge) == ("t", "j")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"justification": 4}, "justification is none of"),
        ({"justification": "2"}, "justification is none of"),
        ({"justification": 2.0}, "justification is none of"),
        ({"participation": True}, "participation is none of"),
        ({"kindness": 1}, "unknown scale"),
    ],
)
def test_an_answer_with_one_wrong_thing_is_unread(change, why):
    found = read(json.dumps(LOWEST | change))
    assert isinstance(found, Unread) and found.why.startswith(why)


def test_missing_scales_and_broken_texts_are_unread():
    assert read(json.dumps({k: v for k, v in LOWEST.items() if k != "content"})) == Unread(
        turn="t", judge="j", why="no content"
    )
    assert read("no braces").why == "no JSON object"
    assert read('{"a": ').why == "broken JSON"
    assert read("{" * 5000).why == "broken JSON"


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.text() | st.dictionaries(st.sampled_from(list(LOWEST)), st.integers(-1, 5)).map(json.dumps))
def test_reading_never_raises(reply):
    assert isinstance(read(reply), Judged | Unread)


def test_the_total_runs_from_nothing_to_one_and_leaves_out_the_lay_scales():
    assert total(Judged(turn="t", judge="j", codes=LOWEST)) == 0
    assert total(Judged(turn="t", judge="j", codes=HIGHEST)) == 1
    told = {scale.name: 1 for scale in RUBRIC if scale.lay}
    assert total(Judged(turn="t", judge="j", codes=LOWEST | told)) == 0
    assert total(Judged(turn="t", judge="j", codes=LOWEST | {"content": 2})) == pytest.approx(1 / 7)


def judged_by(num_judges, noise, num_turns=40):
    rng = np.random.default_rng(0)
    true = {scale.name: rng.integers(0, len(scale.levels), num_turns) for scale in RUBRIC}
    out = []
    for judge in range(num_judges):
        for turn in range(num_turns):
            codes = {
                scale.name: int(rng.integers(0, len(scale.levels)) if rng.random() < noise else true[scale.name][turn])
                for scale in RUBRIC
            }
            out.append(Judged(turn=f"t{turn}", judge=f"j{judge}", codes=codes))
    return out


def test_judges_who_agree_have_alpha_one_and_judges_who_guess_none():
    exact = quality(judged_by(3, 0.0))
    assert all(reading.alpha.value.point == 1 for reading in exact.scales)
    assert exact.enough_judges and exact.num_turns == 40
    guessed = quality(judged_by(3, 1.0))
    assert abs(np.mean([reading.alpha.value.point for reading in guessed.scales])) < 0.1
    noisy = quality(judged_by(4, 0.2))
    assert all(0.3 < reading.alpha.value.point < 0.95 for reading in noisy.scales)
    assert noisy.total.lo < noisy.total.point < noisy.total.hi


def test_what_could_not_be_read_is_counted_and_two_judges_are_too_few():
    some = [*judged_by(2, 0.1, num_turns=5), Unread(turn="t0", judge="j2", why="broken JSON")]
    found = quality(some)
    assert (found.num_unread, found.num_judges, found.enough_judges) == (1, 2, False)
    nobody = quality([Unread(turn="t0", judge="j0", why="broken JSON")])
    assert nobody.num_turns == 0 and math.isnan(nobody.total.point)
