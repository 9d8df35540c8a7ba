"""The society at its seam: config, names, a run folder, and the same bytes after a kill."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from agents.errors import UserError
from agents.requests import Message, Score
from sim.config import compose, plugin_section, validate
from sim.engines.babbler import Babbler
from sim.engines.scripted import ScriptedEngine
from sim.limits import Limits
from sim.stage import Stopped, play_stage
from sim.store import Run
from societies.coevolution import CoevolutionConfig, registering, society
from societies.coevolution.config import HumansConfig
from societies.coevolution.desk import Desk
from societies.coevolution.protocols import Turn
from societies.seam import Setting

SMALL = HumansConfig(people=60, timesteps=6)


def setting(seed: int = 0) -> Setting:
    return Setting(seed=seed, cast=lambda number, seed: [])


def config(**changes: Any) -> CoevolutionConfig:
    given = {"humans": SMALL, "challenges": [{"name": "coevolve"}, {"name": "predict", "horizon": 2}], **changes}
    return CoevolutionConfig(**given)


def fresh(root: Path) -> Run:
    return Run.create(root, "test", {"name": "test"}, {})


def perform(run: Run, given: CoevolutionConfig, limits: Limits | None = None, seed: int = 0) -> None:
    engine = ScriptedEngine(Babbler())
    play_stage(
        run,
        "r1.play",
        society.scripts(given, setting(seed)),
        engine,
        run_seed=seed,
        tables=society.tables,
        limits=limits,
    )


def digests(run: Run) -> dict[str, str]:
    files = sorted((run.folder / "events").rglob("*.parquet"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("words", [["society=coevolution"], ["experiment=coevolve_numeric"]])
def test_the_shipped_configs_are_valid_and_name_what_exists(words: list[str]) -> None:
    name, section = plugin_section(compose(words).society, "society")
    assert name == "coevolution"
    given = validate(CoevolutionConfig, section, "society")
    assert society.estimate(given, setting()).num_scripts == len(given.challenges)
    assert society.estimate(given, setting()).num_requests == 0
    next(iter(society.scripts(replace(given, humans=replace(given.humans, people=10)), setting())))


def test_the_society_plays_into_a_run_folder_and_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    seen = []
    for seed in (0, 0, 1):
        run = fresh(tmp_path)
        perform(run, config(replicas=2), seed=seed)
        assert run.tally("r1.play")["num_lost"] == 0
        seen.append(digests(run))
    assert seen[0] == seen[1] != seen[2]
    results = run.read_events("r1.play", "results")
    assert set(results["challenge"]) == {"coevolve", "predict(2)"}
    assert results.height == 2 * (5 + 4) and results["failure"].unique().to_list() == [""]
    assert results["seed"].n_unique() == 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """An examinee that asks a model before each turn."""

    def live(self, desk: Desk) -> Any:
        policy = np.array(desk.initial)
        for timestep in desk.timesteps():
            yield from desk.ask()
            asked = Score(messages=(Message("user", f"timestep {timestep}"),), options=("a", "b"), purpose="t/x.v1")
            for scores in (yield [asked, replace(asked, options=("c", "d"))]):
                policy = policy + next(iter(scores.probability.values()))
            yield Turn(timestep, policy)


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = {"asking": SimpleNamespace(name="asking", load=lambda: Asking)}
    monkeypatch.setattr(registering, "_others", lambda kind: entries if kind == "examinees" else {})


def test_killed_after_any_request_a_resume_gives_the_same_bytes(tmp_path: Path, asking: None) -> None:
    given = config(arms=[{"name": "asking"}, {"name": "lifelong"}], challenges=[{"name": "coevolve"}])
    whole = fresh(tmp_path)
    perform(whole, given)
    num = whole.tally("r1.play")["num_requests"]
    assert num == 5 * 2
    for paid in range(1, num - 1, 2):
        run = fresh(tmp_path)
        with pytest.raises(Stopped):
            perform(run, given, Limits(run_requests=paid))
        assert not digests(run)
        perform(run, given)
        assert digests(run) == digests(whole)
        assert 0 < run.tally("r1.play")["num_from_journal"] < num


def test_an_examinee_over_the_scripts_budget_loses_its_arm_and_not_the_run(tmp_path: Path, asking: None) -> None:
    run = fresh(tmp_path)
    perform(run, config(arms=[{"name": "asking"}, {"name": "lifelong"}]), Limits(script_requests=4))
    assert run.tally("r1.play")["num_lost"] == 0
    rows = run.read_events("r1.play", "results").sort("challenge", "algorithm")
    told = dict(zip(rows["algorithm"], rows["failure"], strict=True))
    assert "OverBudget" in told["asking"] and not told["lifelong"]


@pytest.mark.parametrize(
    "changes, told",
    [
        ({"challenges": [{"name": "predikt"}]}, r'challenges\[0\].name = "predikt".*Did you mean "predict"'),
        ({"challenges": [{"name": "predict", "horizon": 5}]}, "6 timesteps cannot be judged 5 ahead"),
        ({"challenges": [{"name": "predict", "horizont": 2}]}, r'Did you mean "horizon"'),
        ({"challenges": [{"name": "recover", "at": 5}]}, "leaves no timestep to recover in"),
        ({"challenges": [{"name": "pluralism", "minority": 0.7}]}, r"minority = 0.7 cannot be used"),
        ({"challenges": [{"name": "follow"}, {"name": "follow"}]}, "names follow twice"),
        ({"challenges": []}, "challenges is empty"),
        ({"challenges": [{"horizon": 1}]}, r"challenges\[0\].name is missing"),
        ({"arms": [{"name": "x", "examinee": "lifelon"}]}, r'examinee = "lifelon".*Did you mean "lifelong"'),
        ({"arms": [{"name": "none"}, {"name": "oracle"}]}, "names no examinee"),
        ({"arms": [{"name": "none", "rate": 0.5}, {"name": "lifelong"}]}, "takes no settings"),
        ({"arms": [{"name": "lifelong", "rate": 0.0}]}, "rate = 0.0 cannot be used"),
        ({"arms": [{"name": "a~calm", "examinee": "frozen"}]}, "have a meaning"),
    ],
)
def test_unusable_settings_are_refused_before_anything_runs(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError) as refused:
        society.scripts(config(**changes), setting())
    assert re.search(told, " ".join(str(refused.value).split())), str(refused.value)


def test_an_examinee_of_another_package_is_found_by_entry_point(asking: None) -> None:
    assert "asking" in registering.names("examinees")
    assert isinstance(registering.arm("mine", "asking", {}).examinee, Asking)
    with pytest.raises(UserError, match="Known: asking, extrapolative"):
        registering.arm("mine", "zzz", {}, "society.arms[0]")
