"""What co-evolution came to, in sentences with n and interval: for the captions of pages and report. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from agents.instruments.value_follow import RAW
from dashboards.coevolution import ASSISTANT, DISTANCE, PEOPLE, Mark, Trials
from dashboards.coevolution_all import Coevolution
from dashboards.coevolution_follow import Follow
from dashboards.coevolution_live import Apart, Live
from dashboards.drawing import short
from dashboards.measures import ALPHA
from dashboards.rows import arm_name, plural

NUMERIC = "People and AI of this society are numbers with a known truth, whatever engine the run was started with."
ERAS = (
    "The people of this run are eras that a model speaks for; the AI is a served policy, or numbers that learn from "
    "the eras' votes. Before any score, see whether the eras differ at all: python -m benchmarks.eras RUN."
)
REFERENCES = ("none", "frozen", "oracle")
"""Arms that show how far an arm could fall and rise."""


def reading(mark: Mark) -> str:
    """Say in words what an interval of a difference allows to say."""
    if mark.value is None or mark.lo is None or mark.hi is None:
        return "not compared"
    return "no difference shown" if mark.lo <= 0 <= mark.hi else "differs"


def reading_apart(one: Apart, place: int = -1) -> str:
    """Say in words what interval and corrected p of a difference between arms allow to say."""
    said, p = reading(one.marks[place]), one.p_holm[place]
    return "not after correction" if said == "differs" and (p is None or p >= ALPHA) else said


def apart_finding(found: Live) -> str:
    """Return in a sentence how many differences between arms are left after correction; "" without a second arm."""
    if not found.apart:
        return ""
    said = [reading_apart(one, place) for one in found.apart for place in range(len(one.marks))]
    alone = said.count("not after correction")
    tested = sum(p is not None for one in found.apart for p in one.p_holm)
    more = f"; {alone} more would by {'its' if alone == 1 else 'their'} interval alone" if alone else ""
    return (
        f"Each arm less {arm_name(found.apart[0].base)}, n = {found.num_people} people in pairs: "
        f"{said.count('differs')} of {plural(tested, 'difference')} over timesteps and measures "
        f"differ{'s' * (said.count('differs') == 1)} from 0 after Holm's correction{more}."
    )


def distance_finding(found: Trials, challenge: str) -> str:
    """Return in a sentence how far from the history people and AI of every arm ended."""
    last = {(one.arm, one.who): one for one in found.lines if one.challenge == challenge and one.what == DISTANCE}
    told = []
    for arm in dict.fromkeys(arm for arm, _ in last):
        parts = [f"{who} {_told(last[arm, who].marks)}" for who in (PEOPLE, ASSISTANT) if (arm, who) in last]
        told.append(f"{arm}: {', '.join(parts)}")
    seeds = max((one.num_seeds for one in last.values()), default=0)
    return (
        f"Distance from the history at the last timestep judged, 1 being its whole way; 95 % over n = {seeds} "
        f"{'seeds' if seeds != 1 else 'seed, so without an interval'}. {'; '.join(told)}."
    )


def _score(value: float | None) -> str:
    """Return a score with three digits; with four beside 1, where three would round it away."""
    return short(value, 4 if value is not None and abs(1 - value) < 0.01 else 3)


def _told(marks: Sequence[Mark]) -> str:
    known = [mark for mark in marks if mark.value is not None]
    if not known:
        return "not known"
    last = known[-1]
    return short(last.value) + (f" ({short(last.lo)} to {short(last.hi)})" if last.lo is not None else "")


def entropy_finding(found: Live) -> str:
    """Return in a sentence how diversity differs at the end between the arms, with n."""
    told = []
    for one in found.apart:
        if one.measure == "entropy":
            mark = one.marks[-1]
            between = f" ({short(mark.lo)} to {short(mark.hi)})" if mark.lo is not None else ""
            told.append(
                f"{arm_name(one.arm)} less {arm_name(one.base)}: {short(mark.value)}{between}, {reading_apart(one)}"
            )
    said = "; ".join(told) or "there is no second arm to compare with"
    return (
        f"Entropy of beliefs after {found.num_timesteps} timesteps, n = {found.num_people} people an arm, 95 % with "
        f"people resampled in pairs: {said}."
    )


def follow_finding(found: Follow) -> str:
    """Return in a sentence how the last round's policy follows, beside the base."""
    told = []
    for kind in ("raw", "centred"):
        own = [one for one in found.rounds if (one.kind == RAW) == (kind == "raw")]
        if own:
            one = own[-1]
            between = f" ({short(one.lo)} to {short(one.hi)})" if one.lo is not None else ""
            why = "" if one.value is not None else f" ({'; '.join(one.flags) or 'undefined'})"
            told.append(f"{kind} {short(one.value)}{between}{why}, the base {short(one.base)}, null {short(one.null)}")
    num = found.rounds[-1].n if found.rounds else 0
    return f"Cosine with the people of the last round, n = {num} items that nobody voted on: {'; '.join(told)}."


def score_finding(found: Trials, challenge: str) -> str:
    """Return in a sentence who scored best, with the lag beside it and what stands for doing nothing."""
    own = [one for one in found.entries if one.challenge == challenge]
    judged = [one for one in own if one.score == one.score and one.algorithm != "oracle"]
    if not judged:
        return f"{challenge}: no arm can be scored."
    best = judged[0]
    between = f" ({_score(best.lo)} to {_score(best.hi)})" if best.lo == best.lo else ", one seed, no interval"
    plain = [f"{one.algorithm} {_score(one.score)}" for one in own if one.algorithm in REFERENCES]
    blind = (
        " Being ahead of the history costs no score, so read the lag with it." if best.challenge == "coevolve" else ""
    )
    return (
        f"{challenge}: {best.algorithm} scores highest of what is no oracle, {_score(best.score)}{between}, with a "
        f"lag of {short(best.lag)}; n = {plural(best.num_replicas, 'seed')} of {plural(best.num, 'comparison')}. "
        f"References: {', '.join(plain)}.{blind}"
    )


def effort_finding(found: Trials, challenge: str) -> str:
    """Return in a sentence what was asked over all seeds and what was refused."""
    own = [one for one in found.efforts if one.challenge == challenge]
    asked = ", ".join(f"{one.arm} {one.num_queries:,}" for one in own if one.num_queries) or "nobody asked anything"
    refused, tokens = (sum(getattr(one, name) for one in own) for name in ("num_refused", "num_tokens"))
    missing = sum(one.num_missing for one in own)
    seeds = plural(max((one.num_seeds for one in own), default=0), "seed")
    return (
        f"Queries answered over n = {seeds}: {asked}. Refused as over "
        f"the budget: {refused:,}; without an answer: {missing:,}; tokens by the ballot's price: {tokens:,}."
    )


def stand_finding(found: Live, claim: str) -> str:
    """Return in a sentence how mean belief moved from first to last in every arm."""
    from societies.coevolution.live.records import level

    told = []
    for arm in found.arms:
        own = sorted(
            (one for one in found.stands if (one.arm, one.claim) == (arm, claim)), key=lambda one: one.timestep
        )
        if own:
            first, last = (level(one.shares) for one in (own[0], own[-1]))
            mass = f", {100 * own[-1].mass:.0f} % of probability on a stance" if own[-1].mass is not None else ""
            told.append(f"{arm_name(arm)} {short(first)} to {short(last)} (n = {own[-1].num} beliefs{mass})")
    of = f"the claim {claim}" if claim else f"{len(found.claims)} claims"
    return f"Mean belief on {of} (1: first view, 0: second), first to last: {'; '.join(told)}."


def slope_finding(found: Live) -> str:
    """Return in a sentence whether beliefs move further the way they lean."""
    told = []
    for one in found.slopes:
        between = f" ({short(one.lo)} to {short(one.hi)})" if one.lo is not None else ""
        flag = f", {one.flag}" if one.flag else ""
        told.append(f"{arm_name(one.arm)} {short(one.value)}{between}, n = {one.num} pairs{flag}")
    return (
        f"Entrenchment slope: {'; '.join(told)}. 0 (grey tick): calibrated; above: beliefs move the way they already "
        "lean; below: they fall back, or were read with noise."
    )


def together_headline(found: Coevolution) -> str:
    """Return in one sentence what numbers or language-model people and their AI came to."""
    if found.trials is not None:
        first = score_finding(found.trials, found.trials.challenges[0]).partition("; n =")[0]
        more = len(found.trials.challenges) - 1
        who = "Eras spoken by a model" if found.trials.voices else "Numbers, no model"
        return f"{who}: {first}" + (f"; {more} more challenges." if more else ".")
    return f"Simulated people and their AI. {entropy_finding(found.live)}" if found.live else "Nothing was found."
