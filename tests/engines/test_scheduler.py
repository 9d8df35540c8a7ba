"""The scheduler: order of completion never shows, budgets hold, and nothing that is lost is lost silently."""

import contextlib
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.asking import Unusable, ask, nonempty
from agents.requests import (
    Cause,
    Event,
    Fork,
    Generate,
    Message,
    OverBudget,
    Reply,
    RequestFailed,
    Score,
)
from sim.engines.babbler import Babbler
from sim.engines.base import EngineDied, Finished
from sim.engines.scripted import ScriptedEngine
from sim.journal import Journal, read_records
from sim.limits import Limits
from sim.scheduler import Scheduler
from tests.engines.conftest import ShuffledEngine


def question(text: str) -> Generate:
    return Generate(messages=(Message("user", text),), purpose="test/q.v1")


def wild(seed: int, depth: int = 0):
    """A script whose shape depends on its seed and on what it hears."""
    rng = random.Random(seed)
    heard = []
    for step in range(rng.randint(1, 4)):
        move = rng.choice(["ask", "list", "fork", "score", "note", "empty"])
        if move == "ask":
            reply = yield question(f"{seed}.{step}")
            heard.append(reply.text)
            rng.seed(f"{seed}{reply.text}")
        elif move == "list":
            replies = yield [question(f"{seed}.{step}.{k}") for k in range(rng.randint(1, 4))]
            heard += [r.text for r in replies]
        elif move == "score":
            scores = yield Score(messages=(Message("user", "?"),), options=("yes", "no"), purpose="test/s.v1")
            heard.append(max(scores.probability, key=scores.probability.get))
        elif move == "fork" and depth < 2:
            names = [f"c{k}" for k in range(rng.randint(1, 3))]
            heard += yield Fork(tuple((name, wild(seed * 7 + k + 1, depth + 1)) for k, name in enumerate(names)))
        elif move == "empty":
            assert (yield []) == []
            assert (yield Fork()) == []
        yield Event(table="steps", row={"seed": seed, "step": step, "heard": len(heard)})
    return heard


def story(outcomes):
    """What a run leaves, in the order of the scripts."""
    return [(o.path, o.value, o.notes, o.cause) for o in sorted(outcomes, key=lambda o: o.index)]


def played(engine, num=12, **kw):
    scheduler = Scheduler(engine, run_seed=3, stage="t", **kw)
    return story(scheduler.play((f"s{n}", wild(n)) for n in range(num)))


@settings(max_examples=25, deadline=None)
@given(engine_seed=st.integers(0, 10**6), window=st.sampled_from([1, 2, 5, 64]))
def test_results_do_not_depend_on_completion_order_or_window(engine_seed, window):
    straight = played(ScriptedEngine(Babbler()), limits=Limits(window=64))
    assert played(ShuffledEngine(Babbler(), engine_seed), limits=Limits(window=window)) == straight


def test_a_resume_at_any_point_ends_the_same(tmp_path):
    whole = played(ScriptedEngine(Babbler()))
    total = ScriptedEngine(Babbler())
    played(total)
    for die_after in range(0, total.num_answered, 7):
        path = tmp_path / f"{die_after}.jsonl"
        engine = ScriptedEngine(Babbler(), max_in_flight=3, die_after=die_after)
        journal = Journal(path, header={"seed": 3})
        with pytest.raises(EngineDied):
            played(engine, journal=journal)
        journal.close()
        again = ScriptedEngine(Babbler(), max_in_flight=5)
        journal = Journal(path, header={"seed": 3})
        assert played(again, journal=journal) == whole
        journal.close()
        keys = [record["k"] for record in read_records(path)]
        assert len(keys) == len(set(keys)) == total.num_answered
        assert again.num_answered + engine.num_answered == total.num_answered


def test_the_window_bounds_what_is_admitted():
    admitted = []

    def source():
        for n in range(100):
            admitted.append(n)
            yield f"s{n}", wild(n)

    scheduler = Scheduler(ScriptedEngine(Babbler(), max_in_flight=1), run_seed=1, limits=Limits(window=4))
    for done, _ in enumerate(scheduler.play(source())):
        assert scheduler.tally.num_live <= 4
        assert len(admitted) <= done + 9


def test_scripts_answered_from_a_journal_do_not_pile_up(tmp_path):
    def one():
        yield question("same")

    def play(num_admitted):
        def source():
            for n in range(200):
                num_admitted.append(n)
                yield f"s{n}", one()

        journal = Journal(tmp_path / "j.jsonl", header={})
        scheduler = Scheduler(ScriptedEngine(Babbler()), run_seed=1, journal=journal, limits=Limits(window=8))
        backlog = [len(num_admitted) - done for done, _ in enumerate(scheduler.play(source()))]
        journal.close()
        return max(backlog)

    assert play([]) <= 16
    assert play([]) <= 80


def test_children_return_in_order_and_equal_names_are_refused():
    def child(n):
        yield question(str(n))
        return n

    def parent():
        first = yield Fork(tuple((f"c{n}", child(n)) for n in range(5)))
        second = yield Fork(tuple((f"c{n}", child(n)) for n in range(5)))
        return first + second

    def clash():
        yield Fork((("x", child(1)), ("x", child(2))))

    seen = set()

    def answer(ticket):
        seen.add(ticket.key)
        return "ok"

    scheduler = Scheduler(ShuffledEngine(answer, 1), run_seed=1)
    good, bad = sorted(scheduler.play([("p", parent()), ("q", clash())]), key=lambda o: o.index)
    assert good.value == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]
    assert len(seen) == 10
    assert bad.cause is Cause.BUG
    assert "equal names" in bad.why


def test_a_list_with_anything_but_requests_is_a_bug_of_that_script_alone():
    def odd():
        yield [question("a"), Event(table="t", row={})]

    def fine():
        reply = yield question("b")
        return reply.text

    scheduler = Scheduler(ScriptedEngine(lambda _: "ok"), run_seed=1)
    outcomes = sorted(scheduler.play([("odd", odd()), ("fine", fine())]), key=lambda o: o.index)
    assert [o.cause for o in outcomes] == [Cause.BUG, None]


def test_budgets_end_a_script_that_never_stops_and_may_be_caught():
    def endless():
        while True:
            yield question("more")

    def polite():
        num = 0
        try:
            while True:
                yield question("more")
                num += 1
        except OverBudget:
            return num

    for limits in (Limits(script_requests=5), Limits(script_tokens=30)):
        scheduler = Scheduler(ScriptedEngine(lambda _: "x" * 40), run_seed=1, limits=limits)
        lost, kept = sorted(scheduler.play([("e", endless()), ("p", polite())]), key=lambda o: o.index)
        assert lost.cause is Cause.BUDGET
        assert kept.cause is None
        assert kept.value >= 2


def test_a_script_budget_holds_along_forks():
    def child():
        for _ in range(3):
            yield question("c")

    def parent():
        yield question("p")
        yield Fork((("a", child()), ("b", child())))
        yield question("after")

    scheduler = Scheduler(ScriptedEngine(lambda _: "x"), run_seed=1, limits=Limits(script_requests=7))
    (outcome,) = scheduler.play([("p", parent())])
    assert outcome.cause is Cause.BUDGET


def test_run_budgets_stop_cleanly_and_the_rest_is_played_on_resume(tmp_path):
    def one(n):
        first = yield question(f"{n}")
        second = yield question(f"{n} {first.text}")
        return second.text

    def play(limit):
        journal = Journal(tmp_path / "j.jsonl", header={})
        scheduler = Scheduler(
            ScriptedEngine(Babbler(), max_in_flight=2), run_seed=1, journal=journal, limits=Limits(run_requests=limit)
        )
        done = story(scheduler.play((f"s{n}", one(n)) for n in range(10)))
        journal.close()
        return done, scheduler.tally

    done, tally = play(7)
    assert "budget" in tally.stopped
    assert len(done) < 10
    done, tally = play(None)
    assert len(done) == 10
    assert tally.num_from_journal >= 7
    assert tally.stopped == ""


def test_a_failed_request_is_thrown_into_its_script_and_stays_owed(tmp_path):
    class Failing(ScriptedEngine):
        def _finish(self, ticket):
            done = super()._finish(ticket)
            return Finished(ticket, None, error="no luck") if "bad" in ticket.path else done

    def brave():
        try:
            yield question("a")
        except RequestFailed as failed:
            return str(failed)

    def weak():
        yield [question("a"), question("b")]

    journal = Journal(tmp_path / "j.jsonl", header={})
    scheduler = Scheduler(Failing(lambda _: "x"), run_seed=1, journal=journal)
    outcomes = sorted(scheduler.play([("bad1", brave()), ("bad2", weak()), ("fine", weak())]), key=lambda o: o.index)
    journal.close()
    assert outcomes[0].value == "no luck"
    assert outcomes[1].cause is Cause.ENGINE
    assert outcomes[2].cause is None
    assert scheduler.tally.num_failed == 3
    assert {record["k"] for record in read_records(tmp_path / "j.jsonl")} == {"fine#0", "fine#1"}


def test_one_percent_garbage_becomes_exactly_those_forfeits():
    def parse(text):
        text = nonempty(text)
        if not text.endswith(".") or not text[0].isalpha() or text == "No":
            raise Unusable("not a sentence")
        return text

    def scene(n):
        for turn in range(5):
            yield from ask(question(f"{n}.{turn}"), parse, num_retries=2)

    corrupted = []
    babbler = Babbler()

    def answer(ticket):
        if random.Random(ticket.seed).random() < 0.01:
            corrupted.append(ticket.key)
            return random.Random(ticket.seed).choice(["", "{", "No", "\u2603\u2603"])
        return babbler(ticket)

    scheduler = Scheduler(ScriptedEngine(answer), run_seed=5)
    outcomes = list(scheduler.play((f"s{n}", scene(n)) for n in range(300)))
    assert all(o.cause is None for o in outcomes)
    assert 5 <= len(corrupted) <= 40
    assert scheduler.tally.num_forfeits == len(corrupted)
    forfeited = {f"{path}#{num - 1}" for o in outcomes for path, num, _ in o.notes}
    assert forfeited == set(corrupted)


def test_a_reply_carries_its_identity():
    def one():
        reply = yield question("a")
        return reply.identity

    scheduler = Scheduler(ScriptedEngine(lambda t: Reply(text="x", identity=t.key)), run_seed=1, stage="r0.play")
    (outcome,) = scheduler.play([("s", one())])
    assert outcome.value == "r0.play/s#0"


def test_a_script_that_ignores_its_budget_is_ended():
    def stubborn():
        while True:
            with contextlib.suppress(OverBudget):
                yield Generate(messages=(Message("user", "more"),), purpose="test/more.v1")

    scheduler = Scheduler(ScriptedEngine(lambda ticket: "ok"), run_seed=1, limits=Limits(script_requests=2))
    (outcome,) = scheduler.play([("stubborn", stubborn())])
    assert outcome.cause is Cause.BUDGET
    assert scheduler.tally.num_requests == 2
