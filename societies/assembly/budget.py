"""What an assembly will cost before it is played: requests by phase from the shape of the config.

n citizens, R rounds, u speeches each, K candidates, Q critique rounds, W witnesses with q questions, C clauses.
Every Score of listed options counts once, although an engine reads it in both orders.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from societies.assembly.config import AssemblyConfig, led
from societies.assembly.records import Question
from societies.seam import Estimate

PROMPT_TOKENS = {"score": 2 * 330, "text": 420}
"""Prompt tokens a request, both orders of a score together; measured on the built-in agenda."""


def requests_of(config: AssemblyConfig, question: Question, arm: str) -> Mapping[str, tuple[int, int]]:
    """Return phase -> (texts, scores) when every reply is usable at once.

    Taken for likely: three clauses at most; half of them moved to be struck, and every motion seconded; one minority
    report by a quarter of the citizens. The most that there can be is twice the motions and a report a clause.
    """
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
    clauses, added = min(config.num_clauses, 3), config.num_additions
    moved, pairs = math.ceil(clauses / 2) + added, config.num_compared
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
        "amend": (moved + added, moved * (2 * n - 1) + 2 * min(pairs, added * clauses)),
        "minority reports": (1, n // 4),
        "post-survey": (0, survey),
        "judge the talk": (judged, 0),
    }


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
    texts = scores = 0
    played = [(question, arm) for question in questions for arm in config.arms]
    played += [(question, "full") for question in held]
    for question, arm in played:
        parts = requests_of(config, question, arm).values()
        texts += sum(text for text, _ in parts)
        scores += sum(score for _, score in parts)
    return Estimate(
        num_scripts=len(played),
        num_requests=texts + scores,
        num_prompt_tokens=texts * PROMPT_TOKENS["text"] + scores * PROMPT_TOKENS["score"],
        num_output_tokens=texts * min(60, config.max_tokens.opinion),
    )
