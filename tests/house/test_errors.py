"""Every `UserError` of every room says why and what to do, not only what was given."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("agents", "societies", "sim", "selfalign", "dashboards")
PARTS = ("given", "why", "fix")
PASSED_ON = {
    "selfalign/train/runner.py": "the training child wrote its own refusal to a file, and it is raised again as it was",
    "sim/engines/ray.py": "a replica sent its own refusal from another process, and it is raised again as it was",
}
"""Files that raise a refusal made elsewhere from all its parts at once (*parts or **parts), and why they may."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def may_be_empty(value: ast.expr | None, texts: dict[str, list[ast.expr]]) -> bool:
    """Return whether a part may be an empty text on some way through. texts: what each name of a function can be."""
    match value:
        case None:
            return True
        case ast.Constant(value=text):
            return not text
        case ast.JoinedStr(values=pieces):
            return not pieces
        case ast.IfExp(body=one, orelse=other):
            return may_be_empty(one, texts) or may_be_empty(other, texts)
        case ast.BoolOp(op=ast.Or(), values=values):
            return may_be_empty(values[-1], texts)
        case ast.Name(id=name):
            rest = {key: values for key, values in texts.items() if key != name}
            return any(may_be_empty(one, rest) for one in texts.get(name, ()))
    return False


def texts_of(function: ast.AST) -> dict[str, list[ast.expr]]:
    """Return name -> what a function assigns to it, the defaults of its arguments among it."""
    found: dict[str, list[ast.expr]] = {}
    if isinstance(function, _Function):
        given = function.args
        named = [*given.posonlyargs, *given.args]
        for argument, default in zip(named[len(named) - len(given.defaults) :], given.defaults, strict=True):
            found.setdefault(argument.arg, []).append(default)
        for argument, value in zip(given.kwonlyargs, given.kw_defaults, strict=True):
            if value is not None:
                found.setdefault(argument.arg, []).append(value)
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = list(zip(target.elts, node.value.elts, strict=False))
                else:
                    pairs = [(target, node.value)]
                for one, value in pairs:
                    if isinstance(one, ast.Name):
                        found.setdefault(one.id, []).append(value)
    return found


def refusals(tree: ast.AST) -> Iterator[tuple[ast.Call, dict[str, list[ast.expr]]]]:
    """Yield each call of UserError, or of a class made from it, with what the names around it can be."""
    made_from = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and any(getattr(base, "id", "") == "UserError" for base in node.bases)
    }

    def walk(node: ast.AST, texts: dict[str, list[ast.expr]]) -> Iterator[tuple[ast.Call, dict[str, list[ast.expr]]]]:
        if isinstance(node, _Function):
            texts = texts_of(node)
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name == "UserError" or name in made_from:
                yield node, texts
        for child in ast.iter_child_nodes(node):
            yield from walk(child, texts)

    return walk(tree, {})


def silent(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield (line, part) of each refusal whose part is left out or may be empty, or whose reason is only a guess at
    what was meant (that says what to do); "all" where it has all parts at once.
    """
    for node, texts in refusals(tree):
        if any(isinstance(one, ast.Starred) for one in node.args) or any(one.arg is None for one in node.keywords):
            yield node.lineno, "all"
            continue
        given = dict(zip(PARTS, node.args, strict=False)) | {one.arg: one.value for one in node.keywords}
        yield from ((node.lineno, part) for part in PARTS if may_be_empty(given.get(part), texts))
        if getattr(getattr(given.get("why"), "func", None), "id", "") == "did_you_mean":
            yield node.lineno, "why"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('UserError("a", "", "do b")', [(1, "why")]),
        ('UserError("a", why="c")', [(1, "fix")]),
        ('UserError("a", "b" if c else "", "d")', [(1, "why")]),
        ('UserError("a", b or "", "d")', [(1, "why")]),
        ('errors.UserError("a", "b")', [(1, "fix")]),
        ('def f(fix=""):\n    UserError("a", "b", fix)', [(2, "fix")]),
        ('def f(*, fix=""):\n    UserError("a", "b", fix)', [(2, "fix")]),
        ('def f():\n    why, fix = "", "c"\n    UserError("a", why, fix)', [(3, "why")]),
        ('class Mine(UserError): ...\nMine("a")', [(2, "why"), (2, "fix")]),
        ("UserError(*parts)", [(1, "all")]),
        ('UserError("a", did_you_mean(b, c), "d")', [(1, "why")]),
        ('def f(fix):\n    why = "b" if c else "d"\n    UserError("a", why, f"{fix}")', []),
    ],
)
def test_a_missing_part_is_found(code: str, expected: list[tuple[int, str]]) -> None:
    assert list(silent(ast.parse(code))) == expected


@pytest.mark.parametrize("room", ROOMS)
def test_every_error_says_why_and_what_to_do(room: str) -> None:
    checked, found, passed_on = 0, [], set()
    for path in sorted((ROOT / room).rglob("*.py")):
        name, tree = path.relative_to(ROOT).as_posix(), ast.parse(path.read_text("utf-8"))
        checked += sum(1 for _ in refusals(tree))
        for line, part in silent(tree):
            if part == "all" and name in PASSED_ON:
                passed_on.add(name)
            else:
                found.append(f"{name}:{line} has no {part}")
    assert found == []
    assert passed_on == {name for name in PASSED_ON if name.startswith(f"{room}/")}  # an exception without use goes
    assert checked > 50
