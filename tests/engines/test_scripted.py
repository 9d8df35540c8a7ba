"""The scripted engine, its babbler, and the test server's parts."""

import json

import pytest

from agents.requests import Constraint, Generate, Message, Orders, Reply, Score, json_constraint
from sim.engines.babbler import Babbler
from sim.engines.base import EngineDied, Ticket
from sim.engines.kind import EngineSetting
from sim.engines.scripted import ScriptedConfig, ScriptedEngine, kind
from sim.engines.test_server import Counts


def ticket(number, request=None):
    request = request or Generate(messages=(Message("user", "Say."),), purpose="t/q.v1")
    return Ticket(request, f"t/s{number}", 0, 1)


def texts(engine, tickets):
    engine.submit(tickets)
    done = {}
    while len(done) < len(tickets):
        done |= {item.ticket.key: item.result for item in engine.poll()}
    return [done[t.key] for t in tickets]


def test_texts_are_given_in_order_and_dictionaries_become_scores():
    assert [r.text for r in texts(ScriptedEngine(["a", "b"]), [ticket(0), ticket(1)])] == ["a", "b"]
    request = Score(messages=(), options=("yes", "no"), purpose="t/s.v1", orders=Orders.CYCLIC)
    (scores,) = texts(ScriptedEngine(lambda _: {"yes": 0.7, "no": 0.2}), [ticket(0, request)])
    assert scores.probability == pytest.approx({"yes": 7 / 9, "no": 2 / 9})
    assert scores.mass == pytest.approx(0.9)
    assert len(scores.logp) == 2
    assert scores.identity == "t/s0#0"


def test_latency_and_flight_change_nothing_but_time():
    tickets = [ticket(n) for n in range(20)]
    plain = texts(ScriptedEngine(Babbler()), tickets)
    slow = texts(ScriptedEngine(Babbler(), latency_s=0.001, max_in_flight=3), tickets)
    assert plain == slow


def test_it_dies_when_told():
    engine = ScriptedEngine(lambda _: "x", die_after=0)
    with pytest.raises(EngineDied):
        engine.poll()


def test_babble_depends_on_the_seed_alone_and_meets_constraints():
    schema = json_constraint(
        {
            "type": "object",
            "properties": {"names": {"type": "array", "items": {"type": "string"}}, "n": {"type": "integer"}},
            "required": ["names", "n"],
        }
    )
    for number in range(30):
        message = (Message("user", "?"),)
        chosen = ticket(number, Generate(messages=message, purpose="p", constraint=Constraint(choices=("x", "y"))))
        shaped = ticket(100 + number, Generate(messages=message, purpose="p", constraint=schema))
        (first, second), again = texts(ScriptedEngine(Babbler()), [chosen, shaped]), Babbler()(shaped)
        assert first.text in ("x", "y")
        assert set(json.loads(second.text)) == {"names", "n"}
        assert again == second.text


def test_garbage_comes_at_its_rate():
    engine = ScriptedEngine(Babbler(garbage=0.25))
    found = texts(engine, [ticket(n) for n in range(800)])
    good = sum(isinstance(r, Reply) and r.text[:1].isalpha() and r.text.endswith(".") for r in found)
    assert 0.68 < good / 800 < 0.82


def test_the_kind_opens_from_its_config_and_says_that_it_is_scripted():
    engine = kind.open(ScriptedConfig(garbage=0.1, num_words=5), EngineSetting())
    assert engine.facts()["scripted"] is True
    assert kind.needs_model is False
    engine.close()


def test_prefix_share_counts_whole_blocks_of_known_prefixes():
    counts = Counts()
    counts.see_prompt("a" * 256)
    counts.see_prompt("a" * 128 + "b" * 128)
    counts.see_prompt("b" + "a" * 255)
    assert (counts.num_blocks, counts.num_shared_blocks) == (12, 2)
