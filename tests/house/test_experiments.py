"""Every shipped config composes and validates; every plug-in's YAML lists exactly the keys of its config."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml

from agents.registry import find, names
from sim.config import compose, plugin_section, validate

CONF = Path(__file__).parents[2] / "conf"
EXPERIMENTS = sorted(p.stem for p in (CONF / "experiment").glob("*.yaml"))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_composes_and_validates(name: str) -> None:
    config = compose([f"experiment={name}"])
    for section, kind in (("society", "societies"), ("engine", "engines")):
        plugin, rest = plugin_section(getattr(config, section), section)
        validate(find(kind, plugin).config, rest, section)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_says_its_command(name: str) -> None:
    lines = (CONF / "experiment" / f"{name}.yaml").read_text().splitlines()
    assert any(f"folkmoot run experiment={name}" in line for line in lines if line.startswith("#"))
    assert "# @package _global_" in lines


@pytest.mark.parametrize("name", names("engines"))
def test_an_engine_yaml_lists_exactly_the_keys_of_its_config(name: str) -> None:
    given = yaml.safe_load((CONF / "engine" / f"{name}.yaml").read_text())
    given.pop("defaults", None)  # names the yaml of an inner engine, which is checked by itself
    assert given.pop("name") == name
    kind = find("engines", name)
    assert set(given) == {f.name for f in dataclasses.fields(kind.config)}
    validate(kind.config, given, "engine")


@pytest.mark.parametrize("name", [n for n in names("societies") if (CONF / "society" / f"{n}.yaml").exists()])
def test_a_society_yaml_lists_exactly_the_keys_of_its_config(name: str) -> None:
    given = yaml.safe_load((CONF / "society" / f"{name}.yaml").read_text())
    assert given.pop("name") == name
    society = find("societies", name)
    assert set(given) == {f.name for f in dataclasses.fields(society.config)}
