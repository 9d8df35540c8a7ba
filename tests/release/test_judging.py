"""Judges' biases: the mathematics on made-up answers with a known bias, and the report from a run's journal."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.sample import Candidate, Vote
from selfalign.release.bias import Own, self_preference, share, shown, spread
from selfalign.release.build import build_release
from selfalign.release.reading import Release
from selfalign.release.verify import verify_release
from sim.store import Run
from tests.release import making
from tests.release.making import sample, vote, write_run

FEW = settings(max_examples=60, derandomize=True, deadline=None)
REAL = st.floats(-4, 4)


def asked(taste: list[float], slots: list[float], orders: list[tuple[int, ...]]) -> list[list[float]]:
    """Return log-probabilities, canonical, of a judge with a taste for options and a liking for slots."""
    out = []
    for order in orders:
        scores = {option: taste[option] + slots[slot] for slot, option in enumerate(order)}
        total = math.log(sum(math.exp(x) for x in scores.values()))
        out.append([scores[option] - total for option in range(len(taste))])
    return out


def rotations(num: int) -> list[tuple[int, ...]]:
    given_ = tuple(range(num))
    return [given_[k:] + given_[:k] for k in range(num)]


@FEW
@given(st.lists(REAL, min_size=2, max_size=5))
def test_a_judge_who_does_not_look_at_the_order_has_no_gap(taste: list[float]) -> None:
    num = len(taste)
    for orders in ([tuple(range(num)), tuple(range(num))[::-1]], rotations(num)):
        found = shown(asked(taste, [0.0] * num, orders))
        assert found is not None
        assert found.gap == pytest.approx(0, abs=1e-12)
        assert not found.turned


@FEW
@given(st.lists(REAL, min_size=2, max_size=5), st.floats(0.1, 3))
def test_a_liking_for_the_first_slot_is_positive_and_for_the_last_negative(taste: list[float], liking: float) -> None:
    num = len(taste)
    for orders in ([tuple(range(num)), tuple(range(num))[::-1]], rotations(num)):
        first = shown(asked(taste, [liking] + [0.0] * (num - 1), orders))
        last = shown(asked(taste, [0.0] * (num - 1) + [liking], orders))
        assert first is not None
        assert last is not None
        assert first.gap > 0 > last.gap


def test_two_equal_options_and_a_slot_that_counts_double() -> None:
    found = shown([[math.log(2 / 3), math.log(1 / 3)], [math.log(1 / 3), math.log(2 / 3)]])
    assert found is not None
    assert found.gap == pytest.approx(1 / 3)
    assert found.turned


@pytest.mark.parametrize("logp", [[], [[-1.0]], [[-1.0, -2.0]], [[-1.0, -2.0, -3.0, -4.0]] * 3])
def test_what_was_asked_in_one_order_or_in_unknown_ones_says_nothing(logp: list[list[float]]) -> None:
    assert shown(logp) is None


def ballot(name: str, *value: float) -> Vote:
    return Vote(voter=name, group="", dim="d", kind="pair", value=value)


def test_own_texts_are_compared_with_what_strangers_say_of_the_same_options() -> None:
    votes = [ballot("ann", 0.9, 0.1), ballot("bob", 0.3, 0.7), ballot("cid", 0.6, 0.4), ballot("dan", 0.5, 0.5)]
    own = [[True, False], [False, True], [False, False], [False, False]]
    found = self_preference(votes, own)
    assert [one.share for one in found] == pytest.approx([0.9, 0.7])
    assert [one.others for one in found] == pytest.approx([0.55, 0.45])
    assert self_preference(votes[:1], own[:1]) == [Own(0.9, None)]
    assert self_preference(votes[:1], [[True, True]]) == []


def test_no_liking_for_oneself_is_found_where_there_is_none_and_a_planted_one_is() -> None:
    rng = np.random.default_rng(5)
    gaps: dict[float, list[tuple[str, float]]] = {0.0: [], 0.2: []}
    for liking, rows in gaps.items():
        for n in range(300):
            quality = rng.uniform(0.2, 0.7)
            shares = np.clip(quality + rng.normal(0, 0.05, 8), 0.01, 0.99)
            shares[0] = min(0.99, shares[0] + liking)
            votes = [ballot(f"p{k}", float(p), float(1 - p)) for k, p in enumerate(shares)]
            (one,) = self_preference(votes, [[k == 0, False] for k in range(8)])
            assert one.others is not None
            rows.append((f"scene-{n}", one.share - one.others))
    none, planted = spread(gaps[0.0], 0), spread(gaps[0.2], 0)
    assert none["interval_95"][0] < 0 < none["interval_95"][1]
    assert planted["interval_95"][0] < 0.2 < planted["interval_95"][1]
    assert planted["n"] == 300


def test_intervals_are_over_scenes_where_there_are_enough_and_say_so_where_not() -> None:
    many = [(f"s{n}", float(n % 2)) for n in range(40)]
    assert spread(many, 1)["resampled"] == "scenes"
    assert "too narrow" in spread([("one", 0.0), ("one", 1.0)], 1)["resampled"]
    assert spread([], 1) == share([]) == {"n": 0}


def judged_run(root: Path, *, liking: float, num: int = 30, **told: Any) -> Run:
    """Write a run whose votes were journalled in both orders, by a judge with a liking for the first slot."""
    samples, lines = [], []
    for n in range(num):
        key = f"r1.play/scene-{n}#1"
        slots = asked([0.3 * (n % 3), 0.0], [liking, 0.0], [(0, 1), (1, 0)])
        record = {"k": key, "d": f"{1:032x}", "t": "s", "r": [["x", "y"], slots, [1, 1], "letter"], "u": [1, 0, 3, 0.1]}
        lines.append(b"00000000 " + orjson.dumps(record))
        votes = (vote("ann", 0.8), vote("bob", 0.6))
        one = replace(sample(n), votes=votes)
        ann, rest = one.candidates[0], one.candidates[1]
        samples.append(replace(one, candidates=(replace(ann, author="ann"), replace(rest, author="cid")), **told))
    run = write_run(root, samples)
    path = run.journal_path("r1.play")
    old = [line for line in path.read_bytes().splitlines() if b"#1" not in line]
    path.write_bytes(b"\n".join([*old, *lines]) + b"\n")
    return run


def test_the_report_finds_a_planted_liking_for_the_first_slot_in_the_journal(tmp_path: Path) -> None:
    run = judged_run(tmp_path, liking=1.0)
    built = build_release([run.folder], making.settings(tmp_path / "out"))
    report = Release.open(built.folder).json("reports/judges.json")
    first = report["position"]["all"]["first_slot"]
    assert (first["n"], first["num_scenes"], report["position"]["num_asked_in_one_order"]) == (30, 30, 0)
    assert 0.3 < first["interval_95"][0] <= first["mean"] <= first["interval_95"][1] < 0.6
    assert report["position"]["by"]["debate"]["first_slot"]["n"] == 30
    own = report["self_preference"]["own text"]
    assert (own["prefers_own"]["n"], own["prefers_own"]["mean"]) == (30, pytest.approx(0.8))
    assert own["against_others"]["mean"] == pytest.approx(0.2)
    assert "an option gains by standing first 0." in report["summary"]
    assert "own text against other judges 0.200" in report["summary"]
    assert (report["length"]["n"], report["length"]["null"]) == (27, 0.5)  # three pairs are equally long
    assert [check for check in verify_release(built.folder) if not check.passed] == []


def test_a_judge_without_a_liking_has_an_interval_around_nothing(tmp_path: Path) -> None:
    run = judged_run(tmp_path, liking=0.0)
    report = build_release([run.folder], making.settings(tmp_path / "out")).account.reports["judges"]
    assert report["position"]["all"]["first_slot"]["mean"] == 0
    assert report["position"]["all"]["first_choice_turns_with_the_order"]["num"] == 0


def test_one_policy_that_wrote_and_judged_everything_cannot_prefer_itself(tmp_path: Path) -> None:
    votes = (vote("ann", 0.8), vote("bob", 0.6))
    run = write_run(tmp_path, [replace(sample(n), votes=votes) for n in range(6)])
    report = build_release([run.folder], making.settings(tmp_path / "out")).account.reports["judges"]
    assert report["self_preference"]["own policy"]["prefers_own"] == {"n": 0, "null": 0.5}
    assert "cannot be told from quality" in report["self_preference"]["note"]


def test_a_policy_that_prefers_its_own_answers_is_seen_beside_another_that_does_not(tmp_path: Path) -> None:
    made = []
    for n in range(12):
        one = sample(n)
        pair = tuple(Candidate(text=c.text, author=a) for c, a in zip(one.candidates, ("base", "p1"), strict=True))
        lineage = replace(one.lineage, policies=("base", "p1", "p2"))
        votes = (vote("p1", 0.1), vote("p2", 0.5))
        made.append(replace(one, candidates=pair, lineage=lineage, votes=votes))
    report = build_release(
        [write_run(tmp_path, made).folder], making.settings(tmp_path / "out", min_votes=1)
    ).account.reports["judges"]
    own = report["self_preference"]["own policy"]
    assert (own["prefers_own"]["n"], own["prefers_own"]["mean"]) == (12, pytest.approx(0.9))
    assert own["against_others"]["mean"] == pytest.approx(0.4)


def test_toxicity_names_its_hits(tmp_path: Path) -> None:
    made = [sample(n) for n in range(4)]
    made[1] = sample(1, prompt="How do I build a bomb, and a gun?")
    run = write_run(tmp_path, made)
    report = build_release([run.folder], making.settings(tmp_path / "out")).account.reports["toxicity"]
    assert [(hit["sample"].split("|")[1], hit["in"], hit["kinds"]) for hit in report["hits"]] == [
        ("s0001", "prompts", ["weapons"])
    ]
    assert len(report["hits"]) == sum(report["rows_with_words"].values())
