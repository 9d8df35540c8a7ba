"""The one object that card, datasheet, Croissant, licence and citation are made from, so that they cannot disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selfalign.release.config import ReleaseConfig
from selfalign.release.meanings import rows_of
from selfalign.release.schemas import COLUMNS, PURPOSE, base_of, features, schema_of

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
TASKS = {"sft": "text-generation", "preference": "reinforcement-learning", "prompts": "text-generation"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One Parquet file of a config."""

    path: str
    num_rows: int
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One config as it was written. splits: split -> shards. example: a real row, shortened, as JSON text."""

    name: str
    splits: Mapping[str, tuple[Shard, ...]]
    example: str

    @property
    def purpose(self) -> str:
        """What it is for."""
        return PURPOSE[base_of(self.name)]

    @property
    def columns(self) -> list[tuple[str, str, str, str, str]]:
        """(column, type, meaning, unit, values) of its own columns and their parts, without `meta`."""
        return rows_of(self.name, meta=False)

    def num_rows(self, split: str = "") -> int:
        """Return the rows of a split, or of all."""
        return sum(s.num_rows for name, shards in self.splits.items() for s in shards if split in ("", name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Everything that the documents of a release say."""

    config: ReleaseConfig
    canary: str
    tables: tuple[Table, ...]
    generators: tuple[Mapping[str, str], ...]
    adapters: tuple[Mapping[str, Any], ...]
    """Policies that speak beside the base model, as `policies.adapters` tells them."""
    sources: tuple[Mapping[str, Any], ...]
    composition: tuple[Mapping[str, Any], ...]
    """Rows of the composition table: source, licence, commercial, rows, citation."""
    runs: tuple[Mapping[str, Any], ...]
    """run_id, society, population, recipe, seed, num_samples, scripted, versions, degraded, gates."""
    reports: Mapping[str, Mapping[str, Any]]
    rules: Mapping[str, str]
    """Rule -> what it counts, of those that occur in the preferences."""
    languages: tuple[str, ...]
    warnings: tuple[str, ...]
    rebuild: str

    @property
    def meta(self) -> list[tuple[str, str, str, str, str]]:
        """(field, type, meaning, unit, values) of `meta`, the same in every config."""
        return rows_of(self.default, meta=True)

    @property
    def title(self) -> str:
        """Pretty name."""
        return self.config.title or self.config.name

    @property
    def scripted(self) -> bool:
        """Whether a run was played by the scripted engine."""
        return any(bool(run["scripted"]) for run in self.runs)

    @property
    def num_rows(self) -> int:
        """Rows of all configs."""
        return sum(table.num_rows() for table in self.tables)

    @property
    def num_samples(self) -> int:
        """Samples that went in and came out."""
        return int(self.reports["funnel"]["num_kept"])

    @property
    def size_category(self) -> str:
        """The hub's word for the number of rows."""
        return next((name for limit, name in SIZES if self.num_rows < limit), "n>1M")

    @property
    def default(self) -> str:
        """The config that is loaded when none is named."""
        return self.tables[0].name

    @property
    def summary(self) -> str:
        """What it is, in up to three sentences."""
        told = ", ".join(f"{table.num_rows()} {table.name}" for table in self.tables)
        societies = ", ".join(sorted({str(run["society"]) for run in self.runs}))
        held = f"{self.num_samples} samples from" if self.num_samples else "Tables of"
        made = (
            f"{held} {len(self.runs)} run{'s' * (len(self.runs) != 1)} of the society {societies}, {self.played}. "
            f"As rows: {told}."
        )
        return self.config.words.summary or made

    @property
    def played(self) -> str:
        """Who played the runs, in words."""
        if not any(run["asked"] for run in self.runs):
            return "computed in numbers (no model was asked)"
        engines = "the scripted engine, which is no model" if self.scripted else "language models"
        return f"played by {engines}"

    @property
    def one_mind(self) -> str:
        """What it does to the data that few models play everybody."""
        names = sorted({one["id"] for one in self.generators})
        if not names:
            return "People are numbers with a rule; nothing that the rule does not hold can be seen in them."
        if len(names) > 1:
            return (
                f"{len(names)} models play all roles ({', '.join(names)}), each run by one of them: within a run one "
                "model agrees with itself, and its votes are less various than people's."
            )
        return (
            "One model family plays every role: such a monopolylogue agrees with itself, and its votes are less "
            "various than people's."
        )

    @property
    def gates(self) -> list[tuple[str, Mapping[str, Any]]]:
        """(run, what a gate of it decided) of all runs."""
        return [(str(run["run_id"]), gate) for run in self.runs for gate in run["gates"]]

    @property
    def margins(self) -> list[str]:
        """Features of the populations, as "NAME: sex, age, ..."."""
        told = {(str(run["population"]), str(run["margins"])) for run in self.runs}
        return [f"{name}: {margins}" for name, margins in sorted(told) if name and margins]

    @property
    def versions(self) -> list[str]:
        """Versions of Folkmoot that the runs were played with."""
        return sorted({str(run["versions"]["folkmoot"]) for run in self.runs})

    @property
    def figure(self) -> str:
        """How it was made, as a line of steps."""
        societies = ", ".join(sorted({str(run["society"]) for run in self.runs}))
        models = ", ".join(f"{one['id']}@{one['revision']}" for one in self.generators)
        played = f"played by {models}" if models else "numbers, no model asked"
        return f"personas -> {societies} ({played}) -> samples and votes -> filters -> configs"


def front_matter(account: Account) -> dict[str, Any]:
    """Return the card's YAML header."""
    config = account.config
    tasks = {TASKS.get(base_of(table.name), "") for table in account.tables} - {""}
    return {
        "pretty_name": account.title,
        "version": config.version,
        "license": config.licence.lower(),
        "language": list(account.languages),
        "size_categories": [account.size_category],
        "task_categories": sorted(tasks),
        "tags": [
            "synthetic",
            "agent-simulation",
            "alignment",
            *(["preference"] if account.default == "preference" else []),
        ],
        "annotations_creators": ["machine-generated"],
        "source_datasets": ["original"],
        "configs": [
            {
                "config_name": table.name,
                "data_files": [{"split": split, "path": f"{table.name}/{split}-*.parquet"} for split in table.splits],
                **({"default": True} if table.name == account.default else {}),
            }
            for table in account.tables
        ],
        "dataset_info": [_info(table) for table in account.tables],
    }


def _info(table: Table) -> dict[str, Any]:
    splits = [
        {
            "name": split,
            "num_bytes": sum(shard.size_bytes for shard in shards),
            "num_examples": sum(shard.num_rows for shard in shards),
        }
        for split, shards in table.splits.items()
    ]
    size = sum(shard.size_bytes for shards in table.splits.values() for shard in shards)
    return {
        "config_name": table.name,
        "features": [{"name": field.name, **features(field.type)} for field in schema_of(table.name)],
        "splits": splits,
        "download_size": size,
        "dataset_size": size,
    }


def default_order(names: Sequence[str]) -> list[str]:
    """Return config names in the order of the schemas, non-commercial ones last."""
    order = list(COLUMNS)
    return sorted(names, key=lambda name: (name.startswith("nc_"), order.index(base_of(name))))
