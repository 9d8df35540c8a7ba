"""The first stage of a civic lottery: letters, who answers, the pool to expect, and chances from end to end."""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.errors import UserError
from dashboards.verbs.invite import verb as invite_verb
from dashboards.verbs.sortition import verb as sortition_verb
from societies.assembly.lottery import fit_response, forecast, response_chance

RATES = "feature,value,invited,responded\nsex,f,1000,60\nsex,m,1000,40\nage,young,800,16\nage,old,1200,84\n"
QUOTAS = "feature,value,min,max\nsex,f,4,6\nsex,m,4,6\nage,young,3,7\nage,old,3,7\nschool,long,1,9\nschool,short,1,9\n"


def addresses(num: int = 600) -> str:
    rows = [
        f"a{n},Secret {n},{'north' if n // 2 % 3 else 'south'},{n // 2} Elm Street,{'fm'[n % 2]},"
        f"{'young' if n % 5 < 2 else 'old'}"
        for n in range(num)
    ]
    return "id,name,district,street,sex,age\n" + "\n".join(rows) + "\n"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    found = {}
    for name, text in (("addresses", addresses()), ("rates", RATES), ("quotas", QUOTAS)):
        found[name] = tmp_path / f"{name}.csv"
        found[name].write_text(text, encoding="utf-8")
    return found


def run(verb: Any, *words: object) -> int:
    parser = argparse.ArgumentParser()
    verb.configure(parser)
    return verb.run(parser.parse_args([str(word) for word in words]))


def usual(files: dict[str, Path]) -> list[object]:
    return [files["addresses"], "--letters", 150, "--by", "district", "--household", "street", "--rates",
            files["rates"], "--quotas", files["quotas"], "--size", 8, "--draws", 60]  # fmt: skip


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_letters_go_to_households_by_stratum_and_everybodys_chance_is_written(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(invite_verb, *usual(files), "--out", out, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    letters, people = rows_of(out / "letters.csv"), rows_of(out / "invited.csv")
    assert len(letters) == 150 and len(people) == 600
    # Two people a household, two thirds of the households in the north: the letters follow.
    assert all(len(one["ids"].split()) == 2 for one in letters)
    assert Counter(one["stratum"] for one in letters) == {"north": 100, "south": 50}
    assert {float(one["p_letter"]) for one in people} == {0.5}
    assert sum(int(one["letter"]) for one in people) == 300
    for one in people:
        assert float(one["p_pool"]) == pytest.approx(float(one["p_letter"]) * float(one["p_respond"]))
    expected = sum(float(one["p_pool"]) for one in people)
    assert said["pool_size"]["expected"] == pytest.approx(expected)
    assert said["pool_size"]["low"] <= expected <= said["pool_size"]["high"]
    assert said["left_out"] == ["school"]
    assert said["certificate"] == json.loads((out / "invitation.json").read_text())
    assert not any("Secret" in path.read_text() or "Elm" in path.read_text() for path in out.iterdir())


def test_the_model_gives_every_value_its_past_rate(files: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    run(invite_verb, *usual(files), "--json")
    rows = {(one["feature"], one["value"]): one for one in json.loads(capsys.readouterr().out)["rates"]}
    assert rows["sex", "f"]["past"]["point"] == pytest.approx(0.06) and rows["sex", "f"]["invited"] == 1000
    # Sex says 5.0 % overall and age, on this list, 4.96 %: both are met up to that.
    for (feature, value), one in rows.items():
        assert one["modelled"] == pytest.approx(one["past"]["point"], rel=0.05), (feature, value)


def test_tables_say_what_to_expect_and_what_is_only_assumed(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(invite_verb, *usual(files), "--plot", tmp_path / "pool.json") == 0
    text = capsys.readouterr().out
    for word in ("150 letters to 300 households", "sex = f", "in 95 % of 60", "Not on the list", "from end to end"):
        assert word in text
    assert "Secret" not in text
    assert run(invite_verb, files["addresses"], "--letters", 90, "--response", 0.05, "--draws", 20) == 0
    assert "an assumption" in capsys.readouterr().out


def test_the_second_stage_puts_chances_from_end_to_end_into_the_certificate(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    run(invite_verb, files["addresses"], "--letters", 200, "--response", 0.3, "--household", "street",
        "--draws", 5, "--out", out)  # fmt: skip
    listed = rows_of(out / "invited.csv")
    chance = {one["id"]: float(one["p_pool"]) for one in listed}
    pool, quotas = tmp_path / "pool.csv", tmp_path / "small.csv"
    came = [one["id"] for one in listed if one["letter"] == "1"][:40]
    pool.write_text("id,sex\n" + "".join(f"{one},{'fm'[int(one[1:]) % 2]}\n" for one in came))
    quotas.write_text("feature,value,min,max\nsex,f,2,2\nsex,m,2,2\n")
    capsys.readouterr()
    lottery = tmp_path / "lottery"
    words = (pool, quotas, "--size", 4, "--invited", out / "invited.csv", "--out", lottery)
    assert run(sortition_verb, *words, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    whole = {one: chance[one] * said["probabilities"][one] for one in came}
    assert said["end_to_end"] == pytest.approx(whole)
    told = said["certificate"]["end_to_end"]["fairness"]
    assert (told["smallest"], told["largest"]) == pytest.approx((min(whole.values()), max(whole.values())))
    assert float(rows_of(lottery / "probabilities.csv")[0]["end_to_end"]) == pytest.approx(whole[came[0]])
    run(sortition_verb, *words[:-2])
    assert "Chances from end to end" in capsys.readouterr().out
    pool.write_text(pool.read_text() + "stranger,f\n")
    with pytest.raises(UserError, match="could not have been invited, such as 'stranger'"):
        run(sortition_verb, *words[:-2])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_score_equations_hold(seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, [2, 3], size=(200, 2))
    member = np.concatenate([codes[:, :1] == np.arange(2), codes[:, 1:] == np.arange(3)], axis=1)
    beta = rng.normal(-1, 0.7, 5)
    chances = response_chance(member.astype(float), beta)
    rates = np.array([chances[own].mean() for own in member.T])
    fitted = response_chance(member.astype(float), fit_response(member, np.array([0, 0, 1, 1, 1]), rates))
    assert fitted == pytest.approx(chances, abs=1e-5)


def test_a_forecast_is_as_wide_as_luck_and_knows_when_it_cannot_hold() -> None:
    num = 400
    found = forecast(
        np.zeros(num, dtype=np.int64),
        np.arange(num),
        np.full(num, 0.1),
        200,
        member=np.ones((num, 1), dtype=bool),
        least=np.array([35]),
        k=10,
        num_draws=500,
    )
    # 200 letters and a tenth who answer: 20 with variance 200 * .1 * .9.
    assert found.size.mean() == pytest.approx(20, abs=4 * np.sqrt(18 / 500))
    assert found.size.std() == pytest.approx(np.sqrt(18), rel=0.15)
    assert found.enough[0] < 0.01 and found.all_enough == found.enough[0]


@pytest.mark.parametrize(
    ("change", "words", "why"),
    [
        ({}, ["--letters", 301, "--household", "street", "--response", 0.1], "301 letters cannot be sent to 300"),
        ({}, ["--letters", 10], "past response rates or one rate"),
        ({}, ["--letters", 10, "--response", 1.5], "--response is 1.5"),
        ({}, ["--letters", 10, "--response", 0.1, "--by", "distrct"], "no column 'distrct'"),
        ({}, ["--letters", 10, "--response", 0.1, "--by", "sex", "--household", "street"], "lies in two strata"),
        ({}, ["--letters", 10, "--response", 0.1, "--shares", "RATES"], "--shares needs --by"),
        ({"rates": RATES.replace("old", "ancient")}, ["--letters", 10, "--rates", "RATES"], "no past rate for age"),
        ({"rates": RATES.replace("60", "6000")}, ["--letters", 10, "--rates", "RATES"], "no more can answer"),
        ({"rates": RATES.replace("sex,m", "sex,f")}, ["--letters", 10, "--rates", "RATES"], "comes twice"),
        ({"addresses": addresses().replace("a7,", "a6,")}, ["--letters", 10, "--response", 0.1], "'a6' stands twice"),
        (
            {"shares": "stratum,share\nnorth,1\nsouth,99\n"},
            ["--letters", 250, "--response", 0.1, "--by", "district", "--household", "street", "--shares", "SHARES"],
            "Stratum south would get",
        ),
        (
            {"shares": "stratum,share\nnorth,1\n"},
            ["--letters", 20, "--response", 0.1, "--by", "district", "--household", "street", "--shares", "SHARES"],
            "no share for 'south'",
        ),
    ],
)
def test_what_cannot_be_meant_says_why(
    files: dict[str, Path], tmp_path: Path, change: dict[str, str], words: list[object], why: str
) -> None:
    for name, text in change.items():
        files[name] = tmp_path / f"{name}.csv"
        files[name].write_text(text, encoding="utf-8")
    named = [files[str(word).lower()] if str(word) in ("RATES", "SHARES") else word for word in words]
    with pytest.raises(UserError, match=why):
        run(invite_verb, files["addresses"], *named)


def test_more_letters_to_a_stratum_raise_its_peoples_chance(files: dict[str, Path], tmp_path: Path) -> None:
    shares, out = tmp_path / "shares.csv", tmp_path / "out"
    shares.write_text("stratum,share\nnorth,50\nsouth,50\n")
    words = ["--by", "district", "--household", "street", "--shares", shares, "--response", 0.1, "--draws", 5]
    run(invite_verb, files["addresses"], "--letters", 100, *words, "--out", out)
    chances = {one["p_letter"] for one in rows_of(out / "invited.csv")}
    assert sorted(float(one) for one in chances) == pytest.approx([0.25, 0.5])
