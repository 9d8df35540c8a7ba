"""Exchange rates, waiting, lotteries, processes, choices and associations from files, with answers that are known."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np
import pytest

from agents.errors import UserError
from dashboards.terminal import plain
from dashboards.tools.utilities_about import about, about_sections
from dashboards.verbs.utilities import verb


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_goods_have_the_rate_at_which_their_curves_meet(tmp_path: Path) -> None:
    # U(N apples) = ln N, U(N pears) = 1 + 2 ln N: n apples are worth exp((ln n - 1) / 2) pears.
    amounts = (1, 4, 16)
    options = [f"{n} {good}" for good in ("apples", "pears") for n in amounts]
    utility = np.array([math.log(n) for n in amounts] + [1 + 2 * math.log(n) for n in amounts])
    rows = "".join(f"{o},{o.split()[1]},{o.split()[0]}\n" for o in options)
    found = about(options, utility, described=write(tmp_path / "o.csv", "option,good,amount\n" + rows))
    (rate,) = found.rates
    assert (rate.good, rate.other, rate.amount) == ("apples", "pears", 4)
    assert rate.worth.point == pytest.approx(math.exp((math.log(4) - 1) / 2))
    assert rate.r2 == pytest.approx((1, 1)) and rate.n == (3, 3)
    assert "Exchange rates" in plain(about_sections(found))


def test_the_form_of_waiting_is_found_from_delayed_amounts(tmp_path: Path) -> None:
    rows, utility = [], []
    for amount in (1, 10, 100):
        rows.append(f"now {amount},money,{amount},")
        utility.append(math.log(amount))
    for delay in (1, 2, 4, 8, 16):
        rows.append(f"later {delay},money,100,{delay}")
        utility.append(math.log(100 / (1 + 0.5 * delay)))
    path = write(tmp_path / "o.csv", "option,good,amount,delay\n" + "\n".join(rows) + "\n")
    found = about([row.split(",")[0] for row in rows], np.array(utility), described=path)
    good, best, n = found.waiting[0]
    assert (good, best.form, n) == ("money", "hyperbolic", 5) and best.rate == pytest.approx(0.5, rel=1e-3)
    assert {form.form for _, form, _ in found.waiting} == {"hyperbolic", "exponential", "none"}


def test_scores_lotteries_processes_and_choices_are_held_against_their_nulls(tmp_path: Path) -> None:
    options = ["a", "b", "c", "a or b", "road"]
    utility = np.array([2.0, 0.0, -1.0, 1.0, 0.5])
    found = about(
        options,
        utility,
        described=write(tmp_path / "o.csv", "option,power\na,2\nb,0\nc,-1\nroad,0.5\n"),
        lotteries=write(tmp_path / "l.csv", "lottery,outcome,chance\na or b,a,0.5\na or b,b,0.5\n"),
        process=write(tmp_path / "p.csv", "state,next,chance\nroad,a,0.25\nroad,b,0.75\n"),
        choices=write(tmp_path / "c.csv", "offered,chosen\na|b,a\nb|c,c\na|c,\n"),
    )
    assert found.traits[0].correlation.point == pytest.approx(1.0) and found.traits[0].n == 4
    assert found.lotteries is not None and found.lotteries.mean.point == pytest.approx(0.0)
    assert found.means is not None and found.means.mean.point == pytest.approx(0.0) and found.means.n == 1
    assert found.chosen is not None
    share, chance, n = found.chosen
    assert (share.point, chance, n) == (pytest.approx(1 / 3), 0.5, 3)
    text = plain(about_sections(found))
    assert "shuffled" in text and "power" in text and "chose the offered option" in text


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("described", "opt\na\n", 'no column "option"'),
        ("described", "option\n", "no rows"),
        ("described", "option,good,amount\nz,money,1\n", '"z" is no option'),
        ("described", "option,good,amount\na,money,none\n", 'amount is "none"'),
        ("described", "option,good,amount\na,money,0\n", "above 0"),
        ("described", "option,power\na,1\nb,2\n", "at least three"),
        ("described", "option,power\na,1\nb,2\nc,high\n", 'power is "high"'),
        ("lotteries", "lottery,outcome,chance\na,b,0.5\n", "add up to 0.5"),
        ("lotteries", "lottery,outcome,chance\na,b,0.5\na,b,0.5\n", "given twice"),
        ("process", "state,next,chance\na,b,1\nb,a,1\n", "no process that ends"),
        ("choices", "offered,chosen\na,a\n", "no two different options"),
        ("choices", "offered,chosen\na|b,c\n", "was not offered"),
        ("choices", "offered,chosen\na|b,a\na|b|c,a\n", "offers 2 to 3"),
    ],
)
def test_files_about_options_that_cannot_be_used_are_refused(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        about(["a", "b", "c"], np.array([1.0, 0.0, -1.0]), **{name: write(tmp_path / "f.csv", text)})  # type: ignore[arg-type]


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        about(["a", "b"], np.zeros(2), choices=tmp_path / "none.csv")


def test_the_command_reads_them_beside_the_pairs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"{a},{b},{p}" for a, b, p in (("x", "y", 0.9), ("y", "z", 0.8), ("x", "z", 0.95))]
    pairs = write(tmp_path / "pairs.csv", "option_a,option_b,p_a\n" + "\n".join(lines) + "\n")
    described = write(tmp_path / "o.csv", "option,power\nx,3\ny,2\nz,1\n")
    parser = argparse.ArgumentParser()
    verb.configure(parser)
    assert verb.run(parser.parse_args([str(pairs), "--about", str(described)])) == 0
    assert "go along with" in capsys.readouterr().out
    assert verb.run(parser.parse_args([str(pairs), "--about", str(described), "--json"])) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["about"]["traits"][0]["score"] == "power" and said["options"]
