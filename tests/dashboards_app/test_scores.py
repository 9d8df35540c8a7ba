"""What was measured, as charts: one unit an axis, no null that flattens it, and no label cut off at its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from agents.instruments.frames import scores_frame
from agents.registry import find
from dashboards import charts, charts_coevolution
from dashboards.charts_scores import axis_of, intervals
from dashboards.frames import measures_frame
from dashboards.measures import measures_of
from dashboards.scale_units import PROBABILITY, SHARE, panels_of, short_names, unit_of
from dashboards.sources import Reader
from sim.tables import write_frame
from tests.dashboards.fake_run import make_run, score_row, score_rows
from tests.dashboards_app.test_pages import Opened, opened, words

__all__ = ["opened"]
FAR_NULLS = ((8.0, "null 8 →"), (-3.0, "← null -3"))


def points(*rows: tuple[str, str, float, float], null: float | None = None) -> pl.DataFrame:
    """Return points of two stages: (scale, unit, point, half of its interval)."""
    found = [
        {"scale": scale, "unit": unit, "stage": stage, "point": point, "lo": point - half, "hi": point + half, "n": 9,
         "null": null}
        for scale, unit, point, half in rows
        for stage in ("r0.measure", "r1.measure")
    ]  # fmt: skip
    return pl.DataFrame(found)


@pytest.mark.parametrize(
    ("scale", "unit"),
    [
        (("safety", "harmful_compliance"), SHARE),
        (("overrefusal", "safe_refusal"), SHARE),
        (("choice_agreement", "agreement_each_order_held"), SHARE),
        (("choice_agreement", "gap_held"), ""),
        (("choice_agreement", "choice_label_mass"), PROBABILITY),
        (("moralchoice", "action1_high"), PROBABILITY),
        (("moralchoice", "entropy_high"), ""),
        (("value_vector", "fairness", "foundations"), "value dimensions, foundations"),
        (("value_vector", "order_gap"), ""),
        (("lm_loss", "bits_per_byte"), "bits a byte"),
        (("somebody_elses", "anything"), ""),
    ],
)
def test_a_scale_is_a_share_only_where_it_counts_items(scale: tuple[str, ...], unit: str) -> None:
    assert unit_of(*scale) == unit


def test_the_units_are_those_of_scales_that_the_instruments_have() -> None:
    """A scale that is renamed would otherwise lose its unit in silence."""
    from agents.instruments import lm_loss, moralchoice, pairwise

    names = {
        "lm_loss": [one.name for one in lm_loss.SCALES],
        "win_rate": [one.name for one in pairwise.SCALES],
        "moralchoice": [one.name for one in moralchoice.instrument.load(moralchoice.MoralChoiceConfig()).scales],
    }
    units = {(kind, name): unit_of(kind, name) for kind, own in names.items() for name in own}
    assert set(units.values()) == {SHARE, PROBABILITY, "nats a token", "bits a byte", ""}
    assert {name for (_, name), unit in units.items() if not unit} == {
        "entropy_high", "consistency", "first_slot_excess"
    }  # fmt: skip
    for name in ("safety", "overrefusal", "choice_agreement", "value_vector", "value_follow"):
        assert find("instruments", name).name == name


def test_scales_of_one_unit_share_a_panel_and_others_have_their_own() -> None:
    found = panels_of(points(("a", "", 1, 0), ("b", "nats", 1, 0), ("c", "nats", 1, 0), ("d", "bits", 1, 0)))
    assert [(one.title, one.scales) for one in found] == [("a", ("a",)), ("nats", ("b", "c")), ("d", ("d",))]
    assert [one.unit for one in found] == ["", "nats", "bits"]


def test_scales_of_one_panel_are_named_without_what_all_of_them_share() -> None:
    both = ("value vector: fairness, foundations", "value vector: purity, foundations")
    assert list(short_names(both).values()) == ["fairness", "purity"]
    assert short_names(("lm loss: nats", "moral: nats, low")) == {
        "lm loss: nats": "lm loss: nats", "moral: nats, low": "moral: nats, low"
    }  # fmt: skip


@pytest.mark.parametrize(("null", "said"), FAR_NULLS)
def test_a_null_far_away_is_told_and_does_not_flatten_the_points(null: float, said: str) -> None:
    frame = points(("bits", "bits", 1.2, 0.1), null=null)
    low, high, far = axis_of(frame)
    assert 0.2 / (high - low) > 0.5, "the interval takes more than half of the axis"
    assert far["words"].to_list() == [said]
    layers = intervals(frame, by="stage").to_dict()["layer"]
    assert [one["mark"]["type"] for one in layers] == ["rule", "point", "text"]


def test_a_null_nearby_is_drawn_and_stays_on_the_axis() -> None:
    frame = points(("bits", "bits", 1.2, 0.1), null=1.35)
    low, high, far = axis_of(frame)
    assert low < 1.1 and high > 1.35 and far.is_empty()
    assert [one["mark"]["type"] for one in intervals(frame, by="stage").to_dict()["layer"]] == ["tick", "rule", "point"]


def test_shares_stand_on_the_whole_axis() -> None:
    low, high, far = axis_of(points(("a", SHARE, 0.02, 0.02), null=1.0), whole=True)
    assert low < 0 and 1 < high < 1.2 and far.is_empty()


def test_points_without_intervals_and_without_a_null_are_drawn() -> None:
    frame = points(("a", "", 0.0, 0.0)).with_columns(lo=pl.lit(None), hi=pl.lit(None))
    low, high, _ = axis_of(frame)
    assert low < 0 < high
    assert intervals(frame, by="stage", title="a").to_dict()["layer"]


def _x_axes(spec: Any) -> list[dict[str, Any]]:
    layers = [one["encoding"]["x"] for one in spec["layer"] if "axis" in one["encoding"].get("x", {})]
    return [one["axis"] for one in layers]


def test_no_label_at_the_end_of_a_score_axis_is_cut_off() -> None:
    frame = points(("a", "", 0.9, 0.1), null=0.8)
    arms = frame.with_columns(arm=pl.col("stage"))
    differ = frame.with_columns(difference=pl.col("point"), reading=pl.lit("better"))
    for drawn in (
        intervals(frame, by="stage"),
        charts_coevolution.points(arms, title="score", x="score", order=["r0.measure", "r1.measure"]),
        charts.differences(differ),
    ):
        axes = _x_axes(drawn.to_dict())
        assert axes
        assert {one["labelFlush"] for one in axes} == {charts.FLUSH}


@pytest.mark.slow
def test_the_loop_page_keeps_shares_apart_from_values(opened: Opened, tmp_path: Path) -> None:
    run = make_run(tmp_path)
    values = {"instrument": "value_vector", "mode": "letter", "n": 20}
    for stage, name in (("r0.measure", "base"), ("r1.measure", "p1")):
        more = [
            score_row(
                "fairness", 0.4, 0.1, better=0, policy=name, group="foundations", null=("uniform", 25.0), **values
            ),
            score_row("order_gap", 0.1, 0.05, better=-1, policy=name, **values),
            score_row("label_mass", 0.9, 0.05, better=1, policy=name, **values),
        ]
        write_frame(run.folder / "scores" / f"{stage}.parquet", scores_frame([*score_rows(name), *more]))
    frame = measures_frame(measures_of(Reader(run), ()))
    assert set(frame["unit"]) == {SHARE, PROBABILITY, "nats a token", "value dimensions, foundations", ""}
    at = opened(tmp_path, "loop")
    assert not at.exception
    shown = [set(one.value["unit"]) for one in at.dataframe if {"scale", "unit"} <= set(one.value.columns)]
    assert shown == [{SHARE}, {PROBABILITY}, {"nats a token", "value dimensions, foundations", ""}]
    said = words(at).replace("\\", "")
    assert "Shares: 3 scales with 95 % intervals" in said
    assert "Other units, each on an axis of its own: 3 scales with 95 % intervals, n = 12 to 20." in said
