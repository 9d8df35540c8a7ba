"""From messages to token ids: the half of an engine that is the same wherever the weights run.

Text inside messages never becomes a control token: `ChatTokenizer` breaks every control mark in contents before the
chat template sees them, so only the template itself can open or close a turn. A `Score` becomes a plan of passes, each
either one next-token distribution over given ids or the log-probability of a tail; the engine runs the passes and
`ScorePlan.join` puts their numbers back into the request's own option order.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.errors import UserError, missing_extra
from agents.requests import Message, Score, ScoreMode, Scores
from agents.scoring import LABELS, canonical, listed, permutations

log = logging.getLogger(__name__)

LOGP_FLOOR = -100.0
"""No log-probability in a result is lower; infinities and NaN become this."""
MAX_CACHED_LINES = 200_000
_LINE = re.compile(r"(?<=\S\n)(?=\S)")
_PROBE = "Rules:\n\n1. Ask.\n  - twice\nAda: yes, 42 %!\n<<<\nna\u00efve \u4f60\u597d\n>>>\n\nEnd. "


def finite(logp: float) -> float:
    """Return the log-probability as a finite float in [-100, 0]."""
    return min(max(logp, LOGP_FLOOR), 0.0) if logp == logp else LOGP_FLOOR


def continuation_stub(stub: str) -> str:
    """Return the stub for a continuation: an opening bracket at its end belongs to a label, so it goes.

    >>> continuation_stub("Answer: (")
    'Answer: '
    """
    return stub.removesuffix("(")


def nearest_choice(text: str, choices: Sequence[str]) -> str:
    """Return the choice that the text names, or the text itself when it names none or several.

    For engines that cannot constrain: equal up to case and outer punctuation, else the only one that occurs as a word.
    """
    bare = text.strip().strip(".!\"'`*()[]").casefold()
    for choice in choices:
        if choice.casefold() == bare:
            return choice
    found = [c for c in choices if re.search(rf"(?<!\w){re.escape(c.casefold())}(?!\w)", text.casefold())]
    return found[0] if len(found) == 1 else text


def load_tokenizer(folder: Path) -> Any:
    """Return the tokenizer of a model folder. Raises UserError when it has no chat template."""
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise missing_extra("transformers", "cpu") from error
    tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    if not tokenizer.chat_template:
        raise UserError(
            f"The model in {folder} has no chat template.",
            "prompts are chat messages, and only the template knows how this model marks turns.",
            "choose an instruction-tuned model, or put its chat_template.jinja into the folder",
        )
    return tokenizer


@dataclass(frozen=True, slots=True)
class Pass:
    """One forward pass of a `Score`.

    labels: log-probabilities of these ids as the next token are wanted; empty: of the tail ids[start:], summed.
    """

    ids: list[int]
    labels: tuple[int, ...] = ()
    start: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorePlan:
    """The passes of a `Score` and how to read them."""

    score: Score
    passes: tuple[Pass, ...]
    mode: ScoreMode
    orders: tuple[tuple[int, ...], ...]
    num_tokens: tuple[int, ...]

    def join(self, values: Sequence[Sequence[float]], identity: str) -> Scores:
        """Return the result. values: per pass, one log-probability a label, or one for the tail."""
        if self.mode is ScoreMode.LETTER:
            rows = [canonical([finite(x) for x in row], o) for row, o in zip(values, self.orders, strict=True)]
        else:
            # Sums of log-probabilities that were cut token by token; the sum itself has no floor.
            rows = [tuple(x for row in values for x in row)]
        return Scores(
            options=self.score.options,
            logp=tuple(rows),
            identity=identity,
            num_tokens=self.num_tokens,
            mode=self.mode.value,
        )


class ChatTokenizer:
    """Turn messages into token ids, fast and safe against control tokens in contents.

    Lines are tokenised once and remembered, since prompts of one scene share most of theirs; a start-up probe proves
    that this tokenizer's lines join to the same ids as the whole text, else lines are not cached.
    """

    def __init__(self, folder: Path, *, thinking: bool = False) -> None:
        self.tokenizer = load_tokenizer(folder)
        self._thinking = thinking
        self._lines: dict[str, list[int]] = {}
        self._labels: dict[tuple[str, int], tuple[int, ...] | None] = {}
        added: dict[str, int] = self.tokenizer.get_added_vocab()
        special = set(self.tokenizer.all_special_tokens)
        marks = [t for t in added if t in special or re.fullmatch(r"[<\[].+[>\]]", t)]
        self.control_ids = frozenset(added[mark] for mark in marks)
        by_first: dict[str, list[str]] = {}
        for mark in sorted(marks, key=len, reverse=True):
            by_first.setdefault(mark[0], []).append(re.escape(mark[1:]))
        # A pattern that begins with a literal lets `re` skip to candidates; one alternation of all marks does not.
        self._marks = [
            re.compile(re.escape(first) + "(?=(?:" + "|".join(rest) + "))") for first, rest in by_first.items()
        ]
        self._folds_system = not self._renders(Message("system", "s"), Message("user", "u"))
        self._joins_turns = not self._renders(Message("user", "u"), Message("user", "v"))
        self.turn = self._opening()
        probe = self.render((Message("system", _PROBE), Message("user", _PROBE + "\nThe end.")), _PROBE)
        self.caches_lines = self._encode_lines(probe) == self._encode_whole(probe)
        if not self.caches_lines:
            log.warning("tokenizer of %s does not split at lines: prompts are tokenised whole, more slowly", folder)
        self._lines.clear()

    def _renders(self, *messages: Message) -> bool:
        try:
            self._template(messages)
        except Exception:
            return False
        return True

    def _template(self, messages: Sequence[Message]) -> str:
        plain = [{"role": m.role, "content": m.content} for m in messages]
        text: str = self.tokenizer.apply_chat_template(
            plain, tokenize=False, add_generation_prompt=True, enable_thinking=self._thinking
        )
        return text

    def _opening(self) -> str:
        """Return how an assistant's turn begins, such as "<|im_start|>assistant" and a line feed."""
        text = self._template((Message("user", "\ue000"),))
        last = max((text.rfind(mark) for mark in self.tokenizer.get_added_vocab()), default=-1)
        return text[last:] if last > text.rfind("\ue000") else text[text.rfind("\ue000") + 1 :]

    def break_marks(self, text: str) -> str:
        """Return text in which no control mark stands whole: a blank goes behind the mark's first character."""
        for pattern in self._marks:
            # A blank can only end a mark, never make one: no mark holds a blank.
            text = pattern.sub(lambda match: match.group() + " ", text)
        return text

    def render(self, messages: Sequence[Message], answer: str = "") -> str:
        """Return the prompt text with the assistant's turn opened and begun with `answer`.

        A last message of the assistant's is continued, not closed. Templates that know no system role get that text
        at the head of the first user message; those that insist on turns get neighbours of one role joined.
        """
        safe = [Message(m.role, self.break_marks(m.content)) for m in messages]
        if safe and safe[-1].role == "assistant":
            answer = safe.pop().content + answer
        if self._folds_system:
            safe = [Message("user", m.content) if m.role == "system" else m for m in safe]
        if self._folds_system or self._joins_turns:
            joined: list[Message] = []
            for message in safe:
                if joined and joined[-1].role == message.role:
                    message = Message(message.role, f"{joined.pop().content}\n\n{message.content}")
                joined.append(message)
            safe = joined
        return self._template(safe) + self.break_marks(answer)

    def encode(self, text: str) -> list[int]:
        """Return the ids of rendered text; control marks in it count."""
        return self._encode_lines(text) if self.caches_lines else self._encode_whole(text)

    def _encode_whole(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False)
        return ids

    def _encode_lines(self, text: str) -> list[int]:
        lines, known = _LINE.split(text), self._lines
        new = [line for line in dict.fromkeys(lines) if line not in known]
        if new:
            if len(known) + len(new) > MAX_CACHED_LINES:
                known.clear()
                new = list(dict.fromkeys(lines))
            known.update(zip(new, self.tokenizer(new, add_special_tokens=False)["input_ids"], strict=True))
        out: list[int] = []
        for line in lines:
            out += known[line]
        return out

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """Return the ids of a chat prompt with the assistant's turn opened."""
        return self.encode(self.render(messages))

    def document(self, text: str) -> list[int]:
        """Return the ids of a plain text, with whatever the tokenizer itself puts before a text (BOS), or nothing."""
        ids: list[int] = self.tokenizer.encode(self.break_marks(text), add_special_tokens=True)
        return ids

    def label_ids(self, stub: str, num: int) -> tuple[int, ...] | None:
        """Return the ids of the first `num` labels after an opened turn and this stub.

        None when some label is not exactly one further token there, or when two are the same.
        """
        key = (stub, num)
        if key not in self._labels:
            head = self.turn + self.break_marks(stub)
            begin = self._encode_whole(head)
            whole = [self._encode_whole(head + label) for label in LABELS[:num]]
            single = all(ids[:-1] == begin for ids in whole) and len({ids[-1] for ids in whole}) == num
            self._labels[key] = tuple(ids[-1] for ids in whole) if single else None
        return self._labels[key]

    def plan(self, score: Score) -> ScorePlan:
        """Return the passes that answer a `Score`.

        LETTER: one pass an order, reading the labels after the stub; a continuation instead where a label is not one
        token. CONTINUATION: the option follows the stub (without its bracket) in the opened turn; one pass for all
        when every option is one token there, else one an option, each summed from the first token in which any two
        options or the bare prompt differ. No messages: each option is a document; its first token is conditioned on
        the tokenizer's BOS if it has one, else not scored.
        """
        if not score.messages:
            documents = [self.document(option) for option in score.options]
            passes = tuple(Pass(ids, start=1) for ids in documents)
            return self._continuations(score, passes)
        if score.mode is ScoreMode.LETTER:
            labels = self.label_ids(score.stub, len(score.options))
            if labels is not None:
                orders = tuple(permutations(len(score.options), score.orders))
                return ScorePlan(
                    score=score,
                    passes=tuple(
                        Pass(self.encode(self.render(listed(score, order), score.stub)), labels) for order in orders
                    ),
                    mode=ScoreMode.LETTER,
                    orders=orders,
                    num_tokens=(1,) * len(score.options),
                )
            log.warning(
                '%s: labels after "%s" are not single tokens; options are scored as continuations',
                score.purpose,
                score.stub,
            )
        text = self.render(score.messages, continuation_stub(score.stub))
        bare = self.encode(text)
        wholes = [self.encode(text + self.break_marks(option)) for option in score.options]
        start = min(_common(bare, ids) for ids in wholes)
        tails = {tuple(ids[start:]) for ids in wholes}
        if len(tails) == len(wholes) and all(len(tail) == 1 for tail in tails):
            one = Pass(wholes[0][:start], tuple(ids[start] for ids in wholes))
            return self._continuations(score, (one,), (1,) * len(wholes))
        return self._continuations(score, tuple(Pass(ids, start=start) for ids in wholes))

    def _continuations(self, score: Score, passes: tuple[Pass, ...], num: tuple[int, ...] = ()) -> ScorePlan:
        num_tokens = num or tuple(max(0, len(p.ids) - p.start) for p in passes)
        return ScorePlan(score=score, passes=passes, mode=ScoreMode.CONTINUATION, orders=(), num_tokens=num_tokens)


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    for at, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return at
    return min(len(a), len(b))
