"""How a scene asks: prompts rendered for a role's view, replies parsed, losses counted.

A `Teller` belongs to one scene. It knows which policy speaks for whom, keeps the steps that may become samples, and
counts what was asked and what had to be replaced. It holds nothing that happened: that is the play's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from agents.asking import Answer, ask
from agents.prompts import defuse, render_messages
from agents.requests import (
    Constraint,
    Event,
    Fork,
    Generate,
    Message,
    Orders,
    Sampling,
    Score,
    ScoreMode,
    Scores,
    Script,
)
from societies.scenes.config import ScenesConfig
from societies.scenes.rules import policy_of

T = TypeVar("T")
PACKAGE = "societies.scenes"
CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A step that was played: what was asked and what was used of the answer."""

    purpose: str
    policy: str
    messages: tuple[Message, ...]
    text: str
    identity: str


@dataclass(frozen=True, slots=True)
class Heard(Generic[T]):
    """What came back: the value, or None when it was forfeited, and the step as it was told."""

    value: T | None
    told: Told


@dataclass(slots=True)
class Teller:
    """Ask for one scene. told: every usable text of the play, in order."""

    config: ScenesConfig
    scene_id: str
    seed: int
    policies: Mapping[str, str]
    told: list[Told] = field(default_factory=list)
    identities: list[str] = field(default_factory=list)
    num_asked: int = 0
    num_degraded: int = 0
    num_tokens: int = 0

    @property
    def tokens_left(self) -> bool:
        """Whether the play may go on. Tokens are estimated from characters, so that every engine counts alike."""
        return self.config.scene_tokens is None or self.num_tokens < self.config.scene_tokens

    def policy(self, role: str) -> str:
        """Return the policy that speaks for a role."""
        return policy_of(role, self.policies)

    def sampling(self, max_tokens: int, *, one_line: bool = False, temperature: float | None = None) -> Sampling:
        """Return how a text is drawn."""
        return Sampling(
            max_tokens=max_tokens,
            temperature=self.config.temperature if temperature is None else temperature,
            top_p=self.config.top_p,
            stop=("\n",) if one_line else (),
        )

    def request(
        self,
        prompt: str,
        /,
        *,
        role: str = "modulator",
        max_tokens: int = 0,
        one_line: bool = True,
        constraint: Constraint | None = None,
        **view: Any,
    ) -> Generate:
        """Return the request of a prompt. view: what the reader may know, and nothing else."""
        tokens = max_tokens or self.config.max_tokens.line
        return Generate(
            messages=render_messages(PACKAGE, prompt, **view),
            purpose=f"scenes/{prompt}",
            policy=self.policy(role),
            sampling=self.sampling(tokens, one_line=one_line),
            constraint=constraint,
        )

    def plain(self, text: str, *, temperature: float | None = None) -> Generate:
        """Return the request of a user's own words alone, as they would reach the assistant."""
        return Generate(
            messages=user_turn(text),
            purpose="scenes/draft",
            policy=self.policy("ego"),
            sampling=self.sampling(self.config.max_tokens.draft, temperature=temperature),
        )

    def hear(self, request: Generate, parse: Callable[[str], T]) -> Script[Heard[T]]:
        """Ask until the reply can be used; nothing is kept for samples."""
        answer = yield from ask(request, parse, num_retries=self.config.num_retries)
        return self._take(request, answer)

    def hear_all(self, asked: Sequence[tuple[str, Generate, Callable[[str], T]]]) -> Script[list[Heard[T]]]:
        """Ask several side by side, (name, request, parser) each; answers come back in order."""
        retries = self.config.num_retries
        answers = yield Fork(tuple((name, ask(request, parse, num_retries=retries)) for name, request, parse in asked))
        return [self._take(request, answer) for (_, request, _), answer in zip(asked, answers, strict=True)]

    def say(self, request: Generate, parse: Callable[[str], T]) -> Script[T | None]:
        """Ask, keep the step for samples, and return the value; None when it was forfeited."""
        heard = yield from self.hear(request, parse)
        return self.keep(heard)

    def keep(self, heard: Heard[T]) -> T | None:
        """Keep a step that took effect; return its value."""
        if heard.value is not None:
            self.told.append(heard.told)
        return heard.value

    def weigh(self, scores: Sequence[Score]) -> Script[list[float]]:
        """Return the probability of the first option of each score."""
        found: list[Scores] = yield list(scores)
        for score, scored in zip(scores, found, strict=True):
            self._count(score.messages, "", 1)
            self.identities.append(scored.identity)
        return [scored.probability[scored.options[0]] for scored in found]

    def degrade(self, step: str, why: str) -> Script[None]:
        """Write down that a built-in replacement took the place of a model's answer."""
        self.num_degraded += 1
        yield Event(table="degraded", row={"scene_id": self.scene_id, "step": step, "why": why})

    def _take(self, request: Generate, answer: Answer[T]) -> Heard[T]:
        self._count(request.messages, answer.text, len(answer.identities))
        self.identities.extend(answer.identities)
        told = Told(
            purpose=request.purpose,
            policy=request.policy,
            messages=request.messages,
            text=answer.text.strip(),
            identity=answer.identities[-1],
        )
        return Heard(answer.value, told)

    def _count(self, messages: Sequence[Message], text: str, num: int) -> None:
        self.num_asked += num
        characters = sum(len(message.content) for message in messages) * num + len(text)
        self.num_tokens += characters // CHARACTERS_PER_TOKEN


def user_turn(text: str) -> tuple[Message, ...]:
    """Return an instruction as the only message, unable to forge a turn or a control token."""
    return (Message("user", defuse(text)),)


def judged(
    prompt: str,
    options: tuple[str, str],
    policy: str,
    /,
    *,
    mode: ScoreMode = ScoreMode.LETTER,
    stub: str = "Answer: (",
    **view: Any,
) -> Score:
    """Return the question of a modulator: two options, both orders."""
    return Score(
        messages=render_messages(PACKAGE, prompt, **view),
        options=options,
        purpose=f"scenes/{prompt}",
        policy=policy,
        orders=Orders.REVERSED,
        mode=mode,
        stub=stub,
    )
