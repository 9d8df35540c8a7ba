"""A lottery from two files: the pool and the quotas, in the format that assemblies hand around. Read, find out, write.

Pool: one person a row, an id column, one column a feature; other columns are never copied into any output.
Quotas: one value a row: `feature` (or `category`), `value` (or `name`), `min`, `max`; if wanted `min_flex`, `max_flex`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agents.errors import UserError, did_you_mean
from dashboards.terminal import Section
from societies.assembly.lottery import (
    METHODS,
    Alternates,
    Fairness,
    Instance,
    Lottery,
    Quota,
    Tickets,
    alternates,
    certificate,
    draw,
    draw_up,
    fairness,
    instance,
    share_gaps,
    tickets,
    total_variation,
)
from societies.assembly.lottery.instance import AND

ID_COLUMNS = ("id", "person_id", "nationbuilder_id", "ID", "unique_id")
HEADS = {"feature": ("feature", "category"), "value": ("value", "name"), "min": ("min",), "max": ("max",)}


@dataclass(frozen=True, slots=True)
class QuotaRow:
    """One quota beside what became of it: people in the pool, expected seats over the lottery, seats on the panel."""

    name: str
    least: int
    most: int
    in_pool: int
    expected: float
    on_panel: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Findings:
    """Everything the tool shows or writes. panel, reserve: ids. compared: other methods' fairness on the same pool."""

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


@dataclass(frozen=True, slots=True)
class Wishes:
    """What to do with a pool. seed: of the search; draw_seed: of the lot that is cast.

    num_tickets, num_alternates: 0 for none. dropout: every panel member's chance of dropping out.
    """

    algorithm: str = "leximin"
    seed: int = 0
    draw_seed: int = 0
    num_tickets: int = 0
    num_alternates: int = 0
    dropout: float = 0.15
    compare: tuple[str, ...] = ()


def read(pool: Path, quotas: Path, k: int, *, id_column: str | None = None, household: Sequence[str] = ()) -> Instance:
    """Return the checked instance of two CSV files.

    id_column: None takes the first of the customary names that is there, and row numbers when none is.
    household: columns whose values together name a household; people with all of them empty are alone.
    Raises UserError for files that cannot be read, columns that are missing, and everything `instance` refuses.
    """
    rows = _rows(pool)
    lines = read_quotas(quotas)
    names = list(dict.fromkeys(name for quota in lines for name in quota.feature.split(AND)))
    for name in (*names, *household, *([id_column] if id_column else [])):
        if name not in rows[0]:
            raise UserError(
                f"{pool} has no column {name!r}.",
                did_you_mean(name, rows[0]),
                f"rename the column, or the feature in {quotas}",
            )
    chosen = id_column or next((name for name in ID_COLUMNS if name in rows[0]), None)
    ids = [row[chosen].strip() for row in rows] if chosen else [f"row {n}" for n in range(1, len(rows) + 1)]
    empty = [number for number, one in enumerate(ids, start=2) if not one]
    if empty:
        raise UserError(f"{pool}, line {empty[0]}: the id is missing.", "", f"fill the column {chosen!r}")
    homes = [AND.join(row[name].strip() for name in household) for row in rows] if household else None
    if homes is not None:
        homes = [home if home.replace(AND, "") else f"alone {number}" for number, home in enumerate(homes)]
    return instance(ids, {name: [row[name].strip() for row in rows] for name in names}, lines, k, homes)


def read_quotas(path: Path) -> list[Quota]:
    """Return the quotas of a file; raise UserError with the line that is wrong."""
    rows = _rows(path)
    columns = _columns(path, list(rows[0]))
    return [
        Quota(
            feature=row[columns["feature"]].strip(),
            value=row[columns["value"]].strip(),
            least=_whole(path, line, row, "min"),
            most=_whole(path, line, row, "max"),
            flex_least=_whole(path, line, row, "min_flex") if row.get("min_flex", "").strip() else None,
            flex_most=_whole(path, line, row, "max_flex") if row.get("max_flex", "").strip() else None,
        )
        for line, row in enumerate(rows, start=2)
    ]


def _columns(path: Path, there: list[str]) -> dict[str, str]:
    """Return which column holds what; an older form calls them category and feature."""
    heads = HEADS | ({"feature": ("category",), "value": ("value", "name", "feature")} if "category" in there else {})
    found = {}
    for head, names in heads.items():
        name = next((name for name in names if name in there), None)
        if name is None:
            raise UserError(
                f"{path} has no column {head!r}.",
                f"its columns are {', '.join(there)}.",
                "give the columns feature, value, min and max",
            )
        found[head] = name
    return found


def _whole(path: Path, line: int, row: dict[str, str], column: str) -> int:
    try:
        return int(row[column])
    except ValueError:
        raise UserError(
            f"{path}, line {line}: {column} is {row[column]!r}.", "it must be a whole number.", "correct this line"
        ) from None


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read.", f"{error}.", "give a CSV file in UTF-8") from None
    table = [row for row in csv.reader(io.StringIO(text)) if any(cell.strip() for cell in row)]
    if len(table) < 2:
        raise UserError(f"{path} has no rows below its header.", "", "give a CSV file with a header and rows")
    head = [name.strip() for name in table[0]]
    if len(set(head)) != len(head):
        raise UserError(f"{path} has two columns of the same name.", "", "rename one of them")
    for line, row in enumerate(table[1:], start=2):
        if len(row) != len(head):
            raise UserError(
                f"{path}, line {line} has {len(row)} cells, the header has {len(head)}.", "", "correct this line"
            )
    return [dict(zip(head, row, strict=True)) for row in table[1:]]


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
    others = {name: fairness(draw_up(pool, name, seed=wishes.seed).pi) for name in wishes.compare}
    return Findings(
        lottery=found,
        panel=tuple(pool.people[i] for i in panel),
        draw_seed=wishes.draw_seed,
        quotas=_quota_rows(found, panel),
        fairness=fairness(found.pi),
        compared=others,
        total_variation=total_variation(share_gaps(pool, found.pi, np.ones(pool.n))),
        reserve=() if reserve is None else tuple(pool.people[i] for i in reserve.people),
        reserve_facts=reserve,
        tickets=printed,
        ticket=ticket,
        certificate=certificate(found, printed),
    )


def _quota_rows(found: Lottery, panel: np.ndarray[Any, np.dtype[np.int64]]) -> tuple[QuotaRow, ...]:
    member = found.pool.member
    expected, seated, there = found.pi @ member, member[panel].sum(axis=0), member.sum(axis=0)
    return tuple(
        QuotaRow(quota.name, quota.least, quota.most, int(n), float(e), int(s))
        for quota, n, e, s in zip(found.pool.quotas, there, expected, seated, strict=True)
    )


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
            columns=("method", "smallest", "largest", "Gini", "geometric mean"),
            rows=tuple((name, *(f"{x:.4f}" for x in _figures(one))) for name, one in fairs.items()),
            right=(1, 2, 3, 4),
            notes=(f"Equal chances would be {pool.k / pool.n:.4f} each.",),
        ),
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
        Section(title=_panel_title(found), lines=(", ".join(found.panel),)),
    ]
    if found.tickets is not None:
        said = f"{len(found.tickets.panels)} tickets; no chance is off by more than {found.tickets.deviation:.4f}."
        parts.append(Section(title="Tickets", lines=(said,)))
    if found.reserve_facts is not None:
        facts = found.reserve_facts
        said = f"Expected seats off after drop-outs: {facts.loss:.2f}, without alternates {facts.loss_without:.2f}."
        parts.append(Section(title="Alternates", lines=(", ".join(found.reserve), said)))
    return parts


def _proof(lottery: Lottery) -> list[str]:
    log = dict(lottery.log)
    if lottery.algorithm == "legacy":
        return [f"Chances are estimated from {log['draws']:,.0f} draws; {log['tries']:,.0f} tries were needed."]
    if "certified_error" in log:
        return [f"Proof: {log['proof']}; proven error of a chance at most {float(log['certified_error']):.1e}."]
    if "proven_gap" in log:
        return [f"Proven: the geometric mean is within a factor of {np.exp(float(log['proven_gap'])):.5f} of the best."]
    return []


def _panel_title(found: Findings) -> str:
    return f"Panel, drawn with seed {found.draw_seed}" + ("" if found.ticket is None else f", ticket {found.ticket}")


def _figures(one: Fairness) -> tuple[float, float, float, float]:
    return one.smallest, one.largest, one.gini, one.geometric_mean


def _some(ids: Sequence[str], num: int = 8) -> str:
    return ", ".join(ids[:num]) + (f" and {len(ids) - num} more" if len(ids) > num else "")


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
        "fairness": dict(zip(("smallest", "largest", "gini", "geometric_mean"), _figures(found.fairness), strict=True)),
        "compared": {
            name: dict(zip(("smallest", "largest", "gini", "geometric_mean"), _figures(one), strict=True))
            for name, one in found.compared.items()
        },
        "quotas": [{slot: getattr(row, slot) for slot in QuotaRow.__slots__} for row in found.quotas],
        "total_variation": found.total_variation,
        "probabilities": dict(zip(found.lottery.pool.people, found.lottery.pi.tolist(), strict=True)),
    }


def write(found: Findings, folder: Path) -> list[Path]:
    """Write lottery.json, probabilities.csv, panel.csv and, if there are any, alternates.csv and tickets.csv.

    People appear by id and by the features that have quotas, nothing else. Raises UserError when the folder holds
    something already: a lottery is never overwritten.
    """
    check_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pool = found.lottery.pool
    place = {person: number for number, person in enumerate(pool.people)}
    head = ("id", *pool.features, "probability")

    def person(one: str) -> tuple[str, ...]:
        number = place[one]
        codes = (known[code] for known, code in zip(pool.values, pool.codes[number], strict=True))
        return (one, *codes, repr(float(found.lottery.pi[number])))

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


__all__ = ["METHODS", "Findings", "Wishes", "chart", "check_folder", "find_out", "plain", "read", "sections", "write"]
