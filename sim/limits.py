"""What a stage may spend, and the meter that says when it is spent. Time in pauses is not counted."""

from __future__ import annotations

import time
from dataclasses import dataclass

from agents.requests import OverBudget

SCRIPT_LIMITS = ("script_requests", "script_tokens")
"""Those limits that decide what a script does, and so what comes out; the others only say when an attempt ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When to stop. None is no limit. The two script limits hold along every branch of a script's forks.

    The run limits count what this attempt asks the engine for; what the journal answers is free.
    """

    window: int = 512
    script_requests: int | None = None
    script_tokens: int | None = None
    run_requests: int | None = None
    run_tokens: int | None = None
    run_seconds: float | None = None


class Meter:
    """What one attempt at a stage has spent so far, beside its limits."""

    __slots__ = ("_began", "_idle_s", "limits", "num_tokens")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.num_tokens = 0
        self._began = time.monotonic()
        self._idle_s = 0.0

    @property
    def seconds(self) -> float:
        """Seconds since the beginning, pauses left out."""
        return time.monotonic() - self._began - self._idle_s

    def rest(self, seconds: float) -> None:
        """Sleep through a moment that does not count."""
        before = time.monotonic()
        time.sleep(seconds)
        self._idle_s += time.monotonic() - before

    def spent(self, num_requests: int) -> str:
        """Return why the run has to stop after this many requests to the engine, or "" while it may go on."""
        limits = self.limits
        if limits.run_seconds is not None and self.seconds > limits.run_seconds:
            return f"budget: {limits.run_seconds / 60:g} minutes are used up"
        if limits.run_requests is not None and num_requests >= limits.run_requests:
            return f"budget: {limits.run_requests} requests are used up"
        if limits.run_tokens is not None and self.num_tokens >= limits.run_tokens:
            return f"budget: {limits.run_tokens} tokens are used up"
        return ""

    def refusal(self, requests: int, tokens: int, num: int) -> OverBudget | None:
        """Return what a script that has spent this much gets for `num` more requests, None when it may ask them."""
        limits = self.limits
        if limits.script_requests is not None and requests + num > limits.script_requests:
            return OverBudget(f"{limits.script_requests} requests are used up")
        if limits.script_tokens is not None and tokens >= limits.script_tokens:
            return OverBudget(f"{limits.script_tokens} tokens are used up")
        return None
