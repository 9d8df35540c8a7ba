"""Walk a sample back to its scene or assembly, requests, prompts, policies and model; and a clause to its votes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agents.errors import UserError, did_you_mean, nearest
from agents.sample import Sample
from dashboards.assembly_audit import Chain, chains_of
from dashboards.assembly_minority import Dissent, dissents_of
from dashboards.assembly_source import MAIN, Archive, Key
from dashboards.drawing import shortened
from dashboards.scenes import Scene, scene_of
from dashboards.sources import Reader, mapping, number, stage_key, text, whole
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
    """A sample with everything that made it. incidents: those that its meta names, else all accepted ones.

    origin: (what, text) of the assembly or the comparison that it comes from; empty for other samples.
    """

    stage: str
    sample: Sample
    scene: Scene | None
    incidents: tuple[str, ...]
    origin: tuple[tuple[str, str], ...]
    requests: tuple[Asked, ...]
    prompts: dict[str, str]
    policies: dict[str, str]
    model: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseWalk:
    """A clause with everything that made it. missing: requests of its links that are not in the journal."""

    key: Key
    question: str
    chain: Chain
    dissents: tuple[Dissent, ...]
    num_requests: int
    missing: tuple[str, ...]


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
    if not known:
        why, fix = "it wrote no sample.", "see `folkmoot ls` for a run that has some"
    else:
        why = "its samples have other ids."
        fix = did_you_mean(sample_id, known[:2_000]) if len(known) > 8 else "Known: " + ", ".join(known) + "."
    raise UserError(f'There is no sample "{sample_id}" in {run.folder}.', why, fix)


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
        origin=_origin(reader, stage, sample),
        requests=find_requests(reader, sample.lineage.requests),
        prompts={name: _digest(name, digests) for name in sample.lineage.prompts},
        policies={name: _policy(reader, name) for name in sample.lineage.policies},
        model=mapping(manifest.get("model")),
    )


def _origin(reader: Reader, stage: str, sample: Sample) -> tuple[tuple[str, str], ...]:
    """Return what the event tables say of the assembly or the pair behind a sample."""
    assembly, arm = text(sample.meta.get("assembly")), text(sample.meta.get("arm"))
    told: list[tuple[str, str]] = []
    if assembly:
        for row in reader.rows(f"events/{stage}/assemblies-*.parquet", assembly=assembly, arm=arm):
            told.append(("assembly", f"{assembly}, {arm}: {text(row.get('question'))}"))
            told.append(("winner", f"{text(row.get('winner'))} by {text(row.get('rule'))}"))
        clause = text(sample.meta.get("clause"))
        if clause:
            told.append(
                ("clause", f"{clause}; folkmoot show {reader.run.folder} --clause {clause} --assembly {assembly}")
            )
    for row in reader.rows(f"events/{stage}/choices-*.parquet", pair=text(sample.meta.get("scene_id"))):
        told.append(("comparison", f"{text(row.get('pair'))}: p = {number(row.get('p_a'))} of {row.get('num_voters')}"))
        told += [("argument", text(words)) for words in row.get("arguments") or ()]
    return tuple(told)


def walk_clause(run: Run, clause: str, assembly: str = "") -> ClauseWalk:
    """Return everything behind a clause of an assembly.

    assembly: its name, with an arm behind a dot and a stage before a slash where these are not the assembly itself in
    the last round; may be left out where there is one. Raises UserError, naming what there is.
    """
    reader = Reader(run)
    stages = sorted((path.name for path in (run.folder / "events").glob("*")), key=stage_key)
    archive = Archive(reader, stages)
    key = find_assembly(archive, assembly)
    chains = {chain.clause: chain for chain in chains_of(archive, key)}
    if clause not in chains:
        raise UserError(
            f'There is no clause "{clause}" in {key.assembly}.{key.arm} of {run.folder}.',
            f"it has {', '.join(chains)}." if chains else "this assembly published no clause.",
            nearest(clause, chains) if chains else f"see what it came to: folkmoot show {run.folder}",
        )
    chain = chains[clause]
    said = (*chain.statements, *chain.opinions, *chain.critiques, *chain.turns)
    named = (*(one.identity for one in said), *(one.identity for one in (*chain.votes, *chain.elected)))
    keys = list(dict.fromkeys(filter(None, named)))
    return ClauseWalk(
        key=key,
        question=text(archive.summaries[key].get("question")),
        chain=chain,
        dissents=tuple(one for one in dissents_of(archive, key) if one.clause == clause),
        num_requests=len(keys),
        missing=tuple(asked.key for asked in find_requests(reader, keys) if not asked.found),
    )


def find_assembly(archive: Archive, named: str) -> Key:
    """Return the arm that a name means: the full one of the last round where it names none."""
    if not archive.summaries:
        raise UserError(
            "This run has no finished assembly.",
            "it plays another society, or was stopped before its first assembly ended.",
            f"choose a run of society=assembly, or play this one on: folkmoot resume {archive.reader.run.folder}",
        )
    stage, _, rest = named.rpartition("/")
    name, _, arm = rest.partition(".")
    known = [
        key
        for key in archive.summaries
        if key.assembly == (name or key.assembly) and key.stage == (stage or key.stage) and key.arm == (arm or key.arm)
    ]
    wholes = [key for key in known if key.arm == MAIN] or known
    if not wholes or (not named and len({key.assembly for key in wholes}) > 1):
        names = list(dict.fromkeys(key.assembly for key in archive.summaries))
        raise UserError(
            f'"{named}" is no assembly of this run.' if named else "This run has several assemblies.",
            f"there are {', '.join(names[:8])}{' ...' if len(names) > 8 else ''}.",
            nearest(name, names) if named else "add --assembly NAME",
        )
    return wholes[-1]


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
