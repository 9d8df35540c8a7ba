"""The tables of who was heard: witnesses, the balance between the sides, a planted falsehood. Records in, rows out."""

from __future__ import annotations

from dashboards.assembly import Account
from dashboards.assembly_heard import PLANTED_ARM
from dashboards.assembly_numbers import Number
from dashboards.assembly_words import amount, null
from dashboards.drawing import shortened
from dashboards.rows import spaced
from dashboards.terminal import Section


def witnesses(account: Account) -> Section:
    """Return who was offered as a witness, how many wanted to hear them, and whether they were heard."""
    called = account.called
    if not called:
        return Section(title="Witnesses")
    voted = any(one.approvals is not None for one in called)
    how = (
        "Citizens named whom they most wanted to hear; approvals are those who named them more often than chance, and "
        "a proportional rule elected from them."
        if voted
        else "Whom the organisers call; nobody voted."
    )
    return Section(
        title="Witnesses",
        lines=(how,),
        columns=("witness", "role", "side", "approvals", "n", "elected", "to be heard further", "status", "spoke"),
        rows=tuple(
            (
                one.name,
                one.role,
                one.stance,
                amount(one.approvals),
                "-" if one.approvals is None else str(one.approvals.n),
                str(one.place) if one.place else "-",
                amount(one.keep),
                one.status,
                str(one.num_answers),
            )
            for one in called
        ),
        right=(4, 5, 8),
    )


def balance(account: Account) -> Section:
    """Return what was heard of either side, as the guardian counted it."""
    if not account.balance:
        return Section(title="Balance")
    return Section(
        title="Balance of what was heard: the first side's share",
        columns=("up to", "evidence cited", "words of witnesses", "words of citizens", "under-heard", "called"),
        rows=tuple(
            (
                one.moment,
                _part(one.cited),
                _part(one.words),
                _part(one.talk),
                one.under or "-",
                one.called or ("nobody of that side" if one.under else "-"),
            )
            for one in account.balance
        ),
        notes=(
            (
                "The guardian acts on evidence and witnesses; nobody is called after the last round. Null: one half, "
                "for citizens' words the share of citizens who lean to the first side. Words are not independent, so "
                "their intervals are too narrow."
            ),
        ),
    )


def planted(account: Account) -> Section:
    """Return whether a planted falsehood was taken up."""
    one = account.planted
    if one is None:
        return Section(title="Planted falsehood")
    rows = [
        ("speeches that cite it", one.uptake, "another piece of the same briefing"),
        ("speeches of the assembly itself that cite the true piece in its place", one.instead, ""),
        ("answers of witnesses that cite it", one.answers, ""),
        ("right answers of the quiz, less the assembly's own", one.knew, "the arms alike; paired"),
    ]
    return Section(
        title="Planted falsehood",
        lines=(f'In the arm {spaced(PLANTED_ARM)} {one.id} was false: "{shortened(one.claim, 200)}" ({one.stance}).',),
        columns=("measure", "value", "null", "n"),
        rows=tuple(
            (name, amount(found), f"{null(found)} ({what})" if what else "-", str(found.n))
            for name, found, what in rows
            if found is not None
        ),
        right=(3,),
        notes=("Uptake is what cites the claim by its number; whoever repeats it without the number is not counted.",),
    )


def _part(one: Number | None) -> str:
    return "nothing" if one is None else f"{amount(one)} of {one.n:,}, null {null(one)}"
