"""How long a million people take: `python -m benchmarks.population [--json] [--size N] [--seed N]`.

Draws the built-in population (`conf/population/default.yaml`, six joint tables) and reports the worst margin gap.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import resource
import sys
import time
from importlib import resources

from omegaconf import OmegaConf

from agents.population import fit_report, load_spec, personas, synthesise


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the synthesis of a large population.")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    figures = measure(options.size, options.seed)
    if options.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:>16}  {value}")


def measure(size: int, seed: int) -> dict[str, int | float | str]:
    config = OmegaConf.create((resources.files("conf") / "population" / "default.yaml").read_text(encoding="utf-8"))
    plain = OmegaConf.to_container(config)
    assert isinstance(plain, dict)
    spec = dataclasses.replace(load_spec({str(key): value for key, value in plain.items()}), size=size)
    start = time.perf_counter()
    frame = synthesise(spec, seed)
    seconds = time.perf_counter() - start
    report = fit_report(frame, spec)
    num_cards = sum(1 for _ in personas(frame.head(10_000)))
    return {
        "seconds": round(seconds, 3),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _PER_MB, 1),
        "max_margin_gap": report.max_gap,
        "worst": report.worst,
        "num_people": report.num_people,
        "num_joint_tables": len(spec.tables),
        "num_target_cells": report.cells.height,
        "n_eff": report.n_eff,
        "num_cards": num_cards,
        "seed": seed,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    }


_PER_MB = 1024**2 if sys.platform == "darwin" else 1024


if __name__ == "__main__":
    main()
