"""Held-out language-model loss: the sentinel that a policy can still speak plain English.

Documents are scored as they are, with no chat around them. nats per token compare policies of one tokenizer only;
bits per byte compare any.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from agents.errors import UserError
from agents.instructions import content_id, load_instructions
from agents.instruments.banks import check_num, items_file, resolve, script_name, spread, version_of
from agents.instruments.comparing import compare_outcomes
from agents.instruments.replies import of_scores, reading
from agents.instruments.summary import flatten, per_item, score_rows
from agents.instruments.types import Comparison, Item, Mode, Readings, Scale, ScoreRow, Subject
from agents.requests import Orders, Score, ScoreMode, Scores, Script

NATS, BITS = "nats_per_token", "bits_per_byte"
MIN_N = 20
MAX_CHARACTERS = 4000
UNIFORM = "uniform over bytes"

SCALES = (
    Scale(name=NATS, text="mean loss of a document, nats a token", mode=Mode.CONTINUATION, better=-1),
    Scale(
        name=BITS, text="mean loss of a document, bits a byte", mode=Mode.CONTINUATION, better=-1, null=(UNIFORM, 8.0)
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LmLossConfig:
    """Settings of `lm_loss`."""

    file: str = ""
    """Text file with documents set apart by blank lines, or .jsonl; empty is the built-in bank of 20 paragraphs."""
    num: int | None = None
    """How many documents, spread evenly over the file; null is all."""

    def __post_init__(self) -> None:
        check_num("lm_loss", num=self.num)


@dataclass(frozen=True, slots=True, kw_only=True)
class LmLossInstrument:
    """Documents, each scored by one `Score` without messages."""

    items: tuple[Item, ...]
    name: str = "lm_loss"
    min_n: int = MIN_N
    scales: tuple[Scale, ...] = SCALES
    version: str = field(init=False)
    num_bytes: Mapping[str, int] = field(init=False, repr=False)
    """Of each document, as UTF-8."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "version", version_of(self.items))
        object.__setattr__(self, "num_bytes", {item.id: len(item.text.encode()) for item in self.items})

    def scripts(self, subject: Subject) -> Iterator[tuple[str, Script[Readings]]]:
        """Yield one script a document. The subject's prefix plays no part: a document has no reader."""
        for place, item in enumerate(self.items):
            yield script_name(self.name, subject.name, place, item), self._ask(subject, item)

    def _ask(self, subject: Subject, item: Item) -> Script[Readings]:
        scores: Scores = yield Score(
            messages=(),
            options=(item.text,),
            purpose="instruments/lm_loss",
            policy=subject.policy,
            orders=Orders.GIVEN,
            mode=ScoreMode.CONTINUATION,
            stub="",
        )
        usable = bool(scores.num_tokens) and scores.num_tokens[0] > 0 and math.isfinite(scores.logp[0][0])
        columns = of_scores(scores) | {"options": (item.id,), "mass": math.nan}
        return [
            reading(
                item,
                subject,
                instrument=self.name,
                version=self.version,
                form="document",
                mode=Mode.CONTINUATION,
                orders=Orders.GIVEN.value,
                forfeit="" if usable else "engine",
                **columns,
            )
        ]

    def values(self, readings: Readings) -> dict[str, float]:
        """Return the loss of one document on both scales."""
        one = readings[0]
        if one.forfeit:
            return {}
        loss = -one.logp[0][0]
        return {NATS: loss / one.num_tokens[0], BITS: loss / math.log(2) / self.num_bytes[one.item]}

    def score(self, outcomes: Sequence[Readings | None]) -> list[ScoreRow]:
        """Return both scales; the baseline of nats a token is what uniform bytes cost with these tokens."""
        used = [r for r in flatten(outcomes) if not r.forfeit]
        costs = [self.num_bytes[r.item] * math.log(256) / r.num_tokens[0] for r in used]
        null = (UNIFORM, math.fsum(costs) / len(costs)) if costs else None
        rows = [replace(row, null=null) if row.scale == NATS else row for row in score_rows(self, outcomes)]
        if len(used) > 2 and len({r.logp for r in used}) == 1:
            # Documents of different length cannot all cost the same: the engine has cut the sums at some floor.
            return [replace(row, flags=(*row.flags, "invalid: every document has the same total")) for row in rows]
        return rows

    def per_item(self, outcomes: Sequence[Readings | None]) -> dict[str, dict[str, float]]:
        """Return document -> scale -> loss."""
        return per_item(self, outcomes)

    def compare(self, before: Sequence[Readings | None], after: Sequence[Readings | None]) -> list[Comparison]:
        """Return a paired comparison of both scales."""
        return compare_outcomes(self, before, after)


@dataclass(frozen=True, slots=True, kw_only=True)
class LmLoss:
    """The registered instrument `lm_loss`."""

    name: str = "lm_loss"
    config: type[LmLossConfig] = LmLossConfig

    def load(self, config: LmLossConfig, data_folder: Path = Path(), *, judge_policy: str = "base") -> LmLossInstrument:
        """Read the documents. Nothing is judged here."""
        path = resolve(config.file, data_folder) if config.file else items_file("paragraphs")
        texts = _paragraphs(path) if path.suffix.lower() == ".txt" else _entries(path)
        items = [
            Item(id=name, instrument=self.name, text=text, meta={"source": config.file or "built-in"})
            for name, text in spread(texts, config.num)
        ]
        return LmLossInstrument(items=tuple(items))


def _entries(path: Path) -> list[tuple[str, str]]:
    return [(one.id, one.text) for one in load_instructions(path)]


def _paragraphs(path: Path) -> list[tuple[str, str]]:
    """Return (id, text) of each paragraph; a repeated one counts once."""
    if not path.is_file():
        raise UserError(
            f"There is no text file {path}.",
            "lm_loss.file names it.",
            "set it to a .txt or .jsonl file, or leave it empty for the built-in texts",
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text.", str(error), "convert it to UTF-8") from error
    parts = [" ".join(part.split()) for part in text.split("\n\n")]
    texts = {content_id(part): part for part in parts if part}
    if not texts:
        raise UserError(f"{path} is empty.", "there would be no text to score.", "write at least one paragraph into it")
    for name, part in texts.items():
        if len(part) > MAX_CHARACTERS:
            why = f"the limit is {MAX_CHARACTERS:,}; paragraphs are set apart by blank lines."
            raise UserError(f"Paragraph {name} of {path} has {len(part):,} characters.", why, "split it")
    return list(texts.items())


instrument = LmLoss()
