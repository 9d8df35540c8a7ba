"""Forms of talk, further arms, texts to compare with, judges of the talk, and the samples they lead to."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import UserError
from agents.requests import Score
from societies.assembly.agenda import load_agenda
from societies.assembly.dqi import RUBRIC
from societies.assembly.phases.protocols import Protocol, heard, order, speak_prompt
from tests.assembly.acting import PLACE, Played, Town, own_place, play, text_of, town

PROTOCOLS = get_args(Protocol)
LISTED = re.compile(r"^\[(T\d+\.\d+\.\d+)\] (.*?):", re.MULTILINE)


def two_camps(n: int) -> float:
    return -0.6 if n % 3 == 0 else 0.4


@given(
    st.sampled_from(PROTOCOLS),
    st.integers(1, 12),
    st.integers(1, 3),
    st.integers(1, 4),
    st.lists(st.floats(0, 1), min_size=12, max_size=12),
)
def test_every_form_has_as_many_speeches_as_a_round_table(
    protocol: Protocol, num: int, turns: int, round_: int, lean: list[float]
) -> None:
    seats = order(protocol, num, turns, round_=round_, lean=lean[:num])
    assert len(seats) == num * turns and set(seats) <= set(range(num))
    if protocol == "consultancy":
        assert len(set(seats)) == min(2, num)
        rounds = [order(protocol, num, 2, round_=k, lean=lean[:num]) for k in range(1, num + 1)]
        assert {seat for one in rounds for seat in one} == set(range(num))
        return
    if protocol != "fishbowl":
        assert set(Counter(seats).values()) == {turns}
    both = set(seats) | set(order(protocol, num, turns, round_=round_ + 1, lean=lean[:num]))
    assert both == set(range(num))


def test_what_is_heard_by_when() -> None:
    assert [heard("nominal", k, 3) for k in range(5)] == ["nothing"] * 3 + ["all"] * 2
    assert heard("delphi", 0, 3) == heard("delphi", 4, 3) == "rounds before"
    assert heard("debate", 0, 3) == "all"


def speeches(played: Played, arm: str = "full") -> list[tuple[str, list[tuple[str, str]]]]:
    """(own text of the prompt, [(turn, name) listed]) of every request for a speech, in the order of asking."""
    found = []
    for key, request in played.town.asked:
        if request.purpose.startswith("assembly/speak") and f".{arm}/" in key:
            found.append((text_of(request), LISTED.findall(request.messages[-1].content)))
    return found


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_form_of_talk_is_played_to_the_end_at_equal_cost(protocol: str) -> None:
    played = play(town(40, two_camps), protocol=protocol, num_turns=2, num_rounds=1, num_critiques=0)
    (row,) = played.rows("assemblies")
    assert PLACE.search(row["winner_text"])
    turns = [one for one in played.rows("turns") if one["kind"] == "speech"]
    assert len(turns) == 24
    num = {one["phase"]: one["num_requests"] for one in played.rows("phases")}["deliberate"]
    # Speeches, the facilitator's questions, two survey items, notes; and whoever heard two speeches names one.
    assert num - (24 + 4 + 2 * 12 + 12) == len(played.rows("influences")) <= 12


def test_nominal_groups_write_before_they_hear_and_delphi_hides_names_and_the_present_round() -> None:
    nominal = speeches(play(protocol="nominal", num_turns=2, num_rounds=1))
    assert sum(not listed for _, listed in nominal) == 12
    delphi = speeches(play(protocol="delphi", num_turns=2, num_rounds=1))
    assert sum(not listed for _, listed in delphi) == 12
    later = [listed for _, listed in delphi if listed]
    assert len(later) == 12 and all(len(listed) == 6 for listed in later)
    assert {name for listed in later for _, name in listed} == {"somebody"}


def test_fishbowl_halves_change_places_and_sides_of_a_debate_alternate() -> None:
    fish = play(protocol="fishbowl", num_rounds=2, table_size=12)
    rings = [
        {one["speaker"] for one in fish.rows("turns") if one["round"] == round_ and one["kind"] == "speech"}
        for round_ in (1, 2)
    ]
    assert [len(ring) for ring in rings] == [6, 6]
    debate = play(town(40, two_camps), protocol="debate", num_rounds=1, table_size=12)
    surveyed = [one for one in debate.rows("probes") if one["t"] == "before" and one["item"] == "affirming"]
    levels = {one["citizen"]: one["level"] for one in surveyed}
    spoken = [levels[one["speaker"]] for one in debate.rows("turns") if one["kind"] == "speech"]
    assert min(spoken[0::2]) >= max(spoken[1::2])


@pytest.mark.parametrize(("protocol", "words"), [("future_seat", "in fifty years"), ("empty_chair", "are not here")])
def test_one_citizen_a_table_speaks_for_somebody_else(protocol: str, words: str) -> None:
    told = [text for text, _ in speeches(play(protocol=protocol, num_rounds=1)) if words in text]
    assert len(told) == 2


def test_hosts_stay_and_carry_on_what_was_said_while_the_others_move() -> None:
    cafe = play(protocol="world_cafe", num_rounds=3, num_critiques=0, panel=12, table_size=4)
    sat: dict[str, list[int]] = {}
    for one in cafe.rows("seats"):
        sat.setdefault(one["citizen"], []).append(one["table"])
    stayed = {citizen for citizen, tables in sat.items() if len(set(tables)) == 1}
    turns = [one for one in cafe.rows("turns") if one["kind"] == "speech"]
    hosted = [one for one in turns if one["task"] == "host"]
    hosts = {one["speaker"] for one in hosted}
    assert len(hosted) == 6 and len(hosts) == 3 and hosts <= stayed
    moves = [a != b for citizen, tables in sat.items() if citizen not in hosts for a, b in pairwise(tables)]
    assert sum(moves) >= 0.85 * len(moves)
    said = {(one["round"], one["table"]): set() for one in turns}
    for one in turns:
        said[one["round"], one["table"]].add(one["turn"])
    asked = [
        (key, {turn for turn, _ in LISTED.findall(request.messages[-1].content)})
        for key, request in cafe.town.asked
        if "You are the host of this table" in text_of(request)
    ]
    assert len(asked) == 6
    for one in hosted:
        assert one["ordinal"] == 0 and one["round"] > 1
        assert said[one["round"] - 1, one["table"]] in [listed for _, listed in asked]


def test_an_adviser_speaks_for_a_given_side_and_one_citizen_asks_and_judges() -> None:
    played = play(town(40, two_camps), protocol="consultancy", num_rounds=2, num_turns=1, table_size=6)
    sides = []
    for round_ in (1, 2):
        for table in (1, 2):
            own = [
                one
                for one in played.rows("turns")
                if one["kind"] == "speech" and (one["round"], one["table"]) == (round_, table)
            ]
            tasks = [one["task"] for one in own]
            assert tasks[1::2] == ["question", "question", "judge"] and len(set(tasks[0::2])) == 1
            assert len({one["speaker"] for one in own[0::2]}) == len({one["speaker"] for one in own[1::2]}) == 1
            sides.append(tasks[0])
    assert sides == ["advise for", "advise against", "advise against", "advise for"]
    told = [text for text, _ in speeches(played) if "You have questioned the adviser" in text]
    assert len(told) == 4


@pytest.mark.parametrize("protocol", ["world_cafe", "consultancy"])
@pytest.mark.parametrize("facilitator", ["bids", "devils_advocate"])
def test_forms_that_say_who_speaks_do_not_go_with_bids(protocol: str, facilitator: str) -> None:
    with pytest.raises(UserError, match="says itself who speaks"):
        play(protocol=protocol, facilitator=facilitator)


@pytest.mark.parametrize(
    ("protocol", "facilitator", "why"),
    [
        ("future_seat", "devils_advocate", "speaks for somebody else already"),
        ("empty_chair", "devils_advocate", "speaks for somebody else already"),
        ("empty_chair", "bids", "never win the floor"),
        ("fishbowl", "bids", "who speaks when"),
        ("debate", "bids", "who speaks when"),
        ("nominal", "bids", "who speaks when"),
    ],
)
def test_what_a_form_of_talk_would_drop_is_refused_in_every_arm(protocol: str, facilitator: str, why: str) -> None:
    with pytest.raises(UserError, match=why):
        play(protocol=protocol, facilitator=facilitator)
    with pytest.raises(UserError, match=why) as raised:
        play(protocol=protocol, arms=("full", "other_facilitator"), other_facilitator=facilitator)
    assert "society.other_facilitator" in str(raised.value)
    play(protocol=protocol, other_facilitator=facilitator, num_rounds=1, num_critiques=0)


def test_the_devils_advocate_of_a_fishbowl_sits_among_those_who_speak() -> None:
    fish = play(protocol="fishbowl", facilitator="devils_advocate", num_rounds=2, num_critiques=0)
    devils = {(one["round"], one["table"]) for one in fish.rows("turns") if one["task"] == "devil"}
    assert devils == {(1, 1), (1, 2), (2, 1), (2, 2)}


def test_what_a_speech_was_made_as_stands_in_its_row() -> None:
    devil = play(facilitator="devils_advocate", num_rounds=1, num_critiques=0)
    assert [one["task"] for one in devil.rows("turns") if one["task"]] == ["devil", "devil"]


@pytest.mark.parametrize(
    ("protocol", "version"), [("round_table", 1), ("future_seat", 2), ("world_cafe", 3), ("consultancy", 3)]
)
def test_a_speech_is_asked_by_the_prompt_that_samples_name(protocol: Protocol, version: int) -> None:
    assert speak_prompt(protocol) == f"speak.v{version}"


ARMS = ("full", "hidden_authors", "no_witnesses", "slanted", "stubborn")


@pytest.fixture(scope="module")
def played() -> Played:
    return play(town(40, two_camps), arms=ARMS, num_judges=3, num_rounds=1, quotas=("camp",), reward_rows=True)


def test_hidden_authors_keep_the_order_and_lose_the_names(played: Played) -> None:
    named, hidden = (speeches(played, arm) for arm in ("full", "hidden_authors"))
    assert [[turn for turn, _ in listed] for _, listed in named] == [
        [turn for turn, _ in listed] for _, listed in hidden
    ]
    assert {name for _, listed in hidden for _, name in listed} == {"somebody"}
    assert "somebody" not in {name for _, listed in named for _, name in listed}


def names_read(played: Played, purpose: str, arm: str) -> set[str]:
    """Return the names beside the speeches that prompts of this purpose list."""
    asked = [one for key, one in played.town.asked if one.purpose == purpose and f".{arm}/" in key]
    assert asked
    return {name for request in asked for _, name in LISTED.findall(request.messages[-1].content)}


@pytest.mark.parametrize("purpose", ["assembly/note.v1", "assembly/facilitate.v1"])
def test_names_hidden_from_speakers_reach_neither_notes_nor_the_facilitator(purpose: str) -> None:
    arms = play(arms=("full", "hidden_authors", "shuffled"), num_turns=2, num_rounds=1)
    assert "somebody" not in names_read(arms, purpose, "full")
    assert names_read(arms, purpose, "hidden_authors") == names_read(arms, purpose, "shuffled") == {"somebody"}
    assert names_read(play(protocol="delphi", num_turns=2, num_rounds=1), purpose, "full") == {"somebody"}
    led = [text_of(one) for key, one in arms.town.asked if ".hidden_authors/" in key and "facilitate" in one.purpose]
    assert not any("These have not spoken" in text for text in led)


def test_witnesses_and_evidence_of_one_side(played: Played) -> None:
    assert not played.rows("testimony", "no_witnesses") and played.rows("evidence", "no_witnesses")
    question = load_agenda(None)[0]
    assert {one["stance"] for one in played.rows("evidence", "slanted")} == {"for"}
    assert len(played.rows("evidence", "slanted")) < len(question.evidence)
    assert {one["witness"] for one in played.rows("testimony", "slanted")} == {
        one.name for one in question.witnesses if one.stance == "for"
    }
    against = next(one.claim for one in question.evidence if one.stance == "against")
    assert not [key for key, request in played.town.asked if ".slanted" in key and against in text_of(request)]


def test_a_quarter_of_the_citizens_are_told_not_to_move(played: Played) -> None:
    def firm(arm: str) -> set[str]:
        return {
            f"{own_place(request):.2f}|{key.rpartition('-')[2]}"
            for key, request in played.town.asked
            if f".{arm}/" in key and "opinion-" in key and "You keep your view" in text_of(request)
        }

    assert len(firm("stubborn")) == 3 and not firm("full")


def test_citizens_sign_texts_that_no_assembly_made_too(played: Played) -> None:
    texts = {one["statement"]: one for one in played.rows("statements") if one["kind"] == "baseline"}
    assert set(texts) == {"B.single", "B.lot", "B.survey"}
    ballots = [one for one in played.rows("ballots") if one["kind"] == "baseline"]
    assert Counter(one["item"] for one in ballots) == dict.fromkeys(texts, 12)
    assert not [one for one in played.rows("ballots", "slanted") if one["kind"] == "baseline"]
    (row,) = played.rows("assemblies")
    assert texts["B.lot"]["text"] != row["winner_text"]
    solo = [text_of(request) for _, request in played.town.asked if request.purpose == "assembly/solo.v1"]
    assert len(solo) == 1 and "I think that we should stand" not in solo[0]


def test_judges_read_every_speech_after_all_is_over(played: Played) -> None:
    turns = [one["turn"] for one in played.rows("turns") if one["kind"] == "speech"]
    rows = played.rows("quality")
    assert Counter(one["turn"] for one in rows) == dict.fromkeys(turns, 3)
    assert all(len(one["codes"]) == len(RUBRIC) and 0 <= one["total"] <= 1 for one in rows)
    assert not played.rows("quality", "slanted")


def test_an_unreadable_judge_counts_nowhere_and_ends_nothing() -> None:
    garbled = play(answer=Town(changed={"dqi.v1": "7 out of 10"}), num_judges=1, num_rounds=1)
    rows = garbled.rows("quality")
    assert rows and all(one["why"] and not one["codes"] for one in rows)
    assert not {one.kind for one in garbled.samples} & {"assembly_dialogue", "assembly_reward"}


def test_talks_and_ratings_become_samples(played: Played) -> None:
    by_kind = {
        kind: [one for one in played.samples if one.kind == kind] for kind in ("assembly_dialogue", "assembly_reward")
    }
    assert len(by_kind["assembly_dialogue"]) == 2
    turns = {one["turn"]: one for one in played.rows("turns")}
    totals = played.rows("quality")
    for one in by_kind["assembly_dialogue"]:
        lines = one.candidates[0].text.split("\n")
        assert [turns[turn]["text"] in line for turn, line in zip(one.meta["turns"], lines, strict=True)]
        own = [row["total"] for row in totals if row["turn"] in one.meta["turns"]]
        assert one.candidates[0].scores["quality"] == pytest.approx(np.mean(own))
        assert len(one.lineage.requests) == len(lines)
    votes = {row["vote"] for row in played.rows("results")}
    assert len(by_kind["assembly_reward"]) == 12 * len(votes)
    for one in by_kind["assembly_reward"]:
        ballots = {
            row["item"]: row["value"]
            for row in played.rows("ballots")
            if row["citizen"] == one.meta["citizen"] and row["vote"] == one.meta["vote"]
        }
        assert sorted(one.votes[0].value) == pytest.approx(sorted(ballots.values()))
        assert "Their opinion:" in one.prompt[0].content


def test_only_talks_that_were_judged_good_enough_are_handed_on() -> None:
    def talks(least: float) -> list[float]:
        played = play(num_judges=1, num_rounds=2, min_quality=least)
        return [one.candidates[0].scores["quality"] for one in played.samples if one.kind == "assembly_dialogue"]

    whole = talks(0.0)
    least = sorted(whole)[2]
    assert len(whole) == 4 and talks(least) == [one for one in whole if one >= least]


def test_a_trainer_imitates_what_juries_rate_highest(played: Played) -> None:
    from selfalign.build.select import raft_rows
    from selfalign.config import RaftConfig
    from selfalign.samples import Funnel

    found = raft_rows(played.samples, RaftConfig(reward="jury"), Funnel(), 0)
    rankings = [one for one in played.samples if one.kind == "assembly_ranking"]
    assert list(found.sample_ids) == [one.sample_id for one in rankings]
    best = [max(one.candidates, key=lambda c: c.scores["jury"]).text for one in rankings]
    assert [text in str(row) for text, row in zip(best, found.rows, strict=True)] == [True] * len(best)


def test_juries_of_the_panel_rate_every_candidate(played: Played) -> None:
    rankings = [one for one in played.samples if one.kind == "assembly_ranking"]
    for one in rankings:
        verdicts = [candidate.scores["jury"] for candidate in one.candidates]
        supports = [candidate.scores["support"] for candidate in one.candidates]
        assert all(0 <= value <= 1 for value in verdicts)
        assert np.corrcoef(verdicts, supports)[0, 1] > 0.8


@pytest.mark.parametrize(
    "changes", [{"num_judges": 3}, {"baselines": False, "protocol": "future_seat"}, {"num_dropped": 12}]
)
def test_the_estimate_knows_judges_baselines_and_who_is_left_out(changes: dict[str, Any]) -> None:
    from societies.assembly.society import society
    from societies.seam import Setting
    from tests.assembly.acting import small

    settings = {"arms": ARMS, "num_clauses": 2, "quotas": ("sex", "camp"), **changes}
    setting = Setting(seed=0, cast=lambda number, _: town(60)[:number])
    expected = society.estimate(small(**settings), setting).num_requests
    played = play(town(60, two_camps), **settings)
    assert len(played.town.asked) == pytest.approx(expected, rel=0.1)
    assert any(isinstance(request, Score) for _, request in played.town.asked)
