"""Co-evolution of any kind, found in one run: numbers, language-model people, or a policy that follows known people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.assembly_source import guarded
from dashboards.coevolution import Trials, trials_of
from dashboards.coevolution_follow import Follow, follow_of
from dashboards.coevolution_live import Live, live_of
from dashboards.measures import Gate, Measure
from dashboards.sources import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Coevolution:
    """What a run holds of each kind; None where it holds nothing."""

    trials: Trials | None
    live: Live | None
    follow: Follow | None


def coevolution_of(
    reader: Reader, measures: Sequence[Measure], gates: Sequence[Gate], *, seed: int = 0
) -> Coevolution | None:
    """Return all that a run holds; None for a run of another society. What is damaged becomes a problem."""
    trials = guarded(reader, "the results of co-evolution", lambda: trials_of(reader, seed=seed), None)
    live = guarded(reader, "the beliefs of language-model people", lambda: live_of(reader), None)
    follow = guarded(reader, "how the policy follows people", lambda: follow_of(reader, measures, gates), None)
    if trials is None and live is None and follow is None:
        return None
    return Coevolution(trials=trials, live=live, follow=follow)
