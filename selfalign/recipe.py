"""What a recipe is: samples in, rows out, a loss, an engine that minimises it, and what the paper claims for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from agents.errors import UserError
from agents.sample import Sample
from selfalign.build.rows import TrainingSet
from selfalign.config import Extrapolate, RlConfig, TrainConfig
from selfalign.label.extrapolated import extrapolated
from selfalign.label.shares import SHARE, check_target
from selfalign.samples import Funnel, split_by_scene, usable

Builder = Callable[[Sequence[Sample], Any, Funnel, int], TrainingSet]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One alignment method (entry-point group `folkmoot.recipes`).

    config: dataclass for the `recipe` section of the run's config (without `name`).
    build:  (samples, config, funnel, seed) -> rows. label: the aggregator's name; empty where none is needed.
    loss:   TRL's name of the loss. engine: the trainer. schedule: "once" a round, from the policy of the round before.
    knobs:  further arguments of TRL's config. gates: sentinels that must hold.
    paper:  source. claim: the authors', not ours. test: where its properties are pinned. licence: of what it builds on.
    """

    name: str
    config: type[TrainConfig]
    build: Builder
    loss: str
    engine: Literal["trl:sft", "trl:dpo", "trl:grpo", "trl:rloo", "choice"]
    label: str = ""
    schedule: Literal["once"] = "once"
    knobs: Mapping[str, Any] = field(default_factory=dict)
    gates: tuple[str, ...] = ("refusals", "lm_loss", "label_mass")
    claim: str = ""
    paper: str = ""
    test: str = ""
    licence: str = ""

    def check(self, config: TrainConfig) -> None:
        """Raise UserError for settings that this engine would ignore or misread."""
        target = getattr(config, "target", "")
        if target:
            check_target(target, "recipe.target")
        if target not in ("", SHARE) and extrapolation(config) is not None:
            raise UserError(
                f"recipe.target = {target} cannot be extrapolated.",
                "what is extrapolated is the share of the votes on a pair.",
                f"set recipe.target={SHARE}, or recipe.extrapolate.order=0",
            )
        if self.engine in ("trl:dpo", "trl:grpo", "trl:rloo") and config.lora_dropout > 0:
            raise UserError(
                f"recipe.lora_dropout = {config.lora_dropout} has no effect with recipe {self.name}.",
                "TRL switches dropout off here, so that log-probabilities stay comparable.",
                "set recipe.lora_dropout=0",
            )
        if isinstance(config, RlConfig):
            self._check_online(config)
        if self.loss == "sigmoid_norm" and config.beta < 0.5:
            raise UserError(
                f"recipe.beta = {config.beta} is too small for recipe {self.name}.",
                "its margin is a mean a token, not a sum, so the loss would hardly feel it.",
                "set recipe.beta between 1 and 10",
            )

    def _check_online(self, config: RlConfig) -> None:
        answers = config.batch * config.grad_accumulation
        if answers % config.num_generations:
            raise UserError(
                f"recipe.num_generations = {config.num_generations} does not divide the {answers} answers of a step.",
                "a step holds recipe.batch x recipe.grad_accumulation answers, whole groups of one prompt each.",
                "set recipe.batch or recipe.grad_accumulation to a multiple",
            )
        if self.engine == "trl:rloo" and config.scale_rewards == "group":
            raise UserError(
                f"recipe.scale_rewards = group has no meaning with recipe {self.name}.",
                "RLOO compares the answers of a prompt and divides by the spread of the batch, or not at all.",
                "set recipe.scale_rewards to batch or none",
            )

    def rows(
        self,
        samples: Sequence[Sample],
        config: TrainConfig,
        seed: int,
        *,
        earlier: Sequence[Sequence[Sample]] = (),
    ) -> tuple[TrainingSet, list[Sample]]:
        """Return (training rows, samples of held-out scenes). Raises UserError when the samples teach nothing.

        earlier: the samples of the rounds before, oldest first; only extrapolation reads them.
        """
        self.check(config)
        kept, funnel = usable(samples)
        if (ahead := extrapolation(config)) is not None:
            kept, funnel = extrapolated(kept, earlier, ahead, funnel)
        train, held = split_by_scene(kept, config.held_share, seed)
        if held:
            funnel = funnel.then("not held out", len(kept), len(train), {"scene held out": len(held)})
        return self.build(train, config, funnel, seed), held


def extrapolation(config: TrainConfig) -> Extrapolate | None:
    """Return how votes are extrapolated, None where they are taken as they are."""
    found: Extrapolate | None = getattr(config, "extrapolate", None)
    return found if found is not None and found.changes else None


def settings(config: TrainConfig) -> dict[str, Any]:
    """Return a recipe's config as plain values for the job file."""
    return {key: getattr(value, "value", value) for key, value in asdict(config).items()}
