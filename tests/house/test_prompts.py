"""Every prompt in the house has a true header, and no text enters it unquoted."""

from __future__ import annotations

import pytest

from agents.prompts import prompt_names, prompt_source
from tests.prompt_checks import HEADER, declared, needed, packages, unquoted

PROMPTS = [(package, name) for package in packages() for name in prompt_names(package)]
OURS = {
    "agents": {"num_left_out", '"; " if not loop.last'},
    "societies.assembly": {"turn.id", "entry.id", "num", "stance"},
    "societies.scenes": {"num_roles", "max_steps", 'places | join(", ")'},
}
"""Values of ours that need no filter: ids, counts, punctuation and words of closed lists."""


def test_all_packages_with_prompts_are_found() -> None:
    assert {"agents", "agents.instruments", "societies.scenes", "societies.assembly"} <= set(packages())


@pytest.mark.parametrize(("package", "name"), PROMPTS)
def test_the_header_declares_exactly_the_variables_that_are_used(package: str, name: str) -> None:
    source = prompt_source(package, name)
    assert source.startswith("{#")
    assert all(word in source for word in HEADER)
    assert declared(package, name) == needed(package, name)


@pytest.mark.parametrize(("package", "name"), PROMPTS)
def test_every_variable_enters_through_a_filter_that_defuses_it(package: str, name: str) -> None:
    assert unquoted(package, name) <= OURS.get(package, set())
