"""Public reference pools: figures that the literature's code reports for them."""

from __future__ import annotations

import pytest

from dashboards.tools.sortition import read
from societies.assembly.lottery import checks, fairness, leximin, maximin, tickets
from tests.shared_data import shared_data


def test_leximin_of_the_pool_of_200_is_an_even_tenth() -> None:
    folder = shared_data("sortition/example_small_20")
    found = leximin(read(folder / "respondents.csv", folder / "categories.csv", 20))
    figures = fairness(found.pi)
    assert found.pi == pytest.approx(0.1, abs=1e-6)
    assert figures.gini == pytest.approx(0.0, abs=1e-6)
    assert figures.geometric_mean == pytest.approx(0.1, abs=1e-6)


def test_leximin_and_maximin_of_the_pool_of_150() -> None:
    folder = shared_data("sortition/pool_150")
    pool = read(folder / "candidates.csv", folder / "features.csv", 22)
    found = leximin(pool)
    figures = fairness(found.pi)
    assert figures.smallest == pytest.approx(1 / 11, abs=1e-6)
    assert figures.largest == pytest.approx(0.471, abs=5e-4)
    assert figures.gini == pytest.approx(0.140, abs=5e-4)
    assert all(checks(found).values())
    assert float(dict(found.log)["certified_error"]) < 1e-6
    assert fairness(maximin(pool).pi).smallest == pytest.approx(figures.smallest, abs=2e-6)
    printed = tickets(found, 1000)
    assert printed.deviation < 22 / 1000
