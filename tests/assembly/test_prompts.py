"""Every prompt of the assembly: its snapshot, its shared beginning, and hostile texts.

To renew snapshots after a deliberate new version: FOLKMOOT_SNAPSHOTS=write pytest tests/assembly/test_prompts.py
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from agents.prompts import prompt_names, render_messages
from tests.prompt_checks import assert_held, attacked, needed

PACKAGE = "societies.assembly"
SNAPSHOTS = Path(__file__).parent / "snapshots"
VIEW: dict[str, Any] = {
    "question": "Should the town have a park?",
    "affirming": "The town should have a park.",
    "negating": "The town should have no park.",
    "briefing": [{"id": "E1", "claim": "Trees cool a street."}],
    "card": "Ann, 40, gardener",
    "manner": "You speak plainly.",
    "notes": ["Trees matter to Bo."],
    "statement": "We want a park.",
    "item": "What do trees do?",
    "witness": "Mara Lind",
    "role": "expert",
    "stance": "for",
    "asked": "What does a park cost?",
    "unheard": True,
    "other": "Otto Brandt",
    "testimony": [{"name": "Mara Lind", "text": "It costs little [E1]."}],
    "turns": [{"id": "T1.1.1", "name": "Bo", "text": "I like trees."}],
    "prompted": "Who has no garden?",
    "devil": True,
    "task": "future",
    "speaker": "Bo",
    "speech": "I like trees, because they cool the street.",
    "rubric": "justification: How are demands supported? 0 = not at all; 1 = by a reason.",
    "silent": ["Cy"],
    "opinion": "I want shade.",
    "opinions": ["I want shade.", "I want a bench."],
    "winner": "We want a park with benches.",
    "critiques": ["It says nothing of the cost."],
    "clause": "We want benches.",
    "dissent": "We would plant a hedge instead.",
    "kind": "replace",
    "old": "We want ten benches.",
    "why": "Ten are too many.",
    "num": 2,
    "first": "Care\n- PEOPLE who need shade",
    "second": "Thrift\n- COSTS that return each year",
    "low": "Care\n- PEOPLE who need shade",
    "high": "Thrift\n- COSTS that return each year",
    "story": "I saw the bill.",
    "arguments": [{"name": "Bo", "text": "I choose the park."}],
}
FRAGMENTS = {"rules.v1", "matter.v1", "motion.v1", "self.v1", "stubborn.v1", "reward.v1"}
NAMES = prompt_names(PACKAGE)


def shown(name: str, **changes: Any) -> str:
    view = {key: VIEW[key] for key in needed(PACKAGE, name)}
    messages = render_messages(PACKAGE, name, **{**view, **changes})
    return "\n".join(f"--- {message.role}\n{message.content}" for message in messages) + "\n"


@pytest.mark.parametrize("name", NAMES)
def test_the_rendered_prompt_is_its_snapshot(name: str) -> None:
    path = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("FOLKMOOT_SNAPSHOTS") == "write":
        path.write_text(shown(name), encoding="utf-8")
    assert shown(name) == path.read_text(encoding="utf-8")


def test_no_snapshot_is_left_over() -> None:
    assert sorted(path.stem for path in SNAPSHOTS.glob("*.txt")) == NAMES


@pytest.mark.parametrize("name", sorted(set(NAMES) - FRAGMENTS))
def test_a_prompt_is_rules_first_and_the_person_after_what_is_shared(name: str) -> None:
    parts = shown(name).split("--- user\n")
    assert parts[0].removeprefix("--- system\n").strip() == shown("rules.v1").removeprefix("--- user\n").strip()
    user = parts[-1]
    if "You are this citizen" in user and "The assembly has to answer" in user:
        assert user.index("The assembly has to answer") < user.index("You are this citizen")


@pytest.mark.parametrize("name", sorted(set(NAMES) - FRAGMENTS))
def test_no_text_closes_its_fence_or_opens_a_turn(name: str) -> None:
    view = {key: VIEW[key] for key in needed(PACKAGE, name)}
    assert_held(
        render_messages(PACKAGE, name, **view),
        render_messages(PACKAGE, name, **attacked(view, keep=("id", "stance", "kind"))),
    )
