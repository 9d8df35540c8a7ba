"""A release folder as people check it before sharing: its card, its counts, its reports. Reads files, runs nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from agents.errors import UserError

if TYPE_CHECKING:
    import polars as pl

MARK = "SHA256SUMS"
MAX_TEXT = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseFolder:
    """What a release folder holds. reports: name -> its content."""

    path: Path
    card: str
    files: tuple[tuple[str, int], ...]
    counts: tuple[tuple[str, str, int], ...]
    reports: dict[str, Any]
    problems: tuple[str, ...]


def releases_below(roots: list[Path]) -> dict[str, Path]:
    """Return name -> folder of the releases right below these folders; links are left out."""
    found: dict[str, Path] = {}
    for root in roots:
        if not root.is_dir() or root.is_symlink():
            continue
        with os.scandir(root) as entries:
            for entry in sorted(entries, key=lambda e: e.name):
                if entry.is_dir(follow_symlinks=False) and (Path(entry.path) / MARK).is_file():
                    found.setdefault(entry.name, Path(entry.path))
    return found


def read_release(path: Path) -> ReleaseFolder:
    """Read a release folder. Raises UserError for one without its list of checksums."""
    if not (path / MARK).is_file():
        raise UserError(
            f"{path.name} is no release.", f"it holds no {MARK}.", "make one: folkmoot release build RUN name=NAME"
        )
    problems: list[str] = []
    files = [p for p in sorted(path.rglob("*")) if p.is_file() and not p.is_symlink() and not p.name.startswith(".")]
    reports = {}
    for file in files:
        if file.suffix == ".json" and file.stat().st_size < 2_000_000:
            try:
                reports[str(file.relative_to(path))] = orjson.loads(file.read_bytes())
            except ValueError:
                problems.append(f"{file.relative_to(path)} is no JSON.")
    card = path / "README.md"
    if not card.is_file():
        problems.append("README.md is missing: the release has no card.")
    return ReleaseFolder(
        path=path,
        card=card.read_text(encoding="utf-8", errors="replace")[:MAX_TEXT] if card.is_file() else "",
        files=tuple((str(p.relative_to(path)), p.stat().st_size) for p in files),
        counts=tuple(_counts(path, files, problems)),
        reports=reports,
        problems=tuple(problems),
    )


def _counts(path: Path, files: list[Path], problems: list[str]) -> list[tuple[str, str, int]]:
    import polars as pl

    sums: dict[tuple[str, str], int] = {}
    for file in files:
        if file.suffix != ".parquet":
            continue
        key = str(file.parent.relative_to(path)), file.name.split("-")[0].removesuffix(".parquet")
        try:
            sums[key] = sums.get(key, 0) + int(pl.scan_parquet(file).select(pl.len()).collect().item())
        except (OSError, pl.exceptions.PolarsError):
            problems.append(f"{file.relative_to(path)} cannot be read.")
    return [(config, split, num) for (config, split), num in sorted(sums.items())]


def examples_of(path: Path, config: str) -> list[tuple[str, str]]:
    """Return (id, its first words) of the rows that lie in a config's sample for eyes; none where it cannot be read."""
    out = []
    try:
        for line in (path / config / "sample.jsonl").read_bytes().splitlines():
            row = orjson.loads(line)
            out.append((str(row["id"]), " ".join(_first_text(row).split())[:60]))
    except (OSError, ValueError, KeyError, TypeError):
        return out
    return out


def _first_text(row: dict[str, Any]) -> str:
    for name in ("prompt", "chosen"):
        if row.get(name):
            return str(row[name][-1]["content"])
    return str(row.get("instruction") or row.get("statement") or f"{row.get('instrument', '')} {row.get('item', '')}")


def runs_behind(path: Path, root: Path) -> tuple[list[Path], list[str]]:
    """Return (folders of the runs that a release was made from, names of those that are not below `root`)."""
    try:
        told = orjson.loads((path / "provenance" / "manifest.json").read_bytes())["runs"]
        names = [str(one["run_id"]) for one in told]
    except (OSError, ValueError, KeyError, TypeError):
        return [], []
    there = [root / name for name in names if ".." not in name and (root / name / "config.yaml").is_file()]
    return there, [name for name in names if root / name not in there]


def counts_frame(release: ReleaseFolder) -> pl.DataFrame:
    """Return rows by config and split."""
    import polars as pl

    schema = {"config": pl.String, "split": pl.String, "rows": pl.Int64}
    return pl.DataFrame(release.counts, schema=schema, orient="row")


def body_of(card: str) -> str:
    """Return a card without its front matter."""
    if card.startswith("---\n"):
        _, _, rest = card[4:].partition("\n---\n")
        return rest or card
    return card
