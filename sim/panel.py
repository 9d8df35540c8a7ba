"""What people see while a run plays: a live panel on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import IO, Any

from sim.tally import Tally

PLAIN_EVERY_S = 10.0


def summary_line(stage: str, tally: Tally, total: int | None) -> str:
    """Return one line: scripts done, speed, cache hits, forfeits, time left."""
    done = tally.num_done + tally.num_lost
    asked = tally.num_requests - tally.num_from_journal
    parts = [
        f"{stage}: {done}" + (f"/{total}" if total else "") + " scripts",
        f"{tally.num_live} live",
        f"{tally.num_requests} requests"
        + (f" ({tally.num_from_journal} from the journal)" if asked != tally.num_requests else ""),
        f"{tokens_per_s(tally):,.0f} tokens/s",
        f"cache {hit_share(tally):.0%}",
        f"{tally.num_forfeits} forfeits",
    ]
    if tally.num_lost:
        parts.append(f"{tally.num_lost} LOST ({', '.join(f'{k} {v}' for k, v in sorted(tally.lost.items()))})")
    if total and done and not tally.stopped:
        parts.append(f"about {clock(tally.seconds / done * (total - done))} left")
    return " | ".join(parts)


def tokens_per_s(tally: Tally) -> float:
    """Return prompt and output tokens per second so far."""
    return (tally.num_prompt_tokens + tally.num_output_tokens) / max(tally.seconds, 1e-9)


def hit_share(tally: Tally) -> float:
    """Return the share of prompt tokens that the prefix cache served."""
    return tally.num_cached_tokens / max(tally.num_prompt_tokens, 1)


def clock(seconds: float) -> str:
    """Return a duration as "1:05" or "2:01:05".

    >>> clock(65)
    '1:05'
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class PlainLines:
    """A line every ten seconds and one at the end of each stage."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._stage, self._total, self._last = "", None, 0.0  # type: tuple[str, int | None, float]

    def begin(self, stage: str, total: int | None, stop: Callable[[str], None]) -> None:
        """Remember the stage."""
        self._stage, self._total, self._last = stage, total, time.monotonic()

    def progress(self, tally: Tally) -> None:
        """Write a line when the last is long enough ago."""
        if time.monotonic() - self._last >= PLAIN_EVERY_S:
            self._last = time.monotonic()
            self._write(summary_line(self._stage, tally, self._total))

    def end(self, tally: Tally) -> None:
        """Write the stage's last line."""
        how = f"stopped ({tally.stopped})" if tally.stopped else f"done in {clock(tally.seconds)}"
        self._write(f"{summary_line(self._stage, tally, self._total)} | {how}")

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()


class LivePanel:
    """A panel that is redrawn in place (rich)."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True)
        self._live: Any = None
        self._stage = ""
        self._total: int | None = None

    def begin(self, stage: str, total: int | None, stop: Callable[[str], None]) -> None:
        """Open the panel."""
        from rich.live import Live

        self._stage, self._total = stage, total
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)
        self._live.start()

    def progress(self, tally: Tally) -> None:
        """Redraw."""
        self._live.update(self._table(tally))

    def end(self, tally: Tally) -> None:
        """Close the panel and leave one line."""
        self._live.stop()
        how = f"stopped ({tally.stopped})" if tally.stopped else f"done in {clock(tally.seconds)}"
        self._console.print(f"{summary_line(self._stage, tally, self._total)} | {how}", highlight=False)

    def _table(self, tally: Tally) -> Any:
        from rich.panel import Panel as Box
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        done = tally.num_done + tally.num_lost
        grid = Table.grid(padding=(0, 2))
        grid.add_row("scripts", f"{done}" + (f" of {self._total}" if self._total else "") + f", {tally.num_live} live")
        if self._total:
            grid.add_row("", ProgressBar(total=self._total, completed=done, width=40))
        grid.add_row("requests", f"{tally.num_requests} ({tally.num_from_journal} from the journal)")
        grid.add_row("tokens", f"{tokens_per_s(tally):,.0f}/s, {hit_share(tally):.0%} of prompts from the prefix cache")
        grid.add_row("forfeits", ", ".join(f"{k} {v}" for k, v in sorted(tally.forfeits.items())) or "none")
        grid.add_row("lost", ", ".join(f"{k} {v}" for k, v in sorted(tally.lost.items())) or "none")
        if self._total and done:
            left = clock(tally.seconds / done * (self._total - done))
            grid.add_row("time", f"{clock(tally.seconds)} gone, about {left} left")
        return Box(grid, title=f"folkmoot {self._stage}", expand=False)


def watcher_for(stream: IO[str] | None = None) -> PlainLines | LivePanel:
    """Return a live panel when standard error is a terminal, plain lines otherwise."""
    stream = stream or sys.stderr
    return LivePanel() if stream is sys.stderr and stream.isatty() else PlainLines(stream)
