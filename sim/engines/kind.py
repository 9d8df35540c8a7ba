"""How an engine is registered (entry-point group `folkmoot.engines`) and opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim.engines.base import Engine, PolicyRef


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSetting:
    """What the run gives to an engine.

    model_folder: verified local folder of the base model; None for engines that bring their own (openai, scripted).
    policies: every policy that requests will name; "base" is always among them.
    journal: for the replay engine.
    """

    model_folder: Path | None = None
    model_name: str = ""
    policies: tuple[PolicyRef, ...] = field(default=(PolicyRef(name="base"),))
    run_seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineKind:
    """A registered engine. config: a dataclass for the `engine` section of the run's config (without `name`).

    answering: for an engine that passes requests on, the name of the one that answers them, read from the config;
    None for all others. That one decides whether a model is needed, and whether the run is scripted.
    """

    name: str
    config: type[Any]
    open: Callable[[Any, EngineSetting], Engine]
    needs_model: bool = True
    answering: Callable[[Any], str] | None = None
