"""Checks that look at files and documents: checksums, schemas, counts, licences, placeholders, the canary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow.parquet as pq

from selfalign.release.documents import DOCUMENTS, placeholders, questions
from selfalign.release.meanings import LINES, bare, changed, described
from selfalign.release.reading import Release
from selfalign.release.schemas import COLUMNS, base_of, describe
from selfalign.release.sources import conflict, known, link, noncommercial
from selfalign.release.write import CANARY_KEY, canary_of, files_of, read_sums, sha256_of


def sums(release: Release) -> list[str]:
    """Return the files that are missing, changed or too many."""
    listed = read_sums(release.folder)
    there = set(files_of(release.folder))
    wrong = [f"{name} is missing" for name in sorted(set(listed) - there)]
    wrong += [f"{name} is not listed" for name in sorted(there - set(listed))]
    wrong += [
        f"{name} has changed"
        for name in sorted(there & set(listed))
        if sha256_of(release.folder / name) != listed[name]
    ]
    return wrong


def schemas(release: Release) -> list[str]:
    """Return the files whose columns are not those of `schema.json` and of this version, and meanings that differ."""
    told, wrong = release.json("schema.json"), []
    if LINES in told:  # releases from before columns had meanings do not have it
        lineage = told.pop(LINES)
        if describe(pq.read_schema(release.folder / "provenance" / "lineage.parquet")) != bare(lineage):
            wrong.append("provenance/lineage.parquet has other columns than schema.json")
        if changed(lineage, described(LINES)):
            wrong.append("schema.json tells other columns of the lineage than this version of Folkmoot")
    for config in release.configs():
        if base_of(config) not in COLUMNS:
            wrong.append(f"{config} is no config of this version of Folkmoot")
            continue
        own = told.get(config) or []
        if changed(own, described(config)):
            wrong.append(f"schema.json tells other columns of {config} than this version of Folkmoot")
        for _, path in release.shards(config):
            if describe(pq.read_schema(path)) != bare(own):
                wrong.append(f"{path.relative_to(release.folder)} has other columns than schema.json")
    wrong += [f"{config} is in schema.json and has no file" for config in told if config not in release.configs()]
    return wrong


def counts(release: Release) -> list[str]:
    """Return where rows, card, Croissant and funnel disagree, and funnel steps that do not add up."""
    card, funnel = release.card(), release.json("reports/funnel.json")
    wrong: list[str] = []
    infos = {info["config_name"]: info for info in card.get("dataset_info", ())}
    records = {one["name"]: one.get("description", "") for one in release.json("croissant.json").get("recordSet", ())}
    for config in release.configs():
        there = release.num_rows(config)
        carded = {one["name"]: one["num_examples"] for one in infos.get(config, {}).get("splits", ())}
        if carded != there:
            wrong.append(f"{config}: the card counts {carded}, the files hold {there}")
        funnelled = funnel["configs"].get(config, {})
        if funnelled.get("splits") != there:
            wrong.append(f"{config}: the funnel counts {funnelled.get('splits')}, the files hold {there}")
        if funnelled.get("num_made", 0) - funnelled.get("num_repeats", 0) != sum(there.values()):
            wrong.append(f"{config}: rows made less repeats are not {sum(there.values())}")
        for split in there:
            own = [
                text
                for name, text in records.items()
                if name == f"{config}/{split}" or name.startswith(f"{config}/{split}/")
            ]
            told = sum(int(text.split(": ")[1].split(" rows")[0]) for text in own)
            if told != there[split]:
                wrong.append(f"{config}: Croissant counts {told} rows in {split}, the files hold {there[split]}")
    return wrong + _steps(funnel)


def _steps(funnel: Mapping[str, Any]) -> list[str]:
    wrong, before = [], None
    for step in funnel["steps"]:
        if step["num_in"] - step["num_out"] != sum(step["reasons"].values()):
            wrong.append(f"funnel step {step['name']}: reasons do not add up")
        if before is not None and step["num_in"] != before:
            wrong.append(f"funnel step {step['name']}: {step['num_in']} in, but {before} came out before")
        before = step["num_out"]
    if before != funnel["num_kept"]:
        wrong.append(f"the funnel ends with {before} samples and keeps {funnel['num_kept']}")
    return wrong


def canary(release: Release) -> list[str]:
    """Return the files in which the canary is missing."""
    settings = release.settings()
    wanted = canary_of(f"{settings['name']}-v{settings['version']}")
    wrong = [] if wanted in release.text("README.md") else ["README.md"]
    for config in release.configs():
        for _, path in release.shards(config):
            if (pq.read_schema(path).metadata or {}).get(CANARY_KEY) != wanted.encode():
                wrong.append(str(path.relative_to(release.folder)))
    return [f"{name} lacks the canary" for name in wrong]


def documents(release: Release) -> list[str]:
    """Return where card, datasheet, Croissant and settings disagree, and what was left for a person to write."""
    wrong, settings, card = [], release.settings(), release.card()
    for name in DOCUMENTS:
        left = placeholders(release.text(name))
        wrong += [f"{name} still holds {left[0]}"] if left else []
    croissant = release.json("croissant.json")
    said = {
        "version": (card.get("version"), croissant.get("version"), settings["version"]),
        "licence": (
            link(str(card.get("license"))).lower(),
            str(croissant.get("license")).lower(),
            link(settings["licence"]).lower(),
        ),
    }
    wrong += [f"{what} differs: {', '.join(map(str, told))}" for what, told in said.items() if len(set(told)) > 1]
    head = f"Datasheet: {settings['title'] or settings['name']} {settings['version']}"
    if head not in release.text("DATASHEET.md"):
        wrong.append(f"DATASHEET.md is not of this release ({head})")
    unanswered = [question for question, answer in questions(release.text("DATASHEET.md")) if not answer.strip()]
    wrong += [f'DATASHEET.md leaves "{question}" without an answer' for question in unanswered]
    paths = {(one["contentUrl"], one["sha256"]) for one in croissant.get("distribution", ())}
    listed = read_sums(release.folder)
    for config in release.configs():
        for _, path in release.shards(config):
            name = path.relative_to(release.folder).as_posix()
            if (name, listed.get(name)) not in paths:
                wrong.append(f"croissant.json does not know {name} with its checksum")
    return wrong


def licences(release: Release) -> list[str]:
    """Return models and sources without licence, and sources whose licence the release's own does not allow."""
    told, own, wrong = release.json("provenance/models.json"), release.settings()["licence"], []
    wrong += [f"the model {m['id']} has no licence" for m in told["models"] if not known(m.get("licence", ""))]
    wrong += [
        f"the adapter {one['id']} has no licence"
        for one in told.get("adapters", ())
        if not known(one.get("licence", ""))
    ]
    for source in told["sources"]:
        why = conflict(source.get("licence", ""), own)
        if why:
            wrong.append(f"the source {source['name']}: {why}")
    apart = {one["name"] for one in told["sources"] if noncommercial(one.get("licence", ""))}
    for config in release.configs():
        if apart and not config.startswith("nc_"):
            mixed = {row["meta"]["source"] for _, row in release.rows(config, ["meta"])} & apart
            wrong += [f"{config} holds rows of {name}, which belong in nc_{config}" for name in sorted(mixed)]
    return wrong
