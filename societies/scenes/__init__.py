"""The society `scenes`: one policy plays everybody touched by its own answer, sees what follows, and answers again.

Source: MATRIX, ICML 2024, arXiv 2402.05699. One instruction is one script; see `play.scene`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import Any

from agents.errors import UserError
from agents.instructions import Instruction, load_instructions
from agents.requests import Script
from societies.scenes.baselines import baseline
from societies.scenes.config import ScenesConfig
from societies.scenes.opening import Draw
from societies.scenes.play import scene
from societies.scenes.recall import role_memories
from societies.scenes.records import CURVES, TABLES
from societies.scenes.rules import seeded_unit
from societies.scenes.teller import Teller
from societies.seam import Column, Curve, Estimate, Memories, Rows, Setting

__all__ = ["Scenes", "ScenesConfig", "society"]


class Scenes:
    """The registered society."""

    name = "scenes"
    package = "societies.scenes"
    config: type[Any] = ScenesConfig
    tables: Mapping[str, Mapping[str, Column]] = TABLES
    curves: Sequence[Curve] = CURVES

    def scripts(self, config: ScenesConfig, setting: Setting) -> Iterator[tuple[str, Script[Any]]]:
        """Yield a scene for every instruction, then every baseline on it. Raises UserError for unusable files."""
        return self._scripts(config, setting, chosen(config, setting))

    def _scripts(
        self, config: ScenesConfig, setting: Setting, instructions: list[Instruction]
    ) -> Iterator[tuple[str, Script[Any]]]:
        for number, instruction in enumerate(instructions):
            name = f"scene-{number:06d}"
            yield (
                name,
                scene(
                    instruction,
                    teller=_teller(config, setting, name),
                    personas=_draw(config, setting, name),
                    round_=setting.round,
                    simulate=is_played(config, setting, instruction),
                ),
            )
            for method in config.baselines:
                name = f"{method}-{number:06d}"
                yield (
                    name,
                    baseline(method, instruction, teller=_teller(config, setting, name), round_=setting.round),
                )

    def estimate(self, config: ScenesConfig, setting: Setting) -> Estimate:
        """Return what the scripts will cost: counted from the shape of a scene, tokens from this project's measures."""
        instructions = chosen(config, setting)
        num_played = sum(is_played(config, setting, one) for one in instructions)
        num_harmful = sum(one.kind != "ordinary" for one in instructions)
        num_acts = min(config.max_interactions, config.num_steps * (1 + config.num_roles // 2))
        per_act = 3.3 + (config.num_roles / 2 if config.score_recipients else 0)
        per_scene = 9 + config.num_roles + num_acts * per_act
        per_baseline = {"critique_revise": 3, "debate": 6, "best_of_n": 2 * config.best_of}
        num_extra = sum(per_baseline.get(name, 1) for name in config.baselines) * len(instructions)
        num_alarms = (len(instructions) - num_harmful) if config.false_alarm else 0
        num_requests = int(len(instructions) + num_played * per_scene + num_harmful * 3 + num_alarms + num_extra)
        answers = len(instructions) * (1 + len(config.baselines)) * min(config.max_tokens.draft, 200)
        lines = num_played * (num_acts + 8 + config.num_roles) * min(config.max_tokens.line, 30)
        return Estimate(
            num_scripts=len(instructions) * (1 + len(config.baselines)),
            num_requests=num_requests,
            num_prompt_tokens=num_requests * 160,
            num_output_tokens=answers + lines,
        )

    def memories(self, agent: str, rows: Rows) -> Memories | None:
        """Return what a role perceived in one scene."""
        return role_memories(agent, rows)


def chosen(config: ScenesConfig, setting: Setting) -> list[Instruction]:
    """Return the instructions in turn, one of each file as long as both last, so that any prefix holds both kinds."""
    if not config.num_harmful + config.num_ordinary:
        raise UserError(
            "society.num_harmful and society.num_ordinary are both 0.",
            "there is nothing to play.",
            "raise one of them",
        )
    harmful = _load(config.instructions, "harmful", config.skip_harmful, config.num_harmful, setting)
    ordinary = _load(config.ordinary, "ordinary", config.skip_ordinary, config.num_ordinary, setting)
    pairs = itertools.chain.from_iterable(itertools.zip_longest(harmful, ordinary))
    return [one for one in pairs if one is not None]


def is_played(config: ScenesConfig, setting: Setting, instruction: Instruction) -> bool:
    """Return whether an instruction gets a whole scene: all but a seeded share of the ordinary ones."""
    if instruction.kind != "ordinary":
        return True
    return seeded_unit(setting.seed, "played", instruction.id) < config.share_ordinary_played


def _load(given: str, bank: str, skip: int, number: int, setting: Setting) -> list[Instruction]:
    if not number:
        return []
    path = setting.file(given)
    if path is None:
        with resources.as_file(resources.files("societies.scenes") / "data" / f"{bank}.jsonl") as built_in:
            return load_instructions(built_in, skip=skip, limit=number)
    return load_instructions(path, skip=skip, limit=number)


def _teller(config: ScenesConfig, setting: Setting, name: str) -> Teller:
    return Teller(config=config, scene_id=f"r{setting.round}.{name}", seed=setting.seed, policies=setting.policies)


def _draw(config: ScenesConfig, setting: Setting, name: str) -> Draw | None:
    if config.cast == "invented":
        return None
    seed = int(seeded_unit(setting.seed, "cast", name) * 2**31)
    return lambda number: setting.cast(number, seed)


society = Scenes()
