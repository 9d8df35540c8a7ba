"""A society of a third party: one Python file, one YAML, and no change to our code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TOY = """
from dataclasses import dataclass
from agents.requests import Event, Generate, Message, Score
from agents.sample import Candidate, Lineage, Sample
from societies.seam import Estimate

@dataclass(frozen=True)
class Config:
    num_pairs: int = 3

def greet(name):
    prompt = (Message("user", "Say hello."),)
    hello = yield Generate(messages=prompt, purpose="toy/hello.v1")
    liked = yield Score(messages=(Message("user", hello.text),), options=("kind", "rude"), purpose="toy/like.v1")
    yield Event(table="greetings", row={"name": name, "text": hello.text, "kind": liked.probability["kind"]})
    yield Sample(
        sample_id=name, kind="greeting", prompt=prompt, candidates=(Candidate(text=hello.text, author="base"),),
        lineage=Lineage(script=name, requests=(hello.identity, liked.identity)),
    )

class Toy:
    name, package, config = "toy", "", Config
    tables = {"greetings": {"name": "str", "text": "str", "kind": "float"}}
    def scripts(self, config, setting):
        return ((f"pair-{n}", greet(f"pair-{n}")) for n in range(config.num_pairs))
    def estimate(self, config, setting):
        return Estimate(num_scripts=config.num_pairs, num_requests=2 * config.num_pairs, num_prompt_tokens=60,
                        num_output_tokens=60)

society = Toy()
"""


@pytest.mark.e2e
def test_a_society_from_another_package_plays_without_a_change_to_ours(tmp_path: Path) -> None:
    package = tmp_path / "site"
    info = package / "toytown-1.0.dist-info"
    info.mkdir(parents=True)
    (package / "toytown.py").write_text(TOY)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toytown\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[folkmoot.societies]\ntoy = toytown:society\n")
    (tmp_path / "groups" / "society").mkdir(parents=True)
    (tmp_path / "groups" / "society" / "toy.yaml").write_text("name: toy\nnum_pairs: 4\n")
    out = subprocess.run(
        [sys.executable, "-m", "sim.cli", "run", "--conf", str(tmp_path / "groups"), "society=toy", "engine=scripted",
         f"paths.runs={tmp_path / 'runs'}", "--json"],
        env={**os.environ, "PYTHONPATH": str(package)}, capture_output=True, text=True,
    )  # fmt: skip
    assert out.returncode == 0, out.stderr
    from sim.store import Run

    run = Run.open(json.loads(out.stdout)["run"])
    assert run.read_events("r1.play", "greetings")["name"].to_list() == [f"pair-{n}" for n in range(4)]
    assert [s.sample_id for s in run.read_samples("r1.play")] == [f"pair-{n}" for n in range(4)]
