"""One finished run of every society on the small real model, each as small as still fills its pages."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from sim.engines.number_format import number_format
from sim.store import find_runs

MEASURED = (
    "measure.instruments=[{name: moralchoice, num: 4}, {name: lm_loss, num: 4}, "
    "{name: safety, num_harmful: 4, num_ordinary: 4, max_tokens: 16, judge: false}]"
)
RUNS: dict[str, tuple[str, ...]] = {
    "loop": (
        "experiment=demo", "society.num_harmful=2", "society.num_ordinary=1", "society.num_roles=2",
        "society.num_steps=1", "society.max_interactions=2", "recipe.max_length=256", "recipe.epochs=1.0",
        MEASURED,
    ),
    "assembly": (
        "experiment=assembly_demo", "society.panel=3", "society.pool=40", "society.num_rounds=1", "society.written=2",
        "society.num_candidates=2", "society.values=true", "society.table_size=3", "society.supermajority=0.51",
        "society.num_clauses=2", "society.num_questions=1", "society.question_jury=1", "society.quotas=[sex]",
        "society.num_dropped=2",
        "society.max_tokens={turn: 24, note: 16, opinion: 24, statement: 24, clause: 24}",
    ),
    "utility-vote": (
        "experiment=utility_vote", "society.num_options=10", "society.num_held_options=2", "society.num_train=12",
        "society.num_held_pairs=6", "society.num_held_option_pairs=6", "society.panel=4", "society.pool=40",
    ),
    "numeric": ("experiment=coevolve_numeric", "society.humans.people=2000", "society.humans.timesteps=12"),
    "live-values": (
        "experiment=coevolve_live", "society.personas=4", "society.timesteps=1", "society.claims=[honesty,fairness]",
        "society.degree=2",
    ),
    "eras": (
        "experiment=follow_eras", "society.num=20", "society.forms=[letters]", "society.challenges=[{name: follow}]",
        "society.eras=[{name: c13, tell: c13}, {name: c17, tell: c17}, {name: c21, tell: c21}]",
        "society.arms=[{name: frozen}, {name: lifelong}, {name: oracle}]",
    ),
    "value-follow": (
        "experiment=follow_small", "loop.train=false", "loop.num_rounds=2", "society.num=20", "society.people.num=100",
    ),
}  # fmt: skip
"""Society -> what `folkmoot run` is told. The numeric one asks no model: its people are formulas."""


WHOLE = "loop"
"""The run whose every page is opened; of the others, those that show something of their own."""
PAGES = {
    "assembly": ("overview", "assembly", "personas", "samples", "seat"),
    "utility-vote": ("overview", "assembly", "samples"),
    "numeric": ("overview", "coevolution"),
    "live-values": ("overview", "coevolution", "personas"),
    "eras": ("overview", "coevolution"),
    "value-follow": ("overview", "coevolution", "loop"),
}
FEW = ("loop", "assembly", "numeric", "live-values")
"""Scenes with a loop, an assembly, and co-evolution by formulas and by a model: what the tests of every change play."""


def kept() -> Path | None:
    """Return the folder that keeps the runs, where one is named (`make real`); every society is played for it."""
    folder = os.environ.get("FOLKMOOT_REAL_RUNS")
    return Path(folder) if folder else None


def played() -> tuple[str, ...]:
    """Return what these tests play: nothing where the model runs in float32, which takes thrice as long."""
    if kept() is not None:
        return tuple(RUNS)
    return FEW if number_format("auto", on_cpu=True) == "bfloat16" else ()


def play(root: Path, societies: Iterable[str]) -> dict[str, str]:
    """Return society -> name of its run below `root`, playing those that are not there yet; the loop's is released."""
    names: dict[str, str] = {}
    for society in societies:
        name = f"real-{society}"
        if not find_runs(root / name):
            _folkmoot("run", f"paths.runs={root}", *RUNS[society], f"name={name}")
        (run,) = find_runs(root / name)
        assert run.status["state"] == "done", f"{society}: {run.status['state']}"
        assert society == "numeric" or not run.manifest["scripted"]
        names[society] = f"{name}/{run.folder.name}"
    release = root / "releases" / "real-v0.1.0"
    if not release.exists():
        _folkmoot("release", "build", str(root / names[WHOLE]), "name=real", "version=0.1.0", f"out={release.parent}")
    _folkmoot("release", "verify", str(release), "--runs", str(root / names[WHOLE]), "--rebuild")
    return names


def _folkmoot(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "sim.cli", *words], capture_output=True, text=True)
    assert done.returncode == 0, f"folkmoot {' '.join(words)}: {done.stdout[-1000:]} {done.stderr[-2000:]}"
