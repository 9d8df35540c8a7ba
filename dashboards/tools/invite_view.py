"""An invitation for people: the tables of what is sent and what to expect, and a chart of the pool to come."""

from __future__ import annotations

from typing import Any

import numpy as np

from dashboards.terminal import Section
from dashboards.tools.invite import Findings

MOST_STRATA = 40


def sections(found: Findings) -> list[Section]:
    """Return the tables of the terminal."""
    return [_letters(found), _response(found), _pool(found), _chances(found)]


def _letters(found: Findings) -> Section:
    addresses = found.addresses
    return Section(
        title="Letters",
        lines=(
            (
                f"{found.wishes.letters:,} letters to {len(addresses.strata):,} households with {len(addresses.ids):,} "
                f"people, drawn with seed {found.wishes.draw_seed}."
            ),
            f"Certificate {found.certificate['digest'][:16]}.",
        ),
        columns=("stratum", "households", "letters", "chance of a letter"),
        rows=tuple(
            (one.name, f"{one.num_households:,}", f"{one.letters:,}", f"{one.chance:.4f}")
            for one in found.strata[:MOST_STRATA]
        ),
        right=(1, 2, 3),
        notes=(f"The first {MOST_STRATA} of {len(found.strata)} strata.",) if len(found.strata) > MOST_STRATA else (),
    )


def _response(found: Findings) -> Section:
    if not found.rates:
        return Section(
            title="Who answers",
            lines=(
                (
                    f"Everybody answers with a chance of {found.wishes.response:.3f}: an assumption. Past "
                    "response rates by feature (--rates) would tell who answers less."
                ),
            ),
        )
    return Section(
        title="Who answers",
        columns=("feature", "value", "people", "answered before", "n", "model"),
        rows=tuple(
            (
                one.feature,
                one.value,
                f"{one.num_people:,}",
                f"{one.past.point:.3f} ({one.past.lo:.3f} to {one.past.hi:.3f})",
                f"{one.invited:,}",
                f"{one.modelled:.3f}",
            )
            for one in found.rates
        ),
        right=(2, 3, 4, 5),
        notes=(
            (
                "Logistic in these features, fitted so that each value's people on this list answer at their past "
                "rate; where features disagree on the overall rate, it is their mean. It knows no more than the past."
            ),
        ),
    )


def _pool(found: Findings) -> Section:
    size, num = found.forecast.size, len(found.forecast.size)
    low, high = np.quantile(size, [0.025, 0.975])
    lines = [
        (
            f"{found.in_pool.sum():.1f} people to expect in the pool, {low:.0f} to {high:.0f} in 95 % of {num} "
            "simulated invitations."
        )
    ]
    if found.pool:
        seats = "" if found.wishes.size is None else f" and at least {found.wishes.size} people"
        lines.append(f"The pool holds enough for every quota{seats} in {found.forecast.all_enough:.1%} of them.")
    if found.addresses.left_out:
        lines.append(f"Not on the list, so nothing is said of: {', '.join(found.addresses.left_out)}.")
    return Section(
        title="The pool to expect",
        lines=tuple(lines),
        columns=("quota", "on the list", "in the pool", "95 %", "needed", "enough", "n"),
        rows=tuple(
            (
                one.name,
                f"{one.num_people:,}",
                f"{one.expected:.1f}",
                f"{one.low:.0f} to {one.high:.0f}",
                str(one.least),
                f"{one.enough.point:.1%} ({one.enough.lo:.1%} to {one.enough.hi:.1%})",
                str(num),
            )
            for one in found.pool
        ),
        right=(1, 2, 4, 6),
    )


def _chances(found: Findings) -> Section:
    fair = found.fairness
    return Section(
        title="Chances",
        lines=(
            (
                f"Of coming into the pool: {fair.smallest:.5f} to {fair.largest:.5f}, Gini {fair.gini:.3f}, "
                f"geometric mean {fair.geometric_mean:.5f}."
            ),
        ),
        columns=("quota", "from end to end, at least", "at most"),
        rows=tuple((one.name, f"{one.chances[0]:.6f}", f"{one.chances[1]:.6f}") for one in found.pool),
        right=(1, 2),
        notes=(
            (
                "From end to end: the mean chance of a seat that the people of a quota have if every panel meets it. "
                "folkmoot sortition --invited invited.csv tells each person's, once the pool is known."
            ),
        )
        if found.pool
        else (),
    )


def chart(found: Findings) -> Any:
    """Return the pool to expect beside what the quotas need, as an Altair chart."""
    import altair as alt

    rows = [
        {"quota": one.name, "expected": one.expected, "low": one.low, "high": one.high, "needed": one.least}
        for one in found.pool
    ]
    size = found.forecast.size
    low, high = (float(q) for q in np.quantile(size, [0.025, 0.975]))
    whole = {"quota": "everybody", "expected": float(found.in_pool.sum()), "low": low, "high": high}
    rows.append(whole | {"needed": found.wishes.size or 0})
    base = alt.Chart(alt.Data(values=rows)).encode(y=alt.Y("quota:N", title=None, sort=None))
    title = "people in the pool, with 95 % of simulated invitations; tick: needed"
    spread = base.mark_rule(strokeWidth=3, color="#7a8aa0").encode(x=alt.X("low:Q", title=title), x2="high:Q")
    dots = base.mark_circle(size=70).encode(x="expected:Q", tooltip=["quota:N", "expected:Q", "needed:Q"])
    needed = base.mark_tick(color="#b5482a", thickness=3, size=16).encode(x="needed:Q")
    heading = f"{found.wishes.letters:,} letters: the pool to expect"
    return (spread + dots + needed).properties(title=heading, width=560, height=max(80, 22 * len(rows)))
