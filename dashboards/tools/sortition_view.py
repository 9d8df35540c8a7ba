"""A lottery for people: the tables of what was found, and a chart of everybody's chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dashboards.terminal import Section
from dashboards.tools.sortition import Findings, figures
from societies.assembly.lottery import SAMPLES, Lottery
from societies.assembly.seating import Seating


def sections(found: Findings) -> list[Section]:
    """Return the tables of the terminal."""
    lottery, fair = found.lottery, found.fairness
    pool = lottery.pool
    size = f"{len(lottery.q)} panels by type, {lottery.types.num} types of people"
    lines = [
        f"{lottery.algorithm} over a pool of {pool.n} for a panel of {pool.k}: {size}, seed {lottery.seed}.",
        *_proof(lottery),
        f"Lottery {found.certificate['lottery_digest'][:16]}, certificate {found.certificate['digest'][:16]}.",
    ]
    if lottery.excluded:
        out = lottery.excluded
        lines.append(f"{len(out)} people sit in no panel that meets the quotas: {_some(out)}.")
    fairs = {lottery.algorithm: fair, **found.compared}
    parts = [
        Section(title="Lottery", lines=tuple(lines)),
        Section(
            title="Chances of selection",
            columns=("method", "smallest", "largest", "Gini", "geometric mean", "meets quotas"),
            rows=tuple(
                (name, *(f"{x:.4f}" for x in figures(one)), f"{found.meets.get(name, 1.0):.1%}")
                for name, one in fairs.items()
            ),
            right=(1, 2, 3, 4, 5),
            notes=(
                f"Equal chances would be {pool.k / pool.n:.4f} each.",
                "meets quotas: how often a panel of the method meets all quotas.",
            ),
        ),
        *_whole(found),
        Section(
            title="Quotas",
            columns=("quota", "min", "max", "pool", "expected", "panel"),
            rows=tuple(
                (row.name, str(row.least), str(row.most), str(row.in_pool), f"{row.expected:.2f}", str(row.on_panel))
                for row in found.quotas
            ),
            right=(1, 2, 3, 4, 5),
        ),
        Section(
            title="Pool against panels",
            columns=("feature", "seats that differ"),
            rows=tuple((name, f"{share:.1%}") for name, share in found.total_variation.items()),
            right=(1,),
            notes=("Half the sum of absolute differences between the pool's shares and the mean panel's.",),
        ),
        *_pairs(found),
        *_population(found),
        Section(title=_panel_title(found), lines=(", ".join(found.panel), *_misses(found))),
    ]
    if found.tickets is not None:
        said = f"{len(found.tickets.panels)} tickets; no chance is off by more than {found.tickets.deviation:.4f}."
        parts.append(Section(title="Tickets", lines=(said,)))
    if found.reserve_facts is not None:
        facts = found.reserve_facts
        said = f"Expected seats off after drop-outs: {facts.loss:.2f}, without alternates {facts.loss_without:.2f}."
        parts.append(Section(title="Alternates", lines=(", ".join(found.reserve), said)))
    if found.seating is not None:
        parts.append(_seating(found, found.seating))
    return parts


def _whole(found: Findings) -> list[Section]:
    """Return chances from end to end, where the invitation is known."""
    if found.whole is None:
        return []
    fair = found.whole
    said = (
        f"Letter, answer and lottery together: {fair.smallest:.6f} to {fair.largest:.6f}, Gini {fair.gini:.3f}, "
        f"geometric mean {fair.geometric_mean:.6f}, n = {found.lottery.pool.n}."
    )
    note = "Given this pool: in another pool the same person would have another chance in the lottery."
    return [Section(title="Chances from end to end", lines=(said,), notes=(note,))]


def _pairs(found: Findings) -> list[Section]:
    rows = tuple(
        (f"{gap.gap:+.1%}", f"{gap.share:.1%}", f"{gap.reference:.1%}", gap.feature, gap.value)
        for gap in found.pairs
        if abs(gap.gap) >= 0.0005
    )
    title = "Two features at once: furthest from the pool"
    columns = ("gap", "panels", "pool", "features", "values")
    return [Section(title=title, columns=columns, rows=rows, right=(0, 1, 2))] if rows else []


def _population(found: Findings) -> list[Section]:
    rows = tuple(
        (r.feature, r.value, *(f"{share:.1%}" for share in (r.population, r.pool, r.expected, r.panel)))
        for r in found.population
    )
    columns = ("feature", "value", "population", "pool", "mean panel", "panel")
    return [Section(title="Against the population", columns=columns, rows=rows, right=(2, 3, 4, 5))] if rows else []


def _misses(found: Findings) -> list[str]:
    """Return what to say of a panel that need not meet the quotas."""
    if found.lottery.algorithm not in SAMPLES:
        return []
    missed = [row.name for row in found.quotas if not row.least <= row.on_panel <= row.most]
    if not missed:
        return ["This panel happens to meet all quotas."]
    return [f"This panel misses {len(missed)} of {len(found.quotas)} quotas: {_some(missed)}."]


def _seating(found: Findings, plan: Seating) -> Section:
    rows = []
    for number, row in enumerate(plan.tables, start=1):
        for table in range(int(plan.tables.max()) + 1):
            who = [one for one, at in zip(found.panel, row.tolist(), strict=True) if at == table]
            rows.append((str(number), str(table + 1), ", ".join(who)))
    pairs = len(found.panel) * (len(found.panel) - 1) // 2
    said = (
        f"{plan.num_pairs_met} of {pairs} pairs meet; {plan.num_repeats} meetings are repeats. "
        f"No table is further than {plan.worst_imbalance:.1f} people from an even share of a value."
    )
    return Section(title="Seating", columns=("round", "table", "people"), rows=tuple(rows), notes=(said,))


def _proof(lottery: Lottery) -> list[str]:
    log = dict(lottery.log)
    if lottery.algorithm == "legacy":
        return [f"Chances are estimated from {log['draws']:,.0f} draws; {log['tries']:,.0f} tries were needed."]
    if "certified_error" in log:
        return [f"Proof: {log['proof']}; proven error of a chance at most {float(log['certified_error']):.1e}."]
    if "proven_gap" in log:
        return [f"Proven: the geometric mean is within a factor of {np.exp(float(log['proven_gap'])):.5f} of the best."]
    if lottery.algorithm in SAMPLES:
        return ["Panels need not meet the quotas: this method looks at no panel as a whole. It is a yardstick."]
    return []


def _panel_title(found: Findings) -> str:
    return f"Panel, drawn with seed {found.draw_seed}" + ("" if found.ticket is None else f", ticket {found.ticket}")


def _some(ids: Sequence[str], num: int = 8) -> str:
    return ", ".join(ids[:num]) + (f" and {len(ids) - num} more" if len(ids) > num else "")


def chart(found: Findings) -> Any:
    """Return every person's chance in ascending order beside equal chances, as an Altair chart."""
    import altair as alt

    pool = found.lottery.pool
    order = np.argsort(found.lottery.pi, kind="stable")
    rows = [
        {"rank": rank, "probability": float(found.lottery.pi[i]), "person": pool.people[i]}
        for rank, i in enumerate(order, start=1)
    ]
    line = (
        alt.Chart(alt.Data(values=rows))
        .mark_line(interpolate="step-after")
        .encode(
            x=alt.X("rank:Q", title="people, from the smallest chance to the largest"),
            y=alt.Y("probability:Q", title="chance of selection", scale=alt.Scale(zero=True)),
            tooltip=["person:N", "probability:Q"],
        )
    )
    even = alt.Chart(alt.Data(values=[{"even": pool.k / pool.n}])).mark_rule(strokeDash=[4, 4]).encode(y="even:Q")
    title = f"{found.lottery.algorithm}: {pool.k} of {pool.n}, Gini {found.fairness.gini:.3f}; dashed: equal chances"
    return (line + even).properties(title=title, width=560, height=280)
