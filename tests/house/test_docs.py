"""What the documents say is so."""

from __future__ import annotations

import os
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("agents", "societies", "sim", "selfalign", "dashboards", "tests", "benchmarks")


def counts(room: str) -> tuple[int, int]:
    files = [p for p in (ROOT / room).rglob("*.py") if "__pycache__" not in p.parts]
    return len(files), sum(len(p.read_text(encoding="utf-8").splitlines()) for p in files)


def test_the_size_of_the_house_is_told_to_a_tenth() -> None:
    path = ROOT / "docs" / "architecture.md"
    text = path.read_text(encoding="utf-8")
    if os.environ.get("FOLKMOOT_UPDATE_SNAPSHOTS"):
        head, mark, _ = text.partition("| room | files | lines |\n|---|---|---|\n")
        rows = "".join(f"| `{room}/` | {counts(room)[0]} | {counts(room)[1]:,} |\n" for room in ROOMS)
        text = head + mark + rows
        path.write_text(text, encoding="utf-8")
    told = {
        m[1]: (int(m[2]), int(m[3].replace(",", ""))) for m in re.finditer(r"\| `(\w+)/` \| (\d+) \| ([\d,]+) \|", text)
    }
    for room in ROOMS:
        for said, actual in zip(told[room], counts(room), strict=True):
            assert abs(said - actual) <= 0.1 * actual + 1, f"{room}: docs say {said}, it is {actual}"


def test_python_in_the_readme_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})


def test_files_that_the_architecture_names_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for name in re.findall(
        r"`((?:agents|societies|sim|selfalign|dashboards|conf|tests|docs)/[\w/.]+\.(?:py|yaml|md))`", text
    ):
        assert "NAME" in name or (ROOT / name).exists(), name
