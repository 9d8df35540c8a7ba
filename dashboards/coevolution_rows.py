"""The tables of co-evolution for report and terminal: findings in, sections of short texts out. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.coevolution import Mark, Trials
from dashboards.coevolution_all import Coevolution
from dashboards.coevolution_eras import Voice
from dashboards.coevolution_follow import Follow, Round
from dashboards.coevolution_live import MEASURES, Diversity, Live
from dashboards.coevolution_words import (
    ERAS,
    NUMERIC,
    distance_finding,
    effort_finding,
    entropy_finding,
    follow_finding,
    reading_apart,
    score_finding,
    slope_finding,
    stand_finding,
)
from dashboards.drawing import short
from dashboards.rows import arm_name, count, spaced
from dashboards.terminal import Section

LEGEND = (
    "n: seeds x comparisons. Spread kept: of the people at the end, as a share of that of people who only live the "
    "history. Said and done: correlation of what the AI says with how people then change."
)


def coevolution_sections(found: Coevolution) -> list[Section]:
    """Return the tables of whatever kinds the run holds."""
    own = [trial_section(found.trials, name) for name in found.trials.challenges] if found.trials else []
    eras = [eras_section(found.trials.voices)] if found.trials and found.trials.voices else []
    live = live_sections(found.live) if found.live else []
    follow = [follow_section(found.follow)] if found.follow else []
    return [*eras, *own, *live, *follow]


def eras_section(voices: Sequence[Voice]) -> Section:
    """Return the table of voices."""
    return Section(
        title="Who spoke for the eras",
        lines=(ERAS,),
        columns=(
            "voice",
            "kind",
            "policy",
            "from uniform",
            "order gap",
            "of votes",
            "label mass",
            "items",
            "lost",
            "voters",
        ),
        rows=tuple(
            (
                one.name,
                one.kind,
                one.policy,
                short(one.away),
                short(one.order_gap),
                short(one.vote_gap),
                short(one.mass),
                str(one.num_items),
                short(one.lost),
                str(max(1, one.num_voters)),
            )
            for one in voices
        ),
        right=(3, 4, 5, 6, 7, 8, 9),
        notes=(
            "From uniform: distance of the value vector from that of a responder to whom all actions are the same.",
        ),
    )


def trial_section(found: Trials, challenge: str) -> Section:
    """Return a challenge's arms side by side: score with lag and lock-in, and what was asked and what it cost."""
    locked = {one.arm: one for one in found.locked if one.challenge == challenge}
    efforts = {one.arm: one for one in found.efforts if one.challenge == challenge}
    entries = [one for one in found.entries if one.challenge == challenge]
    rows = []
    for one in entries:
        lock, effort = locked.get(one.algorithm), efforts.get(one.algorithm)
        rows.append(
            (
                one.algorithm,
                _between(one.score, one.lo, one.hi, 4),
                _between(one.lag, one.lag_lo, one.lag_hi),
                _mark(lock.kept if lock else None),
                _mark(lock.confirmed if lock else None),
                f"{one.num_replicas} x {one.num}",
                count(one.num_queries),
                count(one.num_refused),
                "no limit" if effort is None or effort.allowed is None else count(effort.allowed),
                count(one.num_tokens),
            )
        )
    first = (NUMERIC,) if challenge == found.challenges[0] and not found.voices else ()
    flags = dict.fromkeys(flag for one in entries for flag in one.flags)
    notes = [f"{flag}: {', '.join(one.algorithm for one in entries if flag in one.flags)}." for flag in flags]
    return Section(
        title=f"Co-evolution, {challenge}",
        lines=(*first, score_finding(found, challenge), distance_finding(found, challenge)),
        columns=("arm", "score", "lag", "spread kept", "said and done", "n", "queries", "refused", "allowed", "tokens"),
        rows=tuple(rows),
        right=(1, 2, 3, 4, 5, 6, 7, 8, 9),
        notes=(
            *notes,
            effort_finding(found, challenge),
            LEGEND,
        ),
    )


def live_sections(found: Live) -> list[Section]:
    """Return diversity of the first and last beliefs by arm, the last differences between arms, and the slopes."""
    rows = [
        (arm_name(one.arm), *_ends(one), _difference(found, one), f"{one.num:,}")
        for measure in MEASURES
        for one in found.diversity
        if one.measure == measure
    ]
    names = [name for measure, name in MEASURES.items() for one in found.diversity if one.measure == measure]
    return [
        Section(
            title="Beliefs of language-model people",
            lines=(stand_finding(found, ""), entropy_finding(found)),
            columns=("measure", "arm", "first", "last", "last, less the arm without AI", "n"),
            rows=tuple((name, *row) for name, row in zip(names, rows, strict=True)),
            right=(2, 3, 4, 5),
            notes=(
                f"{found.num_replicas} replicas. Intervals resample people; differences take each person in both arms.",
            ),
        ),
        Section(
            title="Entrenchment",
            lines=(slope_finding(found),) if found.slopes else (),
            columns=("arm", "slope", "n", "flag"),
            rows=tuple(
                (arm_name(one.arm), _between(one.value, one.lo, one.hi), count(one.num), one.flag)
                for one in found.slopes
            ),
            right=(1, 2),
        ),
    ]


def _ends(one: Diversity) -> tuple[str, str]:
    return _mark(one.marks[0]), _mark(one.marks[-1])


def _difference(found: Live, one: Diversity) -> str:
    apart = next((a for a in found.apart if (a.arm, a.measure) == (one.arm, one.measure)), None)
    return "-" if apart is None else f"{_mark(apart.marks[-1])}, {reading_apart(apart)}"


def follow_section(found: Follow) -> Section:
    """Return following by round, raw and centred, beside the base and the null."""
    return Section(
        title="Following people whose values move",
        lines=(follow_finding(found),),
        columns=("round", "cosine", "policy", "with its people", "base", "with the next people", "null", "items"),
        rows=tuple(_round(one) for one in found.rounds),
        right=(3, 4, 5, 6, 7),
        notes=_flags(found.rounds),
    )


def _round(one: Round) -> tuple[str, ...]:
    kind = "centred" if one.kind.endswith("centred") else "raw"
    own = _between(one.value, one.lo, one.hi)
    return (str(one.round), kind, one.policy, own, short(one.base), short(one.later), short(one.null), str(one.n))


def _flags(rounds: Sequence[Round]) -> tuple[str, ...]:
    flags = dict.fromkeys(flag for one in rounds for flag in one.flags)
    return tuple(
        f"{flag}: {', '.join(f'round {one.round} {spaced(one.kind)}' for one in rounds if flag in one.flags)}."
        for flag in flags
    )


def _mark(mark: Mark | None) -> str:
    return "-" if mark is None else _between(mark.value, mark.lo, mark.hi)


def _between(value: float | None, lo: float | None, hi: float | None, digits: int = 3) -> str:
    ends = "" if lo is None or hi is None or lo != lo else f" ({short(lo, digits)} to {short(hi, digits)})"
    return short(value, digits) + ends
