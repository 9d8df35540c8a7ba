"""Rows from where votes are going: aligned by what was asked, on the line through the rounds, blind to the future."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.errors import UserError
from agents.registry import find
from agents.sample import Sample
from agents.statistics.extrapolation import extrapolate_shares, hard_targets
from selfalign.build.rows import TrainingSet
from selfalign.config import ChoiceConfig, Extrapolate
from selfalign.label.extrapolated import copies_of, extrapolated
from selfalign.label.shares import mean_share
from selfalign.samples import Funnel
from tests.selfalign.test_assembly_recipes import choice

LINE = Extrapolate(order=1, shrink=1.0)
HARD = Extrapolate(order=1, votes="hard")
CONTROL = find("recipes", "utility_control")


def round_of(number: int, shares: list[float], *, people: int = 1000) -> list[Sample]:
    """One vote a pair and round; ids differ between rounds, as a society's do."""
    return [
        replace(
            sample, sample_id=f"r{number}.{sample.sample_id}", meta={"scene_id": sample.sample_id, "num_voters": people}
        )
        for sample in (choice(n, [share]) for n, share in enumerate(shares))
    ]


def odds(share: float) -> float:
    return float(np.log(share / (1 - share)))


def taught(rounds: list[list[Sample]], now: int, config: Extrapolate) -> TrainingSet:
    """The rows of round `now` of a run that went on longer."""
    return CONTROL.rows(rounds[now], ChoiceConfig(extrapolate=config), 0, earlier=rounds[:now])[0]


def test_the_line_through_two_rounds_is_what_is_taught_in_both_orders() -> None:
    rounds = [round_of(k, [0.5 + 0.1 * k, 0.9 - 0.2 * k]) for k in (1, 2)]
    rows = taught(rounds, 1, LINE).rows
    assert len(rows) == 4
    for row, back, (old, new) in zip(rows[::2], rows[1::2], [(0.6, 0.7), (0.7, 0.5)], strict=True):
        assert odds(row["target"][0]) == pytest.approx(2 * odds(new) - odds(old), abs=0.01)
        assert row["target"] == back["target"][::-1]


@given(seed=st.integers(0, 99), order=st.integers(0, 3), horizon=st.integers(1, 3))
@settings(max_examples=20, derandomize=True, deadline=None)
def test_shares_are_the_shared_mathematics(seed: int, order: int, horizon: int) -> None:
    shares = np.random.default_rng(seed).uniform(0.05, 0.95, (4, 6))
    rounds = [round_of(k, list(row)) for k, row in enumerate(shares)]
    config = Extrapolate(order=order, horizon=horizon)
    found, _ = extrapolated(rounds[-1], rounds[:-1], config, Funnel())
    known = extrapolate_shares(shares[-(order + 1) :], order, horizon, num_voters=1000.0)
    assert [mean_share(sample) for sample in found] == pytest.approx(known.tolist())


@pytest.mark.parametrize("order", [1, 2])
def test_hard_votes_become_a_side_and_copies_at_most_five(order: int) -> None:
    shares = np.array([[0.9, 0.2, 0.9, 0.2], [0.8, 0.1, 0.1, 0.9], [0.9, 0.2, 0.8, 0.1]])
    rounds = [round_of(k, list(row)) for k, row in enumerate(shares)]
    config = Extrapolate(order=order, horizon=2, votes="hard")
    found, _ = extrapolated(rounds[-1], rounds[:-1], config, Funnel())
    expected = hard_targets(np.sign(2 * shares - 1), order, 2)
    assert [copies_of(one) * (1 if mean_share(one) == 1 else -1) for one in found] == expected.tolist()
    assert max(copies_of(one) for one in found) == 5
    rows = CONTROL.rows(rounds[-1], ChoiceConfig(extrapolate=config), 0, earlier=rounds[:-1])[0].rows
    assert len(rows) == 2 * sum(copies_of(one) for one in found)
    assert {tuple(row["target"]) for row in rows} == {(0.0, 1.0), (1.0, 0.0)}


@pytest.mark.parametrize("config", [LINE, HARD, Extrapolate(order=2), Extrapolate(order=2, horizon=2, votes="hard")])
@pytest.mark.parametrize("now", [0, 1, 2])
def test_nothing_of_the_future_reaches_the_rows(config: Extrapolate, now: int) -> None:
    rng = np.random.default_rng(3)
    shares = rng.uniform(0.1, 0.9, (4, 5))
    noise = np.vstack([shares[: now + 1], rng.uniform(0.1, 0.9, (3 - now, 5))])
    rounds, others = ([round_of(k, list(row)) for k, row in enumerate(table)] for table in (shares, noise))
    assert taught(rounds, now, config).digest == taught(others, now, config).digest
    if now < 3:
        assert taught(rounds, 3, config).digest != taught(others, 3, config).digest


def test_the_first_round_has_no_line_and_teaches_what_was_voted() -> None:
    first = round_of(1, [0.7, 0.2])
    found, _ = extrapolated(first, [], LINE, Funnel())
    assert [mean_share(sample) for sample in found] == pytest.approx([0.7, 0.2], abs=1e-3)


def test_order_and_ids_of_earlier_rounds_do_not_matter_and_gaps_are_filled() -> None:
    rounds = [round_of(k, [0.6, 0.3, 0.5 + 0.1 * k]) for k in (1, 2, 3)]
    whole, _ = extrapolated(rounds[2], rounds[:2], LINE, Funnel())
    turned = [list(reversed(samples)) for samples in rounds[:2]]
    assert [s.votes for s in extrapolated(rounds[2], turned, LINE, Funnel())[0]] == [s.votes for s in whole]
    torn, _ = extrapolated(rounds[2], [rounds[0], rounds[1][:2]], LINE, Funnel())
    assert mean_share(torn[2]) == pytest.approx(0.8, abs=1e-3), "with one known point a share is carried on"
    wide = replace(LINE, order=2)
    shifted = [replace(rounds[0][2], sample_id="x", votes=choice(0, [0.7]).votes), *rounds[0][:2]]
    assert mean_share(extrapolated(rounds[2], [shifted, rounds[1]], wide, Funnel())[0][2]) != mean_share(whole[2])


def test_few_voters_shrink_the_move_and_lifelong_leaves_votes_as_they_are() -> None:
    rounds = [round_of(k, [0.5 + 0.04 * k] * 3, people=8) for k in (0, 1)]
    auto, _ = extrapolated(rounds[1], rounds[:1], Extrapolate(order=1), Funnel())
    fixed, _ = extrapolated(rounds[1], rounds[:1], LINE, Funnel())
    assert mean_share(auto[0]) < mean_share(fixed[0])
    plain = CONTROL.rows(rounds[1], ChoiceConfig(), 0)[0]
    assert taught(rounds, 1, Extrapolate(order=0)).digest == plain.digest


def test_pairs_that_cancel_and_what_is_no_pair_are_counted() -> None:
    rounds = [round_of(k, row) for k, row in enumerate([[0.5, 0.9], [0.9, 0.9], [0.9, 0.9]])]
    only = replace(rounds[2][1], sample_id="alone", candidates=rounds[2][1].candidates[:1], votes=())
    found, funnel = extrapolated([*rounds[2], only], rounds[:2], replace(HARD, order=2), Funnel())
    assert len(found) == 1
    assert "votes cancel or tie: 1" in str(funnel) and "no pair of options: 1" in str(funnel)


def test_questions_that_change_every_round_cannot_be_extrapolated() -> None:
    strangers = [replace(sample, candidates=choice(77, [0.5]).candidates) for sample in round_of(1, [0.5])]
    with pytest.raises(UserError, match="None of the 2 pairs") as error:
        extrapolated(round_of(2, [0.5, 0.6]), [strangers], LINE, Funnel())
    assert "recipe.extrapolate.order=0" in error.value.fix
    with pytest.raises(UserError, match=r"recipe\.target = borda cannot be extrapolated"):
        CONTROL.check(ChoiceConfig(target="borda", extrapolate=LINE))
