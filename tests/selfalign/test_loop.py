"""The loop: promotes and rejects, goes on from any node after a kill with the same result, and waits for people."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from agents.errors import UserError
from selfalign.loop import nodes
from selfalign.loop.graph import STEPS, mermaid, run_loop, waiting_round
from selfalign.train.job import TrainJob
from sim.control import Order, give_order
from sim.replay import compare as compare_products
from sim.stage import Stopped
from tests.selfalign.world import PretendTrainer, workshop

GOOD = {"p1": {"harmful"}, "p2": {"harmful"}}
SEVERE = {"p1": {"harmful", "ordinary", "safe"}}
DRAWING = Path(__file__).parents[2] / "docs" / "loop.mmd"


def test_one_round_promotes_a_better_policy(tmp_path: Path) -> None:
    trainer = PretendTrainer()
    shop = workshop(tmp_path, GOOD, trainer)
    state = run_loop(shop)
    assert state["current"] == "p1"
    assert state["history"] == ["r1: p1 promoted by gate"]
    gate = json.loads((shop.folder / "gates" / "r1.json").read_text())
    assert gate["promote"] is True
    assert {c["scale"] for c in gate["comparisons"]} >= {"harmful_compliance", "ordinary_refusal"}
    meta = shop.store.verify("p1")
    assert (meta.parent, meta.recipe, meta.data_digest) == ("base", "matrix_sft", trainer.jobs[0].data_digest)
    label = json.loads((shop.work("p1") / "label.json").read_text())
    assert label["counts"] == {"answer_helpful": 3, "revision_harmful": 3}
    assert label["funnel"][0]["step"] == "not a test item"


def test_the_refuse_everything_policy_stays_out(tmp_path: Path) -> None:
    shop = workshop(tmp_path, SEVERE, num_rounds=3)
    state = run_loop(shop)
    assert state["current"] == "base"
    assert state["round"] == 1, "loop.stop_on_reject ends the loop"
    assert "reject" in json.loads((shop.folder / "gates" / "r1.json").read_text())["summary"]


def test_a_rejected_round_is_followed_by_another_from_the_last_good_policy(tmp_path: Path) -> None:
    trainer = PretendTrainer()
    shop = workshop(tmp_path, {**SEVERE, "p2": {"harmful"}}, trainer, num_rounds=2, stop_on_reject=False)
    state = run_loop(shop)
    assert state["history"] == ["r1: p1 rejected by gate", "r2: p2 promoted by gate"]
    assert [job.parent for job in trainer.jobs] == ["base", "base"]


def test_a_second_round_trains_from_the_first_and_is_judged_against_the_base_too(tmp_path: Path) -> None:
    trainer = PretendTrainer()
    shop = workshop(tmp_path, GOOD, trainer, num_rounds=2)
    state = run_loop(shop)
    assert [job.parent for job in trainer.jobs] == ["base", "p1"]
    gate = json.loads((shop.folder / "gates" / "r2.json").read_text())
    assert gate["against_base"]["promote"] is True
    assert gate["verdict"]["summary"] == "reject: compliance with harmful requests", "p2 is no better than p1"
    assert state["current"] == "p1"
    assert shop.store.lineage("p2") == ["p2", "p1", "base"]


class Killed(BaseException):
    pass


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shop = workshop(tmp_path_factory.mktemp("whole"), GOOD)
    run_loop(shop)
    return shop.folder


@pytest.mark.parametrize("name", [*STEPS, "promote", "watch"])
@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_node_it_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Path, name: str, after: bool
) -> None:
    verb = getattr(nodes, name)

    def dies(shop: Any, state: Any) -> Any:
        if after:
            verb(shop, state)
        raise Killed

    trainer = PretendTrainer()
    monkeypatch.setattr(nodes, name, dies)
    with pytest.raises(Killed):
        run_loop(workshop(tmp_path, GOOD, trainer))
    monkeypatch.setattr(nodes, name, verb)
    shop = workshop(tmp_path, GOOD, trainer)
    assert run_loop(shop)["current"] == "p1"
    result = compare_products(whole, shop.folder)
    assert result["different"] == []
    assert result["num_files"] >= 6
    assert len(trainer.jobs) == 1, "what was trained is not trained again"
    assert len(shop.store.verify("p1").files) == 2


class Ordered(PretendTrainer):
    """Is given an order before it trains, and looks whether it stands as the real one does while it waits."""

    def __init__(self, order: Order) -> None:
        super().__init__()
        self.order: Order = order

    def __call__(self, job: TrainJob, on_progress: Any = None, while_waiting: Any = None) -> dict[str, Any]:
        give_order(job.folder.parents[1], self.order, who="Ada")
        while_waiting()
        return super().__call__(job, on_progress, while_waiting)


def test_an_order_to_stop_is_heard_while_a_policy_trains_and_the_run_goes_on_there(tmp_path: Path, whole: Path) -> None:
    stopped = Ordered("stop")
    with pytest.raises(Stopped, match="stopped by Ada"):
        run_loop(workshop(tmp_path, GOOD, stopped))
    trainer = Ordered("go")
    shop = workshop(tmp_path, GOOD, trainer)
    assert not stopped.jobs and not shop.store.has("p1")
    give_order(shop.folder, "go")
    assert run_loop(shop)["current"] == "p1"
    assert [job.name for job in trainer.jobs] == ["p1"]
    assert compare_products(whole, shop.folder)["different"] == []


def test_an_order_to_pause_waits_until_the_policy_is_trained(tmp_path: Path) -> None:
    shop = workshop(tmp_path, GOOD, Ordered("pause"))
    for node in (nodes.simulate, nodes.build, nodes.label):
        node(shop, {"round": 1, "current": "base", "candidate": "p1"})
    nodes.train(shop, {"round": 1, "current": "base", "candidate": "p1"})
    assert shop.store.has("p1")


def test_a_finished_loop_does_nothing_more(tmp_path: Path) -> None:
    run_loop(workshop(tmp_path, GOOD))
    trainer = PretendTrainer()
    shop = workshop(tmp_path, GOOD, trainer)
    assert run_loop(shop)["current"] == "p1"
    assert (shop.session.num_opened, trainer.jobs) == (0, [])  # type: ignore[attr-defined]


@pytest.mark.parametrize(("answer", "current"), [("yes", "p1"), ("no", "base")])
def test_a_person_decides_at_the_gate(tmp_path: Path, answer: str, current: str) -> None:
    with pytest.raises(Stopped, match="approve=yes"):
        run_loop(workshop(tmp_path, GOOD, approve=True))
    with pytest.raises(Stopped, match="waits for a person"):
        run_loop(workshop(tmp_path, GOOD, approve=True))
    shop = workshop(tmp_path, GOOD, approve=True)
    waiting = waiting_round(shop)
    assert waiting == 1
    shop.approve(waiting, answer)
    state = run_loop(shop)
    assert state["current"] == current
    assert state["history"][0].endswith("by person")


def test_more_rounds_are_played_when_more_are_wanted(tmp_path: Path) -> None:
    first = workshop(tmp_path, GOOD)
    assert run_loop(first)["round"] == 1
    more = workshop(tmp_path, GOOD, num_rounds=2)
    state = run_loop(more)
    assert [line.split()[:2] for line in state["history"]] == [["r1:", "p1"], ["r2:", "p2"]]
    assert [job.name for job in more.train.jobs] == ["p2"]  # type: ignore[attr-defined]
    again = workshop(tmp_path, GOOD, num_rounds=2)
    assert run_loop(again) == state
    assert again.train.jobs == []  # type: ignore[attr-defined]


def test_a_rejected_round_is_followed_by_another_when_that_is_allowed_later(tmp_path: Path) -> None:
    assert run_loop(workshop(tmp_path, SEVERE, num_rounds=2))["round"] == 1
    state = run_loop(workshop(tmp_path, {**SEVERE, "p2": {"harmful"}}, num_rounds=2, stop_on_reject=False))
    assert state["history"] == ["r1: p1 rejected by gate", "r2: p2 promoted by gate"]


def test_a_sample_that_repeats_a_test_item_is_not_taught(tmp_path: Path) -> None:
    shop = workshop(tmp_path, GOOD)
    item = shop.instruments[0].items[0].text
    run = shop.session.run

    class Leaky(type(shop.session.society)):  # type: ignore[misc]
        def _scene(self, n: int, setting: Any) -> Any:
            script = super()._scene(n, setting)
            answer = yield next(script)
            from dataclasses import replace

            from agents.requests import Message

            note = script.send(answer)
            yield replace(note, prompt=(Message("user", f"  {item.upper()} "),)) if n == 1 else note

    shop.session.society = Leaky()
    run_loop(shop)
    label = json.loads((shop.work("p1") / "label.json").read_text())
    assert label["funnel"][0]["reasons"] == "is a test item: 1"
    assert len(run.read_samples("r1.play")) == 6


def test_another_recipe_on_a_begun_policy_is_refused(tmp_path: Path) -> None:
    from dataclasses import replace

    run_loop(workshop(tmp_path, GOOD))
    shop = workshop(tmp_path, GOOD)
    shop.recipe_config = replace(shop.recipe_config, lr=1.0)
    with pytest.raises(UserError, match="begun with another recipe") as error:
        nodes.label(shop, {"round": 1, "candidate": "p1", "current": "base"})
    assert "recipe.lr" in error.value.why


def test_changed_policy_files_stop_the_loop(tmp_path: Path) -> None:
    shop = workshop(tmp_path, GOOD, num_rounds=2)
    run_loop(workshop(tmp_path, GOOD))
    (shop.store.path("p1") / "adapter_model.safetensors").write_bytes(b"tampered")
    with pytest.raises(UserError, match="corrupted"):
        nodes.measure_after(shop, {"round": 1, "candidate": "p1", "current": "base"})


def test_the_drawing_in_the_docs_is_the_graph(tmp_path: Path) -> None:
    text = mermaid(workshop(tmp_path, GOOD))
    if os.environ.get("FOLKMOOT_UPDATE_SNAPSHOTS") or not DRAWING.exists():
        DRAWING.write_text(text)
    assert DRAWING.read_text() == text
    assert "measure_before --> simulate" in text


def test_a_loop_replays_from_journal_and_policies_alone(tmp_path: Path, whole: Path) -> None:
    import shutil
    from contextlib import nullcontext

    from sim.replay import COPIED, NothingOwed

    shop = workshop(tmp_path, GOOD)
    for name in COPIED:
        shutil.copytree(whole / name, shop.folder / name)
    shop.session.engine = lambda policies=(): nullcontext(NothingOwed())  # type: ignore[method-assign,assignment]
    assert run_loop(shop)["current"] == "p1"
    assert compare_products(whole, shop.folder)["different"] == []
    assert shop.train.jobs == []  # type: ignore[attr-defined]
