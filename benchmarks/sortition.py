"""How fair and how fast the lotteries are: `python -m benchmarks.sortition [--json] [--sizes 1000 5000]`.

LEXIMIN beside LEGACY. The pool of 150 for a panel of 22 is public reference data that is not shipped. It is read from
`sortition/pool_150` below the folder that FOLKMOOT_SHARED_DATA names (default: ../shared/data); its figures are null
where it is not there. Larger pools are made here: six features, answers skewed against the population that the quotas
follow.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from societies.assembly.lottery import Instance, Lottery, Quota, fairness, instance, legacy, leximin

ROOT = Path(__file__).resolve().parents[1]
SHAPE = (2, 5, 8, 4, 4, 3)
PANEL = 100


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the lotteries.")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--sizes", type=int, nargs="*", default=[1000, 5000], help="sizes of the pools made here")
    parser.add_argument("--draws", type=int, default=2000, help="draws by which LEGACY's chances are estimated")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    figures = measure(options.sizes, options.draws, options.seed)
    if options.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:>22}  {value}")


def measure(sizes: list[int], num_draws: int, seed: int) -> dict[str, Any]:
    """Return all figures; seconds are wall time of LEXIMIN from the instance to the finished lottery."""
    figures: dict[str, Any] = {"min_probability_150": None, "seconds_150": None}
    known = reference_pool()
    if known is not None:
        figures |= beside(known, "150", num_draws, seed)
    for size in sizes:
        figures |= beside(made_pool(size, seed), str(size), num_draws, seed)
    figures["seed"] = seed
    figures["machine"] = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return figures


def beside(pool: Instance, name: str, num_draws: int, seed: int) -> dict[str, Any]:
    """Return LEXIMIN's figures and LEGACY's for one pool."""
    start, used = time.perf_counter(), time.process_time()
    best = leximin(pool, seed=seed)
    seconds, cpu = time.perf_counter() - start, time.process_time() - used
    start = time.perf_counter()
    old = legacy(pool, seed=seed, num_draws=num_draws)
    return {
        f"min_probability_{name}": float(best.pi.min()),
        f"seconds_{name}": round(seconds, 2),
        f"cpu_seconds_{name}": round(cpu, 2),
        f"leximin_{name}": rounded(best),
        f"legacy_{name}": rounded(old),
        f"legacy_seconds_{name}": round(time.perf_counter() - start, 2),
        f"num_types_{name}": best.types.num,
        f"log_{name}": dict(best.log),
    }


def rounded(found: Lottery) -> dict[str, float]:
    """Return the fairness figures."""
    return {name: round(value, 6) for name, value in asdict(fairness(found.pi)).items()}


def reference_pool() -> Instance | None:
    """Return the public pool of 150, or None where it is not on this machine."""
    from dashboards.tools.sortition import read

    folder = Path(os.environ.get("FOLKMOOT_SHARED_DATA") or ROOT.parent / "shared" / "data") / "sortition" / "pool_150"
    if not folder.is_dir():
        return None
    return read(folder / "candidates.csv", folder / "features.csv", 22)


def made_pool(size: int, seed: int, k: int = PANEL) -> Instance:
    """Return a pool whose volunteers differ from the population: every feature skewed, all correlated with a trait."""
    rng = np.random.default_rng(seed)
    trait = rng.normal(size=size)
    columns: dict[str, list[str]] = {}
    quotas = []
    for number, values in enumerate(SHAPE):
        population = rng.dirichlet(np.full(values, 8.0))
        logits = np.log(population) + rng.normal(0, 0.4, values) + 0.4 * trait[:, None] * rng.normal(size=values)
        name = f"feature {number}"
        columns[name] = [f"v{code}" for code in (logits + rng.gumbel(size=(size, values))).argmax(axis=1)]
        for value, share in enumerate(population):
            least, most = int(np.floor(0.95 * k * share)), int(np.ceil(1.05 * k * share))
            quotas.append(Quota(feature=name, value=f"v{value}", least=least, most=most))
    return instance([f"person {number}" for number in range(size)], columns, quotas, k)


if __name__ == "__main__":
    main()
