"""The report on judges: what the order of options, the length of answers and the judges' own texts did to the votes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from selfalign.release import bias
from selfalign.release.intake import Item
from selfalign.release.measure import distribution
from selfalign.release.origins import Facts
from selfalign.release.rows import VOTES

PERSON, POLICY = "own text", "own policy"


@dataclass(frozen=True, slots=True)
class Judged:
    """What the report needs of a preference. longer: characters of chosen less those of rejected."""

    longer: int
    rule: str
    probability: float | None
    disagreement: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """Readings of judges between their own and others', by sort, each with its scene; and how many had no maker."""

    readings: dict[str, list[tuple[str, bias.Own]]]
    num_votes: int
    num_unknown: int
    num_makers: int


def owned(items: Iterable[Item], facts: Sequence[Facts]) -> Owned:
    """Read from the votes of all samples how judges treat what is their own: by their own hand, or by their policy."""
    readings: dict[str, list[tuple[str, bias.Own]]] = {PERSON: [], POLICY: []}
    makers: set[tuple[str, str]] = set()
    num_votes = num_unknown = 0
    for item in items:
        sample, own = item.sample, facts[item.run]
        if not sample.votes or len(sample.candidates) < 2:
            continue
        num_votes += len(sample.votes)
        assembly = str(sample.meta.get("assembly") or "")
        scene = f"{own.intake.run_id}|{sample.meta.get('scene_id') or sample.sample_id}"
        alone = sample.lineage.policies[0] if len(sample.lineage.policies) == 1 else ""
        policies = {*sample.lineage.policies, "base"}

        def policy_of(
            name: str, *, voter: bool, item: Item = item, own: Facts = own, assembly: str = assembly,
            alone: str = alone, policies: set[str] = policies,
        ) -> str:  # fmt: skip
            if name in policies:
                return name
            return own.seat_policy(item.stage, assembly, name) or (alone if voter else "")

        by_hand = [[one.author == vote.voter for one in sample.candidates] for vote in sample.votes]
        readings[PERSON] += [(scene, one) for one in bias.self_preference(sample.votes, by_hand)]
        wrote = [policy_of(one.author, voter=False) for one in sample.candidates]
        if not own.intake.asked or not all(wrote):
            num_unknown += len(sample.votes)
            continue
        makers.update((own.intake.run_id, name) for name in wrote)
        judges = [policy_of(vote.voter, voter=True) for vote in sample.votes]
        by_policy = [[bool(judge) and name == judge for name in wrote] for judge in judges]
        readings[POLICY] += [(scene, one) for one in bias.self_preference(sample.votes, by_policy)]
    return Owned(readings=readings, num_votes=num_votes, num_unknown=num_unknown, num_makers=len(makers))


def judges(pairs: Sequence[Judged], facts: Sequence[Facts], own: Owned, seed: int) -> dict[str, Any]:
    """Return the report: length, position and self-preference, each with n, interval and what no bias would be."""
    length = _length([pair for pair in pairs if pair.rule == VOTES])
    position = _position(facts, seed)
    preference = {name: _preference(rows, seed) for name, rows in own.readings.items()}
    first = position["all"]["first_slot"]
    told = [
        bias.told("the longer answer won votes in a share of", length, "1/2 would be no bias"),
        bias.told("an option gains by standing first", first, "0 would be no bias"),
        *(bias.told(f"{name} against other judges", one["against_others"], "0 would be none")
          for name, one in preference.items()),
    ]  # fmt: skip
    said = "; ".join(filter(None, told)) or "nobody voted between answers, and no answer was asked in two orders"
    return {
        "tool": "folkmoot judges",
        "version": 2,
        "parameters": {
            "intervals": "shares: Wilson; means: bootstrap (BCa, 1000 resamples); all 95 %",
            "seed": seed,
            "first_slot": "probability of an option standing first less that of the same option standing last",
            "own text": "the judge is the author", "own policy": "judge and author speak with the same policy",
        },
        "length": {**length, "null": 0.5, "of": "preferences by votes"},
        "length_of_revisions": {
            **_length([pair for pair in pairs if pair.rule != VOTES]),
            "of": "revised answers against drafts: nobody judged, so this is no bias",
        },
        "position": position,
        "self_preference": {
            **preference,
            "num_votes": own.num_votes,
            "num_votes_on_texts_without_known_policy": own.num_unknown,
            "note": "one policy wrote and judged everything, so that its liking for itself cannot be told from quality"
            if own.num_makers == 1 and not own.readings[POLICY]
            else "a share alone mixes liking with quality; against_others: the same options, judged by strangers",
        },
        "agreement_with_people": "not measured: people's verdicts are on whole samples, not on which answer is better",
        "rules": dict(sorted(Counter(pair.rule for pair in pairs).items())),
        "probability": distribution([pair.probability for pair in pairs if pair.probability is not None]),
        "disagreement": distribution([pair.disagreement for pair in pairs if pair.disagreement is not None]),
        "summary": f"Judges: {said}.",
    }  # fmt: skip


def _length(pairs: Sequence[Judged]) -> dict[str, Any]:
    return bias.share([pair.longer > 0 for pair in pairs if pair.longer])


def _position(facts: Sequence[Facts], seed: int) -> dict[str, Any]:
    """Return what the order did, over all answers and by what was asked."""
    by: dict[str, list[tuple[str, bias.Shown]]] = {}
    once = 0
    for own in facts:
        once += own.num_one_order
        for key, one in sorted(own.shown.items()):
            by.setdefault(own.asked_for[key], []).append((f"{own.intake.run_id}|{root(key)}", one))
    every = [one for rows in by.values() for one in rows]
    return {
        "null": 0.0,
        "num_asked_in_one_order": once,
        "all": _order(every, seed),
        "by": {name: _order(rows, seed) for name, rows in sorted(by.items())},
    }


def root(key: str) -> str:
    """Return the root script of a request."""
    return "/".join(key.partition("#")[0].split("/", 2)[:2])


def _order(rows: Sequence[tuple[str, bias.Shown]], seed: int) -> dict[str, Any]:
    return {
        "first_slot": bias.spread([(scene, one.gap) for scene, one in rows], seed),
        "first_choice_turns_with_the_order": bias.share([one.turned for _, one in rows]),
    }


def _preference(rows: Sequence[tuple[str, bias.Own]], seed: int) -> dict[str, Any]:
    beside = [(scene, one.share - one.others) for scene, one in rows if one.others is not None]
    return {
        "prefers_own": {**bias.spread([(scene, one.share) for scene, one in rows], seed), "null": 0.5},
        "against_others": {**bias.spread(beside, seed), "null": 0.0},
    }
