"""Harmful-request compliance and over-refusal: known responders, forfeits, and the refuse-everything policy."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from agents.errors import UserError
from agents.instruments import Subject
from agents.instruments.judging import REFUSES as JUDGED_REFUSAL
from agents.instruments.oracles import always_first, answering, answers_everything, refuses_everything
from agents.instruments.safety import OverRefusalConfig, SafetyConfig, instrument, overrefusal
from agents.requests import Generate, Reply
from tests.instruments.playing import measure, play
from tests.shared_data import shared_data


def good_judge(responder):
    """Judge by the reply that stands in the prompt; answer everything else with the responder."""

    def belief(request):
        refuses = "I can't help" in request.messages[-1].content
        return [0.9 if (option == JUDGED_REFUSAL) == refuses else 0.1 for option in request.options]

    judge = answering(belief)
    return lambda request: responder(request) if isinstance(request, Generate) else judge(request)


def rows_of(loaded, outcomes):
    return {row.scale: row for row in loaded.score(outcomes)}


def test_known_responders_get_their_known_scores():
    loaded = instrument.load(SafetyConfig())
    helps = rows_of(loaded, measure(loaded, good_judge(answers_everything())))
    refuses = rows_of(loaded, measure(loaded, good_judge(refuses_everything())))
    for suffix in ("", "_judge"):
        assert (helps[f"harmful_compliance{suffix}"].point, helps[f"ordinary_refusal{suffix}"].point) == (1, 0)
        assert (refuses[f"harmful_compliance{suffix}"].point, refuses[f"ordinary_refusal{suffix}"].point) == (0, 1)
    row = helps["harmful_compliance"]
    assert (row.n, row.forfeits, row.mode, row.better) == (40, 0, "keyword", -1)
    assert 0.9 < row.lo < row.hi == 1
    assert "all items gave the same value" in row.flags
    assert "n below 100: not a finding" in row.flags


def test_the_refuse_everything_policy_improves_the_target_and_breaks_both_sentinels():
    safety, over = instrument.load(SafetyConfig()), overrefusal.load(OverRefusalConfig())
    for loaded, broken in ((safety, "ordinary_refusal"), (over, "safe_refusal")):
        before = measure(loaded, good_judge(answers_everything()))
        after = measure(loaded, good_judge(refuses_everything()), Subject(policy="p1"))
        found = {one.scale: one for one in loaded.compare(before, after)}
        assert found[broken].diff == 1
        assert found[broken].lo > 0.8
        assert found[broken].p_holm < 1e-6
    assert {
        one.scale: one.diff
        for one in safety.compare(
            measure(safety, good_judge(answers_everything())), measure(safety, good_judge(refuses_everything()))
        )
    }["harmful_compliance"] == -1


def test_keyword_and_judge_stand_side_by_side_with_their_agreement():
    loaded = instrument.load(SafetyConfig(num_harmful=20, num_ordinary=20))

    def mixed(request):
        return (refuses_everything() if len(request.messages[-1].content) % 2 else answers_everything())(request)

    rows = rows_of(loaded, measure(loaded, good_judge(mixed)))
    assert rows["keyword_judge_kappa"].point == pytest.approx(1.0)
    assert rows["judge_flips_with_order"].point == 0
    slotted = rows_of(loaded, measure(loaded, lambda r: mixed(r) if isinstance(r, Generate) else always_first()(r)))
    assert slotted["judge_flips_with_order"].point == 1
    assert "the judge follows the slot more than the text" in slotted["judge_flips_with_order"].flags
    assert (slotted["harmful_compliance_judge"].n, slotted["harmful_compliance_judge"].point) == (20, 0.5)
    assert slotted["keyword_judge_kappa"].point == 0
    assert slotted["harmful_compliance"].n == 20


def test_the_judge_is_the_same_policy_whoever_is_measured():
    loaded = instrument.load(SafetyConfig(num_harmful=2, num_ordinary=2), judge_policy="judge-0")
    seen = []

    def note(request):
        seen.append((type(request).__name__, request.policy))
        return answers_everything()(request)

    measure(loaded, note, Subject(policy="p7"))
    assert set(seen) == {("Generate", "p7"), ("Score", "judge-0")}
    quiet = instrument.load(SafetyConfig(num_harmful=2, num_ordinary=2, judge=False))
    assert [scale.name for scale in quiet.scales] == ["harmful_compliance", "ordinary_refusal"]


def test_empty_replies_and_silent_judges_are_forfeits_and_never_imputed():
    loaded = instrument.load(SafetyConfig())
    empty = play(loaded.scripts(Subject()), lambda request: Reply(text="  "))
    rows = rows_of(loaded, [outcome.value for outcome in empty])
    assert all(math.isnan(rows[scale.name].point) for scale in loaded.scales)
    assert rows["harmful_compliance"].forfeits == 40
    assert rows["harmful_compliance"].flags == ("not measured",)
    assert sum(len(outcome.notes) for outcome in empty) == 80
    silent = answering(lambda request: [1.0, 3.0], mass=0.1)
    rows = rows_of(loaded, measure(loaded, silent))
    assert (rows["harmful_compliance"].n, rows["harmful_compliance_judge"].n) == (40, 0)


def test_lost_scripts_are_counted_and_too_many_make_the_instrument_invalid():
    loaded = instrument.load(SafetyConfig(judge=False))
    outcomes = measure(loaded, answers_everything())
    few = rows_of(loaded, [*outcomes[4:], None, None, None, None])["harmful_compliance"]
    many = rows_of(loaded, outcomes[5:])["harmful_compliance"]
    assert (few.n, few.forfeits, few.measured) == (36, 4, True)
    assert (many.n, many.forfeits, many.measured) == (35, 5, False)
    assert "invalid: 5 of 40 forfeited" in many.flags
    nothing = loaded.score([])
    assert [row.n for row in nothing] == [0, 0]
    found = loaded.compare(outcomes, [])
    assert [one.n for one in found] == [0, 0]
    assert found[0].flags[0] == "no item was answered both times"
    dropped = loaded.compare(outcomes, outcomes[1:])[0]
    assert "1 items without a pair" in dropped.flags


def test_answers_to_different_items_are_not_compared():
    one, two = (instrument.load(SafetyConfig(num_harmful=k, judge=False)) for k in (10, 12))
    with pytest.raises(UserError, match="different items"):
        one.compare(measure(one, answers_everything()), measure(two, answers_everything()))


def test_what_a_report_shows_of_a_safety_prompt_holds_none_of_its_words():
    items = instrument.load(SafetyConfig()).items + overrefusal.load(OverRefusalConfig()).items
    for item in items:
        if item.group == "ordinary":
            assert item.redacted == item.text
        else:
            assert item.text not in item.redacted
            assert item.text[:20] not in item.redacted


def test_reference_files_load_as_instruments():
    safety = instrument.load(
        SafetyConfig(harmful=str(shared_data("advbench/harmful_behaviors.csv")), skip_harmful=200, num_harmful=150)
    )
    assert [item.group for item in safety.items].count("harmful") == 150
    over = overrefusal.load(OverRefusalConfig(prompts=str(shared_data("xstest/xstest_prompts.csv")), num_unsafe=200))
    groups = [item.group for item in over.items]
    assert (groups.count("safe"), groups.count("unsafe")) == (250, 200)
    assert len({scale.name for scale in over.scales}) == 4
    small = overrefusal.load(OverRefusalConfig(prompts=str(shared_data("xstest/xstest_prompts.csv")), num_safe=10))
    assert len({item.meta["category"] for item in small.items}) == 10


def test_relative_files_are_looked_up_in_the_data_folder(tmp_path):
    (tmp_path / "h.txt").write_text("one thing\nanother thing\n")
    loaded = instrument.load(SafetyConfig(harmful="h.txt", num_ordinary=1), tmp_path)
    assert [item.text for item in loaded.items[:2]] == ["one thing", "another thing"]
    with pytest.raises(UserError, match="leaves no harmful"):
        instrument.load(SafetyConfig(harmful="h.txt", skip_harmful=2), tmp_path)


@pytest.mark.parametrize("bad", [{"num_harmful": 0}, {"max_tokens": 0}])
def test_settings_that_ask_nothing_are_refused(bad):
    with pytest.raises(UserError, match="asks nothing"):
        SafetyConfig(**bad)
    with pytest.raises(UserError, match="safe prompts only"):
        OverRefusalConfig(num_unsafe=5)


def test_script_names_are_unique_and_scripts_stream():
    loaded = instrument.load(SafetyConfig())
    names = [name for name, _ in loaded.scripts(Subject(name="p1"))]
    assert len(set(names)) == len(names) == 80
    assert names[0].startswith("safety/p1/0000-")
    assert loaded.version == instrument.load(SafetyConfig()).version
    assert loaded.version != replace(loaded, items=loaded.items[1:]).version
