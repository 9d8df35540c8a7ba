"""Words about an assembly's numbers."""

from __future__ import annotations

from dashboards.assembly_tables import _solver


def test_a_solver_s_log_is_told_in_words_with_three_digits() -> None:
    told = _solver("types 2.0; certified_error 6.560408781875925e-17; shortfall 0.012345; panels_known 1234.0")
    assert told == "types 2; certified error 0; shortfall 0.0123; panels known 1,234"
