"""`provenance/`: settings, versions, models, prompts and recipes that made a release, without times and machines."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from agents.prompts import prompt_digest, prompt_source
from selfalign.release.account import Account
from selfalign.release.config import ReleaseConfig
from selfalign.release.intake import Intake, portable
from selfalign.release.policies import gates_of
from selfalign.release.write import write_json, write_text

ENGINE = ("engine", "device", "dtype", "seed", "max_model_len", "logprobs_mode", "enforce_eager")
"""What is told of an engine: whatever changes texts."""


def run_record(intake: Intake, num_samples: int) -> dict[str, Any]:
    """Return what the documents say about a run."""
    engine: Mapping[str, Any] = intake.manifest.get("engine") or {}
    return {
        "run_id": intake.run_id,
        "society": intake.society,
        "population": intake.population,
        "recipe": intake.recipe,
        "seed": int(intake.manifest.get("seed", intake.config.get("seed", 0)) or 0),
        "num_samples": num_samples,
        "asked": intake.asked,
        "margins": intake.margins,
        "scripted": bool(intake.manifest.get("scripted")) and intake.asked,
        "versions": {"folkmoot": "unknown", **dict(sorted(intake.manifest["versions"].items()))},
        "engine": {key: engine[key] for key in ENGINE if key in engine},
        "git": (intake.manifest.get("git") or {}).get("commit", ""),
        "degraded": [str(one) for one in intake.manifest.get("degraded") or ()],
        "prompts": dict(sorted((intake.manifest.get("prompts") or {}).items())),
        "gates": gates_of(intake),
        "settings_digest": intake.settings_digest,
        "journal": "not shipped; journal/ of the run folder",
    }


def write_provenance(
    folder: Path,
    config: ReleaseConfig,
    intakes: Sequence[Intake],
    account: Account,
) -> None:
    """Write everything of `provenance/` but the lineage."""
    settings = portable(dataclasses.asdict(config))
    settings.pop("out", None)
    told = {"release": settings, "runs": {intake.run_id: portable(intake.config) for intake in intakes}}
    write_text(folder / "config.yaml", yaml.safe_dump(told, sort_keys=True, allow_unicode=True))
    write_json(folder / "manifest.json", {"runs": list(account.runs), "writer": writer_versions()})
    models = {"models": account.generators, "adapters": account.adapters, "sources": account.sources}
    write_json(folder / "models.json", {name: list(records) for name, records in models.items()})
    write_json(folder / "prompts" / "index.json", _prompts(folder / "prompts", intakes))
    for intake in intakes:
        recipe = intake.config.get("recipe") or {}
        if intake.recipe:
            name = f"{intake.run_id.replace('/', '.')}.{recipe['name']}.yaml"
            write_text(folder / "recipes" / name, yaml.safe_dump(portable(recipe), sort_keys=True))


def writer_versions() -> dict[str, str]:
    """Return the versions that the bytes of a release depend on."""
    from importlib.metadata import PackageNotFoundError, version

    out = {}
    for name in ("folkmoot", "pyarrow", "numpy"):
        try:
            out[name] = version(name)
        except PackageNotFoundError:
            out[name] = "unknown"
    return out


def _prompts(folder: Path, intakes: Sequence[Intake]) -> dict[str, Any]:
    """Write the templates that are at hand with the digest that the runs used; return what is there and what is not."""
    index: dict[str, Any] = {}
    for intake in intakes:
        for name, digest in sorted((intake.manifest.get("prompts") or {}).items()):
            package, _, short = str(name).partition("/")
            file = f"{package}.{short}.{digest}.jinja"
            try:
                at_hand = prompt_digest(package, short) == digest
            except (ModuleNotFoundError, FileNotFoundError, TypeError, ValueError):
                at_hand = False
            if at_hand:
                write_text(folder / file, prompt_source(package, short))
            index.setdefault(name, {})[digest] = (
                file if at_hand else "not at hand: this installation has another version"
            )
    return index
