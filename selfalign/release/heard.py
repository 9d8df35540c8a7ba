"""What was said behind a row, read from its run: turns, arguments, a table's row; and whether the row says the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from selfalign.release.clean import Cleaner
from selfalign.release.schemas import base_of
from sim.store import Run
from sim.tables import samples_of

if TYPE_CHECKING:
    from selfalign.release.reading import Release

ANSWERS = {
    "sft": ("completion",),
    "preference": ("chosen", "rejected"),
    "reward": ("chosen", "rejected"),
    "unpaired": ("completion",),
}
"""Config -> the columns whose last turn somebody in the run has said."""


def turns_behind(run: Run, line: Mapping[str, Any], row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what was said behind a row, as "id: speaker: text": of its scene, its assembly or its comparison."""
    if "turns" in row:
        return tuple(f"{one['turn_id']}: {one['speaker']}: {one['text']}" for one in row["turns"])
    scene, stage = line["scene_id"], line["stage"]
    if not scene:
        return _table_row(run, line)
    told = [
        f"{r['incident_id']}: {r['source']}: {r['text']}"
        for r in _rows(run, stage, "incidents", scene_id=scene)
        if not line["turn_ids"] or r["incident_id"] in line["turn_ids"]
    ]
    assembly, _, arm = scene.partition(".")
    keys = set(line["request_keys"])
    for r in _rows(run, stage, "turns", assembly=assembly, arm=arm or "full"):
        if r["identity"] in keys:  # those that the authors of the statements had heard
            told.append(f"{r['turn']}: {r['speaker']}: {r['text']}")
    for r in _rows(run, stage, "choices", pair=scene):
        told += [f"argument {n}: {text}" for n, text in enumerate(r["arguments"] or (), start=1)]
    return tuple(told)


def _rows(run: Run, stage: str, table: str, **values: str) -> Iterator[dict[str, Any]]:
    frame = run.read_events(stage, table)
    if frame.is_empty() or not set(values) <= set(frame.columns):
        return
    yield from frame.filter(**values).iter_rows(named=True)


def _table_row(run: Run, line: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the row of an event table or of scores that a number was taken from, named by the row's part."""
    stage, _, rest = line["part"].partition("|")
    table, _, place = rest.partition("|")
    number = place.partition(".")[0]
    if not number.isdigit():
        return ()
    if table == "scores":
        import polars as pl

        path = run.folder / "scores" / f"{stage}.parquet"
        frame = pl.read_parquet(path) if path.is_file() else pl.DataFrame()
    else:
        frame = run.read_events(stage, table)
    if int(number) >= frame.height:
        return ()
    told = {name: value for name, value in frame.row(int(number), named=True).items() if value not in (None, "", [])}
    return (f"{stage}/{table}, row {number}: " + ", ".join(f"{name} = {value}" for name, value in told.items()),)


def unsaid(release: Release, run: Run, lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return which of these lineage rows hold an answer that no candidate of their sample in the run gave.

    Texts of the run are cleaned as at the build before they are compared.
    """
    wrong: list[str] = []
    for config in sorted({line["config"] for line in lines}):
        columns = ANSWERS.get(base_of(config))
        own = {line["id"]: line for line in lines if line["config"] == config}
        if columns is None:
            continue
        said = _answers(run, own.values())
        for _, path in release.shards(config):
            rows = pq.read_table(path, columns=["id", *columns], filters=[("id", "in", sorted(own))]).to_pylist()
            for row in rows:
                line = own[row["id"]]
                known = said.get((line["stage"], line["sample_id"]), set())
                if known and any(row[name][-1]["content"] not in known for name in columns):
                    wrong.append(f"{config}/{row['id']} holds an answer that {line['sample_id']} in the run does not")
    return wrong


def _answers(run: Run, lines: Any) -> dict[tuple[str, str], set[str]]:
    import polars as pl

    wanted: dict[str, set[str]] = {}
    for line in lines:
        wanted.setdefault(line["stage"], set()).add(line["sample_id"])
    cleaner = Cleaner()
    out: dict[tuple[str, str], set[str]] = {}
    for stage, names in wanted.items():
        frame = run.sample_frames(stage)
        if frame.is_empty():
            continue
        for sample in samples_of(frame.filter(pl.col("sample_id").is_in(sorted(names)))):
            out[stage, sample.sample_id] = {cleaner.text(one.text, "").strip() for one in sample.candidates}
    return out
