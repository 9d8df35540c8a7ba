"""The registered societies of the assembly: bad settings and files before anything is asked, estimates, the vote."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.errors import UserError
from agents.requests import Event, Score
from agents.sample import Sample
from sim.engines.scripted import ScriptedEngine
from sim.scheduler import Scheduler
from societies.assembly import parsing
from societies.assembly.agenda import load_agenda
from societies.assembly.choice_vote import ChoiceConfig
from societies.assembly.choice_vote import society as utility_vote
from societies.assembly.options import load_options, pairs_of
from societies.assembly.society import society
from societies.seam import Setting
from tests.assembly.acting import play, small, town

SETTING = Setting(seed=0, cast=lambda number, _: town(60)[:number])


def refused(**changes: Any) -> str:
    with pytest.raises(UserError) as error:
        list(society.scripts(small(**changes), SETTING))
    return str(error.value)


def test_settings_that_make_no_sense_are_refused_before_anything_is_asked(tmp_path: Path) -> None:
    assert "schulze" in refused(rule="schulz")
    assert "twice" in refused(arms=("full", "full"))
    assert "cannot be filled" in refused(panel=30, pool=20)
    assert "fewer seats" in refused(human_seats=13)
    assert "cannot be read" in refused(agenda=str(tmp_path / "none.json"))
    assert "which p000 does not have" in refused(quotas=("shoe size",))
    assert "leaves nothing" in refused(skip=99)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "holds no question"),
        ("[", "is not JSON"),
        ('["a"]', "is no object"),
        ('[{"question": "Q?"}]', "no affirming_statement"),
        ('[{"question": "' + "x" * 3000 + '", "affirming_statement": "a", "negating_statement": "b"}]', "characters"),
    ],
)
def test_an_unusable_agenda_says_why(tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "agenda.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=why):
        load_agenda(path)


def test_the_built_in_agenda_is_whole_and_balanced() -> None:
    for question in load_agenda(None):
        stances = Counter(one.stance for one in question.evidence)
        assert stances["for"] >= 1 and stances["against"] >= 1
        assert len({one.stance for one in question.witnesses} | {"x"}) >= 2 and len(question.quiz) == 2
        assert all("invented" in one.source for one in question.evidence)


def test_the_public_layout_of_questions_is_read(tmp_path: Path) -> None:
    entry = {
        "id": "q1",
        "question": "Q?",
        "affirming_statement": "A",
        "negating_statement": "N",
        "topic": "t",
        "split": "x",
    }
    path = tmp_path / "agenda.json"
    path.write_text(json.dumps([entry]), encoding="utf-8")
    (question,) = load_agenda(path)
    assert (question.question_id, question.affirming, question.topic) == ("q1", "A", "t")


@pytest.mark.parametrize(
    "changes",
    [{}, {"values": True, "written": 8}, {"facilitator": "bids"}, {"num_critiques": 0}, {"supermajority": 0.55}],
)
def test_the_estimate_is_within_a_tenth_of_what_is_asked(changes: dict[str, Any]) -> None:
    # Statements here are two sentences long, and one camp in three citizens opposes them.
    settings = {"panel": 12, "num_clauses": 2, "quotas": ("sex", "camp"), **changes}
    expected = society.estimate(small(**settings), SETTING).num_requests
    played = play(town(60, lambda n: -0.6 if n % 3 == 0 else 0.4), **settings)
    assert len(played.town.asked) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("views", [lambda n: 0.4, lambda n: -0.6 if n % 3 == 0 else 0.4, lambda n: (-1) ** n])
def test_the_estimate_has_bounds_that_hold_however_the_votes_go(views: Callable[[int], float]) -> None:
    settings = {"panel": 12, "num_clauses": 3, "quotas": ("sex", "camp")}
    expected = society.estimate(small(**settings), SETTING)
    assert expected.between is not None
    fewest, most = expected.between
    assert fewest < expected.num_requests < most < 2 * fewest
    assert fewest <= len(play(town(60, views), **settings).town.asked) <= most


def test_a_reply_ends_where_it_begins_to_write_its_prompt_again() -> None:
    assert parsing.said("We want a park.\n<<<\nWe want a park and a pond.\n>>>") == "We want a park."
    assert parsing.said("<<<\nWe want a park.\n>>>") == "We want a park."
    assert parsing.said("We want 2 < 3 parks, not 3 > 2.") == "We want 2 < 3 parks, not 3 > 2."
    assert "Ann, 40" in parsing.said("You are this citizen: <<< Ann, 40, gardener"), "not a sentence: kept as it is"


@given(st.text())
def test_parsers_raise_nothing_but_unusable(text: str) -> None:
    from agents.asking import Unusable

    for parse in (parsing.said, parsing.statement, parsing.sentence, parsing.card):
        try:
            assert parse(text)
        except Unusable:
            continue
    assert parsing.clauses(text, 3) and len(parsing.clauses(text, 3)) <= 3
    assert set(parsing.cited(text, {"E1"})) <= {"E1"}


@given(st.integers(6, 30), st.integers(0, 3), st.integers(1, 40), st.integers(0, 20), st.integers(0, 20))
def test_held_out_pairs_and_options_never_reach_training(
    num: int, held: int, train: int, pairs: int, options: int
) -> None:
    found = pairs_of(num, num_held=held, num_train=train, num_held_pairs=pairs, num_held_options=options, seed=1)
    seen = [frozenset((one.first, one.second)) for one in found]
    assert len(set(seen)) == len(seen)
    by_split = {split: [one for one in found if one.split == split] for split in ("train", "held_pair", "held_option")}
    known = {n for one in by_split["train"] + by_split["held_pair"] for n in (one.first, one.second)}
    for one in by_split["held_option"]:
        assert len({one.first, one.second} - known) >= 1 or held == 0


def votes(**changes: Any) -> tuple[list[dict[str, Any]], list[Sample], Any]:
    config = ChoiceConfig(
        **{"num_options": 10, "num_held_options": 2, "num_train": 12, "num_held_pairs": 6, "num_held_option_pairs": 6,
           "panel": 6, "pool": 40, "quotas": ("sex",), **changes}
    )  # fmt: skip
    asked: list[Any] = []

    def answer(ticket: Any) -> Any:
        asked.append(ticket.request)
        if isinstance(ticket.request, Score):
            longer = max(ticket.request.options, key=lambda text: (len(text), text))
            return {one: 0.8 if one == longer else 0.2 for one in ticket.request.options}
        return "I would choose the first one, because it helps more people."

    outcomes = list(
        Scheduler(ScriptedEngine(answer), run_seed=0, stage="t").play(utility_vote.scripts(config, SETTING))
    )
    assert not [one.why for one in outcomes if one.cause]
    notes = [note for one in outcomes for _, _, note in one.notes]
    rows = [dict(note.row) for note in notes if isinstance(note, Event) and note.table == "choices"]
    assert len(asked) == utility_vote.estimate(config, SETTING).num_requests
    return rows, [note for note in notes if isinstance(note, Sample)], asked


def test_a_vote_on_pairs_leaves_shares_votes_and_samples() -> None:
    rows, samples, _ = votes()
    assert Counter(row["split"] for row in rows) == {"train": 12, "held_pair": 6, "held_option": 6}
    assert len(samples) == 12
    for row in rows:
        longer = max((row["option_a"], row["option_b"]), key=lambda text: (len(text), text))
        assert row["p_a"] == pytest.approx(0.8 if row["option_a"] == longer else 0.2, abs=1e-6)
        assert row["order_gap"] == pytest.approx(0, abs=1e-9) and len(row["identities"]) == 8
    for sample in samples:
        assert sample.meta["p_a"] == pytest.approx(sample.candidates[0].scores["p"])
        assert len(sample.votes) == 6 and sample.lineage.requests


def test_nobody_argues_when_told_not_to() -> None:
    rows, _, asked = votes(argue=False)
    assert all(not row["arguments"] for row in rows)
    assert all(isinstance(request, Score) for request in asked)


def test_unusable_options_say_why(tmp_path: Path) -> None:
    path = tmp_path / "options.txt"
    for content, why in (("a\nb\n", "different options"), ("[1", "is not JSON"), ('{"a": "b"}', "lists of options")):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(UserError, match=why):
            load_options(path)
    path.write_text('{"x": ["a", "b"], "y": ["c", "d", "a"]}', encoding="utf-8")
    assert load_options(path) == ["a", "b", "c", "d"]
    assert len(load_options(None)) >= 60
