"""The transformers engine on a tiny random model: rows do not see their mates, scores are those of a plain forward."""

import pytest

from agents.requests import Constraint, Generate, Message, Sampling, Score, ScoreMode
from sim.engines.base import PolicyRef, Ticket
from sim.engines.drawing import draw_token
from sim.engines.kind import EngineSetting
from sim.engines.transformers import TransformersEngine
from sim.engines.transformers_model import TransformersConfig
from tests.engines.conftest import drain, reference_logits, write_adapter

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def engine(tiny_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapters")
    policies = (
        PolicyRef(name="base"),
        PolicyRef(name="p1", kind="adapter", folder=write_adapter(tiny_folder, folder / "1", seed=1, strength=2.0)),
        PolicyRef(name="p2", kind="adapter", folder=write_adapter(tiny_folder, folder / "2", seed=2, strength=2.0)),
    )
    config = TransformersConfig(dtype="float32", device="cpu", batch_size=8)
    opened = TransformersEngine(config, EngineSetting(model_folder=tiny_folder, policies=policies))
    yield opened
    opened.close()


def generate(number, policy="base", **kw):
    sampling = Sampling(**({"max_tokens": 12} | kw))
    text = "Tell me about " + "many things and " * (number % 4) + str(number)
    return Ticket(
        Generate(messages=(Message("user", text),), purpose="t", policy=policy, sampling=sampling),
        f"s{number}{policy}",
        0,
        1,
    )


def test_a_row_is_the_same_alone_and_in_a_batch(engine):
    tickets = [generate(n, top_p=0.9 if n % 2 else 1.0) for n in range(8)]
    together = [item.result for item in drain(engine, tickets)]
    alone = [drain(engine, [ticket])[0].result for ticket in tickets]
    assert together == alone
    assert len({reply.text for reply in together}) == 8


def test_greedy_is_the_argmax_of_a_plain_forward_and_logps_are_its_own(engine, tiny_folder):
    ticket = generate(1, temperature=0.0, logps=True, max_tokens=3)
    reply = drain(engine, [ticket])[0].result
    ids = engine.chat.prompt(ticket.request.messages)
    (logp,) = reference_logits(tiny_folder, [ids])
    assert reply.logps[0] == pytest.approx(float(logp[-1].max()), abs=1e-4)
    assert reply.num_tokens == len(reply.logps) <= 3


def test_scores_are_those_of_a_plain_forward(engine, tiny_folder):
    for mode in ScoreMode:
        score = Score(messages=(Message("user", "Which?"),), options=("red", "blue sky"), purpose="t", mode=mode)
        plan = engine.chat.plan(score)
        found = drain(engine, [Ticket(score, f"s{mode.value}", 0, 1)])[0].result
        logps = reference_logits(tiny_folder, [one.ids for one in plan.passes])
        values = []
        for one, logp in zip(plan.passes, logps, strict=True):
            if one.labels:
                values.append([float(logp[-1][label]) for label in one.labels])
            else:
                values.append([sum(float(logp[at - 1][one.ids[at]]) for at in range(one.start, len(one.ids)))])
        expected = plan.join(values, "x")
        assert found.mode == mode.value
        for row, other in zip(found.logp, expected.logp, strict=True):
            assert row == pytest.approx(other, abs=1e-3)


def test_documents_are_scored_from_their_second_token(engine):
    score = Score(messages=(), options=("The cat sat on the mat.", "Rain"), purpose="t", mode=ScoreMode.CONTINUATION)
    found = drain(engine, [Ticket(score, "d", 0, 1)])[0].result
    assert found.num_tokens[0] == len(engine.chat.document("The cat sat on the mat.")) - 1
    assert found.logp[0][0] < 0


def test_adapters_answer_each_for_itself(engine):
    def score(policy):
        request = Score(messages=(Message("user", "?"),), options=("a", "b"), purpose="t", policy=policy)
        return Ticket(request, policy, 0, 1)

    together = [item.result.logp for item in drain(engine, [score(p) for p in ("base", "p1", "p2")])]
    again = [drain(engine, [score(p)])[0].result.logp for p in ("p2", "base", "p1")]
    assert len(set(together)) == 3
    assert [again[1], again[2], again[0]] == together


def test_choices_are_drawn_from_the_options_alone(engine):
    request = Generate(
        messages=(Message("user", "?"),), purpose="t", constraint=Constraint(choices=("yes", "not now", "no"))
    )
    found = {item.result.text for item in drain(engine, [Ticket(request, f"s{n}", 0, 1) for n in range(12)])}
    assert found <= {"yes", "not now", "no"}


def test_what_cannot_be_answered_comes_back_with_its_reason(engine):
    long = Ticket(Generate(messages=(Message("user", "word " * 600),), purpose="t"), "long", 0, 1)
    unknown = generate(1, policy="nobody")
    too_long, no_policy = drain(engine, [long, unknown])
    assert "prompt of" in too_long.error
    assert "longer than 511" in too_long.error
    assert 'no policy "nobody"' in no_policy.error
    assert "none for regex and schema" in engine.facts()["degraded"]["constraints"]


def test_drawing_inverts_the_cumulated_distribution():
    import torch

    logp = torch.tensor([0.5, 0.3, 0.2]).log()
    assert [draw_token(torch, logp, 1.0, 1.0, u) for u in (0.0, 0.49, 0.51, 0.79, 0.81, 0.9999)] == [0, 0, 1, 1, 2, 2]
    assert {draw_token(torch, logp, 1.0, 0.6, u / 100) for u in range(100)} == {0, 1}
    assert draw_token(torch, logp, 0.0, 1.0, 0.99) == 0
