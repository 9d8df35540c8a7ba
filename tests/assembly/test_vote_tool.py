"""`folkmoot vote`: readers, bad ballots, the report, JSON and the chart."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

from agents.errors import UserError
from dashboards.tools.vote import as_plain, find_out, read_ballots
from dashboards.verbs.vote import verb
from societies.assembly.rules.ballots import parse_preflib, parse_table

TOC = """# FILE NAME: x.toc
# NUMBER ALTERNATIVES: 4
# ALTERNATIVE NAME 1: Ada
# ALTERNATIVE NAME 2: Ben
# ALTERNATIVE NAME 3: Cy
# ALTERNATIVE NAME 4: Dot
3: 1,2,{3,4}
2: {2,3},1
1: 4
2: 9,1
"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    verb.configure(parser)
    return verb.run(parser.parse_args(words))


def test_preflib_orders_with_ties_truncation_and_foreign_candidates() -> None:
    found = parse_preflib(TOC)
    assert found.profile is not None and found.profile.names == ("Ada", "Ben", "Cy", "Dot")
    assert found.num_rows == 8 and found.profile.num_voters == 6
    assert found.profile.ranks[[0, 3, 5]].tolist() == [[0, 1, 2, 2], [1, 0, 0, 2], [1, 1, 1, 0]]
    assert found.profile.ranked[3].tolist() == [True, True, True, False]
    assert [(d.row, d.reason) for d in found.dropped] == [(10, "names a foreign candidate or one twice")] * 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("4\n1,Ada\n", "no PrefLib header"),
        ("# NUMBER ALTERNATIVES: 2\n1 2,1\n", "reads count"),
        ("# NUMBER ALTERNATIVES: 2\n1: 1;2\n", "reads count"),
        ("# NUMBER ALTERNATIVES: 2\n1: 5\n", "no valid ballot"),
    ],
)
def test_broken_preflib_files_say_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_preflib(text)


def test_orders_by_columns_keep_ties_and_drop_invalid_ballots_whole(tmp_path: Path) -> None:
    text = "id,rank1,rank2,rank3\n1,Ada,Ben,\n2,Ben=Cy,Ada,\n3,Zed,Ada,\n4,Ada,Ada,\n5,,,\n6,Cy,,Ada\n"
    path = write(tmp_path, "b.csv", text)
    found = read_ballots(path, "orders", ignore=["id"], candidates=["Ada", "Ben", "Cy"])
    assert found.profile is not None
    assert found.profile.ranks.tolist() == [[0, 1, 2], [1, 0, 0], [1, 2, 0]]
    assert [(d.row, d.reason) for d in found.dropped] == [
        (3, 'names a foreign candidate: "Zed"'),
        (4, 'names a candidate twice: "Ada"'),
        (5, "names nobody"),
    ]
    every = read_ballots(path, "orders", ignore=["id"])
    assert every.profile is not None and every.profile.names == ("Ada", "Ben", "Cy", "Zed")


def test_ranks_weights_groups_and_strata_by_columns() -> None:
    header = ["A", "B", "w", "camp", "region"]
    rows = [
        {"A": "1", "B": "2", "w": "2", "camp": "x", "region": "n"},
        {"A": "1", "B": "1", "w": ".5", "camp": "y", "region": "s"},
        {"A": "", "B": "1", "w": "1", "camp": "x", "region": "n"},
        {"A": "first", "B": "1", "w": "1", "camp": "x", "region": "n"},
        {"A": "1", "B": "2", "w": "-1", "camp": "x", "region": "n"},
        {"A": "0", "B": "2", "w": "1", "camp": "x", "region": "n"},
    ]
    found = parse_table(header, rows, "ranks", weight="w", group="camp", stratum="region")
    assert found.profile is not None and found.profile.support.tolist() == [[0, 2], [1, 0]]
    assert found.groups == ("x", "y", "x") and found.strata == ("n", "s", "n")
    assert [d.reason for d in found.dropped] == [
        '"first" for A is no number',
        'has the weight "-1"',
        '"0" for A is no rank',
    ]


def test_scores_and_approvals_keep_blanks_and_their_scale() -> None:
    rows = [{"A": "5", "B": ""}, {"A": "0", "B": "3"}, {"A": "9", "B": "1"}]
    found = parse_table(["A", "B"], rows, "score", scale=(0, 5))
    assert found.ratings is not None and (found.ratings.lo, found.ratings.hi) == (0, 5)
    assert np.isnan(found.ratings.values[0, 1]) and len(found.dropped) == 1
    yes = parse_table(["A", "B"], [{"A": "yes", "B": "0"}, {"A": "maybe", "B": "1"}], "approval")
    assert yes.ratings is not None and yes.ratings.binary and yes.dropped[0].reason.startswith('"maybe" for A')


def test_candidates_may_be_whole_texts_with_commas_and_line_breaks(tmp_path: Path) -> None:
    path = write(tmp_path, "t.csv", '"We agree, mostly.\nDo it.",No\n1,2\n2,1\n1,2\n')
    found = read_ballots(path, "ranks")
    assert found.profile is not None and found.profile.names[0] == "We agree, mostly.\nDo it."
    assert found.profile.num_voters == 3


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, "b.csv", "A,B\n1,2\n")
    with pytest.raises(UserError, match="never guessed"):
        read_ballots(path)
    with pytest.raises(UserError, match='Did you mean "ranks"'):
        read_ballots(path, "rank")
    with pytest.raises(UserError, match="the file has A, B"):
        read_ballots(path, "ranks", weight="pi")
    with pytest.raises(UserError, match="rank1, rank2"):
        read_ballots(path, "orders")
    with pytest.raises(UserError, match="cannot be read"):
        read_ballots(tmp_path / "none.csv", "ranks")
    with pytest.raises(UserError, match="no valid ballot"):
        read_ballots(write(tmp_path, "c.csv", "A,B\nx,y\n"), "ranks")
    with pytest.raises(UserError, match="distinct columns"):
        read_ballots(write(tmp_path, "d.csv", "A,A\n1,2\n"), "ranks")
    with pytest.raises(UserError, match="format is fixed"):
        read_ballots(write(tmp_path, "x.soc", TOC), "ranks")
    with pytest.raises(UserError, match="two levels"):
        read_ballots(write(tmp_path, "e.csv", "A,B\n3,3\n"), "score")


def test_rules_and_seats_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    ballots = read_ballots(write(tmp_path, "x.toc", TOC))
    with pytest.raises(UserError, match='Did you mean "schulze"'):
        find_out("x", ballots, only=["schultze"])
    with pytest.raises(UserError, match="cannot be filled"):
        find_out("x", ballots, seats=9, num_resamples=0)


def test_the_report_on_a_preflib_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, "x.toc", TOC)
    assert run(str(path), "--bootstrap", "20", "--seats", "2", "--axioms", "1") == 0
    out = capsys.readouterr().out
    assert "6 of 8 ballots counted, 2 dropped; 4 candidates." in out
    assert "names a foreign candidate or one twice" in out
    assert "Condorcet winner: nobody does" not in out
    for title in ("Winner by rule", "Agreement between rules", "Candidates", "Committees", "Axioms broken"):
        assert title in out


def test_json_holds_every_rule_and_only_plain_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "camp,A,B,C\n" + "\n".join(f"{'xy'[k % 2]},{k % 6},{(k * 5) % 6},{(k * k) % 6}" for k in range(24)) + "\n"
    path = write(tmp_path, "s.csv", text)
    chart = tmp_path / "chart.json"
    words = ("--kind", "score", "--scale", "0", "5", "--group", "camp", "--bootstrap", "10", "--json", "--seats", "2")
    assert run(str(path), *words, "--plot", str(chart)) == 0
    found = json.loads(capsys.readouterr().out)
    rules = {rule["rule"]: rule for rule in found["rules"]}
    assert {"schulze", "score", "birdwatch", "group_aware_consensus", "veto_by_consumption"} <= set(rules)
    assert "approval" not in rules and found["num_ballots"] == 24
    assert sum(rules["score"]["chance"]) == pytest.approx(1)
    assert {c["rule"] for c in found["committees"]} >= {"stv", "pav", "equal_shares", "monroe"}
    drawn = json.loads(chart.read_text(encoding="utf-8"))
    assert len(drawn["data"]["values"]) == 3 * len(rules)


def test_the_same_seed_gives_the_same_findings(tmp_path: Path) -> None:
    ballots = read_ballots(write(tmp_path, "x.toc", TOC))
    one, two = (as_plain(find_out("x", ballots, num_resamples=15, seed=3)) for _ in range(2))
    assert one == two
