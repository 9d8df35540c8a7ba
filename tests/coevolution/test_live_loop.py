"""What the loop does with its three switches: whose child a candidate is, who judges it, whether it is made."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agents.errors import UserError
from selfalign.config import LoopConfig
from selfalign.loop import nodes
from selfalign.loop.graph import run_loop, waiting_round
from sim.config import validate
from sim.stage import Stopped
from tests.selfalign.world import PretendTrainer, workshop

BAD = {"p1": {"harmful", "ordinary", "safe"}, "p2": {"harmful", "ordinary", "safe"}}


def gate_of(shop: Any, round_: int) -> dict[str, Any]:
    return dict(json.loads((shop.folder / "gates" / f"r{round_}.json").read_text()))


def test_with_the_base_as_parent_every_candidate_is_trained_afresh(tmp_path: Path) -> None:
    trainer = PretendTrainer()
    shop = workshop(tmp_path, {}, trainer, num_rounds=3, parent="base", gate="off")
    assert run_loop(shop)["current"] == "p3"
    assert [(job.name, job.parent, job.parent_folder) for job in trainer.jobs] == [
        ("p1", "base", ""), ("p2", "base", ""), ("p3", "base", ""),
    ]  # fmt: skip
    assert shop.store.lineage("p3") == ["p3", "base"]


def test_with_the_gate_off_a_bad_candidate_goes_into_force_and_every_file_says_so(tmp_path: Path) -> None:
    shop = workshop(tmp_path, BAD, num_rounds=2, gate=False)
    state = run_loop(shop)
    assert state["current"] == "p2"
    assert all("nobody (loop.gate is off)" in line for line in state["history"])
    gate = gate_of(shop, 2)
    assert (gate["promote"], gate["gate"], gate["before"], gate["after"]) == (True, "off", "p1", "p2")
    assert "NOT JUDGED" in gate["summary"] and gate["verdict"]["reasons"][0]["ran"] is False
    assert {one["scale"] for one in gate["comparisons"]} >= {"harmful_compliance"}
    told = shop.session.run.manifest["degraded"]
    assert told == [f"loop.gate is off: p{k} was promoted in round {k} without being judged" for k in (1, 2)]


def test_the_same_candidate_is_rejected_with_the_gate_on(tmp_path: Path) -> None:
    shop = workshop(tmp_path, BAD, num_rounds=2)
    assert run_loop(shop)["current"] == "base"
    assert "gate" not in gate_of(shop, 1)


def test_a_person_may_still_refuse_with_the_gate_off(tmp_path: Path) -> None:
    with pytest.raises(Stopped, match="waits for a person"):
        run_loop(workshop(tmp_path, BAD, gate=False, approve=True))
    shop = workshop(tmp_path, BAD, gate=False, approve=True)
    waiting = waiting_round(shop)
    assert waiting == 1
    shop.approve(waiting, "no")
    state = run_loop(shop)
    assert (state["current"], state["history"]) == ("base", ["r1: p1 rejected by person"])
    assert not shop.session.run.manifest.get("degraded")


def test_a_promotion_that_is_played_again_after_a_kill_is_told_once(tmp_path: Path) -> None:
    shop = workshop(tmp_path, {}, gate=False)
    state: Any = {**run_loop(shop), "current": "base", "candidate": "p1"}
    nodes.promote(shop, state)
    assert len(shop.session.run.manifest["degraded"]) == 1


def test_without_training_rounds_are_played_and_nothing_else_is_made(tmp_path: Path) -> None:
    trainer = PretendTrainer()
    shop = workshop(tmp_path, {}, trainer, num_rounds=3, train=False)
    state = run_loop(shop)
    assert (state["current"], state["round"], trainer.jobs) == ("base", 3, [])
    assert all(shop.session.run.is_complete(f"r{k}.play") for k in (1, 2, 3)), "a kept policy stops no loop"
    assert sorted(path.name for path in (shop.folder / "scores").iterdir()) == ["r0.measure.parquet"]
    assert not (shop.folder / "gates").exists() and not (shop.folder / "training").exists()


def test_asking_a_person_about_nothing_is_refused() -> None:
    with pytest.raises(UserError, match="nothing to ask"):
        validate(LoopConfig, {"train": False, "approve": True}, "loop")
    with pytest.raises(UserError, match=r"loop\.parent"):
        validate(LoopConfig, {"parent": "last"}, "loop")


@pytest.mark.parametrize(("word", "gate"), [("off", False), ("on", True), (False, False)])
def test_the_gate_is_switched_by_the_words_on_and_off(word: Any, gate: bool) -> None:
    assert validate(LoopConfig, {"gate": word}, "loop").gate is gate


def test_another_parent_on_a_trained_policy_is_refused(tmp_path: Path) -> None:
    run_loop(workshop(tmp_path, {}, num_rounds=2, gate=False))
    shop = workshop(tmp_path, {}, num_rounds=2, gate=False, parent="base")
    with pytest.raises(UserError, match="trained from p1, not from base") as error:
        nodes.train(shop, {"round": 2, "candidate": "p2", "current": "p1"})
    assert "loop.parent" in error.value.why


def test_the_base_speaks_beside_the_policy_in_force(tmp_path: Path) -> None:
    shop = workshop(tmp_path, {}, num_rounds=2, gate=False)
    opened: list[list[str]] = []
    engine = shop.session.engine

    @contextmanager
    def listed(policies: Any = ()) -> Any:
        opened.append([one.name for one in policies])
        with engine(policies) as made:
            yield made

    shop.session.engine = listed  # type: ignore[method-assign]
    run_loop(shop)
    assert ["base", "p1"] in opened, "a society in round 2 may let the base speak, for whoever does not learn"
