"""`folkmoot vote --kind shares`: rules that divide a whole, reckoned by hand, and what the tool says of bad ballots."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.errors import UserError
from dashboards.tools.vote_files import read_ballots
from dashboards.tools.vote_shares import divided, plain_shares
from dashboards.verbs.vote import verb
from societies.assembly.rules import (
    SHARE_RULES,
    independent_markets,
    mean_shares,
    median_shares,
    overlap,
    quadratic_shares,
)

GOLDEN = np.array([[0.8, 0.2, 0.0], [0.6, 0.4, 0.0], [0.0, 0.0, 1.0]])
ONE = np.ones(3)
HEAD = "voter,camp,roads,schools,parks\n"
GOOD = HEAD + "a,x,80,20,0\nb,x,60,40,\nc,y,0,0,100\n"


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    verb.configure(parser)
    return verb.run(parser.parse_args(words))


def write(folder: Path, text: str) -> Path:
    path = folder / "shares.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_three_ballots_reckoned_by_hand() -> None:
    assert mean_shares(GOLDEN, ONE) == pytest.approx([1.4 / 3, 0.6 / 3, 1 / 3])
    # Medians .6, .2 and 0 are scaled by 1 / .8.
    assert median_shares(GOLDEN, ONE) == pytest.approx([0.75, 0.25, 0])
    # At t = 1/4: max(min(.8, t), min(.6, 2t)) + max(min(.4, t), min(.2, 2t)) + min(1, t) = 1/2 + 1/4 + 1/4.
    assert independent_markets(GOLDEN, ONE) == pytest.approx([0.5, 0.25, 0.25])
    votes = np.array([0.8**0.5 + 0.6**0.5, 0.2**0.5 + 0.4**0.5, 1.0])
    assert quadratic_shares(GOLDEN, ONE) == pytest.approx(votes / votes.sum())
    assert overlap(GOLDEN, np.array([0.5, 0.25, 0.25])) == pytest.approx([0.7, 0.75, 0.25])


def test_voters_of_one_option_each_get_their_proportion_from_markets_and_nothing_from_small_medians() -> None:
    p = np.eye(3)[[0, 0, 0, 1, 1, 2]]
    assert independent_markets(p, np.ones(6)) == pytest.approx([1 / 2, 1 / 3, 1 / 6])
    assert median_shares(p, np.ones(6)) == pytest.approx([1, 0, 0])
    assert np.isnan(median_shares(np.eye(3), ONE)).all()


ballots = st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3).filter(any), min_size=2, max_size=7)


@settings(max_examples=60, deadline=None)
@given(ballots, st.data())
def test_divisions_add_up_count_weights_as_copies_and_know_no_names(rows: list[list[int]], data: st.DataObject) -> None:
    p = np.array(rows, dtype=float)
    p /= p.sum(axis=1, keepdims=True)
    copies = np.array(data.draw(st.lists(st.integers(1, 3), min_size=len(p), max_size=len(p))))
    for rule in SHARE_RULES.values():
        found = rule(p, copies.astype(float))
        if np.isnan(found).any():
            continue
        assert found.sum() == pytest.approx(1) and (found >= 0).all()
        assert rule(np.repeat(p, copies, axis=0), np.ones(copies.sum())) == pytest.approx(found)
        assert rule(p[::-1, ::-1], copies[::-1].astype(float)) == pytest.approx(found[::-1])
        assert rule(np.tile(p[:1], (3, 1)), ONE) == pytest.approx(p[0]) or rule is quadratic_shares


@settings(max_examples=60, deadline=None)
@given(ballots, st.lists(st.integers(0, 9), min_size=3, max_size=3).filter(any))
def test_no_voter_gains_by_misreporting_to_markets(rows: list[list[int]], lie: list[int]) -> None:
    p = np.array(rows, dtype=float)
    p /= p.sum(axis=1, keepdims=True)
    told = p.copy()
    told[0] = np.array(lie) / sum(lie)
    w = np.ones(len(p))
    honest, after = (overlap(p[:1], independent_markets(x, w))[0] for x in (p, told))
    assert after <= honest + 1e-9


def test_a_voter_gains_by_exaggerating_to_the_mean() -> None:
    p = np.array([[0.7, 0.3], [0.3, 0.7]])
    told = np.array([[1.0, 0.0], [0.3, 0.7]])
    assert overlap(p[:1], mean_shares(told, np.ones(2)))[0] > overlap(p[:1], mean_shares(p, np.ones(2)))[0]


def test_resamples_are_counted_as_one_by_one() -> None:
    weights = np.random.default_rng(0).integers(1, 4, size=(5, 3)).astype(float)
    for rule in SHARE_RULES.values():
        assert rule(GOLDEN, weights) == pytest.approx(np.stack([rule(GOLDEN, w) for w in weights]))


def test_the_report_has_intervals_nulls_groups_and_says_what_was_dropped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, GOOD + "d,y,50,40,0\ne,y,-10,110,0\nf,y,33.3,33.3,33.3\ng,y,,,\n")
    words = (str(path), "--kind", "shares", "--total", "100", "--id", "voter", "--group", "camp")
    assert run(*words, "--bootstrap", "200", "--plot", str(tmp_path / "c.svg")) == 0
    out = capsys.readouterr().out
    for said in ("4 of 7 ballots", "adds up to 90 instead of 100", "gives less than nothing to roads", "is blank"):
        assert said in out
    assert "independent_markets" in out and "null: an even split gives 33 % to each." in out
    assert (tmp_path / "c.svg").read_text().count("independent_markets") >= 1
    assert run(*words, "--bootstrap", "200", "--json") == 0
    plain = json.loads(capsys.readouterr().out)
    assert [d["row"] for d in plain["dropped"]] == [4, 5, 7]
    for rule in plain["rules"]:
        assert sum(rule["shares"]) == pytest.approx(1) and rule["met"]["n"] == 4
        for share, (lo, hi) in zip(rule["shares"], rule["intervals"], strict=True):
            assert lo <= share <= hi and lo < hi
        assert [(g["group"], g["n"]) for g in rule["by_group"]] == [("x", 2), ("y", 2)]


def test_intervals_stay_within_strata_and_equal_seeds_give_equal_reports(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    ballots = read_ballots(path, "shares", stratum="voter", ignore=["camp"], total=100)
    one = plain_shares(divided("f", ballots, only=["mean"], num_resamples=50))
    # Everybody is a stratum, so that every resample is the vote itself.
    assert one["rules"][0]["intervals"] == [[pytest.approx(s)] * 2 for s in one["rules"][0]["shares"]]
    loose = read_ballots(path, "shares", ignore=["voter", "camp"], total=100)
    assert plain_shares(divided("f", loose, seed=3)) == plain_shares(divided("f", loose, seed=3))
    assert plain_shares(divided("f", loose, seed=3)) != plain_shares(divided("f", loose, seed=4))


def test_a_median_of_nothing_is_said_to_be_undefined(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, "a,b,c\n1,0,0\n0,1,0\n0,0,1\n")
    assert run(str(path), "--kind", "shares") == 0
    out = capsys.readouterr().out
    assert "undefined" in out and "every median is 0" in out
    assert run(str(path), "--kind", "shares", "--json") == 0
    median = json.loads(capsys.readouterr().out)["rules"][1]
    assert median["shares"] == [None] * 3 and median["met"]["interval"] == [None, None]


@pytest.mark.parametrize(
    ("text", "more", "message"),
    [
        (GOOD, ("--id", "voter", "--group", "camp"), "adds up to 100 instead of 1"),
        (GOOD, ("--total", "100"), '"a" for voter is no number'),
        (GOOD, ("--total", "100", "--id", "votr"), 'no column "votr"'),
        (GOOD + "a,x,0,0,100\n", ("--total", "100", "--id", "voter", "--group", "camp"), "id is that of row 1"),
        (GOOD, ("--total", "0"), "--total 0 cannot be divided"),
        (GOOD, ("--seats", "2"), "--seats does not go with --kind shares"),
        (GOOD, ("--costs", "c.csv", "--budget", "2"), "--costs"),
        (GOOD, ("--total", "100", "--id", "voter", "--group", "camp", "--rules", "meen"), 'called "meen"'),
        (HEAD, (), "no valid ballot"),
    ],
)
def test_bad_files_and_options_say_what_is_wrong(
    tmp_path: Path, text: str, more: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UserError) as caught:
        run(str(write(tmp_path, text)), "--kind", "shares", *more)
    error = caught.value
    assert message in f"{error.given} {error.why}" and error.why and error.fix


def test_total_needs_the_kind(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--total was given without --kind shares"):
        run(str(write(tmp_path, GOOD)), "--kind", "score", "--total", "100")
