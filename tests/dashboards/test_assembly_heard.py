"""Who was heard, as the report tells it: every figure is counted again from the event tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from dashboards import assembly_map, assembly_signs, assembly_votes
from dashboards.assembly import Account
from dashboards.findings import find_out
from dashboards.report import render_report
from dashboards.terminal import plain, sections
from sim.store import Run
from tests.assembly.acting import own_place
from tests.dashboards.fake_assembly import make_assembly

CITED = {
    "speak.v1": "I have read the briefing and think of what it says [E4], that is all I say.",
    "testify.v1": "The briefing tells you what I would tell you [E1], that is all I say.",
}


def wanted(ticket: Any) -> dict[str, float]:
    side = "against" if own_place(ticket.request) < 0 else ", for"
    return {one: 1.0 if side in one else 0.01 for one in ticket.request.options}


def half_keep(ticket: Any) -> dict[str, float]:
    return {"yes": 0.9, "no": 0.1} if own_place(ticket.request) > 0 else {"yes": 0.1, "no": 0.9}


@pytest.fixture(scope="module", autouse=True)
def fewer_resamples() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in (assembly_votes, assembly_signs, assembly_map):
            patch.setattr(module, "NUM_RESAMPLES", 20)
        yield


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_assembly(
        tmp_path_factory.mktemp("heard"),
        arms=("full", "misinformation"),
        changed={"pick_witness.v1": wanted, "keep_witness.v1": half_keep, **CITED},
        num_witnesses=3,
        replace_witnesses=True,
        cross_examination=True,
        guardian=0.4,
    )


@pytest.fixture(scope="module")
def told(hall: Run) -> Account:
    found = find_out(hall).assemblies
    assert found is not None
    return found.shown[0]


def table(run: Run, name: str, arm: str = "full") -> pl.DataFrame:
    return pl.read_parquet(run.folder / f"events/r1.play/{name}-*.parquet").filter(pl.col("arm") == arm)


def test_every_witness_offered_stands_there_with_the_votes(hall: Run, told: Account) -> None:
    rows = {row["witness"]: row for row in table(hall, "witnesses").to_dicts()}
    assert len(told.called) == len(rows) == 5
    ballots = table(hall, "ballots")
    for one in told.called:
        own = ballots.filter((pl.col("vote") == "witnesses") & (pl.col("item") == one.name))["value"]
        assert one.approvals is not None and one.approvals.value == pytest.approx((own >= 1 / 5).mean())
        assert (one.status, one.place) == (rows[one.name]["status"], rows[one.name]["place"])
        kept = ballots.filter((pl.col("vote") == "keep") & (pl.col("item") == one.name))["value"]
        assert (one.keep is None) == kept.is_empty()
        if one.keep is not None:
            assert one.keep.value == pytest.approx((kept >= 0.5).mean()) and one.keep.null == 0.5
    assert sum(one.place > 0 for one in told.called) == 3


def test_the_balance_is_that_of_testimony_and_speeches(hall: Run, told: Account) -> None:
    last = told.balance[-1]
    testimony = table(hall, "testimony")
    words = {
        side: sum(len(text.split()) for text in testimony.filter(pl.col("stance") == side)["answer"])
        for side in ("for", "against")
    }
    assert last.words is not None and last.words.n == sum(words.values())
    assert last.words.value == pytest.approx(words["for"] / sum(words.values()))
    stances = dict(table(hall, "evidence").select("evidence", "stance").iter_rows())
    cited = [stances[one] for name in ("testimony", "turns") for row in table(hall, name)["cites"] for one in row]
    assert last.cited is not None and last.cited.value == pytest.approx(
        cited.count("for") / (cited.count("for") + cited.count("against"))
    )


def test_the_uptake_of_the_falsehood_stands_beside_the_truth_in_its_place(hall: Run, told: Account) -> None:
    one = told.planted
    assert one is not None and one.id == "E4"
    for arm, found in (("misinformation", one.uptake), ("full", one.instead)):
        turns = table(hall, "turns", arm).filter(pl.col("kind") == "speech")
        assert found is not None and found.n == turns.height
        assert found.value == pytest.approx(turns["cites"].list.contains("E4").mean())
    assert one.uptake.value == 1 and one.uptake.null == 0 and one.uptake.lo is not None and one.uptake.lo < 1
    quiz = {arm: table(hall, "quiz", arm).filter(pl.col("t") == "after") for arm in ("full", "misinformation")}
    assert one.knew is not None and one.knew.n == 9
    assert one.knew.value == pytest.approx(quiz["misinformation"]["p_right"].mean() - quiz["full"]["p_right"].mean())


def test_terminal_and_page_tell_all_three(hall: Run) -> None:
    found = find_out(hall)
    shown = plain(sections(found))
    page = render_report(found)
    for words in ("Witnesses", "Balance of what was heard", "Planted falsehood", "only every hour"):
        assert words in shown and words in page


def test_runs_of_before_tell_none_of_it(tmp_path: Any) -> None:
    run = make_assembly(tmp_path)
    for name in ("witnesses", "balances"):
        for path in run.folder.glob(f"events/r1.play/{name}-*.parquet"):
            path.unlink()
    found = find_out(run).assemblies
    assert found is not None and not found.shown[0].called and not found.shown[0].balance
    assert found.shown[0].planted is None
