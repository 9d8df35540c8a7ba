"""A run in hand: its folder and config, and everything that the config names, opened when it is first needed."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from agents.errors import UserError
from agents.persona import Persona
from agents.registry import find
from agents.requests import Script
from sim.config import LimitsConfig, RunConfig, as_dict, num_rounds, plugin_section, validate
from sim.control import Control
from sim.engines.base import Engine, PolicyRef
from sim.engines.kind import EngineKind, EngineSetting
from sim.engines.seated import Seated
from sim.limits import Limits
from sim.manifest import new_manifest
from sim.metrics import write_metrics
from sim.models import ModelFolder, parse_entry, resolve
from sim.policies import named_policies
from sim.stage import StageResult, Watcher, play_stage
from sim.store import Run
from societies.seam import Estimate, Setting, Society

log = logging.getLogger(__name__)
BASE = PolicyRef(name="base")


def scheduler_limits(limits: LimitsConfig) -> Limits:
    """Return the scheduler's limits for the config's."""
    return Limits(
        window=limits.window,
        script_requests=limits.script_requests,
        script_tokens=limits.script_tokens,
        run_requests=limits.requests,
        run_tokens=limits.tokens,
        run_seconds=None if limits.minutes is None else 60.0 * limits.minutes,
    )


class Session:
    """A config with its plug-ins, and the run folder once there is one.

    Plug-in sections are validated when the session is made, so that nothing half-made is left by a bad config.
    say: tells the user a line (standard error); silent by default.
    """

    _opened = 0.0
    """Unix time at which the session began: orders from before it were meant for another."""

    def __init__(
        self,
        config: RunConfig,
        *,
        run: Run | None = None,
        watcher: Watcher | None = None,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.config = config
        self.watcher = watcher
        self.say = say
        self._run = run
        self._opened = time.time()
        name, section = plugin_section(config.society, "society")
        self.society: Society = find("societies", name, where="society.name")
        self.society_config: Any = validate(self.society.config, section, "society")
        name, section = plugin_section(config.engine, "engine")
        self.engine_kind: EngineKind = find("engines", name, where="engine.name")
        self.engine_config: Any = validate(self.engine_kind.config, section, "engine")
        self.limits = scheduler_limits(config.limits)

    @functools.cached_property
    def answering(self) -> EngineKind:
        """The engine that answers in the end: the inner one where the engine of the run passes requests on."""
        inner = self.engine_kind.answering
        if inner is None:
            return self.engine_kind
        kind: EngineKind = find("engines", inner(self.engine_config), where="engine.inner.name")
        return kind

    @classmethod
    def reopen(cls, folder: Path | str, **options: Any) -> Session:
        """Open the session of an existing run folder."""
        run = Run.open(folder)
        return cls(validate(RunConfig, run.config, ""), run=run, **options)

    @property
    def run(self) -> Run:
        """The run folder; `start` makes it."""
        assert self._run is not None, "the session has no run folder yet; call start()"
        return self._run

    @property
    def control(self) -> Control:
        """The orders to this run since the session began."""
        return Control(self.run.folder, self._opened)

    @property
    def seed(self) -> int:
        """The run's seed."""
        return self.config.seed

    def start(self) -> Run:
        """Make the run folder with config and manifest. The model is checked first, so that nothing is left behind."""
        model, _ = self.model, self.named
        packages = tuple(p for p in (self.society.package, "agents") if p)
        manifest = new_manifest(seed=self.seed, packages=packages)
        manifest["scripted"] = self.answering.name == "scripted"
        if model is not None:
            manifest["model"] = {
                "name": model.name,
                "digest": model.digest,
                "revision": model.revision,
                "licence": model.licence,
            }
        self._run = Run.create(Path(self.config.paths.runs), self.config.name, as_dict(self.config), manifest)
        return self._run

    @functools.cached_property
    def model(self) -> ModelFolder | None:
        """The base model's checked folder; None for engines that bring their own. Raises UserError."""
        if not self.answering.needs_model:
            return None
        if not self.config.model:
            raise UserError("model is missing.", f'engine "{self.answering.name}" needs a base model.', "set model=...")
        return resolve(parse_entry(self.config.model))

    @functools.cached_property
    def named(self) -> tuple[PolicyRef, ...]:
        """The further policies that the config names, checked. Raises UserError."""
        return self.named_as(self.config.policies)

    def named_as(self, given: Mapping[str, str]) -> tuple[PolicyRef, ...]:
        """Return policies by name and folder, checked as those of the config are. Raises UserError."""
        elsewhere = not self.answering.needs_model
        return named_policies(
            given,
            served_elsewhere=elsewhere,
            base_digest="" if elsewhere or not given or self.model is None else self.model.digest,
            trains=num_rounds(self.config) >= 1,
        )

    @functools.cached_property
    def personas(self) -> list[Persona]:
        """Everybody in the run's population who may take part; whoever is in reserve may not."""
        from agents.population import divided

        section = dict(self.config.population)
        section.setdefault("seed", self.seed)
        return divided(section)[0]

    @functools.cached_property
    def world(self) -> Any:
        """The Mesa world of the population (`sim.world.World`)."""
        from sim.world import World

        return World(self.personas, seed=self.seed)

    def cast(self, number: int, seed: int) -> list[Persona]:
        """Draw a circle of acquaintances from the world."""
        return cast(list[Persona], self.world.circle(number, seed))

    @property
    def data_folder(self) -> Path:
        """Where relative data files are looked up first."""
        return Path(self.config.paths.data)

    def setting(self, *, round_: int = 1, policies: Mapping[str, str] | None = None) -> Setting:
        """Return what the society is told in a round."""
        return Setting(
            seed=self.seed,
            cast=self.cast,
            policies={name: name for name in self.config.policies} | dict(policies or {"all": "base"}),
            round=round_,
            data_folder=self.data_folder,
        )

    def scripts(self, setting: Setting) -> Iterator[tuple[str, Script[Any]]]:
        """Return the society's scripts in a setting."""
        return self.society.scripts(self.society_config, setting)

    def estimate(self, setting: Setting) -> Estimate:
        """Return what playing the society once will cost."""
        return self.society.estimate(self.society_config, setting)

    def open_engine(self, policies: tuple[PolicyRef, ...] = (BASE,)) -> Engine:
        """Open the engine for these policies and write nothing about it; whoever opens it closes it."""
        model = self.model
        setting = EngineSetting(
            model_folder=model.path if model else None,
            model_name=model.name if model else "",
            policies=policies,
            run_seed=self.seed,
        )
        return self.engine_kind.open(self.engine_config, setting)

    @contextmanager
    def engine(self, policies: tuple[PolicyRef, ...] = (BASE,)) -> Iterator[Engine]:
        """Open the engine for these policies and close it afterwards; its facts go into the manifest."""
        engine = self.open_engine(policies)
        try:
            before = engine.facts()
            self.run.note("engine", before)
            try:
                yield engine
            finally:
                # What was degraded on the way is known only now, and the engine of the next stage writes its own facts.
                after = engine.facts()
                self.run.note("engine", after)
                for how in sorted(_degraded(after) - _degraded(before)):
                    self.run.degrade(f"engine: {how}")
        finally:
            engine.close()

    def header(self, policies: tuple[PolicyRef, ...] = (BASE,)) -> dict[str, Any]:
        """Return what a stage's journal must share to be reused: the model's digest and the policies'."""
        model = self.run.manifest.get("model", {})
        return {
            "model": model.get("digest", self.answering.name),
            "policies": {p.name: p.digest for p in policies if p.kind != "base"},
        }

    def play(
        self,
        stage: str,
        scripts: Iterator[tuple[str, Script[Any]]],
        engine: Engine,
        *,
        policies: tuple[PolicyRef, ...] = (BASE,),
        tables: Mapping[str, Mapping[str, str]] | None = None,
        total: int | None = None,
        keep_values: bool = False,
    ) -> StageResult:
        """Play scripts as one stage of the run, with its limits, seed and watcher."""
        result = play_stage(
            self.run,
            stage,
            scripts,
            engine,
            run_seed=self.seed,
            tables=tables,
            limits=self.limits,
            header=self.header(policies),
            total=total,
            watcher=self.watcher,
            keep_values=keep_values,
            control=self.control,
        )
        self.write_metrics()
        return result

    def write_metrics(self) -> None:
        """Write `metrics.parquet` anew from what the run holds now."""
        write_metrics(self.run, self.society)

    def play_society(
        self, *, round_: int = 1, policies: tuple[PolicyRef, ...] = (BASE,), names: Mapping[str, str] | None = None
    ) -> StageResult | None:
        """Play the society as stage "r<round>.play"; None when that stage is complete already."""
        stage = f"r{round_}.play"
        if self.run.is_complete(stage):
            return None
        setting = self.setting(round_=round_, policies=names)
        policies = (*policies, *self.named)
        total = self.estimate(setting).num_scripts
        scripts = self.scripts(setting)
        with self.engine(policies) as engine:
            seated = engine if self.engine_kind.name == "replay" else self._seated(engine)
            return self.play(stage, scripts, seated, policies=policies, tables=self.society.tables, total=total)

    def _seated(self, engine: Engine) -> Engine:
        """Return the engine with the run's desk beside it, for seats that people take."""
        minutes = self.config.limits.seat_minutes
        return Seated(engine, self.run.folder / "desk", minutes=minutes, absent=self.run.degrade)


def _degraded(facts: Mapping[str, Any]) -> set[str]:
    """Return what an engine's facts say that it could not do, those of engines inside it included."""
    inner = facts.get("inner")
    inside = inner if isinstance(inner, list) else [inner] if isinstance(inner, Mapping) else []
    return set((facts.get("degraded") or {}).values()).union(*map(_degraded, inside))
