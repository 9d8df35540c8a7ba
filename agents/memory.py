"""What one mind remembers: bounded lists with triggers, and nothing that asks a model.

A script puts incidents in, sees `needs_compaction`, asks for a summary and puts it back with `compact`. When the
summary cannot be had, memory stays bounded all the same: the oldest items fall out and are counted. Values are
immutable, so a scene may keep any earlier state.
Source of the numbers: MATRIX, arXiv 2402.05699, upstream code, play steps 5 and 7.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from agents.errors import UserError

Thing = TypeVar("Thing")

MEMORY_TRIGGER = 3
"""More items than this are compacted into one."""

CRITIQUE_TRIGGER = 8
"""More critiques than this are compacted into one long-log summary."""

CRITIQUE_SUMMARIES = 4
"""After this many long-log summaries no more critiques are written."""

BLOCK_SIZE = 10
"""Most items that an inbox hands over at once."""


def memory_overflows(num_items: int, trigger: int = MEMORY_TRIGGER) -> bool:
    """Return whether a memory of that many items is to be compacted."""
    return num_items > trigger


def critiques_overflow(num_critiques: int, trigger: int = CRITIQUE_TRIGGER) -> bool:
    """Return whether that many open critiques are to be summarised."""
    return num_critiques > trigger


def critiques_end(num_summaries: int, limit: int = CRITIQUE_SUMMARIES) -> bool:
    """Return whether no more critiques are to be written."""
    return num_summaries >= limit


def blocks(items: Sequence[Thing], size: int = BLOCK_SIZE) -> list[tuple[Thing, ...]]:
    """Return the items in their order, in blocks of at most `size`.

    >>> blocks("abcde", 2)
    [('a', 'b'), ('c', 'd'), ('e',)]
    """
    _at_least_one(size, "block size")
    return [tuple(items[start : start + size]) for start in range(0, len(items), size)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Memo:
    """One thing remembered: an incident as it was perceived, or the summary of several; `sources` are incident ids."""

    text: str
    sources: tuple[str, ...] = ()
    is_summary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """At most `trigger + 1` memos, oldest first: the one too many is what asks for compaction.

    num_dropped counts memos that fell out because nobody compacted in time.
    """

    trigger: int = MEMORY_TRIGGER
    memos: tuple[Memo, ...] = ()
    num_dropped: int = 0

    def __post_init__(self) -> None:
        _at_least_one(self.trigger, "memory.trigger")

    @property
    def cap(self) -> int:
        """The most memos that are ever held."""
        return self.trigger + 1

    @property
    def needs_compaction(self) -> bool:
        """Whether a summary is due."""
        return memory_overflows(len(self.memos), self.trigger)

    def remember(self, text: str, *, sources: Iterable[str] = ()) -> Memory:
        """Return the memory with one more memo; over the cap the oldest memo that is no summary falls out."""
        memos = [*self.memos, Memo(text=text, sources=tuple(sources))]
        num_over = len(memos) - self.cap
        for _ in range(num_over):
            plain = next((place for place, memo in enumerate(memos) if not memo.is_summary), 0)
            del memos[plain]
        return replace(self, memos=tuple(memos), num_dropped=self.num_dropped + max(0, num_over))

    def compact(self, summary: str) -> Memory:
        """Return the memory with one summary in place of all memos; a blank summary changes nothing."""
        if not summary.strip() or not self.memos:
            return self
        sources = dict.fromkeys(source for memo in self.memos for source in memo.sources)
        return replace(self, memos=(Memo(text=summary.strip(), sources=tuple(sources), is_summary=True),))

    def texts(self) -> tuple[str, ...]:
        """Return what is remembered, oldest first."""
        return tuple(memo.text for memo in self.memos)


@dataclass(frozen=True, slots=True, kw_only=True)
class CritiqueLog:
    """Critiques not yet summarised, and the long-log summaries of the others; closed after `limit` summaries."""

    trigger: int = CRITIQUE_TRIGGER
    limit: int = CRITIQUE_SUMMARIES
    critiques: tuple[str, ...] = ()
    summaries: tuple[str, ...] = ()
    num_dropped: int = 0

    def __post_init__(self) -> None:
        _at_least_one(self.trigger, "critiques.trigger")
        _at_least_one(self.limit, "critiques.limit")

    @property
    def is_closed(self) -> bool:
        """Whether no more critiques are to be written."""
        return critiques_end(len(self.summaries), self.limit)

    @property
    def needs_compaction(self) -> bool:
        """Whether a long-log summary is due."""
        return critiques_overflow(len(self.critiques), self.trigger)

    def add(self, critique: str) -> CritiqueLog:
        """Return the log with one more critique; a blank one, or any to a closed log, changes nothing.

        A log that waits for its summary drops its oldest critique and counts it.
        """
        if self.is_closed or not critique.strip():
            return self
        critiques = (*self.critiques, critique.strip())
        num_over = max(0, len(critiques) - self.trigger - 1)
        return replace(self, critiques=critiques[num_over:], num_dropped=self.num_dropped + num_over)

    def compact(self, summary: str) -> CritiqueLog:
        """Return the log with one more summary in place of its critiques; a blank summary changes nothing."""
        if self.is_closed or not summary.strip() or not self.critiques:
            return self
        return replace(self, critiques=(), summaries=(*self.summaries, summary.strip()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """What has reached an agent and was not taken yet, first in, first out."""

    waiting: tuple[Memo, ...] = ()

    def deliver(self, *memos: Memo) -> Inbox:
        """Return the inbox with more memos at its end."""
        return replace(self, waiting=self.waiting + memos)

    def take(self, size: int = BLOCK_SIZE) -> tuple[tuple[Memo, ...], Inbox]:
        """Return the oldest memos, at most `size`, and the inbox without them."""
        _at_least_one(size, "block size")
        return self.waiting[:size], replace(self, waiting=self.waiting[size:])


def _at_least_one(value: int, name: str) -> None:
    if value < 1:
        raise UserError(f"{name} = {value} is too small.", "It must be at least 1.", "raise it.")
