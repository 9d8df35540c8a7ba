"""What may be said of assemblies in a sentence, and how their numbers read. Pure."""

from __future__ import annotations

from dashboards.assembly import Account, Assemblies
from dashboards.assembly_numbers import Number
from dashboards.assembly_source import CONTROL, MAIN
from dashboards.assembly_utility import Utilities
from dashboards.drawing import short, shortened
from dashboards.rows import count, percent, plural

SIMULATED = (
    "Simulated: every citizen here is a prompt to a language model. What they say, vote and agree on is data about "
    "that model; it is not, and may not be shown as, what people think."
)


def amount(one: Number | None) -> str:
    """Return a value with its interval."""
    if one is None or one.value is None:
        return "-"
    return short(one.value) + (f" ({between(one)})" if between(one) else "")


def between(one: Number | None) -> str:
    """Return an interval in words; "" for none. Where all cases are alike there is nothing to resample: said so.

    One without an upper end, as of a ratio to next to nothing, is "0.5 or more".
    """
    if one is None or one.lo is None:
        return ""
    if one.hi is None:
        return f"{short(one.lo)} or more"
    return "no spread" if one.lo == one.hi else f"{short(one.lo)} to {short(one.hi)}"


def null(one: Number | None) -> str:
    """Return what chance or nothing would give."""
    return "-" if one is None or one.null is None else short(one.null)


def size(one: Number | None) -> str:
    """Return n, with the assemblies it comes from where there are several."""
    if one is None:
        return "-"
    return f"{one.n:,}" + (f" in {one.num_assemblies}" if one.num_assemblies > 1 else "")


def headline(found: Assemblies) -> str:
    """Return in one sentence what the run's assemblies came to."""
    main = [one for one in found.outcomes if one.arm == MAIN] or [
        one for one in found.outcomes if one.arm == found.arms[0]
    ]
    clauses, adopted = (sum(getattr(one, name) for one in main) for name in ("num_clauses", "num_adopted"))
    if len(main) == 1:
        one = main[0]
        return (
            f'Simulated assembly of {one.num_citizens}: "{shortened(one.question, 110)}" {one.winner} won by '
            f"{one.rule}; {adopted} of {plural(clauses, 'clause')} adopted, "
            f"{plural(one.num_dissents, 'minority report')}."
        )
    dissents = sum(one.num_dissents for one in main)
    return (
        f"{len(main)} simulated assemblies with {count(sum(one.num_citizens for one in main))} citizens: {adopted} of "
        f"{plural(clauses, 'clause')} adopted, {plural(dissents, 'minority report')}."
    )


def first_lines(found: Assemblies) -> tuple[str, ...]:
    """Return the signs of artificial consensus as sentences: concentration, and variance twice."""
    arm = MAIN if MAIN in found.arms else found.arms[0]
    lines = []
    for line in found.consensus[:3]:
        one = line.by_arm.get(arm)
        if one is None or one.value is None:
            continue
        control = line.by_arm.get(CONTROL) if arm != CONTROL else None
        versus = f"; {short(control.value)} without interaction" if control is not None else ""
        said = f"{line.name}: {amount(one)}, n = {size(one)}; {line.null_name} {null(one)}{versus}."
        lines.append(said[0].upper() + said[1:])
    return tuple(lines)


def utility_headline(found: Utilities) -> str:
    """Return in one sentence what a utility vote came to."""
    best, one = shortened(found.options[0].option, 80) if found.options else "nothing", found.decided
    return (
        f"Simulated panel of {found.num_voters}: {percent(one.value or 0)} of {found.num_pairs} pairs are decided "
        f"({percent(one.lo or 0)} to {percent(one.hi or 0)}; by chance {percent(one.null or 0)}); the highest utility "
        f'has "{best}".'
    )


def told(found: Assemblies) -> str:
    """Return how many assemblies are told in detail."""
    if found.num == len(found.shown):
        which = "The one assembly of this run is" if found.num == 1 else f"All {found.num} assemblies are"
        return f"{which} told in detail."
    return f"{len(found.shown)} of {found.num} assemblies are told in detail, drawn by the run's seed and not picked."


def question_line(account: Account) -> str:
    """Return the question with both of its sides."""
    one = account.outcome
    return f'{one.question} "{account.sides[0]}" against "{account.sides[1]}"'


def replaced_line(account: Account) -> str:
    """Return which steps went on without a usable answer; "" when none did."""
    named = ", ".join(f"{step} {num}" for step, num in account.outcome.degraded.items())
    return f"Went on without a usable answer, after its retries: {named}." if named else ""
