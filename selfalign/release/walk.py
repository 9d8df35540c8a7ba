"""The way back from a row: to its scene, turns, votes, requests, prompts, model, seed and policy versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

from agents.errors import UserError, did_you_mean
from agents.requests import Score, request_digest
from agents.scoring import option_probabilities
from selfalign.release.heard import turns_behind
from selfalign.release.policies import of_row
from selfalign.release.reading import Release
from selfalign.release.schemas import LINEAGE
from selfalign.release.write import SUMS
from sim.rendered import Rendered, messages_of, render_again
from sim.store import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request behind a row. reply: what was answered; "" without the run's journal.

    prompt: (role, content) of each message, exactly as it was asked: rendered again from the run, and proven by the
    digest. options: of a score, in their own order; the prompt lists them in the first order that was asked.
    why_not: why there is no prompt.
    """

    key: str
    digest: str
    reply: str
    prompt: tuple[tuple[str, str], ...] = ()
    options: tuple[str, ...] = ()
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A row with everything that made it. missing: what should be in its run and is not; empty without the run."""

    config: str
    row: Mapping[str, Any]
    lineage: Mapping[str, Any]
    ballots: tuple[Mapping[str, Any], ...]
    prompts: tuple[tuple[str, str, str], ...]
    """(name, digest, file in the release or what is known of it)."""
    requests: tuple[Asked, ...]
    turns: tuple[str, ...]
    run: Mapping[str, Any]
    adapters: tuple[Mapping[str, Any], ...]
    """Those that the row names, as `provenance/models.json` tells them."""
    journal: str
    missing: tuple[str, ...]


def runs_by_id(folders: Sequence[Path]) -> dict[str, Run]:
    """Return run id -> run. Raises UserError for a folder that is no run."""
    out = {}
    for folder in folders:
        run = Run.open(folder)
        try:
            known = run.config
        except (ValueError, yaml.YAMLError) as error:
            raise UserError(
                f"The run {folder} cannot be read.",
                f"config.yaml is damaged: {str(error).splitlines()[0]}.",
                "restore the folder from a copy, or leave it out of --runs",
            ) from None
        if not isinstance(known, dict):
            raise UserError(f"{folder} is not a run folder.", "its config.yaml holds no settings.", "see `folkmoot ls`")
        out[f"{known.get('name', 'run')}/{run.folder.resolve().name}"] = run
    return out


def runs_below(release: Release, root: Path) -> list[Path]:
    """Return the folders of the runs that a release was made from, of those that lie below a folder."""
    told = release.json("provenance/manifest.json")["runs"]
    folders = [root / str(one["run_id"]) for one in told if ".." not in str(one["run_id"])]
    return [folder for folder in folders if (folder / "config.yaml").is_file()]


def search(root: Path, name: str) -> Path:
    """Return the newest release right below a folder that holds a row whose id begins so.

    Raises UserError where none does, and where releases of several names do.
    """
    releases = [path.parent for path in sorted(root.glob(f"*/{SUMS}"))]
    found: dict[str, list[tuple[tuple[int, ...], Path]]] = {}
    broken: list[str] = []
    for folder in releases:
        release = Release.open(folder)
        try:
            settings, ids = release.settings(), release.lineage(["id"])["id"]
            version = tuple(int(part) for part in str(settings["version"]).split("."))
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException, yaml.YAMLError):
            broken.append(folder.name)
            continue
        if pc.any(pc.starts_with(ids, name)).as_py():
            found.setdefault(str(settings["name"]), []).append((version, folder))
    if len(found) == 1:
        return max(next(iter(found.values())))[1]
    if found:
        raise UserError(
            f'Rows of several releases below {root} begin with "{name}": {", ".join(sorted(found))}.',
            "the id must belong to one.",
            f"give more of the id, or name the release: folkmoot release show RELEASE {name}",
        )
    raise UserError(
        f'No release below {root} has a row "{name}".',
        (f"{len(releases) - len(broken)} releases were searched" if releases else "there is no release there")
        + (f"; these cannot be read: {', '.join(broken)}." if broken else "."),
        f"name the folder: folkmoot release show RELEASE {name}",
    )


def walk_back(release: Release, name: str, runs: Mapping[str, Run], *, config: str = "") -> Walk:
    """Return where a row came from. name: its id, or a beginning of it that no other row has.

    runs: those at hand; without its run a row is told from the release alone. Raises UserError for an unknown id.
    """
    found, config = _lineage_of(release, name, config)
    row = _row(release, config, found["id"])
    told: list[dict[str, Any]] = release.json("provenance/manifest.json")["runs"]
    record: dict[str, Any] = next((one for one in told if one["run_id"] == found["run_id"]), {})
    models = release.json("provenance/models.json")
    run = runs.get(found["run_id"])
    replies = {key: _reply(record) for key, record in _records(run, found["request_keys"]).items()} if run else {}
    rendered = render_again(run, found["request_keys"]) if run else Rendered()
    turns = turns_behind(run, found, row) if run else ()
    index = release.json("provenance/prompts/index.json")
    prompts = tuple(
        (short, digest, _template(index, short, digest))
        for short, digest in zip(found["prompt_names"], found["prompt_digests"], strict=True)
    )
    return Walk(
        config=config,
        row=row,
        lineage=found,
        ballots=_ballots(release, row["meta"]["subject"]) if found["vote_ids"] else (),
        prompts=prompts,
        requests=tuple(
            _asked(key, digest, replies.get(key, ""), rendered)
            for key, digest in zip(found["request_keys"], found["request_digests"], strict=True)
        ),
        turns=turns,
        run=record,
        adapters=tuple(of_row(models.get("adapters", ()), found["run_id"], found["policies"])),
        journal=str(run.folder / "journal") if run else f"{record.get('journal', 'unknown')} {found['run_id']}",
        missing=tuple(missing_from(run, [found])) if run else (),
    )


def _asked(key: str, digest: str, reply: str, rendered: Rendered) -> Asked:
    request = rendered.requests.get(key)
    if request is None:
        return Asked(key=key, digest=digest, reply=reply, why_not=rendered.why_not.get(key, "its run was not given"))
    if digest and request_digest(request) != digest:
        return Asked(key=key, digest=digest, reply=reply, why_not="the run has it with another digest than the release")
    return Asked(
        key=key,
        digest=digest,
        reply=reply,
        prompt=tuple((one.role, one.content) for one in messages_of(request)),
        options=request.options if isinstance(request, Score) else (),
    )


def _lineage_of(release: Release, name: str, config: str) -> tuple[dict[str, Any], str]:
    ids = release.lineage(["id", "config"])
    mask = pc.starts_with(ids["id"], name)
    if config:
        mask = pc.and_(mask, pc.equal(ids["config"], config))
    places = pc.indices_nonzero(mask).to_pylist()
    if len(places) != 1:
        known = ids["id"].to_pylist()
        why = "ids are 32 hexadecimal digits; a beginning will do." if not places else f"{len(places)} rows begin so."
        fix = did_you_mean(name, known[:2_000]) if not places else "give more of it"
        raise UserError(f'{"No" if not places else "More than one"} row of {release.folder} is "{name}".', why, fix)
    path = release.folder / "provenance" / "lineage.parquet"
    place = places[0]
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            if place < size:
                row = file.read_row_group(group, columns=LINEAGE.names).slice(place, 1).to_pylist()[0]
                return row, str(row["config"])
            place -= size
    raise UserError(
        f"The lineage of {release.folder} is torn.",
        "its file tells of more rows than it holds.",
        f"check it: folkmoot release verify {release.folder}",
    )


def _row(release: Release, config: str, name: str) -> dict[str, Any]:
    for _, path in release.shards(config):
        found = pq.read_table(path, filters=[("id", "=", name)]).to_pylist()
        if found:
            return dict(found[0])
    raise UserError(
        f"Row {name} is in the lineage and not in {config}.",
        "a file of the release is missing, or not the one that was written.",
        f"check it: folkmoot release verify {release.folder}",
    )


def _ballots(release: Release, subject: str) -> tuple[dict[str, Any], ...]:
    names = [name for name in ("ballots", "nc_ballots") if (release.folder / name).is_dir()]
    columns = ["citizen", "group", "dim", "kind", "values", "weight", "rationale"]
    return tuple(
        row
        for name in names
        for _, path in release.shards(name)
        for row in pq.read_table(path, columns=columns, filters=[("subject", "=", subject)]).to_pylist()
    )


def _template(index: Mapping[str, Any], short: str, digest: str) -> str:
    own = [files for name, files in index.items() if name == short or name.endswith(f".{short}")]
    told = str(own[0].get(digest, "")) if own else ""
    return f"provenance/prompts/{told}" if told.endswith(".jinja") else told or "not in the release"


def missing_from(run: Run, lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return which samples and requests of these lineage rows their run does not hold, or holds with another digest."""
    wrong: list[str] = []
    for stage in sorted({line["stage"] for line in lines}):
        named = {line["sample_id"] for line in lines if line["stage"] == stage} - {""}
        frame = run.sample_frames(stage)
        there = set(frame["sample_id"]) if not frame.is_empty() else set()
        wrong += [f"the sample {name} is not in {run.folder}" for name in sorted(named - there)]
    wanted = {k: d for line in lines for k, d in zip(line["request_keys"], line["request_digests"], strict=True)}
    records = _records(run, wanted)
    for key, digest in sorted(wanted.items()):
        if digest and key not in records:
            wrong.append(f"{key} is not in the journal")
        elif digest and records[key].get("d") != digest:
            wrong.append(f"{key} has another digest in the journal")
    return wrong


def _records(run: Run, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the journal's records of these requests; a torn tail is left out."""
    wanted = set(keys)
    found: dict[str, dict[str, Any]] = {}
    for stage in {key.partition("/")[0] for key in wanted}:
        path = run.journal_path(stage)
        if not path.is_file():
            continue
        with path.open("rb") as file:
            for line in file:
                try:
                    record = orjson.loads(line[9:])
                except ValueError:
                    continue
                if record.get("k") in wanted:
                    found[record["k"]] = record
    return found


def _reply(record: Mapping[str, Any]) -> str:
    """Return a journalled answer as text; for a score, the options with their probabilities."""
    body = record.get("r") or [""]
    if record.get("t") != "s":
        return str(body[0])
    try:
        shares = option_probabilities(body[1])
        return ", ".join(f"{option} = {p:.3f}" for option, p in zip(body[0], shares, strict=False))
    except (TypeError, ValueError, IndexError):
        return "unreadable scores"
