"""The built-in banks are ours: clean, diverse, and apart from every set that measures."""

from __future__ import annotations

import csv
import re
from importlib import resources
from pathlib import Path

import pytest

from agents.errors import UserError
from agents.instructions import load_instructions
from societies.scenes import ScenesConfig, chosen, society
from societies.seam import Setting

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
SETTING = Setting(seed=0, cast=lambda number, seed: [])


def bank(name: str) -> list[str]:
    with resources.as_file(resources.files("societies.scenes") / "data" / f"{name}.jsonl") as path:
        rows = load_instructions(path)
    assert {row.kind for row in rows} == {name}
    return [row.text for row in rows]


def grams(text: str, n: int = 8) -> set[tuple[str, ...]]:
    words = re.findall(r"[a-z0-9']+", text.lower())
    return {tuple(words[k : k + n]) for k in range(len(words) - n + 1)}


def test_the_banks_have_their_size_and_no_duplicates() -> None:
    harmful, ordinary = bank("harmful"), bank("ordinary")
    assert len(harmful) >= 40 and len(ordinary) >= 240
    assert len({text.casefold() for text in harmful + ordinary}) == len(harmful + ordinary)


@pytest.mark.parametrize(
    ("file", "column"),
    [
        ("advbench/harmful_behaviors.csv", "Goal"),
        ("xstest/xstest_prompts.csv", "prompt"),
        ("simplesafetytests", "prompts_final"),
    ],
)
def test_the_banks_share_no_eight_words_with_a_measuring_set(file: str, column: str) -> None:
    path = SHARED / file
    if not path.exists():
        pytest.skip(f"{path} is not here")
    files = [path] if path.is_file() else sorted(path.glob("*.csv"))
    rows = [row for one in files for row in csv.DictReader(one.read_text(encoding="utf-8").splitlines(keepends=True))]
    texts = [row[column] for row in rows if row.get(column)]
    assert texts
    held_out = set().union(*(grams(text) for text in texts))
    ours = bank("harmful") + bank("ordinary")
    assert not [text for text in ours if grams(text) & held_out]
    assert not {text.casefold() for text in ours} & {text.casefold() for text in texts}


def test_both_kinds_take_turns() -> None:
    kinds = [one.kind for one in chosen(ScenesConfig(num_harmful=3, num_ordinary=3), SETTING)]
    assert kinds == ["harmful", "ordinary"] * 3


def test_nothing_to_play_is_a_user_error() -> None:
    with pytest.raises(UserError, match="num_harmful"):
        society.scripts(ScenesConfig(num_harmful=0, num_ordinary=0), SETTING)


def test_a_missing_file_is_a_user_error_before_anything_is_played(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere"):
        society.scripts(ScenesConfig(instructions="nowhere.csv"), SETTING)
    empty = tmp_path / "empty.txt"
    empty.write_text("")
    with pytest.raises(UserError, match="empty"):
        society.scripts(ScenesConfig(instructions=str(empty)), SETTING)


def test_the_yaml_is_a_valid_config() -> None:
    from omegaconf import OmegaConf
    from pydantic import TypeAdapter

    text = (resources.files("conf") / "society" / "scenes.yaml").read_text(encoding="utf-8")
    given = OmegaConf.to_container(OmegaConf.create(text))
    assert isinstance(given, dict) and given.pop("name") == "scenes"
    config = TypeAdapter(ScenesConfig).validate_python(given)
    assert set(given) | {"memory_trigger", "critique_trigger", "inbox_block", "places", "reference_act"} == set(
        ScenesConfig.__dataclass_fields__
    )
    assert config.num_roles == 3
