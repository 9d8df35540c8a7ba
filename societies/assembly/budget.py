"""What an assembly will cost before it is played: requests by phase from the shape of the config.

n citizens, R rounds, u speeches each, K candidates, Q critique rounds, W witnesses with q questions, C clauses.
Every Score of listed options counts once, although an engine reads it in both orders.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from societies.assembly.config import AssemblyConfig, led
from societies.assembly.phases.protocols import order
from societies.assembly.phases.replayed import LEAST_OTHERS
from societies.assembly.records import Question
from societies.seam import Estimate

PROMPT_TOKENS = {"score": 2 * 330, "text": 420}
"""Prompt tokens a request, both orders of a score together; measured on the built-in agenda."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How the text of a constitution fares, which only the play decides.

    replaced: clauses for which another text is moved; struck: clauses that somebody moves to strike. seconded: share of
    the motions, those to add included, that find a seconder. reports: minority reports; signatures: asked for each.
    """

    clauses: int
    replaced: int
    struck: int
    seconded: float
    reports: int
    signatures: int


def courses(config: AssemblyConfig) -> tuple[Course, Course, Course]:
    """Return the course with the fewest requests, the one taken for likely, and a bound on the most.

    Fewest: one clause, which nobody opposes. Likely: three clauses at most, half of them moved to be struck, every
    motion seconded, one minority report by a quarter of the citizens. Most: other texts for all, a report on each.
    """
    n, most = config.panel, config.num_clauses
    likely = min(most, 3)
    return (
        Course(clauses=1, replaced=0, struck=0, seconded=0, reports=0, signatures=0),
        Course(clauses=likely, replaced=0, struck=math.ceil(likely / 2), seconded=1, reports=1, signatures=n // 4),
        Course(clauses=most, replaced=most, struck=0, seconded=1, reports=most, signatures=n - 1),
    )


def requests_of(
    config: AssemblyConfig, question: Question, arm: str, course: Course | None = None
) -> Mapping[str, tuple[int, int]]:
    """Return phase -> (texts, scores) when every reply is usable at once. course: the likely one unless given."""
    course = course or courses(config)[1]
    n, k, q = config.panel, config.num_candidates, config.num_critiques
    talks = 0 if arm == "no_interaction" else config.num_rounds
    witnesses, choosing = _witnesses(config, question, arm)
    crossed = witnesses * config.num_questions if config.cross_examination and witnesses > 1 else 0
    opened = witnesses if config.replace_witnesses else 0
    # The guardian calls when a side was heard too little: taken as every second time.
    guarded = bool(config.guardian) and arm not in ("no_evidence", "no_witnesses")
    against = 3 if config.baselines and arm == "full" else 0
    judged = config.num_judges * talks * n * config.num_turns if arm == "full" else 0
    num_tables = math.ceil(n / config.table_size)
    facilitator = led(config, arm)
    bids = n * config.num_turns * min(n, config.table_size) if facilitator == "bids" else 0
    survey = 2 * n + len(question.quiz) * n
    written = min(config.written, n + 2)
    steps = max(1, n * 3 // 4) if config.values else 0
    clauses, added, pairs = course.clauses, config.num_additions, config.num_compared
    moved = course.replaced + course.struck + added
    put, new = round(course.seconded * moved), round(course.seconded * (course.replaced + added))
    return {
        "pre-survey": (0, survey),
        "learn": (
            witnesses * (n + config.num_questions) + opened + crossed + guarded,
            choosing + opened * n + witnesses * n * min(n, config.question_jury),
        ),
        "deliberate": (
            talks * (n * config.num_turns + n + (num_tables * config.num_turns if facilitator != "none" else 0))
            + (max(0, talks - 1) // 2 if guarded else 0),
            talks * (2 * n + n + bids),
        ),
        "written round": (max(0, written - 2), written * n),
        "elicit": (2 * n + steps, 3 * n + n * n // 8) if config.values else (n, 0),
        "draft": (k, 0),
        "vote": (0, n * k),
        "critique and revise": (q * (n + k), q * n * (k + 1)),
        "baselines": (1 if against else 0, against * n),
        "compare clauses": (0, 2 * min(pairs, clauses * (clauses - 1) // 2)),
        "vote on clauses": (0, n * clauses),
        "amend": (
            moved + course.replaced + added,
            moved * (n - 1) + put * n + 2 * min(pairs, new * clauses + new * (new - 1) // 2),
        ),
        "minority reports": (course.reports, course.reports * course.signatures),
        "post-survey": (0, survey),
        "judge the talk": (judged, 0),
        "leave one speaker out": (0, _read_again(config, num_tables) if arm == "full" and talks else 0),
    }


def _read_again(config: AssemblyConfig, num_tables: int) -> int:
    """Return in how many answers table-mates read a round again: each once whole, and twice for each speaker.

    As many speakers as there are, somebody at every table before a second at any, who then reads for the first.
    """
    seats = config.panel / num_tables
    if seats < LEAST_OTHERS + 1:
        return 0
    lean = [0.0] * round(seats)
    speakers = set(order(config.protocol, len(lean), config.num_turns, round_=config.num_rounds, lean=lean))
    dropped = min(config.num_dropped, len(speakers) * num_tables)
    once, again = min(dropped, num_tables), min(max(0, dropped - num_tables), num_tables)
    return round((once + 2 * dropped) * (seats - 1)) + again


def _witnesses(config: AssemblyConfig, question: Question, arm: str) -> tuple[int, int]:
    """Return how many witnesses are heard in an arm, and how many ballots choose them."""
    if arm in ("no_evidence", "no_witnesses") or not config.num_questions:
        return 0, 0
    called, offered = (
        sum(arm != "slanted" or one.stance == "for" for one in witnesses)
        for witnesses in (question.witnesses, (*question.witnesses, *question.reserve))
    )
    if not config.num_witnesses:
        return called, 0
    return min(config.num_witnesses, offered), config.panel if offered > config.num_witnesses else 0


def estimate(config: AssemblyConfig, questions: Sequence[Question], held: Sequence[Question] = ()) -> Estimate:
    """Return the cost of all assemblies with all arms, and of the questions that teach nothing with the arm `full`."""
    played = [(question, arm) for question in questions for arm in config.arms]
    played += [(question, "full") for question in held]
    fewest, (texts, scores), most = (_total(config, played, course) for course in courses(config))
    return Estimate(
        num_scripts=len(played),
        num_requests=texts + scores,
        num_prompt_tokens=texts * PROMPT_TOKENS["text"] + scores * PROMPT_TOKENS["score"],
        num_output_tokens=texts * min(60, config.max_tokens.opinion),
        between=(sum(fewest), sum(most)),
    )


def _total(config: AssemblyConfig, played: Iterable[tuple[Question, str]], course: Course) -> tuple[int, int]:
    """Return the texts and scores of everything that is played."""
    phases = [part for one, arm in played for part in requests_of(config, one, arm, course).values()]
    return sum(text for text, _ in phases), sum(score for _, score in phases)
