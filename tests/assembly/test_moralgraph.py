"""Moral graphs: counts by hand, laws, networkx as an oracle, disputes and bridges."""

from __future__ import annotations

import math
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from societies.assembly import moralgraph as mg
from societies.assembly.moralgraph import Ballot, Card, Edge, Judgement

QUICK = settings(max_examples=60, deadline=None, derandomize=True)
NAMES = "abcdef"
PAIRS = [(a, b) for a in NAMES for b in NAMES if a != b]


@st.composite
def judgements(draw: st.DrawFn) -> list[Judgement]:
    """Return judgements on a few ordered pairs of cards; the first pair always becomes an edge."""
    pairs = st.lists(st.sampled_from(PAIRS), min_size=1, max_size=9, unique=True)
    said: list[Judgement] = []
    for number, (a, b) in enumerate(draw(pairs)):
        upgrades = draw(st.integers(0 if number else 6, 8))
        said += many(a, b, "upgrade", upgrades) + many(a, b, "unsure", draw(st.integers(0, 2 if number else 1)))
        said += many(a, b, "no_upgrade", draw(st.integers(0, 2 if number else 1)))
        if number == 0:
            first = {a, b}
    return [
        j for j in said if {j.source, j.target} != first or (j.source, j.target) == (said[0].source, said[0].target)
    ]


def many(source: str, target: str, verdict: str, times: int, context: str = "c") -> list[Judgement]:
    return [
        Judgement(source=source, target=target, context=context, verdict=verdict, participant=f"p{n}")  # type: ignore[arg-type]
        for n in range(times)
    ]


def graph(*steps: tuple[str, str, int]) -> tuple[Edge, ...]:
    """Return kept edges from (source, target, upgrades)."""
    return mg.kept_edges(mg.summarise([j for a, b, n in steps for j in many(a, b, "upgrade", n)]))


def oracle(edges: tuple[Edge, ...]) -> dict[str, float]:
    known = nx.DiGraph()
    known.add_weighted_edges_from((edge.source, edge.target, edge.likelihood) for edge in edges)
    return dict(nx.pagerank(known, alpha=mg.DAMPING, weight="weight", tol=1e-13, max_iter=2000))


def test_an_edge_is_counted_from_both_directions() -> None:
    said = many("a", "b", "upgrade", 5) + many("a", "b", "no_upgrade", 2) + many("a", "b", "unsure", 1)
    said += many("b", "a", "upgrade", 1, context="other") + many("b", "a", "unsure", 3)
    edge, back = mg.summarise(said)
    assert (edge.wiser, edge.not_wiser, edge.unsure, edge.less_wise, edge.impressions) == (5, 2, 1, 1, 12)
    assert edge.likelihood == pytest.approx(4 / 9)
    shares = [5 / 9, 2 / 9, 1 / 9, 1 / 9]
    assert edge.entropy == pytest.approx(-sum(p * math.log2(p) for p in shares))
    assert edge.contexts == ("c",)
    assert (back.wiser, back.less_wise) == (1, 5)
    assert not back.kept
    (public, _) = mg.summarise(said, compat=True)
    counts = [5, 2, 1, 1, 12]
    assert public.entropy == pytest.approx(-sum(n / 21 * math.log2(n / 21) for n in counts))


def test_published_edges_come_out_of_their_counts() -> None:
    """Three edges as published with Moral Graph Elicitation: counts, likelihood and entropy are facts of that data."""
    for counts, likelihood, entropy in [
        ((80, 15, 0, 17, 112), 0.7142857142857143, 1.5740146269824962),
        ((20, 3, 2, 5, 32), 0.6, 1.6831787317683666),
        ((2, 0, 1, 0, 5), 0.3333333333333333, 1.2987949406953985),
    ]:
        wiser, not_wiser, less_wise, unsure, seen = counts
        edge = mg.edge_of(
            "a",
            "b",
            contexts=(),
            wiser=wiser,
            not_wiser=not_wiser,
            unsure=unsure,
            less_wise=less_wise,
            impressions=seen,
            compat=True,
        )
        assert edge.likelihood == pytest.approx(likelihood, abs=1e-12)
        assert edge.entropy == pytest.approx(entropy, abs=1e-12)
        assert edge.kept


def test_an_edge_needs_two_upgrades_a_likelihood_and_agreement() -> None:
    (single,) = mg.summarise(many("a", "b", "upgrade", 1))
    assert not single.kept
    (unlikely,) = mg.summarise(many("a", "b", "upgrade", 2) + many("a", "b", "no_upgrade", 5))
    assert not unlikely.kept
    split = many("a", "b", "upgrade", 20) + many("a", "b", "no_upgrade", 12) + many("a", "b", "unsure", 12)
    (unclear, _) = mg.summarise(split + many("b", "a", "upgrade", 4))
    assert unclear.likelihood > mg.MIN_LIKELIHOOD
    assert unclear.entropy > mg.MAX_ENTROPY
    assert not unclear.kept


@QUICK
@given(judgements(), st.booleans())
def test_likelihood_is_bounded_and_never_both_directions_are_kept(said: list[Judgement], compat: bool) -> None:
    edges = mg.summarise(said, compat=compat)
    assert all(-1 <= edge.likelihood <= 1 for edge in edges)
    kept = {(edge.source, edge.target) for edge in mg.kept_edges(edges)}
    assert not any((b, a) in kept for a, b in kept)


@QUICK
@given(judgements())
def test_ranks_are_those_of_networkx_and_add_up_to_one(said: list[Judgement]) -> None:
    kept = mg.kept_edges(mg.summarise(said))
    assert kept
    ranks = mg.pagerank(kept)
    assert sum(ranks.values()) == pytest.approx(1.0)
    known = oracle(kept)
    assert ranks == pytest.approx(known, abs=1e-10)


@QUICK
@given(judgements())
def test_leaking_ranks_are_smaller_in_sum_and_in_the_same_proportion(said: list[Judgement]) -> None:
    kept = mg.kept_edges(mg.summarise(said))
    assert kept
    leaky, proper = mg.pagerank(kept, compat=True), mg.pagerank(kept)
    assert sum(leaky.values()) <= 1 + 1e-9
    factors = [leaky[card] / proper[card] for card in proper]
    assert max(factors) == pytest.approx(min(factors), rel=1e-5)


@QUICK
@given(judgements(), st.data())
def test_one_more_upgrade_never_lowers_the_wiser_card(said: list[Judgement], data: st.DataObject) -> None:
    before = mg.kept_edges(mg.summarise(said))
    old = mg.pagerank(before)
    a = data.draw(st.sampled_from(sorted(old)))
    b = data.draw(st.sampled_from(sorted(set(old) - {a})))
    after = mg.kept_edges(mg.summarise([*said, Judgement(source=a, target=b, context="c", verdict="upgrade")]))
    new = mg.pagerank(after)
    assume(a in new and b in new)  # the upgrade may have been all that kept an edge back to a
    assert new[b] / new[a] >= old[b] / old[a] - 1e-9


@QUICK
@given(judgements(), st.permutations(NAMES))
def test_renaming_cards_renames_the_ranks(said: list[Judgement], order: list[str]) -> None:
    name = dict(zip(NAMES, order, strict=True))
    kept = mg.kept_edges(mg.summarise(said))
    assert kept
    moved = [replace(j, source=name[j.source], target=name[j.target]) for j in said]
    renamed = mg.pagerank(mg.kept_edges(mg.summarise(moved)))
    assert renamed == pytest.approx({name[card]: rank for card, rank in mg.pagerank(kept).items()}, abs=1e-12)


def test_an_edge_that_is_not_kept_carries_no_rank_and_no_edges_no_ranks() -> None:
    (edge,) = mg.summarise(many("a", "b", "no_upgrade", 3))
    with pytest.raises(ValueError, match="keep edges first"):
        mg.pagerank([edge])
    assert mg.pagerank([]) == {}


def test_equal_ranks_are_told_by_name() -> None:
    assert mg.wisest({"b": 0.2, "a": 0.2 + 1e-15, "c": 0.6}) == ("c", "a", "b")


def test_the_winner_of_a_context_has_an_incoming_edge_there() -> None:
    said = many("a", "b", "upgrade", 3, "work") + many("b", "c", "upgrade", 3, "home")
    kept = mg.kept_edges(mg.summarise(said))
    assert mg.winners(kept, mg.pagerank(kept)) == {"home": "c", "work": "b"}


def test_a_circle_of_upgrades_is_a_dispute_with_its_weakest_step() -> None:
    edges = graph(("a", "b", 5), ("b", "c", 5), ("c", "d", 5), ("d", "a", 5), ("d", "b", 4), ("x", "y", 2))
    (found,) = mg.disputes(edges)
    assert found.cards == ("a", "b", "c", "d")
    assert found.cycle == ("b", "c", "d")
    assert mg.num_components(edges) == 2
    weaker = many("d", "b", "no_upgrade", 1)
    said = [j for a, b, n in (("b", "c", 5), ("c", "d", 5), ("d", "b", 5)) for j in many(a, b, "upgrade", n)]
    assert mg.disputes(mg.kept_edges(mg.summarise(said + weaker)))[0].weakest == ("d", "b")
    assert mg.disputes(graph(("a", "b", 3), ("b", "c", 3))) == ()


def test_pairs_upgraded_both_ways_are_told_once() -> None:
    said = many("a", "b", "upgrade", 4) + many("b", "a", "upgrade", 2) + many("b", "c", "upgrade", 4)
    (found,) = mg.contested(mg.summarise(said))
    assert (found.first, found.second, found.num_to_second, found.num_to_first) == ("a", "b", 4, 2)


def test_a_card_bridges_when_two_camps_reach_it_from_different_cards() -> None:
    said = [
        Judgement(source="a", target="z", context="", verdict="upgrade", participant="left1"),
        Judgement(source="b", target="z", context="", verdict="upgrade", participant="right1"),
        Judgement(source="a", target="y", context="", verdict="upgrade", participant="left1"),
        Judgement(source="a", target="y", context="", verdict="upgrade", participant="right1"),
        Judgement(source="b", target="x", context="", verdict="unsure", participant="left1"),
        Judgement(source="a", target="x", context="", verdict="upgrade", participant="right1"),
        Judgement(source="c", target="z", context="", verdict="upgrade", participant="nobody"),
    ]
    camps = {"left1": "left", "right1": "right"}
    (found,) = mg.bridging_values(said, camps)
    assert (found.card, found.num_people) == ("z", 2)
    assert found.reached == (("left", ("a",)), ("right", ("b",)))
    ballots = [Ballot(participant="left1", card="a")]
    assert mg.bridging_values(said, camps, ballots) == ()
    assert len(mg.bridging_values(said, camps, [*ballots, Ballot(participant="right1", card="b")])) == 1


def test_merging_follows_chains_and_doing_it_twice_changes_nothing() -> None:
    cards = [Card(id=name, title=name) for name in "abcd"]
    said = many("a", "b", "upgrade", 1) + many("c", "d", "upgrade", 1) + many("b", "c", "unsure", 1)
    same = {"a": "b", "b": "c"}
    kept, moved = mg.merged(cards, said, same)
    assert [card.id for card in kept] == ["c", "d"]
    assert [(j.source, j.target) for j in moved] == [("c", "d")]
    assert mg.merged(kept, moved, same) == (kept, moved)
    with pytest.raises(ValueError, match="circle"):
        mg.merged(cards, said, {"a": "b", "b": "a"})


def test_only_the_last_judgement_of_a_person_counts_and_unknown_people_are_all_kept() -> None:
    first, second = many("a", "b", "upgrade", 1)[0], many("a", "b", "unsure", 1)[0]
    assert mg.latest([first, second]) == (second,)
    unknown = replace(first, participant="")
    assert mg.latest([unknown, unknown]) == (unknown, unknown)


def test_judgements_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="against itself"):
        mg.check_judgements(many("a", "a", "upgrade", 1))
    with pytest.raises(ValueError, match="is no verdict"):
        mg.check_judgements(many("a", "b", "maybe", 1))


def test_certainty_is_about_people_and_comes_from_the_seed() -> None:
    said = many("a", "b", "upgrade", 12) + many("b", "c", "upgrade", 2)
    found = {c.card: c for c in mg.certainty(said, num_resamples=200, seed=1)}
    assert found["b"].top > found["c"].top > 0
    assert found["c"].lo == 0 < found["c"].hi
    rank = mg.pagerank(mg.kept_edges(mg.summarise(said)))
    assert found["b"].lo <= rank["b"] <= found["b"].hi
    assert {c.card: c for c in mg.certainty(said, num_resamples=200, seed=1)} == found
    assert mg.certainty([replace(j, participant="") for j in said]) == ()


def test_edges_kept_by_chance_follow_how_often_people_say_wiser() -> None:
    said = many("a", "b", "upgrade", 10) + many("c", "d", "no_upgrade", 10)
    chance = mg.kept_by_chance(said, num_shuffles=40)
    assert chance.shape == (40,)
    assert 0 < chance.mean() < 2
    assert mg.kept_by_chance(many("a", "b", "upgrade", 4)).tolist() == [1.0] * 50
    assert np.isfinite(chance).all()
