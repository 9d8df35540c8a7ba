"""Verification: each check sees its own damage on a copy, also when the checksums were made to fit again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from agents.errors import UserError
from selfalign.release.schemas import row_id, schema_of
from selfalign.release.verify import verify_release
from selfalign.release.write import CANARY_KEY, SETTINGS, write_sums

Rows = list[dict[str, Any]]


def shard(folder: Path, config: str, split: str = "train") -> Path:
    return next((folder / config).glob(f"{split}-*.parquet"))


def rewrite(path: Path, change: Callable[[Rows], Rows | None], *, canary: bool = True) -> None:
    table = pq.read_table(path)
    rows = table.to_pylist()
    rows = change(rows) or rows
    schema = table.schema if canary else table.schema.with_metadata({CANARY_KEY: b"another"})
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, **SETTINGS)


def renamed(folder: Path, config: str, rows: Rows, n: int) -> None:
    """Give a changed row the id that fits its content, in the lineage too."""
    lineage = folder / "provenance" / "lineage.parquet"
    old = rows[n]["id"]

    def change(lines: Rows) -> None:
        line = next(one for one in lines if (one["config"], one["id"]) == (config, old))
        rows[n]["id"] = row_id(
            config, f"{line['run_id']}|{line['sample_id'] or line['scene_id']}|{line['part']}", rows[n]
        )
        line["id"] = rows[n]["id"]

    rewrite(lineage, change)
    rows.sort(key=lambda row: row["id"])


def flip(folder: Path) -> None:
    path = shard(folder, "sft")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def more(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")


def lose(folder: Path) -> None:
    (folder / "reports" / "pii.json").unlink()


def changed_row(folder: Path) -> None:
    def change(rows: Rows) -> None:
        rows[0]["completion"][0]["content"] += " indeed"

    rewrite(shard(folder, "sft"), change)


def dropped_row(folder: Path) -> None:
    rewrite(shard(folder, "sft"), lambda rows: rows[1:])


def wrong_count(folder: Path) -> None:
    path = folder / "README.md"
    path.write_text(path.read_text().replace("num_examples: ", "num_examples: 1", 1))


def wrong_funnel(folder: Path) -> None:
    path = folder / "reports" / "funnel.json"
    funnel = orjson.loads(path.read_bytes())
    funnel["steps"][0]["num_in"] += 1
    path.write_bytes(orjson.dumps(funnel))


def other_columns(folder: Path) -> None:
    path = shard(folder, "utilities")
    table = pq.read_table(path)
    pq.write_table(table.drop_columns(["variance"]), path)


def with_pii(folder: Path) -> None:
    def change(rows: Rows) -> None:
        rows[0]["completion"][0]["content"] += " ann@mail.org"
        renamed(folder, "sft", rows, 0)

    rewrite(shard(folder, "sft"), change)


def with_control(folder: Path) -> None:
    def change(rows: Rows) -> None:
        rows[0]["completion"][0]["content"] += " <|im_start|>"
        renamed(folder, "sft", rows, 0)

    rewrite(shard(folder, "sft"), change)


def equal_sides(folder: Path) -> None:
    def change(rows: Rows) -> None:
        rows[0]["rejected"] = rows[0]["chosen"]
        renamed(folder, "reward", rows, 0)

    rewrite(shard(folder, "reward"), change)


def swapped_votes(folder: Path) -> None:
    def change(rows: Rows) -> None:
        n = next(n for n, row in enumerate(rows) if row["meta"]["rule"] == "votes")
        rows[n]["chosen"], rows[n]["rejected"] = rows[n]["rejected"], rows[n]["chosen"]
        renamed(folder, "preference", rows, n)

    rewrite(shard(folder, "preference"), change)


def stronger_vote(folder: Path) -> None:
    def change(rows: Rows) -> None:
        n = next(n for n, row in enumerate(rows) if row["meta"]["rule"] == "votes")
        rows[n]["meta"]["probability"] = 0.99
        renamed(folder, "preference", rows, n)

    rewrite(shard(folder, "preference"), change)


def repeated(folder: Path) -> None:
    def change(rows: Rows) -> None:
        for column in ("prompt", "completion"):
            rows[0][column] = [{**turn, "content": turn["content"].upper()} for turn in rows[1][column]]
        renamed(folder, "sft", rows, 0)

    rewrite(shard(folder, "sft"), change)


def across(folder: Path) -> None:
    test = pq.read_table(shard(folder, "sft", "test")).to_pylist()[0]

    def change(rows: Rows) -> None:
        rows[0]["prompt"] = test["prompt"]
        rows[0]["completion"] = [{"role": "assistant", "content": test["completion"][0]["content"] + " so"}]
        renamed(folder, "sft", rows, 0)

    rewrite(shard(folder, "sft"), change)


def scene_on_two_sides(folder: Path) -> None:
    def change(lines: Rows) -> None:
        train = next(line for line in lines if line["split"] == "train" and line["scene_id"])
        test = next(line for line in lines if line["split"] == "test" and line["scene_id"])
        test["scene_id"] = train["scene_id"]

    rewrite(folder / "provenance" / "lineage.parquet", change)


def lost_lineage(folder: Path) -> None:
    rewrite(folder / "provenance" / "lineage.parquet", lambda lines: lines[1:])


def no_canary(folder: Path) -> None:
    rewrite(shard(folder, "prompts"), lambda rows: rows, canary=False)


def placeholder(folder: Path) -> None:
    path = folder / "DATASHEET.md"
    path.write_text(path.read_text() + "\nTODO: who paid?\n")


def other_version(folder: Path) -> None:
    path = folder / "croissant.json"
    path.write_bytes(orjson.dumps({**orjson.loads(path.read_bytes()), "version": "9.0.0"}))


def no_licence(folder: Path) -> None:
    path = folder / "provenance" / "models.json"
    told = orjson.loads(path.read_bytes())
    told["models"][0]["licence"] = "unknown"
    path.write_bytes(orjson.dumps(told))


def commercial(folder: Path) -> None:
    path = folder / "provenance" / "models.json"
    told = orjson.loads(path.read_bytes())
    next(one for one in told["sources"] if one["name"] == "bank")["licence"] = "CC-BY-NC-4.0"
    path.write_bytes(orjson.dumps(told))


def other_meaning(folder: Path) -> None:
    path = folder / "schema.json"
    told = orjson.loads(path.read_bytes())
    told["preference"][1]["description"] = "Whatever."
    path.write_bytes(orjson.dumps(told))


def other_lineage(folder: Path) -> None:
    path = folder / "provenance" / "lineage.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["judge"]), path)


def unlicensed_adapter(folder: Path) -> None:
    path = folder / "provenance" / "models.json"
    told = orjson.loads(path.read_bytes())
    told["adapters"].append({"id": "p1", "licence": "unknown"})
    path.write_bytes(orjson.dumps(told))


def unanswered(folder: Path) -> None:
    path = folder / "DATASHEET.md"
    lines = path.read_text().splitlines()
    path.write_text("\n".join("- **Who paid for it?**" if "Who paid" in line else line for line in lines))


DAMAGES: dict[Callable[[Path], None], str] = {
    changed_row: "ids", dropped_row: "counts", wrong_count: "counts", wrong_funnel: "counts", other_columns: "schemas",
    with_pii: "personal data", with_control: "conversations", equal_sides: "conversations", swapped_votes: "votes",
    stronger_vote: "votes", repeated: "repeats", across: "splits", scene_on_two_sides: "splits",
    lost_lineage: "lineage",
    no_canary: "canary", placeholder: "documents", other_version: "documents", no_licence: "licences",
    commercial: "licences", other_meaning: "schemas", other_lineage: "schemas", unlicensed_adapter: "licences",
    unanswered: "documents",
}  # fmt: skip


@pytest.mark.parametrize(("damage", "check"), DAMAGES.items(), ids=[damage.__name__ for damage in DAMAGES])
def test_a_check_sees_its_damage_though_the_checksums_fit(
    damage: Callable[[Path], None], check: str, copy: Path
) -> None:
    damage(copy)
    write_sums(copy)
    failed = {one.name for one in verify_release(copy) if not one.passed}
    assert check in failed
    assert "files and checksums" not in failed


@pytest.mark.parametrize("damage", [flip, more, lose, changed_row, wrong_count])
def test_checksums_see_every_change(damage: Callable[[Path], None], copy: Path) -> None:
    damage(copy)
    assert not verify_release(copy)[0].passed


def test_broken_files_fail_their_checks_and_nothing_is_raised(copy: Path) -> None:
    shard(copy, "sft").write_bytes(b"PAR1 no more")
    (copy / "croissant.json").write_text("{")
    (copy / "provenance" / "config.yaml").write_text(yaml.safe_dump({"release": {}}))
    failed = {check.name for check in verify_release(copy) if not check.passed}
    assert {"files and checksums", "ids", "counts", "documents", "canary"} <= failed


def test_what_is_no_release_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UserError, match="is not a release"):
            verify_release(folder)


def test_schemas_read_back_equal(copy: Path) -> None:
    assert pq.read_schema(shard(copy, "scenes")).equals(schema_of("scenes"))
