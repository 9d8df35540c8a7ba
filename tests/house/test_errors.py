"""Every `UserError` of these rooms says why and what to do, not only what was given."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("sim", "selfalign/build", "selfalign/eras", "selfalign/gate", "selfalign/label", "selfalign/loop",
         "selfalign/policy", "selfalign/train", "societies/coevolution", "societies/scenes")  # fmt: skip
PARTS = ("given", "why", "fix")


def silent(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield (line, part) of each call of UserError whose why or fix is left out or an empty text."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or getattr(node.func, "id", "") != "UserError":
            continue
        if any(isinstance(one, ast.Starred) for one in node.args) or any(one.arg is None for one in node.keywords):
            continue
        given = dict(zip(PARTS, node.args, strict=False)) | {one.arg: one.value for one in node.keywords}
        for part in PARTS:
            found = given.get(part)
            if found is None or (isinstance(found, ast.Constant) and not found.value):
                yield node.lineno, part


def test_an_empty_reason_is_found() -> None:
    assert list(silent(ast.parse('UserError("a", "", "do b")\nUserError("a", why="c")'))) == [(1, "why"), (2, "fix")]


@pytest.mark.parametrize("room", ROOMS)
def test_every_error_says_why_and_what_to_do(room: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line} has no {part}"
        for path in sorted((ROOT / room).rglob("*.py"))
        for line, part in silent(ast.parse(path.read_text("utf-8")))
    ]
    assert found == []
