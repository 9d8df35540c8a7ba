from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import UserError
from agents.memory import (
    CritiqueLog,
    Inbox,
    Memo,
    Memory,
    blocks,
    critiques_end,
    critiques_overflow,
    memory_overflows,
)


def filled(*texts: str) -> Memory:
    memory = Memory()
    for number, text in enumerate(texts):
        memory = memory.remember(text, sources=[f"i{number}"])
    return memory


def test_the_triggers_are_the_papers() -> None:
    assert [memory_overflows(n) for n in (3, 4)] == [False, True]
    assert [critiques_overflow(n) for n in (8, 9)] == [False, True]
    assert [critiques_end(n) for n in (3, 4)] == [False, True]


def test_the_fourth_item_asks_for_compaction() -> None:
    assert not filled("a", "b", "c").needs_compaction
    assert filled("a", "b", "c", "d").needs_compaction


def test_compaction_leaves_one_summary_that_knows_its_sources() -> None:
    memory = filled("a", "b", "c", "d").compact(" all of it ")
    assert memory.memos == (Memo(text="all of it", sources=("i0", "i1", "i2", "i3"), is_summary=True),)
    assert not memory.needs_compaction


def test_a_blank_summary_loses_nothing() -> None:
    memory = filled("a", "b", "c", "d")
    assert memory.compact("  \n") == memory


def test_without_compaction_the_oldest_plain_memo_falls_out_and_is_counted() -> None:
    memory = filled("a", "b", "c", "d").compact("sum").remember("e").remember("f").remember("g").remember("h")
    assert memory.texts() == ("sum", "f", "g", "h")
    assert memory.num_dropped == 1


def test_an_earlier_state_is_untouched_by_later_ones() -> None:
    before = filled("a")
    before.remember("b").compact("c")
    assert before.texts() == ("a",)


@given(st.integers(1, 6), st.lists(st.sampled_from(["add", "compact", "fail"]), max_size=60))
def test_memory_never_exceeds_its_cap(trigger: int, acts: list[str]) -> None:
    memory, num_added = Memory(trigger=trigger), 0
    for act in acts:
        num_added += act == "add"
        memory = memory.remember(f"memo {num_added}") if act == "add" else memory.compact("sum" * (act == "compact"))
        assert len(memory.memos) <= memory.cap
        assert memory.needs_compaction == (len(memory.memos) > trigger)
    assert memory.num_dropped <= num_added


def test_nine_critiques_make_a_long_log_and_the_fourth_closes_it() -> None:
    log = CritiqueLog()
    for _ in range(4):
        for number in range(9):
            assert not log.needs_compaction
            log = log.add(f"critique {number}")
        assert log.needs_compaction
        log = log.compact("long log")
    assert log.is_closed and len(log.summaries) == 4
    assert log.add("one more") == log


def test_a_log_that_waits_for_its_summary_stays_bounded() -> None:
    log = CritiqueLog()
    for number in range(30):
        log = log.add(f"critique {number}")
    assert log.critiques == tuple(f"critique {number}" for number in range(21, 30))
    assert log.num_dropped == 21


def test_an_inbox_hands_over_at_most_ten_oldest_first() -> None:
    memos = tuple(Memo(text=str(number)) for number in range(13))
    first, rest = Inbox().deliver(*memos[:4]).deliver(*memos[4:]).take()
    second, empty = rest.take()
    assert first == memos[:10] and second == memos[10:] and empty == Inbox()


@given(st.lists(st.integers()), st.integers(1, 12))
def test_blocks_keep_order_and_size(items: list[int], size: int) -> None:
    cut = blocks(items, size)
    assert [item for block in cut for item in block] == items
    assert all(0 < len(block) <= size for block in cut)


@pytest.mark.parametrize("make", [lambda: Memory(trigger=0), lambda: CritiqueLog(limit=0), lambda: Inbox().take(0)])
def test_a_bound_below_one_is_refused(make: object) -> None:
    with pytest.raises(UserError, match="too small"):
        make()  # type: ignore[operator]
