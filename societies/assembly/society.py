"""The registered society `assembly`: every question with every arm is one script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agents.errors import UserError, nearest
from agents.requests import Script
from societies.assembly.agenda import divided, load_agenda
from societies.assembly.budget import estimate
from societies.assembly.clerk import Clerk
from societies.assembly.config import AssemblyConfig
from societies.assembly.event_tables import CURVES, TABLES
from societies.assembly.phases.protocols import clash
from societies.assembly.phases.recruit import draw_panel
from societies.assembly.play import assembly
from societies.assembly.recall import citizen_memories
from societies.assembly.records import Question
from societies.seam import Column, Curve, Estimate, Memories, Rows, Setting

HELD = "held"
"""How the ids of assemblies begin that teach nothing."""


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
        questions, held = divided(checked(config, setting), config.held)
        asked = [questions[n % len(questions)] for n in numbers(config, setting.round)]
        return estimate(config, asked, held if setting.round <= 1 else ())

    def memories(self, agent: str, rows: Rows) -> Memories | None:
        """Return what a citizen perceived in one arm of one assembly."""
        return citizen_memories(agent, rows)


def assembly_scripts(
    config: AssemblyConfig, setting: Setting, questions: Sequence[Question]
) -> Iterator[tuple[str, Script[Any]]]:
    """Yield (name, script) of every arm of every assembly on these questions; the arms share the panel.

    Questions that teach nothing come last, in the first round of the loop only.
    """
    questions, held = divided(questions, config.held)
    played = [(f"assembly-{n:04d}", questions[n % len(questions)], config.arms) for n in numbers(config, setting.round)]
    if setting.round <= 1:
        played += [(f"{HELD}-{n:04d}", question, ("full",)) for n, question in enumerate(held)]
    for name, question, arms in played:
        panel = None
        for arm in arms:
            panel = panel or draw_panel(config, setting, name)
            clerk = Clerk(
                config=config,
                question=question,
                assembly=name,
                arm=arm,
                seed=setting.seed,
                policies=setting.policies,
                teaches=not name.startswith(HELD),
            )
            yield f"{name}.{arm}", assembly(clerk, panel)


def numbers(config: AssemblyConfig, round_: int) -> range:
    """Return the numbers of the assemblies of a round of the loop: a number settles the question and draws the panel.

    round_: from 1; a society that is played outside the loop is in its first round.
    """
    first = (max(1, round_) - 1) * config.num_assemblies if config.each_round == "next" else 0
    return range(first, first + config.num_assemblies)


def checked(config: AssemblyConfig, setting: Setting) -> list[Question]:
    """Return the agenda of a config that makes sense. Raises UserError."""
    from societies.assembly.rules import RULES

    if config.rule not in RULES:
        raise UserError(
            f'society.rule = "{config.rule}" is no voting rule.',
            f"rules are {', '.join(sorted(RULES))}.",
            nearest(config.rule, RULES),
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
    if "other_facilitator" in config.arms:
        _check_other_facilitator(config, setting)
    _check_leading(config)
    questions = load_agenda(setting.file(config.agenda), skip=config.skip)
    if config.held >= len(questions):
        raise UserError(
            f"society.held = {config.held} leaves no question to learn from.",
            f"the agenda holds {len(questions)} after society.skip.",
            "hold out fewer",
        )
    if "misinformation" in config.arms:
        bare = [one.question_id for one in questions[: config.num_assemblies] if one.falsehood is None]
        if bare:
            raise UserError(
                f"The arm misinformation has no false claim for {', '.join(bare[:5])}.",
                "the agenda says what is planted, so that its uptake can be told from belief.",
                "add falsehood (claim, stance, replaces) to these questions, or leave the arm out",
            )
    return questions


def _check_leading(config: AssemblyConfig) -> None:
    """Refuse a way of leading that the form of talk would drop without a word, in any arm that is played."""
    ways = {"facilitator": config.facilitator} if set(config.arms) - {"other_facilitator", "no_facilitator"} else {}
    if "other_facilitator" in config.arms:
        ways["other_facilitator"] = config.other_facilitator
    for field, way in ways.items():
        why = clash(config.protocol, way)
        if why:
            raise UserError(
                f"society.protocol = {config.protocol} does not go with society.{field} = {way}.",
                why,
                f"use {field}=round_robin or none, or another form of talk",
            )


def _check_other_facilitator(config: AssemblyConfig, setting: Setting) -> None:
    other = config.other_facilitator_policy
    if config.other_facilitator == config.facilitator and not other:
        raise UserError(
            f"society.arms has other_facilitator, which would be led as full is ({config.facilitator}).",
            "the arm would differ in nothing.",
            "set society.other_facilitator or society.other_facilitator_policy",
        )
    served = {"base", *setting.policies.values()}
    if other and other not in served:
        raise UserError(
            f'society.other_facilitator_policy = "{other}" is not served in this run.',
            f"policies of this run are {', '.join(sorted(served))}.",
            f"choose one of them, or add policies.{other}=FOLDER",
        )


society = Assembly()
