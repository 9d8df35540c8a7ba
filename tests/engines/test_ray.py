"""Replicas: results do not depend on their number, prefixes keep their home, and a death costs no answer.

Most tests run the replicas in this process, behind a stand-in for the module `ray`; the last ones start Ray itself.
"""

from __future__ import annotations

import hashlib
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from agents.errors import UserError
from agents.requests import Event, Fork, Generate, Message
from sim.engines import ray as module
from sim.engines.base import EngineDied, PolicyRef, Ticket
from sim.engines.kind import EngineSetting
from sim.engines.ray import RayConfig, RayEngine
from sim.engines.replica import Replica
from sim.engines.scripted import ScriptedConfig, open_engine
from sim.stage import play_stage
from sim.store import Run

TABLES = {"said": {"who": "str", "text": "str"}}


class ActorDied(Exception):
    """Stands for `ray.exceptions.RayActorError`."""


class Method:
    def __init__(self, actor: Actor, name: str) -> None:
        self.actor, self.name = actor, name

    def options(self, **_: Any) -> Method:
        return self

    def remote(self, *given: Any) -> Any:
        def call() -> Any:
            if self.actor.dead:
                raise ActorDied("the actor died\nwith details")
            return getattr(self.actor.replica, self.name)(*given)

        if self.name == "put" and not self.actor.dead:
            self.actor.num_given += len(given[0])
            self.actor.roots |= {one[2].split("/")[1] for one in given[0]}
            return call()
        return call


class Actor:
    def __init__(self, replica: Replica) -> None:
        self.replica, self.dead, self.num_given = replica, False, 0
        self.roots: set[str] = set()

    def __getattr__(self, name: str) -> Method:
        return Method(self, name)


class InProcess:
    """As much of the module `ray` as the engine uses."""

    __version__ = "in process"
    exceptions = types.SimpleNamespace(RayActorError=ActorDied, RayError=ActorDied, GetTimeoutError=TimeoutError)

    def __init__(self) -> None:
        self.actors: list[Actor] = []

    def remote(self, **_: Any) -> Any:
        def make(*given: Any) -> Actor:
            self.actors.append(Actor(Replica(*given)))
            return self.actors[-1]

        return lambda cls: types.SimpleNamespace(options=lambda **_: types.SimpleNamespace(remote=make))

    def wait(self, refs: list[Any], *, num_returns: int, timeout: float) -> tuple[list[Any], list[Any]]:
        return refs[:num_returns], refs[num_returns:]

    def get(self, ref: Any, timeout: float | None = None) -> Any:
        return [one() for one in ref] if isinstance(ref, list) else ref()

    def kill(self, actor: Actor) -> None:
        actor.dead = True

    def is_initialized(self) -> bool:
        return True

    def shutdown(self) -> None:
        pass


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> InProcess:
    found = InProcess()
    monkeypatch.setattr(module, "_started", lambda config: (found, True))
    return found


def opened(replicas: int, **kw: Any) -> RayEngine:
    return RayEngine(RayConfig(inner={"name": "scripted"}, replicas=replicas, **kw), EngineSetting())


def ticket(root: int, child: int = 0) -> Ticket:
    request = Generate(messages=(Message("user", f"{root}.{child}"),), purpose="t/say.v1")
    return Ticket(request, f"r1.play/s{root:03d}/0.c{child}", 0, 1)


def all_of(engine: RayEngine, num: int) -> dict[str, Any]:
    done: dict[str, Any] = {}
    while len(done) < num:
        for item in engine.poll():
            assert item.ticket.key not in done
            done[item.ticket.key] = item
    return done


def child(name: str) -> Any:
    reply = yield Generate(messages=(Message("user", name),), purpose="t/say.v1")
    yield Event(table="said", row={"who": name, "text": reply.text})
    return reply.text


def root(name: str) -> Any:
    told = yield Fork(tuple((f"c{n}", child(f"{name}.{n}")) for n in range(3)))
    reply = yield Generate(messages=(Message("user", " ".join(told)),), purpose="t/say.v1")
    yield Event(table="said", row={"who": name, "text": reply.text})


def events(tmp_path: Path, engine: Any) -> str:
    run = Run.create(tmp_path, "test", {"name": "test"}, {})
    play_stage(run, "r1.play", ((f"s{n}", root(f"s{n}")) for n in range(20)), engine, run_seed=5, tables=TABLES)
    engine.close()
    parts = sorted((run.folder / "events").rglob("*.parquet"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in parts)).hexdigest()


def test_events_do_not_depend_on_the_number_of_replicas(ray: InProcess, tmp_path: Path) -> None:
    alone = events(tmp_path, open_engine(ScriptedConfig(), EngineSetting()))
    assert {events(tmp_path, opened(number)) for number in (1, 2, 3)} == {alone}


def test_a_script_keeps_to_its_replica_and_load_is_shared(ray: InProcess) -> None:
    engine = opened(3)
    engine.submit([ticket(number, number_of) for number_of in range(4) for number in range(12)])
    assert sorted(actor.num_given for actor in ray.actors) == [16, 16, 16]
    assert sum(len(actor.roots) for actor in ray.actors) == 12
    all_of(engine, 48)
    assert engine.facts()["num_moved"] == 0


def test_a_script_moves_when_its_replica_is_far_behind(ray: InProcess) -> None:
    engine = opened(2, slack=4)
    engine.submit([ticket(1, number) for number in range(12)])
    assert all(actor.num_given for actor in ray.actors)
    assert engine.facts()["num_moved"] >= 1
    all_of(engine, 12)


def test_requests_of_a_dead_replica_are_answered_by_another(ray: InProcess, caplog: pytest.LogCaptureFixture) -> None:
    whole = opened(2)
    tickets = [ticket(number) for number in range(20)]
    whole.submit(tickets)
    wanted = {key: item.result for key, item in all_of(whole, 20).items()}
    engine = opened(2)
    engine.submit(tickets)
    ray.actors[-1].dead = True
    assert {key: item.result for key, item in all_of(engine, 20).items()} == wanted
    assert engine.facts()["num_died"] == 1
    assert "its requests go to others" in caplog.text


def test_a_request_that_outlives_two_replicas_comes_back_unanswered(ray: InProcess) -> None:
    engine = opened(3)
    engine.submit([ticket(number) for number in range(3)])
    first, second, _ = ray.actors
    first.dead = second.dead = True
    done = all_of(engine, 3)
    errors = [item.error for item in done.values() if item.result is None]
    assert len(errors) == 1
    assert "2 replicas died with it" in errors[0]
    engine.submit([ticket(number) for number in range(3, 9)])
    assert all(item.result is not None for item in all_of(engine, 6).values())


def test_the_second_death_under_a_request_is_its_last(ray: InProcess) -> None:
    engine = opened(3, slack=0)
    engine.submit([ticket(0)])
    ray.actors[0].dead = True
    engine.poll()
    next(actor for actor in ray.actors[1:] if actor.num_given).dead = True
    (item,) = all_of(engine, 1).values()
    assert item.result is None
    assert "2 replicas died with it: the actor died" in item.error


def test_without_any_replica_left_the_engine_has_died(ray: InProcess) -> None:
    engine = opened(1)
    engine.submit([ticket(0)])
    ray.actors[0].dead = True
    with pytest.raises(EngineDied, match="all 1 replicas died"):
        engine.poll()


def test_what_keeps_a_replica_from_opening_is_a_user_error(ray: InProcess, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not on this node"):
        policy = PolicyRef(name="p1", kind="adapter", folder=tmp_path / "nowhere")
        RayEngine(RayConfig(inner={"name": "scripted"}), EngineSetting(policies=(PolicyRef(name="base"), policy)))
    with pytest.raises(UserError, match="garbag is not a config key"):
        RayEngine(RayConfig(inner={"name": "scripted", "garbag": 0.5}), EngineSetting())
    with pytest.raises(UserError, match="cannot be replicated"):
        RayEngine(RayConfig(inner={"name": "ray"}), EngineSetting())


def test_facts_say_that_a_scripted_replica_is_scripted(ray: InProcess) -> None:
    facts = opened(2).facts()
    assert facts["scripted"] is True
    assert facts["inner"] == {"engine": "scripted", "scripted": True}
    assert facts["replicas"] == 2


def test_facts_tell_what_replicas_could_not_do_on_the_way(ray: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = opened(2)
    told = {"engine": "scripted", "scripted": True, "degraded": {"scores": "sampled"}}
    monkeypatch.setattr(ray.actors[1].replica._engine, "facts", lambda: told)
    assert engine.facts()["inner"] == [{"engine": "scripted", "scripted": True}, told]
    ray.actors[1].dead = True
    assert engine.facts()["inner"][1] == told, "of one that answers no more, what it said last"


def test_replicas_are_told_to_close_before_they_are_killed(ray: InProcess) -> None:
    engine = opened(2)
    ray.actors[0].dead = True
    engine.close()
    assert [actor.replica._engine is None for actor in ray.actors] == [False, True]
    assert all(actor.dead for actor in ray.actors)


def test_a_replica_whose_engine_died_gives_its_process_back(ray: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    def die() -> Any:
        raise EngineDied("out of memory")

    engine = opened(2)
    first = ray.actors[0]
    monkeypatch.setattr(first.replica._engine, "poll", die)
    engine.submit([ticket(number) for number in range(4)])
    assert all(item.result is not None for item in all_of(engine, 4).values())
    assert first.dead


@pytest.mark.slow
def test_ray_itself_gives_the_same_events_and_survives_a_kill(tmp_path: Path) -> None:
    ray = pytest.importorskip("ray", reason="the extra `ray` is not installed: uv pip install -e '.[ray]'")
    alone = events(tmp_path, open_engine(ScriptedConfig(), EngineSetting()))
    config = RayConfig(inner={"name": "scripted", "latency_s": 0.05}, replicas=2, cpus_each=0.1)
    engine = RayEngine(config, EngineSetting())
    try:
        assert ray.util.get_node_ip_address() == "127.0.0.1"
        engine.submit([ticket(number) for number in range(40)])
        ray.kill(engine._seats[0].actor)
        assert all(item.result is not None for item in all_of(engine, 40).values())
        assert engine.facts()["num_died"] == 1
        assert events(tmp_path, engine) == alone
    finally:
        engine.close()
    assert not ray.is_initialized()


def test_a_missing_ray_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match='"ray" is not installed'):
        opened(1)


def test_a_ray_that_does_not_start_is_a_user_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def init(**_: Any) -> None:
        raise Exception("The current node timed out during startup.\nMore.")

    ended: list[bool] = []
    stand_in = types.SimpleNamespace(init=init, is_initialized=lambda: False, shutdown=lambda: ended.append(True))
    monkeypatch.setitem(sys.modules, "ray", stand_in)
    with pytest.raises(UserError, match="could not be joined at auto") as caught:
        RayEngine(RayConfig(inner={"name": "scripted"}, address="auto"), EngineSetting())
    assert caught.value.why == "The current node timed out during startup."
    assert ended == [True]


def test_a_replica_waits_for_what_is_handed_over_and_tells_of_a_death(monkeypatch: pytest.MonkeyPatch) -> None:
    replica = Replica("scripted", {}, EngineSetting())
    replica.open()
    monkeypatch.setattr("sim.engines.replica.TAKE_S", 0.0)
    assert replica.take() == []
    one = ticket(1)
    replica.put([(7, one.request, one.path, one.ordinal, one.run_seed)])
    ((number, result, usage, error),) = replica.take()
    assert (number, error) == (7, "")
    assert result.identity == one.key
    assert usage.num_output > 0

    def die() -> Any:
        raise EngineDied("out of memory")

    replica.put([(8, one.request, one.path, one.ordinal, one.run_seed)])
    monkeypatch.setattr(replica._engine, "poll", die)
    assert replica.take() == "out of memory"
    replica.close()
