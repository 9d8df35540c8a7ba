"""Sortition: from a pool and quotas to a lottery over panels, a panel, alternates and a certificate.

    pool = instance(ids, {"gender": [...], "age": [...]}, quotas, k=22)
    found = draw_up(pool, "leximin")
    panel = draw(found, seed=7)

Eight methods under one name (`METHODS`); none ever turns into another: when a solver fails, it says so. Two of them are
yardsticks (`SAMPLES`): their panels need not meet the quotas.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from agents.errors import UserError, nearest
from societies.assembly.lottery.alternates import Alternates, alternates, rebalance
from societies.assembly.lottery.certificate import certificate, checks
from societies.assembly.lottery.diagnosis import Change, Diagnosis, diagnose, infeasible
from societies.assembly.lottery.diversimax import diversimax
from societies.assembly.lottery.fairness import Fairness, fairness, geometric_mean, gini
from societies.assembly.lottery.goldilocks import goldilocks
from societies.assembly.lottery.instance import Instance, Quota, instance
from societies.assembly.lottery.invitation import Forecast, fit_response, forecast
from societies.assembly.lottery.legacy import legacy
from societies.assembly.lottery.leximin import leximin, maximin
from societies.assembly.lottery.lottery import Lottery, draw, draws, person_panels
from societies.assembly.lottery.nash import nash
from societies.assembly.lottery.panels import NoPanel
from societies.assembly.lottery.recruit import end_to_end, invite, respond, response_chance
from societies.assembly.lottery.representation import attitude_gaps, share_gaps, total_variation
from societies.assembly.lottery.sampling import simple_random, stratified
from societies.assembly.lottery.tickets import Tickets, tickets
from societies.assembly.lottery.types import Types, types_of
from societies.assembly.lottery.weights import hard_weights, soft_weights

METHODS: Final[dict[str, Callable[..., Lottery]]] = {
    "leximin": leximin,
    "maximin": maximin,
    "nash": nash,
    "goldilocks": goldilocks,
    "legacy": legacy,
    "diversimax": diversimax,
    "stratified": stratified,
    "random": simple_random,
}
SAMPLES: Final = frozenset({"stratified", "random"})
"""Methods that look at no panel as a whole; how often their panels meet the quotas is in the log."""


def draw_up(pool: Instance, algorithm: str = "leximin", *, seed: int = 0) -> Lottery:
    """Return the lottery by this method.

    Raises UserError for an unknown method, a failing solver, and quotas that no panel meets: that one names the
    smallest relaxation.
    """
    if algorithm not in METHODS:
        raise UserError(
            f"There is no method {algorithm!r}.", f"methods are {', '.join(METHODS)}.", nearest(algorithm, METHODS)
        )
    try:
        return METHODS[algorithm](pool, seed=seed)
    except NoPanel:
        raise infeasible(pool) from None


__all__ = [
    "METHODS",
    "SAMPLES",
    "Alternates",
    "Change",
    "Diagnosis",
    "Fairness",
    "Forecast",
    "Instance",
    "Lottery",
    "NoPanel",
    "Quota",
    "Tickets",
    "Types",
    "alternates",
    "attitude_gaps",
    "certificate",
    "checks",
    "diagnose",
    "diversimax",
    "draw",
    "draw_up",
    "draws",
    "end_to_end",
    "fairness",
    "fit_response",
    "forecast",
    "geometric_mean",
    "gini",
    "goldilocks",
    "hard_weights",
    "infeasible",
    "instance",
    "invite",
    "legacy",
    "leximin",
    "maximin",
    "nash",
    "person_panels",
    "rebalance",
    "respond",
    "response_chance",
    "share_gaps",
    "simple_random",
    "soft_weights",
    "stratified",
    "tickets",
    "total_variation",
    "types_of",
]
