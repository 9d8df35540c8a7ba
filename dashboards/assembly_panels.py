"""Would other people have come to the same? What panels drawn for one question differ in, against what citizens do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dashboards.assembly_numbers import Number, number_of
from dashboards.assembly_source import MAIN, FloatArray, Key, Poll


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelLine:
    """One opinion on one question, over the panels that met on it.

    between: share of the variance of citizens that lies between panels; null 0, as if citizens were dealt to panels
    at random. spread: standard deviation of the panels' means. dealt: what it is on average when they are so dealt.
    """

    question: str
    what: str
    num_panels: int
    between: Number
    spread: float
    dealt: float


def panel_lines(polls: Mapping[Key, Poll], questions: Mapping[Key, str], *, seed: int) -> tuple[PanelLine, ...]:
    """Return the lines of every question on which at least two panels met in the arm `full`."""
    by_question: dict[str, list[Poll]] = {}
    for key, poll in polls.items():
        if key.arm == MAIN and poll.before is not None and poll.after is not None:
            by_question.setdefault(questions.get(key, ""), []).append(poll)
    lines = []
    for question, met in by_question.items():
        if len(met) < 2:
            continue
        before = [np.asarray(one.before)[:, 0] for one in met]
        after = [np.asarray(one.after)[:, 0] for one in met]
        for what, values in (("agreement before", before), ("agreement after", after)):
            lines.append(_line(question, what, values, seed))
    return tuple(lines)


def _line(question: str, what: str, values: list[FloatArray], seed: int) -> PanelLine:
    from societies.assembly.metrics import between_groups

    pooled = np.concatenate(values)
    panels = np.repeat(np.arange(len(values)), [one.size for one in values])
    found = between_groups(pooled, [str(panel) for panel in panels])
    rng = np.random.default_rng(seed)
    dealt = [_spread(pooled[rng.permutation(pooled.size)], panels) for _ in range(200)]
    return PanelLine(
        question=question,
        what=what,
        num_panels=len(values),
        between=number_of(found.value, found.null, found.n),
        spread=_spread(pooled, panels),
        dealt=float(np.mean(dealt)),
    )


def _spread(values: FloatArray, panels: np.ndarray) -> float:
    means = [values[panels == panel].mean() for panel in np.unique(panels)]
    return float(np.std(means, ddof=1))
