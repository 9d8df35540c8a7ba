"""Transcripts of the society of scenes, from its event tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from selfalign.release.clean import Cleaner
from selfalign.release.decontaminate import Matcher
from selfalign.release.intake import events, source_name
from selfalign.release.origins import SCENES as SOCIETY
from selfalign.release.origins import Facts, Origins
from selfalign.release.rows import Draft

if TYPE_CHECKING:
    import polars as pl

SCENES = ("scene_id", "instruction", "source", "consequence", "answer", "end_reason")
ROLES = ("scene_id", "role_id", "name", "traits", "is_ego", "persona_id", "policy")
INCIDENTS = ("scene_id", "incident_id", "step", "source", "text", "recipients", "accepted")


def by_scene(frame: pl.DataFrame | None) -> dict[str, list[dict[str, Any]]]:
    """Return scene -> its rows, in their order."""
    out: dict[str, list[dict[str, Any]]] = {}
    for row in frame.iter_rows(named=True) if frame is not None else ():
        out.setdefault(row["scene_id"], []).append(row)
    return out


def scene_rows(
    facts: Facts, stage: str, kept: set[str], origins: Origins, cleaner: Cleaner, matcher: Matcher
) -> Iterator[tuple[str, Draft]]:
    """Yield ("scenes", transcript) for the scenes of a stage that have a kept sample and no evaluation item in them."""
    intake = facts.intake
    frame = events(intake, stage, "scenes", SCENES)
    if frame is None:
        return
    named = events(intake, stage, "scenes", ("scene_id", "script"), by=(SOCIETY,))
    scripts = dict(named.iter_rows()) if named is not None else {}
    roles = by_scene(events(intake, stage, "roles", ROLES))
    acts = by_scene(events(intake, stage, "incidents", INCIDENTS))
    for scene in frame.iter_rows(named=True):
        name = scene["scene_id"]
        if name not in kept:
            continue
        cast, told = roles.get(name, []), acts.get(name, [])
        texts = [scene["instruction"], scene["answer"], scene["consequence"], *(act["text"] for act in told)]
        if any(matcher.overlaps([text or "" for text in texts])):
            continue
        where = f"{intake.run_id}|{name}"
        people = sorted({facts.citizen(role["persona_id"]) for role in cast if role["persona_id"]})
        policies = sorted({role["policy"] for role in cast if role["policy"]}) or ["base"]
        turn_ids = [act["incident_id"] for act in told]
        requests = facts.by_root.get(scripts.get(name) or "", [])
        row = facts.row(
            stage,
            name,
            policies,
            citizen_ids=people,
            turn_ids=turn_ids,
            request_keys=requests,
            request_digests=[facts.digests[key] for key in requests],
        )
        keys = [f"scene|{intake.run_id}|{name}", *(f"person|{one}" for one in people)]
        acted = {act["source"] for act in told}
        spoke = [facts.citizen(r["persona_id"]) for r in cast if r["persona_id"] and r["role_id"] in acted]
        number = origins.add(row, keys, spoke)
        yield "scenes", Draft(number, "", _transcript(scene, cast, told, facts, cleaner, where, policies))


def _transcript(
    scene: Mapping[str, Any],
    cast: Sequence[Mapping[str, Any]],
    told: Sequence[Mapping[str, Any]],
    facts: Facts,
    cleaner: Cleaner,
    where: str,
    policies: Sequence[str],
) -> dict[str, Any]:
    names = {role["role_id"]: role["name"] for role in cast}

    def clean(value: str | None) -> str:
        return cleaner.text(value, where) if value else ""

    roles = [
        {"role_id": r["role_id"], "name": clean(r["name"]), "traits": clean(r["traits"]), "is_ego": bool(r["is_ego"])}
        for r in cast
    ]
    turns = [
        {
            "turn_id": act["incident_id"],
            "tick": act["step"],
            "speaker": clean(names.get(act["source"], act["source"])),
            "role": act["source"],
            "text": clean(act["text"]),
            "audience": list(act["recipients"] or ()),
            "accepted": bool(act["accepted"]),
        }
        for act in told
    ]
    return {
        "instruction": clean(scene["instruction"]),
        "roles": roles,
        "turns": turns,
        "outcome": clean(scene["consequence"]),
        "answer": clean(scene["answer"]),
        "end_reason": scene["end_reason"] or "",
        "meta": plain_meta(facts, scene=scene["scene_id"], source=source_name(scene["source"]), policies=policies),
    }


def plain_meta(facts: Facts, *, scene: str = "", source: str = "own", policies: Sequence[str] = ()) -> dict[str, Any]:
    """Return the meta of a row that no sample stands behind."""
    return {
        "subject": f"{facts.intake.run_id}|{scene}",
        "run": facts.intake.run_id,
        "scene": scene,
        "society": facts.intake.society,
        "kind": "",
        "source": source,
        "rule": "",
        "dim": "",
        "probability": None,
        "num_votes": 0,
        "disagreement": None,
        "policies": list(policies),
    }
