"""`make test` runs every test that needs no GPU, and each exactly once."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MARKS = ("gpu", "model", "browser")
CALLS = re.findall(r'pytest .*?-m (?:"([^"]+)"|(\S+))', (ROOT / "Makefile").read_text(encoding="utf-8"))


@pytest.mark.parametrize("has", list(product((False, True), repeat=len(MARKS))))
def test_one_call_of_make_test_runs_a_test_and_none_that_needs_a_gpu(has: tuple[bool, ...]) -> None:
    marked = dict(zip(MARKS, has, strict=True))
    picked = [one for one in ("".join(call) for call in CALLS) if picks(one, marked)]
    assert len(picked) == (0 if marked["gpu"] else 1)


def picks(expression: str, marked: dict[str, bool]) -> bool:
    """Read `a and not b`, which is all that the Makefile uses."""
    terms = expression.split(" and ")
    assert all(term.removeprefix("not ") in marked for term in terms), expression
    return all(marked[term.removeprefix("not ")] != term.startswith("not ") for term in terms)
