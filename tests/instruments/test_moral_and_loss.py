"""Dilemmas, language-model loss and win rate on known responders."""

from __future__ import annotations

import math

import pytest

from agents.errors import UserError
from agents.instruments import Subject
from agents.instruments.dilemmas import load_dilemmas
from agents.instruments.judging import FIRST_BETTER, verdict_of
from agents.instruments.lm_loss import LmLossConfig
from agents.instruments.lm_loss import instrument as lm_loss
from agents.instruments.moralchoice import MoralChoiceConfig, first_action
from agents.instruments.moralchoice import instrument as moralchoice
from agents.instruments.oracles import always_first, answering, uniform
from agents.instruments.pairwise import WinRateConfig, judge_replies
from agents.instruments.pairwise import instrument as win_rate
from agents.requests import Generate, Reply, Scores
from tests.instruments.playing import measure, play
from tests.shared_data import shared_data


def rows_of(loaded, outcomes):
    return {row.scale: row for row in loaded.score(outcomes)}


def convinced(loaded, share):
    """Prefer each dilemma's first action with this probability, in every form."""
    first = {item.options[0] for item in loaded.items}

    def belief(request):
        if request.options == ("Yes", "No"):
            one = next(line for line in request.messages[-1].content.splitlines() if line.startswith("Action one: "))
            yes = share if one.removeprefix("Action one: ") in first else 1 - share
            return [yes, 1 - yes]
        return [share if option in first else 1 - share for option in request.options]

    return belief


def test_the_reference_file_has_its_known_counts():
    items = load_dilemmas(shared_data("moralchoice/moralchoice_high_ambiguity.csv"))
    assert len(items) == 680
    assert sum(item.meta["generation_type"].strip() == "Hand-Written" for item in items) == 100
    assert {item.group for item in items} == {"high"}
    loaded = moralchoice.load(
        MoralChoiceConfig(file=str(shared_data("moralchoice/moralchoice_high_ambiguity.csv")), num=20)
    )
    assert [item.group for item in loaded.items] == ["high"] * 20 + ["low"] * 12


def test_a_uniform_responder_is_undecided_consistent_and_never_position_biased():
    loaded = moralchoice.load(MoralChoiceConfig())
    rows = rows_of(loaded, measure(loaded, uniform()))
    assert (rows["entropy_high"].point, rows["entropy_high"].n) == (pytest.approx(1), 12)
    assert rows["agreement_low"].point == pytest.approx(0.5)
    assert rows["consistency"].point == pytest.approx(1)
    assert rows["label_mass"].point == pytest.approx(1)
    assert rows["first_slot_excess"].point == pytest.approx(0)
    assert rows["entropy_high"].null == ("uniform", 1.0)


def test_a_liking_for_the_first_slot_cancels_in_every_form():
    loaded = moralchoice.load(MoralChoiceConfig())
    rows = rows_of(loaded, measure(loaded, always_first()))
    assert rows["agreement_low"].point == pytest.approx(0.5)
    assert rows["first_slot_excess"].point == pytest.approx(0.5)
    biased = answering(convinced(loaded, 0.8), slot_bias=[1.5])
    rows = rows_of(loaded, measure(loaded, biased))
    assert rows["agreement_low"].point == pytest.approx(0.8)
    assert rows["action1_high"].point == pytest.approx(0.8)
    assert rows["first_slot_excess"].point > 0.1


def test_forms_that_contradict_each_other_lower_consistency():
    loaded = moralchoice.load(MoralChoiceConfig(num=6))
    belief = convinced(loaded, 0.95)

    def torn(request):
        return belief(request)[::-1] if request.options == ("Yes", "No") else belief(request)

    straight = rows_of(loaded, measure(loaded, answering(belief)))["consistency"].point
    twisted = rows_of(loaded, measure(loaded, answering(torn)))["consistency"].point
    assert straight == pytest.approx(1)
    assert twisted < 0.6


def test_low_label_mass_is_reported_and_hardly_any_is_a_forfeit():
    loaded = moralchoice.load(MoralChoiceConfig(forms=("ab",)))
    rows = rows_of(loaded, measure(loaded, answering(lambda r: [1, 1], mass=0.4)))
    assert rows["label_mass"].point == pytest.approx(0.4)
    assert rows["agreement_low"].n == 12
    assert any("label mass 0.40" in flag for flag in rows["agreement_low"].flags)
    rows = rows_of(loaded, measure(loaded, answering(lambda r: [1, 1], mass=0.01)))
    assert (rows["agreement_low"].n, rows["label_mass"].n) == (0, 24)
    assert "consistency" not in rows


def test_long_actions_do_not_fall_below_the_floor():
    assert first_action([(-80.0, -82.0), (-81.0, -83.0)]) == pytest.approx(1 / (1 + math.exp(-2)))
    assert first_action([(-math.inf, -1.0), (-math.inf, -1.0)]) < 1e-12


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("context,action1\nx,y\n", "no column action2"),
        ("context,action1,action2,ambiguity\nx,y,z,middling\n", "middling"),
        ("context,action1,action2\nx,y,\n", "action2 is blank"),
        ("context,action1,action2\nx,y,z\nx,y,z\n", "repeats the dilemma"),
        ("", "is empty"),
    ],
)
def test_unusable_dilemmas_are_refused(tmp_path, text, words):
    path = tmp_path / "d.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=words):
        load_dilemmas(path)
    with pytest.raises(UserError, match="cannot be asked"):
        MoralChoiceConfig(forms=("ab", "sing"))


def test_a_dilemma_without_a_choice_is_left_out_with_a_warning(tmp_path, caplog):
    path = tmp_path / "d.csv"
    path.write_text("context,action1,action2\nx,y,y\nz,a,b\n")
    loaded = moralchoice.load(MoralChoiceConfig(file=str(path), clear=False))
    assert [item.text for item in loaded.items] == ["z"]
    assert "1 dilemmas offer no choice" in caplog.text


def test_repeated_scenario_ids_are_told_apart_by_content(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("scenario_id,context,action1,action2\nH,x,a,b\nH,y,a,b\nG,z,a,b\n")
    ids = [item.id for item in load_dilemmas(path)]
    assert ids[2] == "G"
    assert len(set(ids)) == 3


def nats(per_token):
    def respond(request):
        tokens = len(request.options[0].split())
        return Scores(
            options=request.options, logp=((-per_token * tokens,),), num_tokens=(tokens,), mode="continuation"
        )

    return respond


def test_loss_is_nats_a_token_and_bits_a_byte():
    loaded = lm_loss.load(LmLossConfig())
    rows = rows_of(loaded, measure(loaded, nats(3.0)))
    assert (rows["nats_per_token"].point, rows["nats_per_token"].n) == (pytest.approx(3.0), 20)
    tokens = [len(item.text.split()) / len(item.text.encode()) for item in loaded.items]
    assert rows["bits_per_byte"].point == pytest.approx(3 / math.log(2) * sum(tokens) / 20)
    assert rows["bits_per_byte"].null == ("uniform over bytes", 8.0)
    assert rows["nats_per_token"].null[1] > 20


def test_a_rise_of_the_loss_is_seen_and_unusable_documents_are_forfeits():
    loaded = lm_loss.load(LmLossConfig(num=12))
    found = {one.scale: one for one in loaded.compare(measure(loaded, nats(3.0)), measure(loaded, nats(3.2)))}
    assert found["nats_per_token"].diff == pytest.approx(0.2)
    assert found["nats_per_token"].p < 0.01
    broken = measure(loaded, lambda r: Scores(options=r.options, logp=((-math.inf,),), num_tokens=(9,)))
    assert rows_of(loaded, broken)["nats_per_token"].forfeits == 12


def test_an_engine_that_cuts_every_sum_at_the_same_floor_is_found_out():
    loaded = lm_loss.load(LmLossConfig(num=5))
    cut = measure(loaded, lambda r: Scores(options=r.options, logp=((-100.0,),), num_tokens=(60,), mode="continuation"))
    assert all("invalid: every document has the same total" in row.flags for row in loaded.score(cut))


def test_users_documents_are_paragraphs(tmp_path):
    path = tmp_path / "held.txt"
    path.write_text("One paragraph\nover two lines.\n\nAnother one.\n\n\nOne paragraph over two lines.\n")
    loaded = lm_loss.load(LmLossConfig(file="held.txt"), tmp_path)
    assert [item.text for item in loaded.items] == ["One paragraph over two lines.", "Another one."]
    for text, words in (("", "is empty"), ("x" * 5000, "5,000 characters")):
        path.write_text(text)
        with pytest.raises(UserError, match=words):
            lm_loss.load(LmLossConfig(file="held.txt"), tmp_path)
    with pytest.raises(UserError, match="There is no text file"):
        lm_loss.load(LmLossConfig(file="gone.txt"), tmp_path)


def test_a_verdict_needs_both_orders_and_a_margin():
    assert verdict_of(0.9, 0.8, margin=0.05) == "win"
    assert verdict_of(0.1, 0.2, margin=0.05) == "lose"
    assert verdict_of(0.9, 0.2, margin=0.05) == "tie"
    assert verdict_of(0.52, 0.53, margin=0.05) == "tie"


def speaker(request):
    if isinstance(request, Generate):
        return Reply(text="the good reply" if request.policy == "p1" else "the other reply")
    lines = request.messages[-1].content.splitlines()
    good_first = lines.index("the good reply") < lines.index("the other reply")
    return answering(lambda r: [0.9 if (o == FIRST_BETTER) == good_first else 0.1 for o in r.options])(request)


def test_win_rate_is_one_for_the_better_half_for_itself_and_half_for_a_judge_of_slots():
    loaded = win_rate.load(WinRateConfig(num=10))
    better = rows_of(loaded, measure(loaded, speaker, Subject(policy="p1")))
    assert (better["win_rate"].point, better["win_share"].point, better["tie_share"].point) == (1, 1, 0)
    same = rows_of(loaded, measure(loaded, speaker))
    assert (same["win_rate"].point, same["tie_share"].point) == (0.5, 1)

    def slots(request):
        return speaker(request) if isinstance(request, Generate) else always_first()(request)

    blind = rows_of(loaded, measure(loaded, slots, Subject(policy="p1")))
    assert (blind["win_rate"].point, blind["tie_share"].point) == (0.5, 1)
    assert blind["win_rate"].null == ("two equal policies", 0.5)
    worse = win_rate.load(WinRateConfig(num=10, reference="p1"))
    assert rows_of(worse, measure(worse, speaker))["lose_share"].point == 1


def test_any_two_sets_of_replies_can_be_judged_and_gaps_are_left_out():
    requests = {"a": "Do it", "b": "Do that", "c": "Do more"}
    ours = {"a": "the good reply", "b": "the good reply", "c": ""}
    theirs = {"a": "the other reply", "b": "the good reply", "c": "the other reply"}
    found = play(judge_replies(requests, ours, theirs), speaker)
    assert [outcome.value.verdict for outcome in found] == ["win", "tie"]
    with pytest.raises(UserError, match="out of range"):
        WinRateConfig(margin=0.5)
