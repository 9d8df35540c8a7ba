"""A lottery from two files, found out and written. Reading: `sortition_files`; tables: `sortition_view`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from agents.errors import UserError
from dashboards.tools.sortition_files import read
from societies.assembly.lottery import (
    METHODS,
    Alternates,
    Fairness,
    Instance,
    Lottery,
    Tickets,
    alternates,
    certificate,
    draw,
    draw_up,
    end_to_end,
    fairness,
    share_gaps,
    tickets,
    total_variation,
)
from societies.assembly.lottery.representation import ShareGap
from societies.assembly.lottery.types import FloatArray
from societies.assembly.seating import Seating, seat_tables

NUM_PAIRS = 8
"""Pairs of features shown of those furthest from the pool."""


@dataclass(frozen=True, slots=True)
class QuotaRow:
    """One quota beside what became of it: people in the pool, expected seats over the lottery, seats on the panel."""

    name: str
    least: int
    most: int
    in_pool: int
    expected: float
    on_panel: int


@dataclass(frozen=True, slots=True)
class PopulationRow:
    """One value's share in the population, the pool, the mean panel and the panel that was drawn."""

    feature: str
    value: str
    population: float
    pool: float
    expected: float
    panel: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Findings:
    """Everything the tool shows or writes. panel, reserve: ids. compared: other methods' fairness on the same pool.

    meets: method -> share of its weight on panels that meet all quotas; only of methods that do not see to it.
    pairs: values of two features whose joint share differs most between the mean panel and the pool.
    seating: people are positions on the panel, in its order. whole: of chances from end to end, letters included.
    """

    lottery: Lottery
    panel: tuple[str, ...]
    draw_seed: int
    quotas: tuple[QuotaRow, ...]
    fairness: Fairness
    compared: dict[str, Fairness]
    total_variation: dict[str, float]
    reserve: tuple[str, ...]
    reserve_facts: Alternates | None
    tickets: Tickets | None
    ticket: int | None
    certificate: dict[str, Any]
    meets: dict[str, float]
    pairs: tuple[ShareGap, ...]
    population: tuple[PopulationRow, ...]
    seating: Seating | None
    whole: Fairness | None
    in_pool: FloatArray | None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What to do with a pool. seed: of the search; draw_seed: of the lot that is cast.

    num_tickets, num_alternates, num_tables: 0 for none. dropout: every panel member's chance of dropping out.
    population: feature -> value -> share, to hold the panels against. in_pool: (n,), chances of coming into the pool.
    """

    algorithm: str = "leximin"
    seed: int = 0
    draw_seed: int = 0
    num_tickets: int = 0
    num_alternates: int = 0
    dropout: float = 0.15
    compare: tuple[str, ...] = ()
    num_tables: int = 0
    num_rounds: int = 1
    population: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    in_pool: FloatArray | None = None


def find_out(pool: Instance, wishes: Wishes) -> Findings:
    """Return the lottery, the panel drawn from it, and everything that is said about them."""
    found = draw_up(pool, wishes.algorithm, seed=wishes.seed)
    printed = tickets(found, wishes.num_tickets, wishes.seed) if wishes.num_tickets else None
    ticket = None
    if printed is None:
        panel = draw(found, wishes.draw_seed)
    else:
        ticket = int(np.random.default_rng(wishes.draw_seed).integers(len(printed.panels)))
        panel = printed.panels[ticket]
    reserve = None
    if wishes.num_alternates:
        dropout = np.full(pool.n, wishes.dropout)
        reserve = alternates(pool, panel, wishes.num_alternates, dropout, seed=wishes.seed)
    others = {name: draw_up(pool, name, seed=wishes.seed) for name in wishes.compare}
    seating = None
    if wishes.num_tables:
        seating = seat_tables(pool.codes[panel], wishes.num_tables, wishes.num_rounds, seed=wishes.seed)
    even = np.ones(pool.n)
    pairs = share_gaps(pool, found.pi, even, pairs=True) if len(pool.features) > 1 else []
    return Findings(
        lottery=found,
        panel=tuple(pool.people[i] for i in panel),
        draw_seed=wishes.draw_seed,
        quotas=_quota_rows(found, panel),
        fairness=fairness(found.pi),
        compared={name: fairness(other.pi) for name, other in others.items()},
        total_variation=total_variation(share_gaps(pool, found.pi, even)),
        reserve=() if reserve is None else tuple(pool.people[i] for i in reserve.people),
        reserve_facts=reserve,
        tickets=printed,
        ticket=ticket,
        certificate=certificate(found, printed, wishes.in_pool),
        meets=_meeting({wishes.algorithm: found, **others}),
        pairs=tuple(sorted(pairs, key=lambda gap: -abs(gap.gap))[:NUM_PAIRS]),
        population=_population_rows(found, panel, wishes.population),
        seating=seating,
        whole=None if wishes.in_pool is None else fairness(end_to_end(wishes.in_pool, found.pi)),
        in_pool=wishes.in_pool,
    )


def _meeting(lotteries: Mapping[str, Lottery]) -> dict[str, float]:
    logs = {name: dict(one.log) for name, one in lotteries.items()}
    return {name: float(log["meets_quotas"]) for name, log in logs.items() if "meets_quotas" in log}


def _population_rows(
    found: Lottery, panel: np.ndarray[Any, np.dtype[np.int64]], shares: Mapping[str, Mapping[str, float]]
) -> tuple[PopulationRow, ...]:
    pool = found.pool
    rows = []
    for feature, values in shares.items():
        column = pool.codes[:, pool.features.index(feature)]
        known = pool.values[pool.features.index(feature)]
        for value, share in values.items():
            has = column == known.index(value) if value in known else np.zeros(pool.n, dtype=np.bool_)
            expected, seated = float(found.pi @ has) / pool.k, float(has[panel].mean())
            rows.append(PopulationRow(feature, value, share, float(has.mean()), expected, seated))
    return tuple(rows)


def _quota_rows(found: Lottery, panel: np.ndarray[Any, np.dtype[np.int64]]) -> tuple[QuotaRow, ...]:
    member = found.pool.member
    expected, seated, there = found.pi @ member, member[panel].sum(axis=0), member.sum(axis=0)
    return tuple(
        QuotaRow(quota.name, quota.least, quota.most, int(n), float(e), int(s))
        for quota, n, e, s in zip(found.pool.quotas, there, expected, seated, strict=True)
    )


def figures(one: Fairness) -> tuple[float, float, float, float]:
    """Return the figures in the order of their names."""
    return one.smallest, one.largest, one.gini, one.geometric_mean


def plain(found: Findings) -> dict[str, Any]:
    """Return what --json prints."""
    facts = found.reserve_facts
    return {
        "certificate": found.certificate,
        "panel": list(found.panel),
        "draw_seed": found.draw_seed,
        "ticket": found.ticket,
        "alternates": list(found.reserve),
        "alternates_loss": None if facts is None else {"with": facts.loss, "without": facts.loss_without},
        "fairness": dict(zip(("smallest", "largest", "gini", "geometric_mean"), figures(found.fairness), strict=True)),
        "compared": {
            name: dict(zip(("smallest", "largest", "gini", "geometric_mean"), figures(one), strict=True))
            for name, one in found.compared.items()
        },
        "quotas": [{slot: getattr(row, slot) for slot in QuotaRow.__slots__} for row in found.quotas],
        "total_variation": found.total_variation,
        "meets_quotas": found.meets,
        "pairs": [
            {"feature": gap.feature, "value": gap.value, "panels": gap.share, "pool": gap.reference}
            for gap in found.pairs
        ],
        "population": [{slot: getattr(row, slot) for slot in PopulationRow.__slots__} for row in found.population],
        "seating": None if found.seating is None else _plain_seating(found, found.seating),
        "end_to_end": None
        if found.in_pool is None
        else dict(zip(found.lottery.pool.people, end_to_end(found.in_pool, found.lottery.pi).tolist(), strict=True)),
        "probabilities": dict(zip(found.lottery.pool.people, found.lottery.pi.tolist(), strict=True)),
    }


def _plain_seating(found: Findings, seating: Seating) -> dict[str, Any]:
    return {
        "tables": [dict(zip(found.panel, row, strict=True)) for row in (seating.tables + 1).tolist()],
        "num_pairs_met": seating.num_pairs_met,
        "num_repeats": seating.num_repeats,
        "worst_imbalance": seating.worst_imbalance,
    }


def write(found: Findings, folder: Path) -> list[Path]:
    """Write lottery.json, probabilities.csv, panel.csv and, if wanted, alternates.csv, tickets.csv and seating.csv.

    People appear by id and by the features that have quotas, nothing else. Raises UserError when the folder holds
    something already: a lottery is never overwritten.
    """
    check_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pool = found.lottery.pool
    place = {person: number for number, person in enumerate(pool.people)}
    head = ("id", *pool.features, "probability", *(() if found.in_pool is None else ("p_pool", "end_to_end")))

    def person(one: str) -> tuple[str, ...]:
        number = place[one]
        codes = (known[code] for known, code in zip(pool.values, pool.codes[number], strict=True))
        pi = float(found.lottery.pi[number])
        p = () if found.in_pool is None else (float(found.in_pool[number]), float(found.in_pool[number]) * pi)
        return (one, *codes, repr(pi), *map(repr, p))

    files = {
        "lottery.json": json.dumps(_record(found), indent=1, ensure_ascii=False) + "\n",
        "probabilities.csv": _csv(head, map(person, pool.people)),
        "panel.csv": _csv(head, map(person, found.panel)),
    }
    if found.reserve:
        files["alternates.csv"] = _csv(head, map(person, found.reserve))
    if found.tickets is not None:
        rows = ((str(n), *(pool.people[i] for i in row)) for n, row in enumerate(found.tickets.panels))
        files["tickets.csv"] = _csv(("ticket", *(f"seat {n}" for n in range(1, pool.k + 1))), rows)
    if found.seating is not None:
        heads = ("id", *(f"round {n}" for n in range(1, len(found.seating.tables) + 1)))
        seats = (found.seating.tables.T + 1).tolist()
        files["seating.csv"] = _csv(heads, ((one, *row) for one, row in zip(found.panel, seats, strict=True)))
    for name, text in files.items():
        temporary = folder / f".{name}.tmp"
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(folder / name)
    return [folder / name for name in files]


def check_folder(folder: Path) -> None:
    """Raise UserError for a folder that holds something; call it before long work."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} is there already.", "a lottery is never overwritten.", "name a new folder")


def _record(found: Findings) -> dict[str, Any]:
    """Return the certificate with the lottery itself beside it: seats by type, weights, and who is of which type."""
    lottery = found.lottery
    return {
        "certificate": found.certificate,
        "draw": {"seed": found.draw_seed, "ticket": found.ticket, "panel": list(found.panel)},
        "types": {person: int(t) for person, t in zip(lottery.pool.people, lottery.types.of, strict=True)},
        "panels": [{"q": float(q), "seats": row.tolist()} for q, row in zip(lottery.q, lottery.panels, strict=True)],
    }


def _csv(head: Sequence[str], rows: Any) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue()


__all__ = ["METHODS", "Findings", "Wishes", "check_folder", "figures", "find_out", "plain", "read", "write"]
