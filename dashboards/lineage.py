"""Walk a sample back: to its scene and incidents, the requests behind it, the prompts and policies, and the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agents.errors import UserError, did_you_mean
from agents.sample import Sample
from dashboards.drawing import shortened
from dashboards.scenes import Scene, scene_of
from dashboards.sources import Reader, mapping, stage_key, text, whole
from sim.store import Run
from sim.tables import sample_from_row


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One journalled request. reply: its text, or option = probability. number: in the sample's order, from 1."""

    key: str
    found: bool
    digest: str
    reply: str
    num_prompt_tokens: int
    num_output_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A sample with everything that made it. incidents: those that its meta names, else all accepted ones."""

    stage: str
    sample: Sample
    scene: Scene | None
    incidents: tuple[str, ...]
    requests: tuple[Asked, ...]
    prompts: dict[str, str]
    policies: dict[str, str]
    model: dict[str, Any]


def walk_back(run: Run, sample_id: str) -> Walk:
    """Return where a sample came from. Raises UserError, naming near ids, for one that is not in the run."""
    reader = Reader(run)
    stages = sorted((path.name for path in (run.folder / "samples").glob("*")), key=stage_key)
    known: list[str] = []
    for stage in stages:
        rows = reader.rows(f"samples/{stage}/part-*.parquet", sample_id=sample_id)
        if rows:
            return _walk(reader, stage, sample_from_row(rows[0]))
        known += [text(row.get("sample_id")) for row in reader.rows(f"samples/{stage}/part-*.parquet", ["sample_id"])]
    fix = did_you_mean(sample_id, known[:2_000]) if len(known) > 8 else "Known: " + ", ".join(known) + "."
    raise UserError(
        f'There is no sample "{sample_id}" in {run.folder}.', "", fix if known else "This run has no samples."
    )


def _walk(reader: Reader, stage: str, sample: Sample) -> Walk:
    manifest = reader.json("manifest.json")
    scene_id = text(sample.meta.get("scene_id"))
    scene = scene_of(reader, stage, scene_id) if scene_id else None
    named = {text(one) for one in sample.meta.get("incidents") or ()}
    acts = [a for a in scene.acts if a.accepted and (not named or a.incident_id in named)] if scene else []
    digests = mapping(manifest.get("prompts"))
    return Walk(
        stage=stage,
        sample=sample,
        scene=scene if scene and scene.script else None,
        incidents=tuple(f"{act.incident_id}: {act.source} {shortened(act.said, 160)}" for act in acts),
        requests=find_requests(reader, sample.lineage.requests),
        prompts={name: _digest(name, digests) for name in sample.lineage.prompts},
        policies={name: _policy(reader, name) for name in sample.lineage.policies},
        model=mapping(manifest.get("model")),
    )


def find_requests(reader: Reader, keys: Sequence[str]) -> tuple[Asked, ...]:
    """Return the journalled requests with these identities ("path#ordinal"), in the given order."""
    wanted = set(keys)
    records: dict[str, dict[str, Any]] = {}
    for stage in dict.fromkeys(key.partition("/")[0] for key in keys):
        for record in reader.journal(stage):
            if record["k"] in wanted:
                records[record["k"]] = record
    return tuple(_asked(key, records.get(key)) for key in keys)


def show_request(run: Run, key: str) -> dict[str, Any]:
    """Return what the run knows of one request. Raises UserError for one that is not in its journal."""
    reader = Reader(run)
    asked = find_requests(reader, [key])[0]
    letters = [one for one in reader.lines(f"deadletter/{key.partition('/')[0]}.jsonl") if one.get("request") == key]
    if not asked.found and not letters:
        raise UserError(
            f'There is no request "{key}" in the journal of {run.folder}.',
            'A request is named by its script and number, such as "r1.play/scene-0001#3".',
            "`folkmoot show RUN --sample ID` lists the requests behind a sample",
        )
    return {
        "request": key,
        "digest": asked.digest,
        "reply": asked.reply,
        "prompt_tokens": asked.num_prompt_tokens,
        "output_tokens": asked.num_output_tokens,
        "seconds": asked.seconds,
        "forfeits": [{"cause": one.get("cause"), "why": one.get("why"), "final": one.get("final")} for one in letters],
    }


def _asked(key: str, record: dict[str, Any] | None) -> Asked:
    if record is None:
        return Asked(key=key, found=False, digest="", reply="", num_prompt_tokens=0, num_output_tokens=0, seconds=0.0)
    usage = [*(record.get("u") or ()), 0, 0, 0, 0]
    return Asked(
        key=key,
        found=True,
        digest=text(record.get("d")),
        reply=_reply(record),
        num_prompt_tokens=whole(usage[0]),
        num_output_tokens=whole(usage[2]),
        seconds=float(usage[3]),
    )


def _reply(record: dict[str, Any]) -> str:
    """Return a journalled answer as text; for a score, the options with their probabilities."""
    body = record.get("r") or [""]
    if record.get("t") != "s":
        return text(body[0])
    from agents.scoring import option_probabilities

    try:
        shares = option_probabilities(body[1])
    except (TypeError, ValueError, IndexError):
        return "unreadable scores"
    return ", ".join(f"{option} = {p:.3f}" for option, p in zip(body[0], shares, strict=False))


def _digest(name: str, digests: dict[str, Any]) -> str:
    """Return a prompt's digest; the manifest names prompts by package ("societies.scenes/draft.v1")."""
    own = [text(value) for key, value in digests.items() if key == name or key.endswith(f".{name}")]
    return own[0] if own else ""


def _policy(reader: Reader, name: str) -> str:
    raw = reader.json(f"policies/{name}/policy.json")
    if not raw:
        return "the base model" if name == "base" else "not stored in this run"
    return f"from {text(raw.get('parent'))} by {text(raw.get('recipe'))}, digest {text(raw.get('digest'))[:12]}"
