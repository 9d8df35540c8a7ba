"""The society `coevolution`: values that move, an AI that learns from people, and people who learn from it.

Source: ProgressGym, NeurIPS 2024 Datasets and Benchmarks, arXiv 2406.20087. One challenge with all its counterfactual
arms is one script; see `play.trial`. The people here are numeric, so nothing asks a model.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agents.errors import UserError
from agents.requests import Script
from agents.statistics.drift import stream
from societies.coevolution import choosing
from societies.coevolution.arms import Arm
from societies.coevolution.config import CoevolutionConfig
from societies.coevolution.desk import Budget
from societies.coevolution.humans import Folk, NumericHumans, Poll
from societies.coevolution.play import Trial, VectorGauge, trial
from societies.coevolution.protocols import Challenge, Pulls
from societies.coevolution.records import CURVES, TABLES
from societies.coevolution.served import Served
from societies.coevolution.votes import even_bank
from societies.seam import Column, Curve, Estimate, Setting

__all__ = ["Coevolution", "CoevolutionConfig", "society"]


class Coevolution:
    """The registered society."""

    name = "coevolution"
    package = ""  # numeric people read no prompt
    config: type[Any] = CoevolutionConfig
    tables: Mapping[str, Mapping[str, Column]] = TABLES
    curves: Sequence[Curve] = CURVES

    def scripts(self, config: CoevolutionConfig, setting: Setting) -> Iterator[tuple[str, Script[Any]]]:
        """Yield one script for each challenge and replica. Raises UserError for settings that cannot be played."""
        challenges, arms = chosen_challenges(config), chosen_arms(config)
        return (
            (f"{challenge.label}-{replica:03d}", _script(config, setting, challenge, settings, arms, replica))
            for challenge, settings in challenges
            for replica in range(config.replicas)
        )

    def estimate(self, config: CoevolutionConfig, setting: Setting) -> Estimate:
        """Return the number of scripts; numeric people cost no request."""
        num = len(chosen_challenges(config)) * config.replicas
        return Estimate(num_scripts=num, num_requests=0, num_prompt_tokens=0, num_output_tokens=0)


def chosen_challenges(config: CoevolutionConfig) -> list[tuple[Challenge, dict[str, Any]]]:
    """Return the challenges with their settings. Raises UserError."""
    return choosing.chosen_challenges(config.challenges, config.humans.timesteps)


def chosen_arms(config: CoevolutionConfig) -> list[Arm]:
    """Return the arms. Raises UserError, also for an arm that only a model can play."""
    arms = choosing.chosen_arms(config.arms)
    for number, arm in enumerate(arms):
        if isinstance(arm.examinee, Served):
            raise UserError(
                f"society.arms[{number}] ({arm.name}) is a policy that a model serves.",
                "people of numbers neither measure nor hear one.",
                "use lifelong, extrapolative or frozen here, and society=eras for policies",
            )
    return arms


def _script(
    config: CoevolutionConfig,
    setting: Setting,
    challenge: Challenge,
    settings: Mapping[str, Any],
    arms: Sequence[Arm],
    replica: int,
) -> Script[Any]:
    """Build people and play; a generator, so that a million people exist only while their script does."""
    folk = Folk(
        people=config.humans.people,
        num_timesteps=config.humans.timesteps,
        **{
            one.name: getattr(config.humans, one.name)
            for one in dataclasses.fields(Folk)
            if one.name not in ("people", "num_timesteps")
        },
    )
    ballot = config.ballot
    bank = even_bank(
        ballot.kind,
        num_dims=folk.dims,
        pairs_per_dim=ballot.pairs_per_dim,
        span=ballot.span,
        tokens_per_query=ballot.tokens_per_query,
    )
    poll = Poll(num_voters=ballot.num_voters, noise=ballot.noise, missing=ballot.missing)
    # All challenges of a replica meet the same people and the same drift.
    seed = int(stream(setting.seed, "replica", setting.round, replica).integers(2**31))
    return (
        yield from trial(
            Trial(
                challenge=challenge,
                settings=settings,
                arms=arms,
                humans=lambda names: NumericHumans(
                    folk, bank, poll, seed=seed, arms=names, minority=challenge.minority
                ),
                bank=bank,
                gauge=lambda humans: VectorGauge(humans.dims),
                pulls=Pulls(history=config.pulls.history, ai=config.pulls.ai, spread=config.pulls.spread),
                budget=Budget(
                    per_timestep=config.budget.per_timestep,
                    queries=config.budget.queries,
                    tokens=config.budget.tokens,
                ),
                num_timesteps=config.humans.timesteps,
                replica=replica,
                seed=seed,
                world=world(config),
            )
        )
    )


def world(config: CoevolutionConfig) -> dict[str, Any]:
    """Return the settings that results must share to be compared; the number of threads is none of them."""
    parts = ("humans", "ballot", "pulls", "budget")
    found = {part: dataclasses.asdict(getattr(config, part)) for part in parts}
    found["humans"].pop("num_threads")
    return found


society = Coevolution()
