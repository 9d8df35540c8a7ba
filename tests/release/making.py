"""Small run folders for releases, written through the run store, with texts of our own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from agents.requests import Message
from agents.sample import Candidate, Lineage, Sample, Vote
from selfalign.release.config import Evaluation, ReleaseConfig, Source
from sim.store import Run
from sim.tables import event_frame, sample_frame, write_frame, write_json
from societies.scenes.records import TABLES

WORDS = [
    "river",
    "garden",
    "letter",
    "window",
    "bridge",
    "market",
    "teacher",
    "engine",
    "harvest",
    "winter",
    "paper",
    "doctor",
    "island",
    "music",
    "signal",
    "corner",
    "kitchen",
    "lantern",
    "mirror",
    "orchard",
    "picture",
    "quarter",
    "railway",
    "school",
    "ticket",
    "uncle",
    "valley",
    "wagon",
    "yellow",
    "zebra",
    "anchor",
    "bottle",
]
MANIFEST = {
    "seed": 7,
    "created": "2026-11-23T09:00:00Z",
    "scripted": True,
    "versions": {"folkmoot": version("folkmoot")},
    "model": {"name": "tiny", "revision": "1.0", "digest": "ab" * 32, "licence": "Apache-2.0"},
    "prompts": {"agents/persona.v1": "0" * 16},
    "degraded": [],
}
SOURCES = [Source(name="bank", licence="Apache-2.0"), Source(name="papers.csv", licence="CC-BY-NC-4.0")]


def text(seed: int, num: int = 30) -> str:
    """Return words that depend on the seed."""
    places = ((seed * 7919 + k * k * (seed % 13 + 3) + k * (seed % 29 + 1)) % len(WORDS) for k in range(num))
    return " ".join(f"{WORDS[place]}{(seed * 31 + k * 7) % 997}" for k, place in enumerate(places))


def sample(n: int, *, votes: tuple[Vote, ...] = (), kind: str = "debate", prompt: str = "", **meta: Any) -> Sample:
    """Return a sample with two answers; without votes they are a revision and its draft."""
    return Sample(
        sample_id=f"s{n:04d}",
        kind=kind,
        prompt=(Message("system", "Be short."), Message("user", prompt or f"What about {text(n, 12)}?")),
        candidates=(
            Candidate(text=f"Revised: {text(n + 10_000)}", author="base", role="revised"),
            Candidate(text=f"Draft: {text(n + 20_000)}", author="base", role="initial"),
        ),
        lineage=Lineage(
            script=f"r1.play/scene-{n}",
            requests=(f"r1.play/scene-{n}#0", f"r1.play/scene-{n}#1"),
            prompts=("agents/persona.v1",),
            policies=("base",),
        ),
        votes=votes,
        meta={"scene_id": f"scene-{n}", "t": 1, "source": "bank", **meta},
    )


def vote(voter: str, first: float, *, dim: str = "better", group: str = "a", kind: str = "pair") -> Vote:
    """Return a vote that gives the first of two answers this probability."""
    return Vote(voter=voter, group=group, dim=dim, kind=kind, value=(first, 1.0 - first), rationale="it is kinder", t=2)


def many(num: int = 40) -> list[Sample]:
    """Return samples of every sort: revisions, votes on two dimensions, weak votes, and a non-commercial source."""
    out = []
    for n in range(num):
        one = sample(n)
        if n % 4 == 1:
            people = [vote(f"p{n}-{k}", p, group="ab"[k % 2]) for k, p in enumerate((0.9, 0.8, 0.6))]
            people += [vote(f"p{n}-{k}", p, dim="safer") for k, p in enumerate((0.2, 0.3))]
            one = replace(one, votes=tuple(people))
        elif n % 8 == 2:
            one = replace(one, votes=(vote(f"p{n}-0", 0.5), vote(f"p{n}-1", 0.52)))
        elif n % 8 == 6:
            one = sample(n, source="papers.csv")
        out.append(one)
    return out


def write_run(
    root: Path, samples: Sequence[Sample], *, name: str = "made", complete: bool = True, **manifest: Any
) -> Run:
    """Write a run folder with these samples and tables."""
    folder = root / name / "20260101-000000_ab12"
    folder.mkdir(parents=True)
    config = (
        "seed: 7\nsociety: {name: debate}\npaths: {runs: /home/somebody/runs}\ndata: {safe: /home/somebody/safe.csv}\n"
    )
    (folder / "config.yaml").write_text(f"name: {name}\n{config}")
    run = Run(folder)
    run.write_manifest({**MANIFEST, **manifest})
    run.write_status(state="done" if complete else "stopped", why="" if complete else "budget: 4 requests are used up")
    write_json(folder / "tallies" / "r1.play.json", {"complete": complete, "seconds": 1.0})
    if samples:
        write_frame(folder / "samples" / "r1.play" / "part-00000.parquet", sample_frame(samples))
    write_journal(run, samples)
    return run


def write_journal(run: Run, samples: Sequence[Sample]) -> None:
    """Write the requests behind samples, in the form of the journal."""
    lines = [b'00000000 {"folkmoot_journal":1}']
    for one in samples:
        for n, key in enumerate(one.lineage.requests):
            record = {
                "k": key,
                "d": f"{n:032x}",
                "t": "g",
                "r": [f"reply to {key}", "stop", 3, []],
                "u": [1, 0, 3, 0.1],
            }
            lines.append(b"00000000 " + orjson.dumps(record))
    path = run.journal_path("r1.play")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\n".join(lines) + b"\n")


def write_scenes(run: Run, num: int) -> None:
    """Add scenes with a cast and acts, as the society of scenes writes them."""
    tables: dict[str, list[dict[str, Any]]] = {"scenes": [], "roles": [], "incidents": []}
    for n in range(num):
        name = f"scene-{n}"
        told = {"scene_id": name, "source": "bank:3", "instruction": f"Do {text(n, 9)}", "answer": "No."}
        told |= {"consequence": f"Someone writes to ann.{n}@post.org", "end_reason": "plan exhausted"}
        act = {"scene_id": name, "incident_id": "act-0", "step": 0, "source": "ego", "text": "Robin waits."}
        tables["scenes"].append(told)
        tables["roles"].append({"scene_id": name, "role_id": "ego", "name": "Robin", "is_ego": True, "policy": "base"})
        tables["incidents"].append({**act, "recipients": ["r1"], "accepted": True})
    for table, rows in tables.items():
        frame = event_frame(rows, TABLES[table])
        write_frame(run.folder / "events" / "r1.play" / f"{table}-00000.parquet", frame)


def write_values(run: Run) -> None:
    """Add the tables of a co-evolution."""
    columns = {"timestep": "int", "subject": "str", "instrument": "str", "item": "str", "score": "float"}
    columns |= {"lo": "float", "hi": "float", "n": "int"}
    rows = [
        {
            "timestep": t,
            "subject": s,
            "instrument": "mfq",
            "item": "care",
            "score": 0.5 + t / 10,
            "lo": 0.4,
            "hi": 0.9,
            "n": 30,
        }
        for t in range(3)
        for s in ("judge-0", "judge-1")
    ]
    write_frame(run.folder / "events" / "r1.play" / "value_vectors-00000.parquet", event_frame(rows, columns))
    columns = {"timestep": "int", "subject": "str", "option": "str", "utility": "float", "variance": "float"}
    rows = [{"timestep": 0, "subject": "judge-0", "option": "a walk", "utility": 1.5, "variance": 0.1}]
    write_frame(run.folder / "events" / "r1.play" / "utilities-00000.parquet", event_frame(rows, columns))


def settings(out: Path, **changes: Any) -> ReleaseConfig:
    """Return settings for a release of these runs."""
    plain: dict[str, Any] = {"name": "tiny", "out": str(out), "sources": SOURCES, "test_share": 0.3}
    return ReleaseConfig(**(plain | changes))


def evaluation(folder: Path, items: Sequence[str]) -> Evaluation:
    """Write an evaluation set and return how it is named."""
    path = folder / "evaluation.txt"
    path.write_text("\n".join(items))
    return Evaluation(name="held out", path=str(path), version="1")
