"""How long co-evolution takes: `python -m benchmarks.coevolution [--json] [--people N] [--timesteps T] [--seed N]`.

Plays the challenge of experiment=coevolve_numeric (five arms, a network of mean degree 10) at growing sizes, each in a
process of its own. With --quick the largest size is left out. Also counts the seeds a second of the fast path.
`cpu_seconds` tells how much of `seconds` was waiting for a busy machine: on two free cores it is up to twice as much.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from typing import Any

SIZES = (10_000, 100_000, 1_000_000)
NUM_SEEDS = 2000
_PER_MB = 1024**2 if sys.platform == "darwin" else 1024


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure co-evolution of a large numeric population.")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--people", type=int, help="only this size")
    parser.add_argument("--timesteps", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="leave the largest size out")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        print(json.dumps(play(options.people, options.timesteps, options.seed)))
        return
    sizes = [options.people] if options.people else list(SIZES[: -1 if options.quick else None])
    figures = measure(sizes, options.timesteps, options.seed)
    if options.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:>22}  {value}")


def measure(sizes: list[int], timesteps: int, seed: int) -> dict[str, Any]:
    runs = {size: in_a_process(size, timesteps, seed) for size in sizes}
    largest = runs[max(sizes)]
    return {
        "seconds": largest["seconds"],
        "cpu_seconds": largest["cpu_seconds"],
        "peak_mb": largest["peak_mb"],
        "seconds_by_people": {str(size): run["seconds"] for size, run in runs.items()},
        "cpu_seconds_by_people": {str(size): run["cpu_seconds"] for size, run in runs.items()},
        "cpu_microseconds_per_person_step": {
            str(size): round(1e6 * run["cpu_step_seconds"] / size, 3) for size, run in runs.items()
        },
        "num_people": max(sizes),
        "num_timesteps": timesteps,
        "num_arms": largest["num_arms"],
        "num_ties": largest["num_ties"],
        "scores": largest["scores"],
        "fast_seeds_per_second": fast(),
        "seed": seed,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    }


def in_a_process(size: int, timesteps: int, seed: int) -> dict[str, Any]:
    words = ["--alone", f"--people={size}", f"--timesteps={timesteps}", f"--seed={seed}"]
    out = subprocess.run([sys.executable, "-m", __spec__.name, *words], check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(out.stdout)
    return found


def play(people: int, timesteps: int, seed: int) -> dict[str, Any]:
    from societies.coevolution import chosen_challenges, society
    from societies.coevolution.play import alone
    from societies.seam import Setting

    config = experiment(people, timesteps)
    setting = Setting(seed=seed, cast=lambda number, seed: [], round=1)
    began = time.perf_counter()
    ((_, script),) = society.scripts(config, setting)
    first = script.send(None)
    cpu = time.process_time()
    results, _ = alone(_resumed(script, first))
    seconds = time.perf_counter() - began
    ((challenge, _),) = chosen_challenges(config)
    return {
        "seconds": round(seconds, 2),
        "cpu_step_seconds": (time.process_time() - cpu) / (timesteps - 1),
        "cpu_seconds": round(time.process_time(), 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _PER_MB, 1),
        "num_arms": len(results),
        "num_ties": people * config.humans.degree // 2,
        "scores": {result.algorithm: round(challenge.verdict(result).score, 4) for result in results},
    }


def _resumed(script: Any, item: Any) -> Any:
    """Go on with a script whose first item was taken already."""
    answer = yield item
    while True:
        try:
            item = script.send(answer)
        except StopIteration as end:
            return end.value
        answer = yield item


def experiment(people: int, timesteps: int) -> Any:
    from sim.config import compose, plugin_section, validate
    from societies.coevolution import CoevolutionConfig

    words = [f"society.humans.people={people}", f"society.humans.timesteps={timesteps}"]
    _, section = plugin_section(compose(["experiment=coevolve_numeric", *words]).society, "society")
    return validate(CoevolutionConfig, section, "society")


def fast() -> int:
    """Return how many seeds a second play all five arms of Coevolve as arrays."""
    import numpy as np

    from societies.coevolution.fast import coevolve, histories
    from societies.coevolution.judge import coevolve_cosines
    from societies.coevolution.protocols import Pulls

    began = time.perf_counter()
    history = histories(NUM_SEEDS, rng=np.random.default_rng(0))
    for arm, order in (("none", 0), ("frozen", 0), ("learner", 0), ("learner", 1), ("oracle", 0)):
        people, _ = coevolve(history, arm, Pulls(), order=order)  # type: ignore[arg-type]
        coevolve_cosines(people, history)
    return int(NUM_SEEDS / (time.perf_counter() - began))


if __name__ == "__main__":
    main()
