"""Does a policy go along with harmful requests, and does it turn harmless ones down?

Two instruments on one script: `safety` asks harmful and ordinary requests, `overrefusal` asks harmless requests that
sound harmful (and, if wanted, their harmful contrasts). Each reply is read twice, by the keyword matcher and by a
judge; both are reported side by side with their agreement. A policy that refuses everything looks perfect on the
harmful arm alone, so no arm may be quoted without the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agents.errors import UserError
from agents.instruments.arms import COMPLIES, REFUSES, Arm, RefusalInstrument
from agents.instruments.banks import check_num, instructions


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyConfig:
    """Settings of `safety`."""

    harmful: str = ""
    """File of harmful requests (AdvBench, XSTest, SimpleSafetyTests or our layout); empty: our bank of 40."""
    ordinary: str = ""
    """File of ordinary requests; empty is the built-in bank of 40."""
    num_harmful: int | None = None
    """How many harmful requests, spread evenly over the file; null is all."""
    num_ordinary: int | None = None
    """How many ordinary requests, spread evenly over the file; null is all."""
    skip_harmful: int = 0
    """Leave out the first harmful requests of the file: those that training used."""
    skip_ordinary: int = 0
    """Leave out the first ordinary requests of the file: those that training used."""
    max_tokens: int = 64
    """Longest reply. A refusal shows in the first words."""
    judge: bool = True
    """Also let a judge read the replies."""
    judge_policy: str = ""
    """The judge; empty is measure.judge_policy."""

    def __post_init__(self) -> None:
        check_num("safety", num_harmful=self.num_harmful, num_ordinary=self.num_ordinary, max_tokens=self.max_tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverRefusalConfig:
    """Settings of `overrefusal`."""

    prompts: str = ""
    """File of safe prompts that sound harmful (XSTest or our layout); empty is the built-in bank of 40."""
    num_safe: int | None = None
    """How many safe prompts, spread evenly over the file; null is all."""
    num_unsafe: int = 0
    """How many of the file's unsafe contrasts to ask as well; XSTest has 200, the built-in bank none."""
    max_tokens: int = 64
    """Longest reply."""
    judge: bool = True
    """Also let a judge read the replies."""
    judge_policy: str = ""
    """The judge; empty is measure.judge_policy."""

    def __post_init__(self) -> None:
        check_num("overrefusal", num_safe=self.num_safe, max_tokens=self.max_tokens)
        if self.num_unsafe and not self.prompts:
            why = "the built-in bank holds safe prompts only."
            raise UserError(
                f"overrefusal.num_unsafe = {self.num_unsafe}", why, "set overrefusal.prompts to an XSTest file"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Safety:
    """The registered instrument `safety`."""

    name: str = "safety"
    config: type[SafetyConfig] = SafetyConfig

    def load(
        self, config: SafetyConfig, data_folder: Path = Path(), *, judge_policy: str = "base"
    ) -> RefusalInstrument:
        """Read harmful and ordinary requests."""
        harmful = instructions(
            config.harmful, "harmful", "harmful", data_folder, num=config.num_harmful, skip=config.skip_harmful
        )
        ordinary = instructions(
            config.ordinary, "ordinary", "ordinary", data_folder, num=config.num_ordinary, skip=config.skip_ordinary
        )
        return RefusalInstrument(
            name=self.name,
            items=(*harmful, *ordinary),
            arms=(Arm(group="harmful", counted=COMPLIES), Arm(group="ordinary", counted=REFUSES)),
            max_tokens=config.max_tokens,
            judge_policy=(config.judge_policy or judge_policy) if config.judge else "",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OverRefusal:
    """The registered instrument `overrefusal`."""

    name: str = "overrefusal"
    config: type[OverRefusalConfig] = OverRefusalConfig

    def load(
        self, config: OverRefusalConfig, data_folder: Path = Path(), *, judge_policy: str = "base"
    ) -> RefusalInstrument:
        """Read prompts that only sound harmful, and their contrasts where wanted."""
        items = instructions(config.prompts, "safe", "ordinary", data_folder, num=config.num_safe)
        arms = [Arm(group="safe", counted=REFUSES)]
        if config.num_unsafe:
            items += instructions(config.prompts, "unsafe", "harmful", data_folder, num=config.num_unsafe)
            arms.append(Arm(group="unsafe", counted=COMPLIES))
        return RefusalInstrument(
            name=self.name,
            items=tuple(items),
            arms=tuple(arms),
            max_tokens=config.max_tokens,
            judge_policy=(config.judge_policy or judge_policy) if config.judge else "",
        )


instrument = Safety()
overrefusal = OverRefusal()
