"""Every recipe is documented, its YAML complete, and settings that an engine would ignore are refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.errors import UserError
from agents.registry import find, names
from selfalign.config import LoopConfig, MatrixConfig, RaftConfig
from selfalign.recipe import settings
from selfalign.verbs.align import with_overrides
from sim.config import validate

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", names("recipes"))
def test_a_recipe_names_its_paper_its_claim_and_its_test(name: str) -> None:
    recipe = find("recipes", name)
    assert recipe.name == name
    assert "arXiv" in recipe.paper
    assert recipe.claim
    assert recipe.licence
    assert (ROOT / recipe.test).is_file()


@pytest.mark.parametrize("name", names("recipes"))
def test_a_recipe_yaml_lists_exactly_the_keys_of_its_config_and_is_valid(name: str) -> None:
    given = yaml.safe_load((ROOT / "conf" / "recipe" / f"{name}.yaml").read_text())
    assert given.pop("name") == name
    recipe = find("recipes", name)
    assert set(given) == {field.name for field in dataclasses.fields(recipe.config)}
    recipe.check(validate(recipe.config, given, "recipe"))


@pytest.mark.parametrize(("name", "rounds"), [("off", 0), ("one_round", 1)])
def test_a_loop_yaml_is_the_default_with_its_rounds(name: str, rounds: int) -> None:
    given = yaml.safe_load((ROOT / "conf" / "loop" / f"{name}.yaml").read_text())
    assert validate(LoopConfig, given, "loop") == LoopConfig(num_rounds=rounds)


@pytest.mark.parametrize(
    ("section", "cls", "message"),
    [
        ({"epochs": 0}, MatrixConfig, r"recipe\.epochs = 0 is not valid"),
        ({"learning_rate": 1e-4}, MatrixConfig, r"recipe\.learning_rate is not a config key"),
        ({"select": "best"}, RaftConfig, r"recipe\.select = 'best' is not valid"),
        ({"mix": {"revision_harmful": "much"}}, MatrixConfig, r"recipe\.mix\.revision_harmful"),
    ],
)
def test_bad_settings_are_named_by_their_path(section: dict[str, Any], cls: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        validate(cls, section, "recipe")


def test_dropout_that_trl_would_switch_off_is_refused() -> None:
    with pytest.raises(UserError, match=r"recipe\.lora_dropout = 0\.05 has no effect"):
        find("recipes", "matrix_dpo").check(MatrixConfig())


def test_a_beta_of_the_wrong_order_is_refused() -> None:
    with pytest.raises(UserError, match=r"recipe\.beta = 0\.1 is too small"):
        find("recipes", "matrix_ln_dpo").check(MatrixConfig(lora_dropout=0.0))


def test_settings_are_plain_values() -> None:
    assert settings(RaftConfig())["select"] == "local"
    assert type(settings(RaftConfig())["select"]) is str


PLAYED = {
    "recipe": {"name": "matrix_sft", "lr": 2e-5},
    "loop": {"num_rounds": 0},
    "society": {"name": "scenes"},
    "limits": {},
}


def test_align_takes_another_recipe_and_its_settings() -> None:
    config = with_overrides(PLAYED, ["recipe=raft", "recipe.lr=3e-4"])
    assert (config["recipe"]["name"], config["recipe"]["lr"]) == ("raft", 3e-4)
    assert config["loop"]["num_rounds"] == 1
    assert config["society"] == PLAYED["society"]


@pytest.mark.parametrize("word", ["society.num_roles=3", "seed=4", "recipe"])
def test_align_refuses_to_change_what_was_played(word: str) -> None:
    with pytest.raises(UserError, match="cannot be changed by align"):
        with_overrides(PLAYED, [word])


def test_align_suggests_a_recipe() -> None:
    with pytest.raises(UserError, match="recipe=rafft is not known") as error:
        with_overrides(PLAYED, ["recipe=rafft"])
    assert "raft" in error.value.fix
