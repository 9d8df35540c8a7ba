"""Does wisdom carry on: counted by hand, against brute force, and with people who judge by coin."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from societies.assembly import moralgraph as mg
from societies.assembly.moralgraph import Judgement

VERDICTS = ("upgrade", "no_upgrade", "unsure")


def said(person: str, source: str, target: str, verdict: str = "upgrade") -> Judgement:
    return Judgement(source=source, target=target, context="", verdict=verdict, participant=person)  # type: ignore[arg-type]


def chain() -> list[Judgement]:
    """Return a graph a -> b -> c, kept by two others, and three people who were asked about it."""
    return [
        *(said(p, "b", "c") for p in ("u", "v")),
        *(said(p, "a", "b") for p in ("x", "y", "z")),
        said("x", "a", "c"),
        said("y", "a", "c", "no_upgrade"),
        said("y", "d", "e", "no_upgrade"),
    ]


def test_the_third_judgement_is_held_against_the_same_peoples_others() -> None:
    judgements = chain()
    found = mg.transitivity(judgements, mg.kept_edges(mg.summarise(judgements)))
    assert found.num_asked == 2 and found.holds.point == pytest.approx(1 / 2)
    # Beside the first step, x said nothing else, y one thing (not wiser); z was not asked the third.
    assert (found.num_other, found.num_people) == (1, 1)
    assert (found.otherwise.point, found.excess.point) == (0.0, 0.0)
    assert [
        (q.participant, q.source, q.middle, q.target)
        for q in mg.questions(judgements, mg.kept_edges(mg.summarise(judgements)))
    ] == [("z", "a", "b", "c")]


def test_nothing_is_said_where_nobody_was_asked_or_nobody_is_known() -> None:
    judgements = chain()[:5]
    kept = mg.kept_edges(mg.summarise(judgements))
    found = mg.transitivity(judgements, kept)
    assert found.num_asked == 0 and math.isnan(found.holds.point) and len(mg.questions(judgements, kept)) == 3
    unknown = [said("", j.source, j.target, j.verdict) for j in chain()]
    assert mg.transitivity(unknown, kept).num_asked == 0 and mg.questions(unknown, kept) == ()


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from("pqr"), st.permutations("abcd"), st.sampled_from(VERDICTS)), min_size=1, max_size=25
    )
)
def test_cases_equal_those_found_by_going_through_everything(drawn: list[tuple[str, list[str], str]]) -> None:
    judgements = mg.latest([said(p, names[0], names[1], verdict) for p, names, verdict in drawn])
    kept = mg.kept_edges(mg.summarise(judgements))
    edges = {(edge.source, edge.target) for edge in kept}
    upgrades = {(j.participant, j.source, j.target) for j in judgements if j.verdict == "upgrade"}
    asked = [
        j
        for j in judgements
        if any(
            (j.participant, j.source, b) in upgrades and (b, j.target) in edges
            for b in "abcd"
            if b not in (j.source, j.target)
        )
    ]
    found = mg.transitivity(judgements, kept)
    assert found.num_asked == len(asked)
    if asked:
        assert found.holds.point == pytest.approx(sum(j.verdict == "upgrade" for j in asked) / len(asked))
    said_already = {(j.participant, j.source, j.target) for j in judgements}
    assert all((q.participant, q.source, q.target) not in said_already for q in mg.questions(judgements, kept))


def by_coin(rng: np.random.Generator, each: int, spread: float) -> list[Judgement]:
    """Return what 40 people say of some of ten steps among five values, each by a coin of their own."""
    steps = [(a, b) for a in "abcde" for b in "abcde" if a < b]
    out = []
    for n in range(40):
        wiser = 0.7 + rng.uniform(-spread, spread)
        for place in rng.permutation(len(steps))[:each]:
            out.append(said(f"p{n}", *steps[place], "upgrade" if rng.random() < wiser else "no_upgrade"))
    return out


@pytest.mark.parametrize(("each", "spread"), [(4, 0.0), (7, 0.3)])
def test_people_who_judge_by_coin_show_no_excess(each: int, spread: float) -> None:
    excess, covered = [], 0
    for seed in range(40):
        judgements = by_coin(np.random.default_rng(seed), each, spread)
        kept = mg.kept_edges(mg.summarise(judgements))
        found = mg.transitivity(judgements, kept, seed=seed)
        excess.append(found.excess.point)
        covered += found.excess.lo <= 0 <= found.excess.hi
    standard_error = np.std(excess, ddof=1) / math.sqrt(len(excess))
    assert abs(np.mean(excess)) < 3 * standard_error + 0.005, "the null leans to neither side"
    assert covered >= 33


def test_people_who_reason_on_show_an_excess() -> None:
    rng = np.random.default_rng(0)
    judgements = []
    for n in range(60):
        wise = rng.random() < 0.5
        judgements += [said(f"p{n}", a, b, "upgrade" if wise else "unsure") for a, b in (("a", "b"), ("b", "c"))]
        judgements += [said(f"p{n}", "a", "c", "upgrade" if wise else "unsure"), said(f"p{n}", "d", "e", "no_upgrade")]
    kept = mg.kept_edges(mg.summarise(judgements))
    assert kept and mg.transitivity(judgements, kept).excess.lo > 0
