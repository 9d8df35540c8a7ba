"""Questions to people: what waits, for how long, and what comes too late."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from agents.errors import UserError
from agents.requests import Generate, Message
from sim.desk import answer, ask, pending

REQUEST = Generate(messages=(Message("user", "A park?"),), purpose="t/ask.v1")


def test_a_question_whose_time_is_over_waits_no_more(tmp_path: Path) -> None:
    missed = ask(tmp_path, "c000", "r1.play/a#0", REQUEST, until=time.time() - 1)
    asked = ask(tmp_path, "c000", "r1.play/a#1", REQUEST, until=time.time() + 60)
    assert [one.number for one in pending(tmp_path)] == [asked.number]
    with pytest.raises(UserError, match="The time for this question is over"):
        answer(tmp_path, missed, "yes")
    answer(tmp_path, asked, "yes")
    assert pending(tmp_path) == []


def test_a_question_that_a_resumed_run_asks_again_has_its_new_time(tmp_path: Path) -> None:
    first = ask(tmp_path, "c000", "r1.play/a#0", REQUEST, until=time.time() - 60)
    later = ask(tmp_path, "c001", "r1.play/b#0", REQUEST)
    again = ask(tmp_path, "c000", "r1.play/a#0", REQUEST, until=time.time() + 60)
    assert again.number == first.number
    assert [one.number for one in pending(tmp_path)] == [first.number, later.number], "as old as it was"
    assert pending(tmp_path)[0].until == again.until
