"""Two runs beside each other: pairs where there are pairs, and no interval where there are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from agents.instruments.frames import responses_frame, scores_frame
from agents.instruments.safety import SafetyConfig, instrument
from agents.instruments.types import Reading
from dashboards.frames_compare import difference_rows
from dashboards.made import apart
from dashboards.measures import Measure, Point, measures_of
from dashboards.pairing import (
    Side,
    compared_items,
    opening_pair,
    paired_numbers,
    same_making,
    siblings,
    side_of,
)
from dashboards.sources import Reader
from sim.store import Run
from sim.tables import write_frame, write_json
from tests.dashboards_app.test_pages import Opened, opened, words

__all__ = ["opened"]
CONFIG = {
    "name": "x", "seed": 1, "paths": {"runs": "x", "data": ""},
    "measure": {"judge_policy": "base", "instruments": [{"name": "safety", "num_harmful": 20, "num_ordinary": 1}]},
}  # fmt: skip
MADE = {
    "git": {"commit": "a" * 40, "dirty": False}, "model": {"name": "m", "digest": "d1"}, "prompts": {"x/y.v1": "p"},
    "versions": {"folkmoot": "0.1.0", "torch": "2.13"},
}  # fmt: skip
SAFETY = instrument.load(SafetyConfig(num_harmful=20, num_ordinary=1))


def made(root: Path, *, name: str = "x", seed: int = 1, **more: Any) -> Run:
    return Run.create(root, name, {**CONFIG, "name": name, "seed": seed, **more}, {**MADE, "scripted": True})


def answered(run: Run, complies: set[int], version: str = "") -> None:
    """Write the answers to twenty harmful requests, some of them complied with, and their scores."""
    readings = [
        [Reading(instrument="safety", version=version or SAFETY.version, item=item.id, group=item.group,
                 subject="policy", policy="base", form="reply", mode="keyword",
                 label="complies" if number in complies else "refuses")]
        for number, item in enumerate(SAFETY.items)
    ]  # fmt: skip
    write_frame(run.folder / "responses" / "r0.measure.parquet", responses_frame(readings))
    write_frame(run.folder / "scores" / "r0.measure.parquet", scores_frame(SAFETY.score(readings)))


def numbers(run: Run, values: dict[tuple[str, int], float], *, replicas: bool = True) -> None:
    rows = [
        {"run": "x", "stage": "r1.play", "source": "events", "name": name, "step": 3, "value": value,
         "group": f"arm=ai, replica={replica}" if replicas else "arm=ai"}
        for (name, replica), value in values.items()
    ]  # fmt: skip
    write_frame(run.folder / "metrics.parquet", pl.DataFrame(rows))


def test_the_same_items_are_compared_item_by_item(tmp_path: Path) -> None:
    a, b = made(tmp_path), made(tmp_path)
    answered(a, set(range(20)))
    answered(b, set(range(8)))
    paired, reasons = compared_items(Reader(a), Reader(b))
    assert not reasons
    (key,) = [one for one in paired if one[2] == "harmful"]
    found = paired[key]
    assert (found.n, found.before, found.after, found.diff) == (20, 1.0, 0.4, -0.6)
    assert found.lo is not None and found.hi is not None and -0.85 < found.lo < -0.6 < found.hi < -0.3
    rows = difference_rows(measures_of(Reader(a), ()), measures_of(Reader(b), ()), paired)
    row = rows.filter(pl.col("how") == "item by item").row(0, named=True)
    assert (row["reading"], row["pairs"], row["hi"]) == ("differs", 20, found.hi)


def test_pairs_are_narrower_than_two_points_where_the_same_items_fall(tmp_path: Path) -> None:
    a, b = made(tmp_path), made(tmp_path)
    answered(a, set(range(10)))
    answered(b, set(range(11)))
    paired, _ = compared_items(Reader(a), Reader(b))
    measured = measures_of(Reader(a), ()), measures_of(Reader(b), ())
    with_pairs, without = (
        difference_rows(*measured, paired).row(0, named=True),
        difference_rows(*measured).row(0, named=True),
    )
    assert with_pairs["hi"] - with_pairs["lo"] < without["hi"] - without["lo"]
    assert (with_pairs["how"], without["how"]) == ("item by item", "not paired")


def test_other_items_or_prompts_are_not_paired_and_the_reason_is_said(tmp_path: Path) -> None:
    a, b = made(tmp_path), made(tmp_path)
    answered(a, {1})
    answered(b, {1}, version="another")
    paired, reasons = compared_items(Reader(a), Reader(b))
    assert not paired
    assert "same items" in reasons["safety"]


def test_answers_that_cannot_be_read_are_told_and_pair_nothing(tmp_path: Path) -> None:
    a, b = made(tmp_path), made(tmp_path)
    answered(a, {1})
    answered(b, {1})
    path = b.folder / "responses" / "r0.measure.parquet"
    pl.read_parquet(path).drop("logp").write_parquet(path)
    reader = Reader(b)
    assert compared_items(Reader(a), reader) == ({}, {})
    assert "responses/r0.measure.parquet" in reader.problems[0]


def test_numbers_are_paired_by_seed_and_replica(tmp_path: Path) -> None:
    a, b = made(tmp_path, seed=1), made(tmp_path, seed=1)
    numbers(a, {("entropy", n): 0.1 * n for n in range(6)} | {("only here", 0): 1.0})
    numbers(b, {("entropy", n): 0.1 * n + 0.5 + 0.01 * (n % 2) for n in range(6)})
    row = paired_numbers(side_of([Reader(a)]), side_of([Reader(b)])).row(0, named=True)
    assert (row["number"], row["pairs"], row["reading"]) == ("entropy, arm=ai", 6, "differs")
    assert row["difference"] == pytest.approx(0.505)
    assert 0.49 < row["lo"] < 0.505 < row["hi"] < 0.52


def test_other_seeds_are_no_pairs_and_have_no_interval(tmp_path: Path) -> None:
    a, b = made(tmp_path, seed=1), made(tmp_path, seed=2)
    numbers(a, {("entropy", n): 0.1 for n in range(6)})
    numbers(b, {("entropy", n): 0.9 for n in range(6)})
    row = paired_numbers(side_of([Reader(a)]), side_of([Reader(b)])).row(0, named=True)
    assert (row["pairs"], row["lo"], row["hi"], row["reading"]) == (0, None, None, "not paired")


def test_runs_of_other_seeds_stand_on_the_same_side(tmp_path: Path) -> None:
    left = [made(tmp_path, seed=n) for n in range(4)]
    right = [made(tmp_path, seed=n, society={"name": "x", "degree": 9}) for n in range(4)]
    for n, (a, b) in enumerate(zip(left, right, strict=True)):
        numbers(a, {("entropy", 0): n}, replicas=False)
        numbers(b, {("entropy", 0): n + 0.5}, replicas=False)
    row = paired_numbers(side_of(list(map(Reader, left))), side_of(list(map(Reader, right)))).row(0, named=True)
    assert (row["pairs"], row["difference"], row["reading"]) == (4, 0.5, "differs")


def test_two_pairs_have_no_interval() -> None:
    a = Side(seeds=("1",), values={("m", ""): {("1", "0"): 1.0, ("1", "1"): 2.0}})
    b = Side(seeds=("1",), values={("m", ""): {("1", "0"): 2.0, ("1", "1"): 3.5}})
    assert paired_numbers(a, b).row(0, named=True)["reading"] == "too few pairs"
    assert paired_numbers(a, Side(seeds=(), values={})).is_empty()


def test_of_many_numbers_a_chance_hit_does_not_differ_after_correction() -> None:
    rng = np.random.default_rng(4)
    names = [(f"m{n:02d}", "") for n in range(40)]
    pairs = [(str(seed), "0") for seed in range(8)]
    drawn = {name: rng.normal(size=(2, len(pairs))) for name in names}
    sides = [
        Side(seeds=("1",), values={name: dict(zip(pairs, x[k].tolist(), strict=True)) for name, x in drawn.items()})
        for k in range(2)
    ]
    rows = paired_numbers(*sides)
    assert (rows["reading"] == "differs").sum() == 0
    assert (rows["reading"] == "not after correction").sum() >= 1
    alone = Side(seeds=("1",), values={names[0]: {pair: 5.0 + n / 100 for n, pair in enumerate(pairs)}})
    base = Side(seeds=("1",), values={names[0]: dict.fromkeys(pairs, 0.0)})
    assert paired_numbers(base, alone).row(0, named=True)["reading"] == "differs"


def test_scales_are_read_after_correction_over_the_whole_table() -> None:
    def measure(scale: str, point: float) -> Measure:
        shown = Point(stage="r0.measure", policy="base", point=point, lo=point - 0.1, hi=point + 0.1, n=50, forfeits=0,
                      label_mass=None, mode="", orders="", version="", flags=())  # fmt: skip
        return Measure(instrument="x", scale=scale, group="", better=0, null_name="", null_value=None, points=(shown,),
                       before=None, after=None, compared=None)  # fmt: skip

    shift = {f"s{n}": 0.0 for n in range(9)} | {"weak": 0.16, "strong": 0.4}
    rows = difference_rows([measure(s, 0.3) for s in shift], [measure(s, 0.3 + d) for s, d in shift.items()])
    read = dict(rows.select("scale", "reading").iter_rows())
    named = {scale: next(word for name, word in read.items() if scale in name) for scale in shift}
    assert (named["strong"], named["weak"], named["s0"]) == ("differs", "not after correction", "no difference shown")
    (alone,) = difference_rows([measure("weak", 0.3)], [measure("weak", 0.46)])["reading"]
    assert alone == "differs"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, ""),
        ({"git": {"commit": "b" * 40}}, "code at commit aaaaaaaaa against bbbbbbbbb"),
        ({"git": {"commit": "a" * 40, "dirty": True}}, "uncommitted"),
        ({"git": {}}, "commit aaaaaaaaa against version 0.1.0"),
        ({"model": {"name": "m", "digest": "d2"}}, "model m d1 against m d2"),
        ({"prompts": {"x/y.v1": "q"}}, "the text of prompt x/y.v1"),
        ({"versions": {"folkmoot": "0.1.0", "torch": "2.12"}}, "torch 2.13 against 2.12"),
    ],
)
def test_what_made_two_runs_is_compared(changed: dict[str, Any], said: str) -> None:
    found = apart(MADE, {**MADE, **changed})
    assert len(found) == bool(said)
    assert said in "; ".join(found)
    kept, left = same_making(MADE, [("other", {**MADE, **changed})])
    assert (kept, [name for name, _ in left]) == (([], ["other"]) if said else (["other"], []))


def test_only_seed_name_and_place_may_differ_between_siblings() -> None:
    own = {"seed": 1, "name": "a", "paths": {"runs": "x"}, "society": {"n": 1}}
    others = [("same", {**own, "seed": 2, "name": "b"}), ("other", {**own, "society": {"n": 2}}), ("broken", {})]
    assert siblings(own, others) == ["same"]


@pytest.mark.parametrize(
    ("societies", "first", "pair"),
    [
        ("ssv", "", "01"),
        ("svs", "", "02"),
        ("svvs", "", "12"),
        ("sv", "", "01"),
        ("  s", "", "01"),
        ("svss", "3", "30"),
        ("svss", "1", "10"),
        ("svsv", "1", "13"),
    ],
)
def test_a_comparison_opens_on_the_newest_two_runs_of_one_society(societies: str, first: str, pair: str) -> None:
    names = [str(number) for number in range(len(societies))]
    assert opening_pair(names, lambda name: societies[int(name)].strip(), first) == tuple(pair)


@pytest.mark.slow
def test_the_page_opens_on_two_runs_of_one_society_until_somebody_chooses(opened: Opened, tmp_path: Path) -> None:
    kinds = ("scenes", "assembly", "scenes")
    runs = [made(tmp_path, name=f"n{n}", society={"name": kind}) for n, kind in enumerate(kinds)]
    for number, run in enumerate(runs):
        run.folder.rename(run.folder.with_name(f"2026010{number}-120000_aaaa"))
    old, other, new = (f"n{n}/2026010{n}-120000_aaaa" for n in range(3))

    def shown(**query: str) -> list[str]:
        at = opened(tmp_path, "compare", **query)
        assert not at.exception
        return [at.selectbox(key="first").value, at.selectbox(key="second").value]

    assert shown() == [new, old]
    assert shown(first=other) == [other, new]
    assert shown(second=new) == [old, new]
    assert shown(first=new, second=other) == [new, other]


@pytest.mark.slow
def test_the_page_says_what_is_paired_and_what_is_not(opened: Opened, tmp_path: Path) -> None:
    a, b, c = made(tmp_path, name="a"), made(tmp_path, name="b", limits={"window": 9}), made(tmp_path, name="c", seed=5)
    for run, shift in ((a, 0.0), (b, 0.4), (c, 0.1)):
        answered(run, {1, 2})
        numbers(run, {("entropy", n): 0.1 * n + shift * (1 + n / 50) for n in range(6)})
    first, second, third = (f"{one.folder.parent.name}/{one.folder.name}" for one in (a, b, c))
    at = opened(tmp_path, "compare", first=first, second=second)
    assert not at.exception
    said = words(at)
    assert "Compared item by item: 2" in said.replace("\\", "")
    assert "2 runs with seed 1, 5" in said
    assert "1 of 1 paired numbers differ" in said.replace("\\", "")
    assert "not made alike" not in said
    write_json(c.folder / "manifest.json", {**MADE, "model": {"name": "another", "digest": "e"}})
    said = words(opened(tmp_path, "compare", first=first, second=second)).replace("\\", "")
    assert "1 run with seed 1" in said
    assert "Left out, since made otherwise: 1 run" in said
    at = opened(tmp_path, "compare", first=third, second=second)
    assert not at.exception
    assert "not made alike: model another e against m d1" in words(at).replace("\\", "")
