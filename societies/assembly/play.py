"""The play of an assembly: one script from the lottery to the published text, told phase by phase.

A phase is a script over a clerk and a hall. The journal checkpoints every request, so a run goes on inside any phase
after a kill; and since an assembly is one script, no phase of one assembly waits for another assembly.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from agents.requests import Script
from societies.assembly.clerk import Clerk
from societies.assembly.hall import Hall
from societies.assembly.phases.baselines import stand_beside
from societies.assembly.phases.caucus import critique, draft, vote
from societies.assembly.phases.clause_vote import vote_on_clauses
from societies.assembly.phases.compare import examine
from societies.assembly.phases.constitution import amend
from societies.assembly.phases.learn import learn
from societies.assembly.phases.minority import dissent
from societies.assembly.phases.quality import judge_talk
from societies.assembly.phases.recruit import Panel, recruit
from societies.assembly.phases.replayed import leave_out
from societies.assembly.phases.survey import post_survey, pre_survey
from societies.assembly.phases.tables import deliberate
from societies.assembly.phases.values import elicit
from societies.assembly.phases.written import write_round
from societies.assembly.samples import assembly_samples

Phase = Callable[[Clerk, Hall], Script[None]]

PHASES: tuple[tuple[str, Phase], ...] = (
    ("pre-survey", pre_survey),
    ("learn", learn),
    ("deliberate", deliberate),
    ("written round", write_round),
    ("elicit", elicit),
    ("draft", draft),
    ("vote", vote),
    ("critique and revise", critique),
    ("baselines", stand_beside),
    ("compare clauses", examine),
    ("vote on clauses", vote_on_clauses),
    ("amend", amend),
    ("minority reports", dissent),
    ("post-survey", post_survey),
    ("judge the talk", judge_talk),
    ("leave one speaker out", leave_out),
)
"""After the recruiting, in this order. Phases that the config or the arm leaves out write a row with no request."""


def assembly(clerk: Clerk, panel: Panel) -> Script[Hall]:
    """Play one arm of one assembly and return its hall. Everything it did stands in events and samples."""
    hall = Hall()
    yield from _step(clerk, hall, "recruit", 0, recruit(clerk, hall, panel))
    for ordinal, (name, phase) in enumerate(PHASES, start=1):
        yield from _step(clerk, hall, name, ordinal, phase(clerk, hall))
    yield _summary(clerk, hall)
    yield from assembly_samples(clerk, hall)
    return hall


def _step(clerk: Clerk, hall: Hall, name: str, ordinal: int, phase: Script[None]) -> Script[None]:
    earlier = clerk.num_requests
    yield from phase
    yield clerk.event("phases", phase=name, ordinal=ordinal, num_requests=clerk.num_requests - earlier)


def _summary(clerk: Clerk, hall: Hall) -> object:
    """Return the row of the assembly, with the three signs of artificial consensus in it."""
    last = hall.tallies[-1]
    firsts = np.bincount(last.levels.argmax(axis=1), minlength=len(last.statements)) / len(hall.citizens)
    assert hall.before is not None and hall.after is not None
    question = clerk.question
    return clerk.event(
        "assemblies",
        question=question.text,
        question_id=question.question_id,
        affirming=question.affirming,
        negating=question.negating,
        topic=question.topic,
        protocol=clerk.config.protocol,
        winner=hall.winner.statement_id,
        winner_text=hall.winner.text,
        rule=clerk.config.rule,
        num_citizens=len(hall.citizens),
        num_clauses=hall.num_clauses,
        num_adopted=len(hall.adopted),
        variance_before=float(hall.before[:, 0].var()),
        variance_after=float(hall.after[:, 0].var()),
        first_choice_share=float(firsts.max()),
        first_choice_hhi=float((firsts**2).sum()),
        num_requests=clerk.num_requests,
    )
