"""The first stage of a civic lottery: who gets a letter, what chance everybody had of it, and what pool to expect."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agents.errors import UserError
from agents.statistics.intervals import Interval, wilson
from dashboards.tools.invite_files import Addresses, Rate
from dashboards.tools.sortition import check_folder
from societies.assembly.lottery import Fairness, Forecast, fairness, fit_response, forecast, invite, response_chance
from societies.assembly.lottery.certificate import digest
from societies.assembly.lottery.instance import BoolArray
from societies.assembly.lottery.types import FloatArray

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What to send. letters: how many households get one. response: one rate for all, None where there are past rates.

    size: seats of the panel to come, None unknown. num_draws: simulated invitations. seed: finds the forecast;
    draw_seed: casts the lot over households.
    """

    letters: int
    response: float | None = None
    size: int | None = None
    num_draws: int = 400
    seed: int = 0
    draw_seed: int = 0


@dataclass(frozen=True, slots=True)
class StratumRow:
    """Letters of one stratum. chance: that each of its households had."""

    name: str
    num_households: int
    letters: int
    chance: float


@dataclass(frozen=True, slots=True)
class RateRow:
    """Past answers of people with a value, and what the model gives them on this list."""

    feature: str
    value: str
    num_people: int
    invited: int
    past: Interval
    modelled: float


@dataclass(frozen=True, slots=True)
class PoolRow:
    """What the pool will hold of those who count for a quota. expected, low, high: people, 95 % of simulated pools.

    enough: how often at least `least`. chances: from end to end, if the panel meets the quota: the least and most that
    a person of them can have on average.
    """

    name: str
    num_people: int
    least: int
    expected: float
    low: float
    high: float
    enough: Interval
    chances: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Findings:
    """Everything the tool shows or writes. letters: bool (H,); letter, answer, in_pool: (n,) chances of each person."""

    addresses: Addresses
    wishes: Wishes
    letters: BoolArray
    letter: FloatArray
    answer: FloatArray
    in_pool: FloatArray
    strata: tuple[StratumRow, ...]
    rates: tuple[RateRow, ...]
    pool: tuple[PoolRow, ...]
    forecast: Forecast
    fairness: Fairness
    certificate: dict[str, Any]


def find_out(
    addresses: Addresses,
    wishes: Wishes,
    *,
    rates: Sequence[Rate] = (),
    member: BoolArray | None = None,
    shares: FloatArray | None = None,
) -> Findings:
    """Draw the letters and say what to expect. member: bool (n, v), who has which value of the rates.

    Raises UserError for more letters than households, in all or in a stratum, and rates that no model fits.
    """
    num_homes = len(addresses.strata)
    if not 1 <= wishes.letters <= num_homes:
        raise UserError(
            f"{wishes.letters} letters cannot be sent to {num_homes} households.",
            "a household gets one letter at most, and there must be one letter.",
            f"give --letters from 1 to {num_homes}",
        )
    letters, per_home = invite(
        addresses.strata, wishes.letters, shares=shares, seed=wishes.draw_seed, names=addresses.names
    )
    letter = per_home[addresses.homes]
    answer, rows = _answers(addresses, wishes, rates, member)
    counts = addresses.member
    least = np.array([one.least for one in addresses.quotas], dtype=np.int64)
    told = forecast(
        addresses.strata,
        addresses.homes,
        answer,
        wishes.letters,
        member=counts,
        least=least,
        k=wishes.size or 0,
        shares=shares,
        num_draws=wishes.num_draws,
        seed=wishes.seed,
    )
    in_pool = letter * answer
    strata = _strata_rows(addresses, letters, per_home)
    return Findings(
        addresses=addresses,
        wishes=wishes,
        letters=letters,
        letter=letter,
        answer=answer,
        in_pool=in_pool,
        strata=strata,
        rates=rows,
        pool=_pool_rows(addresses, told, in_pool, counts),
        forecast=told,
        fairness=fairness(in_pool),
        certificate=_certificate(addresses, wishes, letters, in_pool, strata, rows),
    )


def _answers(
    addresses: Addresses, wishes: Wishes, rates: Sequence[Rate], member: BoolArray | None
) -> tuple[FloatArray, tuple[RateRow, ...]]:
    """Return everybody's chance of answering, and past rates beside the model's."""
    if member is None:
        return np.full(len(addresses.ids), wishes.response or 0.0), ()
    there: BoolArray = np.asarray(member.any(axis=0), dtype=np.bool_)
    rates, member = [one for n, one in enumerate(rates) if there[n]], member[:, there]
    names = list(dict.fromkeys(one.feature for one in rates))
    feature = np.array([names.index(one.feature) for one in rates], dtype=np.int64)
    # Half an answer is added to both sides, so that no past rate is 0 or 1 (Jeffreys).
    past = np.array([(one.responded + 0.5) / (one.invited + 1) for one in rates])
    answer = response_chance(member.astype(np.float64), fit_response(member, feature, past))
    return answer, tuple(
        RateRow(
            one.feature,
            one.value,
            int(own.sum()),
            one.invited,
            wilson(one.responded, one.invited),
            float(answer[own].mean()),
        )
        for one, own in zip(rates, member.T, strict=True)
    )


def _strata_rows(addresses: Addresses, letters: BoolArray, chance: FloatArray) -> tuple[StratumRow, ...]:
    rows = []
    for number, name in enumerate(addresses.names):
        own = addresses.strata == number
        rows.append(StratumRow(name, int(own.sum()), int(letters[own].sum()), float(chance[own][0])))
    return tuple(rows)


def _pool_rows(addresses: Addresses, told: Forecast, in_pool: FloatArray, counts: BoolArray) -> tuple[PoolRow, ...]:
    rows, num = [], len(told.size)
    for k, quota in enumerate(addresses.quotas):
        own, people = told.counts[:, k], int(counts[:, k].sum())
        low, high = np.quantile(own, [0.025, 0.975])
        enough = wilson(round(told.enough[k] * num), num)
        chances = (quota.least / people, min(1.0, quota.most / people)) if people else (0.0, 0.0)
        expected = float(in_pool[counts[:, k]].sum())
        rows.append(PoolRow(quota.name, people, quota.least, expected, float(low), float(high), enough, chances))
    return tuple(rows)


def _certificate(
    addresses: Addresses,
    wishes: Wishes,
    letters: BoolArray,
    in_pool: FloatArray,
    strata: Sequence[StratumRow],
    rates: Sequence[RateRow],
) -> dict[str, Any]:
    """Return what anybody may check: digests of the list, of the letters and of everybody's chance."""
    body: dict[str, Any] = {
        "kind": "invitation certificate",
        "version": VERSION,
        "draw_seed": wishes.draw_seed,
        "num_people": len(addresses.ids),
        "num_households": len(addresses.strata),
        "letters": wishes.letters,
        "list_digest": digest([list(addresses.ids), addresses.homes.tolist(), addresses.strata.tolist()]),
        "strata": [asdict(one) for one in strata],
        "letters_digest": digest(np.flatnonzero(letters).tolist()),
        "response": wishes.response
        if not rates
        else [{"feature": one.feature, "value": one.value, "modelled": one.modelled} for one in rates],
        "in_pool": asdict(fairness(in_pool)),
        "in_pool_digest": digest([[one, f"{p:.12e}"] for one, p in zip(addresses.ids, in_pool, strict=True)]),
    }
    return body | {"digest": digest(body)}


def plain(found: Findings) -> dict[str, Any]:
    """Return what --json prints."""
    size = found.forecast.size
    return {
        "certificate": found.certificate,
        "pool_size": {"expected": float(found.in_pool.sum()), "low": _low(size), "high": _high(size), "n": len(size)},
        "all_enough": found.forecast.all_enough,
        "pool": [asdict(one) for one in found.pool],
        "rates": [asdict(one) for one in found.rates],
        "left_out": list(found.addresses.left_out),
    }


def _low(values: Any) -> float:
    return float(np.quantile(values, 0.025))


def _high(values: Any) -> float:
    return float(np.quantile(values, 0.975))


def write(found: Findings, folder: Path) -> list[Path]:
    """Write invitation.json, letters.csv (a household a row) and invited.csv (everybody's chances).

    Only ids, strata and chances are written, no address and no feature. Raises UserError for a folder that holds
    something.
    """
    check_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    addresses = found.addresses
    members: dict[int, list[str]] = {}
    for one, home in zip(addresses.ids, addresses.homes.tolist(), strict=True):
        members.setdefault(home, []).append(one)
    letters = (
        (str(number), addresses.names[addresses.strata[home]], " ".join(members[home]))
        for number, home in enumerate(np.flatnonzero(found.letters).tolist(), start=1)
    )
    lettered = found.letters[addresses.homes]
    people = zip(addresses.ids, lettered, found.letter, found.answer, found.in_pool, strict=True)
    files = {
        "invitation.json": json.dumps(found.certificate, indent=1, ensure_ascii=False) + "\n",
        "letters.csv": _csv(("letter", "stratum", "ids"), letters),
        "invited.csv": _csv(
            ("id", "letter", "p_letter", "p_respond", "p_pool"),
            ((one, int(sent), *(repr(float(p)) for p in chances)) for one, sent, *chances in people),
        ),
    }
    for name, text in files.items():
        temporary = folder / f".{name}.tmp"
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(folder / name)
    return [folder / name for name in files]


def _csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue()
