"""From clauses to a text: duplicates merged, conflicts flagged, motions seconded or not put, and how hard it reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.requests import Score, Scores
from sim.engines.base import Ticket
from societies.assembly.likeness import is_same_text, likeness, nearest
from societies.assembly.phases.compare import verdict_of
from societies.assembly.readability import readability, syllables
from tests.assembly.acting import Played, Town, between, place_of, play, text_of, town
from tests.assembly.test_assembly import ATTACKS

SHORT = {"quotas": ("sex", "camp"), "supermajority": 0.55, "num_rounds": 0, "num_questions": 0, "num_critiques": 0}


def two_camps(n: int) -> float:
    return -0.6 if n % 3 == 0 else 0.4


def read(same: str = "", conflict: str = "") -> Any:
    """A clerk who finds two clauses the same, or in conflict, where these words stand in both."""

    def answer(ticket: Ticket) -> Mapping[str, float]:
        assert isinstance(ticket.request, Score)
        pair = [between(ticket.request, line) for line in ("One clause:", "Another clause:")]
        found = [bool(words) and all(words in one for one in pair) for words in (same, conflict)]
        return dict(zip(ticket.request.options, (0.9 * found[0] + 0.01, 0.9 * found[1] + 0.01, 0.1), strict=True))

    return answer


def hall(answer: Town | None = None, **settings: Any) -> Played:
    return play(town(40, two_camps), answer=answer or Town(), **{**SHORT, **settings})


def by(rows: list[dict[str, Any]], key: str) -> dict[str, dict[str, Any]]:
    return {row[key]: row for row in rows}


def test_clauses_that_say_the_same_are_merged_before_the_vote() -> None:
    played = hall(Town(changed={"clause_pair.v1": read(same="0.40")}))
    clauses = by(played.rows("clauses"), "clause")
    assert clauses["K1"]["status"] == "adopted" and clauses["K2"]["status"] == "merged"
    assert clauses["K2"]["reason"].startswith("says the same as K1 (the clerk's reading, p = 0.8")
    assert "K2" not in {row["item"] for row in played.rows("ballots")}
    (row,) = played.rows("assemblies")
    assert row["num_clauses"] == 2 and row["num_adopted"] == 1  # K1, and an addition that failed


def test_word_for_word_repeats_need_no_question() -> None:
    twice = "We ask the town to act at 0.40. we ask the town, to act at 0.40!"
    played = hall(Town(changed=dict.fromkeys(("draft.v1", "redraft.v1"), twice)), num_candidates=2)
    merged = by(played.rows("clauses"), "clause")["K2"]
    assert merged["reason"] == "says the same as K1 (word for word)"
    (pair,) = [row for row in played.rows("clause_pairs") if row["second"] == "K2"]
    assert pair["verdict"] == "same" and not pair["identities"]


def test_readings_that_hang_on_an_order_decide_nothing() -> None:
    def first_shown(ticket: Ticket) -> Mapping[str, float]:
        """A clerk who looks at which clause comes first, and not at what it says."""
        assert isinstance(ticket.request, Score)
        stands = "stand" in between(ticket.request, "One clause:")
        return dict(zip(ticket.request.options, (0.9, 0.05, 0.05) if stands else (0.05, 0.9, 0.05), strict=True))

    played = hall(Town(changed={"clause_pair.v1": first_shown}))
    (pair,) = [row for row in played.rows("clause_pairs") if (row["first"], row["second"]) == ("K1", "K2")]
    assert pair["verdict"] == "undecided" and pair["p_same"] == pytest.approx(0.475, abs=0.01)
    assert by(played.rows("clauses"), "clause")["K2"]["status"] == "adopted"


def test_a_verdict_needs_every_order_of_the_answers_too() -> None:
    options = ("they say the same", "they contradict each other", "neither")
    firm = Scores(options=options, logp=((-0.1, -3.0, -3.0), (-0.2, -2.0, -4.0)))
    turned = Scores(options=options, logp=((-0.1, -3.0, -3.0), (-5.0, -2.0, -0.4)))
    assert verdict_of([firm, firm]) == "same"
    assert verdict_of([firm, turned]) == "undecided"


def test_conflicts_are_put_and_flagged_where_both_are_adopted() -> None:
    played = hall(Town(changed={"clause_pair.v1": read(conflict="0.40")}))
    assert [row["status"] for row in played.rows("clauses")][:2] == ["adopted", "adopted"]
    flagged = [row for row in played.rows("clause_pairs") if row["verdict"] == "conflict" and row["both_adopted"]]
    assert [(row["first"], row["second"]) for row in flagged] == [("K1", "K2")]


def test_the_minority_moves_to_strike_and_the_left_out_to_add() -> None:
    played = hall()
    motions = by(played.rows("motions"), "motion")
    assert {row["kind"] for row in motions.values()} == {"strike", "add"}
    places = {row["citizen"]: place_of(row["card"].replace("stand at", "at")) for row in played.rows("citizens")}
    for row in motions.values():
        assert places[row["mover"]] < 0 and row["seconder"] and row["seconder"] != row["mover"] and row["why"]
        assert row["status"] == "lost" and row["yes"] + row["no"] + row["abstain"] == 12
    strikes = [row for row in played.rows("ballots") if row["vote"] == "strikes"]
    assert {row["item"] for row in strikes} == {"K1s", "K2s"}


def test_a_strike_that_carries_takes_the_clause_out() -> None:
    def strikes(ticket: Ticket) -> Any:
        asks = "moves to strike" in text_of(ticket.request)
        return {"yes": 0.9 if asks else 0.1, "no": 0.1 if asks else 0.9, "abstain": 0.01}

    played = hall(Town(changed={"motion_vote.v2": strikes}))
    clauses = by(played.rows("clauses"), "clause")
    assert clauses["K1"]["status"] == "struck" and clauses["K1"]["reason"].startswith("motion K1s: ")
    (row,) = played.rows("assemblies")
    assert row["num_adopted"] == 0 and not played.rows("dissents")
    assert not [one for one in played.samples if one.kind == "assembly_principle"]


@pytest.mark.parametrize("kind", ["K1a", "K3"])
def test_what_is_carried_stands_in_the_text_with_its_lineage(kind: str) -> None:
    changed = {"motion_vote.v2": {"yes": 0.9, "no": 0.1, "abstain": 0.01}, "clause_pair.v1": read()}
    if kind == "K1a":
        changed["clause_vote.v2"] = {"yes": 0.1, "no": 0.9, "abstain": 0.01}
    played = hall(Town(changed=changed))
    row = by(played.rows("clauses"), "clause")[kind]
    assert row["status"] == {"K1a": "adopted as amended", "K3": "adopted as added"}[kind]
    (sample,) = [one for one in played.samples if one.sample_id.endswith(f".{kind}.principle")]
    assert sample.meta["support"] == row["support"] == 1 and sample.meta["dissents"] == []
    assert "assembly/motion_vote.v2" in sample.lineage.prompts
    written = by(played.rows("statements"), "statement")
    behind = {written[parent]["identity"] for parent in row["sources"]} | {written[kind]["identity"]}
    assert behind <= set(sample.lineage.requests)


def test_what_nobody_seconds_is_not_voted_on_and_is_recorded() -> None:
    played = hall(Town(changed={"second.v2": {"yes": 0.4, "no": 0.6}}))
    motions = played.rows("motions")
    assert motions and {row["status"] for row in motions} == {"not seconded"}
    assert {row["reason"] for row in motions} == {"nobody wanted it put to the vote"}
    voted = {row["item"] for row in played.rows("ballots") if row["vote"] in ("clauses", "strikes")}
    assert voted == {"K1", "K2"}
    seconds = [row for row in played.rows("ballots") if row["vote"] == "seconds"]
    assert len(seconds) == 11 * len(motions) and {row["kind"] for row in seconds} == {"pass"}


def test_a_motion_that_repeats_the_text_is_not_put() -> None:
    words = "We ask the town to act on roads at 0.40."
    played = hall(Town(changed={"add_clause.v1": words, "second.v2": {"yes": 0.9, "no": 0.1}}))
    (motion,) = [row for row in played.rows("motions") if row["kind"] == "add"]
    assert motion["status"] == "repeats" and motion["reason"] == "says the same as K2 (word for word)"
    assert {row["vote"] for row in played.rows("ballots") if row["item"] == motion["motion"]} == {"seconds"}


@pytest.mark.parametrize("most", [0, 1, 12])
def test_pairs_are_asked_about_up_to_the_bound_in_both_orders(most: int) -> None:
    played = hall(num_compared=most, num_clauses=2)
    asked = [key for key, request in played.town.asked if request.purpose == "assembly/clause_pair.v1"]
    # One pair of clauses, then the addition against both.
    assert len(asked) == 2 * (min(most, 1) + min(most, 2))


def test_readability_is_the_published_formulas() -> None:
    found = readability("We ask the town to mend the old bridge. It is safe.")
    assert found is not None
    assert (found.num_words, found.num_sentences, found.num_syllables) == (12, 2, 12)
    assert found.ease == pytest.approx(206.835 - 1.015 * 6 - 84.6)
    assert found.grade == pytest.approx(0.39 * 6 + 11.8 - 15.59)
    harder = readability("Municipal infrastructure necessitates considerable administrative deliberation.")
    assert harder is not None and harder.ease < 0 and harder.grade > 20
    assert readability("!!!") is None and readability("") is None


def test_syllables_are_counted_by_the_rule() -> None:
    counted = {"the": 1, "whole": 1, "bridge": 1, "table": 2, "wanted": 2, "asked": 1, "houses": 2, "rhythm": 1}
    assert {word: syllables(word) for word in counted} == counted


@given(st.text())
def test_any_text_can_be_measured(text: str) -> None:
    found = readability(text)
    assert found is None or (found.num_syllables >= found.num_words >= 1 and found.num_sentences >= 1)
    assert likeness(text, text) in (0.0, 1.0) and is_same_text(text, text)


def test_the_likest_pairs_are_chosen_and_negations_are_no_likeness() -> None:
    texts = ["We want a new bus line", "A new bus line", "Old trees stay", "We do not want a new bus line"]
    pairs = [(k, n) for n in range(4) for k in range(n)]
    assert nearest(texts, pairs, 2) == [(0, 1), (0, 3)]
    assert nearest(texts, pairs, 99) == pairs and nearest(texts, pairs, 0) == []
    assert not is_same_text(texts[0], texts[3]) and likeness(texts[0], texts[3]) < 1


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_movers_and_dissenters_write_stays_in_its_fence_and_changes_no_step(attack: str) -> None:
    def course(said: str) -> tuple[list[tuple[str, int]], list[tuple[str, str]], Played]:
        written = dict.fromkeys(("add_clause.v1", "amend.v1", "move_why.v1", "dissent.v1"), said)
        decided = {"second.v2": {"yes": 0.9, "no": 0.1}, "sign.v1": {"yes": 0.9, "no": 0.1}}
        decided |= {"motion_vote.v2": {"yes": 0.1, "no": 0.9, "abstain": 0.1}}
        played = hall(Town(changed={**written, **decided}))
        phases = [(row["phase"], row["num_requests"]) for row in played.rows("phases")]
        return phases, sorted((key, request.purpose) for key, request in played.town.asked), played

    plain, attacked = course("We want benches along all the rivers here."), course(attack)
    assert plain[:2] == attacked[:2]
    asked = Counter(request.purpose.removeprefix("assembly/") for _, request in attacked[2].town.asked)
    assert all(asked[name] for name in ("second.v2", "motion_vote.v2", "sign.v1", "dissent.v1", "clause_pair.v1"))
    for _, request in attacked[2].town.asked:
        assert [m.role for m in request.messages] in (["system", "user"], ["system", "user", "assistant", "user"])
        body = request.messages[-1].content
        assert body.count("<<<") == body.count(">>>")
        assert "=== system ===" not in body and "<|im_start|>" not in body
