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
from tests.shared_data import shared_data

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
    words = ("--size", 4, "--compare", "legacy", "random", "--alternates", 2, "--tickets", 50, "--tables", 2)
    assert run(*files, *words, "--rounds", 3) == 0
    text = capsys.readouterr().out
    for word in (
        "leximin",
        "legacy",
        "Gini",
        "sex = f",
        "Panel, drawn with seed 0, ticket",
        "Alternates",
        "50 tickets",
        "meets quotas",
        "of 6 pairs meet",
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


def test_a_yardstick_says_which_quotas_its_panel_misses(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    for seed in range(8):
        assert run(*files, "--size", 4, "--algorithm", "random", "--draw-seed", seed) == 0
        said.append(capsys.readouterr().out)
    assert all("yardstick" in text for text in said)
    assert any("misses" in text for text in said) and any("happens to meet" in text for text in said)


def test_a_seating_plan_is_written_with_the_panel(files: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "lottery"
    run(*files, "--size", 4, "--out", out, "--tables", 2, "--rounds", 3)
    with (out / "seating.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    with (out / "panel.csv").open() as stream:
        assert [row["id"] for row in rows] == [row["id"] for row in csv.DictReader(stream)]
    assert all(sorted(row[f"round {n}"] for row in rows) == ["1", "1", "2", "2"] for n in (1, 2, 3))


def test_panels_are_held_against_the_population(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shares = tmp_path / "shares.csv"
    shares.write_text("feature,value,share\nsex,f,51%\nsex,m,49%\nage,young,60\nage,old,40\n")
    assert run(*files, "--size", 4, "--population", shares, "--json") == 0
    rows = json.loads(capsys.readouterr().out)["population"]
    assert [row["population"] for row in rows] == pytest.approx([0.51, 0.49, 0.6, 0.4])
    assert rows[0]["expected"] == pytest.approx(0.5) and rows[0]["pool"] == pytest.approx(0.5)
    assert run(*files, "--size", 4, "--population", shares) == 0
    assert "Against the population" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("feature,value\nsex,f\n", "no column 'share'"),
        ("feature,value,share\nsexe,f,1\n", "no feature 'sexe'"),
        ("feature,value,share\nsex,f,1\nsex,f,1\n", "given twice"),
        ("feature,value,share\nsex,f,many\n", "share is 'many'"),
        ("feature,value,share\nsex,f,1\n", "no share for sex = 'm'"),
        ("feature,value,share\nsex,f,.5\nsex,m,.3\n", "add up to 0.8"),
    ],
)
def test_bad_population_shares_are_refused(files: tuple[Path, Path], tmp_path: Path, text: str, said: str) -> None:
    shares = tmp_path / "shares.csv"
    shares.write_text(text)
    with pytest.raises(UserError, match=said):
        run(*files, "--size", 4, "--population", shares)


def published(folder: Path, **change: str) -> None:
    """Write one panel in the published layout: four people, worked out by hand."""
    told = {
        "instance": "x",
        "pool size n": "4",
        "LEGACY minimum probability": "\u2264 0.05% (99% upper confidence bound based on Jeffreys interval for a "
        "binomial parameter, calculated from sample proportion 0.0000 and sample size 10,000)",
        "LEXIMIN minimum probability (exact)": "25.0%",
        "gini coefficient of LEGACY": "37.5%",
        "gini coefficient of LEXIMIN": "12.5%",
        "geometric mean of LEGACY": "5.9%",
        "geometric mean of LEXIMIN": "47.3%",
    } | {key.replace("_", " "): value for key, value in change.items()}
    (folder / "x_2_statistics.txt").write_text("".join(f"{key}:\t{value}\n" for key, value in told.items()))
    rows = [("Legacy", p) for p in (0.0, 0.5, 0.5, 1.0)] + [("LexiMin", p) for p in (0.25, 0.5, 0.5, 0.5)]
    text = "".join(f"{name},0.0,{p}\n" for name, p in rows)
    (folder / "x_2_prob_allocs_data.csv").write_text(
        "algorithm,percentile of pool members,selection probability\n" + text
    )


def test_published_figures_are_computed_again_from_the_chances(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Gini by hand: legacy 2 (1*0 + 2*.5 + 3*.5 + 4*1) / (4*2) - 5/4 = .375; leximin 2 * 4.75 / 7 - 5/4 = .1071.
    published(tmp_path, gini_coefficient_of_LEXIMIN="10.7%", geometric_mean_of_LEXIMIN="42.0%")
    run(tmp_path, "--golden", "panels", "--json")
    checks = {check["claim"]: check for check in json.loads(capsys.readouterr().out)}
    assert checks["Gini, LEGACY"]["ok"] and checks["Gini, LEXIMIN"]["ok"]
    # (1e-4 * .5 * .5 * 1)^(1/4) = .0707; (.25 * .125)^(1/4) = .4204.
    assert checks["geometric mean, LEGACY"]["found"] == "7.1%" and not checks["geometric mean, LEGACY"]["ok"]
    assert checks["geometric mean, LEXIMIN"]["ok"] and checks["smallest chance, LEXIMIN"]["ok"]


def test_differing_figures_give_exit_code_one(tmp_path: Path) -> None:
    published(tmp_path)
    assert run(tmp_path, "--golden", "panels") == 1


def test_jeffreys_bound_of_no_hit_in_ten_thousand_is_as_published(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published(tmp_path, LEGACY_minimum_probability="\u2264 0.03% (... sample proportion 0.0000 and sample size 10,000)")
    run(tmp_path, "--golden", "panels", "--json")
    checks = {check["claim"]: check for check in json.loads(capsys.readouterr().out)}
    assert checks["bound of the smallest, LEGACY"]["ok"]


def test_folders_without_public_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no pair of"):
        run(tmp_path, "--golden", "panels")
    with pytest.raises(UserError, match="neither example_small_20"):
        run(tmp_path, "--golden", "pools")
    published(tmp_path)
    (tmp_path / "x_2_statistics.txt").write_text("pool size n:\t4\n")
    with pytest.raises(UserError, match="has no line"):
        run(tmp_path, "--golden", "panels")


def test_public_pools_are_run_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(shared_data("sortition"), "--golden", "pools") == 0
    assert "differs" not in capsys.readouterr().out


def test_a_lottery_without_quotas_or_size_says_what_is_missing(files: tuple[Path, Path]) -> None:
    with pytest.raises(UserError, match="--size"):
        run(*files)


def test_pairs_of_features_that_drift_from_the_pool_are_named(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    # Of 12 people 8 are young (two thirds); one young seat of four is a quarter.
    files[1].write_text(QUOTAS.replace("age,young,1,3", "age,young,1,1"))
    assert run(*files, "--size", 4) == 0
    text = capsys.readouterr().out
    assert "Two features at once" in text and "sex & age" in text
    assert run(*files, "--size", 4, "--json") == 0
    gaps = json.loads(capsys.readouterr().out)["pairs"]
    young = sum(gap["panels"] - gap["pool"] for gap in gaps if gap["value"].endswith("young"))
    assert young == pytest.approx(1 / 4 - 8 / 12)
