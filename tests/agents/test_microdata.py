"""Survey files: the adapter on small files, and the golden test on GSS rows raked to census margins."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from agents.errors import UserError
from agents.population import (
    build_population,
    effective_size,
    fit_report,
    load_microdata,
    load_spec,
    personas,
    rake_microdata,
    sample_microdata,
)
from tests.agents.test_population import built_in
from tests.shared_data import shared_data

AGES = ["18-24", "25-34", "35-44", "45-54", "55-64", "65+"]


def survey(tmp_path: Path, text: str, **changes: Any) -> dict[str, Any]:
    path = tmp_path / "survey.csv"
    path.write_text(text, encoding="utf-8")
    base: dict[str, Any] = {
        "source": "microdata",
        "path": str(path),
        "size": 4,
        "columns": {"name": ["first", "last"], "religion": "religion"},
        "bands": {"_age": {"column": "age", "from": [18, 40]}},
    }
    return base | changes


ROWS = "first,last,age,religion,w\nAda,Berg,18,None,1\nBo,,39,,2\nCy,Diaz,40,NA,1\n"


def test_text_is_kept_as_it_stands_and_ages_fall_into_bands(tmp_path: Path) -> None:
    rows = load_microdata(survey(tmp_path, ROWS)).rows
    assert rows["name"].to_list() == ["Ada Berg", "Bo", "Cy Diaz"]
    assert rows["religion"].to_list() == ["None", "", "NA"]
    assert rows["_age"].to_list() == ["18-39", "18-39", "40+"]


def test_survey_weights_decide_how_often_a_row_is_drawn(tmp_path: Path) -> None:
    frame = build_population(survey(tmp_path, ROWS, weight_column="w"))
    assert sorted(frame["name"]) == ["Ada Berg", "Bo", "Bo", "Cy Diaz"]


def test_an_unweighted_survey_without_targets_is_said_aloud(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        load_microdata(survey(tmp_path, ROWS))
    assert "unweighted" in caplog.text


BAD: list[tuple[dict[str, Any], str]] = [
    ({"path": "/nowhere/survey.csv"}, "is no file"),
    ({"pth": 1}, 'Did you mean "path"'),
    ({"columns": {"religion": "relgion"}}, 'Did you mean "religion"'),
    ({"columns": {"weight": "w"}}, "reserved"),
    ({"columns": {}, "bands": {}}, "columns is empty"),
    ({"bands": {"_age": {"column": "age", "from": [19]}}}, 'row 1 holds "18"'),
    ({"bands": {"_age": {"column": "religion", "from": [18]}}}, 'row 1 holds "None"'),
    ({"bands": {"_age": {"column": "age", "from": [40, 18]}}}, "does not rise"),
    ({"bands": {"_age": "age"}}, "lowest value of each band"),
    ({"recode": {"religion": {"None": "none", "": ""}}}, 'what "NA" becomes'),
    ({"recode": {"relig": {}}}, "No such column"),
    ({"weight_column": "religion"}, "row 1 holds"),
]


@pytest.mark.parametrize(("changes", "message"), BAD, ids=[message for _, message in BAD])
def test_a_survey_that_does_not_fit_is_refused_with_its_place(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        build_population(survey(tmp_path, ROWS, **changes))


def test_a_survey_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no rows"):
        build_population(survey(tmp_path, "first,last,age,religion\n"))


def census_targets() -> dict[str, Any]:
    """Return sex x age targets; the race columns overlap and the last row is a total, so neither is used."""
    table = pl.read_csv(shared_data("census/prism_us_census_aggregate.csv"))
    rows = {row["age_category"].split(" ")[0]: row for row in table.iter_rows(named=True)}
    sexes = {"female": "All_Female", "male": "All_Male"}
    return {
        "variables": {"sex": ["female", "male"], "_age_group": AGES},
        "joint": [
            {
                "of": ["sex", "_age_group"],
                "shares": {sex: {age: rows[age][column] for age in AGES} for sex, column in sexes.items()},
            }
        ],
    }


def test_gss_rows_raked_to_the_census_meet_its_sex_by_age_table() -> None:
    path = shared_data("personas_gss/gss_agents_3505.csv")
    config = built_in("gss_microdata") | {"path": str(path)} | census_targets()
    data = load_microdata(config)
    assert data.rows.height == 3505 and data.spec is not None
    assert data.rows["religion"].eq("None").sum() == 1003
    assert data.rows["sex"].eq("female").mean() == pytest.approx(0.537, abs=5e-4)

    weights = rake_microdata(data.rows, data.spec)
    weighted = data.rows.with_columns(weight=weights)
    report = fit_report(weighted, data.spec)
    assert report.max_gap < 1e-9
    women = weighted.filter(pl.col("sex") == "female")["weight"].sum()
    assert women == pytest.approx(0.506754426192424, abs=1e-9)

    # With one table, raking is post-stratification, so n_eff follows from cell shares: 1 / sum t^2 / n.
    counts = data.rows.group_by("sex", "_age_group").len()
    cells = load_spec(census_targets()).tables[0].array()
    by_hand = 1 / sum(
        cells[["female", "male"].index(sex), AGES.index(age)] ** 2 / count for sex, age, count in counts.iter_rows()
    )
    assert report.n_eff == pytest.approx(by_hand) == pytest.approx(effective_size(weights))
    assert report.n_eff / 3505 > 0.6

    drawn = sample_microdata(data.rows, None, 1000, 3, spec=data.spec)
    assert fit_report(drawn, data.spec).max_gap * 1000 < 2
    card = next(personas(drawn))
    assert "_age_group" not in card.demographics and len(card.history) >= 3


def test_the_built_in_survey_population_draws_cards_with_unique_ids() -> None:
    path = shared_data("personas_gss/gss_agents_3505.csv")
    frame = build_population(built_in("gss_microdata") | {"path": str(path)})
    assert frame["persona_id"].n_unique() == frame.height == 1000
    assert frame["name"].n_unique() < 1000
