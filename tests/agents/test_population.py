from __future__ import annotations

import copy
import itertools
import math
from importlib import resources
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from agents.errors import UserError
from agents.population import (
    PopulationSpec,
    build_population,
    effective_size,
    fit_report,
    load_spec,
    personas,
    rake,
    rake_microdata,
    sample_microdata,
    synthesise,
)
from agents.population.integerise import integerise
from agents.population.names import FAMILY, FEMALE, MALE
from agents.population.synthesis import fit_cells, row_constraints


def built_in(name: str) -> dict[str, Any]:
    text = (resources.files("conf") / "population" / f"{name}.yaml").read_text(encoding="utf-8")
    config: Any = OmegaConf.to_container(OmegaConf.create(text))
    return dict(config)


TOY: dict[str, Any] = {
    "size": 200,
    "variables": {"sex": ["f", "m"], "age": {"young": 0.3, "old": 0.7}, "pet": {"cat": 0.6, "dog": 0.4}},
    "joint": [{"of": ["sex", "age"], "shares": {"f": {"young": 0.1, "old": 0.4}, "m": {"young": 0.2, "old": 0.3}}}],
}


def toy(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(TOY) | changes


@st.composite
def specs(draw: st.DrawFn) -> PopulationSpec:
    """Three variables tied pairwise by the margins of one random joint table, some cells of it empty."""
    shape = draw(st.tuples(*[st.integers(2, 4)] * 3))
    cells = draw(st.lists(st.integers(0, 20), min_size=math.prod(shape), max_size=math.prod(shape)))
    joint = np.array(cells, dtype=float).reshape(shape) + 0.5 * (draw(st.booleans()) or sum(cells) == 0)
    joint /= joint.sum()
    names = ["a", "b", "c"]
    categories = {name: [f"{name}{at}" for at in range(length)] for name, length in zip(names, shape, strict=True)}
    tables = []
    for axis, (one, two) in enumerate([("b", "c"), ("a", "c"), ("a", "b")]):
        shares = joint.sum(axis=axis)
        tables.append(
            {
                "of": [one, two],
                "shares": {
                    left: {right: float(shares[i, j]) for j, right in enumerate(categories[two])}
                    for i, left in enumerate(categories[one])
                },
            }
        )
    size = draw(st.integers(1, 3000))
    return load_spec({"variables": categories, "joint": tables, "size": size, "seed": draw(st.integers(0, 99))})


def test_a_large_population_meets_every_table_almost_exactly() -> None:
    spec = load_spec(built_in("default") | {"size": 100_000})
    report = fit_report(synthesise(spec), spec)
    assert len(spec.tables) >= 3
    assert report.max_gap <= 5 / 100_000
    assert report.n_eff == pytest.approx(100_000)


@pytest.mark.parametrize("size", [1, 10, 100, 1000])
def test_a_small_population_is_off_by_less_than_two_people_in_any_table_cell(size: int) -> None:
    spec = load_spec(built_in("default") | {"size": size})
    assert fit_report(synthesise(spec), spec).max_gap * size < 2


@settings(max_examples=40, deadline=None)
@given(specs())
def test_margins_hold_and_people_add_up_for_any_consistent_spec(spec: PopulationSpec) -> None:
    frame = synthesise(spec)
    assert frame.height == spec.size
    report = fit_report(frame, spec)
    assert report.max_gap * spec.size < 4
    empty = report.cells.filter(pl.col("target") == 0)
    assert not empty.height or empty["achieved"].max() == 0.0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 1e3), min_size=1, max_size=60).filter(lambda shares: sum(shares) > 1e-3),
    st.integers(1, 5000),
    st.integers(0, 9),
)
def test_whole_counts_add_up_and_each_is_a_floor_or_a_ceiling(shares: list[float], size: int, seed: int) -> None:
    weights = np.array(shares) / sum(shares)
    counts = integerise(weights, (), size, np.random.default_rng(seed))
    assert counts.sum() == size
    assert (np.abs(counts - weights * size) < 1 + 1e-5).all()
    assert (counts[weights == 0] == 0).all()


def test_millions_of_nearly_empty_cells_still_hold_everybody() -> None:
    counts = integerise(np.full(2_000_000, 5e-7), (), 3, np.random.default_rng(0))
    assert counts.sum() == 3 and counts.max() == 1


def test_rounding_is_fair_over_seeds() -> None:
    weights = np.array([0.05, 0.15, 0.25, 0.55])
    draws = [integerise(weights, (), 1, np.random.default_rng(seed)) for seed in range(2000)]
    assert np.mean(draws, axis=0) == pytest.approx(weights, abs=0.04)


def test_the_same_seed_draws_the_same_people_and_another_seed_others() -> None:
    spec = load_spec(toy())
    assert synthesise(spec, 5).equals(synthesise(spec, 5))
    assert not synthesise(spec, 5).equals(synthesise(spec, 6))
    assert synthesise(spec).equals(synthesise(spec, spec.seed))


def test_variables_without_a_table_between_them_are_independent() -> None:
    frame = synthesise(load_spec(toy(size=20_000)))
    share = frame.filter(pl.col("age") == "young")["pet"].eq("cat").mean()
    assert share == pytest.approx(0.6, abs=0.02)


def test_the_first_people_are_a_fair_sample_of_all() -> None:
    head = synthesise(load_spec(toy(size=20_000))).head(2000)
    assert head["sex"].eq("f").mean() == pytest.approx(0.5, abs=0.04)


def test_a_fitted_table_is_the_product_of_its_margins_when_only_margins_are_given() -> None:
    # Independence is the maximum-entropy solution: 0.2 * 0.3 = 0.06 and so on.
    spec = load_spec({"variables": {"x": {"p": 0.2, "q": 0.8}, "y": {"r": 0.3, "s": 0.7}}})
    shares, _ = fit_cells(spec.targets(), ["x", "y"], (2, 2))
    assert shares == pytest.approx([0.06, 0.14, 0.24, 0.56])


def test_raking_meets_the_worked_example_of_one_sweep() -> None:
    # Rows f f m with targets 0.5 and 0.5: the two women share one half.
    rows = pl.DataFrame({"sex": ["f", "f", "m"]})
    spec = load_spec({"variables": {"sex": {"f": 0.5, "m": 0.5}}})
    assert rake_microdata(rows, spec) == pytest.approx([0.25, 0.25, 0.5])
    assert rake_microdata(rows, spec, np.array([1.0, 3.0, 9.0])) == pytest.approx([0.125, 0.375, 0.5])


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("fm"), st.sampled_from("yo")), max_size=40), st.randoms(use_true_random=False)
)
def test_the_order_of_rows_does_not_change_raking(pairs: list[tuple[str, str]], random: Any) -> None:
    pairs = [*pairs, ("f", "y"), ("f", "o"), ("m", "y"), ("m", "o")]
    order = list(range(len(pairs)))
    random.shuffle(order)
    spec = load_spec({"variables": {"sex": {"f": 0.4, "m": 0.6}, "age": {"y": 0.3, "o": 0.7}}})
    rows = pl.DataFrame(pairs, schema=["sex", "age"], orient="row")
    weights = rake_microdata(rows, spec)
    assert rake_microdata(rows[order], spec) == pytest.approx(weights[order], rel=1e-6)
    assert fit_report(rows.with_columns(weight=weights), spec).max_gap < 1e-9


def test_a_fit_reports_its_convergence() -> None:
    rows = pl.DataFrame({"sex": ["f", "f", "m"]})
    constraints = row_constraints(rows, load_spec({"variables": {"sex": {"f": 0.5, "m": 0.5}}}))
    weights, report = rake(np.ones(3), constraints)
    assert report.converged and report.num_sweeps == 1 and report.worst == "sex"
    assert weights.sum() == pytest.approx(1)
    _, before = rake(np.ones(3), constraints, max_sweeps=0)
    assert not before.converged and before.max_gap == pytest.approx(2 / 3 - 1 / 2)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50).filter(lambda weights: max(weights) > 1e-3))
def test_the_effective_size_lies_between_one_and_the_number_of_people(weights: list[float]) -> None:
    n_eff = effective_size(weights)
    assert 1 - 1e-9 <= n_eff <= sum(weight > 0 for weight in weights) + 1e-9
    assert effective_size([7 * weight for weight in weights]) == pytest.approx(n_eff)


def test_equal_weights_are_worth_every_person_and_one_heavy_weight_one() -> None:
    assert effective_size([0.2] * 5) == pytest.approx(5)
    assert effective_size([1e9, 1e-3, 1e-3]) == pytest.approx(1)


def test_a_sample_of_rows_follows_weights_and_keeps_the_row_number() -> None:
    rows = pl.DataFrame({"name": ["Ann", "Ben", ""], "sex": ["f", "m", "f"]})
    frame = sample_microdata(rows, np.array([1.0, 2.0, 1.0]), 8, seed=1)
    assert frame["source_row"].value_counts().sort("source_row")["count"].to_list() == [2, 4, 2]
    assert frame["persona_id"].n_unique() == 8
    assert frame.filter(pl.col("source_row") == 1)["name"].unique().to_list() == ["Ben"]
    assert all(frame.filter(pl.col("source_row") == 2)["name"].str.len_chars() > 3)
    assert frame.equals(sample_microdata(rows, np.array([1.0, 2.0, 1.0]), 8, seed=1))


def test_names_are_different_people_by_people_until_the_list_runs_out() -> None:
    frame = synthesise(load_spec(toy(size=4000)))
    assert frame["name"].n_unique() == 4000 <= (len(FEMALE) + len(MALE)) * len(FAMILY)
    first = frame.with_columns(first=pl.col("name").str.split(" ").list.first())
    assert set(first.filter(pl.col("sex") == "f")["first"]) <= set(FEMALE)


def test_columns_find_their_place_on_the_card() -> None:
    frame = pl.DataFrame(
        {
            "persona_id": ["p1"],
            "name": ["Ada"],
            "weight": [2.0],
            "religion": ["None"],
            "city": [""],
            "_band": ["18-24"],
            "trait_temper": ["calm"],
            "value_first": ["fairness"],
            "role_work": ["nurse"],
            "history_lived_in": ["Oslo"],
            "traits": [["tall", "kind"]],
            "source_row": [3],
        }
    )
    (card,) = personas(frame)
    assert card.demographics == {"religion": "None"} and card.weight == 2.0
    assert card.traits == ("tall", "kind", "calm") and card.values == ("fairness",)
    assert card.roles == ("nurse",) and card.history == ("lived in: Oslo",)


BAD: list[tuple[dict[str, Any], str]] = [
    (toy(varables={}), 'Did you mean "variables"'),
    (toy(size=0), "population.size = 0"),
    (toy(size=True), "population.size = True"),
    ({"variables": {}}, "variables is empty"),
    ({"variables": {"sex": {"f": 0.5, "m": 0.6}}}, "add up to 1.1"),
    ({"variables": {"sex": {"f": 51, "m": 49}}}, "divide each by 100"),
    ({"variables": {"sex": {"f": -0.5, "m": 1.5}}}, "holds the share -0.5"),
    ({"variables": {"vote": {False: 1.0}}}, "put the key in quotes"),
    ({"variables": {"vote": ["a", "a"]}}, "must be a mapping"),
    ({"variables": {"weight": {"a": 1.0}}}, "reserved name"),
    ({"variables": {"sex": ["f", "m"]}}, "lists categories without shares"),
    (toy(joint=[{"of": ["sex", "agee"], "shares": {}}]), 'Did you mean "age"'),
    (toy(joint=[{"of": ["sex", "sex"], "shares": {}}]), "different variables"),
    (toy(joint=[{"off": ["sex"]}]), 'Did you mean "of"'),
    (toy(joint=[{"of": ["age"], "shares": {"yung": 0.3}}]), 'Did you mean "young"'),
    (
        toy(joint=[*TOY["joint"], {"of": ["age"], "shares": {"young": 0.4, "old": 0.6}}]),
        r"age = young: 0\.3 against 0\.4",
    ),
    (toy(source="census"), 'population.source = "census" is unknown'),
    (toy(source="microdata"), "population.path is not set"),
]


@pytest.mark.parametrize(("config", "message"), BAD, ids=[message for _, message in BAD])
def test_a_bad_configuration_is_refused_with_its_place_and_reason(config: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        build_population(config)


@pytest.mark.parametrize(
    ("like", "unlike", "message"), [(0.5, 0.0, "no possible person"), (0.49, 0.01, "No population")]
)
def test_tables_that_agree_pairwise_but_not_together_are_refused(like: float, unlike: float, message: str) -> None:
    # a is (nearly always) b, and b is c, yet a is not c.
    same = {"x": {"x": like, "y": unlike}, "y": {"x": unlike, "y": like}}
    differ = {"x": same["y"], "y": same["x"]}
    of = [(["a", "b"], same), (["b", "c"], same), (["a", "c"], differ)]
    joint = [{"of": names, "shares": shares} for names, shares in of]
    with pytest.raises(UserError, match=message):
        synthesise(load_spec({"variables": {name: ["x", "y"] for name in "abc"}, "joint": joint}))


def test_targets_that_no_row_can_fill_are_named() -> None:
    spec = load_spec({"variables": {"sex": {"f": 0.5, "m": 0.5}}})
    with pytest.raises(UserError, match="nobody can be sex = m"):
        rake_microdata(pl.DataFrame({"sex": ["f", "f"]}), spec)
    with pytest.raises(UserError, match="no category of the spec"):
        rake_microdata(pl.DataFrame({"sex": ["f", "x"]}), spec)
    with pytest.raises(UserError, match='no column "sex"'):
        rake_microdata(pl.DataFrame({"sax": ["f"]}), spec)


def test_too_many_joint_cells_are_refused_before_memory_is_taken() -> None:
    names = [f"v{number}" for number in range(12)]
    variables = {name: {f"c{at}": 0.25 for at in range(4)} for name in names}
    even = {f"c{at}": {f"c{to}": 1 / 16 for to in range(4)} for at in range(4)}
    joint = [{"of": [one, two], "shares": even} for one, two in itertools.pairwise(names)]
    with pytest.raises(UserError, match="16,777,216 joint cells"):
        synthesise(load_spec({"variables": variables, "joint": joint}))
