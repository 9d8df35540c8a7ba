"""The filters of a release, each a step of the funnel: well formed, not flagged, no repeat, no evaluation item."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.requests import Message
from agents.sample import Sample
from selfalign.release.decontaminate import LEAST, LONG, SHORT, EvaluationSet, Matcher, Overlap
from selfalign.release.intake import Intake, Item
from selfalign.release.minhash import (
    BANDS,
    LAGS,
    NGRAM,
    NUM_PERMUTATIONS,
    PROMPT_THRESHOLD,
    ROWS,
    Document,
    Signed,
    leaders,
    near_pairs,
    sign,
)
from selfalign.release.text import same_text
from selfalign.samples import Funnel, unusable

PASSED = ("well formed", "not flagged", "distinct", "no near repeat", "no evaluation item")
PASSED_AGAIN = ("well formed", "not flagged", "no evaluation item")
"""What the votes on a repeat have passed: its text is there once already, its votes are not."""
_CHUNK = 500


def key_of(item: Item, intakes: Sequence[Intake]) -> str:
    """Return the name of a sample in the whole release."""
    return f"{intakes[item.run].run_id}|{item.sample.sample_id}"


def malformed(prompt: Sequence[Message]) -> str | None:
    """Return what is wrong with a prompt as the beginning of a conversation that the user has spoken last, or None."""
    turns = [m.role for m in prompt[1:]] if prompt and prompt[0].role == "system" else [m.role for m in prompt]
    if any(not message.content.strip() for message in prompt):
        return "an empty message"
    if any(role not in ("user", "assistant") for role in turns):
        return "a role that is not known here"
    if not turns or turns[-1] != "user":
        return "the user does not speak last"
    if any(a == b for a, b in pairwise(turns)):
        return "one role speaks twice in a row"
    return None


def why_unusable(sample: Sample) -> str | None:
    """Return why a sample gives no row, or None."""
    return unusable(sample) or malformed(sample.prompt)


def document_of(sample: Sample) -> Document:
    """Return what near duplicates are told by: what was said to the model (rules apart), and the answers."""
    said = "\n".join(message.content for message in sample.prompt if message.role != "system")
    return Document(said, tuple(candidate.text for candidate in sample.candidates))


@dataclass(frozen=True, slots=True)
class Kept:
    """What a filter leaves: items, the funnel with one more step, and its report."""

    items: list[Item]
    funnel: Funnel
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Again:
    """A removed repeat that people voted on. first: name of the sample in whose place its text is kept."""

    item: Item
    first: str


def drop_items(
    items: Sequence[Item], funnel: Funnel, step: str, why: Sequence[str | None]
) -> tuple[list[Item], Funnel]:
    """Keep the items without a reason; count the reasons of the others."""
    kept = [item for item, reason in zip(items, why, strict=True) if reason is None]
    return kept, funnel.then(step, len(items), len(kept), Counter(reason for reason in why if reason is not None))


def priority(items: Sequence[Item], intakes: Sequence[Intake]) -> list[int]:
    """Return the places of items in the order in which they are kept: accepted by a person, most votes, then name."""

    def rank(n: int) -> tuple[bool, int, str]:
        item = items[n]
        accepted = intakes[item.run].reviews.accepted(item.sample.sample_id)
        return not accepted, -len(item.sample.votes), key_of(item, intakes)

    return sorted(range(len(items)), key=rank)


def exact_repeats(items: Sequence[Item], order: Sequence[int]) -> list[int | None]:
    """Return for each item the kept one that says the same but for case, white space and normal form, or None."""
    first: dict[bytes, int] = {}
    out: list[int | None] = [None] * len(items)
    for n in order:
        sample = items[n].sample
        parts = [f"{m.role}\x1f{same_text(m.content)}" for m in sample.prompt]
        parts += [f"\x1d{same_text(c.text)}" for c in sample.candidates]
        key = hashlib.blake2b("\x1e".join(parts).encode(errors="surrogatepass"), digest_size=16).digest()
        kept = first.setdefault(key, n)
        out[n] = None if kept == n else kept
    return out


def _byte_equal(left: Sample, right: Sample) -> bool:
    texts = [[m.content for m in s.prompt] + [c.text for c in s.candidates] for s in (left, right)]
    return texts[0] == texts[1]


def deduplicate(
    items: Sequence[Item], intakes: Sequence[Intake], funnel: Funnel, threshold: float, seed: int
) -> tuple[Kept, Signed, list[Again]]:
    """Remove exact and near duplicates, over all runs.

    Return what is kept, its MinHash signatures, and the removed samples that hold votes: what people said of a text in
    another round, or another panel, is a measurement of its own, and the text alone is what repeats.
    """
    again = exact_repeats(items, priority(items, intakes))
    why = [
        None
        if k is None
        else "exact repeat"
        if _byte_equal(items[k].sample, item.sample)
        else "repeat but for case or space"
        for item, k in zip(items, again, strict=True)
    ]
    pairs = [
        (key_of(item, intakes), key_of(items[k], intakes))
        for item, k in zip(items, again, strict=True)
        if k is not None
    ]
    first, funnel = drop_items(items, funnel, "distinct", why)
    documents = [document_of(item.sample) for item in first]
    signed = sign(documents, seed)
    near_ones = near_pairs(documents, threshold, signed.whole())
    removed = leaders(near_ones, priority(first, intakes))
    near = [(key_of(first[n], intakes), key_of(first[k], intakes)) for n, k in sorted(removed.items())]
    kept, funnel = drop_items(
        first, funnel, "no near repeat", ["near repeat" if n in removed else None for n in range(len(first))]
    )
    sizes = Counter(Counter(k for _, k in [*pairs, *near]).values())
    report = {
        "tool": "folkmoot dedup",
        "version": 2,
        "parameters": {
            "exact": "Unicode NFC, case folded, white space single; prompt and answers together",
            "near": "MinHash with locality-sensitive hashing, confirmed by exact Jaccard similarity",
            "shingles": f"{NGRAM}-grams of code points, prompts and answers apart",
            "permutations": NUM_PERMUTATIONS,
            "bands_x_rows": [BANDS, ROWS],
            "threshold_answers": threshold,
            "threshold_prompts": PROMPT_THRESHOLD,
            "kept": "accepted by a person before others, then most votes, then the first by name",
        },
        "num_before": len(items),
        "num_exact": len(pairs),
        "num_near": len(near),
        "num_after": len(kept),
        "cluster_sizes": {str(size + 1): num for size, num in sorted(sizes.items())},
        "hits": [{"removed": a, "kept": b, "kind": "exact"} for a, b in sorted(pairs)]
        + [{"removed": a, "kept": b, "kind": "near"} for a, b in sorted(near)],
        "summary": f"Duplicates: {len(pairs)} exact and {len(near)} near repeats removed of {len(items)} samples.",
    }
    there = np.array([n for n in range(len(first)) if n not in removed], dtype=np.int64)
    return Kept(kept, funnel, report), signed.take(there), _voted(items, intakes, [*pairs, *near])


def _voted(items: Sequence[Item], intakes: Sequence[Intake], pairs: Sequence[tuple[str, str]]) -> list[Again]:
    """Return the removed samples with votes. pairs: names of (removed, kept); a kept one may be removed in turn."""
    kept = dict(pairs)

    def last(name: str) -> str:
        while name in kept:
            name = kept[name]
        return name

    voted = [(item, key_of(item, intakes)) for item in items if item.sample.votes]
    return [Again(item, last(name)) for item, name in voted if name in kept]


def near_ties(items: Sequence[Item], signed: Signed, threshold: float) -> list[tuple[int, int]]:
    """Return pairs of items that share a near-duplicate answer to a like prompt: their rows must not be split.

    Two samples may differ as wholes while one of their answers, which is a row of its own, is nearly the same.
    """
    signature, owner = signed.singles()
    documents = [Document(d.prompt, (text,)) for d in map(document_of, (i.sample for i in items)) for text in d.answers]
    pairs = near_pairs(documents, threshold, signature, 2 * LAGS)
    return sorted({(int(owner[i]), int(owner[j])) for i, j in pairs if owner[i] != owner[j]})


def overlaps_of(items: Sequence[Item], matcher: Matcher) -> list[Overlap | None]:
    """Return the longest overlap of each item with an evaluation set, over all of its texts."""
    out: list[Overlap | None] = []
    for start in range(0, len(items), _CHUNK):
        texts: list[str] = []
        owners: list[int] = []
        for n, item in enumerate(items[start : start + _CHUNK]):
            mine = [m.content for m in item.sample.prompt if m.role != "system"]
            mine += [c.text for c in item.sample.candidates]
            texts += mine
            owners += [n] * len(mine)
        found: list[Overlap | None] = [None] * min(_CHUNK, len(items) - start)
        for n, overlap in zip(owners, matcher.overlaps(texts), strict=True):
            before = found[n]
            if overlap is not None and (before is None or overlap.words > before.words):
                found[n] = overlap
        out += found
    return out


def clean_again(again: Sequence[Again], matcher: Matcher) -> tuple[list[Again], dict[str, Any]]:
    """Return the voted repeats that hold no evaluation item, and what the report on repeats says of them."""
    found = overlaps_of([one.item for one in again], matcher)
    kept = [one for one, overlap in zip(again, found, strict=True) if overlap is None]
    num_votes = sum(len(one.item.sample.votes) for one in kept)
    return kept, {
        "num_voted_repeats": len(again),
        "num_voted_repeats_with_evaluation_item": len(again) - len(kept),
        "num_votes_on_repeats_kept": num_votes,
        "summary": f" {num_votes} votes on {len(kept)} of these stay in ballots, each of its own round."
        if kept
        else "",
    }


def decontaminate(
    items: Sequence[Item], intakes: Sequence[Intake], funnel: Funnel, sets: Sequence[EvaluationSet], matcher: Matcher
) -> tuple[Kept, NDArray[np.bool_]]:
    """Remove what overlaps with an evaluation set. Return what is kept, and a mask of it over the given items."""
    found = overlaps_of(items, matcher)
    why = [None if one is None else f"overlaps with {one.set_name}" for one in found]
    kept, funnel = drop_items(items, funnel, "no evaluation item", why)
    hits = [
        {
            "sample": key_of(item, intakes),
            "set": one.set_name,
            "item": one.item,
            "words": one.words,
            "decision": "removed",
        }
        for item, one in zip(items, found, strict=True)
        if one is not None
    ]
    return Kept(kept, funnel, _overlap_report(sets, hits, len(items), len(kept))), np.array(
        [w is None for w in why], dtype=bool
    )


def _overlap_report(
    sets: Sequence[EvaluationSet], hits: Sequence[Mapping[str, Any]], before: int, after: int
) -> dict[str, Any]:
    by_set = Counter(hit["set"] for hit in hits)
    there = [one for one in sets if one.items]
    absent = [one.name for one in sets if not one.items]
    said = f"against {', '.join(one.name for one in there)}" if there else "against no set: none was named or available"
    missing = f" NOT checked, since not available: {', '.join(absent)}." if absent else ""
    return {
        "tool": "folkmoot decontamination",
        "version": 1,
        "parameters": {"words_in_a_row": [SHORT, LONG], "short_items_from": LEAST, "decision": "a hit is removed"},
        "sets": [
            {
                "name": one.name,
                "version": one.version,
                "num_items": len(one.items),
                "available": bool(one.items),
                "why_not": one.why_not,
                "num_hits": by_set[one.name],
                "num_hits_13": sum(h["set"] == one.name and h["words"] >= LONG for h in hits),
            }
            for one in sets
        ],
        "num_before": before,
        "num_after": after,
        "hits": list(hits),
        "summary": f"Evaluation sets: {len(hits)} samples removed, checked {said}.{missing}",
    }
