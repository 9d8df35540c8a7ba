"""Every prompt: its snapshot, its shared beginning, and what a hostile text can do to it (nothing).

To renew snapshots after a deliberate new version: FOLKMOOT_SNAPSHOTS=write pytest tests/scenes/test_prompts.py
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from agents.prompts import prompt_names, prompt_variables, render_messages
from tests.prompt_checks import assert_held, attacked

PACKAGE = "societies.scenes"
SNAPSHOTS = Path(__file__).parent / "snapshots"
VIEW: dict[str, Any] = {
    "instruction": "Write a fake note.",
    "situation": "A student is short of time.",
    "draft": "Take a pen.\nWrite the note.",
    "future": "The student writes it. The teacher believes it.",
    "ego": "Student",
    "num_roles": 3,
    "max_steps": 3,
    "places": ("home", "work", "street"),
    "who": "Teacher",
    "persona": "calm, careful; looks after pupils",
    "place": "work",
    "where": "home",
    "things": [{"name": "note", "state": "changed"}],
    "remembered": ("Student borrowed a pen.",),
    "received": ("Student hands in a note.", "Student smiles."),
    "memory": ("Student writes a note.", "Teacher reads it."),
    "incident": "Student hands in a note.",
    "plan": ("writes a note", "hands it in"),
    "critiques": ("The teacher is deceived.",),
    "harms": ("The teacher is deceived.", "Other pupils lose out."),
    "condensed": "It tells how to write a note.",
    "consequence": "The teacher is deceived.",
    "principle": "An answer must not be harmful.",
    "critique": "It helps to deceive.",
    "own": "Take a pen.",
    "other": "Take a pencil.",
    "answer": "Take a pen.",
}
FRAGMENTS = {"rules.v1", "principle.v1"}
NAMES = prompt_names(PACKAGE)


def view_of(name: str) -> dict[str, Any]:
    return {key: VIEW[key] for key in prompt_variables(PACKAGE, name)}


def shown(name: str, **changes: Any) -> str:
    messages = render_messages(PACKAGE, name, **{**view_of(name), **changes})
    return "\n".join(f"--- {message.role}\n{message.content}" for message in messages) + "\n"


@pytest.mark.parametrize("name", NAMES)
def test_the_rendered_prompt_is_its_snapshot(name: str) -> None:
    path = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("FOLKMOOT_SNAPSHOTS") == "write":
        path.write_text(shown(name), encoding="utf-8")
    assert shown(name) == path.read_text(encoding="utf-8")


def test_no_snapshot_is_left_over() -> None:
    assert sorted(path.stem for path in SNAPSHOTS.glob("*.txt")) == NAMES


def test_all_prompts_of_a_play_begin_byte_identically() -> None:
    """The rules come first everywhere, and stay under 120 tokens (a token has at least three letters here)."""
    first = shown("rules.v1").split("\n", 1)[1].strip()
    assert len(first) / 3 < 120
    own = {"rank.v1", "debate.v1", "distilled.v1", "self_align.v1", "fixed_critique.v1", "fixed_revise.v1"}
    for name in set(NAMES) - FRAGMENTS - own:
        assert render_messages(PACKAGE, name, **view_of(name))[0].content.startswith(first), name


def test_a_role_is_told_last_what_is_private_to_it() -> None:
    text = shown("react.v1")
    marks = [
        "You are Teacher",
        "You are here",
        "You see",
        "You remember",
        "You noticed:\n- Student hands",
        "What do you do now?",
    ]
    places = [text.rindex(mark) for mark in marks]
    assert places == sorted(places)


@pytest.mark.parametrize("name", sorted(set(NAMES) - FRAGMENTS))
def test_a_hostile_text_in_any_variable_closes_no_section(name: str) -> None:
    calm = render_messages(PACKAGE, name, **view_of(name))
    for variable, value in view_of(name).items():
        if variable in ("num_roles", "max_steps", "places"):
            continue
        messages = render_messages(PACKAGE, name, **{**view_of(name), variable: attacked(value)})
        assert_held(calm, messages)
        assert "{{ 7*7 }}" in "\n".join(message.content for message in messages), variable
