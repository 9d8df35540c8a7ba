"""The tables of what was done to the text and of minority reports, for terminal and page. Records in, rows out."""

from __future__ import annotations

from dashboards.assembly import Account
from dashboards.assembly_minority import Dissent
from dashboards.assembly_tables import names
from dashboards.assembly_words import amount, null
from dashboards.drawing import short
from dashboards.rows import percent
from dashboards.terminal import Section

KINDS = {"replace": "put in place of {}", "strike": "strike {}", "add": "add"}


def motions(account: Account) -> Section:
    """Return every motion with who moved and seconded it, why, and what became of it."""
    rows = []
    for one in account.drafting.motions:
        voted = "-" if one.status in ("not seconded", "repeats") else "/".join(map(str, one.votes))
        became = f"{one.status}: {one.reason}" if one.reason else one.status
        backed = f"{one.seconder or 'nobody'}; {one.seconds[0]} of {one.seconds[1]} wanted the vote"
        kind = KINDS.get(one.kind, one.kind).format(one.clause)
        rows.append((one.motion, kind, one.mover, backed, became, voted, one.why or "-", one.text))
    return Section(
        title="Motions to change the text",
        columns=("motion", "what", "moved by", "seconded by", "what became of it", "yes/no/abstain", "why", "text"),
        rows=tuple(rows),
        right=(5,),
        notes=("A motion that nobody seconds, or that repeats another text, is not put to the vote.",) if rows else (),
    )


def pairs(account: Account) -> Section:
    """Return the pairs of clauses that were compared, contradictions in the published text first of all."""
    drafting = account.drafting
    lines = [
        f"The text contradicts itself, as the clerk reads it: {one.first} and {one.second} were both adopted."
        for one in drafting.flagged
    ]
    undecided = sum(one.verdict == "undecided" for one in drafting.pairs)
    if drafting.pairs:
        asked = sum(bool(one.identities) for one in drafting.pairs)
        lines.append(
            f"Of {asked} pairs that were asked about, the readings of {undecided} do not agree and decide nothing."
            if asked
            else "No pair had to be asked about: what is alike is so word for word."
        )
    return Section(
        title="Do clauses say the same, or contradict each other?",
        lines=tuple(lines),
        columns=("clauses", "verdict", "p same", "p conflict", "words in common", "both adopted"),
        rows=tuple(
            (
                f"{one.first}, {one.second}",
                one.verdict if one.identities else f"{one.verdict} (word for word)",
                short(one.p_same),
                short(one.p_conflict),
                "-" if one.likeness is None else percent(one.likeness),
                "yes" if one.both_adopted else "no",
            )
            for one in drafting.pairs
        ),
        right=(2, 3, 4),
        notes=(
            (
                "The clerk is a language model. Each pair is read in both orders of the texts and both orders of the "
                "answers; a verdict counts where all four agree. By chance each answer has 0.33. A repeat is merged "
                "or not put to the vote; a contradiction is put, since it is the citizens' to decide."
            ),
        )
        if drafting.pairs
        else (),
    )


def reading(account: Account) -> Section:
    """Return how hard the adopted clauses read."""
    return Section(
        title="How hard the text reads",
        columns=("clause", "words", "syllables", "reading ease", "grade"),
        rows=tuple(
            (
                one.clause or "the whole text",
                str(one.num_words),
                str(one.num_syllables),
                f"{one.ease:.0f}",
                f"{one.grade:.1f}",
            )
            for one in account.drafting.readings
        ),
        right=(1, 2, 3, 4),
        notes=(
            (
                "Flesch reading ease (1948): 206.835 - 1.015 words per sentence - 84.6 syllables per word; 60 to 70 is "
                "plain English, higher is easier. Flesch-Kincaid grade (1975): 0.39 words per sentence + 11.8 "
                "syllables per word - 15.59, years of school. Exact for the text; of one clause they say little."
            ),
        )
        if account.drafting.readings
        else (),
    )


def signatures(one: Dissent) -> str:
    """Return who stands behind a report, in a sentence or two."""
    if one.signers is None:
        return f"{amount(one.share)} of {one.share.n} citizens voted no; nobody was asked to sign."
    told = (
        f"Signed by {len(one.signers)} of the {len(one.coalition)} who voted no: {amount(one.signed)} of "
        f"{one.share.n} citizens."
    )
    if one.quota is not None:
        told += f" {'Entitled' if one.entitled else 'Not entitled'} by n/k = {one.quota:.1f} citizens."
    return f"{told} {'It lapsed' if one.lapsed else 'Carried by'}{_grounds(one)}."


def _grounds(one: Dissent) -> str:
    named = {"share": "the share of the citizens", "n/k": "n/k"}
    told = [named.get(ground, f"opinion {ground}") for ground in one.grounds]
    return f" {', '.join(told)}" if told else ": too few signed" if one.lapsed else " nothing that was recorded"


def by_group(one: Dissent) -> str:
    """Return the share of each group that signed, and how far the largest is above chance."""
    if not one.by_group or one.most is None:
        return ""
    shares = "; ".join(f"{name} {percent(part.value or 0)} of {part.n}" for name, part in one.by_group.items())
    return f"Signed, by group: {shares}. The most in one group {amount(one.most)}; in random groups {null(one.most)}."


def reports(account: Account) -> Section:
    """Return the minority reports, lapsed ones last."""
    found = sorted(account.dissents, key=lambda one: one.lapsed)
    return Section(
        title="Minority reports",
        columns=("clause", "written by", "signed by", "who stands behind it", "by group", "text"),
        rows=tuple(
            (one.clause, one.author, names(one.signers or (), 12), signatures(one), by_group(one) or "-", one.text)
            for one in found
        ),
    )
