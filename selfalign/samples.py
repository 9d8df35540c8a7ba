"""From samples to training material: what is usable, what came twice, what is held out, and what was lost on the way.

Everything here is a pure function of `Sample`s; nothing knows which society wrote them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agents.errors import UserError
from agents.sample import Candidate, Sample

if TYPE_CHECKING:
    from sim.store import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One filter: how many came in, how many went on, and why the others did not."""

    name: str
    num_in: int
    num_out: int
    reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Funnel:
    """The filters that samples went through, in order; the report draws it."""

    steps: tuple[Step, ...] = ()

    def then(self, name: str, num_in: int, num_out: int, reasons: Mapping[str, int] | None = None) -> Funnel:
        """Return the funnel with one more step. Raises ValueError when the counts do not add up."""
        lost = dict(sorted((reasons or {}).items()))
        if num_in - num_out != sum(lost.values()):
            raise ValueError(f"funnel step {name}: {num_in} in, {num_out} out, but reasons for {sum(lost.values())}")
        return Funnel((*self.steps, Step(name=name, num_in=num_in, num_out=num_out, reasons=lost)))

    def rows(self) -> list[dict[str, Any]]:
        """Return plain rows for a table: step, in, out, and reasons as text."""
        return [
            {
                "step": step.name,
                "num_in": step.num_in,
                "num_out": step.num_out,
                "reasons": "; ".join(f"{why}: {num}" for why, num in step.reasons.items()),
            }
            for step in self.steps
        ]

    def __str__(self) -> str:
        return "\n".join(
            f"{row['step']}: {row['num_in']} -> {row['num_out']}" + (f" ({row['reasons']})" if row["reasons"] else "")
            for row in self.rows()
        )


def drop(
    samples: Sequence[Sample], funnel: Funnel, name: str, why: Callable[[Sample], str | None]
) -> tuple[list[Sample], Funnel]:
    """Keep the samples for which `why` returns None; count the reasons of the others."""
    kept: list[Sample] = []
    reasons: Counter[str] = Counter()
    for sample in samples:
        reason = why(sample)
        if reason is None:
            kept.append(sample)
        else:
            reasons[reason] += 1
    return kept, funnel.then(name, len(samples), len(kept), reasons)


def unusable(sample: Sample) -> str | None:
    """Return why nothing can be learned from a sample, or None."""
    if not sample.prompt or not any(message.content.strip() for message in sample.prompt):
        return "no prompt"
    if sample.prompt[-1].role == "assistant":
        return "the prompt ends with an answer"
    if not any(candidate.text.strip() for candidate in sample.candidates):
        return "no answer"
    return None


def content_key(sample: Sample) -> str:
    """Return a digest of what a sample says (kind, prompt, candidates), whoever said it and wherever."""
    digest = hashlib.blake2b(digest_size=16)
    parts = [sample.kind]
    parts += [f"{message.role}\x1f{message.content}" for message in sample.prompt]
    parts += [f"{candidate.role}\x1f{candidate.text}" for candidate in sample.candidates]
    digest.update("\x1e".join(parts).encode())
    return digest.hexdigest()


def dedupe(samples: Sequence[Sample], funnel: Funnel) -> tuple[list[Sample], Funnel]:
    """Keep the first of samples that say exactly the same."""
    seen: set[str] = set()

    def again(sample: Sample) -> str | None:
        key = content_key(sample)
        if key in seen:
            return "exact repeat"
        seen.add(key)
        return None

    return drop(samples, funnel, "distinct", again)


def usable(samples: Iterable[Sample]) -> tuple[list[Sample], Funnel]:
    """Validate and dedupe. Raises UserError when nothing is left."""
    given = list(samples)
    if not given:
        raise UserError(
            "There is no sample to learn from.",
            "the society wrote none: every scene was lost or ended before its revision.",
            "look at the forfeits with `folkmoot show RUN`, raise limits.script_requests or society budgets, "
            "or use a stronger model",
        )
    ids = Counter(sample.sample_id for sample in given)
    twice = [sample_id for sample_id, num in ids.items() if num > 1]
    if twice:
        raise ValueError(f"{len(twice)} sample ids occur more than once, such as {twice[0]}")
    kept, funnel = drop(given, Funnel(), "usable", unusable)
    kept, funnel = dedupe(kept, funnel)
    if not kept:
        raise UserError(
            f"None of the {len(given)} samples can be used.",
            str(funnel).replace("\n", "; ") + ".",
            "look at samples/ in the run folder and at the forfeits (`folkmoot show RUN`)",
        )
    return kept, funnel


def scene_of(sample: Sample) -> str:
    """Return the scene that a sample belongs to."""
    return str(sample.meta.get("scene_id") or sample.lineage.script or sample.sample_id)


def topics_of(topic: str, question: str) -> list[str]:
    """Return the names under which rows on one question meet: its topic and a digest of its words, as far as given.

    Two agendas may give one question other topics or none; its words still tie the rows.
    """
    told = [f"topic {name}"] if (name := _plain(topic)) else []
    words = _plain(question).encode(errors="surrogatepass")
    return [*told, f"question {hashlib.blake2b(words, digest_size=8).hexdigest()}"] if words else told


def _plain(text: str) -> str:
    return " ".join(text.split()).lower()


def split_by_scene(samples: Sequence[Sample], held_share: float, seed: int) -> tuple[list[Sample], list[Sample]]:
    """Return (train, held out), each in the given order, with no scene, no prompt and no topic on both sides.

    held_share: wanted share of samples. Scenes that share a prompt or a topic stay together, so neither an instruction
    that was played twice nor a subject that was deliberated twice leaks; with one topic nothing is held out. The draw
    depends on the seed and the names of the scenes, not on their order.
    """
    if not 0.0 <= held_share < 1.0:
        raise ValueError(f"held_share must be in [0, 1), got {held_share}")
    group = _groups(samples)
    sizes = Counter(group[scene_of(sample)] for sample in samples)

    def draw(name: str) -> bytes:
        return hashlib.blake2b(f"{seed}|{name}".encode(), digest_size=8).digest()

    held: set[str] = set()
    num_held, wanted = 0, min(round(held_share * len(samples)), len(samples) - 1)
    for name in sorted(sizes, key=draw):
        if num_held + sizes[name] <= wanted:
            held.add(name)
            num_held += sizes[name]
    train = [sample for sample in samples if group[scene_of(sample)] not in held]
    return train, [sample for sample in samples if group[scene_of(sample)] in held]


def _groups(samples: Sequence[Sample]) -> dict[str, str]:
    """Return scene -> the smallest scene name among those that are linked by a common prompt or topic."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    first: dict[Hashable, str] = {}
    for sample in samples:
        prompt = tuple((message.role, _plain(message.content)) for message in sample.prompt)
        topics = topics_of(str(sample.meta.get("topic") or ""), str(sample.meta.get("question") or ""))
        for key in (prompt, *topics):
            low, high = sorted((root(scene_of(sample)), root(first.setdefault(key, scene_of(sample)))))
            parent[high] = low
    return {name: root(name) for name in list(parent)}


def candidate_of(sample: Sample, *roles: str) -> Candidate | None:
    """Return the first candidate with text in one of these roles, the roles tried in order."""
    for role in roles:
        for candidate in sample.candidates:
            if candidate.role == role and candidate.text.strip():
                return candidate
    return None


def samples_of_run(run: Run, stages: Sequence[str]) -> list[Sample]:
    """Return the samples of several stages of a run."""
    return [sample for stage in stages for sample in run.read_samples(stage)]
