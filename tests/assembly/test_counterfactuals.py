"""Counterfactual arms: strategic voters, another facilitator, other seats; and questions that teach nothing."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.errors import UserError
from agents.requests import Generate
from societies.assembly import rules as r
from societies.assembly.config import led
from societies.assembly.rules.strategic import recount, strategic_profile
from societies.assembly.society import society
from societies.seam import Setting
from tests.assembly.acting import Town, play, small, town

PEOPLE = town(60, lambda n: -0.6 if n % 3 == 0 else 0.4)


# --- strategic ballots


def test_a_compromise_puts_the_best_placed_hope_first_and_burying_the_leader_last() -> None:
    profile = r.profile_from_orders([(0, 1, 2), (2, 1, 0), (1, 0, 2)], 3)
    poll, everybody = (0, 1, 2), np.arange(3)
    both = strategic_profile(profile, everybody, poll, "both")
    assert both.ranks.tolist() == [[0, 1, 2], [2, 0, 1], [2, 0, 1]], "who likes the leader best votes sincerely"
    assert strategic_profile(profile, everybody, poll, "compromise").ranks.tolist() == [[0, 1, 2], [2, 0, 1], [1, 0, 2]]
    assert strategic_profile(profile, everybody, poll, "bury").ranks[1].tolist() == [2, 1, 0]
    assert strategic_profile(profile, np.array([0]), poll, "both").ranks.tolist() == profile.ranks.tolist()


def test_compromising_elects_the_compromise_where_that_is_known() -> None:
    """Plurality of 4, 3 and 2: the two voters of the last candidate prefer the second to the first."""
    levels = np.array([[1.0, 0.5, 0.0]] * 4 + [[0.0, 1.0, 0.5]] * 3 + [[0.0, 0.5, 1.0]] * 2)
    found = recount(levels, r.plurality, 1.0, tactic="compromise")
    assert (found.winner, found.favours, found.num, found.num_able) == (0, 1, 9, 5)
    assert found.changes == 1 and found.gain_all == pytest.approx((-0.5 * 4 + 1 * 3 + 0.5 * 2) / 9)
    some = recount(levels, r.plurality, 2 / 9, tactic="compromise", num_draws=400)
    sincere = r.profile_of(-levels)
    wins = [
        r.break_ties(r.plurality(now), now, 0).order[0] == 1
        for pair in combinations(range(9), 2)
        if (now := strategic_profile(sincere, np.array(pair), (0, 1, 2), "compromise"))
    ]
    assert 0 < some.changes == pytest.approx(np.mean(wins), abs=0.06), "of all pairs of voters"
    assert some.num_draws == 400 and 0 <= some.by_chance <= 1
    nobody = recount(levels, r.plurality, 0.0)
    assert nobody.num_draws == 0 and np.isnan(nobody.gain_band).all()


def test_gains_have_the_interval_that_drawing_citizens_again_and_counting_at_length_gives() -> None:
    levels = np.random.default_rng(3).random((14, 4))
    found = recount(levels, r.plurality, 0.5, num_resamples=400)
    rng = np.random.default_rng(9)
    panels = [levels[rng.integers(14, size=14)] for _ in range(120)]
    long = [recount(y, r.plurality, 0.5, num_draws=60, num_resamples=0, seed=n) for n, y in enumerate(panels)]
    for band, point, name in (
        (found.gain_band, found.gain, "gain"),
        (found.gain_others_band, found.gain_others, "gain_others"),
    ):
        assert (band[0] + band[1]) / 2 == pytest.approx(point)
        se = np.std([getattr(one, name) for one in long], ddof=1)
        assert (band[1] - band[0]) / 2 == pytest.approx(1.96 * se, rel=0.35)
    assert found.num_voters == 14 and found.gain_by_chance < found.gain


def test_shuffled_ballots_cost_those_who_shuffle_them() -> None:
    """All of nine like the first best: a winner by shuffled ballots is worse for everybody by what they gave it."""
    levels = np.array([[1.0, 0.0]] * 9)
    found = recount(levels, r.plurality, 1.0, num_draws=200, num_resamples=0)
    assert found.gain == 0 and found.gain_by_chance == pytest.approx(-found.by_chance) and found.by_chance > 0.3
    assert np.isnan(found.gain_band).all()


def test_a_winner_whom_everybody_likes_best_cannot_be_moved() -> None:
    levels = np.array([[1.0, 0.2, 0.1]] * 7)
    for name in ("plurality", "borda", "schulze", "instant_runoff"):
        found = recount(levels, r.RULES[name], 0.5)
        assert (found.winner, found.changes, found.favours, found.num_able, found.gain) == (0, 0.0, None, 0, 0.0)
        assert found.gain_band == found.gain_others_band == (0.0, 0.0)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**31), st.sampled_from(["schulze", "borda", "plurality"]), st.sampled_from([0.2, 0.5]))
def test_a_recount_is_the_same_for_equal_ballots_and_gains_add_up(seed: int, rule: str, share: float) -> None:
    levels = np.random.default_rng(seed).random((9, 4))
    one = recount(levels, r.RULES[rule], share, num_draws=20, seed=seed % 1000)
    assert one == recount(levels, r.RULES[rule], share, num_draws=20, seed=seed % 1000)
    parts = (one.num * one.gain + (9 - one.num) * one.gain_others) / 9
    assert one.gain_all == pytest.approx(parts)
    assert (one.changes > 0) == (one.favours is not None)


# --- the arms


def test_the_arm_strategic_counts_replaced_ballots_and_keeps_the_sincere_ones() -> None:
    played = play(PEOPLE, arms=("full", "strategic"), strategic=0.5, num_critiques=1)
    own, main = played.rows("recounts", "strategic"), played.rows("recounts")
    assert [row["vote"] for row in own] == [row["vote"] for row in main] == ["V0", "V1"]
    assert all(len(row["voters"]) == row["num_strategic"] == 6 for row in own)
    assert len({tuple(row["voters"]) for row in own}) == 1 and all(row["voters"] == [] for row in main)
    assert all(row["counted"] == row["sincere"] for row in main)
    assert all(row["gain_lo"] <= row["gain"] <= row["gain_hi"] and row["num_voters"] == 12 for row in (*own, *main))
    winners = [row["ranking"][0] for row in played.rows("results", "strategic")]
    assert [row["counted"] for row in own] == winners
    ballots = {(b["citizen"], b["item"]): b["value"] for b in played.rows("ballots", "strategic") if b["vote"] == "V0"}
    items = sorted({item for _, item in ballots})
    people = sorted({citizen for citizen, _ in ballots})
    levels = np.array([[ballots[c, i] for i in items] for c in people])
    assert items[recount(levels, r.schulze, 0.5).winner] == own[0]["sincere"]


def test_recounting_asks_nobody() -> None:
    with_, without = (play(PEOPLE, arms=arms) for arms in (("full", "strategic"), ("full", "reseated")))
    own = [[key for key, _ in one.town.asked if ".full" in key] for one in (with_, without)]
    assert own[0] == own[1] and not without.rows("recounts")


def test_other_seats_are_the_only_difference_of_the_arm_reseated() -> None:
    played = play(PEOPLE, arms=("full", "reseated"))
    seats = [
        {(row["round"], row["citizen"]): row["table"] for row in played.rows("seats", a)} for a in ("full", "reseated")
    ]
    assert seats[0].keys() == seats[1].keys() and seats[0] != seats[1]
    people = [[row["persona_id"] for row in played.rows("citizens", arm)] for arm in ("full", "reseated")]
    assert people[0] == people[1]
    assert play(PEOPLE).rows("seats") == played.rows("seats"), "a further arm leaves full as it was"


def test_the_other_facilitator_leads_his_arm_alone_and_by_his_policy() -> None:
    assert [led(small(), arm) for arm in ("full", "other_facilitator", "no_facilitator")] == [
        "round_robin", "devils_advocate", "none",
    ]  # fmt: skip
    setting = Setting(seed=0, cast=lambda number, _: PEOPLE[:number], policies={"all": "p1", "base": "base"})
    asked: list[tuple[str, Any]] = []
    actors = Town()

    def answer(ticket: Any) -> Any:
        asked.append((ticket.key, ticket.request))
        return actors(ticket)

    _play(small(arms=("full", "other_facilitator"), other_facilitator_policy="base"), setting, answer)
    led_by = {
        (".other" in key, request.policy)
        for key, request in asked
        if isinstance(request, Generate) and request.purpose == "assembly/facilitate.v1"
    }
    assert led_by == {(False, "p1"), (True, "base")}


def _play(config: Any, setting: Setting, answer: Any) -> Any:
    from sim.engines.scripted import ScriptedEngine
    from sim.scheduler import Scheduler

    return list(Scheduler(ScriptedEngine(answer), run_seed=0, stage="t").play(society.scripts(config, setting)))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"other_facilitator": "round_robin"}, "led as full is"),
        ({"other_facilitator_policy": "nobody"}, "not served"),
    ],
)
def test_an_arm_that_differs_in_nothing_or_asks_nobody_is_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(UserError, match=why):
        play(PEOPLE, arms=("full", "other_facilitator"), **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"arms": ("full", "strategic", "reseated", "other_facilitator")},
        {"arms": ("other_facilitator",), "other_facilitator": "bids"},
        {"arms": ("full",), "held": 2},
    ],
)
def test_the_estimate_counts_new_arms_and_held_questions(changes: dict[str, Any]) -> None:
    # Statements here are two sentences long, and one camp in three citizens opposes them.
    settings = {"panel": 12, "num_clauses": 2, "quotas": ("sex", "camp"), **changes}
    setting = Setting(seed=0, cast=lambda number, _: PEOPLE[:number])
    expected = society.estimate(small(**settings), setting)
    played = play(PEOPLE, **settings)
    assert len(played.outcomes) == expected.num_scripts
    assert len(played.town.asked) == pytest.approx(expected.num_requests, rel=0.1)


# --- rounds of the loop


def scripts_of(round_: int, **changes: Any) -> list[str]:
    setting = Setting(seed=0, cast=lambda number, seed: PEOPLE[:number], round=round_)
    return [name for name, _ in society.scripts(small(**changes), setting)]


def test_further_rounds_take_the_next_questions_or_the_same() -> None:
    assert scripts_of(1, num_assemblies=2) == scripts_of(3, num_assemblies=2) == [
        "assembly-0000.full", "assembly-0001.full",
    ]  # fmt: skip
    later = scripts_of(2, num_assemblies=2, each_round="next")
    assert later == ["assembly-0002.full", "assembly-0003.full"]
    assert scripts_of(1, num_assemblies=2, each_round="next") == scripts_of(1, num_assemblies=2)


def test_held_questions_are_settled_in_the_first_round_teach_nothing_and_are_never_taught() -> None:
    assert scripts_of(1, held=2)[-2:] == ["held-0000.full", "held-0001.full"]
    assert scripts_of(2, held=2) == ["assembly-0000.full"]
    played = play(PEOPLE, held=1, skip=5, num_assemblies=3, panel=6, num_candidates=2, num_rounds=1, num_critiques=0)
    by_name = {row["assembly"]: row["question_id"] for row in played.rows("assemblies")}
    assert by_name.pop("held-0000") == "ai-must-say-so" not in by_name.values()
    assert played.samples and not [one for one in played.samples if one.sample_id.startswith("held")]
    with pytest.raises(UserError, match="held = 8"):
        scripts_of(1, held=8)
