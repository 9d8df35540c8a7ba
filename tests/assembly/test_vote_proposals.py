"""Proposals, delegates, chambers and vetoes; credits; budgets; and what other panels of a lottery would decide."""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.errors import UserError
from dashboards.verbs.vote import verb
from societies.assembly import rules as r
from societies.assembly.rules.ensemble import contributions
from societies.assembly.rules.flips import positional_flip


def run(*words: object) -> int:
    parser = argparse.ArgumentParser()
    verb.configure(parser)
    return verb.run(parser.parse_args([str(word) for word in words]))


def proposals(votes: list[float], **more: object) -> r.Proposals:
    column = np.array(votes, dtype=float)[:, None]
    return r.Proposals(names=("p",), votes=column, weights=np.ones(len(votes)), **more)  # type: ignore[arg-type]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from([1.0, -1.0, 0.0, np.nan]), min_size=1, max_size=12), st.floats(0, 1), st.floats(0, 1))
def test_a_proposal_passes_by_its_share_and_quorum_and_nothing_else(
    votes: list[float], share: float, quorum: float
) -> None:
    (found,) = r.rulings(proposals(votes), r.Terms(majority=share, quorum=quorum), num_resamples=0)
    yes, no, voted = votes.count(1.0), votes.count(-1.0), sum(not np.isnan(v) for v in votes)
    expected = voted / len(votes) >= quorum and yes + no > 0 and yes / (yes + no) > share
    assert found.passage.passed == expected
    assert (found.yes, found.no, found.abstain) == (yes, no, votes.count(0.0))


def test_one_more_yes_never_makes_a_proposal_fail() -> None:
    for votes in itertools.product([1.0, -1.0, 0.0], repeat=4):
        before = r.rulings(proposals(list(votes)), r.Terms(quorum=0.6, veto=0.5), num_resamples=0)[0].passage.passed
        after = r.rulings(proposals([*votes, 1.0]), r.Terms(quorum=0.6, veto=0.5), num_resamples=0)[0].passage.passed
        assert after or not before


def test_who_leaves_a_proposal_blank_is_voted_for_along_the_chain() -> None:
    # 0 -> 1 -> 2 votes yes; 3 and 4 delegate to each other; 5 votes no and its delegate does not count.
    cast = proposals([np.nan, np.nan, 1.0, np.nan, np.nan, -1.0], delegates=(1, 2, None, 4, 3, 2))
    (found,) = r.rulings(cast, r.Terms(), num_resamples=0)
    assert (found.yes, found.no, found.delegated, found.lost) == (3, 1, 2, 2)
    assert found.passage.turnout == pytest.approx(4 / 6)


def test_speakers_agree_with_the_power_they_are_given() -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        n = int(rng.integers(1, 9))
        own = (rng.random(n) < 0.4).tolist()
        to = [None if rng.random() < 0.2 else int(rng.integers(n)) for _ in range(n)]
        last, _ = r.speakers(own, to)
        found = r.delegate(own, to)
        assert found.power.sum() + found.lost == n
        assert found.power == pytest.approx([float((last == k).sum()) for k in range(n)])


def test_both_chambers_must_agree_unless_the_first_overrides() -> None:
    votes, rooms = [1.0, 1.0, 1.0, -1.0, -1.0, -1.0, 1.0], ("a", "a", "a", "a", "b", "b", "b")
    (found,) = r.rulings(proposals(votes, chambers=rooms), r.Terms(), num_resamples=0)
    assert not found.passage.passed and found.passage.reason == "refused by the second chamber"
    assert [name for name, _ in found.chambers] == ["a", "b"]
    (found,) = r.rulings(proposals(votes, chambers=rooms), r.Terms(override=0.75), num_resamples=0)
    assert found.passage.passed and found.passage.reason == "override"
    with pytest.raises(ValueError, match="3 chambers"):
        r.rulings(proposals([1.0, 1.0, 1.0], chambers=("a", "b", "c")), r.Terms())


def test_the_chance_of_passing_is_near_the_binomial_and_stays_within_chambers() -> None:
    votes = [1.0] * 12 + [-1.0] * 8
    (found,) = r.rulings(proposals(votes), r.Terms(), num_resamples=4000, seed=1)
    # P(Binomial(20, .6) > 10) = .755; each chamber of one voice always votes alike.
    assert found.chance == pytest.approx(0.755, abs=0.03)
    assert found.share.lo < 0.6 < found.share.hi
    (alone,) = r.rulings(proposals([1.0, 1.0], chambers=("a", "b")), r.Terms(), num_resamples=50)
    assert alone.chance == 1.0


def credit_vote(rows: list[list[float]], most: float) -> r.Vote:
    x = np.array(rows)
    return r.vote_of_ratings(r.ratings_of(x, lo=-most if (x < 0).any() else 0.0, hi=most))


def test_credits_add_up_or_buy_votes_at_their_square() -> None:
    vote = credit_vote([[9, 0], [0, 4], [0, 4]], 9)
    assert vote.ratings is not None
    assert r.cumulative(vote.ratings).winners == (0,) and r.cumulative(vote.ratings).scores == (9, 8)
    assert r.quadratic_votes(vote.ratings).winners == (1,) and r.quadratic_votes(vote.ratings).scores == (3, 4)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("name", ["cumulative", "quadratic"])
def test_ballots_to_flip_a_vote_by_credits_equal_what_trying_everything_finds(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.multinomial(4, np.ones(3) / 3, size=4).astype(float)
    rule = {"cumulative": r.cumulative, "quadratic": r.quadratic_votes}[name]
    vote = credit_vote(rows.tolist(), 4.0)
    assert vote.ratings is not None
    winners = rule(vote.ratings).winners
    if len(winners) > 1:
        return
    ballots = [np.array(b, dtype=float) for b in itertools.product(range(5), repeat=3) if sum(b) <= 4]

    def flips(num: int) -> bool:
        for who in itertools.combinations(range(4), num):
            for new in itertools.product(ballots, repeat=num):
                changed = rows.copy()
                changed[list(who)] = new
                if rule(r.ratings_of(changed, lo=0.0, hi=4.0)).winners != winners:
                    return True
        return False

    parts, best, worst = contributions(name, vote)
    found = positional_flip(parts, vote.ratings.weights, best, worst)
    assert found.exact and found.most is not None
    if found.most <= 2:
        assert flips(found.most) and not any(flips(num) for num in range(1, found.most))


def test_what_other_panels_would_decide_is_told_apart_from_the_ballots_own_uncertainty() -> None:
    profile = r.profile_from_orders([(0, 1)] * 3 + [(1, 0)] * 2, 2)
    panels = [np.array(one) for one in itertools.combinations(range(5), 3)]
    found = r.compare(r.Vote(profile), {"plurality": r.plurality}, {}, {}, panels=panels, num_resamples=0)
    # Of the ten panels of three, seven have two or three of the three who prefer the first.
    assert found.reports[0].by_panel == pytest.approx((0.7, 0.3))


def test_redrawn_panels_may_differ_in_size_and_keep_groups_in_step() -> None:
    ratings = r.ratings_of([[1, 0], [0, 1], [1, 1]], lo=0, hi=1)
    vote = r.vote_of_ratings(ratings, ("x", "y", "x"))
    small, large = r.redrawn(vote, [np.array([1]), np.array([0, 2])])
    assert small.groups is not None and small.groups.tolist() == ["y"] and small.profile.num_voters == 1
    assert large.ratings is not None and large.ratings.values.tolist() == [[1, 0], [1, 1]]


YESNO = "id,to,house,Tax,Ban\na,,x,yes,no\nb,,x,no,no\nc,a,x,,abstain\nd,,y,yes,yes\ne,,y,1,0\n"


def test_proposals_are_decided_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.csv"
    path.write_text(YESNO)
    words = (path, "--kind", "yesno", "--id", "id", "--delegate", "to", "--ignore", "house", "--json")
    assert run(*words, "--bootstrap", 50) == 0
    tax, ban = json.loads(capsys.readouterr().out)["proposals"]
    assert (tax["yes"], tax["no"], tax["delegated"], tax["passed"]) == (4, 1, 1, True)
    assert (ban["yes"], ban["no"], ban["abstain"], ban["passed"]) == (1, 2, 2, False)
    assert run(path, "--kind", "yesno", "--chamber", "house", "--ignore", "id,to", "--veto", 0.5) == 0
    text = capsys.readouterr().out
    assert "Chambers" in text and "veto" in text and "P(pass)" in text


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        (YESNO, (), 'row 1: "a" on id is no vote'),
        (YESNO.replace("yes,no\n", "maybe,no\n", 1), ("--ignore", "id,to,house"), '"maybe" on Tax is no vote'),
        (YESNO, ("--ignore", "id,to,house", "--quorum", 2), "no share"),
        (YESNO, ("--id", "id", "--delegate", "too"), "no column"),
        (YESNO, ("--delegate", "to"), "without --id"),
        (YESNO.replace("c,a,", "c,q,"), ("--id", "id", "--delegate", "to", "--ignore", "house"), '"q" is nobody'),
        (YESNO.replace("b,,x", "a,,x"), ("--id", "id", "--delegate", "to", "--ignore", "house"), "that of row 1"),
        (YESNO.replace("d,,y", "d,,z"), ("--chamber", "house", "--ignore", "id,to"), "names 3 chambers"),
        (YESNO, ("--seats", 2, "--ignore", "id,to,house"), "does not go with --kind yesno"),
        (YESNO, ("--eligible", 2, "--ignore", "id,to,house"), "does not fit 5 voters"),
        ("id\na\n", ("--ignore", "id"), "no votes on proposals"),
    ],
)
def test_bad_proposal_files_and_options_are_refused(
    tmp_path: Path, text: str, words: tuple[object, ...], said: str
) -> None:
    path = tmp_path / "p.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=said):
        run(path, "--kind", "yesno", *words)


def test_credits_costs_and_panels_are_read_from_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    credits, approvals, costs, panels = (
        tmp_path / f"{name}.csv" for name in ("credits", "approvals", "costs", "panels")
    )
    credits.write_text("id,A,B\nu,9,0\nv,,4\nw,0,4\nx,9,9\n")
    panels.write_text("ticket,seat 1,seat 2\n0,u,v\n1,v,w\n2,u,z\n")
    assert run(credits, "--kind", "credits", "--credits", 10, "--id", "id", "--panels", panels, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert [d["reason"] for d in said["dropped"]] == ["spends 18 of 10 credits"]
    assert said["num_panels"] == 3 and said["seats_without_ballot"] == 1
    by_rule = {rule["rule"]: rule for rule in said["rules"]}
    assert by_rule["cumulative"]["winners"] == ["A"] and by_rule["quadratic"]["winners"] == ["B"]
    assert by_rule["quadratic"]["by_panel"] == pytest.approx([2 / 3, 1 / 3])
    approvals.write_text("A,B,C\n1,0,0\n1,0,0\n0,1,0\n0,0,1\n")
    costs.write_text("candidate,cost\nA,2\nB,1\nC,1\n")
    assert run(approvals, "--kind", "approval", "--costs", costs, "--budget", 4, "--axioms", 2, "--bootstrap", 0) == 0
    text = capsys.readouterr().out
    assert "What a budget of 4 buys" in text and "100.0%" in text
    assert run(credits, "--kind", "credits", "--id", "id", "--panels", panels, "--bootstrap", 0) == 0
    assert "on 3 panels of the lottery" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--costs", "costs.csv"), "belong together"),
        (("--budget", "0", "--costs", "costs.csv"), "buys nothing"),
        (("--budget", "9", "--costs", "less.csv"), 'no cost for "B"'),
        (("--budget", "9", "--costs", "odd.csv"), "no candidate"),
        (("--budget", "9", "--costs", "free.csv"), 'the cost is "0"'),
        (("--budget", "0.5", "--costs", "costs.csv"), "buys nothing"),
        (("--panels", "panels.csv"), "without --id"),
        (("--panels", "panels.csv", "--id", "id"), "nobody on this panel"),
        (("--panels", "costs.csv", "--id", "id"), "holds no panels"),
        (("--veto", "0.3"), "without --kind yesno"),
        (("--credits", "3"), "--credits needs"),
        (("--bootstrap", "-1"), "too small"),
    ],
)
def test_options_about_budgets_and_panels_that_cannot_be_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("b.csv").write_text("id,A,B\nu,1,0\nv,0,1\n")
    Path("costs.csv").write_text("candidate,cost\nA,2\nB,1\n")
    Path("less.csv").write_text("candidate,cost\nA,2\n")
    Path("odd.csv").write_text("candidate,cost\nZ,2\n")
    Path("free.csv").write_text("candidate,cost\nA,0\nB,1\n")
    Path("panels.csv").write_text("ticket,seat 1\n0,q\n")
    ids = () if "--id" in words else ("--ignore", "id")
    with pytest.raises(UserError, match=said):
        run("b.csv", "--kind", "approval", *ids, *words)


def test_axioms_broken_on_the_ballots_themselves_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "b.csv"
    # The middle candidate beats both others and has the fewest first places: elimination drops it.
    rows = ["A,B,C"] * 4 + ["C,B,A"] * 3 + ["B,A,C"] * 2
    path.write_text("rank1,rank2,rank3\n" + "\n".join(rows) + "\n")
    assert run(path, "--kind", "orders", "--axioms", 2, "--rules", "instant_runoff,schulze", "--json") == 0
    broken = json.loads(capsys.readouterr().out)["broken_here"]
    assert {"rule": "instant_runoff", "axiom": "condorcet"} in broken
    assert not any(one["rule"] == "schulze" and one["axiom"] == "condorcet" for one in broken)
