"""Lines of the overview: only what has two values, in the order of steps and stages."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from dashboards.sources import Reader
from dashboards.sparks import group_words, line, sparks_of, varied
from sim.metrics import metric_schema
from sim.store import Run


def run_with(tmp_path: Path, rows: list[dict[str, object]]) -> Run:
    run = Run.create(tmp_path, "test", {"name": "test"}, {})
    base = dict.fromkeys(metric_schema()) | {"group": "", "clock": "", "definition": "what it is"}
    pl.DataFrame([base | row for row in rows], schema=metric_schema()).write_parquet(run.folder / "metrics.parquet")
    return run


def test_a_scale_is_followed_over_policies_and_a_curve_over_steps(tmp_path: Path) -> None:
    score = {"source": "scores", "name": "safety/refuses", "n": 8, "lo": 0.1, "hi": 0.9, "null": 0.0}
    run = run_with(
        tmp_path,
        [
            score | {"stage": "r1.measure", "group": "policy=p1", "value": 0.5},
            score | {"stage": "r0.measure", "group": "policy=base", "value": 0.25},
            {
                "source": "training",
                "name": "loss",
                "stage": "r1.train",
                "clock": "train step",
                "step": 10,
                "value": 0.5,
            },
            {"source": "training", "name": "loss", "stage": "r1.train", "clock": "train step", "step": 9, "value": 0.7},
            {"source": "account", "name": "requests", "stage": "r1.play", "value": 4.0},
        ],
    )
    refuses, loss = sparks_of(Reader(run))
    assert refuses.values == (0.25, 0.5)
    assert "interval 0.1 to 0.9, n 8" in refuses.meaning
    assert "Null 0." in refuses.meaning
    assert loss.values == (0.7, 0.5)
    assert loss.along == "train step in r1.train"


def test_what_keeps_equal_numbers_apart_is_told_in_words() -> None:
    assert group_words("arm=no_ai, replica=0") == "arm no AI, replica 0"
    assert group_words("policy=p1") == "policy p1"
    assert group_words("") == ""


def test_a_run_without_metrics_has_no_lines(tmp_path: Path) -> None:
    assert sparks_of(Reader(Run.create(tmp_path, "test", {"name": "test"}, {}))) == []


def test_lines_are_of_as_many_kinds_as_there_are_and_repeat_nothing(tmp_path: Path) -> None:
    rows = [
        {"source": "events", "name": name, "group": f"arm={arm}", "stage": "r1.play", "clock": "t", "step": step,
         "value": base + step * (0 if name == "same" else arm)}
        for name, base in (("same", 1.0), ("spread", 2.0), ("lag", 3.0)) for arm in range(1, 6) for step in range(3)
    ]  # fmt: skip
    drawn = varied(sparks_of(Reader(run_with(tmp_path, rows))), 5)
    assert [one.name for one in drawn] == ["lag", "lag", "same", "spread", "spread"]
    assert len({one.values for one in drawn}) == 5
    spec = line(drawn[0])
    assert [point["value"] for point in spec["data"]["values"]] == list(drawn[0].values)
    assert spec["config"]["aria"] is False
