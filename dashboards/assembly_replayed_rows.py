"""The tables of speakers who were left out, in one assembly and over several. Records in, rows out."""

from __future__ import annotations

from dashboards.assembly import Account, Assemblies
from dashboards.assembly_numbers import Number
from dashboards.assembly_replayed import Left
from dashboards.assembly_words import amount, between, null, size
from dashboards.drawing import short
from dashboards.terminal import Section

READING_NOTE = (
    "Asked in private when all was over; agreement with the first side, 0 to 1. Effect: mean change without the "
    "speaker's speeches, without sign; order: the same by reading all of them in another order. Pull: way towards the "
    "speaker's opinion before the round; towards others: the same with their table-mates' opinions. It is reading that "
    "is replayed, not the talk: what others said because of the speaker stays."
)
SPEAKER_NOTE = (
    "Intervals here are over a speaker's listeners, and under What changed minds over speakers. Null of effect - "
    "order: 0, where a speaker leaves no more behind than a new order."
)
ASSEMBLIES_NOTE = "Each assembly counts once, by its mean. Student's intervals tell what other assemblies would change."
UNITS = {"speaker": ("speaker", "speakers"), "assembly": ("assembly", "assemblies")}
"""What is counted, as one and as several."""


def left_out_rows(left: Left) -> list[tuple[str, ...]]:
    """Return a row a measure: its name, value, interval, null and n."""
    named: tuple[tuple[str, Number | None, str], ...] = (
        ("change of agreement without one of the speakers, without sign", left.effect, "in another order"),
        ("that change less the one by another order", left.excess, "order alone"),
        ("way towards the speaker by reading them", left.pull, "towards others at the table"),
    )
    return [
        (name, short(one.value), between(one) or "-", f"{null(one)} ({what})", _counted(one, left.unit))
        for name, one, what in named
        if one
    ]


def _counted(one: Number, unit: str) -> str:
    return f"{size(one)} {UNITS[unit][one.n != 1]}"


def left_out(account: Account) -> Section:
    """Return every speaker who was left out of the last round, those that moved most first."""
    found = account.replayed
    if found is None:
        return Section(title="Left out")
    rows = [
        (
            one.speaker,
            str(one.table),
            f"{one.num_dropped} of {one.num_heard}",
            f"{one.left.effect.n}",
            short(one.told),
            short(one.left.effect.value),
            null(one.left.effect),
            amount(one.left.excess),
            amount(one.left.pull),
            null(one.left.pull),
        )
        for one in found.speakers
    ]
    return Section(
        title="The last round without one of its speakers",
        lines=(f"{found.num_answers} answers: table-mates read the round whole, without each speaker, and reordered.",),
        columns=(
            "speaker", "table", "speeches", "listeners", "agree", "effect", "order", "effect - order", "pull",
            "towards others",
        ),
        rows=tuple(rows),
        right=(1, 3, 4, 5, 6, 9),
        notes=(READING_NOTE, SPEAKER_NOTE),
    )  # fmt: skip


def left_out_everywhere(found: Assemblies) -> Section:
    """Return what went with speakers over all assemblies of a run."""
    if found.replayed is None:
        return Section(title="Left out")
    return Section(
        title="What went with one speaker",
        columns=("measure", "value", "95 % interval", "null", "n"),
        rows=tuple(left_out_rows(found.replayed)),
        right=(1,),
        notes=(ASSEMBLIES_NOTE, READING_NOTE),
    )
