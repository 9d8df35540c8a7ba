"""Speakers are left out of the last round: who is drawn, what their table-mates read, and that nothing else changes."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np
import pytest

from sim.engines.base import Ticket
from societies.assembly.agenda import load_agenda
from societies.assembly.budget import requests_of
from societies.assembly.metrics import left_out
from tests.assembly.acting import Played, Town, play, small, text_of, town

PLANTED = 0.77
PURPOSE = "assembly/heard.v1"
PHASE = "leave one speaker out"
LISTED = re.compile(r"^\[(T\d+\.\d+\.\d+)\] (\w+):", re.MULTILINE)


def few_persuaders(n: int) -> float:
    return PLANTED if n % 4 == 0 else -0.3


def persuaded(ticket: Ticket) -> dict[str, float]:
    """Who reads a planted speech agrees less by a fifth; and a little less again where one stands first."""
    said = read(text_of(ticket.request))
    planted = [f"stand at {PLANTED}" in line for line in said]
    level = 0.9 - 0.2 * sum(planted) - 0.02 * planted[0]
    options = ticket.request.options  # type: ignore[union-attr]
    return dict.fromkeys(options, 0.0) | {options[0]: 1 - level, options[-1]: level}


def read(text: str) -> list[str]:
    """The speeches that a prompt lists."""
    return text.rpartition("Said at your table:\n")[2].partition("\n\nStatement:")[0].splitlines()


def heard(played: Played) -> list[str]:
    """The prompts of the replay."""
    return [text_of(request) for _, request in played.town.asked if request.purpose == PURPOSE]


@pytest.fixture(scope="module")
def played() -> Played:
    people = town(40, few_persuaders)
    return play(people, answer=Town(changed={"heard.v1": persuaded}), num_dropped=12)


def columns(rows: list[dict[str, Any]]) -> tuple[Any, ...]:
    names = ("whole", "without", "reordered", "pull", "aside")
    return (*(np.array([row[name] for row in rows], dtype=np.float64) for name in names),)


def test_a_planted_speaker_is_found_and_the_others_are_not(played: Played) -> None:
    place = {row["citizen"]: str(PLANTED) in row["card"] for row in played.rows("citizens")}
    rows = played.rows("replays")
    assert {row["speaker"] for row in rows} == set(place) and 2 <= sum(place.values()) <= 10
    planted, others = ([row for row in rows if place[row["speaker"]] is which] for which in (True, False))
    moving = left_out(*columns(planted), units=[row["speaker"] for row in planted])
    assert moving.effect.value.point == pytest.approx(0.2, abs=0.021) and moving.effect.null <= 0.02
    assert moving.excess.value.lo > 0.15 and moving.excess.n == sum(place.values())
    idle = left_out(*columns(others), units=[row["speaker"] for row in others])
    assert idle.effect.value.point <= 0.021 and idle.excess.value.hi < 0.02
    # They agree less with the first side than those of the other camp, and reading them lowers agreement.
    across = [row for row in planted if not place[row["citizen"]]]
    assert all(row["pull"] == pytest.approx(row["without"] - row["whole"]) and row["pull"] > 0.15 for row in across)
    assert all(row["pull"] == 0 for row in planted if place[row["citizen"]])
    assert moving.pull.value.point > 0.1
    for row in planted:
        mates = [r["own"] for r in rows if r["speaker"] == row["speaker"] and r["citizen"] != row["citizen"]]
        moved = row["whole"] - row["without"]
        assert row["aside"] == pytest.approx(np.mean([np.sign(own - row["own"]) * moved for own in mates]))


def test_speeches_that_move_nobody_leave_nothing_behind() -> None:
    rows = play(town(40, few_persuaders), num_dropped=4).rows("replays")
    found = left_out(*columns(rows), units=[row["speaker"] for row in rows])
    assert found.effect.n == 4 and len(rows) == 4 * 5
    for one in (found.effect, found.excess, found.pull):
        assert one.value.point == pytest.approx(0, abs=1e-12) == one.null


def test_the_three_versions_are_whole_without_and_in_another_order(played: Played) -> None:
    rows, asked = played.rows("replays"), dict(played.town.asked)
    # All twelve are left out, and all twelve read their round whole once.
    assert len(heard(played)) == 2 * len(rows) + 12 == len({one for row in rows for one in row["identities"]})
    speaker = {row["turn"]: row["speaker"] for row in played.rows("turns")}
    for row in rows:
        texts = [text_of(asked[identity]) for identity in row["identities"]]
        whole, without, reordered = ([turn for turn, _ in LISTED.findall(text)] for text in texts)
        assert without == [turn for turn in whole if speaker[turn] != row["speaker"]]
        assert sorted(reordered) == sorted(whole) and reordered != whole
        assert (row["num_heard"], row["num_dropped"]) == (len(whole), len(whole) - len(without)) == (6, 1)
        assert all(turn.startswith(f"T2.{row['table']}.") for turn in whole) and row["round"] == 2
        assert row["citizen"] != row["speaker"] and len(set(row["identities"])) == 3
        assert len({re.search("You are this citizen:\n<<<\n(.*)", text)[1] for text in texts}) == 1  # type: ignore[index]


def test_the_rest_of_the_run_is_the_same_with_and_without_it(played: Played) -> None:
    people = town(40, few_persuaders)
    plain = play(people, answer=Town(changed={"heard.v1": persuaded}))
    assert not plain.rows("replays")
    asked = [(key, request) for key, request in played.town.asked if request.purpose != PURPOSE]
    assert asked == plain.town.asked and len(played.town.asked) > len(asked)
    assert played.samples == plain.samples
    assert rest(played) == rest(plain)


def rest(played: Played) -> list[str]:
    """Every note of a run but the replays and the two counts of requests that know of them."""
    (outcome,) = played.outcomes
    notes = [note for _, _, note in outcome.notes]
    kept = []
    for note in notes:
        row = dict(getattr(note, "row", {}))
        if getattr(note, "table", "") == "replays" or row.get("phase") == PHASE:
            continue
        row.pop("num_requests", None)
        kept.append(repr((getattr(note, "table", note), row)))  # as text, where nan equals nan
    return kept


def test_a_reader_knows_their_notes_from_before_the_round_and_no_later_one() -> None:
    def note(ticket: Ticket) -> str:
        round_ = re.search(r"note-(\d)-", ticket.key)
        assert round_
        return f"In round number {round_[1]} I learnt that trees matter."

    prompts = heard(play(num_dropped=2, answer=Town(changed={"note.v1": note})))
    assert prompts
    for text in prompts:
        assert "- In round number 1 I learnt" in text and "In round number 2" not in text


def test_tables_give_one_speaker_each_before_any_gives_two() -> None:
    for num, most in ((2, 1), (3, 2), (5, 3)):
        pairs = {(row["table"], row["speaker"]) for row in play(num_dropped=num, seed=num).rows("replays")}
        counts = Counter(table for table, _ in pairs)
        assert sum(counts.values()) == num and max(counts.values()) == most and len(counts) == 2
    drawn = {tuple(sorted({r["speaker"] for r in play(num_dropped=1, seed=s).rows("replays")})) for s in range(4)}
    assert len(drawn) > 1


def test_nobody_is_left_out_where_there_is_nothing_to_read_again() -> None:
    others = play(arms=("full", "no_interaction", "shuffled"), num_dropped=2)
    assert others.rows("replays") and not others.rows("replays", "shuffled")
    assert not any(".full" not in key for key, request in others.town.asked if request.purpose == PURPOSE)
    assert not play(num_dropped=2, num_rounds=0).rows("replays")
    assert not play(num_dropped=2, panel=4, table_size=2).rows("replays")


def test_names_are_hidden_where_the_form_of_talk_hides_them() -> None:
    for protocol, names in (("delphi", {"somebody"}), ("round_table", None)):
        found = {name for text in heard(play(num_dropped=2, protocol=protocol)) for _, name in LISTED.findall(text)}
        assert found == names if names else "somebody" not in found and len(found) > 2


def test_whoever_speaks_for_somebody_else_pulls_nobody_to_their_own_opinion() -> None:
    played = play(num_dropped=12, protocol="future_seat")
    tasked = {row["speaker"] for row in played.rows("turns") if row["task"] and row["round"] == 2}
    rows = played.rows("replays")
    assert len(tasked) == 2
    for row in rows:
        for name in ("theirs", "pull", "aside"):
            assert (row[name] is None) is (row["speaker"] in tasked)


def test_a_person_at_the_table_is_left_out_but_not_asked() -> None:
    played = play(num_dropped=12, human_seats=2)
    rows = played.rows("replays")
    assert {"c000", "c001"} <= {row["speaker"] for row in rows}
    assert not {"c000", "c001"} & {row["citizen"] for row in rows}
    assert not any(r.policy.startswith("human") for _, r in played.town.asked if r.purpose == PURPOSE)


@pytest.mark.parametrize(
    "changes",
    [
        {"num_dropped": 1},
        {"num_dropped": 3},
        {"num_dropped": 400},
        {"num_dropped": 400, "protocol": "fishbowl"},
        {"num_dropped": 400, "protocol": "consultancy"},
        {"num_dropped": 2, "table_size": 2},
        {"num_dropped": 2, "num_rounds": 0},
        {"num_dropped": 0},
    ],
)
def test_the_estimate_counts_what_is_read_again(changes: dict[str, Any]) -> None:
    question = load_agenda(None)[0]
    played = play(**changes)
    (row,) = [row for row in played.rows("phases") if row["phase"] == PHASE]
    assert requests_of(small(**changes), question, "full")[PHASE] == (0, row["num_requests"])
    assert requests_of(small(**changes), question, "shuffled")[PHASE] == (0, 0)
