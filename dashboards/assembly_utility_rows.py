"""The tables of a utility vote. Records in, rows out."""

from __future__ import annotations

from dashboards.assembly_utility import OptionLine, Utilities
from dashboards.assembly_words import amount, between, null, size
from dashboards.drawing import short, shortened
from dashboards.terminal import Section

MOST = 24
"""Options shown: half of them the best, half the worst."""


def utility_sections(found: tuple[Utilities, ...]) -> list[Section]:
    """Return what the pairs of every stage say."""
    return [section for one in found for section in (quality(one), options(one))]


def quality(one: Utilities) -> Section:
    """Return how decided and how coherent the panel is."""
    splits = ", ".join(f"{num} {name.replace('_', ' ')}" for name, num in one.splits.items() if num)
    rows = [
        ("pairs that are decided", one.decided, "undecided ones that look so"),
        ("decisiveness, 2 |P - 1/2|", one.completeness, "a coin"),
        ("probability of a circle of three", one.cycles, "a coin"),
        ("order gap |P(A|AB) - P(A|BA)|", one.order_gap, "no position bias"),
        ("held-out pairs foretold by the others", one.foretold, "a coin"),
    ]
    lines = [
        (
            f"Simulated: {one.num_voters} citizens (by weight as good as {short(one.effective_voters)}) voted on "
            f"{one.num_pairs} pairs ({splits}), each in both orders."
        )
    ]
    if not one.converged:
        lines.append("The fit stopped before it converged: read the utilities with care.")
    return Section(
        title=f"What the panel prefers, {one.stage}",
        lines=tuple(lines),
        columns=("measure", "value", "95 % interval", "null", "n"),
        rows=tuple(
            (name, short(n.value), between(n) or "-", f"{null(n)} ({what})", size(n)) for name, n, what in rows if n
        ),
        right=(1,),
        notes=("A pair is decided when its share of votes lies 1.96 standard errors over citizens away from 1/2.",),
    )


def options(one: Utilities) -> Section:
    """Return the options by utility; the middle of a long list is left out."""
    left_out = len(one.options) - MOST
    note = f"{left_out} options in the middle are not shown; --json has all. " if left_out > 0 else ""
    return Section(
        title=f"Utilities of {len(one.options)} options",
        columns=("rank", "utility", "pairs", "option"),
        rows=tuple(
            (str(rank), amount(line.utility), str(line.num_pairs), shortened(line.option, 200))
            for rank, line in shown_options(one)
        ),
        right=(0, 2),
        notes=(
            (
                f"{note}Thurstone; mean 0, standard deviation 1; null 0, the mean option. 95 % intervals from "
                f"{one.num_refits} fits to panels drawn again from these citizens."
            ),
        ),
    )


def shown_options(one: Utilities) -> list[tuple[int, OptionLine]]:
    """Return (rank from 1, option) of the best and the worst, all where they are few."""
    ranked = list(enumerate(one.options, start=1))
    return ranked if len(ranked) <= MOST else [*ranked[: MOST // 2], *ranked[-MOST // 2 :]]
