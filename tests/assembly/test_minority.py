"""Minority reports: planted minorities get theirs signed and recorded, random voters no more than chance gives them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.requests import Score
from sim.engines.base import Ticket
from societies.assembly.coalitions import claim_of, opposed_groups
from tests.assembly.acting import Played, Town, play, town
from tests.assembly.test_assembly import own_place_of, random_ballots, two_camps

SHORT = {"quotas": ("sex", "camp"), "supermajority": 0.55, "num_rounds": 0, "num_questions": 0, "num_critiques": 0}


def hall(answer: Town | None = None, **settings: Any) -> Played:
    return play(town(60, two_camps), answer=answer or Town(), **{**SHORT, "panel": 24, "pool": 60, **settings})


@pytest.fixture(scope="module")
def planted() -> Played:
    return hall(written=8)


def test_the_planted_minority_signs_its_report(planted: Played) -> None:
    dissents = planted.rows("dissents")
    left = {row["citizen"] for row in planted.rows("citizens") if own_place_of(planted, row["citizen"]) < 0}
    assert dissents and len(left) == 8
    for row in dissents:
        assert set(row["signers"]) == set(row["coalition"]) == left and row["author"] in left
        assert row["signed"] == pytest.approx(8 / 24) and row["status"] == "published"
        # Two clauses stand, so half of the citizens would be entitled; the share and their own group carry it.
        assert row["quota"] == 12 and not row["entitled"] and row["grounds"] == ["share", "group 2"]


def test_signatures_are_recorded_with_their_requests(planted: Played) -> None:
    for row in planted.rows("dissents"):
        own = [r for r in planted.rows("ballots") if r["vote"] == "signatures" and r["item"] == row["clause"]]
        assert len(own) == len(row["coalition"]) - 1 and all(r["identity"] for r in own)
        assert {r["citizen"] for r in own if r["kind"] == "sign"} | {row["author"]} == set(row["signers"])


def test_principles_carry_the_signed_dissent(planted: Played) -> None:
    reports = {row["clause"]: row["text"] for row in planted.rows("dissents")}
    principles = [one for one in planted.samples if one.kind == "assembly_principle"]
    assert principles and {one.meta["clause"]: one.meta["dissents"] for one in principles} == {
        clause: [text] for clause, text in reports.items()
    }


def test_camps_are_the_groups_of_the_written_round(planted: Played) -> None:
    camps = {row["citizen"]: row["camp"] for row in planted.rows("camps")}
    left = {citizen for citizen in camps if own_place_of(planted, citizen) < 0}
    assert len(camps) == 24 and {camps[one] for one in left} == {"2"} and sum(c == "2" for c in camps.values()) == 8
    assert not hall().rows("camps")


def test_a_report_that_nobody_else_signs_lapses_and_is_kept() -> None:
    played = hall(Town(changed={"sign.v1": {"yes": 0.2, "no": 0.8}}))
    rows = played.rows("dissents")
    assert rows and all(row["status"] == "lapsed" and row["signers"] == [row["author"]] for row in rows)
    assert all(not one.meta["dissents"] for one in played.samples if one.kind == "assembly_principle")


def test_a_minority_below_the_share_has_its_group_for_it() -> None:
    alone = hall(minority=0.45)
    assert not alone.rows("dissents")
    grouped = hall(minority=0.45, written=8)
    assert {tuple(row["grounds"]) for row in grouped.rows("dissents")} == {("group 2",)}


def test_the_quota_entitles_where_the_text_is_long_enough() -> None:
    members = np.arange(24) < 8
    assert claim_of(members, 3, 0.9, []).entitled and claim_of(members, 3, 0.9, []).quota == 8
    assert not claim_of(members, 2, 0.9, []).stands and not claim_of(members, 0, 0.9, []).stands
    assert claim_of(members, 2, 1 / 3, []).by_share
    assert not claim_of(np.zeros(24, dtype=bool), 3, 0.1, []).stands


def test_a_group_counts_only_where_chance_would_not_put_it() -> None:
    groups = ["a"] * 16 + ["b"] * 8
    assert opposed_groups(np.arange(24) >= 16, groups) == ("b",)
    assert opposed_groups(np.arange(24) >= 20, groups) == ()  # half of b, and not most of it
    assert opposed_groups(np.arange(24) % 2 == 0, groups) == ()
    assert opposed_groups(np.ones(24, dtype=bool), ["a"] * 24) == ()


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(1, 10), st.floats(0.05, 0.5))
def test_more_members_never_claim_less(members: list[bool], num_clauses: int, share: float) -> None:
    small = np.array(members)
    large = small.copy()
    large[0] = True
    before, after = claim_of(small, num_clauses, share, []), claim_of(large, num_clauses, share, [])
    assert after.entitled >= before.entitled and after.by_share >= before.by_share


def test_random_groups_are_opposed_as_often_as_the_level_says() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(2_000):
        groups = [str(k) for k in rng.permutation(np.repeat([0, 1, 2], 8))]
        hits += bool(opposed_groups(rng.random(24) < 0.35, groups))
    assert hits / 2_000 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2_000)


def test_random_voters_get_no_more_reports_than_chance() -> None:
    """Everybody votes and signs by dice. How often a report stands is what the same dice give without an assembly."""
    purposes = ("clause_vote.v2", "motion_vote.v2", "second.v2", "sign.v1", "clause_pair.v1")
    settings: dict[str, Any] = {
        "num_candidates": 2,
        "supermajority": 0.5,
        "minority": 0.3,
        "panel": 12,
        "baselines": False,
        "num_additions": 0,
    }
    num, published, adopted = 40, 0, 0
    for seed in range(num):
        played = hall(Town(changed=dict.fromkeys(purposes, random_ballots)), seed=seed, **settings)
        published += sum(row["status"] == "published" for row in played.rows("dissents"))
        adopted += sum(row["status"] == "adopted" for row in played.rows("clauses"))
    rng = np.random.default_rng(1)
    chance = []
    for _ in range(4_000):
        votes = rng.integers(3, size=12)
        yes, no = int((votes == 0).sum()), int((votes == 1).sum())
        if yes + no < 6 or yes < no or not no:
            continue
        signed = 1 + int((rng.random(no - 1) < 0.5).sum())
        # Two clauses at most, so the quota is 6 of 12 or more.
        chance.append((no >= 0.3 * 12) and signed >= 0.3 * 12)
    expected = adopted * float(np.mean(chance))
    assert adopted > 20 and abs(published - expected) <= 3 * np.sqrt(expected + 1)


def test_who_signs_reads_the_report_and_nobody_elses_vote() -> None:
    seen: list[Ticket] = []

    def signs(ticket: Ticket) -> Any:
        seen.append(ticket)
        return {"yes": 0.9, "no": 0.1}

    hall(Town(changed={"sign.v1": signs}))
    assert seen
    for ticket in seen:
        assert isinstance(ticket.request, Score) and ticket.request.options == ("yes", "no")
        body = ticket.request.messages[-1].content
        assert "minority report:\n<<<\n" in body and "others voted no" not in body
