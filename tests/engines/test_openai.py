"""The HTTP engine against the project's own server on loopback: seeds, retries, limits, degradation, death."""

import json
import logging
import math
import socket
import time
import urllib.request

import pytest

from agents.errors import UserError
from agents.requests import (
    Constraint,
    Generate,
    Message,
    Orders,
    Sampling,
    Score,
    ScoreMode,
    json_constraint,
)
from sim.engines.base import EngineDied, PolicyRef, Ticket, Usage
from sim.engines.endpoint import OpenaiConfig, Pace, Server
from sim.engines.kind import EngineSetting
from sim.engines.openai import OpenaiEngine
from sim.engines.test_server import BackgroundServer, ServerOptions


def ask_all(engine, tickets, timeout_s=20):
    engine.submit(tickets)
    done, ends = {}, time.monotonic() + timeout_s
    while len(done) < len(tickets):
        assert time.monotonic() < ends
        for item in engine.poll():
            done[item.ticket.key] = item
    return [done[t.key] for t in tickets]


def generate(number, **kw):
    request = Generate(messages=(Message("user", f"Say {number}."),), purpose="t/q.v1", **kw)
    return Ticket(request, f"t/s{number}", 0, 1)


def score(**kw):
    kw = {"messages": (Message("user", "Which?"),), "options": ("left", "right"), "purpose": "t/s.v1"} | kw
    return Ticket(Score(**kw), "t/score", 0, 1)


def opened(url, **kw):
    kw = {"model": "scripted", "backoff_s": 0.01} | kw
    return OpenaiEngine(OpenaiConfig(url=f"{url}/v1", **kw), EngineSetting())


def stats(url):
    with urllib.request.urlopen(f"{url}/stats", timeout=5) as page:
        return json.loads(page.read())


def test_every_ticket_is_answered_once_with_seed_and_usage():
    with BackgroundServer() as url:
        engine = opened(url, concurrency=16)
        done = ask_all(engine, [generate(n) for n in range(200)])
        facts = engine.facts()
        engine.close()
        seen = stats(url)
    assert all(item.result.text and not item.error for item in done)
    assert all(item.result.identity == item.ticket.key for item in done)
    assert all(item.usage.num_prompt > 0 and item.usage.num_output > 0 for item in done)
    assert seen["requests"] == seen["seeded"] == 200
    assert seen["duplicates"] == 0
    assert seen["max_in_flight"] <= 16
    assert "constraints" in facts["degraded"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_passing_failures_are_retried(status):
    with BackgroundServer(ServerOptions(latency_s=0.0, fail_every=3, fail_status=status)) as url:
        engine = opened(url)
        done = ask_all(engine, [generate(n) for n in range(60)])
        assert engine.endpoint.num_retried >= 20
        engine.close()
    assert not [item.error for item in done if item.error]


def test_a_refused_request_fails_alone():
    with BackgroundServer(ServerOptions(latency_s=0.0, fail_every=5, fail_status=400)) as url:
        engine = opened(url)
        done = ask_all(engine, [generate(n) for n in range(10)])
        engine.close()
    assert sum("status 400" in item.error for item in done) == 2


def test_a_wrong_key_or_model_ends_the_engine_at_once():
    with BackgroundServer(ServerOptions(latency_s=0.0, fail_every=1, fail_status=404)) as url:
        engine = opened(url)
        with pytest.raises(EngineDied, match="no such path or model"):
            ask_all(engine, [generate(1)])
        engine.close()


def test_a_dead_endpoint_dies_in_bounded_time_and_names_the_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    engine = opened(f"http://127.0.0.1:{port}", num_retries=3)
    began = time.monotonic()
    with pytest.raises(EngineDied, match=rf"127\.0\.0\.1:{port}/v1 cannot be used.*\n.*start the server"):
        ask_all(engine, [generate(n) for n in range(5)])
    assert time.monotonic() - began < 15
    with pytest.raises(EngineDied):
        engine.submit([generate(9)])
    engine.close()
    engine.close()


def test_a_server_that_hangs_counts_as_dead():
    with BackgroundServer(ServerOptions(latency_s=3.0)) as url:
        engine = opened(url, timeout_s=0.2, num_retries=1)
        with pytest.raises(EngineDied, match="Timeout"):
            ask_all(engine, [generate(1)])
        engine.close()


def test_schema_reaches_a_server_that_knows_it_and_choices_are_parsed_elsewhere():
    schema = json_constraint({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})
    choice = Constraint(choices=("yes", "no"))
    with BackgroundServer() as url:
        for server in (Server.openai, Server.vllm):
            engine = opened(url, server=server)
            shaped, chosen = ask_all(engine, [generate(1, constraint=schema), generate(2, constraint=choice)])
            engine.close()
            assert json.loads(shaped.result.text) == {"n": 0}
        assert chosen.result.text in ("yes", "no")
        engine = opened(url)
        (loose,) = ask_all(engine, [generate(1, constraint=schema)])
        engine.close()
    assert not loose.result.text.startswith("{")


def test_scores_come_from_log_probabilities_and_orders_cancel_the_slot():
    with BackgroundServer(ServerOptions(latency_s=0.0, logprobs=True)) as url:
        engine = opened(url)
        given, both = ask_all(engine, [score(orders=Orders.GIVEN)])[0], ask_all(engine, [score()])[0]
        engine.close()
    assert given.result.mode == "letter"
    assert given.result.probability["left"] == pytest.approx(8 / 11)
    assert given.result.mass == pytest.approx(11 / 12)
    assert both.result.probability == pytest.approx({"left": 0.5, "right": 0.5})
    assert both.usage.num_prompt == 2 * given.usage.num_prompt


def test_without_log_probabilities_scores_are_sampled_and_say_so(caplog):
    with BackgroundServer() as url, caplog.at_level(logging.WARNING):
        engine = opened(url, score_samples=4)
        first = ask_all(engine, [score()])[0].result
        second = ask_all(engine, [score(mode=ScoreMode.CONTINUATION)])[0].result
        documents = ask_all(engine, [score(messages=(), mode=ScoreMode.CONTINUATION)])[0]
        facts = engine.facts()
        engine.close()
    assert first.mode == second.mode == "sampled"
    assert all(math.isfinite(x) for row in first.logp for x in row)
    assert first.mass == pytest.approx(1.0)
    assert "sampled answers" in caplog.text
    assert {"scores", "continuation", "constraints"} <= set(facts["degraded"])
    assert "plain documents" in documents.error


def test_control_marks_in_contents_do_not_reach_the_server_whole():
    engine = opened("http://127.0.0.1:1")
    body = engine.endpoint.body(generate(1).request, (Message("user", "a <|im_end|> b"),), 1)
    engine.close()
    assert "<|im_end|>" not in json.dumps(body)


def test_policies_go_by_their_served_names():
    config = OpenaiConfig(url="http://127.0.0.1:1/v1", model="m", models={"p2": "served2"})
    policies = tuple(PolicyRef(name=n, kind=k) for n, k in (("base", "base"), ("p1", "adapter"), ("p2", "adapter")))
    engine = OpenaiEngine(config, EngineSetting(policies=policies))
    assert engine.facts()["models"] == {"base": "m", "p1": "p1", "p2": "served2"}
    engine.close()


def test_an_unset_key_variable_and_a_bad_address_are_user_errors(monkeypatch):
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with pytest.raises(UserError, match="NO_SUCH_KEY"):
        opened("http://127.0.0.1:1", api_key_env="NO_SUCH_KEY")
    with pytest.raises(UserError, match="is not an address"):
        opened("localhost:8000")


def test_the_rate_limit_spaces_requests_out(monkeypatch):
    import asyncio

    clock, slept = [100.0], []

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr("sim.engines.endpoint.asyncio.sleep", sleep)
    monkeypatch.setattr("sim.engines.endpoint.time.monotonic", lambda: clock[0])

    async def run():
        pace = Pace(120)
        for _ in range(5):
            await pace.take(1)

    asyncio.run(run())
    assert slept == pytest.approx([0.5, 1.0])
    assert Sampling().max_tokens == 256


def canned(engine, answers):
    """Let the endpoint give these answers, in this order, to whatever is posted."""
    left = iter(answers)

    async def post(ticket, path, body, usages):
        usages.append(Usage())
        return next(left)

    engine.endpoint.post = post


def lettered(*pairs):
    top = [{"token": token, "logprob": logprob} for token, logprob in pairs]
    return {"choices": [{"message": {"content": "A"}, "logprobs": {"content": [{"top_logprobs": top}]}}]}


def test_one_odd_answer_does_not_change_how_all_others_are_scored():
    engine = opened("http://127.0.0.1:1")
    empty = {"choices": [{"message": {"content": ""}, "logprobs": None}]}
    good = lettered(("A", -0.1), ("B", -2.3))
    canned(engine, [good, empty, good])
    first, odd, last = (ask_all(engine, [score(orders=Orders.GIVEN)])[0] for _ in range(3))
    assert first.result.mode == last.result.mode == "letter"
    assert odd.result is None
    assert "as it did with others" in odd.error
    assert "scores" not in engine.facts()["degraded"]
    engine.close()


def test_an_answer_without_choices_is_tried_again_and_named(monkeypatch):
    monkeypatch.setattr("sim.engines.test_server._answer", lambda *_: {"error": {"message": "overloaded"}})
    with BackgroundServer() as url:
        engine = opened(url, num_retries=1)
        (item,) = ask_all(engine, [generate(1)])
        assert item.result is None
        assert "no choices in" in item.error
        assert "overloaded" in item.error
        assert engine.endpoint.num_retried == 1
        engine.close()
