"""Every column of a release has a meaning, and schema.json, Croissant and card tell the same one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pyarrow as pa
import pytest

from selfalign.release.build import Built
from selfalign.release.diff import diff_releases
from selfalign.release.meanings import COMMON, LINES, MESSAGE, changed, described, meaning, meanings, parts_of
from selfalign.release.reading import Release
from selfalign.release.schemas import COLUMNS, LINEAGE, TURNS, describe, schema_of
from selfalign.release.verify import verify_release
from selfalign.release.write import write_sums


def leaves(config: str) -> Iterator[tuple[str, pa.DataType]]:
    """Yield every column of a config and every part of one."""
    pending = [(item.name, item.type) for item in (LINEAGE if config == LINES else schema_of(config))]
    while pending:
        path, kind = pending.pop()
        yield path, kind
        pending += [(part, inner) for part, _, inner in parts_of(path, kind)]


@pytest.mark.parametrize("config", [*COLUMNS, f"nc_{next(iter(COLUMNS))}", LINES])
def test_no_column_lacks_a_meaning_and_no_number_a_unit(config: str) -> None:
    for path, kind in leaves(config):
        told = meaning(config, path)
        assert len(told.text) > 8, path
        assert told.text.endswith("."), path
        inner = kind.value_type if pa.types.is_list(kind) else kind
        if pa.types.is_integer(inner) or pa.types.is_floating(inner):
            assert told.unit, f"{config}.{path} has no unit"
        if pa.types.is_boolean(inner):
            assert told.values, f"{config}.{path} does not say what true means"


def test_no_meaning_is_of_a_column_that_does_not_exist() -> None:
    for section, paths in meanings().items():
        if section == MESSAGE:
            known = {path.rpartition(".")[2] for path, kind in leaves("preference") if path.startswith("prompt.")}
        elif section == COMMON:
            known = {path for path, _ in leaves("sft") if path.split(".")[0] in ("id", "meta")}
        else:
            known = {path for path, _ in leaves(section)}
        assert paths.keys() <= known, section


def test_a_column_without_a_meaning_is_an_error() -> None:
    with pytest.raises(KeyError):
        meaning("sft", "prompts")


def test_schema_croissant_and_card_say_the_same(built: Built) -> None:
    release = Release.open(built.folder)
    schema, card = release.json("schema.json"), release.text("README.md")
    records = {one["name"]: one for one in release.json("croissant.json")["recordSet"]}
    assert schema.keys() == {*release.configs(), LINES}
    for config in release.configs():
        assert schema[config] == described(config)
        fields = {one["@id"].split("/", 2)[2]: one for one in records[f"{config}/train"]["field"]}
        for column in schema[config]:
            assert fields[column["name"]]["description"].startswith(column["description"])
            assert column["description"] in card
            for part in column.get("fields", ()):
                inner = {one["@id"].rpartition("/")[2]: one for one in fields[column["name"]]["subField"]}
                assert inner[part["name"]]["description"].startswith(part["description"])
    assert "| `meta.probability` | double |" in card
    assert "| `turns.audience` | list<string> |" in card


def test_a_changed_meaning_asks_for_a_major_version(built: Built, copy: Path) -> None:
    path = copy / "schema.json"
    told = orjson.loads(path.read_bytes())
    told["ballots"][-2]["description"] = "Why the voter did not vote."
    path.write_bytes(orjson.dumps(told))
    assert diff_releases(built.folder, copy).asks_for == "major"
    told["ballots"] = described("ballots")
    told[LINES][3]["description"] = "Something else."
    path.write_bytes(orjson.dumps(told))
    assert diff_releases(built.folder, copy).asks_for == "major"


def test_releases_from_before_meanings_still_verify_and_compare(built: Built, copy: Path) -> None:
    told = {name: describe(schema_of(name)) for name in Release.open(copy).configs()}
    (copy / "schema.json").write_bytes(orjson.dumps(told))
    write_sums(copy)
    assert all(check.passed for check in verify_release(copy))
    assert diff_releases(copy, built.folder).asks_for == "patch"
    assert changed(told["sft"], described("reward"))


def test_messages_of_every_conversation_have_one_meaning() -> None:
    for config, columns in COLUMNS.items():
        for name, kind in columns:
            if kind == TURNS:
                assert meaning(config, f"{name}.role") == meanings()[MESSAGE]["role"]
