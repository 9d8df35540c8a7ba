"""Witnesses chosen and replaced by citizens, cross-examination, the guardian of balance, and a planted falsehood."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import UserError
from agents.requests import Score
from societies.assembly.agenda import load_agenda
from societies.assembly.balance import Heard, balance
from societies.assembly.phases.hearing import instead
from societies.assembly.records import Witness
from societies.assembly.society import society
from societies.seam import Setting
from tests.assembly.acting import Played, Town, own_place, play, small, text_of, town

ALL = {
    "num_witnesses": 3,
    "replace_witnesses": True,
    "cross_examination": True,
    "guardian": 0.4,
    "num_questions": 1,
}


def two_camps(n: int) -> float:
    return -0.6 if n % 3 == 0 else 0.4


def by_camp(ticket: Any) -> dict[str, float]:
    """Two thirds of the panel, on the right, want those who speak for; one third those who speak against."""
    wanted = "against" if own_place(ticket.request) < 0 else ", for"
    chosen = [one for one in ticket.request.options if wanted in one]
    return {one: 1.0 if one in chosen else 0.01 for one in ticket.request.options}


def sends_away(name: str) -> Any:
    def answer(ticket: Any) -> dict[str, float]:
        return {"yes": 0.1, "no": 0.9} if name in text_of(ticket.request) else {"yes": 0.9, "no": 0.1}

    return answer


def sided(ticket: Any) -> dict[str, float]:
    """The right agrees with the first side of the question, the left with the second."""
    affirmed = "should be closed" in text_of(ticket.request).rpartition("Statement:")[2]
    top = len(ticket.request.options) - 1
    return {
        one: 0.9 if k == top * (affirmed == (own_place(ticket.request) > 0)) else 0.01
        for k, one in enumerate(ticket.request.options)
    }


def cites(*ids: str) -> str:
    return f"The briefing tells us a lot about it {' '.join(f'[{one}]' for one in ids)}, that is all."


@pytest.fixture(scope="module")
def played() -> Played:
    changed = {"pick_witness.v1": by_camp, "keep_witness.v1": sends_away("Mara Lind"), "testify.v1": cites("E1")}
    changed["survey.v1"] = sided
    return play(
        town(40, two_camps),
        answer=Town(changed=changed),
        arms=("full", "slanted", "no_witnesses"),
        quotas=("camp",),
        **ALL,
    )


def test_every_large_enough_part_of_the_panel_gets_a_witness_of_its_choice(played: Played) -> None:
    rows = {one["witness"]: one for one in played.rows("witnesses")}
    assert len(rows) == 5
    elected = sorted((one for one in rows.values() if one["place"]), key=lambda one: one["place"])
    # The right is the larger camp and the left more than a quarter: two seats and one, not all three.
    assert Counter(one["stance"] for one in elected) == {"for": 2, "against": 1}
    camps = Counter(one["group"] for one in played.rows("citizens"))
    assert camps["right"] > camps["left"] >= 4
    assert {one["stance"]: one["approvals"] for one in elected} == {"for": camps["right"], "against": camps["left"]}
    ballots = [one for one in played.rows("ballots") if one["vote"] == "witnesses"]
    assert len(ballots) == 12 * 5
    for name, row in rows.items():
        own = [one["value"] for one in ballots if one["item"] == name]
        assert row["share"] == pytest.approx(np.mean(own)) and all(one["identity"] for one in ballots)


def test_citizens_send_a_witness_away_and_another_is_called_in(played: Played) -> None:
    rows = {one["witness"]: one for one in played.rows("witnesses")}
    assert rows["Mara Lind"]["status"] == "sent away" and rows["Mara Lind"]["keep"] == 0
    assert [one["stance"] for one in rows.values() if one["status"] == "called in"] == ["against"]
    testimony = played.rows("testimony")
    assert [one["kind"] for one in testimony if one["witness"] == "Mara Lind"] == ["opening"]
    heard = {one["witness"] for one in testimony if one["kind"] == "answer"}
    assert heard == {name for name, one in rows.items() if one["status"] in ("heard", "called in")}


def test_every_answer_is_answered_by_a_witness_of_the_other_side(played: Played) -> None:
    testimony = {one["answer_id"]: one for one in played.rows("testimony")}
    replies = [one for one in testimony.values() if one["kind"] == "reply"]
    answers = [one for one in testimony.values() if one["kind"] == "answer"]
    assert len(replies) == len(answers) == 3
    assert {one["replies_to"] for one in replies} == {one["answer_id"] for one in answers}
    for one in replies:
        answered = testimony[one["replies_to"]]
        assert one["witness"] != answered["witness"] and one["stance"] != answered["stance"]
    asked = [text_of(one) for key, one in played.town.asked if ".full/" in key and "Another witness" in text_of(one)]
    assert len(asked) == 3 and all(
        any(one["answer"] in text and one["witness"] in text for one in answers) for text in asked
    )


def test_the_guardian_counts_and_calls_a_witness_of_the_under_heard_side(played: Played) -> None:
    rows = played.rows("balances")
    assert [one["moment"] for one in rows] == ["hearing", "round-1", "round-2"]
    stance = {one["evidence"]: one["stance"] for one in played.rows("evidence")}
    testimony = [one for one in played.rows("testimony") if one["kind"] != "call"]
    first = rows[0]
    assert first["cited_for"] == sum(stance[cited] == "for" for one in testimony for cited in one["cites"]) > 0
    assert first["cited_against"] == 0 and first["under"] == "against"
    words = sum(len(one["answer"].split()) for one in testimony if one["stance"] == "against")
    assert first["words_against"] == words
    camps = Counter(one["group"] for one in played.rows("citizens"))
    assert (first["citizens_for"], first["citizens_against"]) == (camps["right"], camps["left"])
    called = [one for one in played.rows("testimony") if one["kind"] == "call"]
    assert [one["witness"] for one in called] == [one["called"] for one in rows[:2]]
    assert {one["stance"] for one in called} == {"against"}
    # After the last round nobody would hear another witness.
    assert rows[-1]["called"] == "" and rows[-1]["talk_for"] + rows[-1]["talk_against"] > 0
    # Whoever speaks afterwards has heard them.
    speeches = [
        text_of(one)
        for key, one in played.town.asked
        if ".full/" in key and ".round-2." in key and "speak" in one.purpose
    ]
    assert speeches and all(called[-1]["answer"] in text for text in speeches)


def test_where_one_side_has_no_witness_the_guardian_says_so(played: Played) -> None:
    assert {one["stance"] for one in played.rows("witnesses", "slanted")} == {"for"}
    assert {(one["under"], one["called"]) for one in played.rows("balances", "slanted")} == {("against", "")}
    assert not played.rows("balances", "no_witnesses") and not played.rows("witnesses", "no_witnesses")


def test_without_a_vote_the_organisers_witnesses_are_heard_and_the_reserve_is_written_down() -> None:
    rows = play(num_rounds=1).rows("witnesses")
    assert [one["status"] for one in rows] == ["heard", "heard", "not called", "not called", "not called"]
    assert all(one["place"] == 0 and np.isnan(one["share"]) for one in rows)


@pytest.mark.parametrize("rule", ["phragmen", "equal_shares", "pav"])
def test_every_rule_gives_both_camps_a_witness(rule: str) -> None:
    actors = Town(changed={"pick_witness.v1": by_camp})
    played = play(
        town(40, two_camps), answer=actors, num_witnesses=3, witness_rule=rule, quotas=("camp",), num_rounds=0
    )
    elected = Counter(one["stance"] for one in played.rows("witnesses") if one["place"])
    assert elected["for"] == 2 and elected["against"] == 1


def test_the_place_of_whoever_was_sent_away_goes_to_those_who_have_nobody_left() -> None:
    a, b, c, d = (Witness(name=name, role="expert") for name in "abcd")
    approvals = np.array([[1, 0, 0, 1], [1, 0, 0, 1], [1, 0, 0, 1], [0, 1, 1, 0], [0, 1, 1, 0]], dtype=bool)
    # b was sent away: its two voters have nobody, while d's three voters have a.
    assert instead([a, b, c, d], [a], [d, c], 1, approvals) == [c]
    assert instead([a, b, c, d], [b], [c, d], 1, approvals) == [d]
    assert instead([a, b, c, d], [a], [d, c], 1, None) == [d]


TURNED = {"for": "against", "against": "for", "neutral": "neutral", "": ""}


@given(st.integers(0, 2**32), st.integers(0, 12), st.floats(0, 0.5))
def test_balance_turns_with_its_sides(seed: int, num: int, least: float) -> None:
    rng = np.random.default_rng(seed)
    sides = list(TURNED)[:3]

    def said(cites: bool) -> Heard:
        return Heard(
            by="citizen" if rng.random() < 0.3 else "witness",
            side=sides[rng.integers(3)],
            num_words=int(rng.integers(80)),
            cites=tuple(sides[k] for k in rng.integers(3, size=3 * cites)),
        )

    def turned(one: Heard) -> Heard:
        return Heard(
            by=one.by, side=TURNED[one.side], num_words=one.num_words, cites=tuple(TURNED[side] for side in one.cites)
        )

    for cites in (False, True):
        heard = [said(cites) for _ in range(num)]
        mirror = [turned(one) for one in heard]
        own, other = balance(heard, least=least), balance(mirror, least=least)
        assert own.cited == other.cited[::-1] and own.words == other.words[::-1] and own.talk == other.talk[::-1]
        assert balance([*heard, *mirror], least=least).under == ""
        if not cites:
            assert other.under == TURNED[own.under]


def test_citizens_talk_is_counted_and_never_acted_on() -> None:
    found = balance([Heard(by="citizen", side="for", num_words=900)], least=0.5)
    assert found.talk == (900, 0) and found.under == ""


def test_a_planted_falsehood_takes_the_place_of_what_it_contradicts_in_its_arm_alone() -> None:
    played = play(arms=("full", "misinformation"), num_rounds=1)
    question = load_agenda(None)[0]
    false = question.falsehood
    assert false is not None
    own = {arm: played.rows("evidence", arm) for arm in ("full", "misinformation")}
    assert [one["evidence"] for one in own["full"]] == [one["evidence"] for one in own["misinformation"]]
    assert not any(one["planted"] for one in own["full"])
    (planted,) = [one for one in own["misinformation"] if one["planted"]]
    assert (planted["claim"], planted["evidence"]) == (false.claim, false.evidence_id)
    truth = next(one.claim for one in question.evidence if one.evidence_id == false.evidence_id)
    for key, request in played.town.asked:
        text = text_of(request)
        assert (false.claim in text) <= (".misinformation" in key) and (truth in text) <= (".full" in key)
    assert any(false.claim in text_of(one) for key, one in played.town.asked if ".misinformation" in key)


def test_the_built_in_bank_offers_witnesses_of_every_kind_and_a_falsehood_that_a_quiz_item_finds_out() -> None:
    for question in load_agenda(None):
        offered = (*question.witnesses, *question.reserve)
        assert {one.stance for one in offered} == {"for", "against", "neutral"}
        assert "lived experience" in {one.role for one in offered} and "expert" in {one.role for one in offered}
        assert question.falsehood is not None and question.falsehood.planted
        assert "false" in question.falsehood.source
        wrong = {word for item in question.quiz for word in re.findall(r"\w+", item.options[1])}
        assert wrong & set(re.findall(r"\w+", question.falsehood.claim.lower()))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"falsehood": "x"}, "is no object"),
        ({"falsehood": {"claim": "x", "replaces": 7}}, "the evidence has 0 pieces"),
        ({"falsehood": {"claim": "x", "stance": "up"}}, "the stance 'up'"),
        ({"witnesses": [{"name": "A"}], "reserve": [{"name": "A"}]}, "a name of their own"),
        ({"reserve": [{"name": f"W{n}"} for n in range(27)]}, "at most 26"),
    ],
)
def test_an_agenda_that_cannot_be_used_says_why(tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    entry = {"question": "Q?", "affirming_statement": "A", "negating_statement": "N", **changes}
    path = tmp_path / "agenda.json"
    path.write_text(json.dumps([entry]), encoding="utf-8")
    with pytest.raises(UserError, match=why):
        load_agenda(path)


def test_the_arm_needs_a_falsehood_and_an_appended_one_gets_the_next_id(tmp_path: Path) -> None:
    entry: dict[str, Any] = {"id": "q", "question": "Q?", "affirming_statement": "A", "negating_statement": "N"}
    path = tmp_path / "agenda.json"
    path.write_text(json.dumps([entry]), encoding="utf-8")
    setting = Setting(seed=0, cast=lambda number, _: town(60)[:number])
    with pytest.raises(UserError, match="no false claim for q"):
        list(society.scripts(small(agenda=str(path), arms=("full", "misinformation")), setting))
    entry |= {"evidence": [{"claim": "True."}], "falsehood": {"claim": "False."}}
    path.write_text(json.dumps([entry]), encoding="utf-8")
    (question,) = load_agenda(path)
    assert question.falsehood is not None and question.falsehood.evidence_id == "E2"


@pytest.mark.parametrize(
    "changes",
    [
        ALL,
        {"num_witnesses": 2, "cross_examination": True},
        {"guardian": 0.5, "num_rounds": 3},
        {"num_witnesses": 12, "replace_witnesses": True},
    ],
)
def test_the_estimate_knows_the_hearing(changes: dict[str, Any]) -> None:
    # Statements here are two sentences long.
    settings = {"arms": ("full", "slanted", "misinformation"), "num_clauses": 2, **changes}
    setting = Setting(seed=0, cast=lambda number, _: town(60)[:number])
    expected = society.estimate(small(**settings), setting).num_requests
    played = play(town(60, two_camps), **settings)
    assert len(played.town.asked) == pytest.approx(expected, rel=0.1)
    assert any(isinstance(request, Score) for _, request in played.town.asked)
