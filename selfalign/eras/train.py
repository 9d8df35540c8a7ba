"""One adapter an era, through the trainer that every policy goes through, with a record of where each came from.

`OUT/policies/<era>/` are policies like those of the loop; `OUT/eras.json` says which files, years, rows and settings
made them; `OUT/conf/experiment/own_eras.yaml` lets a run ask them. An era whose policy stands is not trained again.
Source: ProgressGym, arXiv 2406.20087, section on HistLlama: continued pretraining a century; adapters are ours.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agents.errors import UserError
from selfalign.config import TrainConfig
from selfalign.eras.corpus import Corpus, EraText
from selfalign.policy.store import BASE, PolicyMeta, PolicyStore
from selfalign.recipe import settings
from selfalign.train.job import ADAPTER, ROWS, TrainJob, write_json, write_rows
from selfalign.train.progress import curve_frame
from selfalign.train.runner import clean
from selfalign.train.runner import train as train_in_child
from selfalign.train.text import ENGINE
from sim.engines.base import derive_seed
from sim.models import ModelFolder
from sim.store import utc_now
from sim.tables import write_frame, write_whole

RECIPE = "eras"
Trainer = Callable[[TrainJob, Callable[[dict[str, Any]], None] | None], dict[str, Any]]


def train_eras(
    corpus: Corpus,
    model: ModelFolder,
    config: TrainConfig,
    out: Path,
    *,
    say: Callable[[str], None] = lambda line: None,
    on_progress: Callable[[dict[str, Any]], None] | None = None,
    train: Trainer = train_in_child,
) -> dict[str, Any]:
    """Train every era that has no policy yet; return what stands in `eras.json`.

    Raises UserError where a policy stands that was trained on other text or from another model.
    """
    store = PolicyStore(out / "policies")
    told = []
    for era in corpus.eras:
        if not store.has(era.name):
            say(f"{era.name}: {len(era.documents)} documents, {sum(len(d.content) for d in era.documents)} characters")
            _train(era, model, config, out, store, on_progress, train)
        meta = _checked(era, model, config, store)
        told.append({**era.facts(), "policy": meta.digest, "metrics": dict(meta.metrics)})
    record = {
        "created": utc_now(),
        "model": {"name": model.name, "digest": model.digest, "revision": model.revision, "licence": model.licence},
        "settings": asdict(config),
        "files": [dict(file) for file in corpus.files],
        "lost": dict(corpus.lost),
        "eras": told,
    }
    write_json(out / "eras.json", record)
    write_whole(out / "conf" / "experiment" / "own_eras.yaml", experiment(store, corpus).encode())
    return record


def experiment(store: PolicyStore, corpus: Corpus) -> str:
    """Return the experiment that lets a run ask these eras: `folkmoot run --conf OUT/conf experiment=own_eras`."""
    names = [era.name for era in corpus.eras]
    policies = "\n".join(f'  {name}: "{store.path(name).resolve()}"' for name in names)
    eras = "\n".join(f"    - {{name: {name}, policy: {name}}}" for name in names)
    return (
        "# @package _global_\n# Made by folkmoot eras: each era is an adapter of its own.\n"
        "# folkmoot run --conf THIS_CONF_FOLDER experiment=own_eras\n"
        'defaults:\n  - override /society: eras\n  - override /loop: "off"\n  - _self_\n\nname: own_eras\n\n'
        f"policies:\n{policies}\n\nsociety:\n  eras:\n{eras}\n"
    )


def _train(
    era: EraText,
    model: ModelFolder,
    config: TrainConfig,
    out: Path,
    store: PolicyStore,
    on_progress: Callable[[dict[str, Any]], None] | None,
    train: Trainer,
) -> None:
    folder = out / "training" / era.name
    rows = [{"text": document.content} for document in era.documents]
    write_rows(folder / ROWS, rows, [document.id for document in era.documents])
    job = TrainJob(
        folder=folder,
        name=era.name,
        recipe=RECIPE,
        engine=ENGINE,
        loss="nll",
        config=settings(config),
        base_folder=str(model.path),
        base_digest=model.digest,
        data_digest=era.digest,
        seed=_seed(config, era),
    )
    metrics = train(job, on_progress)
    curve = folder / "curves.parquet"
    write_frame(curve, curve_frame(folder))
    facts = {key: value for key, value in era.facts().items() if key not in ("name", "data_digest")}
    meta = PolicyMeta(
        name=era.name,
        parent=BASE,
        base_digest=model.digest,
        recipe=RECIPE,
        data_digest=era.digest,
        seed=job.seed,
        metrics={**metrics, **facts, "settings": settings(config)},
    )
    store.put(meta, folder / ADAPTER, {"curves.parquet": curve})
    clean(folder)
    shutil.rmtree(folder / ADAPTER, ignore_errors=True)


def _checked(era: EraText, model: ModelFolder, config: TrainConfig, store: PolicyStore) -> PolicyMeta:
    """Return the stored policy of an era. Raises UserError when it came from something else."""
    meta = store.verify(era.name)
    differs = [
        name
        for name, there, here in (
            ("text", meta.data_digest, era.digest),
            ("base model", meta.base_digest, model.digest),
            ("settings", meta.metrics.get("settings"), settings(config)),
        )
        if there != here
    ]
    if differs:
        raise UserError(
            f"The era {era.name} in {store.folder} was trained before, with other {' and '.join(differs)}.",
            "a policy that stands is never trained again.",
            "name another --out, or remove it if you know why",
        )
    return meta


def _seed(config: TrainConfig, era: EraText) -> int:
    return derive_seed(config.seed, f"eras/{era.name}") % 2**31
