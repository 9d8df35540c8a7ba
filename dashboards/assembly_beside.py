"""What stands beside the result: texts that no assembly made, how good the talk was, and which evidence was used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.statistics.intervals import bootstrap_mean
from dashboards.assembly_numbers import Number, number_of
from dashboards.assembly_source import Archive, Key, Poll, matrix
from dashboards.sources import text

BASELINES = {
    "B.single": "one model's statement, nobody heard",
    "B.lot": "a draft drawn by lot",
    "B.survey": "the side that the first survey favoured",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A text that no assembly made. support: mean agreement. ahead: the winner's minus it, paired; null 0."""

    name: str
    about: str
    text: str
    support: Number
    ahead: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A piece of evidence. num_turns, num_answers: speeches and answers of witnesses that cite it."""

    id: str
    stance: str
    claim: str
    source: str
    num_turns: int
    num_answers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """One scale of the quality of the talk. mean: 0 to 1, over speeches. alpha: how far judges agree; null 0."""

    name: str
    mean: Number
    alpha: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkQuality:
    """The quality of the talk as judged. total: over the published scales. num_unread: replies that gave nothing."""

    scales: tuple[Scale, ...]
    total: Number
    num_turns: int
    num_judges: int
    num_unread: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Uptake:
    """How the briefing was used. citing: share of speeches that cite any of it, with interval; num_turns: speeches."""

    pieces: tuple[Piece, ...]
    citing: Number
    num_turns: int


def baselines_of(archive: Archive, key: Key, poll: Poll) -> tuple[Baseline, ...]:
    """Return the baselines of an arm in the order of voting; none where they were not asked for."""
    rows = [row for row in archive.rows(key, "ballots") if row.get("kind") == "baseline"]
    winner = poll.for_winner
    if not rows or winner is None:
        return ()
    texts = {text(row.get("statement")): text(row.get("text")) for row in archive.rows(key, "statements")}
    items, levels = matrix(rows, poll.citizens)
    out = []
    for k, item in enumerate(items):
        own = levels[:, k]
        out.append(
            Baseline(
                name=item,
                about=BASELINES.get(item, item),
                text=texts.get(item, ""),
                support=number_of(bootstrap_mean(own), float(winner.mean()), own.size),
                ahead=number_of(bootstrap_mean(winner - own), 0.0, own.size),
            )
        )
    return tuple(out)


def quality_of(archive: Archive, key: Key, seed: int) -> TalkQuality | None:
    """Return the quality of the talk as judged; None where nobody judged."""
    from societies.assembly.dqi import Judged, Unread, quality

    replies: list[Judged | Unread] = []
    for row in archive.rows(key, "quality"):
        turn, judge = text(row.get("turn")), text(row.get("judge"))
        codes = dict(zip(row.get("scales") or (), row.get("codes") or (), strict=True))
        if codes:
            replies.append(Judged(turn=turn, judge=judge, codes={str(k): int(v) for k, v in codes.items()}))
        else:
            replies.append(Unread(turn=turn, judge=judge, why=text(row.get("why"))))
    if not replies:
        return None
    found = quality(replies, seed=seed)
    return TalkQuality(
        scales=tuple(
            Scale(
                name=one.scale,
                mean=number_of(one.mean, None, found.num_turns),
                alpha=number_of(one.alpha.value, one.alpha.null, one.alpha.n),
            )
            for one in found.scales
        ),
        total=number_of(found.total, None, found.num_turns),
        num_turns=found.num_turns,
        num_judges=found.num_judges,
        num_unread=found.num_unread,
    )


def uptake_of(archive: Archive, key: Key) -> Uptake | None:
    """Return which evidence was cited; None where there was none, or nobody spoke."""
    evidence = archive.rows(key, "evidence")
    turns = [row for row in archive.rows(key, "turns", ["kind", "cites"]) if row.get("kind") == "speech"]
    if not evidence or not turns:
        return None
    answers = archive.rows(key, "testimony", ["cites"])
    pieces = tuple(
        Piece(
            id=text(row.get("evidence")),
            stance=text(row.get("stance")),
            claim=text(row.get("claim")),
            source=text(row.get("source")),
            num_turns=sum(row.get("evidence") in (turn.get("cites") or ()) for turn in turns),
            num_answers=sum(row.get("evidence") in (answer.get("cites") or ()) for answer in answers),
        )
        for row in evidence
    )
    citing = bootstrap_mean(np.array([bool(turn.get("cites")) for turn in turns], dtype=np.float64))
    return Uptake(pieces=pieces, citing=number_of(citing, None, len(turns)), num_turns=len(turns))
