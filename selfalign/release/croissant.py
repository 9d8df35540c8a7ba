"""The release as Croissant JSON-LD, with responsible-AI fields and provenance, for machines that look for data.

Written against Croissant 1.0 (`conformsTo`), which validators read by default, and the RAI vocabulary 1.0.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from selfalign.release.account import Account, Table
from selfalign.release.meanings import Meaning, meaning
from selfalign.release.schemas import schema_of
from selfalign.release.sources import link

CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "prov": "http://www.w3.org/ns/prov#",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def croissant(account: Account) -> dict[str, Any]:
    """Return the JSON-LD document."""
    config = account.config
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": config.folder,
        "description": account.summary,
        "version": config.version,
        "license": link(config.licence),
        "citeAs": f"{', '.join(config.authors)}: {account.title}, version {config.version}.",
        "creator": [{"@type": "sc:Organization", "name": name} for name in config.authors],
        "keywords": ["synthetic", "agent-simulation", "alignment", f"canary {account.canary}"],
        "isLiveDataset": False,
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": shard.path,
                "name": shard.path,
                "contentUrl": shard.path,
                "encodingFormat": "application/x-parquet",
                "contentSize": f"{shard.size_bytes} B",
                "sha256": shard.sha256,
            }
            for table in account.tables
            for shards in table.splits.values()
            for shard in shards
        ],
        "recordSet": [
            _record_set(table, split, number, shard.path)
            for table in account.tables
            for split, shards in table.splits.items()
            for number, shard in enumerate(shards)
        ],
        **_responsible(account),
    }


def _record_set(table: Table, split: str, number: int, path: str) -> dict[str, Any]:
    name = f"{table.name}/{split}" + (f"/{number}" if number else "")
    rows, columns = table.splits[split][number].num_rows, schema_of(table.name)
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"{table.name}, split {split}: {rows} rows, for {table.purpose}.",
        "field": [_field(table.name, f"{name}/{item.name}", item.name, item.type, path) for item in columns],
    }


def _field(config: str, name: str, column: str, kind: pa.DataType, path: str) -> dict[str, Any]:
    """Return a field; structs and lists of structs get a sub-field for each of their parts."""
    listed = pa.types.is_list(kind)
    inner = kind.value_type if listed else kind
    source = {"fileObject": {"@id": path}, "extract": {"column": column}}
    field: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": name,
        "name": name,
        "description": _told(meaning(config, column)),
    }
    if listed:
        field["repeated"] = True
    if not pa.types.is_struct(inner):
        return {**field, "dataType": _TYPES[str(inner)], "source": source}
    parts = [
        {
            "@type": "cr:Field",
            "@id": f"{name}/{part.name}",
            "name": f"{name}/{part.name}",
            "description": _told(meaning(config, f"{column}.{part.name}")),
            "dataType": _TYPES[str(part.type.value_type if pa.types.is_list(part.type) else part.type)],
            **({"repeated": True} if pa.types.is_list(part.type) and not listed else {}),
            "source": {**source, "transform": {"jsonPath": f"$.{part.name}"}},
        }
        for part in inner
    ]
    return {**field, "subField": parts}


def _told(one: Meaning) -> str:
    unit, values = f" Unit: {one.unit}." if one.unit else "", f" Values: {one.values}." if one.values else ""
    return f"{one.text}{unit}{values}"


_TYPES = {"string": "sc:Text", "double": "sc:Float", "int64": "sc:Integer", "bool": "sc:Boolean"}


def _responsible(account: Account) -> dict[str, Any]:
    words, reports = account.config.words, account.reports
    models = ", ".join(f"{one['id']}@{one['revision']} ({one['licence']})" for one in account.generators)
    return {
        "rai:dataCollection": f"A simulated society, {account.played}: {account.figure}.",
        "rai:dataCollectionType": ["Synthetic"],
        "rai:hasSyntheticData": True,
        "rai:dataBiases": f"{account.one_mind} Generators: {models or 'none'}. {reports['judges']['summary']}",
        "rai:dataLimitations": words.limits,
        "rai:personalSensitiveInformation": reports["pii"]["summary"],
        "rai:dataSocialImpact": "Could be misused for astroturfing, for tuning persuasion, or to pass off simulated "
        "votes as polls. No statement in it is the opinion of a real person or group.",
        "rai:dataUseCases": f"{words.good_for} Not for: {words.not_good_for}",
        "prov:wasDerivedFrom": [str(source["name"]) for source in account.sources] or ["no outside source"],
        "prov:wasGeneratedBy": [str(run["run_id"]) for run in account.runs],
    }
