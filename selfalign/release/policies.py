"""The policies that speak in a release beside the base model: adapters of the runs' loops, and those a config named.

What is told of an adapter follows from the run folder alone, so that a release is built the same where the weights are
not at hand. The journals say with which weights it spoke; an adapter that was changed since is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from agents.errors import UserError
from selfalign.policy.store import PolicyStore
from selfalign.release.config import Generator, ReleaseConfig
from selfalign.release.intake import Intake
from selfalign.release.origins import model_of, played_by
from selfalign.release.sources import known
from sim.store import read_json

_GATE = re.compile(r"r\d+\.json")
OUTSIDE = "not known: it was trained outside the run"


def spoken_with(intake: Intake) -> dict[str, str]:
    """Return policy -> digest of the weights with which the run's journals say it spoke; "" for one without files.

    Raises UserError when two stages were played with different weights under one name.
    """
    out: dict[str, str] = {}
    for path in sorted((intake.run.folder / "journal").glob("*.jsonl")):
        with path.open("rb") as file:
            line = file.readline()
        try:
            head = orjson.loads(line[9:])
        except ValueError:
            continue
        for name, digest in (head.get("policies") or {}).items():
            if out.setdefault(str(name), str(digest)) != str(digest):
                raise UserError(
                    f"The policy {name} of {intake.run.folder} spoke with two different weights.",
                    f"the journals of its stages name {out[name][:12]} and {str(digest)[:12]}.",
                    "nobody could say which of them made a row: leave the run out, or play it again",
                )
    return out


def gates_of(intake: Intake) -> list[dict[str, Any]]:
    """Return what each round's gate decided, in order: round, candidate, against whom, decision, by whom, why."""
    out = []
    for path in sorted((intake.run.folder / "gates").glob("r*.json")):
        if not _GATE.fullmatch(path.name):
            continue
        gate = read_json(path)
        decided = read_json(path.with_suffix(".decision.json"))
        out.append(
            {
                "round": int(gate["round"]),
                "candidate": str(gate["after"]),
                "against": str(gate["before"]),
                "decision": str(decided.get("decision") or "not decided yet"),
                "by": str(decided.get("by") or ""),
                "why": str(gate["summary"]),
            }
        )
    return sorted(out, key=lambda one: one["round"])


def adapters(
    intakes: Sequence[Intake], config: ReleaseConfig, num_samples: Counter[tuple[int, str]]
) -> list[dict[str, Any]]:
    """Return one record an adapter of each run. num_samples: (number of the run, policy) -> kept samples it spoke in.

    Raises UserError for one that changed since it spoke, and for one from outside whose licence nobody named.
    """
    out = []
    for number, intake in enumerate(intakes):
        if not intake.asked:
            continue
        spoken = spoken_with(intake)
        store = PolicyStore(intake.run.folder / "policies")
        for name in store.names():
            out.append(_trained(intake, store, name, spoken.get(name, ""), num_samples[number, name]))
        for name in sorted(spoken.keys() - set(store.names())):
            out.append(_named(intake, name, spoken[name], config, num_samples[number, name]))
    return out


def _trained(intake: Intake, store: PolicyStore, name: str, spoken: str, num: int) -> dict[str, Any]:
    meta = store.meta(name)
    if spoken and spoken != meta.digest:
        raise UserError(
            f"The policy {name} of {intake.run.folder} is not the one that spoke.",
            f"policy.json has the digest {meta.digest[:12]}, its journals {spoken[:12]}.",
            "restore policies/ from a copy, or leave the run out",
        )
    gate = next((one for one in gates_of(intake) if one["candidate"] == name), {})
    return {
        **_common(intake, name, num),
        "sha256": meta.digest,
        "files": dict(sorted(meta.files.items())),
        "licence": str(played_by(intake.manifest).get("licence") or "unknown"),
        "licence_of": "its base model; it was trained on samples of the run",
        "parent": meta.parent,
        "version": len(store.lineage(name)) - 1,
        "recipe": meta.recipe,
        "data_sha256": meta.data_digest,
        "seed": meta.seed,
        "round": gate.get("round"),
        "decision": f"{gate['decision']} by {gate['by']}".removesuffix(" by ") if gate else "no gate",
    }


def _named(intake: Intake, name: str, digest: str, config: ReleaseConfig, num: int) -> dict[str, Any]:
    given = {one.name: one for one in config.models}
    scripted = bool(intake.manifest.get("scripted"))
    own = given.get(name)
    if own is None and scripted:
        own = Generator(name=name, licence=str(played_by(intake.manifest)["licence"]))
    if own is None or not known(own.licence):
        raise UserError(
            f'The licence of the policy "{name}" is not known.',
            f"the config of {intake.run_id} brought it from outside, and a release names the licence of whoever spoke.",
            "name it under models: {name: " + name + ", licence: SPDX-ID, terms: ...} (--config FILE)",
        )
    return {
        **_common(intake, name, num),
        "sha256": digest,
        "files": {},
        "licence": own.licence,
        "licence_of": "the scripted engine, which answered for it"
        if scripted
        else "named by whoever built the release",
        "parent": OUTSIDE,
        "version": None,
        "recipe": OUTSIDE,
        "data_sha256": "",
        "seed": None,
        "round": None,
        "decision": "no gate",
    }


def _common(intake: Intake, name: str, num: int) -> dict[str, Any]:
    model = played_by(intake.manifest)
    return {
        "id": f"{intake.run_id}/policies/{name}",
        "name": name,
        "run_id": intake.run_id,
        "role": "adapter",
        "base": model_of(intake.manifest),
        "base_sha256": str(model.get("digest") or ""),
        "num_samples": num,
        "weights": "not shipped; policies/ of the run folder",
    }


def of_row(adapters: Iterable[Mapping[str, Any]], run_id: str, policies: Iterable[str]) -> list[Mapping[str, Any]]:
    """Return the records of the adapters that a row of a run names."""
    wanted = set(policies)
    return [one for one in adapters if one["run_id"] == run_id and one["name"] in wanted]
