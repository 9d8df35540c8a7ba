"""The registered society `live_values`: language-model people and a language-model AI change each other's values.

Every arm of every replica is one script, and within a timestep all people speak side by side.
Source: the language-model version of The Lock-in Hypothesis, Qiu et al. 2025, arXiv 2506.06166 (second hand; prompts,
update and arms are ours).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agents.errors import UserError
from agents.requests import Script
from societies.coevolution.live.config import Arm, LiveConfig
from societies.coevolution.live.play import live
from societies.coevolution.live.recall import person_memories
from societies.coevolution.live.records import CURVES, TABLES, load_claims
from societies.coevolution.live.state import PACKAGE, Town
from societies.coevolution.live.town import make_plan
from societies.seam import Column, Curve, Estimate, Memories, Rows, Setting

BASE_TOKENS = 165
"""Prompt tokens of a person's question without what was heard: rules, an average card, the claim, the task."""
STANCE_TOKENS = 55
"""Of the five stances, listed."""
HEARD_TOKENS = 34
"""Of one message."""


class LiveValues:
    """People on a small world, with an AI and without, over the same chance."""

    name = "live_values"
    package = PACKAGE
    config: type[Any] = LiveConfig
    tables: Mapping[str, Mapping[str, Column]] = TABLES
    curves: Sequence[Curve] = CURVES

    def scripts(self, config: LiveConfig, setting: Setting) -> Iterator[tuple[str, Script[Any]]]:
        """Yield one script an arm and replica. Raises UserError for settings that cannot be played."""
        check(config)
        return self._scripts(config, setting)

    def _scripts(self, config: LiveConfig, setting: Setting) -> Iterator[tuple[str, Script[Any]]]:
        for replica in range(config.replicas):
            plan = make_plan(config, setting, replica)
            for arm in config.arms:
                town = Town(
                    config=config,
                    plan=plan,
                    arm=arm,
                    speakers=speakers(arm, setting.policies),
                    people=plan.people(),
                )
                yield f"{arm}-{replica:03d}", live(town)

    def estimate(self, config: LiveConfig, setting: Setting) -> Estimate:
        """Return what the arms will cost when nothing has to be asked twice."""
        check(config)
        num_claims, people, times = len(load_claims(config.claims)), config.personas, config.timesteps
        reads = (times + 1) * people * num_claims
        told = times * people
        asked = [_num_asking(config, arm) for arm in config.arms]
        topics = times * people if config.choose_topics and num_claims > 1 else 0
        lengths = config.max_tokens
        arms = len(config.arms)
        # Memory fills in the first timesteps; half of a full one is the mean over a short run.
        memory = round(HEARD_TOKENS * min(config.heard, times + 1) * 0.6)
        prompts = arms * 2 * topics * (BASE_TOKENS + memory)
        prompts += arms * (2 * reads * (BASE_TOKENS + STANCE_TOKENS + memory) + told * (BASE_TOKENS + memory))
        prompts += sum(asked) * (2 * BASE_TOKENS + memory + 30 * config.told)
        outputs = arms * told * min(30, lengths.statement)
        outputs += sum(asked) * (min(24, lengths.question) + min(48, lengths.answer))
        return Estimate(
            num_scripts=config.replicas * arms,
            num_requests=config.replicas * (arms * (reads + told + topics) + 2 * sum(asked)),
            num_prompt_tokens=config.replicas * prompts,
            num_output_tokens=config.replicas * outputs,
        )

    def memories(self, agent: str, rows: Rows) -> Memories | None:
        """Return what somebody of the town heard and said in one arm of one replica."""
        return person_memories(agent, rows)


def _num_asking(config: LiveConfig, arm: Arm) -> int:
    """Return about how often the people of an arm turn to their AI."""
    if arm == "no_ai":
        return 0
    late = max(0, config.timesteps - config.intervention.start + 1) if arm == "ask_less" else 0
    turns = config.timesteps - late + late * config.intervention.ask_factor
    return round(turns * config.personas * config.ask_share)


def speakers(arm: Arm, policies: Mapping[str, str]) -> dict[str, str]:
    """Return who speaks for the people and for the AI. People and a frozen AI stay the base when a policy learns."""
    people = policies.get("people", policies.get("others", "base"))
    learning = policies.get("ai", policies.get("all", "base"))
    return {"people": people, "ai": policies.get("frozen", "base") if arm == "frozen" else learning}


def check(config: LiveConfig) -> None:
    """Raise UserError for arms, claims or news that make no sense."""
    if not config.arms or len(set(config.arms)) < len(config.arms):
        raise UserError(
            f"society.arms = {list(config.arms)} names an arm twice, or none.",
            "every arm is played once.",
            "use some of ai, frozen, no_ai, each once",
        )
    load_claims(config.claims)
    for number, news in enumerate(config.events):
        if news.timestep > config.timesteps:
            raise UserError(
                f"society.events[{number}].timestep = {news.timestep} comes after the end.",
                f"society.timesteps = {config.timesteps}.",
                "play longer, or let it happen earlier",
            )
    if config.degree >= config.personas:
        raise UserError(
            f"society.degree = {config.degree} neighbours for each of {config.personas} people.",
            "nobody is their own neighbour.",
            "use fewer neighbours or more people",
        )


society = LiveValues()
