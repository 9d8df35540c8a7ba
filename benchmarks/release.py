"""What a release of 100,000 samples costs: `python -m benchmarks.release [--json] [--size N] [--seed N]`.

Makes a run of made-up texts with planted duplicates (exact, other case, one word changed), mails, phone numbers, cards
and evaluation items, beside look-alikes that must stay. Builds a release from it twice, each in a process of its own,
and prints seconds, peak memory, precision and recall of what was planted, recall of near duplicates against exact
Jaccard similarity on a seeded sample, whether both builds have the same bytes, and whether `verify` sees four kinds of
damage. Texts are made by rule: the figures are about the software, not about any data.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

MARKS = {
    "exact": 0.01,
    "case": 0.01,
    "edit": 0.01,
    "email": 0.004,
    "phone": 0.004,
    "card": 0.004,
    "eval": 0.004,
    "near": 0.01,
}
DECOYS = (
    "born on 2024-01-15 and again on 15.01.2024",
    "version 1.2.3.4 of the tool",
    "order 1234 5678 9012 3456 was late",
    "costs 1 200 000 in all",
    "isbn 978-3-16-148410-0",
    "pi is 3.14159265358979",
    "follow @somebody there",
    "10:30 to 12:45",
)
_PER_MB = 1024**2 if sys.platform == "darwin" else 1024


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure building, verifying and comparing a large release.")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="work here and leave the files (default: a temporary folder)")
    options = parser.parse_args()
    scratch = options.folder or Path(tempfile.mkdtemp(prefix="folkmoot-release-"))
    try:
        figures = measure(scratch, options.size, options.seed)
    finally:
        if options.folder is None:
            shutil.rmtree(scratch, ignore_errors=True)
    if options.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:>22}  {value}")


def measure(scratch: Path, size: int, seed: int) -> dict[str, Any]:
    planted = apart(make_run, scratch, size, seed)
    first = apart(build, scratch, "first")
    second = apart(build, scratch, "second")
    found = apart(judge, Path(first["folder"]), planted, seed)
    return {
        "seconds": first["seconds"],
        "cpu_seconds": first["cpu_seconds"],
        "peak_mb": max(first["peak_mb"], second["peak_mb"]),
        "precision": found["precision"],
        "recall": found["recall"],
        "by_kind": found["by_kind"],
        "near_recall_exact_jaccard": found["near_recall"],
        "near_pairs_exact_jaccard": found["near_n"],
        "num_samples": size,
        "num_rows": first["num_rows"],
        "size_mb": first["size_mb"],
        "verify_seconds": first["verify_seconds"],
        "same_bytes_twice": first["sums"] == second["sums"],
        "verify_catches": apart(damages, scratch, seed),
        "seed": seed,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    }


def apart(work: Callable[..., Any], *words: Any) -> Any:
    """Run a function in a fresh process, so that its memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, words)


class Writer:
    """Makes texts: sentences of words drawn with Zipf's law, so that rows share words but not phrases."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
        sizes = self.rng.integers(2, 11, 8_000)
        self.words = ["".join(self.rng.choice(letters, n)) for n in sizes]
        weights = 1.0 / np.arange(3, 8_003)
        self.weights = weights / weights.sum()

    def text(self, num: int) -> str:
        """Return a text of this many words."""
        return " ".join(self.words[k] for k in self.rng.choice(8_000, num, p=self.weights))


def card_number(rng: np.random.Generator) -> str:
    digits = [4, *rng.integers(0, 10, 14).tolist()]
    total = sum(d if k % 2 else d * 2 - 9 * (d * 2 > 9) for k, d in enumerate(digits))
    digits.append((10 - total % 10) % 10)
    text = "".join(map(str, digits))
    return " ".join(text[k : k + 4] for k in range(0, 16, 4))


def make_run(scratch: Path, size: int, seed: int) -> dict[str, Any]:
    """Write a run folder and an evaluation file; return what was planted where."""
    from agents.requests import Message
    from agents.sample import Candidate, Lineage, Sample, Vote
    from sim.store import Run
    from sim.tables import sample_frame, write_frame, write_json

    writer, rng = Writer(seed), np.random.default_rng(seed + 1)
    shutil.rmtree(scratch, ignore_errors=True)
    items = [writer.text(int(n)) for n in rng.integers(8, 25, 2_000)]
    scratch.mkdir(parents=True)
    (scratch / "evaluation.txt").write_text("\n".join(items))
    folder = scratch / "runs" / "bench" / "made-up"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("name: bench\nseed: 0\nsociety: {name: made-up}\n")
    run = Run(folder)
    from importlib.metadata import version

    manifest = {"versions": {"folkmoot": version("folkmoot")}, "seed": seed, "scripted": True}
    run.write_manifest({**manifest, "model": {"name": "made-up", "revision": "1", "licence": "Apache-2.0"}})
    run.write_status(state="done")
    write_json(folder / "tallies" / "r1.play.json", {"complete": True})
    kinds = rng.choice([*MARKS, "decoy", ""], size, p=[*MARKS.values(), 0.004, 1 - sum(MARKS.values()) - 0.004])
    planted: dict[str, list[Any]] = {name: [] for name in (*MARKS, "decoy")}
    whole: list[Sample] = []
    part: list[Sample] = []
    for n in range(size):
        kind, name = str(kinds[n]), f"s{n:07d}"
        prompt, answers = (
            writer.text(int(rng.integers(8, 40))),
            [writer.text(int(rng.integers(40, 90))) for _ in range(2)],
        )
        if kind in ("exact", "case", "edit", "near") and whole:
            other = whole[int(rng.integers(len(whole)))]
            prompt, answers = other.prompt[0].content, [c.text for c in other.candidates]
            if kind == "case":
                prompt, answers = prompt.upper(), [f"  {text.title()}" for text in answers]
            elif kind == "edit":
                answers = [one_word(answers[0], rng), answers[1]]
            elif kind == "near":
                for _ in range(int(rng.integers(2, 14))):
                    answers = [one_word(text, rng) for text in answers]
            planted[kind].append((name, other.sample_id))
        elif kind in ("email", "phone", "card"):
            secret = {
                "email": f"{writer.words[n % 8_000]}.{n}@mail{n % 97}.org",
                "phone": [f"+49 30 {1_000_000 + n}", f"(212) 555-{1000 + n % 9000}", f"030 {1_000_000 + n}"][n % 3],
                "card": card_number(rng),
            }[kind]
            answers[n % 2] = put_in(answers[n % 2], secret, rng)
            planted[kind].append((name, secret))
        elif kind == "decoy":
            answers[0] = put_in(answers[0], DECOYS[n % len(DECOYS)], rng)
            planted[kind].append((name, DECOYS[n % len(DECOYS)]))
        elif kind == "eval":
            item = items[int(rng.integers(len(items)))]
            if n % 2:
                prompt = item.upper() if n % 4 == 1 else put_in(prompt, item, rng)
            else:
                answers[0] = put_in(answers[0], item, rng)
            planted[kind].append((name, item))
        votes = tuple(
            Vote(voter=f"p{n}-{k}", group="ab"[k % 2], dim="better", kind="pair", value=pair(rng))
            for k in range(3 * (n % 3 == 0))
        )
        sample = Sample(
            sample_id=name,
            kind="made_up",
            prompt=(Message("user", prompt),),
            candidates=(
                Candidate(text=answers[0], author="base", role="revised"),
                Candidate(text=answers[1], author="base", role="initial"),
            ),
            lineage=Lineage(script=f"r1.play/{n}", requests=(f"r1.play/{n}#0", f"r1.play/{n}#1"), policies=("base",)),
            votes=votes,
            meta={"scene_id": f"scene-{n // 2}", "t": 1},
        )
        if kind == "" and len(whole) < 20_000:
            whole.append(replace(sample, votes=()))
        part.append(sample)
        if len(part) == 5_000 or n == size - 1:
            write_frame(folder / "samples" / "r1.play" / f"part-{n // 5_000:05d}.parquet", sample_frame(part))
            part = []
    return planted


def pair(rng: np.random.Generator) -> tuple[float, float]:
    p = float(np.round(rng.uniform(0.3, 1.0), 3))
    return p, 1.0 - p


def one_word(text: str, rng: np.random.Generator) -> str:
    words = text.split()
    words[int(rng.integers(len(words)))] = "otherwise"
    return " ".join(words)


def put_in(text: str, piece: str, rng: np.random.Generator) -> str:
    words = text.split()
    words.insert(int(rng.integers(len(words) + 1)), piece)
    return " ".join(words)


def settings(scratch: Path, out: str) -> Any:
    from selfalign.release.config import Evaluation, ReleaseConfig

    evaluation = Evaluation(name="made-up items", path=str(scratch / "evaluation.txt"), version="1")
    return ReleaseConfig(name="bench", out=str(scratch / out), evaluations=[evaluation])


def build(scratch: Path, out: str) -> dict[str, Any]:
    from selfalign.release import verify
    from selfalign.release.build import build_release

    spent = 0.0
    whole = verify.verify_release

    def timed(*words: Any, **options: Any) -> Any:
        nonlocal spent
        start = time.perf_counter()
        checks = whole(*words, **options)
        spent = time.perf_counter() - start
        return checks

    verify.verify_release = timed  # build_release looks it up when it verifies
    start, used = time.perf_counter(), time.process_time()
    built = build_release([scratch / "runs" / "bench" / "made-up"], settings(scratch, out))
    seconds, used = time.perf_counter() - start, time.process_time() - used
    return {
        "cpu_seconds": round(used, 1),
        "folder": str(built.folder),
        "seconds": round(seconds, 1),
        "verify_seconds": round(spent, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _PER_MB),
        "num_rows": {table.name: table.num_rows() for table in built.account.tables},
        "size_mb": round(sum(path.stat().st_size for path in built.folder.rglob("*") if path.is_file()) / 1e6, 1),
        "sums": (built.folder / "SHA256SUMS").read_text(),
    }


def judge(folder: Path, planted: dict[str, list[Any]], seed: int) -> dict[str, Any]:
    """Compare the reports with what was planted. A duplicate is found when both ends are in one cluster."""
    from selfalign.release.reading import Release

    release = Release.open(folder)
    dedup, pii = release.json("reports/dedup.json"), release.json("reports/pii.json")
    overlap = release.json("reports/decontamination.json")

    def short(name: str) -> str:
        return name.rpartition("|")[2]

    kept_by = {short(hit["removed"]): short(hit["kept"]) for hit in dedup["hits"]}

    def leader(name: str) -> str:
        while name in kept_by:
            name = kept_by[name]
        return name

    by_kind = {}
    for kind in ("exact", "case", "edit"):
        got = sum(leader(a) == leader(b) for a, b in planted[kind])
        by_kind[kind] = {"n": len(planted[kind]), "recall": got / max(1, len(planted[kind]))}
    copies = {a for kind in ("exact", "case", "edit", "near") for a, _ in planted[kind]}
    origins = {b for kind in ("exact", "case", "edit", "near") for _, b in planted[kind]}
    wrong = sum(a not in copies | origins for a in kept_by)
    by_kind["duplicates"] = {"n": len(kept_by), "precision": 1 - wrong / max(1, len(kept_by))}
    personal = {name for kind in ("email", "phone", "card") for name, _ in planted[kind]}
    hits = {short(name) for name in pii["hits"]}
    for kind in ("email", "phone", "card"):
        names = {name for name, _ in planted[kind]}
        by_kind[kind] = {
            "n": len(names),
            "recall": len(names & hits) / max(1, len(names)),
            "counted": pii["before"][kind],
        }
    by_kind["personal data"] = {"n": len(hits), "precision": len(hits & personal) / max(1, len(hits))}
    caught, items = {short(hit["sample"]) for hit in overlap["hits"]}, {name for name, _ in planted["eval"]}
    by_kind["evaluation items"] = {
        "n": len(items),
        "recall": len(items & caught) / max(1, len(items)),
        "precision": len(items & caught) / max(1, len(caught)),
    }
    near_n, near_got = near_recall(planted, leader, folder, seed)
    return {
        "by_kind": by_kind,
        "precision": min(row["precision"] for row in by_kind.values() if "precision" in row),
        "recall": min(row["recall"] for row in by_kind.values() if "recall" in row),
        "near_n": near_n,
        "near_recall": near_got / near_n if near_n else None,
    }


def near_recall(
    planted: dict[str, list[Any]], leader: Callable[[str], str], folder: Path, seed: int
) -> tuple[int, int]:
    """Return (planted pairs that are near duplicates by exact Jaccard similarity, those of them that were found)."""
    from selfalign.release.filters import document_of
    from selfalign.release.minhash import Sets
    from sim.store import Run

    pairs = planted["near"][:1_000]
    run = Run(folder.parents[1] / "runs" / "bench" / "made-up")
    wanted = {name for both in pairs for name in both}
    texts = {s.sample_id: document_of(s) for s in run.read_samples("r1.play") if s.sample_id in wanted}
    num = found = 0
    for a, b in pairs:
        if Sets([texts[a], texts[b]]).alike(0, 1, 0.8):
            num += 1
            found += leader(a) == leader(b)
    return num, found


def damages(scratch: Path, seed: int) -> dict[str, bool]:
    """Build a small release, damage copies of it in four ways, and tell which of them `verify` sees."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from selfalign.release.build import build_release
    from selfalign.release.verify import verify_release
    from selfalign.release.write import write_sums

    small = scratch / "small"
    make_run(small, 400, seed)
    folder = build_release([small / "runs" / "bench" / "made-up"], settings(small, "out")).folder

    def flip(copy: Path) -> None:
        path = next((copy / "sft").glob("train-*.parquet"))
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)

    def lose(copy: Path) -> None:
        (copy / "reports" / "dedup.json").unlink()

    def change(copy: Path) -> None:
        path = next((copy / "sft").glob("train-*.parquet"))
        table = pq.read_table(path)
        rows = table.to_pylist()
        rows[0]["completion"][0]["content"] += " indeed"
        pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
        write_sums(copy)

    def miscount(copy: Path) -> None:
        path = copy / "README.md"
        path.write_text(path.read_text().replace("num_examples: ", "num_examples: 1", 1))
        write_sums(copy)

    out = {}
    for number, (name, damage) in enumerate(
        {"flipped bit": flip, "missing file": lose, "changed row": change, "wrong count": miscount}.items()
    ):
        copy = small / f"copy-{number}"
        shutil.copytree(folder, copy)
        damage(copy)
        out[name] = not all(check.passed for check in verify_release(copy))
    return out


if __name__ == "__main__":
    main()
