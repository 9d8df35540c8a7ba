"""With random voters every sign of the report covers its null, and only panels that differ are told apart."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from dashboards.assembly_panels import panel_lines
from dashboards.assembly_signs import SIGNS, best_by_chance, number_over, sure_by_chance
from dashboards.assembly_source import Archive, Key, Poll
from dashboards.findings import find_out
from dashboards.sources import Reader
from sim.engines.base import Ticket
from societies.assembly.agenda import load_agenda
from tests.dashboards.fake_assembly import make_assembly

NUM = 8


def dice(ticket: Ticket) -> Mapping[str, float]:
    rng = random.Random(ticket.seed)
    return {one: -math.log(rng.random()) for one in ticket.request.options}  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def polls(tmp_path_factory: pytest.TempPathFactory) -> dict[Key, Poll]:
    old, new = ("survey", "quiz", "influence"), ("endorse", "clause_vote", "statement_vote", "want_answer")
    changed = dict.fromkeys([*(f"{name}.v1" for name in old), *(f"{name}.v2" for name in new)], dice)
    run = make_assembly(
        tmp_path_factory.mktemp("dice"), changed=changed, num_assemblies=NUM, skip=len(load_agenda(None)) - 1,
        panel=16, values=False, written=0, num_judges=0, num_critiques=0, baselines=False,
    )  # fmt: skip
    return Archive(Reader(run), ["r1.play"]).polls()


def test_with_random_voters_every_sign_covers_its_null(polls: dict[Key, Poll]) -> None:
    hits: dict[str, list[bool]] = {}
    for key, poll in polls.items():
        control = polls[Key(stage=key.stage, assembly=key.assembly, arm="no_interaction")]
        for sign in SIGNS:
            found = [] if sign.against_control else [number_over(sign, [(poll, None)], 200)]
            if sign.pairs and key.arm == "full":
                found.append(number_over(sign, [(poll, control)], 200))
            for one in found:
                if one is not None and one.null is not None and one.lo is not None and one.hi is not None:
                    hits.setdefault(sign.name, []).append(one.lo <= one.null <= one.hi)
    assert len(hits) == len(SIGNS)
    for name, own in hits.items():
        # Three standard errors of a binomial share below 95 %, and one miss: bootstraps of 16 are a little narrow.
        assert np.mean(own) >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / len(own)) - 1 / len(own), name
    everything = [one for own in hits.values() for one in own]
    assert np.mean(everything) >= 0.88 and len(everything) > 100


def test_the_best_of_many_by_chance_is_above_one_at_random() -> None:
    levels = np.random.default_rng(1).random((12, 6))
    assert levels.mean() < best_by_chance(levels) < 1
    assert best_by_chance(np.full((4, 3), 0.5)) == pytest.approx(0.5)


def test_a_picked_winner_wins_again_more_often_than_one_at_random() -> None:
    levels = np.random.default_rng(1).random((12, 6))
    assert 0.3 < sure_by_chance(levels) < 0.9
    assert sure_by_chance(np.tile([[0.1, 0.9]], (400, 1))) < 0.95


def test_drafts_and_candidates_are_held_against_the_best_by_chance(tmp_path: Path) -> None:
    run = make_assembly(tmp_path, arms=("full",), values=False, written=0, num_judges=0)
    found = find_out(run).assemblies
    assert found is not None
    (account,) = found.shown
    polls = Archive(Reader(run), ["r1.play"]).polls()
    (poll,) = polls.values()
    by_vote = {name: levels for name, _, levels in poll.votes}
    for step in account.history:
        if step.title.startswith("Vote "):
            assert step.support is not None
            assert step.support.null == pytest.approx(best_by_chance(by_vote[step.title.removeprefix("Vote ")]))
    assert account.recount is not None
    assert account.recount.best_support == pytest.approx(best_by_chance(poll.votes[-1][2]))
    assert account.recount.best_support > poll.votes[-1][2].mean()


def test_random_panels_do_not_differ_and_planted_ones_do(polls: dict[Key, Poll]) -> None:
    same = dict.fromkeys(polls, "Q?")
    lines = panel_lines(polls, same, seed=0)
    assert [one.what for one in lines] == ["agreement before", "agreement after"]
    for one in lines:
        assert one.num_panels == NUM and one.between.n == NUM * 16
        assert one.between.lo is not None and one.between.lo <= 0.02
        assert one.spread == pytest.approx(one.dealt, rel=0.7)
    full = [key for key in polls if key.arm == "full"]
    for k, key in enumerate(full):
        polls[key].after[:, 0] += 2.0 * (k % 2)  # type: ignore[index]
    moved = panel_lines(polls, same, seed=0)[1]
    for k, key in enumerate(full):
        polls[key].after[:, 0] -= 2.0 * (k % 2)  # type: ignore[index]
    assert moved.between.lo > 0.5 and moved.spread > 3 * moved.dealt
    assert not panel_lines(polls, {key: key.assembly for key in polls}, seed=0)


def test_the_report_tells_panels_apart(tmp_path: Path) -> None:
    run = make_assembly(
        tmp_path, num_assemblies=2, skip=len(load_agenda(None)) - 1, arms=("full",), values=False, written=0,
        num_judges=0, num_critiques=0,
    )  # fmt: skip
    found = find_out(run).assemblies
    assert found is not None and [one.num_panels for one in found.panels] == [2, 2]
