"""What the nodes of the loop work with: a session, a recipe, instruments, the run's policies, and the files between.

Every product of a node is a file in the run folder, written whole; a node whose products stand does nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents.errors import UserError
from agents.instruments.types import Instrument, Watching
from agents.registry import find
from selfalign.config import LoopConfig, TrainConfig
from selfalign.measure import MeasureConfig, load_instruments
from selfalign.policy.store import BASE, PolicyStore
from selfalign.recipe import Recipe
from selfalign.train.job import TrainJob, write_json
from selfalign.train.runner import train as train_in_child
from sim.config import plugin_section, validate
from sim.engines.base import PolicyRef
from sim.models import ModelFolder, parse_entry, resolve
from sim.session import Session
from sim.stage import Stopped

Trainer = Callable[[TrainJob, Callable[[dict[str, Any]], None] | None, Callable[[], None]], dict[str, Any]]


def base_model(session: Session) -> ModelFolder:
    """Return the model that adapters are trained on. Engines that bring their own model still need it here."""
    if session.model is not None:
        return session.model
    if not session.config.model:
        raise UserError(
            "model is missing.", "an adapter is trained on a base model that lies on this machine.", "set model=..."
        )
    return resolve(parse_entry(session.config.model))


@dataclass(slots=True, kw_only=True)
class Workshop:
    """One run's loop. train, base: replaced in tests. on_progress: told each line of the training curve.

    train: as `selfalign.train.runner.train`; it calls `obey` while it waits.
    """

    session: Session
    recipe: Recipe
    recipe_config: TrainConfig
    loop: LoopConfig
    instruments: tuple[Instrument, ...]
    train: Trainer = train_in_child
    base: Callable[[Session], ModelFolder] = base_model
    on_progress: Callable[[dict[str, Any]], None] | None = None
    say: Callable[[str], None] = field(default=lambda line: None)

    @classmethod
    def of(cls, session: Session, **options: Any) -> Workshop:
        """Validate the sections that belong to the loop. Raises UserError."""
        name, section = plugin_section(session.config.recipe, "recipe")
        recipe: Recipe = find("recipes", name, where="recipe.name")
        config = validate(recipe.config, section, "recipe")
        recipe.check(config)
        measuring = validate(MeasureConfig, session.config.measure, "measure")
        loop = validate(LoopConfig, session.config.loop, "loop")
        instruments = load_instruments(measuring, session.data_folder)
        if loop.stop.any and not any(isinstance(one, Watching) for one in instruments):
            raise UserError(
                "loop.stop has a rule, and no instrument of measure.instruments watches rounds.",
                "rules for stopping read what a frozen panel answers after every round.",
                "add frozen_panel (measure=epochs), or set the rules to null",
            )
        return cls(
            session=session,
            recipe=recipe,
            recipe_config=config,
            loop=loop,
            instruments=instruments,
            say=session.say,
            **options,
        )

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self.session.run.folder

    @property
    def store(self) -> PolicyStore:
        """The run's policies."""
        return PolicyStore(self.folder / "policies")

    def work(self, policy: str) -> Path:
        """The working folder of a policy's training."""
        return self.folder / "training" / policy

    def refs(self, *names: str) -> dict[str, PolicyRef]:
        """Return policies by name, checked, the base always among them."""
        return {name: self.store.ref(name) for name in dict.fromkeys((BASE, *names))}

    def obey(self) -> None:
        """Read the order to the run where no stage reads it. Raises Stopped; a pause waits for the next stage."""
        order, who = self.session.control.read()
        if order == "stop":
            raise Stopped(f"stopped by {who or 'an order'}")

    @property
    def approvals(self) -> dict[str, str]:
        """What people said at the gates: round -> "yes" or "no". Kept beside the journal, as it is input like any."""
        path = self.folder / "journal" / "approvals.json"
        return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}

    def approve(self, round_: int, answer: str) -> None:
        """Write down what a person said."""
        write_json(self.folder / "journal" / "approvals.json", {**self.approvals, f"r{round_}": answer})


def stage_of(policy: str) -> str:
    """Return the stage in which a policy is measured: the base in round 0, "p<k>" in round k.

    >>> stage_of("p3")
    'r3.measure'
    """
    return "r0.measure" if policy == BASE else f"r{policy.removeprefix('p')}.measure"


def read_json(path: Path) -> dict[str, Any] | None:
    """Return a JSON object, or None when the file is not there."""
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else None


def plain(value: Any) -> Any:
    """Return a value as JSON gives it back, to compare settings."""
    return json.loads(json.dumps(value, default=str, sort_keys=True))


def differing(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[str]:
    """Return the keys at which two flat mappings differ."""
    return sorted(key for key in left.keys() | right.keys() if plain(left.get(key)) != plain(right.get(key)))
