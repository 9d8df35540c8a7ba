"""The registered society `assembly`: every question with every arm is one script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agents.errors import UserError, did_you_mean
from agents.requests import Script
from societies.assembly.agenda import load_agenda
from societies.assembly.budget import estimate
from societies.assembly.clerk import Clerk
from societies.assembly.config import AssemblyConfig
from societies.assembly.phases.recruit import draw_panel
from societies.assembly.play import assembly
from societies.assembly.recall import citizen_memories
from societies.assembly.records import CURVES, TABLES, Question
from societies.seam import Column, Curve, Estimate, Memories, Rows, Setting


class Assembly:
    """A panel drawn by lot learns, deliberates, drafts, criticises, votes and publishes; with its control arms."""

    name = "assembly"
    package = "societies.assembly"
    config: type[Any] = AssemblyConfig
    tables: Mapping[str, Mapping[str, Column]] = TABLES
    curves: Sequence[Curve] = CURVES

    def scripts(self, config: AssemblyConfig, setting: Setting) -> Iterator[tuple[str, Script[Any]]]:
        """Yield one script an arm. Raises UserError for an unusable agenda or rule before the first."""
        return assembly_scripts(config, setting, checked(config, setting))

    def estimate(self, config: AssemblyConfig, setting: Setting) -> Estimate:
        """Return what the scripts will cost, by the formula of `budget.py`."""
        questions = checked(config, setting)
        return estimate(config, [questions[n % len(questions)] for n in range(config.num_assemblies)])

    def memories(self, agent: str, rows: Rows) -> Memories | None:
        """Return what a citizen perceived in one arm of one assembly."""
        return citizen_memories(agent, rows)


def assembly_scripts(
    config: AssemblyConfig, setting: Setting, questions: Sequence[Question]
) -> Iterator[tuple[str, Script[Any]]]:
    """Yield (name, script) of every arm of every assembly on these questions; the arms share the panel."""
    for number in range(config.num_assemblies):
        question, panel = questions[number % len(questions)], None
        name = f"assembly-{number:04d}"
        for arm in config.arms:
            panel = panel or draw_panel(config, setting, name)
            clerk = Clerk(
                config=config,
                question=question,
                assembly=name,
                arm=arm,
                seed=setting.seed,
                policies=setting.policies,
            )
            yield f"{name}.{arm}", assembly(clerk, panel)


def checked(config: AssemblyConfig, setting: Setting) -> list[Question]:
    """Return the agenda of a config that makes sense. Raises UserError."""
    from societies.assembly.rules import RULES

    if config.rule not in RULES:
        raise UserError(
            f'society.rule = "{config.rule}" is no voting rule.',
            did_you_mean(config.rule, tuple(RULES)),
            f"use one of {', '.join(sorted(RULES))}",
        )
    if len(set(config.arms)) != len(config.arms) or not config.arms:
        raise UserError(
            f"society.arms = {list(config.arms)} names an arm twice, or none.",
            "every arm is played once.",
            "name each arm once; full is the assembly itself",
        )
    if config.panel > config.pool:
        raise UserError(
            f"society.panel = {config.panel} seats cannot be filled from society.pool = {config.pool} persons.",
            "everybody on the panel comes from the pool.",
            "invite more or seat fewer",
        )
    if config.human_seats > config.panel:
        raise UserError(
            f"society.human_seats = {config.human_seats} of {config.panel} seats.",
            "there are fewer seats.",
            "use fewer",
        )
    return load_agenda(setting.file(config.agenda), skip=config.skip)


society = Assembly()
