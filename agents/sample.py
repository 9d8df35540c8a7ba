"""`Sample`: the only thing that crosses from a society to a trainer.

Scenes, assemblies and value timelines all write this record. Every alignment method is a recipe over it, and every
released row can be walked back through its lineage to the utterances and votes that made it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.requests import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One answer to the prompt.

    author: a persona id, a policy name, or "gold".
    role:   "initial", "revised", "reference", "good", "bad", or "" where none applies.
    logps:  log-probability of each sampled token under the policy that wrote it; empty when unknown.
    """

    text: str
    author: str
    role: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    logps: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One judgement on the candidates.

    kind:  "pair", "rank", "score" or "accept".
    value: per candidate, in candidate order; for "pair" and "score" the probability or rating of each.
    t:     simulation time (turn or tick).
    """

    voter: str
    group: str
    dim: str
    kind: str
    value: tuple[float, ...]
    rationale: str = ""
    t: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """Where a sample came from: enough to walk back to every utterance.

    script:   path of the root script in the run.
    requests: identities ("path#ordinal") of the requests whose replies stand in the sample or caused it.
    prompts:  names of the prompt resources used, with versions.
    policies: names of the policies that wrote a candidate.
    """

    script: str
    requests: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A prompt, its candidate answers, the votes on them, and where they came from.

    sample_id: unique in the run. kind: the society's word, such as "revision_harmful".
    meta: plain values only (scene_id, t, language, stakes, principles, difficulty ...).
    """

    sample_id: str
    kind: str
    prompt: tuple[Message, ...]
    candidates: tuple[Candidate, ...]
    lineage: Lineage
    votes: tuple[Vote, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for vote in self.votes:
            if len(vote.value) != len(self.candidates):
                raise ValueError(f"{self.sample_id}: a vote has {len(vote.value)} values for {len(self.candidates)}")
