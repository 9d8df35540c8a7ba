"""What changed between two releases, and which part of the version number that asks for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from selfalign.release.meanings import LINES, changed
from selfalign.release.reading import Release
from selfalign.release.write import read_sums

Version = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigDiff:
    """Rows of one config: added, removed, and in both but on another side."""

    config: str
    num_before: int
    num_after: int
    num_added: int
    num_removed: int
    num_moved: int
    columns: str
    """What changed in its columns; "" for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """Two releases side by side. asks_for: major, minor, patch or nothing. wrong: why the version does not fit."""

    before: str
    after: str
    configs: tuple[ConfigDiff, ...]
    files: tuple[str, ...]
    asks_for: str
    wrong: str


def diff_releases(before: Path, after: Path) -> Diff:
    """Compare two releases row by row. Raises UserError when a folder is none."""
    old, new = Release.open(before), Release.open(after)
    columns = old.json("schema.json"), new.json("schema.json")
    sides = _sides(old), _sides(new)
    configs = []
    for name in sorted(sides[0].keys() | sides[1].keys()):
        a, b = (side.get(name, {}) for side in sides)
        told = changed(columns[0].get(name, []), columns[1].get(name, []))
        configs.append(
            ConfigDiff(
                config=name,
                num_before=len(a),
                num_after=len(b),
                num_added=len(b.keys() - a.keys()),
                num_removed=len(a.keys() - b.keys()),
                num_moved=sum(a[row] != b[row] for row in a.keys() & b.keys()),
                columns="" if not told else "new" if not a else "gone" if not b else "changed",
            )
        )
    sums = read_sums(before), read_sums(after)
    files = tuple(name for name in sorted(sums[0].keys() | sums[1].keys()) if sums[0].get(name) != sums[1].get(name))
    lineage = [one[LINES] for one in columns if LINES in one]
    if any(one.columns in ("changed", "gone") for one in configs) or (len(lineage) == 2 and changed(*lineage)):
        asks_for = "major"
    elif any(one.num_added or one.num_removed or one.num_moved for one in configs):
        asks_for = "minor"
    else:
        asks_for = "patch" if files else "nothing"
    versions = str(old.settings()["version"]), str(new.settings()["version"])
    return Diff(
        before=f"{old.settings()['name']} {versions[0]}",
        after=f"{new.settings()['name']} {versions[1]}",
        configs=tuple(configs),
        files=files,
        asks_for=asks_for,
        wrong=_wrong(_version(versions[0]), _version(versions[1]), asks_for),
    )


def _sides(release: Release) -> dict[str, dict[str, str]]:
    table = release.lineage(["config", "id", "split"]).to_pydict()
    out: dict[str, dict[str, str]] = {}
    for config, name, split in zip(table["config"], table["id"], table["split"], strict=True):
        out.setdefault(config, {})[name] = split
    return out


def _version(text: str) -> Version:
    major, minor, patch = (int(part) for part in text.split("."))
    return major, minor, patch


def _wrong(old: Version, new: Version, asks_for: str) -> str:
    """Return why the step from one version to the other says too little, or ""."""
    least = {"major": (old[0] + 1, 0, 0), "minor": (old[0], old[1] + 1, 0), "patch": (old[0], old[1], old[2] + 1)}.get(
        asks_for
    )
    if least is None or new >= least:
        return ""
    return f"the changes ask for at least {'.'.join(map(str, least))}, and it is {'.'.join(map(str, new))}"
