"""The baselines: other ways to answer the same instructions with the same policy, each a short script.

Every one returns its answer and writes one row into the table `answers`, so that methods compare row by row. What a
baseline cannot get after its retries is recorded as an empty answer, never as another method's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agents.asking import nonempty
from agents.instructions import Instruction
from agents.prompts import render_prompt
from agents.requests import Generate, Script
from agents.sample import Candidate
from societies.scenes import parsing
from societies.scenes.ending import answer_event
from societies.scenes.rules import head
from societies.scenes.samples import answer_sample
from societies.scenes.teller import PACKAGE, Teller, judged

GOOD = ("good", "bad")
Method = Callable[[Teller, Instruction], Script[str]]


def baseline(name: str, instruction: Instruction, *, teller: Teller, round_: int = 0) -> Script[str]:
    """Answer one instruction by one method, write the row, and return the answer."""
    answer = yield from METHODS[name](teller, instruction)
    yield answer_event(instruction.id, instruction.kind, instruction.source, name, instruction.text, answer)
    if answer and teller.config.baseline_rows:
        policy = teller.policy("ego")
        yield answer_sample(
            sample_id=teller.scene_id,
            kind=f"baseline_{name}",
            instruction=instruction.text,
            candidates=(Candidate(text=answer, author=policy, role="revised"),),
            requests=teller.identities,
            prompts=tuple(dict.fromkeys(("scenes/draft", *(told.purpose for told in teller.told)))),
            policies=(policy,),
            meta={"instruction_id": instruction.id, "instruction_kind": instruction.kind, "t": round_},
        )
    return answer


def vanilla(teller: Teller, instruction: Instruction) -> Script[str]:
    """Answer as the policy does."""
    answer = yield from teller.say(teller.plain(instruction.text), nonempty)
    return answer or ""


def critique_revise(teller: Teller, instruction: Instruction) -> Script[str]:
    """Draft, criticise by a fixed principle, and answer again."""
    draft = yield from vanilla(teller, instruction)
    if not draft:
        return ""
    shown = head(draft, teller.config.draft_words)
    principle = render_prompt(PACKAGE, "principle.v1")
    asked = teller.request(
        "fixed_critique.v1", role="ego", instruction=instruction.text, draft=shown, principle=principle
    )
    critique = yield from teller.say(asked, parsing.line)
    if critique is None:
        return ""
    again = _answer(teller, "fixed_revise.v1", instruction=instruction.text, draft=shown, critique=critique)
    return (yield from teller.say(again, nonempty)) or ""


def context_distillation(teller: Teller, instruction: Instruction) -> Script[str]:
    """Answer under a system prompt that asks to be helpful, honest and harmless."""
    return (yield from teller.say(_answer(teller, "distilled.v1", instruction=instruction.text), nonempty)) or ""


def self_align(teller: Teller, instruction: Instruction) -> Script[str]:
    """Think of written rules first, then answer; the thought is not part of the answer."""
    asked = _answer(teller, "self_align.v1", instruction=instruction.text)
    return (yield from teller.say(asked, parsing.after_mark)) or ""


def debate(teller: Teller, instruction: Instruction) -> Script[str]:
    """Let two debaters answer, read each other and answer again; the better one by a `Score` is kept."""
    warm = teller.config.answer_temperature
    first = yield from teller.hear_all([(f"debater-{k}", _warm(teller, instruction, warm), nonempty) for k in (0, 1)])
    drafts = [heard.value for heard in first]
    if None in drafts:
        return ""
    asked = [
        _answer(
            teller,
            "debate.v1",
            instruction=instruction.text,
            own=head(drafts[k] or "", teller.config.draft_words),
            other=head(drafts[1 - k] or "", teller.config.draft_words),
        )
        for k in (0, 1)
    ]
    second = yield from teller.hear_all([(f"debater-{k}", asked[k], nonempty) for k in (0, 1)])
    return (yield from _best(teller, instruction, [teller.keep(heard) for heard in second]))


def best_of_n(teller: Teller, instruction: Instruction) -> Script[str]:
    """Draw `best_of` answers and keep the one that the policy itself scores best."""
    warm = teller.config.answer_temperature
    names = [f"answer-{k}" for k in range(teller.config.best_of)]
    drawn = yield from teller.hear_all([(name, _warm(teller, instruction, warm), nonempty) for name in names])
    return (yield from _best(teller, instruction, [heard.value for heard in drawn]))


METHODS: Mapping[str, Method] = {
    "vanilla": vanilla,
    "critique_revise": critique_revise,
    "context_distillation": context_distillation,
    "self_align": self_align,
    "debate": debate,
    "best_of_n": best_of_n,
}


def _best(teller: Teller, instruction: Instruction, answers: list[str | None]) -> Script[str]:
    """Return the answer with the highest p(good), both orders asked; the first of equals, "" when there is none."""
    usable = [answer for answer in answers if answer]
    if len(usable) < 2:
        return usable[0] if usable else ""
    policy = teller.policy("ego")
    chances = yield from teller.weigh(
        [judged("rank.v1", GOOD, policy, instruction=instruction.text, answer=answer) for answer in usable]
    )
    return usable[max(range(len(usable)), key=chances.__getitem__)]


def _answer(teller: Teller, prompt: str, **view: Any) -> Generate:
    return teller.request(prompt, role="ego", max_tokens=teller.config.max_tokens.draft, one_line=False, **view)


def _warm(teller: Teller, instruction: Instruction, temperature: float) -> Generate:
    return teller.plain(instruction.text, temperature=temperature)
