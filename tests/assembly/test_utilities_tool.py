"""`folkmoot utilities`: from a CSV to tables, JSON, CSV and a chart; every bad file is refused with its line."""

from __future__ import annotations

import argparse
import csv
import json

import numpy as np
import pytest

from agents.errors import UserError
from dashboards.terminal import plain
from dashboards.tools.utilities import findings, read_pairs, sections
from dashboards.verbs.utilities import verb
from societies.assembly.utilities.oracles import Thurstonian
from tests.shared_data import shared_data


def write(path, rows, columns="option_a,option_b,p_a"):
    path.write_text("\n".join([columns, *rows]) + "\n", encoding="utf-8")
    return path


def survey(path, num=12, names=None, advantage=0.0):
    rng = np.random.default_rng(0)
    mu = rng.normal(size=num)
    first, second = (x.astype(np.int64) for x in np.triu_indices(num, 1))
    oracle = Thurstonian(mu=mu, var=np.full(num, 0.5), num_draws=10, rng=rng)
    names = names or [f"option {k}" for k in range(num)]
    with path.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["option_a", "option_b", "order", "a_wins", "b_wins"])
        for order in ("ab", "ba"):
            asked = oracle(first, second)
            lift = advantage if order == "ab" else -advantage
            for a, b, p in zip(first, second, np.clip(asked.p + lift, 0, 1), strict=True):
                out.writerow([names[a], names[b], order, round(10 * p), 10 - round(10 * p)])
    return mu, names


def run(*words):
    parser = argparse.ArgumentParser()
    verb.configure(parser)
    return verb.run(parser.parse_args([str(word) for word in words]))


def test_utilities_of_a_survey_are_recovered_with_their_trust(tmp_path):
    mu, names = survey(tmp_path / "pairs.csv")
    found = findings(read_pairs(tmp_path / "pairs.csv"), num_suggested=2)
    by_name = {row.option: row for row in found.options}
    fitted = np.array([by_name[name].mu for name in names])
    assert np.corrcoef(fitted, mu)[0, 1] > 0.97
    assert found.num_edges == 66 and found.num_rows == 132 and found.num_parts == 1
    assert found.tested is not None and found.tested.num_edges == 3
    assert found.coherence.completeness.lo > found.coherence.coin_completeness
    assert found.order.num_single == 0 and found.order.advantage.lo < 0 < found.order.advantage.hi
    assert found.suggested == ()  # every pair was asked
    text = plain(sections(found))
    for word in ("completeness", "coin", "held out", "95 % interval", "order gap"):
        assert word in text


def test_a_position_bias_is_seen_and_does_not_reach_the_utilities(tmp_path):
    survey(tmp_path / "fair.csv")
    survey(tmp_path / "biased.csv", advantage=0.15)
    fair, biased = (findings(read_pairs(tmp_path / f"{name}.csv")) for name in ("fair", "biased"))
    assert biased.order.advantage.lo > 0.08
    assert biased.order.gap.point > biased.order.noise
    rank = [row.option for row in fair.options]
    assert np.corrcoef(range(12), [rank.index(row.option) for row in biased.options])[0, 1] > 0.9


def test_the_order_column_says_who_stood_first(tmp_path):
    ab = read_pairs(write(tmp_path / "a.csv", ["x,y,0.9,ab"], "option_a,option_b,p_a,order")).answers
    ba = read_pairs(write(tmp_path / "b.csv", ["x,y,0.9,ba"], "option_a,option_b,p_a,order")).answers
    assert (ab.shown_first[0], ab.p[0]) == (0, 0.9)
    assert (ba.shown_first[0], ba.p[0]) == (1, pytest.approx(0.1))
    weighted = read_pairs(write(tmp_path / "c.csv", ["x,y,3,1,2"], "option_a,option_b,a_wins,b_wins,weight")).answers
    assert (weighted.p[0], weighted.weight[0]) == (0.75, 8)


def test_json_csv_and_chart_are_written(tmp_path, capsys):
    survey(tmp_path / "pairs.csv")
    chart, table = tmp_path / "u.json", tmp_path / "u.csv"
    assert run(tmp_path / "pairs.csv", "--json", "--plot", chart, "--csv", table, "--bootstrap", "20") == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["options"]) == 12 and found["intervals"].startswith("20 refits")
    assert {"lo", "hi", "se", "mu"} <= set(found["options"][0])
    assert json.loads(chart.read_text())["layer"]
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert [row["option"] for row in rows] == [row["option"] for row in found["options"]]
    assert run(tmp_path / "pairs.csv", "--holdout", "0") == 0
    assert "nothing here shows" in capsys.readouterr().out


def test_pairs_to_ask_next_are_named_and_gaps_in_the_file_are_told(tmp_path, capsys):
    rows = ["a,b,0.9", "b,c,0.6", "d,e,0.5"]
    assert run(write(tmp_path / "few.csv", rows), "--suggest", "4") == 0
    text = capsys.readouterr().out
    assert "2 parts that were never compared" in text
    assert "3 of 3 pairs were asked in one order only" in text
    assert "Ask next" in text and text.split("Ask next")[1].strip().count("\n") == 5


def test_the_public_outcomes_of_thirty_categories_fit(tmp_path):
    public = json.loads((shared_data("emergent_values") / "options_hierarchical.json").read_text())
    names = [texts[0] for texts in public.values()]
    mu, _ = survey(tmp_path / "pairs.csv", num=len(names), names=names)
    found = findings(read_pairs(tmp_path / "pairs.csv"))
    assert len(found.options) == 30
    assert np.corrcoef([row.mu for row in found.options], [mu[names.index(row.option)] for row in found.options])[
        0, 1
    ] == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize(
    ("columns", "rows", "text"),
    [
        ("option_a,optionb,p_a", ["x,y,0.5"], 'Did you mean "optionb"'),
        ("option_a,option_b", ["x,y"], "neither p_a nor"),
        ("option_a,option_b,p_a,wieght", ["x,y,0.5,2"], 'Did you mean "weight"'),
        ("option_a,option_b,p_a", ["x,y,0.5", "x,x,0.5"], "line 3: no pair"),
        ("option_a,option_b,p_a", ["x,y,1.5"], 'p_a is "1.5"'),
        ("option_a,option_b,p_a", ["x,y,nan"], 'p_a is "nan"'),
        ("option_a,option_b,p_a", ["x,y"], 'p_a is ""'),
        ("option_a,option_b,a_wins,b_wins", ["x,y,0,0"], "nobody won"),
        ("option_a,option_b,a_wins,b_wins", ["x,y,-1,2"], 'a_wins is "-1"'),
        ("option_a,option_b,p_a,weight", ["x,y,0.5,0"], 'weight is "0"'),
        ("option_a,option_b,p_a,order", ["x,y,0.5,first"], "use ab or ba"),
        ("option_a,option_b,p_a", [], "holds no pairs"),
    ],
)
def test_bad_files_are_refused_with_a_reason(tmp_path, columns, rows, text):
    with pytest.raises(UserError) as refused:
        read_pairs(write(tmp_path / "bad.csv", rows, columns))
    assert text in str(refused.value)


def test_bad_arguments_and_missing_files_are_refused(tmp_path):
    good = write(tmp_path / "good.csv", ["x,y,0.5"])
    for words, text in (
        ([tmp_path / "none.csv"], "is not there"),
        ([good, "--holdout", "0.9"], "--holdout 0.9"),
        ([good, "--bootstrap", "3"], "--bootstrap 3"),
        ([good, "--suggest", "-1"], "--suggest -1"),
        ([good, "--plot", tmp_path / "x.gif"], "cannot be drawn"),
    ):
        with pytest.raises(UserError, match=text):
            run(*words)
    (tmp_path / "latin.csv").write_bytes("option_a,option_b,p_a\ncaf\xe9,y,0.5\n".encode("latin-1"))
    with pytest.raises(UserError, match="UTF-8"):
        read_pairs(tmp_path / "latin.csv")
