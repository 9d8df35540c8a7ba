"""Does the numeric lock-in model do what its theory says? `python -m benchmarks.lockin [--json] [--seeds N]`.

Prints the theory's table for an even star of 101 agents (one AI without evidence of its own): error of the people's
mean belief early and late, and the precision they claim, for products below and above the threshold
(N - 1) * l1 * l2 = 1; then where simulations put that threshold, and what interventions at step 500 do above it.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import time
from typing import Any

import numpy as np

from agents.statistics.intervals import bootstrap_mean
from societies.coevolution.lockin import (
    AI,
    DiverseSampling,
    FreshEvidence,
    Intervention,
    LowerTrust,
    Trajectory,
    locate_star,
    log_precision_slope,
    people_and_ai,
    simulate,
    spectral_radius,
    star_of_product,
)

NUM_AGENTS, NUM_STEPS, EARLY, START = 101, 2000, 250, 501
PRODUCTS = (0.5, 0.9, 1.0, 1.1, 1.5)
ARMS: dict[str, Intervention | None] = {
    "no intervention": None,
    "AI trusts people half as much": LowerTrust(start=START, factor=0.5, listener=AI),
    "people trust AI half as much": LowerTrust(start=START, factor=0.5, source=AI),
    "people trust AI 5 % less": LowerTrust(start=START, factor=0.95, source=AI),
    "AI samples for diversity": DiverseSampling(start=START),
    "ten times the evidence": FreshEvidence(start=START, factor=10, ai_precision=10),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Check the lock-in model against its theory.")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seeds", type=int, default=15, help="runs of each setting")
    options = parser.parse_args()
    figures = measure(options.seeds)
    if options.json:
        print(json.dumps(figures))
        return
    print_figures(figures)


def measure(num_seeds: int) -> dict[str, Any]:
    start = time.perf_counter()
    seeds = range(num_seeds)
    table = [product_row(product, seeds) for product in PRODUCTS]
    found = locate_star(num_agents=NUM_AGENTS, num_steps=NUM_STEPS, seeds=seeds)
    arms = [arm_row(name, arm, seeds) for name, arm in ARMS.items()]
    return {
        "table": table,
        "threshold": {"located": found.value, "lo": found.lo, "hi": found.hi, "theory": 1.0},
        "intervened_product": 1.1,
        "arms": arms,
        "num_agents": NUM_AGENTS,
        "num_seeds": num_seeds,
        "seconds": round(time.perf_counter() - start, 1),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    }


def product_row(product: float, seeds: range) -> dict[str, Any]:
    trust = star_of_product(NUM_AGENTS, product)
    late = (1000, 1250, 1500, 1750, NUM_STEPS)
    run = simulate(people_and_ai(trust), num_steps=NUM_STEPS, seeds=seeds, record=(EARLY, *late))
    rho = spectral_radius(trust)
    return {
        "product": product,
        "rho": rho,
        **errors(run),
        "log10_precision": run.log_mean_precision(NUM_STEPS) / math.log(10),
        "log_precision_slope": log_precision_slope(late, np.array([run.log_mean_precision(step) for step in late])),
        "log_rho": math.log(rho),
    }


def arm_row(name: str, arm: Intervention | None, seeds: range) -> dict[str, Any]:
    world = people_and_ai(star_of_product(NUM_AGENTS, 1.1))
    done = () if arm is None else (arm,)
    run = simulate(world, num_steps=NUM_STEPS, seeds=seeds, record=(EARLY, NUM_STEPS), interventions=done)
    return {"arm": name, **errors(run)}


def errors(run: Trajectory) -> dict[str, float]:
    """Return mean errors early and late, with the 95 % bootstrap interval of the late one over runs."""
    late = bootstrap_mean(run.error(NUM_STEPS))
    return {"early": float(run.error(EARLY).mean()), "late": late.point, "late_lo": late.lo, "late_hi": late.hi}


def print_figures(figures: dict[str, Any]) -> None:
    print(f"Error of the mean belief at step {EARLY} and {NUM_STEPS}, {figures['num_seeds']} runs, 95 % over runs")
    print(
        f"{'product':>8} {'rho':>7} {'early':>8} {'late':>8} {'95 %':>17} {'precision':>10} {'slope':>8} {'log rho':>8}"
    )
    for row in figures["table"]:
        interval = f"{row['late_lo']:.4f} .. {row['late_hi']:.4f}"
        precision = f"{10 ** (row['log10_precision'] % 1):.1f}e{int(row['log10_precision'])}"
        print(
            f"{row['product']:>8} {row['rho']:>7.4f} {row['early']:>8.4f} {row['late']:>8.4f} {interval:>17}"
            f" {precision:>10} {row['log_precision_slope']:>8.4f} {row['log_rho']:>8.4f}"
        )
    found = figures["threshold"]
    print(f"Threshold located at {found['located']:.4f} ({found['lo']:.4f} .. {found['hi']:.4f}); theory: 1.")
    print(f"Product {figures['intervened_product']}, intervention from step {START} on:")
    for row in figures["arms"]:
        interval = f"{row['late_lo']:.4f} .. {row['late_hi']:.4f}"
        print(f"  {row['arm']:<32} {row['early']:>8.4f} {row['late']:>8.4f} {interval:>17}")
    print(f"{figures['seconds']} s on {figures['machine']}")


if __name__ == "__main__":
    main()
