"""What a release is made of, in numbers: languages, lengths, diversity, harms and judges.

Languages are told by script and by frequent short words: enough to see a mixture, not to name a dialect.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.refusals import read_refusal
from selfalign.release.clean import drawn
from selfalign.release.filters import key_of
from selfalign.release.intake import Intake, Item
from selfalign.release.origins import model_of, people_of
from selfalign.release.text import U64, word_grams, word_hashes, words_in, words_only

NUM_TEXTS, NUM_PAIRS = 20_000, 20_000
_CHUNK = 1_000
_SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
)
_FREQUENT = {
    "en": "the and of to is that it you for with not this are what how can",
    "de": "der die das und ist nicht ein eine ich sie mit auf es den wie",
    "fr": "le la les et est des une que pas pour dans vous je qui avec",
    "es": "el los las y es que una por con para como no del su lo",
    "it": "il gli di che non una per sono con come della lo anche ma le",
    "pt": "o os as e que uma por com para como do da em um voce",
    "nl": "de het een en van is niet dat ik met voor op zijn hoe je",
}
_LANGUAGES_OF: dict[str, list[str]] = {}
for _name, _words in _FREQUENT.items():
    for _word in dict.fromkeys(_words.split()):
        _LANGUAGES_OF.setdefault(_word, []).append(_name)
HARMS = {
    "violence": "kill murder stab shoot attack torture assault beat poison kidnap",
    "weapons": "bomb explosive gun rifle grenade weapon ammunition detonator",
    "crime": "steal theft burglary fraud forge launder blackmail extort smuggle counterfeit",
    "cyber": "malware ransomware phishing keylogger exploit backdoor botnet ddos",
    "drugs": "cocaine heroin methamphetamine fentanyl overdose",
    "self-harm": "suicide suicidal selfharm starve",
    "hate": "inferior subhuman vermin exterminate",
    "abuse": "stalk harass groom molest doxx",
}
_HARM_WORDS = {word: name for name, words in HARMS.items() for word in words.split()}


def language_of(text: str) -> str:
    """Return the code of the likely language of a text, or "und" when too little speaks for any.

    >>> language_of("How do I thank a neighbour for the plants?")
    'en'
    """
    text = text[:2000]
    if not text.isascii():
        letters = sum(c.isalpha() for c in text)
        for name, script in _SCRIPTS:
            if letters and len(script.findall(text)) > 0.2 * letters:
                return name
    words = words_only(text).split()
    scores = dict.fromkeys(_FREQUENT, 0)
    for word in words:
        for name in _LANGUAGES_OF.get(word, ()):
            scores[name] += 1
    best = max(scores, key=lambda name: (scores[name], name == "en"))
    return best if scores[best] >= max(1, len(words) // 20) else "und"


def distribution(values: Sequence[float]) -> dict[str, float]:
    """Return n, mean, least, quartiles and largest of numbers; {"n": 0} for none."""
    if not len(values):
        return {"n": 0}
    array = np.asarray(values, dtype=np.float64)
    low, quarter, middle, three, high = np.quantile(array, [0, 0.25, 0.5, 0.75, 1]).tolist()
    mean = round(float(array.mean()), 4)
    return {"n": len(array), "mean": mean, "min": low, "q25": quarter, "median": middle, "q75": three, "max": high}


def shares(values: Sequence[str], most: int = 20) -> dict[str, float]:
    """Return the share of each value, the most frequent first."""
    counts = Counter(values).most_common()
    counts.sort(key=lambda pair: (-pair[1], pair[0]))
    return {name: round(num / len(values), 4) for name, num in counts[:most]}


def distinct(texts: Sequence[str], sizes: Sequence[int]) -> dict[int, float]:
    """Return size -> share of word n-grams of it that are different (distinct-n; Li et al. 2016, arXiv 1510.03055)."""
    grams: dict[int, list[U64]] = {n: [] for n in sizes}
    for start in range(0, len(texts), _CHUNK):  # hashing takes many times the room of what it returns
        hashes, starts = word_hashes([words_only(text) for text in texts[start : start + _CHUNK]])
        for n in sizes:
            grams[n].append(word_grams(hashes, starts, n)[0])
    whole = {n: np.concatenate(parts) if parts else np.empty(0) for n, parts in grams.items()}
    return {n: len(np.unique(all_)) / len(all_) if len(all_) else 0.0 for n, all_ in whole.items()}


def diversity(
    items: Sequence[Item], intakes: Sequence[Intake], signature: NDArray[np.uint32], seed: int
) -> dict[str, Any]:
    """Return the report on languages, lengths, distinct n-grams, self-similarity and who made how much."""
    answers = [candidate.text for item in items for candidate in item.sample.candidates[:1]]
    some = drawn(answers, NUM_TEXTS, seed)
    rng = np.random.default_rng(seed)
    pairs = rng.integers(0, max(1, len(items)), (min(NUM_PAIRS, len(items) ** 2), 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    alike = (signature[pairs[:, 0]] == signature[pairs[:, 1]]).mean(axis=1) if len(pairs) else np.empty(0)
    similarity = distribution(alike.round(4).tolist())
    different = distinct(some, (1, 2, 3))
    return {
        "tool": "folkmoot diversity",
        "version": 1,
        "parameters": {"num_texts": len(some), "num_pairs": len(pairs), "seed": seed, "similarity": "MinHash estimate"},
        "languages": shares(
            [str(i.sample.meta.get("language") or language_of(i.sample.prompt[-1].content)) for i in items]
        ),
        "prompt_characters": distribution([sum(len(m.content) for m in i.sample.prompt) for i in items]),
        "answer_characters": distribution([len(text) for text in answers]),
        "answer_words": distribution([len(text.split()) for text in answers]),
        "distinct": {str(n): round(share, 4) for n, share in different.items()},
        "self_similarity": similarity,
        "share_of_kinds": shares([item.sample.kind for item in items]),
        "share_of_generators": shares([model_of(intakes[item.run].manifest) for item in items]),
        "share_of_policies": shares([p for item in items for p in item.sample.lineage.policies or ("unknown",)]),
        "share_of_runs": shares([intakes[item.run].run_id for item in items]),
        "share_of_sources": shares([item.source for item in items]),
        "share_of_personas": shares([person for item in items for person in people_of(item)] or ["none"]),
        "summary": "Diversity: not measured, since there is no sample."
        if not items
        else f"Diversity: {100 * different[3]:.0f} % of the answers' word triples are different; two random rows "
        f"share {100 * similarity.get('mean', 0.0):.0f} % of their 5-grams on average.",
    }


def harms(items: Sequence[Item], intakes: Sequence[Intake], seed: int) -> dict[str, Any]:
    """Return the report on harmful content: a word list over prompts and answers, judge scores, and refusals."""
    words: dict[str, Counter[str]] = {"prompts": Counter(), "answers": Counter()}
    num_rows: Counter[str] = Counter()
    hits: list[dict[str, Any]] = []
    for item in items:
        sample = item.sample
        texts = {
            "prompts": " ".join(m.content for m in sample.prompt if m.role == "user"),
            "answers": " ".join(candidate.text for candidate in sample.candidates),
        }
        for side, text in texts.items():
            found = {_HARM_WORDS[word] for word in _HARM_WORDS.keys() & words_in(text)}
            words[side].update(found)
            num_rows[side] += bool(found)
            if found:
                hits.append({"sample": key_of(item, intakes), "in": side, "kinds": sorted(found)})
    refusals: dict[str, list[bool]] = {}
    for item in drawn(items, NUM_TEXTS, seed):
        refusals.setdefault(item.sample.kind, []).append(read_refusal(item.sample.candidates[0].text).refused)
    judged = [
        float(i.sample.meta["harmful_p"]) for i in items if isinstance(i.sample.meta.get("harmful_p"), (int, float))
    ]
    n = len(items)
    return {
        "tool": "folkmoot toxicity",
        "version": 2,
        "parameters": {"word_list": HARMS, "classifier": "none", "num_read_for_refusals": min(len(items), NUM_TEXTS)},
        "num_rows": n,
        "hits": sorted(hits, key=lambda one: (one["sample"], one["in"])),
        "decision": "a hit is told, not removed: a word is no harm",
        "rows_with_words": {side: num_rows[side] for side in words},
        "words_by_kind": {side: dict(sorted(found.items())) for side, found in words.items()},
        "judge_harmful_p": distribution(judged),
        "refusals_by_kind": {kind: {"n": len(r), "num": sum(r)} for kind, r in sorted(refusals.items())},
        "summary": "Harms: not measured, since there is no sample; transcripts were not read for harm."
        if not items
        else f"Harms: words of the harm list stand in {num_rows['prompts']} of {n} prompts and in the answers of "
        f"{num_rows['answers']} rows; a word is no harm, and harm needs no such word.",
    }
