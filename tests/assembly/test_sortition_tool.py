"""The tool on two CSV files: what it reads, prints, writes and refuses."""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import pytest

from agents.errors import UserError
from dashboards.tools.sortition import read
from dashboards.verbs.sortition import METHODS as OFFERED
from dashboards.verbs.sortition import verb
from societies.assembly.lottery import METHODS

POOL = "id,name,sex,age,street\n" + "".join(
    f"p{i},Secret {i},{'fm'[i % 2]},{'young' if i % 3 else 'old'},{'Elm' if i < 2 else f'Oak {i}'}\n" for i in range(12)
)
QUOTAS = "feature,value,min,max\nsex,f,2,2\nsex,m,2,2\nage,young,1,3\nage,old,1,3\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    pool, quotas = tmp_path / "pool.csv", tmp_path / "quotas.csv"
    pool.write_text(POOL, encoding="utf-8-sig")
    quotas.write_text(QUOTAS, encoding="utf-8")
    return pool, quotas


def run(*words: object) -> int:
    parser = argparse.ArgumentParser()
    verb.configure(parser)
    return verb.run(parser.parse_args([str(word) for word in words]))


def test_the_verb_offers_what_the_package_has() -> None:
    assert set(OFFERED) == set(METHODS)


def test_tables_say_who_was_drawn_and_how_fair_it_was(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*files, "--size", 4, "--compare", "legacy", "--alternates", 2, "--tickets", 50) == 0
    text = capsys.readouterr().out
    for word in (
        "leximin",
        "legacy",
        "Gini",
        "sex = f",
        "Panel, drawn with seed 0, ticket",
        "Alternates",
        "50 tickets",
    ):
        assert word in text
    assert "Secret" not in text


def test_json_holds_the_certificate_and_every_chance(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run(*files, "--size", 4, "--json", "--draw-seed", 3)
    said = json.loads(capsys.readouterr().out)
    assert sum(said["probabilities"].values()) == pytest.approx(4)
    assert said["certificate"]["algorithm"] == "leximin" and said["draw_seed"] == 3
    assert len(said["panel"]) == 4 and set(said["panel"]) <= set(said["probabilities"])
    assert all(row["least"] <= row["on_panel"] <= row["most"] for row in said["quotas"])


def test_files_are_written_once_and_hold_no_column_without_a_quota(files: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "lottery"
    run(*files, "--size", 4, "--out", out, "--alternates", 1, "--tickets", 20, "--plot", tmp_path / "c.json")
    names = {path.name for path in out.iterdir()}
    assert names == {"lottery.json", "probabilities.csv", "panel.csv", "alternates.csv", "tickets.csv"}
    assert not any("Secret" in path.read_text() or "Elm" in path.read_text() for path in out.iterdir())
    with (out / "probabilities.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["id", "sex", "age", "probability"]
    assert sum(float(row["probability"]) for row in rows) == pytest.approx(4)
    kept = json.loads((out / "lottery.json").read_text())
    assert sum(panel["q"] for panel in kept["panels"]) == pytest.approx(1)
    assert len((tmp_path / "c.json").read_text()) > 500
    with pytest.raises(UserError, match="there already"):
        run(*files, "--size", 4, "--out", out)


def test_households_come_from_columns(files: tuple[Path, Path]) -> None:
    pool = read(*files, 4, household=["street"])
    assert pool.households is not None
    assert pool.households[0] == pool.households[1] and len(set(pool.households.tolist())) == 11


def test_the_older_heads_and_a_pool_without_ids_are_read(tmp_path: Path) -> None:
    pool, quotas = tmp_path / "p.csv", tmp_path / "q.csv"
    pool.write_text("sex\nf\nm\n")
    quotas.write_text("category,feature,min,max,min_flex,max_flex\nsex,f,0,1,0,2\nsex,m,0,1,,\n")
    found = read(pool, quotas, 1)
    assert found.people == ("row 1", "row 2")
    assert [(q.feature, q.value, q.flex_most) for q in found.quotas] == [("sex", "f", 2), ("sex", "m", None)]


@pytest.mark.parametrize(
    ("pool", "quotas", "said"),
    [
        (POOL.replace("p3,", "p4,"), QUOTAS, "stand twice"),
        (POOL.replace("Secret 5,m", "Secret 5,"), QUOTAS, "missing for 1 people, such as 'p5'"),
        (POOL.replace("p5,", ","), QUOTAS, "id is missing"),
        (POOL.replace("sex", "gender"), QUOTAS, "no column 'sex'"),
        (POOL + "p99\n", QUOTAS, "line 14 has 1 cells"),
        ("id,sex\n", QUOTAS, "no rows"),
        (POOL, QUOTAS.replace("sex,f,2,2", "sex,f,two,2"), "line 2: min is 'two'"),
        (POOL, QUOTAS.replace("min", "least"), "no column 'min'"),
        (POOL, QUOTAS.replace("sex,f,2,2", "sex,f,3,4"), "No panel of 4"),
        (POOL, QUOTAS.replace("age,old,1,3\n", ""), "age = 'old', which the quotas do not list"),
    ],
)
def test_bad_files_are_refused_with_the_place(files: tuple[Path, Path], pool: str, quotas: str, said: str) -> None:
    files[0].write_text(pool)
    files[1].write_text(quotas)
    with pytest.raises(UserError, match=said):
        run(*files, "--size", 4)


def test_files_that_are_not_there_and_counts_out_of_range(files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        run(tmp_path / "none.csv", files[1], "--size", 4)
    with pytest.raises(UserError, match="out of range"):
        run(*files, "--size", 4, "--tickets", -1)
