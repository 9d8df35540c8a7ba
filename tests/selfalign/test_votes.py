"""Labels from votes: swapping candidates swaps the label exactly (property 25)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.sample import Vote
from selfalign.label.votes import label_of, majority, pair_probability, reward
from tests.selfalign.toy import pair_vote, sample

KINDS = st.sampled_from(["pair", "rank", "score", "accept"])


@st.composite
def votes(draw: st.DrawFn) -> list[Vote]:
    num = draw(st.integers(2, 5))
    rows = draw(
        st.lists(st.tuples(KINDS, st.lists(st.floats(0, 1), min_size=num, max_size=num)), min_size=1, max_size=8)
    )
    return [pair_vote(f"v{n}", *value, kind=kind) for n, (kind, value) in enumerate(rows)]


def swapped(vote: Vote) -> Vote:
    a, b, *rest = vote.value
    return Vote(voter=vote.voter, group=vote.group, dim=vote.dim, kind=vote.kind, value=(b, a, *rest))


@given(votes())
def test_every_vote_label_is_antisymmetric_under_a_swap_of_order(given_votes: list[Vote]) -> None:
    flipped = [swapped(vote) for vote in given_votes]
    assert pair_probability(given_votes, 0, 1) == pytest.approx(1 - pair_probability(given_votes, 1, 0), abs=1e-12)
    assert pair_probability(given_votes, 0, 1) == pytest.approx(pair_probability(flipped, 1, 0), abs=1e-12)
    num = len(given_votes[0].value)
    one, other = reward(given_votes, num), reward(flipped, num)
    assert one[0] == pytest.approx(other[1], abs=1e-12)
    assert one[1] == pytest.approx(other[0], abs=1e-12)
    assert majority(given_votes, num)[0] == pytest.approx(majority(flipped, num)[1], abs=1e-12)


@given(votes())
def test_voters_are_anonymous(given_votes: list[Vote]) -> None:
    num = len(given_votes[0].value)
    assert pair_probability(given_votes, 0, 1) == pytest.approx(pair_probability(given_votes[::-1], 0, 1), abs=1e-12)
    assert reward(given_votes, num) == pytest.approx(reward(given_votes[::-1], num), abs=1e-12)


def test_numbers_worked_by_hand() -> None:
    given_votes = [pair_vote("a", 0.75, 0.25), pair_vote("b", 1, 2, kind="rank"), pair_vote("c", 3, 3, kind="score")]
    assert pair_probability(given_votes, 0, 1) == pytest.approx((0.75 + 1 + 0.5) / 3)
    assert majority(given_votes, 2) == pytest.approx((2.5 / 3, 0.5 / 3))
    assert reward([pair_vote("b", 1, 2, 3, kind="rank")], 3) == (1.0, 0.5, 0.0)
    assert reward([pair_vote("a", 0.8, 0.2), pair_vote("b", 0.4, 0.6)], 2) == pytest.approx((0.6, 0.4))


def test_a_dimension_without_votes_has_no_label() -> None:
    one = sample(1, votes=(pair_vote("a", 1, 0),))
    assert label_of(one, dim="tone") is None
    label = label_of(one, dim="harm")
    assert label is not None
    assert label.pair == ((0.5, 1.0), (0.0, 0.5))
