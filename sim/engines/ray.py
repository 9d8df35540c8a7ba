"""Replicas of one engine over a Ray cluster, or over the cores or cards of this machine.

Every replica is an actor with an engine of its own, built from the same section of the config with every policy. A
root script keeps to one replica, where its prompts' prefixes are cached, unless that one is far behind the least
loaded. Seeds follow identity, so results do not depend on the number of replicas nor on who answers. When a replica
dies, its requests go to another one once; a request that has outlived two replicas comes back unanswered.
"""

from __future__ import annotations

import importlib
import logging
import os
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from agents.errors import UserError, missing_extra
from agents.registry import find
from sim.config import plugin_section, validate
from sim.engines.base import EngineDied, Finished, Ticket
from sim.engines.kind import EngineKind, EngineSetting
from sim.engines.replica import Answered, Asked, Replica

log = logging.getLogger(__name__)

MAX_HOMES = 65_536
"""Root scripts whose replica is remembered; those asked longest ago are forgotten first."""
POLL_S = 0.05
MAX_DEATHS = 2
"""Replicas that may die under a request before it is given up."""
CALL_S = 5.0
"""How long replicas are waited for when they are asked what they are, or told to close."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RayConfig:
    """The `engine` section for `name: ray`."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    inner: dict[str, Any] = field(default_factory=lambda: {"name": "vllm"})
    """The engine that every replica runs: its name and its settings."""
    replicas: Annotated[int, Field(ge=1)] = 2
    """Engines side by side."""
    address: str = ""
    """A running cluster, such as "auto" or 10.0.0.1:6379. Empty: Ray is started on this machine, on loopback."""
    cpus_each: Annotated[float, Field(ge=0)] = 1.0
    """CPU cores that Ray sets aside for a replica; the engine gets as many threads."""
    gpus_each: Annotated[float, Field(ge=0)] = 0.0
    """GPUs that Ray sets aside for a replica."""
    slack: Annotated[int, Field(ge=0)] = 64
    """Requests by which a script's own replica may be ahead of the least loaded before it moves."""
    open_timeout_s: Annotated[float, Field(gt=0)] = 900.0
    """Seconds until a replica that does not open is given up: a cluster that lacks the resources waits for ever."""


@dataclass(slots=True)
class _Seat:
    """A replica as seen from here. waiting: number -> ticket. taking: the call that will bring what has finished."""

    number: int
    actor: Any
    waiting: dict[int, Ticket] = field(default_factory=dict)
    taking: Any = None
    alive: bool = True


class RayEngine:
    """An engine over replicas."""

    def __init__(self, config: RayConfig, setting: EngineSetting) -> None:
        """Start or join Ray and open the replicas. Raises UserError when that cannot work."""
        name, section = plugin_section(config.inner, "engine.inner")
        kind: EngineKind = find("engines", name, where="engine.inner.name")
        if name in ("ray", "replay"):
            why = (
                "replicas of replicas have no use."
                if name == "ray"
                else "a journal answers at once, without any engine."
            )
            raise UserError(f"engine.inner.name = {name} cannot be replicated.", why, "set engine.inner.name=vllm")
        validate(kind.config, section, "engine.inner")
        self.config = config
        self._ray, self._own = _started(config)
        self._number = 0
        self._deaths: dict[int, int] = {}
        self._homes: OrderedDict[str, int] = OrderedDict()
        self._lost: list[Finished] = []
        self._num_died = self._num_moved = 0
        self._why = ""
        replica = self._ray.remote(concurrency_groups={"put": 1, "work": 1})(Replica)
        options = {"num_cpus": config.cpus_each, "num_gpus": config.gpus_each, "max_restarts": 0}
        actors = [replica.options(**options).remote(name, section, setting) for _ in range(config.replicas)]
        self._seats = [_Seat(number, actor) for number, actor in enumerate(actors)]
        try:
            self._facts = self._opened()
        except BaseException:
            self.close()
            raise

    def _opened(self) -> list[dict[str, Any]]:
        refs = [_work(seat.actor.open).remote() for seat in self._seats]
        try:
            found = self._ray.get(refs, timeout=self.config.open_timeout_s)
        except self._ray.exceptions.GetTimeoutError:
            has = ", ".join(f"{key} {value:g}" for key, value in sorted(self._ray.cluster_resources().items()))
            wants = f"{self.config.replicas} x (CPU {self.config.cpus_each:g}, GPU {self.config.gpus_each:g})"
            raise UserError(
                f"engine.replicas = {self.config.replicas}: not all opened in {self.config.open_timeout_s:g} s.",
                f"they need {wants}; the cluster has {has}.",
                "lower engine.replicas, engine.cpus_each or engine.gpus_each, or raise engine.open_timeout_s",
            ) from None
        except self._ray.exceptions.RayError as error:
            raise UserError(
                "A replica of the engine died while it was opened.",
                _first_line(error),
                "try engine.inner alone (engine=vllm); is Folkmoot installed on every node, in the same version?",
            ) from None
        for one in found:
            if isinstance(one, tuple):
                raise UserError(*one)
        return list(found)

    # -- the two verbs

    def submit(self, tickets: Sequence[Ticket]) -> None:
        """Take tickets; each goes to its script's replica, or to the least loaded."""
        parcels: dict[int, list[Asked]] = {}
        for ticket in tickets:
            seat = self._seat_for(ticket)
            self._number += 1
            self._give(seat, self._number, ticket, parcels)
        self._send(parcels)

    def _give(self, seat: _Seat, number: int, ticket: Ticket, parcels: dict[int, list[Asked]]) -> None:
        seat.waiting[number] = ticket
        asked = (number, ticket.request, ticket.path, ticket.ordinal, ticket.run_seed)
        parcels.setdefault(seat.number, []).append(asked)

    def _send(self, parcels: dict[int, list[Asked]]) -> None:
        for number, asked in parcels.items():
            seat = self._seats[number]
            seat.actor.put.options(concurrency_group="put").remote(asked)
            if seat.taking is None:
                seat.taking = _work(seat.actor.take).remote()

    def _seat_for(self, ticket: Ticket) -> _Seat:
        """Return the replica for a ticket. Raises EngineDied when none is left."""
        alive = [seat for seat in self._seats if seat.alive]
        if not alive:
            raise EngineDied(f"all {len(self._seats)} replicas died, the last one of: {self._why}")
        least = min(alive, key=lambda seat: len(seat.waiting))
        root = "/".join(ticket.path.split("/", 2)[:2])
        home = self._homes.get(root)
        if home is not None:
            seat = self._seats[home]
            if seat.alive and len(seat.waiting) <= len(least.waiting) + self.config.slack:
                self._homes.move_to_end(root)
                return seat
            self._num_moved += 1
        self._homes[root] = least.number
        self._homes.move_to_end(root)
        if len(self._homes) > MAX_HOMES:
            self._homes.popitem(last=False)
        return least

    def poll(self) -> list[Finished]:
        """Return what the replicas have finished, after at most a twentieth of a second."""
        done, self._lost = self._lost, []
        calls = {seat.taking: seat for seat in self._seats if seat.taking is not None}
        if not calls:
            return done
        ready, _ = self._ray.wait(list(calls), num_returns=1, timeout=0 if done else POLL_S)
        if ready:
            ready, _ = self._ray.wait(list(calls), num_returns=len(calls), timeout=0)
        for call in ready:
            done += self._received(calls[call])
        done += self._lost
        self._lost = []
        return done

    def _received(self, seat: _Seat) -> list[Finished]:
        call, seat.taking = seat.taking, None
        try:
            answers: list[Answered] | str = self._ray.get(call)
        except self._ray.exceptions.RayActorError as error:
            answers = _first_line(error)
        if isinstance(answers, str):
            self._bury(seat, answers)
            return []
        done = []
        for number, result, usage, why in answers:
            ticket = seat.waiting.pop(number)
            self._deaths.pop(number, None)
            done.append(Finished(ticket, result, usage, why))
        if seat.waiting:
            seat.taking = _work(seat.actor.take).remote()
        return done

    def _bury(self, seat: _Seat, why: str) -> None:
        """Give a dead replica's requests to others, once; those that lost two replicas come back unanswered."""
        seat.alive = False
        self._num_died += 1
        self._why = why
        log.warning("replica %d of %d died (%s); its requests go to others", seat.number, len(self._seats), why)
        # An engine may die while its process lives on; what it holds of a card is wanted back.
        self._ray.kill(seat.actor)
        owed, seat.waiting = seat.waiting, {}
        parcels: dict[int, list[Asked]] = {}
        for number, ticket in owed.items():
            self._deaths[number] = self._deaths.get(number, 0) + 1
            if self._deaths[number] >= MAX_DEATHS:
                del self._deaths[number]
                self._lost.append(Finished(ticket, None, error=f"{MAX_DEATHS} replicas died with it: {why}"))
            else:
                self._give(self._seat_for(ticket), number, ticket, parcels)
        self._send(parcels)

    def withdraw(self) -> int:
        """Every ticket comes back by itself."""
        return 0

    # -- the rest of an engine's life

    def facts(self) -> dict[str, Any]:
        """Return what the replicas are and what became of them; inner facts once where all agree.

        The replicas that live are asked anew, since much that an engine cannot do is known only on the way.
        """
        for seat, told in self._called("facts"):
            self._facts[seat.number] = told
        same = all(one == self._facts[0] for one in self._facts)
        return {
            "engine": "ray",
            "ray": self._ray.__version__,
            "replicas": len(self._seats),
            "address": self.config.address or "this machine, loopback",
            "scripted": bool(self._facts[0].get("scripted", False)),
            "inner": self._facts[0] if same else self._facts,
            "num_died": self._num_died,
            "num_moved": self._num_moved,
        }

    def close(self) -> None:
        """End the replicas, and Ray where it was started here; harmless when done twice."""
        for _ in self._called("close"):
            pass
        for seat in self._seats:
            self._ray.kill(seat.actor)
        self._seats = []
        if self._own and self._ray.is_initialized():
            self._ray.shutdown()

    def _called(self, verb: str) -> list[tuple[_Seat, Any]]:
        """Call a verb of every live replica; return what those answered that did so in time."""
        calls = [(seat, _work(getattr(seat.actor, verb)).remote()) for seat in self._seats if seat.alive]
        ends, out = time.monotonic() + CALL_S, []
        for seat, call in calls:
            try:
                out.append((seat, self._ray.get(call, timeout=max(0.0, ends - time.monotonic()))))
            except (self._ray.exceptions.GetTimeoutError, self._ray.exceptions.RayError):
                continue
        return out


def _work(method: Any) -> Any:
    return method.options(concurrency_group="work")


def _started(config: RayConfig) -> tuple[Any, bool]:
    """Return the module `ray`, connected, and whether it was started here rather than found.

    Nothing is reported to anybody, no dashboard is opened, and on one machine nothing listens beyond loopback.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if not config.address:
        # Without this Ray takes the machine's outward address, whatever it is told, and listens on all of them.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    try:
        import ray
    except ImportError as error:
        raise missing_extra("ray", "ray") from error
    quiet = {"configure_logging": False, "log_to_driver": False, "include_dashboard": False}
    if ray.is_initialized():
        return ray, False
    if not config.address:
        # The variable is read at import, which may have happened already.
        constants: Any = importlib.import_module("ray._private.ray_constants")
        constants.ENABLE_RAY_CLUSTER = False
    try:
        if config.address:
            ray.init(address=config.address, log_to_driver=False)
        else:
            room = max(1, round(config.replicas * config.cpus_each))
            ray.init(address="local", num_cpus=room, object_store_memory=2**27, **quiet)
    except Exception as error:  # Ray raises the bare class where a node does not come up in time
        ray.shutdown()
        raise UserError(
            f"Ray could not be {'joined at ' + config.address if config.address else 'started'}.",
            _first_line(error),
            "check engine.address with `ray status`, or leave it empty to start Ray on this machine; one too busy "
            "to start Ray in half a minute can run `ray start --head` first, then engine.address=auto",
        ) from None
    if not config.address and ray.util.get_node_ip_address() != "127.0.0.1":
        ray.shutdown()
        raise UserError(
            "Ray would listen beyond this machine.",
            f"ray {ray.__version__} does not keep to loopback as the versions before it did.",
            "start Ray yourself (ray start --head) behind your firewall, and set engine.address=auto",
        )
    return ray, True


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def answering(config: RayConfig) -> str:
    """Return the name of the engine that answers inside."""
    return plugin_section(config.inner, "engine.inner")[0]


def open_engine(config: RayConfig, setting: EngineSetting) -> RayEngine:
    """Open the engine."""
    return RayEngine(config, setting)


kind = EngineKind(name="ray", config=RayConfig, open=open_engine, answering=answering)
