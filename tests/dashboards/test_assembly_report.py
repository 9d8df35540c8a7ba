"""The report of assemblies: what it says is what the event tables hold, every link stands in the journal, and agents
cannot write into the page. Numbers are recomputed here from the tables by the plain formula."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from agents.errors import UserError
from agents.statistics.intervals import Interval
from dashboards import assembly_map, assembly_signs, assembly_utility, assembly_votes
from dashboards.assembly import Account, Assemblies
from dashboards.assembly_clause import clause_sections
from dashboards.assembly_numbers import mean_of
from dashboards.assembly_said import clauses
from dashboards.findings import Findings, find_out
from dashboards.lineage import walk_back, walk_clause
from dashboards.report import render_report
from dashboards.terminal import plain, sections, walk_sections
from dashboards.verdict import verdict
from sim.cli import main
from sim.store import Run
from tests.dashboards.fake_assembly import make_assembly, make_utility_vote
from tests.dashboards.fake_run import HOSTILE
from tests.dashboards.test_report import Tags

STAGE = "events/r1.play"


@pytest.fixture(scope="module", autouse=True)
def fewer_resamples() -> Iterator[None]:
    """Intervals are as wide with fewer; what is tested here does not hang on their last digit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assembly_votes, "NUM_RESAMPLES", 20)
        patch.setattr(assembly_signs, "NUM_RESAMPLES", 100)
        patch.setattr(assembly_map, "NUM_RESAMPLES", 20)
        patch.setattr(assembly_utility, "NUM_REFITS", 10)
        yield


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_assembly(tmp_path_factory.mktemp("hall"))


@pytest.fixture(scope="module")
def told(hall: Run) -> Findings:
    return find_out(hall)


@pytest.fixture
def copy(hall: Run, tmp_path: Path) -> Run:
    """Return a run that a test may break."""
    return Run.open(shutil.copytree(hall.folder, tmp_path / "copy"))


def assemblies(found: Findings) -> Assemblies:
    assert found.assemblies is not None
    return found.assemblies


def account(found: Findings) -> Account:
    (one,) = assemblies(found).shown
    return one


def table(run: Run, name: str, arm: str = "full") -> pl.DataFrame:
    return pl.read_parquet(run.folder / f"{STAGE}/{name}-*.parquet").filter(pl.col("arm") == arm)


def change(run: Run, name: str, by: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """Write an event table anew."""
    for path in run.folder.glob(f"{STAGE}/{name}-*.parquet"):
        by(pl.read_parquet(path)).write_parquet(path)


def line(found: Findings, name: str):  # type: ignore[no-untyped-def]
    return next(one for one in assemblies(found).consensus if name in one.name)


def test_the_first_lines_tell_concentration_and_variance_twice(told: Findings) -> None:
    said = verdict(told)
    assert (
        said.headline.startswith('Simulated assembly of 9: "Should the town close its centre') and said.tone == "open"
    )
    assert [text.partition(":")[0] for text in said.details[:3]] == [
        "Two citizens share a first choice",
        "Variance of opinions, after / before",
        "Variance of opinions after, against the control's",
    ]
    assert all("n = 9" in text for text in said.details[:3])
    assert "choices at random 0.25; " in said.details[0] and "without interaction" in said.details[0]


def test_a_scripted_run_tells_them_too_but_calls_them_no_finding(told: Findings) -> None:
    said = verdict(replace(told, scripted=True))
    assert said.headline.startswith("No finding") and any("share a first choice" in text for text in said.details)


def test_concentration_is_that_of_the_ballots(hall: Run, told: Findings) -> None:
    for arm in ("full", "no_interaction"):
        ballots = table(hall, "ballots", arm).filter(pl.col("vote") == "V1")
        first = (
            ballots.sort("value", descending=True).group_by("citizen", maintain_order=True).first()["item"].to_list()
        )
        pairs = [a == b for k, a in enumerate(first) for b in first[:k]]
        number = line(told, "share a first choice").by_arm[arm]
        assert number.value == pytest.approx(np.mean(pairs)) and number.n == 9
        assert number.null == pytest.approx(1 / ballots["item"].n_unique())
        assert number.lo <= number.value <= number.hi <= 1


def test_variance_is_that_of_the_surveys(hall: Run, told: Findings) -> None:
    def variance(t: str, arm: str) -> float:
        probes = table(hall, "probes", arm).filter(pl.col("t") == t)
        return sum(float(np.var(part["level"].to_numpy())) for part in probes.partition_by("item"))

    own = line(told, "after / before").by_arm
    assert own["full"].value == pytest.approx(variance("after", "full") / variance("before", "full"))
    against = line(told, "against the control").by_arm
    assert set(against) == {"full"} and against["full"].null == 1
    assert against["full"].value == pytest.approx(variance("after", "full") / variance("after", "no_interaction"))


def test_differences_from_the_control_are_paired(hall: Run, told: Findings) -> None:
    def change_of(arm: str) -> float:
        probes = table(hall, "probes", arm).filter(pl.col("item") == "affirming")
        after, before = (probes.filter(pl.col("t") == t)["level"].to_numpy() for t in ("after", "before"))
        return float(after.mean() - before.mean())

    versus = line(told, "change of mean agreement").versus
    assert versus.value == pytest.approx(change_of("full") - change_of("no_interaction"))
    assert versus.null == 0 and versus.n == 9 and versus.lo < versus.value < versus.hi


def test_the_mean_of_assemblies_adds_cases_and_narrows() -> None:
    from societies.assembly.metrics import Measured

    one = Measured(value=Interval(0.4, 0.1, 0.2, 0.6), null=0.1, n=9)
    two = Measured(value=Interval(0.6, 0.1, 0.4, 0.8), null=0.3, n=9)
    lost = Measured(value=Interval(float("nan"), 0.1, 0.2, 0.6), null=0.1, n=9)
    found = mean_of([one, two, lost, None])
    assert found is not None and (found.value, found.null, found.n, found.num_assemblies) == (0.5, 0.2, 18, 2)
    assert found.hi - found.lo == pytest.approx(2 * 1.96 * 0.1 / 2**0.5)  # type: ignore[operator]
    assert mean_of([lost, None]) is None
    assert mean_of([replace(one, value=Interval(0.4, 0.9, -1.0, 2.0))], share=True).lo == 0  # type: ignore[union-attr]


def test_the_winner_is_counted_again_under_every_rule(told: Findings) -> None:
    from societies.assembly.rules import GROUP_RULES, RATING_RULES, RULES

    recount = account(told).recount
    assert recount is not None and recount.confirmed is True and recount.rule == "schulze"
    assert {one.rule for one in recount.rules} == {*RULES, *RATING_RULES, *GROUP_RULES}
    assert recount.null == pytest.approx(1 / len(recount.candidates))
    assert sum(first for _, _, first in recount.candidates) == pytest.approx(1)
    known = [one.chance for one in recount.rules if one.chance is not None]
    assert len(known) == len(recount.rules) - 1 and all(0 <= chance <= 1 for chance in known)


def test_a_winner_that_the_ballots_do_not_give_is_said_so(copy: Run) -> None:
    worst = table(copy, "ballots").filter(pl.col("vote") == "V1").sort("value")["item"][0]
    change(copy, "assemblies", lambda frame: frame.with_columns(winner=pl.lit(worst)))
    found = find_out(copy)
    assert account(found).recount.confirmed is False  # type: ignore[union-attr]
    assert "does NOT give it again" in plain(sections(found))


def test_the_certificate_shows_chances_seats_and_quotas(hall: Run, told: Findings) -> None:
    one = account(told).certificate
    assert one is not None and one.num_seats == 9 and one.equal_chance == pytest.approx(9 / one.num_responded)
    assert one.min_pi <= one.equal_chance <= one.max_pi  # type: ignore[operator]
    assert sum(quota.seats for quota in one.quotas) == 9 and all(quota.met for quota in one.quotas)
    assert all(quota.share.null == pytest.approx(0.5) for quota in one.quotas)


def test_the_planted_camps_stand_on_the_map_and_in_the_moral_graph(told: Findings) -> None:
    one = account(told)
    assert one.map is not None and sorted(group.num_people for group in one.map.groups) == [1, 8]
    assert not isinstance(one.moral, str) and one.moral is not None
    assert [value.title for value in one.moral.values] == ["FREEDOM", "ORDER"]


def test_support_by_group_adds_up(told: Findings) -> None:
    for one in account(told).groups:
        votes = sum(round((part.value or 0) * part.n) for part in one.by_group.values())
        assert votes == round((one.overall.value or 0) * one.overall.n)
        assert one.least.value == min(part.value for part in one.by_group.values())  # type: ignore[type-var]
        assert one.least.null is not None and one.least.null <= one.overall.value  # type: ignore[operator]


def test_the_minority_gets_its_report_told(told: Findings, hall: Run) -> None:
    dissents = account(told).dissents
    assert [one.clause for one in dissents] == ["K1", "K2"] and all(one.coalition == ("c000",) for one in dissents)
    assert dissents[0].share.value == pytest.approx(1 / 9)
    page = render_report(told)
    assert dissents[0].text in page and "Signed by 1 of the 1 who voted no" in page
    assert "Not entitled by n/k = 4.5 citizens. Carried by the share of the citizens" in page


def test_signatures_are_told_by_group_against_random_groups(hall: Run, copy: Run) -> None:
    signed = table(hall, "citizens").sort("citizen")["citizen"].to_list()[:3]
    groups = dict(table(hall, "citizens").select("citizen", "group").iter_rows())
    change(copy, "dissents", lambda frame: frame.with_columns(signers=pl.lit(signed), status=pl.lit("lapsed")))
    found = find_out(copy)
    one = account(found).dissents[0]
    assert one.signers == tuple(signed) and one.signed is not None and one.signed.value == pytest.approx(1 / 3)
    for name, part in one.by_group.items():
        if name in groups.values():
            own = [citizen for citizen, group in groups.items() if group == name]
            assert part.n == len(own) and part.value == pytest.approx(np.mean([c in signed for c in own]))
    assert one.most is not None and one.most.null is not None and 1 / 3 <= one.most.null < 1
    assert one.lapsed and assemblies(found).outcomes[0].num_dissents == 0 and "(lapsed)" in render_report(found)


def test_a_run_older_than_signatures_and_motions_is_told_without_them(copy: Run) -> None:
    for name in ("motions", "clause_pairs", "camps"):
        for path in copy.folder.glob(f"{STAGE}/{name}-*.parquet"):
            path.unlink()
    change(copy, "clauses", lambda frame: frame.drop("kind", "reason"))
    change(copy, "dissents", lambda frame: frame.drop("signers", "signed", "quota", "entitled", "grounds", "status"))
    found = find_out(copy)
    assert not found.problems and assemblies(found).outcomes[0].num_dissents == 2
    assert "nobody was asked to sign" in render_report(found)
    assert not account(found).drafting.motions and "Motions to change" not in plain(sections(found))


def test_motions_pairs_and_readability_are_told(told: Findings, hall: Run) -> None:
    from societies.assembly.readability import readability

    one = account(told)
    page, terminal = render_report(told), plain(sections(told))
    rows = table(hall, "motions").to_dicts()
    assert rows and [line.motion for line in one.drafting.motions] == [row["motion"] for row in rows]
    for line in one.drafting.motions:
        assert line.seconds[1] == 8 and line.why in page
    assert [pair.first for pair in one.drafting.pairs] == table(hall, "clause_pairs")["first"].to_list()
    adopted = [chain for chain in one.chains if chain.adopted]
    assert [line.clause for line in one.drafting.readings] == [*(chain.clause for chain in adopted), ""]
    found = readability(adopted[0].text)
    assert found is not None and one.drafting.readings[0].ease == pytest.approx(found.ease)
    for title in ("Motions to change the text", "contradict each other?", "How hard the text reads"):
        assert title in page and title in terminal


def test_a_contradiction_in_the_text_is_flagged(copy: Run) -> None:
    change(
        copy, "clause_pairs", lambda frame: frame.with_columns(verdict=pl.lit("conflict"), both_adopted=pl.lit(True))
    )
    assert "The text contradicts itself, as the clerk reads it: K1 and K2" in render_report(find_out(copy))


def test_named_turns_are_turns_of_others_and_come_with_their_change(told: Findings, hall: Run) -> None:
    minds = account(told).minds
    assert minds is not None and minds.num_choices == table(hall, "influences").height
    turns = {row["turn"]: row for row in table(hall, "turns").to_dicts()}
    for cited in minds.cited:
        assert cited.text == turns[cited.turn]["text"] and cited.identity
        assert cited.speaker not in {who for who, _ in cited.by}
        assert 0 < cited.share.null <= 1  # type: ignore[operator]
    assert minds.sure is not None and minds.towards is not None and minds.moved is not None
    assert minds.moved.null is not None


def test_the_winner_is_set_beside_texts_that_no_assembly_made(told: Findings, hall: Run) -> None:
    account = told.assemblies.shown[0]  # type: ignore[union-attr]
    assert [one.name for one in account.baselines] == ["B.single", "B.lot", "B.survey"]
    ballots = hall.read_events("r1.play", "ballots").filter(
        (pl.col("assembly") == account.outcome.assembly) & (pl.col("arm") == "full")
    )
    for one in account.baselines:
        own = ballots.filter(pl.col("item") == one.name)["value"].to_numpy()
        assert one.support.value == pytest.approx(own.mean()) and one.ahead.n == len(own)
        assert one.ahead.value == pytest.approx(one.support.null - one.support.value)
        assert one.ahead.lo <= one.ahead.value <= one.ahead.hi


def test_quality_and_evidence_are_told(told: Findings, hall: Run) -> None:
    account = told.assemblies.shown[0]  # type: ignore[union-attr]
    assert account.quality is not None and account.quality.num_judges == 3
    assert len(account.quality.scales) == 13 and account.quality.num_unread == 0
    # Scripted judges roll dice, so they agree on nothing.
    assert sum(one.alpha.lo <= 0 <= one.alpha.hi for one in account.quality.scales if one.alpha.lo is not None) >= 10
    assert account.uptake is not None and account.uptake.num_turns == 9
    assert [piece.id for piece in account.uptake.pieces] == ["E1", "E2", "E3", "E4"]


def test_the_history_of_the_text_is_shown_as_a_diff(told: Findings) -> None:
    first, second, published = account(told).history
    assert (first.title, first.before) == ("Vote V0", "") and second.before == first.after != second.after
    assert published.before == second.after and first.support is not None
    page = render_report(told)
    assert "<del>" in page and "<ins>" in page and "9 critiques of" in second.about


def test_amendments_are_told_with_mover_and_diff(tmp_path: Path) -> None:
    seconded = {"second.v2": {"yes": 0.9, "no": 0.1}}
    run = make_assembly(tmp_path, changed=seconded, supermajority=0.95, arms=("full",), values=False, written=0)
    one = account(find_out(run))
    amended = [chain for chain in one.chains if chain.replaces]
    assert amended and all(chain.mover == "c000" and chain.replaced for chain in amended)
    assert [chain.clause for chain in one.chains][:2] == ["K1", "K1a"]
    step = next(step for step in one.history if step.title == "Amendment K1a")
    assert step.before == amended[0].replaced and step.after == amended[0].text
    assert one.map is None and one.moral is None
    assert all(not chain.gaps for chain in one.chains)


def test_clauses_stand_in_the_order_of_their_numbers(copy: Run) -> None:
    new = {"K1": "K2", "K2": "K10"}
    change(copy, "clauses", lambda frame: frame.with_columns(pl.col("clause", "replaces").replace(new)).reverse())
    own = [chain.clause for chain in account(find_out(copy)).chains]
    assert own.index("K2") < own.index("K10") and sorted(own) != own


def test_every_link_of_a_clause_stands_in_the_journal(hall: Run, told: Findings) -> None:
    for chain in account(told).chains:
        assert chain.gaps == () and len(chain.votes) == len(chain.elected) == 9 and len(chain.opinions) == 9
        assert chain.turns and chain.critiques
        walk = walk_clause(hall, chain.clause)
        assert walk.missing == () and walk.num_requests > 9 * 4
        text = plain(clause_sections(walk))
        assert all(link.identity in text for link in (*chain.opinions, *chain.turns, *chain.votes, *chain.elected))


def test_links_that_lead_nowhere_are_gaps(copy: Run) -> None:
    change(copy, "turns", lambda frame: frame.filter(pl.col("turn") != "T1.1.1"))
    change(copy, "statements", lambda frame: frame.filter(pl.col("statement") != "O.c003"))
    change(copy, "ballots", lambda frame: frame.filter((pl.col("item") != "K1") | (pl.col("citizen") != "c002")))
    path = copy.journal_path("r1.play")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:200]))
    gaps = account(find_out(copy)).chains[0].gaps
    assert [gap.partition(":")[0] for gap in gaps] == [
        "statements that are not in the run",
        "turns that are not in the run",
        "8 of 9 votes have a request",
    ]
    assert walk_clause(copy, "K1").missing


def test_show_walks_a_clause_back(hall: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(hall.folder), "--clause", "K1", "--assembly", "assembly-0000"]) == 0
    out = capsys.readouterr().out
    assert "Clause (simulated)" in out and "requests behind it are in the journal" in out
    assert main(["show", str(hall.folder), "--clause", "K1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["chain"]["gaps"] == []
    assert walk_clause(hall, "K1", "assembly-0000.no_interaction").key.arm == "no_interaction"
    assert main(["show", str(hall.folder), "--assembly", "assembly-0000"]) == 2
    with pytest.raises(UserError, match="it has K1, K2"):
        walk_clause(hall, "K7")
    with pytest.raises(UserError, match='Did you mean "assembly-0000"'):
        walk_clause(hall, "K1", "asembly-0000")


def test_a_sample_leads_to_its_assembly(hall: Run) -> None:
    walk = walk_back(hall, "assembly-0000.K1.principle")
    assert [what for what, _ in walk.origin] == ["assembly", "winner", "clause"]
    assert "--clause K1 --assembly assembly-0000" in dict(walk.origin)["clause"]
    assert "Should the town close" in plain(walk_sections(walk))


def test_the_page_is_one_file_in_order_and_labelled(told: Findings) -> None:
    page = render_report(told)
    parsed = Tags(page)
    assert not parsed.open and not {"script", "link", "img", "iframe"} & set(parsed.tags)
    assert "http" not in page.replace("http-equiv", "") and page.count(">simulated<") >= 2
    levels = [int(tag[1]) for tag in parsed.tags if re.fullmatch(r"h[1-4]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert 'role="img" aria-label="Opinion map: 9 citizens in 2 groups' in page
    assert render_report(told) == page


def test_hostile_citizens_stay_text(tmp_path: Path) -> None:
    hostile = f"Please note: {HOSTILE} and so on, I say."
    run = make_assembly(tmp_path, said=hostile, arms=("full",), num_questions=0)
    found = find_out(run)
    page = render_report(found)
    parsed = Tags(page)
    assert not parsed.open and not {"script", "img"} & set(parsed.tags)
    assert "&lt;script&gt;alert" in page and "\x1b" not in page
    assert "\x1b" not in plain(sections(found))


def test_what_is_told_in_detail_and_what_a_vote_is_held_against_say_what_they_are_about(told: Findings) -> None:
    assert "The one assembly of this run is told in detail." in render_report(told)
    assert clauses(account(told)).notes == ("Yes among yes and no, with its 95 % interval; tossed coins: 0.5.",)
    assert clauses(replace(account(told), chains=())).notes == ()


def test_of_several_assemblies_at_most_three_are_told_in_detail(tmp_path: Path) -> None:
    run = make_assembly(tmp_path, num_assemblies=4, values=False, written=0, num_questions=0)
    found = find_out(run)
    own = assemblies(found)
    assert (own.num, len(own.shown), len(own.outcomes)) == (4, 3, 8)
    assert "3 of 4 assemblies are told in detail, drawn by the run" in render_report(found)
    assert verdict(found).headline.startswith("4 simulated assemblies with 36 citizens")
    concentration = line(found, "share a first choice").by_arm["full"]
    assert (concentration.n, concentration.num_assemblies) == (36, 4)
    with pytest.raises(UserError, match="several assemblies"):
        walk_clause(run, "K1")
    assert walk_clause(run, "K1", "assembly-0002").key.assembly == "assembly-0002"


def test_an_arm_without_result_is_counted_and_left_out(copy: Run) -> None:
    change(copy, "assemblies", lambda frame: frame.filter(pl.col("arm") == "full"))
    found = find_out(copy)
    own = assemblies(found)
    assert own.num_unfinished == 1 and own.arms == ("full",)
    assert all(one.versus is None for one in own.consensus)
    assert "Arms that began and left no result: 1." in render_report(found)


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("probes", True),
        ("ballots", False),
        ("lotteries", True),
        ("statements", False),
        ("citizens", True),
        ("turns", True),
    ],
)
def test_a_lost_or_broken_table_leaves_the_rest_standing(copy: Run, name: str, lost: bool) -> None:
    (path,) = copy.folder.glob(f"{STAGE}/{name}-*.parquet")
    if lost:
        path.unlink()
    else:
        path.write_bytes(b"not a table")
    found = find_out(copy)
    assert lost or any(name in problem for problem in found.problems)
    assert not Tags(render_report(found)).open and "Should the town close" in plain(sections(found))


def test_nonsense_in_a_table_becomes_a_problem(copy: Run) -> None:
    change(copy, "upgrades", lambda frame: frame.with_columns(verdict=pl.lit("maybe")))
    found = find_out(copy)
    assert any("Assembly-0000 cannot be told" in problem for problem in found.problems)
    assert not assemblies(found).shown and assemblies(found).consensus


def test_everything_is_there_as_json(hall: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(hall.folder), "--json"]) == 0
    own = json.loads(capsys.readouterr().out)["assemblies"]
    assert own["consensus"][0]["by_arm"]["full"]["n"] == 9 and own["shown"][0]["chains"][0]["clause"] == "K1"


def test_a_utility_vote_is_told_with_utilities_gap_and_decided_pairs(tmp_path: Path) -> None:
    run = make_utility_vote(tmp_path)
    found = find_out(run)
    (one,) = found.utilities
    frame = pl.read_parquet(run.folder / f"{STAGE}/choices-*.parquet")
    assert found.assemblies is None and one.num_pairs == frame.height == sum(one.splits.values())
    by_length = sorted(one.options, key=lambda option: -len(option.option))
    assert one.options[0] == by_length[0] and one.options[-1] == by_length[-1]
    assert all(o.utility.lo <= o.utility.value <= o.utility.hi for o in one.options)  # type: ignore[operator]
    assert one.order_gap.value == pytest.approx(frame["order_gap"].mean()) and one.order_gap.n == frame.height
    sure = (frame["p_a"] - 0.5).abs() > 1.96 * frame["se"]
    assert one.decided.value == pytest.approx(sure.mean()) and one.decided.null == 0.05
    assert one.foretold is not None and one.foretold.n == 3
    page = render_report(found)
    assert not Tags(page).open and "order gap |P(A|AB) - P(A|BA)|" in page and ">simulated<" in page
    assert verdict(found).headline.startswith("Simulated panel of 6: ")
    assert "comparison" in plain(walk_sections(walk_back(run, "r0.choice-0000")))


def test_a_broken_vote_becomes_a_problem(tmp_path: Path) -> None:
    run = make_utility_vote(tmp_path)
    for path in run.folder.glob(f"{STAGE}/choices-*.parquet"):
        pl.read_parquet(path).with_columns(option_b=pl.col("option_a")).write_parquet(path)
    found = find_out(run)
    assert not found.utilities and any("The votes of r1.play cannot be told" in one for one in found.problems)


def test_an_assembly_report_loads_no_engine_and_no_trainer() -> None:
    code = (
        "import sys, dashboards.report, dashboards.assembly_view, dashboards.lineage;"
        "rooms = {'torch', 'vllm', 'transformers', 'selfalign', 'societies'}; parts = ('sim.engines', 'sim.session');"
        "print([m for m in sys.modules if m.split('.')[0] in rooms or m.startswith(parts)])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
