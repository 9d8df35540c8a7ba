"""The value vector on responders whose values are known: content-only, position-only, uniform, and mixtures.

An evaluator that undoes an order twice, or never, swaps the values of the first two; that is what these tests are for.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from agents.errors import UserError
from agents.instruments import Subject
from agents.instruments.frames import readings_of, responses_frame
from agents.instruments.oracles import answering, uniform
from agents.instruments.value_vector import (
    BLOCKS,
    DIMS,
    ValueVectorConfig,
    aggregate,
    content_only,
    instrument,
    option_shares,
    position_only,
    public_items,
    similarity,
    uniform_additions,
)
from agents.instruments.value_vector.forms import ask, listings
from agents.requests import Orders, ScoreMode, Scores
from agents.scoring import permutations
from tests.instruments.playing import measure
from tests.shared_data import shared_data

PUBLISHED_UNIFORM = (
    0.026, 0.130, 0.075, 0.104, 0.120, 0.151, 0.098, 0.074, 0.146, 0.151,
    0.100, 0.106, 0.108, 0.093, 0.092, 0.25, 0.25, 0.25, 0.25,
)  # fmt: skip


def loaded(**settings):
    return instrument.load(ValueVectorConfig(**settings))


def shares_of(one, outcomes):
    return {readings[0].item: one.shares(readings) for readings in outcomes}


@pytest.mark.parametrize("orders", ["cyclic", "all"])
def test_a_content_only_responder_has_p1_of_exactly_one_on_every_item(orders):
    one = loaded(orders=orders)
    for item, shares in shares_of(one, measure(one, content_only(one.items))).items():
        assert shares.tolist() == [1.0] + [0.0] * (len(shares) - 1), item


@pytest.mark.parametrize("action", [1, 3])
def test_any_action_is_found_wherever_it_is_named(action):
    one = loaded(orders="all")
    responder = content_only([item for item in one.items if len(item.options) > action], action=action)
    four = [item for item in one.items if len(item.options) > action]
    kept = type(one)(items=(*four, *(item for item in one.items if item not in four)), orders="all")
    for item in four[-3:]:
        ((_, script),) = [pair for pair in kept.scripts(Subject()) if pair[0].endswith(f"-{item.id}")]
        asked = next(script)
        answers = [responder(request) for request in asked]
        with pytest.raises(StopIteration) as stopped:
            script.send(answers)
        assert option_shares(stopped.value.value)[action] == 1.0


@pytest.mark.parametrize("orders", ["cyclic", "all"])
def test_a_position_only_responder_has_one_half_of_two_and_a_quarter_of_four(orders):
    one = loaded(orders=orders)
    outcomes = measure(one, position_only())
    for shares in shares_of(one, outcomes).values():
        assert shares == pytest.approx(1 / len(shares), abs=1e-9)
    gap = next(row for row in one.score(outcomes) if row.scale == "order_gap")
    assert gap.point == pytest.approx(1)


def test_the_uniform_responder_gives_the_published_vector_on_the_public_files():
    items = public_items(shared_data("progressgym"))
    assert aggregate(uniform_additions(items)) == pytest.approx(PUBLISHED_UNIFORM, abs=1e-3)


def test_and_gives_it_through_the_requests_too():
    one = instrument.load(ValueVectorConfig(folder=str(shared_data("progressgym")), num=150, forms=("letters",)))
    vector = one.vector(measure(one, uniform()))
    assert vector.values == pytest.approx(aggregate(uniform_additions(one.items)), abs=1e-12)
    assert sum(vector.num_items.values()) == 150
    assert vector.invalid_rate == 0


def test_public_files_have_their_known_counts_and_traps(caplog):
    folder = shared_data("progressgym")
    items = public_items(folder)
    counts = [sum(item.group == block for item in items) for block in BLOCKS]
    assert counts == [583, 600, 534]
    assert "97 dilemmas share an id" in caplog.text
    assert "1 header rows" in caplog.text
    assert "4 items lack an action" in caplog.text
    assert len({item.meta["stratum"] for item in items if item.group == "morality"}) == 10
    assert sum(item.group == "morality" for item in public_items(folder, "all")) == 680
    themes = [item.meta["stratum"] for item in items if item.group == "foundations"]
    names = ("harm_care", "fairness", "ingroup", "authority", "purity")
    assert [themes.count(name) for name in names] == [120, 128, 130, 112, 110]
    texts = [text for item in items for text in item.options]
    assert not any(text != text.strip() or text[0] + text[-1] in ('""', "''") for text in texts)


def test_every_permutation_is_asked_once_and_undone_once():
    item = next(item for item in loaded().items if len(item.options) == 4)
    for form in ("letters", "repeat"):
        seen = []
        for one in ask(item, Subject(), form, "all"):
            for order in permutations(4, one.request.orders):
                seen.append(tuple(one.named[k] for k in order))
        assert sorted(seen) == sorted(itertools.permutations(range(4)))
    assert len(listings(4, "cyclic")) == 4


def test_an_item_is_asked_as_scores_with_its_orders_in_one_request():
    one = loaded()
    item = one.items[0]
    asked = next(next(iter(one.scripts(Subject())))[1])
    letters, *rest = asked
    assert (letters.orders, letters.options) == (Orders.CYCLIC, item.options)
    assert [request.options for request in rest[:2]] == [("Yes", "No")] * 2
    assert [request.options for request in rest[2:]] == [item.options, item.options[::-1]]
    assert {request.mode for request in rest[2:]} == {ScoreMode.CONTINUATION}
    assert all(item.text in request.messages[-1].content for request in asked)


def biased(strength):
    """Take the first action with this probability, by content, and like the first slot besides."""
    firsts = {item.options[0] for item in loaded().items}

    def belief(request):
        if request.options == ("Yes", "No"):
            named = request.messages[-1].content.splitlines()[1].removeprefix("Action one: ")
            yes = strength if named in firsts else 1 - strength
            return [yes, 1 - yes]
        rest = (1 - strength) / (len(request.options) - 1)
        return [strength if option in firsts else rest for option in request.options]

    return belief


def test_values_move_with_convictions_and_rows_have_intervals_and_the_uniform_null():
    one = loaded()
    outcomes = measure(one, answering(biased(0.8)))
    vector = one.vector(outcomes, timestep=3)
    assert vector.dims == DIMS
    assert (vector.timestep, vector.policy, vector.templates) == (3, "base", ("letters", "compare", "repeat"))
    harm = DIMS.index("harm_care")
    assert vector.values[harm] == pytest.approx(0.8 * 6 / 31)
    assert vector.values[15:] == pytest.approx(np.array([0.8, 0.2 / 3, 0.2 / 3, 0.2 / 3]) * 20 / 21)
    assert vector.interval[harm][0] < vector.values[harm] < vector.interval[harm][1]
    rows = {row.scale: row for row in one.score(outcomes)}
    for place, name in enumerate(DIMS):
        assert rows[name].point == pytest.approx(vector.values[place])
        assert rows[name].lo <= rows[name].point <= rows[name].hi
    assert rows["harm_care"].null == ("uniform", pytest.approx(0.5 * 6 / 31))
    assert (rows["harm_care"].n, rows["traditional"].n) == (30, 20)
    assert rows["order_gap"].point == pytest.approx(0)


def test_the_rows_are_the_same_from_the_written_file():
    one = loaded(num=30)
    outcomes = measure(one, answering(biased(0.7), slot_bias=[1.0]))
    read = readings_of(responses_frame(outcomes))
    assert one.vector(read) == one.vector(outcomes)
    assert one.score(read) == one.score(outcomes)


def test_before_and_after_are_paired_on_the_published_scale():
    one = loaded()
    before, after = measure(one, answering(biased(0.6))), measure(one, answering(biased(0.8)))
    change = {row.scale: row for row in one.compare(before, after)}["harm_care"]
    assert change.diff == pytest.approx(0.2 * 6 / 31)
    assert change.after == pytest.approx(0.8 * 6 / 31)
    assert change.lo <= change.diff <= change.hi


def silent(block_words):
    """Answer nothing to items that hold one of these words, and anything to the others."""
    plain = uniform()

    def respond(request):
        if request.mode is ScoreMode.LETTER and block_words in request.messages[-1].content:
            rows = tuple(tuple(math.log(1e-4) for _ in row) for row in plain(request).logp)
            return Scores(options=request.options, logp=rows)
        return plain(request)

    return respond


def test_unanswered_items_are_forfeits_and_impute_nothing():
    one = loaded()
    word = "dam"
    lost = [item for item in one.items if word in item.text]
    assert lost
    outcomes = measure(one, silent(word))
    vector = one.vector(outcomes)
    assert vector.invalid_rate == pytest.approx(len(lost) / len(one.items))
    kept = [item for item in one.items if item not in lost]
    assert vector.values == pytest.approx(aggregate(uniform_additions(kept)))
    assert {r.forfeit for readings in outcomes for r in readings if r.item in {x.id for x in lost}} >= {"refusal"}
    row = next(row for row in one.score(outcomes) if row.scale == "do_not_kill")
    assert row.forfeits == sum(item.group == "morality" for item in lost)
    assert row.null == ("uniform", pytest.approx(aggregate(uniform_additions(kept))[0]))


def test_a_policy_that_answers_nothing_has_no_vector_and_says_so():
    one = loaded(num=25)
    vector = one.vector(measure(one, answering(lambda request: [1.0] * len(request.options), mass=0.001)))
    assert vector.invalid_rate == 1
    assert all(math.isnan(value) for value in vector.values)
    point, _ = similarity(one.additions([]), one.additions([]))
    assert math.isnan(point.value)
    assert point.flag


def test_the_fast_mode_keeps_every_stratum_and_depends_on_its_seed_alone():
    def parts(num, seed):
        return [item.id for item in loaded(num=num, seed=seed).items]

    whole = loaded().items
    strata = {(item.group, item.meta["stratum"]) for item in whole}
    part = loaded(num=40, seed=1)
    assert {(item.group, item.meta["stratum"]) for item in part.items} == strata
    assert len(part.items) == 40
    assert parts(40, 1) == parts(40, 1) != parts(40, 2)
    assert parts(10_000, 1) == [item.id for item in whole]
    for block in BLOCKS:
        share = sum(item.group == block for item in part.items) / 40
        assert share == pytest.approx(sum(item.group == block for item in whole) / len(whole), abs=0.06)
    assert sum(part.vector(measure(part, uniform())).num_items.values()) == 40
    with pytest.raises(UserError, match="leaves some values without an item"):
        loaded(num=5)


def test_our_own_bank_speaks_for_every_dimension_in_words_of_its_own():
    one = loaded()
    assert 60 <= len(one.items) <= 100
    named = {name for item in one.items for name in item.scales}
    assert named == set(DIMS[:15])
    assert len({text for item in one.items for text in (item.text, *item.options)}) == sum(
        1 + len(item.options) for item in one.items
    )
    assert {item.meta["licence"] for item in one.items} == {"ours"}


def test_our_own_bank_shares_no_wording_with_the_public_files():
    from agents.instruments.separation import overlap_report

    public = [text for item in public_items(shared_data("progressgym")) for text in (item.text, *item.options)]
    report = overlap_report(public, [text for item in loaded().items for text in (item.text, *item.options)])
    assert report.clean, report.overlaps[:5]


def test_cosine_of_vectors_with_interval_and_the_centred_one_is_undefined_for_uniform():
    one = loaded()
    strong, weak = (one.additions(measure(one, answering(biased(p)))) for p in (0.9, 0.6))
    null = one.additions(measure(one, uniform()))
    raw, interval = similarity(strong, weak)
    assert 0.9 < raw.value < 1
    assert interval.lo <= raw.value <= interval.hi
    against = one.additions(measure(one, answering(biased(0.1))))
    centred, spread = similarity(strong, against, centre=uniform_additions(one.items))
    assert similarity(strong, against)[0].value > 0.2
    assert centred.value < -0.7
    assert spread.lo <= centred.value <= spread.hi < 0
    undefined, nothing = similarity(strong, null, centre=uniform_additions(one.items))
    assert math.isnan(undefined.value)
    assert "second vector does not differ from the centre" in undefined.flag
    assert math.isnan(nothing.lo)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"forms": ("compare",)}, "cannot be asked"),
        ({"forms": ("letters", "sing")}, "cannot be asked"),
        ({"orders": "some"}, "orders"),
        ({"repeated_ids": "first"}, "repeated_ids"),
        ({"num": 0}, "asks nothing"),
    ],
)
def test_unusable_settings_are_refused(settings, words):
    with pytest.raises(UserError, match=words):
        ValueVectorConfig(**settings)


def write_public(folder, *, foundation="F,generated,Harm_Care,c,a,b", view="V,generated,Ontology,c,a,b,d,e"):
    flags = [f"a{k}_{name}" for k in (1, 2) for name in (
        "death", "pain", "disable", "freedom", "pleasure", "deceive", "cheat", "break_promise", "break_law", "duty"
    )]  # fmt: skip
    row = ["H", "high", "Generated", "Do not kill", "c", "a", "b", *["No"] * 10, *["Yes"] + ["No"] * 9]
    head = ["scenario_id", "ambiguity", "generation_type", "generation_rule", "context", "action1", "action2", *flags]
    (folder / "moralchoice_final.csv").write_text(",".join(head) + "\n" + ",".join(row) + "\n")
    names = "scenario_id,generation_type,generation_theme,context,action1,action2"
    (folder / "foundation_final.csv").write_text(f"{names}\n{foundation}\n")
    (folder / "views").mkdir()
    (folder / "views" / "final.csv").write_text(f"{names},action3,action4\n{view}\n")


def test_user_files_in_the_public_layout_are_read_and_bad_ones_refused(tmp_path):
    write_public(tmp_path)
    items = public_items(tmp_path)
    assert [item.scales for item in items] == [{"do_not_kill": 1.0}, {"harm_care": 1.0}, {}]
    assert aggregate(uniform_additions(items))[[0, 1, 10, 15]] == pytest.approx([0.25, 0, 0.25, 0.125])
    (tmp_path / "foundation_final.csv").write_text("scenario_id,context\nF,c\n")
    with pytest.raises(UserError, match="no column generation_theme"):
        public_items(tmp_path)
    (tmp_path / "foundation_final.csv").unlink()
    with pytest.raises(UserError, match="There is no file"):
        public_items(tmp_path)


def test_an_unknown_theme_is_named_and_two_equal_actions_are_not_asked(tmp_path):
    write_public(tmp_path, foundation="F,generated,Bravery,c,a,b")
    with pytest.raises(UserError, match='generation_theme = "Bravery"'):
        public_items(tmp_path)
    write = tmp_path / "again"
    write.mkdir()
    write_public(write, foundation="F,generated,Harm_Care,c,a,a")
    one = instrument.load(ValueVectorConfig(folder=str(write)))
    vector = one.vector(measure(one, content_only(one.items)))
    assert vector.values[DIMS.index("harm_care")] == pytest.approx(0.25)
    assert vector.values[0] == pytest.approx(0.5)
    assert vector.invalid_rate == 0
