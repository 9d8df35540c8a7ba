"""Does training on what people now prefer make a policy follow them? `python -m benchmarks.follow [--seeds 0 1 2]`.

Runs `experiment=follow_small` once an arm and seed (lifelong, independent, extrapolative, none), or takes the finished
runs that lie below --runs, and prints Follow (mean over rounds of the cosine with the people of that round), raw and
centred, and the centred one with the people of the round after (Predict(1)), with differences paired by seed.
Intervals are Student's t over seeds: with three of them they are wide, and meant to be.
`--live RUN` prints the arms of a run of `experiment=coevolve_live` against each other instead.
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from agents.errors import UserError
from agents.instruments.value_follow import CENTRED, NAME, RAW, scale_name
from sim.answered import answered_in
from sim.config import differing_keys
from sim.store import Run, find_runs

ARMS = {
    "lifelong": ("loop.parent=current",),
    "independent": ("loop.parent=base",),
    "extrapolative": ("recipe.extrapolate.order=1",),
    "none": ("loop.train=false",),
}
PAIRS = (
    ("lifelong", "none"),
    ("independent", "none"),
    ("extrapolative", "none"),
    ("lifelong", "independent"),
    ("extrapolative", "lifelong"),
)
OWN = ("name", "seed", "paths", "limits", "loop.parent", "loop.train", "recipe.extrapolate.order", "measure.seed")
"""What may differ between the runs of one table."""
MEASURES = ("follow", "centred", "ahead")


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """One run. follow, centred: by round, the policy that the round left in force with the people of that round.

    ahead: centred, with the people of the round after, so one round fewer; empty for a run of one round.
    loss: of held-out text after the last round less that of the base, nats a token.
    """

    arm: str
    seed: int
    run: str
    follow: tuple[float, ...]
    centred: tuple[float, ...]
    ahead: tuple[float, ...]
    loss: float
    scripted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A mean over seeds with its 95 % interval by Student's t; nan with fewer than two seeds."""

    point: float
    lo: float
    hi: float
    n: int


def main() -> None:
    parser = argparse.ArgumentParser(description="Lifelong against independent against no training.")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS), help="which arms; default: all")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="where runs lie and are made")
    parser.add_argument("--read", action="store_true", help="only read finished runs; start nothing")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="further overrides of every run")
    parser.add_argument("--live", type=Path, metavar="RUN", help="compare the arms of a run of live_values")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    try:
        if options.live:
            show_live(Run.open(options.live), as_json=options.json)
            return
        found = [
            follow_of(finished(options.runs, arm, seed, options.set, read=options.read), arm, seed)
            for seed in options.seeds
            for arm in options.arms
        ]
    except UserError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    figures = table(found)
    if options.json:
        print(json.dumps({"runs": [asdict(one) for one in found], **figures}))
        return
    print_table(found, figures)


def finished(root: Path, arm: str, seed: int, words: Sequence[str], *, read: bool) -> Run:
    """Return the newest finished run of an arm and seed; made, or gone on with, when there is none."""
    name = f"follow_small-{arm}"
    runs = [
        run for run in find_runs(root) if run.folder.parent.name == name and config_of(str(run.folder))["seed"] == seed
    ]
    for run in runs:
        if run.status.get("state") == "done":
            return run
    if read:
        raise UserError(f"There is no finished run of arm {arm} with seed {seed} below {root}.", "", "leave out --read")
    if runs:
        command = ["resume", str(runs[0].folder)]
    else:
        command = ["run", "experiment=follow_small", f"name={name}", f"seed={seed}", f"paths.runs={root}"]
        command += [*ARMS[arm], *words]
    print(f"arm {arm}, seed {seed}: {' '.join(command)}", file=sys.stderr, flush=True)
    done = subprocess.run([sys.executable, "-m", "sim.cli", *command, "--json"], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise UserError(f"The run of arm {arm} with seed {seed} ended with code {done.returncode}.", "", "see above")
    return Run.open(json.loads(done.stdout)["run"])


@functools.cache
def config_of(folder: str) -> dict[str, Any]:
    """Return the config of a run; read once, since it holds the whole population spec."""
    return Run(Path(folder)).config


def follow_of(run: Run, arm: str, seed: int) -> Followed:
    """Return what a finished run measured. Raises UserError for a round that was not measured."""
    rounds = int(config_of(str(run.folder))["loop"]["num_rounds"])
    stages = [stage_after(run, k) for k in range(1, rounds + 1)]
    values = {
        kind: tuple(score(run, stage, NAME, scale_name(kind, k)) for k, stage in enumerate(stages, 1))
        for kind in (RAW, CENTRED)
    }
    ahead = tuple(score(run, stage, NAME, scale_name(CENTRED, k + 1)) for k, stage in enumerate(stages[:-1], 1))
    losses = [score(run, stage, "lm_loss", "nats_per_token") for stage in ("r0.measure", stages[-1])]
    return Followed(
        arm=arm,
        seed=seed,
        run=str(run.folder),
        follow=values[RAW],
        centred=values[CENTRED],
        ahead=ahead,
        loss=losses[1] - losses[0],
        scripted=answered_in(run) == "script",
    )


def stage_after(run: Run, number: int) -> str:
    """Return the stage that measured the policy which a round left in force: the last one that was promoted."""
    for k in range(number, 0, -1):
        decision = run.folder / "gates" / f"r{k}.decision.json"
        if decision.exists() and json.loads(decision.read_text("utf-8"))["decision"] == "promoted":
            return f"r{k}.measure"
    return "r0.measure"


def score(run: Run, stage: str, instrument: str, scale: str) -> float:
    """Return one number of a measured stage; nan where it is undefined or was not measured."""
    import polars as pl

    path = run.folder / "scores" / f"{stage}.parquet"
    if not path.exists():
        raise UserError(f"{run.folder} has no {path.name}.", "the round was not measured.", "resume the run")
    rows = pl.read_parquet(path).filter(pl.col("instrument") == instrument, pl.col("scale") == scale)
    return float(rows["point"][0]) if len(rows) else math.nan


def table(found: Sequence[Followed]) -> dict[str, Any]:
    """Return means of each arm and paired differences over seeds. Raises UserError for runs of different settings."""
    check_alike([config_of(one.run) for one in found], [one.run for one in found])
    by_arm = {arm: {one.seed: one for one in found if one.arm == arm} for arm in ARMS}
    arms = {
        arm: {
            **{name: asdict(t_mean([mean(getattr(one, name)) for one in runs.values()])) for name in MEASURES},
            "loss": asdict(t_mean([one.loss for one in runs.values()])),
            "centred_by_round": [mean(values) for values in zip(*(one.centred for one in runs.values()), strict=True)],
        }
        for arm, runs in by_arm.items()
        if runs
    }
    differences = []
    for first, second in PAIRS:
        seeds = sorted(by_arm[first].keys() & by_arm[second].keys())
        if not seeds:
            continue
        for measure in MEASURES:
            change = [
                mean(getattr(by_arm[first][s], measure)) - mean(getattr(by_arm[second][s], measure)) for s in seeds
            ]
            differences.append({"arms": f"{first} - {second}", "measure": measure, **asdict(t_mean(change))})
    return {"arms": arms, "differences": differences}


def check_alike(configs: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    """Raise UserError unless the runs differ in arm and seed alone."""
    plain = [_without_own(config) for config in configs]
    for (left, right), (one, other) in zip(pairwise(plain), pairwise(names), strict=True):
        if keys := differing_keys(left, right):
            raise UserError(
                f"{one} and {other} cannot stand in one table.",
                f"these keys differ: {', '.join(keys)}.",
                "move one of them away, or give --runs another folder",
            )


def _without_own(config: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = json.loads(json.dumps(dict(config)))
    for instrument in out.get("measure", {}).get("instruments", []):
        instrument.pop("seed", None)
    for path in OWN:
        *sections, key = path.split(".")
        functools.reduce(lambda part, name: part.get(name, {}), sections, out).pop(key, None)
    return out


def mean(values: Sequence[float]) -> float:
    """Return the mean; nan when a value is."""
    return math.fsum(values) / len(values) if values else math.nan


def t_mean(values: Sequence[float]) -> Mean:
    """Return the mean of finite values with its 95 % interval. Source: Student 1908."""
    from scipy.stats import t

    x = [value for value in values if math.isfinite(value)]
    point, n = mean(x), len(x)
    if n < 2:
        return Mean(point=point, lo=math.nan, hi=math.nan, n=n)
    half = float(t.ppf(0.975, n - 1)) * math.sqrt(math.fsum((v - point) ** 2 for v in x) / (n - 1) / n)
    return Mean(point=point, lo=point - half, hi=point + half, n=n)


def print_table(found: Sequence[Followed], figures: Mapping[str, Any]) -> None:
    if any(one.scripted for one in found):
        print("The scripted engine answered, no model did: these numbers are no finding.")
    print(
        "Follow: mean over rounds of the cosine with the people of that round; ahead: centred, with those of the next."
    )
    print("95 % by t over seeds")
    print(f"{'arm':<13} {'follow':>26} {'centred':>26} {'ahead':>26} {'loss, nats':>26}  centred by round")
    for arm, row in figures["arms"].items():
        rounds = " ".join(f"{value:+.3f}" for value in row["centred_by_round"])
        print(f"{arm:<13} {' '.join(span(row[name]) for name in (*MEASURES, 'loss'))}  {rounds}")
    print("Paired differences")
    for row in figures["differences"]:
        print(f"{row['arms']:<25} {row['measure']:<8} {span(row)}  n = {row['n']} seeds")


def span(row: Mapping[str, Any]) -> str:
    return f"{row['point']:+.3f} [{row['lo']:+.3f}, {row['hi']:+.3f}]".rjust(26)


def show_live(run: Run, *, as_json: bool) -> None:
    """Print every arm against the last one, timestep by timestep, and the entrenchment slopes."""
    from societies.coevolution.live import arm_differences, arm_slopes

    stage = next((one for one in run.stages() if one.endswith(".play")), "")
    beliefs = run.read_events(stage, "beliefs")
    if not len(beliefs):
        raise UserError(f"{run.folder} has no beliefs.", "", "give a run of society=live_values")
    arms = list(run.config["society"]["arms"])
    base = "no_ai" if "no_ai" in arms else arms[-1]
    rows = [
        {"arms": f"{arm} - {base}", **asdict(one)}
        for arm in arms
        if arm != base
        for one in arm_differences(beliefs, arm, base)
    ]
    slopes = {arm: asdict(one) for arm, one in arm_slopes(beliefs).items()}
    if as_json:
        print(json.dumps({"run": str(run.folder), "differences": rows, "slopes": slopes}))
        return
    if answered_in(run) == "script":
        print("The scripted engine answered, no model did: these numbers are no finding.")
    print("Diversity of beliefs, mean over claims; 95 % by people, paired between the arms")
    for row in rows:
        values = f"{row['first']:.3f} and {row['second']:.3f}"
        between = f"{row['diff']:+.3f} [{row['lo']:+.3f}, {row['hi']:+.3f}]"
        print(f"t{row['timestep']} {row['arms']:<16} {row['metric']:<11} {values:>18}  {between}  n = {row['n']}")
    print("Entrenchment slope over all timesteps (0: calibrated, above: entrenchment, below: reversion or noise)")
    for arm, row in slopes.items():
        print(f"{arm:<8} {row['slope']:+.3f} [{row['lo']:+.3f}, {row['hi']:+.3f}]  n = {row['n']} {row['flag']}")


if __name__ == "__main__":
    main()
