"""The funnel adds up, repeats go, and no scene or prompt stands on both sides of the split."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import UserError
from agents.requests import Message
from agents.sample import Sample
from selfalign.samples import Funnel, dedupe, scene_of, split_by_scene, usable
from tests.selfalign.toy import sample


def test_the_funnel_refuses_counts_that_do_not_add_up() -> None:
    with pytest.raises(ValueError, match="reasons for 1"):
        Funnel().then("step", 5, 3, {"lost": 1})


def test_empty_and_answerless_samples_are_counted_by_reason() -> None:
    kept, funnel = usable([sample(1), sample(2, revised="  ", initial=None), sample(3, prompt=" ")])
    assert [s.sample_id for s in kept] == ["revision_harmful-001"]
    assert funnel.rows()[0] == {"step": "usable", "num_in": 3, "num_out": 1, "reasons": "no answer: 1; no prompt: 1"}


def test_no_sample_at_all_says_what_to_do() -> None:
    with pytest.raises(UserError, match="There is no sample to learn from") as error:
        usable([])
    assert "folkmoot show" in error.value.fix


def test_only_exact_repeats_are_dropped() -> None:
    same = sample(1, prompt="Equal?")
    again = sample(2, prompt="Equal?")
    other = sample(3, prompt="Equal?", revised="Another answer.")
    kept, funnel = dedupe([same, again, other], Funnel())
    assert [s.sample_id for s in kept] == [same.sample_id, other.sample_id]
    assert funnel.steps[0].reasons == {"exact repeat": 1}


def test_a_sample_id_that_occurs_twice_is_a_bug() -> None:
    with pytest.raises(ValueError, match="more than once"):
        usable([sample(1), sample(1)])


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=60),
    st.floats(0, 0.9),
    st.integers(0, 5),
)
def test_neither_scene_nor_prompt_leaks(links: list[tuple[int, int]], share: float, seed: int) -> None:
    samples = [sample(n, scene=f"s{a}", prompt=f"prompt {b}") for n, (a, b) in enumerate(links)]
    train, held = split_by_scene(samples, share, seed)
    assert len(train) + len(held) == len(samples)
    assert train
    assert not {scene_of(s) for s in train} & {scene_of(s) for s in held}
    assert not {s.prompt for s in train} & {s.prompt for s in held}
    assert len(held) <= round(share * len(samples))


def test_the_split_follows_names_not_order() -> None:
    samples = [sample(n) for n in range(30)]
    _, held = split_by_scene(samples, 0.3, 7)
    _, again = split_by_scene(samples[::-1], 0.3, 7)
    assert {s.sample_id for s in held} == {s.sample_id for s in again}
    assert len(held) == 9


def test_a_prompt_in_other_case_or_spacing_counts_as_the_same() -> None:
    samples = [sample(0, scene="a", prompt="What  Now?"), sample(1, scene="b", prompt="what now?")]
    train, held = split_by_scene(samples, 0.5, 0)
    assert (len(train), len(held)) == (2, 0)


def about(number: int, scene: str, topic: str, question: str) -> Sample:
    one = sample(number, scene=scene, prompt=f"prompt {number}")
    return replace(one, meta={**one.meta, "topic": topic, "question": question})


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("Housing", "Should the city cap rents?"), ("housing ", "Should the city build?")),
        (("housing", "Should the city cap rents?"), ("", "should the  city cap rents?")),
    ],
)
def test_no_topic_is_on_both_sides(first: tuple[str, str], second: tuple[str, str]) -> None:
    """Rewards of one question in two assemblies share neither scene nor prompt, only what they are about."""
    samples = [about(0, "assembly-0", *first), about(1, "assembly-1", *second)]
    for seed in range(20):
        assert len(split_by_scene(samples, 0.5, seed)[0]) == 2
    apart = [samples[0], about(1, "assembly-1", "work", "Should weeks have four days?")]
    assert [len(side) for side in split_by_scene(apart, 0.5, 0)] == [1, 1]


def test_a_prompt_that_ends_with_an_answer_cannot_be_taught() -> None:
    base = sample(1)
    bad = replace(base, prompt=(*base.prompt, Message("assistant", "so")))
    with pytest.raises(UserError, match="None of the 1 samples"):
        usable([bad])
