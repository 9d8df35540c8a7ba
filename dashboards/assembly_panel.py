"""The lottery certificate: how the panel was drawn, what chance everybody had, and whom the seats mirror."""

from __future__ import annotations

from dataclasses import dataclass

from agents.statistics.intervals import wilson
from dashboards.assembly_numbers import Number, number_of
from dashboards.assembly_source import Archive, Key
from dashboards.sources import number, text, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Seats of a value of a feature. share: of the panel, with interval; null: the share of the invited."""

    feature: str
    value: str
    low: int
    high: int
    seats: int
    share: Number

    @property
    def met(self) -> bool:
        """Whether the seats lie within the quota."""
        return self.low <= self.seats <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A lottery. equal_chance: everybody's chance if no quota held, the null of the chances; these are exact."""

    algorithm: str
    num_invited: int
    num_responded: int
    num_panels: int
    num_seats: int
    num_alternates: int
    min_pi: float | None
    max_pi: float | None
    gini: float | None
    geometric_mean: float | None
    equal_chance: float | None
    members: tuple[float, ...]
    log: str
    notes: tuple[str, ...]
    quotas: tuple[Quota, ...]
    gap: float | None
    policies: tuple[tuple[str, int], ...]


def certificate_of(archive: Archive, key: Key) -> Certificate | None:
    """Return how the panel of one arm came about; None where the run does not say."""
    rows = archive.rows(key, "lotteries")
    if not rows:
        return None
    row, citizens = rows[0], archive.rows(key, "citizens", ["citizen", "pi", "alternate", "policy"])
    seats, responded = len(citizens), whole(row.get("num_responded"))
    quotas = tuple(
        Quota(
            feature=text(one.get("feature")),
            value=text(one.get("value")),
            low=whole(one.get("low")),
            high=whole(one.get("high")),
            seats=whole(one.get("seats")),
            share=number_of(wilson(min(whole(one.get("seats")), seats), seats), number(one.get("pool_share")), seats),
        )
        for one in archive.rows(key, "quotas")
    )
    policies: dict[str, int] = {}
    for one in citizens:
        name = text(one.get("policy"))
        policies[name] = policies.get(name, 0) + 1
    return Certificate(
        algorithm=text(row.get("algorithm")),
        num_invited=whole(row.get("num_pool")),
        num_responded=responded,
        num_panels=whole(row.get("num_panels")),
        num_seats=seats,
        num_alternates=sum(bool(one.get("alternate")) for one in citizens),
        min_pi=number(row.get("min_pi")),
        max_pi=number(row.get("max_pi")),
        gini=number(row.get("gini")),
        geometric_mean=number(row.get("geometric_mean")),
        equal_chance=seats / responded if responded else None,
        members=tuple(sorted(float(one.get("pi") or 0) for one in citizens)),
        log=text(row.get("log")),
        notes=tuple(text(one.get("why")) for one in archive.rows(key, "degraded") if one.get("step") == "recruit"),
        quotas=quotas,
        gap=_gap(quotas),
        policies=tuple(sorted(policies.items())),
    )


def _gap(quotas: tuple[Quota, ...]) -> float | None:
    """Return the largest total variation of a feature between panel and invited: seats that would change hands."""
    by_feature: dict[str, float] = {}
    for one in quotas:
        away = abs((one.share.value or 0.0) - (one.share.null or 0.0)) / 2
        by_feature[one.feature] = by_feature.get(one.feature, 0.0) + away
    return max(by_feature.values(), default=None)
