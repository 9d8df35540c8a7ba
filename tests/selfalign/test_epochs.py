"""Rounds watched by a frozen panel: what is written after each, and the rules that end the loop."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from agents.errors import UserError
from agents.requests import Generate, Score
from selfalign.config import LoopConfig
from selfalign.gate.stopping import StopRules, stop_for
from selfalign.loop import nodes
from selfalign.loop.graph import run_loop
from selfalign.loop.workshop import Workshop
from sim.config import RunConfig, compose, plugin_section, validate
from sim.metrics import metrics_frame
from sim.models import ModelFolder
from sim.replay import compare as compare_products
from sim.session import Session
from societies.assembly.config import AssemblyConfig
from societies.assembly.frozen_panel import FrozenPanelConfig
from tests.assembly.test_frozen_panel import peaked
from tests.selfalign.world import PretendTrainer, ToySession, workshop

POPULATION: dict[str, Any] = {
    "variables": {"sex": {"female": 0.5, "male": 0.5}, "camp": {"left": 0.5, "right": 0.5}},
    "size": 60,
    "reserve": 8,
}
NOTHING: dict[str, tuple[float, float]] = {"base": (0.2, 0.8)}


def shop_of(folder: Path, places: dict[str, tuple[float, float]], **loop: Any) -> tuple[Workshop, PretendTrainer]:
    """Return a workshop whose policies let the two camps stand at two places."""
    config = validate(
        RunConfig,
        {
            "population": POPULATION,
            "recipe": {"name": "matrix_sft", "mix": {"revision_harmful": 1.0, "answer_helpful": 1.0}},
            "measure": {"instruments": [{"name": "frozen_panel", "population": POPULATION, "held": 2}]},
            "loop": {"num_rounds": 4, "gate": False, "stop_on_reject": False, **loop},
        },
        "",
    )
    session, trainer = ToySession(folder, config), PretendTrainer()

    def answer(ticket: Any) -> Any:
        request = ticket.request
        if isinstance(request, Generate):
            return "Here is how: begin with the first step and go on."
        text = "\n".join(message.content for message in request.messages)
        left, right = places.get(request.policy, places["base"])
        return dict(zip(request.options, peaked(left if "left" in text else right), strict=True))

    session.answerer = answer
    base = ModelFolder(path=folder, name="toy", digest="toy", revision="local", licence="none")
    return Workshop.of(session, train=trainer, base=lambda session: base), trainer


def epoch(shop: Workshop, round_: int) -> dict[str, Any]:
    return dict(json.loads((shop.folder / "epochs" / f"r{round_}.json").read_text()))


def value(shop: Workshop, round_: int, name: str) -> float:
    return float(next(row["value"] for row in epoch(shop, round_)["rows"] if row["name"] == name))


def test_every_round_is_watched_from_what_was_measured(tmp_path: Path) -> None:
    places = {"base": (0.2, 0.8), "p1": (0.3, 0.9), "p2": (0.4, 1.0)}
    shop, _ = shop_of(tmp_path, places, num_rounds=2)
    assert run_loop(shop)["current"] == "p2"
    assert 0 < value(shop, 1, "drift") < value(shop, 2, "drift")
    assert value(shop, 1, "change") == value(shop, 1, "own_drift")
    assert value(shop, 2, "change") < value(shop, 2, "own_drift")
    assert epoch(shop, 2) | {"rows": []} == {
        "round": 2, "policy": "p2", "before": "p1", "first": "base", "rows": [], "stop": None,
        "rules": {"drift": None, "diversity": None, "still": None, "still_below": 0.002},
    }  # fmt: skip
    frame = metrics_frame(shop.session.run, shop.session.society)
    drift = frame.filter(frame["name"] == "frozen_panel/drift").sort("stage")
    assert drift["stage"].to_list() == ["r1.epoch", "r2.epoch"] and drift["source"].unique().to_list() == ["epochs"]
    assert drift["lo"].null_count() == 0 and "null: the first policy asked in other words" in drift["definition"][0]


def test_drift_beyond_its_bound_ends_the_loop_and_every_record_says_why(tmp_path: Path) -> None:
    places = {"base": (0.2, 0.8), "p1": (0.3, 0.9), "p2": (0.9, 0.9), "p3": (0.9, 0.9)}
    shop, trainer = shop_of(tmp_path, places, stop={"drift": 0.15})
    state = run_loop(shop)
    assert (state["round"], state["current"], len(trainer.jobs)) == (2, "p2", 2)
    assert state["stopped"].startswith("drift 0.") and "loop.stop.drift = 0.15" in state["stopped"]
    assert state["history"][-1] == f"r2: stop, {state['stopped']}"
    decided = json.loads((shop.folder / "gates" / "r2.decision.json").read_text())
    assert decided["stop"] == state["stopped"] and decided["decision"] == "promoted"
    assert epoch(shop, 2)["stop"] == {"rule": "drift", "reason": state["stopped"]} and epoch(shop, 1)["stop"] is None
    assert "stop" not in json.loads((shop.folder / "gates" / "r1.decision.json").read_text())


def test_lost_diversity_ends_the_loop(tmp_path: Path) -> None:
    shop, _ = shop_of(tmp_path, {"base": (0.2, 0.8), "p1": (0.49, 0.51)}, stop={"diversity": 0.5})
    state = run_loop(shop)
    assert state["round"] == 1 and "diversity fell by 9" in state["stopped"]


def test_rounds_without_change_end_the_loop_also_where_candidates_are_rejected(tmp_path: Path) -> None:
    moves = {"base": (0.2, 0.8), "p1": (0.4, 0.8), "p2": (0.4, 0.8), "p3": (0.4, 0.8)}
    shop, _ = shop_of(tmp_path / "a", moves, stop={"still": 2})
    state = run_loop(shop)
    assert state["round"] == 3 and "nothing changed in 2 rounds: 0.0000, 0.0000" in state["stopped"]
    moving = {"base": (0.2, 0.8), **{f"p{k}": (0.2 + 0.1 * k, 0.8) for k in range(1, 5)}}
    judged, _ = shop_of(tmp_path / "b", moving, stop={"still": 2}, gate=True)
    state = run_loop(judged)
    assert state["current"] == "base" and state["round"] == 2, "the target was never measured, so nothing is promoted"
    assert "nothing changed" in json.loads((judged.folder / "gates" / "r2.decision.json").read_text())["stop"]


def test_the_arm_without_training_drifts_by_nothing_and_stops(tmp_path: Path) -> None:
    shop, _ = shop_of(tmp_path, NOTHING, train=False, stop={"still": 3})
    state = run_loop(shop)
    assert state["round"] == 3 and [value(shop, k, "drift") for k in (1, 2, 3)] == [0, 0, 0]
    assert not (shop.folder / "gates").exists() and epoch(shop, 3)["policy"] == "base"


def test_a_rule_that_cannot_be_kept_stops_the_loop(tmp_path: Path) -> None:
    shop, _ = shop_of(tmp_path, {"base": (0.5, 0.5)}, stop={"diversity": 0.5})
    state = run_loop(shop)
    assert state["round"] == 1 and "diversity could not be measured" in state["stopped"]


def test_rules_without_anybody_who_watches_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no instrument of"):
        workshop(tmp_path, {}, stop={"drift": 0.1})
    shop = workshop(tmp_path, {}, gate=False)
    run_loop(shop)
    assert not (shop.folder / "epochs").exists()


def test_killed_while_watching_it_ends_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = {"base": (0.2, 0.8), "p1": (0.3, 0.9), "p2": (0.9, 0.9)}
    whole, _ = shop_of(tmp_path / "whole", places, stop={"drift": 0.15})
    run_loop(whole)
    verb = nodes.watch

    class Killed(BaseException):
        pass

    def dies(shop: Any, state: Any) -> Any:
        verb(shop, state)
        raise Killed

    for _ in range(2):
        monkeypatch.setattr(nodes, "watch", dies)
        with pytest.raises(Killed):
            run_loop(shop_of(tmp_path / "cut", places, stop={"drift": 0.15})[0])
        monkeypatch.setattr(nodes, "watch", verb)
    shop, trainer = shop_of(tmp_path / "cut", places, stop={"drift": 0.15})
    assert run_loop(shop)["round"] == 2 and len(trainer.jobs) == 1
    result = compare_products(whole.folder, shop.folder)
    assert result["different"] == [] and (shop.folder / "epochs" / "r2.json").exists()


RULES = StopRules(drift=0.2, diversity=0.5, still=2)


@pytest.mark.parametrize(
    ("rounds", "rule"),
    [
        ([], None),
        ([{"drift": 0.2, "diversity": 0.5, "change": 0.1}], None),
        ([{"drift": 0.21, "diversity": 1.0, "change": 0.1}], "drift"),
        ([{"drift": 0.1, "diversity": 0.49, "change": 0.1}], "diversity"),
        ([{"drift": 0.1, "diversity": 1.0, "change": 0.0}], None),
        ([{"drift": 0.1, "diversity": 1.0, "change": 0.0}] * 2, "still"),
        ([{"drift": 0.1, "diversity": 1.0, "change": c} for c in (0.0, 0.1, 0.0)], None),
        ([{"drift": math.nan, "diversity": 1.0, "change": 0.1}], "drift"),
        ([{"drift": 0.1, "change": 0.1}], "diversity"),
        ([{"drift": 0.1, "diversity": 1.0}], "still"),
    ],
)
def test_a_rule_stops_at_its_bound_and_not_before(rounds: list[dict[str, float]], rule: str | None) -> None:
    found = stop_for(rounds, RULES)
    assert (found.rule if found else None) == rule
    assert found is None or f"loop.stop.{rule}" in found.reason
    assert stop_for(rounds, StopRules()) is None and not StopRules().any


def test_the_shipped_experiment_asks_people_who_cannot_sit_about_questions_that_teach_nothing() -> None:
    config = compose(["experiment=assembly_epochs"])
    name, asked = plugin_section(config.measure["instruments"][0], "measure")
    panel = validate(FrozenPanelConfig, asked, "measure")
    society = validate(AssemblyConfig, plugin_section(config.society, "society")[1], "society")
    assert (name, panel.held, panel.agenda, panel.scale) == (
        "frozen_panel",
        society.held,
        society.agenda,
        society.scale,
    )
    assert validate(LoopConfig, config.loop, "loop").stop.any
    session = Session(config)
    living = {person.persona_id for person in session.personas}
    from societies.assembly.frozen_panel import instrument

    people = instrument.load(panel).people
    assert len(people) == 16 and not {person.persona_id for person in people} & living
    assert isinstance(instrument.load(panel).items[0].text, str) and Score is not None
