"""The tables of counterfactuals: what each arm changes, and what strategic voters could do. Records in, rows out."""

from __future__ import annotations

from dashboards.assembly import Assemblies
from dashboards.assembly_counterfactual import Difference, Manipulation
from dashboards.assembly_numbers import Number
from dashboards.assembly_words import amount, between, null, size
from dashboards.drawing import short
from dashboards.rows import spaced
from dashboards.terminal import Section

MOST_VOTES = 24
ARMS_NOTE = (
    "Paired by citizen: the same people sit in every arm. Intervals tell what other citizens would change, not what "
    "other talks or drafts would: arms also differ by the chance of sampling."
)
STRATEGIC_NOTE = (
    "Counted from sincere ballots, asking nobody. Each draw lets other citizens vote strategically; the interval is "
    "that of the draws. Null: as many ballots in a random order. Gains: sincere agreement, 0 to 1, with the winner "
    "then less that with the sincere winner, mean over all draws, also those that change nothing; interval over n "
    "citizens drawn again, everything counted anew. Null 0: truthful ballots elect the same again. Shuffled: the gain "
    "of as many citizens whose ballots are put in a random order."
)


def arms_against_full(found: Assemblies) -> Section:
    """Return the paired differences of every arm from the assembly itself."""
    return Section(
        title="What each arm changes",
        columns=("arm", "sign", "arm - full", "95 % interval", "null", "n"),
        rows=tuple(_difference(one) for one in found.differences),
        right=(2,),
        notes=(ARMS_NOTE,) if found.differences else (),
    )


def _difference(one: Difference) -> tuple[str, ...]:
    sign = "+" if not one.ratio and one.found.value is not None and one.found.value > 0 else ""
    return (
        spaced(one.arm),
        one.sign.replace("the control's", "full's") + (" (arm / full)" if one.ratio else ""),
        f"{sign}{short(one.found.value)}",
        between(one.found) or "-",
        "1 (the arms alike)" if one.ratio else "0 (the arms alike)",
        f"{size(one.found)}, paired",
    )


def strategic_voters(found: Assemblies) -> Section:
    """Return how often strategic voters change who wins, and for whose benefit."""
    shown = found.manipulations[:MOST_VOTES]
    if not shown:
        return Section(title="Strategic voters")
    notes = [STRATEGIC_NOTE]
    if len(found.manipulations) > len(shown):
        notes.append(f"{len(shown)} of {len(found.manipulations)} votes, in the order of playing; --json has all.")
    return Section(
        title="Strategic voters",
        columns=(
            "assembly", "arm", "vote", "sincere winner", "wins in this arm", "strategic", "with something to gain",
            "winner changes", "null", "mostly to", "gain of the strategic", "shuffled", "gain of the others", "n",
        ),
        rows=tuple(_vote(one) for one in shown),
        right=(5, 6, 10, 11, 12, 13),
        lines=_summary(found.manipulations),
        notes=tuple(notes),
    )  # fmt: skip


def _summary(all_: tuple[Manipulation, ...]) -> tuple[str, ...]:
    own = [one for one in all_ if one.arm == "strategic"]
    lines = []
    if own:
        changed = sum(one.counted != one.sincere for one in own)
        lines.append(
            f"In the arm strategic {changed} of {len(own)} votes had another winner than sincere ballots give."
        )
    return tuple(lines)


def _vote(one: Manipulation) -> tuple[str, ...]:
    return (
        one.assembly if one.stage.startswith("r1.") else f"{one.stage}/{one.assembly}",
        spaced(one.arm),
        f"{one.vote}, {one.rule}",
        one.sincere,
        one.counted,
        f"{one.num_strategic} ({one.tactic})",
        str(one.num_able),
        amount(one.changes),
        f"{null(one.changes)} (shuffled)",
        one.favours or "-",
        _gain(one.gain),
        _signed(one.gain_shuffled),
        _gain(one.gain_others),
        size(one.gain) if one.gain.n else "-",
    )


def _gain(one: Number) -> str:
    """Return a gain with its interval, where the run has one."""
    band = between(one)
    return _signed(one.value) + (f" ({band})" if band else "")


def _signed(value: float | None) -> str:
    return f"+{short(value)}" if value is not None and value > 0 else short(value)
