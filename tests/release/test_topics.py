"""Rows on one topic are on one side of a release, and `verify` sees where they are not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from selfalign.release.checks_rows import crossing
from selfalign.release.origins import Origins
from selfalign.release.schemas import ORIGIN
from selfalign.release.splits import groups
from selfalign.samples import topics_of


def origin(run: str, topic: str, question: str) -> dict[str, Any]:
    blank = {name: [] if str(kind).startswith("list") else 0 if "int" in str(kind) else "" for name, kind in ORIGIN}
    return blank | {"run_id": run, "scene_id": "assembly-0", "topics": topics_of(topic, question)}


@pytest.mark.parametrize(("by_topic", "num_groups"), [(True, 2), (False, 3)])
def test_one_question_in_two_runs_is_one_group(by_topic: bool, num_groups: int) -> None:
    origins = Origins(by_topic=by_topic)
    for run, topic, question in (
        ("a", "housing", "Should the city cap rents?"),
        ("b", "", "Should the city cap  rents?"),
        ("c", "work", "Should weeks have four days?"),
    ):
        origins.add(origin(run, topic, question), [f"scene|{run}"])
    assert len(set(groups(origins.keys))) == num_groups


class Lines:
    """A release of no config whose lineage is given: what `crossing` asks of a release."""

    def __init__(self, lines: Sequence[dict[str, Any]], split_by: list[str]) -> None:
        self._lines, self._split_by = lines, split_by

    def settings(self) -> dict[str, Any]:
        return {"split_by": self._split_by}

    def configs(self) -> list[str]:
        return []

    def lines(self, columns: list[str]) -> Iterator[dict[str, Any]]:
        for line in self._lines:
            yield {name: line[name] for name in columns}


def test_a_topic_on_two_sides_is_found() -> None:
    lines = [
        {**origin(run, "Housing", f"Question of {run}?"), "group": run, "split": split}
        for run, split in (("a", "train"), ("b", "test"))
    ]
    wrong, _ = crossing(Lines(lines, ["scene", "topic"]))  # type: ignore[arg-type]
    assert wrong == ["topic housing is on two sides"]
    for line in lines:
        del line["topics"]  # as an older version wrote it
    assert crossing(Lines(lines, ["scene"])) == ([], 0)  # type: ignore[arg-type]
