"""How an assembly asks: prompts rendered for one reader's view, replies parsed, requests counted, losses written down.

A `Clerk` belongs to one arm of one assembly. It knows the question and what may be shown to whom; it holds no opinion,
no vote and no text that was said: those are in the hall (`hall.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from agents.asking import Answer, Unusable, ask
from agents.borrowing import copies_example
from agents.prompts import render_messages
from agents.requests import Constraint, Event, Fork, Generate, Orders, Sampling, Score, ScoreMode, Scores, Script
from societies.assembly.config import AssemblyConfig, Facilitator, led
from societies.assembly.records import Citizen, Evidence, Question

T = TypeVar("T")
PACKAGE = "societies.assembly"
Asked = tuple[str, Generate, Callable[[str], Any]]
"""(name, request, parser) of one question among several."""


@dataclass(slots=True, kw_only=True)
class Clerk:
    """Ask for one arm of one assembly. assembly: its id, shared by the arms. seed: shared by the arms too.

    teaches: whether the arm `full` writes samples.
    """

    config: AssemblyConfig
    question: Question
    assembly: str
    arm: str
    seed: int
    policies: Mapping[str, str]
    teaches: bool = True
    num_requests: int = 0

    def rng(self, *parts: object) -> np.random.Generator:
        """Return a generator of its own for a purpose; the arms share it, so that they differ in nothing else."""
        text = "|".join(map(str, (self.seed, self.assembly, *parts)))
        return np.random.default_rng(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big"))

    @property
    def briefing(self) -> list[dict[str, str]]:
        """The evidence as a reader sees it; nothing in the arm without evidence."""
        return [{"id": one.evidence_id, "claim": one.claim} for one in self.evidence]

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The pack of this arm: none without evidence, and only what speaks for the first side where it is slanted.

        With misinformation a false claim stands in the place of what it contradicts, so that ids and length stay.
        """
        if self.arm == "no_evidence":
            return ()
        pack, false = self.question.evidence, self.question.falsehood
        if self.arm == "slanted":
            return tuple(one for one in pack if one.stance == "for")
        if self.arm == "misinformation" and false is not None:
            kept = tuple(false if one.evidence_id == false.evidence_id else one for one in pack)
            return kept if false in kept else (*kept, false)
        return pack

    def view(self, citizen: Citizen | None = None, **more: Any) -> dict[str, Any]:
        """Return what a reader may know: the question, the briefing, and of the citizens only themselves."""
        shown: dict[str, Any] = {
            "question": self.question.text,
            "affirming": self.question.affirming,
            "negating": self.question.negating,
            "briefing": self.briefing,
        }
        if citizen is not None:
            shown |= {"card": citizen.card, "manner": citizen.manner, "notes": list(citizen.notes[-3:])}
        return shown | more

    @property
    def facilitator(self) -> Facilitator:
        """How the talk of this arm is led."""
        return led(self.config, self.arm)

    def policy(self, role: str) -> str:
        """Return the policy that speaks for a role of the house: "clerk", "drafter", "facilitator", "witness"."""
        if role == "facilitator" and self.arm == "other_facilitator" and self.config.other_facilitator_policy:
            return self.config.other_facilitator_policy
        for name in (role, "others", "all"):
            if name in self.policies:
                return self.policies[name]
        return "base"

    def text(
        self,
        prompt: str,
        view: Mapping[str, Any],
        *,
        policy: str,
        max_tokens: int,
        temperature: float | None = None,
        one_line: bool = False,
        constraint: Constraint | None = None,
    ) -> Generate:
        """Return the request for a text."""
        warmth = self.config.temperature if temperature is None else temperature
        return Generate(
            messages=render_messages(PACKAGE, prompt, **view),
            purpose=f"assembly/{prompt}",
            policy=policy,
            sampling=Sampling(max_tokens=max_tokens, temperature=warmth, stop=("\n",) if one_line else ()),
            constraint=constraint,
        )

    def of(self, citizen: Citizen, prompt: str, *, max_tokens: int, one_line: bool = False, **more: Any) -> Generate:
        """Return the request for a text by a citizen."""
        return self.text(
            prompt,
            self.view(citizen, **more),
            policy=citizen.policy,
            max_tokens=max_tokens,
            temperature=citizen.temperature,
            one_line=one_line,
        )

    def poll(self, citizen: Citizen, prompt: str, options: Sequence[str], **more: Any) -> Score:
        """Return a question to a citizen whose answer is a distribution over the options, both orders."""
        return judged(prompt, options, citizen.policy, self.view(citizen, **more))

    def hear_all(self, asked: Sequence[Asked]) -> Script[list[Answer[Any]]]:
        """Ask several side by side; answers come back in order, value None where one was forfeited."""
        if not asked:
            return []
        retries = self.config.num_retries
        answers: list[Answer[Any]] = yield Fork(
            tuple((name, ask(request, fresh(request, parse), num_retries=retries)) for name, request, parse in asked)
        )
        self.num_requests += sum(len(answer.identities) for answer in answers)
        return answers

    def weigh(self, scores: Sequence[Score]) -> Script[list[Scores]]:
        """Ask several scores side by side."""
        if not scores:
            return []
        found: list[Scores] = yield list(scores)
        self.num_requests += len(found)
        return found

    def event(self, table: str, /, **row: Any) -> Event:
        """Return a row of a table, with the assembly and the arm."""
        return Event(table=table, row={"assembly": self.assembly, "arm": self.arm, **row})

    def degrade(self, step: str, why: str) -> Event:
        """Return the row that says what took the place of a model's answer."""
        return self.event("degraded", step=step, why=why)


def fresh(request: Generate, parse: Callable[[str], T]) -> Callable[[str], T]:
    """Return the parser that also turns down a reply made of the prompt's worked example."""

    def checked(text: str) -> T:
        taken = copies_example(text, request.messages, request.messages[-1].content)
        if taken:
            raise Unusable(f"borrowed from the worked example: {', '.join(sorted(taken))}")
        return parse(text)

    return checked


def judged(prompt: str, options: Sequence[str], policy: str, view: Mapping[str, Any]) -> Score:
    """Return a Score of listed options, asked in both orders."""
    return Score(
        messages=render_messages(PACKAGE, prompt, **view),
        options=tuple(options),
        purpose=f"assembly/{prompt}",
        policy=policy,
        orders=Orders.REVERSED,
        mode=ScoreMode.LETTER,
    )


def first(scores: Scores) -> float:
    """Return the probability of the first option."""
    return scores.probability[scores.options[0]]


def distribution(scores: Scores) -> list[float]:
    """Return the probabilities in the order of the options."""
    probability = scores.probability
    return [probability[option] for option in scores.options]


def expected(scores: Scores) -> float:
    """Return the expected level, 0 (first option) to 1 (last option)."""
    shares = distribution(scores)
    return sum(k * share for k, share in enumerate(shares)) / (len(shares) - 1)
