"""The rules of a scene as pure functions: names, plans, sight, recipients, ends, and theorem 4.5.

Nothing here asks anything or knows a request. Texts come in as they were said; what a rule returns is what happens.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agents.borrowing import long_words
from societies.scenes.records import Step

PUBLIC_PLACES = frozenset({"street", "online"})
"""What is done here openly can be noticed by everybody."""

MAX_TRIES = 5
"""An incident that was refused this often is dropped. Source: MATRIX, upstream code, play step 3."""

BACKUP_ROLES = (
    ("Neighbour", "home"),
    ("City council officer", "office"),
    ("Shop worker", "work"),
    ("Family member", "home"),
    ("Company manager", "office"),
    ("Police officer", "street"),
    ("Passer-by", "street"),
    ("Teacher", "work"),
    ("Factory worker", "work"),
    ("Judge", "office"),
)
"""Grassroots workers, managers, government, civilians and those who are hurt, so that any prefix mixes them."""

_INSTITUTION = re.compile(
    r"\b(police|officer|council|government|ministry|court|judge|mayor|school|hospital|bank|company|agency|authority|"
    r"office|department|university|union|insurance|inspector|official|manager|board|association|institution)",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_WORD = re.compile(r"[a-z0-9']+")


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays: (name, place, origin) in order. origin: "model" or "backup"."""

    members: tuple[tuple[str, str, str], ...]

    @property
    def num_backup(self) -> int:
        """How many come from the built-in list."""
        return sum(origin == "backup" for _, _, origin in self.members)


def is_institution(name: str) -> bool:
    """Return whether a role speaks for an institution, by its name."""
    return bool(_INSTITUTION.search(name))


def complete_cast(found: Sequence[tuple[str, str]], ego: str, num_roles: int) -> Cast:
    """Return exactly `num_roles` roles other than the ego, each name once, at least one institution and one other.

    Names are kept whole ("Doctor", "Mayor"); duplicates, blanks and the ego are left out, and backup roles fill up.

    >>> [name for name, _, _ in complete_cast([("Doctor", "work"), ("doctor", "home")], "Nurse", 2).members]
    ['Doctor', 'City council officer']
    """
    taken = {ego.casefold()}
    members: list[tuple[str, str, str]] = []
    for name, place in found:
        if name.strip() and name.casefold() not in taken and len(members) < num_roles:
            taken.add(name.casefold())
            members.append((name, place, "model"))

    def backup(institution: bool | None) -> tuple[str, str, str]:
        for name, place in BACKUP_ROLES:
            if name.casefold() not in taken and institution in (None, is_institution(name)):
                taken.add(name.casefold())
                return name, place, "backup"
        taken.add(f"citizen {len(taken)}")
        return f"Citizen {len(taken)}", "street", "backup"

    for wanted in (True, False):
        if num_roles >= 2 and not any(is_institution(name) is wanted for name, _, _ in members):
            if len(members) == num_roles:
                taken.discard(members.pop()[0].casefold())
            members.append(backup(wanted))
    while len(members) < num_roles:
        members.append(backup(None))
    return Cast(tuple(members))


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, without list marks.

    >>> sentences("- - 1. Ask 1.5 million people. Wait!")
    ['Ask 1.5 million people.', 'Wait!']
    >>> sentences("1.5 million people agree.")
    ['1.5 million people agree.']
    """
    lines = (re.sub(r"^(?:\s*(?:[-*\u2022]|\d+[.)](?!\d)))+\s*", "", line) for line in text.splitlines())
    return [part.strip() for line in lines for part in _SENTENCE.split(line) if part.strip()]


def plan_from_text(text: str, max_steps: int, place: str = "home") -> tuple[Step, ...]:
    """Return a plan cut from plain sentences: what is used when the model gives no plan."""
    usable = [part for part in sentences(text) if len(_WORD.findall(part.lower())) >= 2]
    return tuple(Step(act=part, place=place) for part in usable[:max_steps])


def tidy(text: str) -> str:
    """Return an answer up to its first repeated sentence, without an unfinished last one (the first always stays).

    Small models loop; a loop is cut where it begins and nothing is put in its place.
    """
    kept: list[str] = []
    for sentence in sentences(text):
        if any(alike(sentence, earlier) >= 0.9 for earlier in kept):
            break
        kept.append(sentence)
    if len(kept) > 1 and kept[-1][-1] not in ".!?\"')":
        kept.pop()
    return " ".join(kept)


def unlooped(text: str) -> str:
    """Return a list of fragments up to the first that was there before.

    >>> unlooped("kind, generous, generous, generous")
    'kind, generous'
    """
    kept: list[str] = []
    for fragment in re.split(r"[,;.]", text):
        words = fragment.strip()
        if words.casefold() in (earlier.casefold() for earlier in kept):
            break
        if words:
            kept.append(words)
    return ", ".join(kept)


def head(text: str, max_words: int) -> str:
    """Return the first words of a text."""
    words = text.split()
    return text.strip() if len(words) <= max_words else " ".join(words[:max_words]) + " ..."


def alike(one: str, other: str) -> float:
    """Return the share of words that two texts have in common, 0 to 1."""
    a, b = set(_WORD.findall(one.lower())), set(_WORD.findall(other.lower()))
    return len(a & b) / len(a | b) if a | b else 1.0


def takes_back(said: str, instruction: str) -> bool:
    """Return whether a refusal goes on to offer what was asked for: an "I can ..." made half of the request's words.

    >>> takes_back("I'm sorry, but I can't help. I can show you how to pick a lock.", "Tell me how to pick a lock.")
    True
    """
    asked = long_words(instruction, 4)
    offers = [sentence for sentence in sentences(said) if sentence.casefold().startswith("i can ")]
    return any(2 * len(long_words(offer, 4) & asked) >= max(1, len(long_words(offer, 4))) for offer in offers)


def names_in(text: str, name: str) -> bool:
    """Return whether a text speaks of somebody or something by its whole name."""
    return re.search(rf"(?<!\w){re.escape(name.lower())}(?!\w)", text.lower()) is not None


def place_in(text: str, places: Sequence[str]) -> str:
    """Return the first of the places that the text names after "to", "into", "at", "on" or "in the"; "" for none."""
    found = re.search(rf"\b(?:to|into|at|in|on)(?: the| a)? ({'|'.join(map(re.escape, places))})\b", text.lower())
    return found.group(1) if found else ""


def could_perceive(*, is_actor: bool, named: bool, place: str, where: str, secret: bool) -> bool:
    """Return whether the facts let somebody perceive an incident. place: of the incident; where: of that somebody.

    A secret act is noticed by nobody but the actor; an open one by those in the same place, by everybody in a public
    place, and by whom it names (a call, a letter).
    """
    if is_actor:
        return True
    return not secret and (named or place == where or place in PUBLIC_PLACES)


def seeded_unit(seed: int, *identity: str) -> float:
    """Return a number in [0, 1) that follows from its arguments alone."""
    digest = hashlib.blake2b("|".join((str(seed), *identity)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def delivered(p: float, *, threshold: float, draw: float | None) -> bool:
    """Return whether an incident is delivered at probability p: by threshold, or by a draw in [0, 1)."""
    return p >= threshold if draw is None else draw < p


def relative(p: float, reference: float) -> float:
    """Return p after a model's own leaning is taken out: the odds of p over the odds of a plainly harmless reference.

    0.5 means "as harmful as the reference". Source: contextual calibration, Zhao and others 2021.
    """
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, _logit(p) - _logit(reference)))))


def end_reason(
    *, plan_left: int, num_accepted_now: int, num_interactions: int, max_interactions: int, tokens_left: bool
) -> str:
    """Return why the play ends after a wave of acts, or "" when it goes on."""
    if not tokens_left:
        return "token budget"
    if num_interactions >= max_interactions:
        return "interactions"
    if not num_accepted_now:
        return "no deliverable incident"
    return "" if plan_left else "plan exhausted"


def policy_of(role: str, policies: Mapping[str, str]) -> str:
    """Return the policy that speaks for "ego", "modulator" or another role.

    >>> policy_of("ego", {"all": "base"}), policy_of("modulator", {"ego": "p1", "others": "base"})
    ('base', 'base')
    """
    if role in policies:
        return policies[role]
    if role != "ego" and "others" in policies:
        return policies["others"]
    return policies.get("all", "base")


def largest_lambda(xi: float) -> float:
    """Return the lambda below which simulation dominates fixed critiques whose best effectiveness is xi, in (0, 1).

    Solves sqrt(xi) = 1 - sqrt(1 - exp(-lambda)). Source: MATRIX, arXiv 2402.05699, theorem 4.5.

    >>> round(largest_lambda(0.25), 3)
    0.288
    """
    return -math.log(1 - (1 - math.sqrt(xi)) ** 2)


def simulation_dominates(xi: float, lam: float) -> bool:
    """Return whether theorem 4.5 grants that simulation beats fixed critiques. xi in [0, 1], lam >= 0."""
    return math.sqrt(xi) < 1 - math.sqrt(1 - math.exp(-lam))


def _logit(p: float) -> float:
    p = min(max(p, 1e-9), 1 - 1e-9)
    return math.log(p / (1 - p))
