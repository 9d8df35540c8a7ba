"""Cleaning texts before anything is counted: personal data replaced, control tokens written out, both counted."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agents.requests import Message
from agents.sample import Candidate, Sample, Vote
from agents.statistics.intervals import wilson
from selfalign.release.names import copied
from selfalign.release.pii import RULES, find, harmless, masked, scrub
from selfalign.release.text import without_control

NUM_LOOKED_AT = 200


@dataclass(slots=True)
class Cleaner:
    """Cleans texts and remembers what it found: hits a rule, where they were, and how they looked, masked."""

    names: frozenset[str] = frozenset()
    """Rare names of source personas."""
    compared: Mapping[str, str] = field(default_factory=dict)
    """Population -> which of its names were compared, or why none."""
    copied: Counter[str] = field(default_factory=Counter)
    """Where such names stand, and how many."""
    num_texts: int = 0
    num_control: int = 0
    num_left: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    seen: list[tuple[str, str, str, bool]] = field(default_factory=list)
    """(where, rule, masked surroundings, names nobody)."""

    def text(self, text: str, where: str) -> str:
        """Return a text without personal data and control tokens."""
        self.num_texts += 1
        text, num = without_control(text)
        self.num_control += num
        if self.names and (num := copied(text, self.names)):
            self.copied[where] += num
        clean, hits = scrub(text)
        for hit in hits:
            self.counts[hit.rule] += 1
            self.seen.append((where, hit.rule, masked(text, hit), harmless(text[hit.start : hit.end])))
        self.num_left += len(find(clean)) if hits else 0
        return clean

    def sample(self, sample: Sample, where: str) -> Sample:
        """Return a sample with clean texts; the same object when nothing had to change."""
        prompt = tuple(self._message(message, where) for message in sample.prompt)
        candidates = tuple(self._candidate(candidate, where) for candidate in sample.candidates)
        votes = tuple(self._vote(vote, where) for vote in sample.votes)
        if prompt == sample.prompt and candidates == sample.candidates and votes == sample.votes:
            return sample
        return replace(sample, prompt=prompt, candidates=candidates, votes=votes)

    def _message(self, message: Message, where: str) -> Message:
        clean = self.text(message.content, where)
        return message if clean == message.content else Message(message.role, clean)

    def _candidate(self, candidate: Candidate, where: str) -> Candidate:
        clean = self.text(candidate.text, where).strip()
        return candidate if clean == candidate.text else replace(candidate, text=clean)

    def _vote(self, vote: Vote, where: str) -> Vote:
        clean = self.text(vote.rationale, where) if vote.rationale else ""
        return vote if clean == vote.rationale else replace(vote, rationale=clean)

    def _names_told(self) -> str:
        if any(why.startswith("NOT") for why in self.compared.values()):
            return "Names of source personas were NOT all compared. "
        return f"{self.copied.total()} rare names of source personas stand in it. " if self.names else ""

    def report(self, seed: int) -> dict[str, Any]:
        """Return the report; "num_after" is what a second reading of every changed text found.

        The false-positive estimate is the share of hits, in a seeded sample, whose form is reserved for examples or
        private networks, with Wilson's interval: a lower bound, since only a person can judge the others.
        """
        looked = drawn(self.seen, NUM_LOOKED_AT, seed)
        num_harmless = sum(one[3] for one in looked)
        near = wilson(num_harmless, len(looked)) if looked else None
        total = sum(self.counts.values())
        return {
            "tool": "folkmoot pii",
            "version": 1,
            "parameters": {
                "rules": {rule.name: rule.version for rule in RULES},
                "names_and_addresses": "not looked for",
            },
            "num_texts": self.num_texts,
            "before": {rule.name: self.counts[rule.name] for rule in RULES},
            "num_before": total,
            "num_after": self.num_left,
            "num_control_tokens": self.num_control,
            "false_positives": {
                "n": len(looked),
                "share_reserved_for_examples": num_harmless / len(looked) if looked else None,
                "interval_95": [near.lo, near.hi] if near else None,
                "sample": [{"where": w, "rule": r, "text": t} for w, r, t, _ in looked[:25]],
            },
            "copied_names": {
                "populations": dict(sorted(self.compared.items())),
                "num": self.copied.total(),
                "hits": sorted(self.copied),
                "decision": "kept and counted: names of source personas are told, not replaced",
            },
            "hits": sorted({where for where, *_ in self.seen}),
            "summary": f"Personal data: {total} hits replaced in {self.num_texts} texts, {self.num_left} left; "
            f"{self.num_control} control tokens written out. {self._names_told()}"
            "Other names and addresses were not looked for.",
        }


def drawn(values: Sequence[Any], num: int, seed: int) -> list[Any]:
    """Return at most `num` of the values, chosen by a stable hash of seed and place, in their order."""
    if len(values) <= num:
        return list(values)
    rank = sorted(range(len(values)), key=lambda n: hashlib.blake2b(f"{seed}|{n}".encode(), digest_size=8).digest())
    return [values[n] for n in sorted(rank[:num])]
