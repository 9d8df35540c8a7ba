"""Running counts of a stage: what the panel, `status.json` and the account of costs are made from."""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.engines.base import Usage


@dataclass(slots=True)
class Tally:
    """Running counts of a stage. stopped: "" while going or complete, else why it stopped early."""

    num_scripts: int = 0
    num_done: int = 0
    num_lost: int = 0
    num_live: int = 0
    num_requests: int = 0
    num_from_journal: int = 0
    num_failed: int = 0
    num_prompt_tokens: int = 0
    num_cached_tokens: int = 0
    num_output_tokens: int = 0
    num_forfeits: int = 0
    lost: dict[str, int] = field(default_factory=dict)
    forfeits: dict[str, int] = field(default_factory=dict)
    by_purpose: dict[str, list[float]] = field(default_factory=dict)
    seconds: float = 0.0
    stopped: str = ""

    def count(self, purpose: str, usage: Usage) -> None:
        """Count one answered request under its purpose: requests, prompt, cached and output tokens."""
        self.num_requests += 1
        self.num_prompt_tokens += usage.num_prompt
        self.num_cached_tokens += usage.num_cached
        self.num_output_tokens += usage.num_output
        cost = self.by_purpose.get(purpose)
        if cost is None:
            cost = self.by_purpose[purpose] = [0, 0, 0, 0]
        cost[0] += 1
        cost[1] += usage.num_prompt
        cost[2] += usage.num_cached
        cost[3] += usage.num_output
