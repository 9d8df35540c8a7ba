"""Kill a run at random moments, resume it, and compare with a run that was left alone.

    python -m benchmarks.crash [--json] [--trials 20] [--vllm-trials 3]

Scripted runs must end byte for byte the same. Runs on a real engine must keep everything that the journal holds and
pay for no request twice; how much of the rest comes out the same is reported, since batch mates may flip a near-tie.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from sim.journal import read_records
from sim.replay import compare
from sim.store import find_runs

SCRIPTED = ("engine=scripted", "engine.latency_s=0.004", "society.num_harmful=40", "society.num_ordinary=24")
REAL = ("engine=vllm", "society.num_harmful=4", "society.num_ordinary=2", "society.num_roles=3", "society.num_steps=2")


def folkmoot(*words: str) -> list[str]:
    """Return the command line of a verb."""
    return [sys.executable, "-m", "sim.cli", *words]


def journal_of(root: Path) -> Path | None:
    """Return the play journal of the only run below a folder."""
    found = sorted(root.glob("*/*/journal/r1.play.jsonl"))
    return found[0] if found else None


def records(path: Path) -> dict[str, bytes]:
    """Return identity -> the answer's content; fails when an identity stands twice."""
    out: dict[str, bytes] = {}
    for record in read_records(path):
        assert record["k"] not in out, f"paid twice: {record['k']}"
        out[record["k"]] = json.dumps(record["r"]).encode()
    return out


def undisturbed(root: Path, overrides: tuple[str, ...]) -> tuple[Path, float]:
    """Play to the end; return the run folder and the seconds it took."""
    began = time.monotonic()
    subprocess.run(folkmoot("run", f"paths.runs={root}", *overrides), check=True, capture_output=True)
    return find_runs(root)[0].folder, time.monotonic() - began


def killed_and_resumed(root: Path, overrides: tuple[str, ...], after_records: int) -> dict[str, Any]:
    """Start, kill -9 once the journal holds so many records, resume, and say what came of it."""
    process = subprocess.Popen(
        folkmoot("run", f"paths.runs={root}", *overrides), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while process.poll() is None:
        path = journal_of(root)
        if path is not None and path.read_bytes().count(b"\n") > after_records:
            break
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    path = journal_of(root)
    assert path is not None, "killed before the journal began"
    before = records(path)
    run = find_runs(root)[0].folder
    resumed = subprocess.run(folkmoot("resume", str(run)), capture_output=True, text=True)
    if resumed.returncode:
        raise SystemExit(f"{run} could not be resumed after {len(before)} records:\n{resumed.stderr}")
    after = records(path)
    kept = sum(after.get(key) == value for key, value in before.items())
    return {"run": run, "journalled": len(before), "kept": kept, "paid_twice": len(before) - kept, "after": after}


def trials(overrides: tuple[str, ...], number: int, seed: int) -> dict[str, Any]:
    """Play once undisturbed, then `number` times with a kill at a random record."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as scratch:
        whole, seconds = undisturbed(Path(scratch) / "whole", overrides)
        journal = journal_of(Path(scratch) / "whole")
        assert journal is not None
        reference = records(journal)
        out: dict[str, Any] = {
            "trials": number,
            "identical": 0,
            "paid_twice": 0,
            "requests": len(reference),
            "seconds": round(seconds, 1),
        }
        same = total = 0
        for n in range(number):
            result = killed_and_resumed(Path(scratch) / f"t{n}", overrides, rng.randrange(len(reference)))
            difference = compare(whole, result["run"])
            out["identical"] += not difference["different"]
            out["paid_twice"] += result["paid_twice"]
            same += sum(result["after"].get(key) == value for key, value in reference.items())
            total += len(reference)
        out["same_answers"] = round(same / max(total, 1), 4)
        return out


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--vllm-trials", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    scripted = trials(SCRIPTED, args.trials, args.seed)
    result: dict[str, Any] = {**scripted, "vllm": None}
    if args.vllm_trials:
        result["vllm"] = trials(REAL, args.vllm_trials, args.seed + 1)
    if args.json:
        print(json.dumps(result))
        return
    print(f"{'engine':<10}{'trials':>8}{'identical':>11}{'paid twice':>12}{'same answers':>14}")
    for name, row in (("scripted", scripted), ("vllm", result["vllm"])):
        if row:
            print(f"{name:<10}{row['trials']:>8}{row['identical']:>11}{row['paid_twice']:>12}{row['same_answers']:>14}")


if __name__ == "__main__":
    main()
