"""Composition and validation: every complaint names the key and what is allowed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field

from agents.errors import UserError
from sim.config import compose, differing_keys, num_rounds, overridden, validate


@dataclass(frozen=True)
class Inner:
    depth: int = 1


@dataclass(frozen=True)
class Outer:
    size: Annotated[int, Field(ge=1)] = 3
    inner: Inner = field(default_factory=Inner)
    many: list[Inner] = field(default_factory=list)


def test_an_unknown_key_names_the_nearest_one() -> None:
    with pytest.raises(UserError) as caught:
        validate(Outer, {"sizee": 3}, "society")
    assert str(caught.value).startswith("society.sizee is not a config key.")
    assert 'Did you mean "size"?' in str(caught.value)


def test_unknown_keys_are_found_in_nested_sections_and_lists() -> None:
    with pytest.raises(UserError, match=r"x\.inner\.dept "):
        validate(Outer, {"inner": {"dept": 2}}, "x")
    with pytest.raises(UserError, match=r"x\.many\.1\.dept "):
        validate(Outer, {"many": [{"depth": 1}, {"dept": 2}]}, "x")


def test_a_value_out_of_range_names_its_path() -> None:
    with pytest.raises(UserError, match=r"society\.size = 0 is not valid"):
        validate(Outer, {"size": 0}, "society")


def test_a_wrong_type_names_its_path() -> None:
    with pytest.raises(UserError, match=r"society\.size = 'many' is not valid"):
        validate(Outer, {"size": "many"}, "society")


def test_a_plus_override_cannot_smuggle_an_unknown_key_in() -> None:
    with pytest.raises(UserError, match=r"limits\.windw is not a config key"):
        compose(["+limits.windw=3"])


def test_a_misspelt_override_is_named() -> None:
    with pytest.raises(UserError) as caught:
        compose(["seeed=3"])
    assert "seeed" in caught.value.given
    assert 'Did you mean "seed"?' in caught.value.fix


def test_an_unknown_group_entry_is_a_user_error() -> None:
    with pytest.raises(UserError, match="nosuch"):
        compose(["engine=nosuch"])


def test_an_unknown_choice_lists_what_there_is_and_the_nearest() -> None:
    with pytest.raises(UserError) as caught:
        compose(["engine=scriptde"])
    assert caught.value.given == 'engine=scriptde: there is no such choice of "engine".'
    assert "openai" in caught.value.why
    assert caught.value.fix == 'Did you mean "scripted"?'


def test_a_misspelt_nested_key_is_named_and_no_plus_is_advised() -> None:
    for words, near in (
        (["society.num_rolse=3"], "num_roles"),
        (["engine=openai", "engine.concurency=3"], "concurrency"),
    ):
        with pytest.raises(UserError) as caught:
            compose(words)
        assert caught.value.given == f"{words[-1].split('=')[0]} is not a config key."
        assert caught.value.fix == f'Did you mean "{near}"?'
        assert "+" not in str(caught.value)


def test_a_group_without_a_choice_is_a_user_error() -> None:
    with pytest.raises(UserError, match="model needs a choice"):
        compose(["model=null"])


def test_differing_keys_are_paths() -> None:
    assert differing_keys({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 1, "c": 4}}) == ["a.c", "d"]


def test_a_reopened_run_has_the_same_population(tmp_path: Path) -> None:
    from sim.session import Session

    words = ["engine=scripted", f"paths.runs={tmp_path}", "population.size=50"]
    first = Session(compose(words))
    first.start()
    again = Session.reopen(first.run.folder)
    assert again.personas == first.personas
    assert list(again.config.population) == list(first.config.population)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["limit.requests=5"], 'limit is not a config key.*Did you mean "limits"'),
        (["limits.request=5"], r'limits\.request is not a config key.*Did you mean "requests"'),
        (["limits.requests=[1"], r"cannot be applied: limits\.requests=\[1"),
    ],
)
def test_overrides_of_a_run_that_stands_are_told_as_those_of_a_new_one(words: list[str], said: str) -> None:
    with pytest.raises(UserError, match=re.compile(said, re.DOTALL)) as caught:
        overridden({"limits": {"requests": 4, "window": 2}}, words, closed=True)
    assert caught.value.why
    assert caught.value.fix


@pytest.mark.parametrize("rounds", ["abc", "1.5", "null", "-1", "true"])
def test_a_number_of_rounds_that_is_none_is_a_user_error(rounds: str) -> None:
    with pytest.raises(UserError, match=r"loop\.num_rounds = .* is not valid"):
        num_rounds(compose(["engine=scripted", f"loop.num_rounds={rounds}"]))
