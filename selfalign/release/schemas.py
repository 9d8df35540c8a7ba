"""The columns of every config, in one place: plain Parquet types that load and concatenate everywhere.

A row's `id` is the digest of its config, its lineage key and all its other columns (`row_id`). `meta` is one struct, so
that trainers see few columns; the rest of a row's origin is in `provenance/lineage.parquet` under the same id.

Besides samples, two event tables of a run become configs when they are there:
`value_vectors`: timestep int, subject str, instrument str, item str, score float, lo float, hi float, n int;
`utilities`: timestep int, subject str, option str, utility float, variance float.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
import pyarrow as pa

TEXT, REAL, WHOLE = pa.string(), pa.float64(), pa.int64()
TURNS = pa.list_(pa.struct([("role", TEXT), ("content", TEXT)]))
META = pa.struct(
    [
        ("subject", TEXT),
        ("run", TEXT),
        ("scene", TEXT),
        ("society", TEXT),
        ("kind", TEXT),
        ("source", TEXT),
        ("rule", TEXT),
        ("dim", TEXT),
        ("probability", REAL),
        ("num_votes", WHOLE),
        ("disagreement", REAL),
        ("policies", pa.list_(TEXT)),
    ]
)
"""subject: the sample. rule: who counted, and how. probability: that chosen wins; null where nobody voted.
disagreement: largest less smallest group's probability; null without groups."""

ROLES = pa.list_(pa.struct([("role_id", TEXT), ("name", TEXT), ("traits", TEXT), ("is_ego", pa.bool_())]))
ACTS = pa.list_(
    pa.struct(
        [
            ("turn_id", TEXT),
            ("tick", WHOLE),
            ("speaker", TEXT),
            ("role", TEXT),
            ("text", TEXT),
            ("audience", pa.list_(TEXT)),
            ("accepted", pa.bool_()),
        ]
    )
)

COLUMNS: dict[str, list[tuple[str, pa.DataType]]] = {
    "preference": [("prompt", TURNS), ("chosen", TURNS), ("rejected", TURNS)],
    "sft": [("prompt", TURNS), ("completion", TURNS)],
    "reward": [("chosen", TURNS), ("rejected", TURNS), ("margin", REAL)],
    "unpaired": [("prompt", TURNS), ("completion", TURNS), ("label", pa.bool_())],
    "prompts": [("prompt", TURNS), ("task", TEXT)],
    "ballots": [
        ("subject", TEXT),
        ("statement", TEXT),
        ("citizen", TEXT),
        ("group", TEXT),
        ("dim", TEXT),
        ("kind", TEXT),
        ("options", pa.list_(TEXT)),
        ("values", pa.list_(REAL)),
        ("weight", REAL),
        ("round", WHOLE),
        ("rationale", TEXT),
    ],
    "scenes": [
        ("instruction", TEXT),
        ("roles", ROLES),
        ("turns", ACTS),
        ("outcome", TEXT),
        ("answer", TEXT),
        ("end_reason", TEXT),
    ],
    "value_trajectories": [
        ("seed", WHOLE),
        ("timestep", WHOLE),
        ("subject", TEXT),
        ("instrument", TEXT),
        ("item", TEXT),
        ("score", REAL),
        ("lo", REAL),
        ("hi", REAL),
        ("n", WHOLE),
    ],
    "utilities": [
        ("seed", WHOLE),
        ("timestep", WHOLE),
        ("subject", TEXT),
        ("option", TEXT),
        ("utility", REAL),
        ("variance", REAL),
    ],
}
"""Config -> columns between `id` and `meta`, in this order; the first config that has rows is the default one.

margin: 2p - 1, and 0 (which changes no loss) where nobody voted. ballots.values: one a candidate, in the order of
options; for kind "pair" and "score" its probability or rating, for "rank" its rank. weight: 1, all voters count alike.
"""

PURPOSE = {
    "preference": "DPO and relatives",
    "sft": "supervised fine-tuning",
    "reward": "reward models",
    "unpaired": "KTO",
    "prompts": "GRPO, RLOO",
    "ballots": "pluralistic losses, social choice, audits",
    "scenes": "new recipes, analysis",
    "value_trajectories": "co-evolution studies",
    "utilities": "co-evolution studies",
}

ORIGIN: list[tuple[str, pa.DataType]] = [
    ("run_id", TEXT),
    ("stage", TEXT),
    ("sample_id", TEXT),
    ("scene_id", TEXT),
    ("topics", pa.list_(TEXT)),
    ("tick", WHOLE),
    ("turn_ids", pa.list_(TEXT)),
    ("citizen_ids", pa.list_(TEXT)),
    ("vote_ids", pa.list_(TEXT)),
    ("request_keys", pa.list_(TEXT)),
    ("request_digests", pa.list_(TEXT)),
    ("prompt_names", pa.list_(TEXT)),
    ("prompt_digests", pa.list_(TEXT)),
    ("models", pa.list_(TEXT)),
    ("policies", pa.list_(TEXT)),
    ("policy_version_min", WHOLE),
    ("policy_version_max", WHOLE),
    ("run_seed", WHOLE),
    ("settings_digest", TEXT),
    ("judge", TEXT),
    ("recipe", TEXT),
    ("group", TEXT),
    ("filters_passed", pa.list_(TEXT)),
]
"""What a sample, a scene or a table row comes from. models: "name@revision". group: what is never split.
settings_digest: of the run's config, which is in provenance/config.yaml. request_digests: "" where no journal is."""

LINEAGE = pa.schema([("id", TEXT), ("config", TEXT), ("split", TEXT), ("part", TEXT), *ORIGIN])


def base_of(config: str) -> str:
    """Return the config that a non-commercial one is shaped like; others stay as they are."""
    return config.removeprefix("nc_")


def schema_of(config: str) -> pa.Schema:
    """Return the schema of a config. Raises KeyError for an unknown one."""
    return pa.schema([("id", TEXT), *COLUMNS[base_of(config)], ("meta", META)])


def row_id(config: str, key: str, row: Mapping[str, Any]) -> str:
    """Return the content hash of a row, 32 hexadecimal digits. key: "run_id|sample_id|part"."""
    content = [config, key, [row[name] for name, _ in COLUMNS[base_of(config)]], row["meta"]]
    return hashlib.blake2b(orjson.dumps(content), digest_size=16).hexdigest()


def describe(schema: pa.Schema) -> list[dict[str, str]]:
    """Return a schema as plain names and types."""
    return [{"name": item.name, "type": plain_type(item.type)} for item in schema]


def plain_type(kind: pa.DataType) -> str:
    """Return a type as text; readers name the items of a list differently, which means nothing."""
    if pa.types.is_list(kind):
        return f"list<{plain_type(kind.value_type)}>"
    if pa.types.is_struct(kind):
        return f"struct<{', '.join(f'{item.name}: {plain_type(item.type)}' for item in kind)}>"
    return str(kind)


def features(kind: pa.DataType) -> dict[str, Any]:
    """Return a type in the YAML form of the `datasets` library (`dataset_info.features`, without the name)."""
    if pa.types.is_list(kind):
        inner = features(kind.value_type)
        return {"list": inner["struct"] if "struct" in inner else inner["dtype"]}
    if pa.types.is_struct(kind):
        return {"struct": [{"name": item.name, **features(item.type)} for item in kind]}
    return {"dtype": {"double": "float64"}.get(str(kind), str(kind))}
