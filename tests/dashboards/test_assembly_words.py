"""Words about an assembly's numbers."""

from __future__ import annotations

from dashboards.assembly_numbers import Number
from dashboards.assembly_tables import _solver
from dashboards.assembly_words import between


def test_a_solver_s_log_is_told_in_words_with_three_digits() -> None:
    told = _solver("types 2.0; certified_error 6.560408781875925e-17; shortfall 0.012345; panels_known 1234.0")
    assert told == "types 2; certified error 0; shortfall 0.0123; panels known 1,234"


def test_an_interval_without_an_upper_end_says_so() -> None:
    open_ended = Number(value=6.7, lo=3.5, hi=None, null=1.0, n=3)
    assert between(open_ended) == "3.5 or more"
    assert between(Number(value=6.7, lo=None, hi=None, null=1.0, n=3)) == ""
    assert between(Number(value=1.0, lo=1.0, hi=1.0, null=1.0, n=3)) == "no spread"
