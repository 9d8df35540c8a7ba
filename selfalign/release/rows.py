"""From samples to the rows of each config. A row keeps who counted, how, and how sure the count is.

Two rules make a preference. "votes": of the voters of one dimension, each counting alike, the candidate with the
highest mean vote against the one with the lowest; its probability is the mean over voters. "revision": where nobody
voted, the answer that was revised after a scene against its first draft; it has no probability.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.refusals import read_refusal
from agents.sample import Candidate, Sample, Vote
from selfalign.build.rewrite import TARGETS, target_of
from selfalign.build.rows import answer, chat
from selfalign.label.votes import pair_probability, reward
from selfalign.release.config import ReleaseConfig
from selfalign.release.text import same_text
from selfalign.samples import candidate_of

VOTES, REVISION = "votes", "revision"
RULES = {
    VOTES: "highest against lowest mean vote of one dimension, every voter counting alike; "
    "probability = mean over voters that chosen beats rejected",
    REVISION: "the answer revised after the scene against its first draft; nobody voted",
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A row before it has an id. origin: number of what it comes from. part: tells rows of one origin apart."""

    origin: int
    part: str
    row: dict[str, Any]


@dataclass(slots=True)
class Losses:
    """Why samples got no row of a config, and the preferences that were too weak for one."""

    preference: Counter[str] = field(default_factory=Counter)
    sft: Counter[str] = field(default_factory=Counter)
    weak: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Pair:
    """One preference of a sample: indices into its candidates."""

    chosen: int
    rejected: int
    rule: str
    dim: str = ""
    probability: float | None = None
    num_votes: int = 0
    disagreement: float | None = None

    @property
    def margin(self) -> float:
        """2p - 1; 0 where nobody voted."""
        return 0.0 if self.probability is None else 2.0 * self.probability - 1.0


def voted_pair(votes: Sequence[Vote], num_candidates: int, dim: str = "") -> Pair | None:
    """Return the preference that the votes of one dimension make; None when they tell no two candidates apart."""
    mean = reward(votes, num_candidates)
    chosen, rejected = mean.index(max(mean)), mean.index(min(mean))
    if chosen == rejected:
        return None
    by_group: dict[str, list[Vote]] = {}
    for vote in votes:
        by_group.setdefault(vote.group, []).append(vote)
    shares = [pair_probability(own, chosen, rejected) for own in by_group.values()]
    return Pair(
        chosen=chosen,
        rejected=rejected,
        rule=VOTES,
        dim=dim,
        probability=pair_probability(votes, chosen, rejected),
        num_votes=len({vote.voter for vote in votes}),
        disagreement=max(shares) - min(shares) if len(shares) > 1 else None,
    )


def pairs_of(sample: Sample, config: ReleaseConfig) -> tuple[list[Pair], list[str]]:
    """Return the preferences of a sample, one a dimension, and why others were not made."""
    if len(sample.candidates) < 2:
        return [], ["one answer only"]
    dims = sorted({vote.dim for vote in sample.votes})
    wanted = [dim for dim in dims if not config.dims or dim in config.dims]
    pairs, losses = [], []
    if not dims:
        made, why = _revision_pair(sample)
        return ([made], []) if made else ([], [why])
    for dim in wanted:
        pair = voted_pair([vote for vote in sample.votes if vote.dim == dim], len(sample.candidates), dim)
        why = _weak(pair, sample, config)
        if pair is None or why:
            losses.append(why or "votes tell no two answers apart")
        else:
            pairs.append(pair)
    return pairs, losses or ([] if wanted else ["no vote on a wanted dimension"])


def weak_pairs(sample: Sample, config: ReleaseConfig, subject: str) -> list[dict[str, Any]]:
    """Return the preferences of a sample that votes make but too few or too even ones, with their strength."""
    out = []
    for dim in sorted({vote.dim for vote in sample.votes}):
        pair = voted_pair([vote for vote in sample.votes if vote.dim == dim], len(sample.candidates), dim)
        why = _weak(pair, sample, config)
        if pair is not None and why.startswith(("fewer than", "margin below")):
            told = {"sample": subject, "dim": dim, "why": why, "chosen": pair.chosen, "rejected": pair.rejected}
            strength = {"probability": pair.probability, "num_votes": pair.num_votes, "disagreement": pair.disagreement}
            out.append(told | strength)
    return out


def weak_report(weak: Sequence[Mapping[str, Any]], num_made: int, config: ReleaseConfig) -> dict[str, Any]:
    """Return the report on preferences below the stated number of voters or margin. num_made: those that were kept."""
    whys = Counter(str(one["why"]) for one in weak)
    said = ", ".join(f"{num} with {why}" for why, num in sorted(whys.items())) or "none"
    return {
        "tool": "folkmoot weak pairs",
        "version": 1,
        "parameters": {"min_votes": config.min_votes, "min_margin": config.min_margin, "dims": config.dims},
        "num_before": num_made + len(weak),
        "num_after": num_made,
        "reasons": dict(sorted(whys.items())),
        "hits": sorted(weak, key=lambda one: (one["sample"], one["dim"])),
        "summary": f"Weak preferences left out: {said}; the votes on them are in ballots, the strengths in the report.",
    }


def _weak(pair: Pair | None, sample: Sample, config: ReleaseConfig) -> str:
    if pair is None:
        return "votes tell no two answers apart"
    chosen, rejected = sample.candidates[pair.chosen].text, sample.candidates[pair.rejected].text
    if not chosen.strip() or not rejected.strip():
        return "an answer is empty"
    if same_text(chosen) == same_text(rejected):
        return "both answers are the same"
    if pair.num_votes < config.min_votes:
        return f"fewer than {config.min_votes} voters"
    return f"margin below {config.min_margin:g}" if pair.margin < config.min_margin else ""


def _revision_pair(sample: Sample) -> tuple[Pair | None, str]:
    better, worse = candidate_of(sample, *TARGETS), candidate_of(sample, "initial", "bad")
    if better is None or worse is None:
        return None, "neither votes nor a revision"
    if same_text(better.text) == same_text(worse.text):
        return None, "revised equals draft"
    return Pair(_place(sample, better), _place(sample, worse), REVISION), ""


def _place(sample: Sample, candidate: Candidate) -> int:
    return next(n for n, one in enumerate(sample.candidates) if one is candidate)


def taught(sample: Sample, pairs: Sequence[Pair]) -> tuple[str | None, str, str]:
    """Return (the answer to imitate or None, the rule that chose it, why not): the best voted, else the revised one."""
    if pairs:
        text, rule = sample.candidates[pairs[0].chosen].text, pairs[0].rule
    elif sample.votes:
        return None, "", "votes chose no answer"
    else:
        found = target_of(sample)
        if found is None:
            return None, "", "no answer to imitate"
        text, rule = found, "only answer" if len(sample.candidates) == 1 else REVISION
    if sample.kind == "answer_helpful" and read_refusal(text).refused:
        return None, "", "an ordinary request was refused"
    return text, rule, ""


Meta = Callable[[str, Pair | None], dict[str, Any]]


def sample_rows(
    number: int, sample: Sample, config: ReleaseConfig, meta: Meta, losses: Losses
) -> Iterator[tuple[str, Draft]]:
    """Yield (config, row) of one sample; count in `losses` why a config got none."""
    prompt = chat(sample.prompt)
    pairs, why_no_pair = pairs_of(sample, config)
    losses.preference.update(why_no_pair)
    if why_no_pair and sample.votes:
        losses.weak += weak_pairs(sample, config, meta("", None)["subject"])
    text, rule, why = taught(sample, pairs)
    yield "prompts", Draft(number, "", {"prompt": prompt, "task": sample.kind, "meta": meta("", None)})
    if text is None:
        losses.sft[why] += 1
    else:
        told = meta(rule, pairs[0] if pairs else None)
        yield "sft", Draft(number, "", {"prompt": prompt, "completion": answer(text), "meta": told})
    for pair in pairs:
        yield from _pair_rows(number, sample, prompt, pair, meta(pair.rule, pair))
    yield from _accepted(number, sample, prompt, meta)
    yield from ballot_rows(number, sample, meta)


def ballot_rows(number: int, sample: Sample, meta: Meta) -> Iterator[tuple[str, Draft]]:
    """Yield ("ballots", row) for each vote on a sample."""
    statement = sample.prompt[-1].content
    for n, vote in enumerate(sample.votes):
        yield "ballots", Draft(number, str(n), _ballot(sample, vote, statement, meta))


def _pair_rows(
    number: int, sample: Sample, prompt: list[dict[str, str]], pair: Pair, told: dict[str, Any]
) -> Iterator[tuple[str, Draft]]:
    chosen, rejected = (answer(sample.candidates[n].text) for n in (pair.chosen, pair.rejected))
    part = pair.dim
    yield "preference", Draft(number, part, {"prompt": prompt, "chosen": chosen, "rejected": rejected, "meta": told})
    whole = {"chosen": prompt + chosen, "rejected": prompt + rejected, "margin": pair.margin, "meta": told}
    yield "reward", Draft(number, part, whole)
    for label, completion in ((True, chosen), (False, rejected)):
        row = {"prompt": prompt, "completion": completion, "label": label, "meta": told}
        yield "unpaired", Draft(number, f"{part}|{'good' if label else 'bad'}", row)


def _accepted(number: int, sample: Sample, prompt: list[dict[str, str]], meta: Meta) -> Iterator[tuple[str, Draft]]:
    """Yield rows for single answers that voters accepted or did not; answers in pairs are there already."""
    votes = [vote for vote in sample.votes if vote.kind == "accept"]
    if len(sample.candidates) == 1 and votes and sample.candidates[0].text.strip():
        share = sum(vote.value[0] for vote in votes) / len(votes)
        if share != 0.5:
            told = {**meta("accepted by most", None), "probability": share, "num_votes": len(votes)}
            row = {
                "prompt": prompt,
                "completion": answer(sample.candidates[0].text),
                "label": share > 0.5,
                "meta": told,
            }
            yield "unpaired", Draft(number, "accept", row)


def _ballot(sample: Sample, vote: Vote, statement: str, meta: Meta) -> dict[str, Any]:
    told = meta("", None)
    return {
        "subject": told["subject"],
        "statement": statement,
        "citizen": vote.voter,
        "group": vote.group,
        "dim": vote.dim,
        "kind": vote.kind,
        "options": [candidate.text.strip() for candidate in sample.candidates],
        "values": [float(value) for value in vote.value],
        "weight": 1.0,
        "round": vote.t,
        "rationale": vote.rationale,
        "meta": {**told, "dim": vote.dim},
    }
