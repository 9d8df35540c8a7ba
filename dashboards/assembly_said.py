"""The tables of what was said and decided: landscape, minds, values, clauses and their audit. Records in, rows out."""

from __future__ import annotations

from dashboards.assembly import Account
from dashboards.assembly_audit import Chain
from dashboards.assembly_replayed_rows import left_out_rows
from dashboards.assembly_tables import names
from dashboards.assembly_words import amount, between, null, size
from dashboards.drawing import short, shortened
from dashboards.rows import percent
from dashboards.terminal import Section

MOST_IDS = 12
"""Ids named in a cell; `folkmoot show --clause` names all."""


def landscape(account: Account) -> Section:
    """Return the groups of the written round and what each stands for."""
    one = account.map
    if one is None:
        return Section(title="Opinion landscape")
    lines = [
        (
            f"{one.num_people} citizens voted on {one.num_statements} statements. Two axes explain "
            f"{percent(sum(one.explained))} of the variance; of shuffled votes {percent(one.chance)}. "
            f"{len(one.groups)} groups, mean silhouette {short(one.silhouette)}; in shuffled votes "
            f"{short(one.chance_silhouette)}."
        ),
        *one.notes,
    ]
    rows = [
        (group.name, str(group.num_people), f"{s.side} {s.num_success}/{s.num_seen}", s.id, shortened(s.text, 160))
        for group in one.groups
        for s in group.stands_for[:3]
    ]
    return Section(
        title="Opinion landscape: groups of the written round",
        lines=tuple(lines),
        columns=("group", "citizens", "says", "id", "statement"),
        rows=tuple(rows),
        right=(1,),
    )


def common_ground(account: Account) -> Section:
    """Return what all groups can live with."""
    one = account.map
    if one is None or not one.consensus:
        return Section(title="Common ground")
    rows = [
        (
            f"{short(item.root.value)} ({short(item.root.lo)} to {short(item.root.hi)})",
            short(item.least.value),
            " / ".join(f"{share:.2f}" for share in item.shares),
            str(item.num_seen),
            item.id,
            shortened(item.text, 160),
        )
        for item in one.consensus
    ]
    return Section(
        title="What all groups can live with",
        columns=("agreement", "least", "by group", "n", "id", "statement"),
        rows=tuple(rows),
        right=(1, 3),
        notes=("Group-aware consensus as its root over groups, smoothed, with 95 % interval; tossed coins: 0.5.",),
    )


def minds(account: Account) -> Section:
    """Return how far opinions moved at the tables."""
    one = account.minds
    if one is None:
        return Section(title="Minds")
    named = (
        ("how surely a speech is named as the one that mattered", one.sure, "all offered ones alike"),
        ("change of agreement in a round, without sign", one.moved, "control, between its surveys, a round"),
        ("share of the way towards the others at the table", one.towards, "tables with other people"),
        ("inequality of words spoken (Gini)", account.airtime, "all alike"),
    )
    rows = [(name, short(n.value), between(n) or "-", f"{null(n)} ({what})", size(n)) for name, n, what in named if n]
    left = left_out_rows(account.replayed.left) if account.replayed else []
    return Section(
        title="What changed minds",
        lines=(f"{one.num_choices} times somebody was asked; {one.num_cited} of {one.num_turns} turns were named.",),
        columns=("measure", "value", "95 % interval", "null", "n"),
        rows=(*rows, *left),
        right=(1,),
    )


def citations(account: Account) -> Section:
    """Return the turns that were named most, with who named them and how they moved."""
    one = account.minds
    if one is None:
        return Section(title="Citations")
    rows = [
        (
            cited.turn,
            cited.speaker,
            f"{amount(cited.share)} of {cited.share.n}, chance {null(cited.share)}",
            ", ".join(f"{who} {change:+.2f}" for who, change in cited.by[:MOST_IDS]),
            shortened(cited.text, 240),
        )
        for cited in one.cited
    ]
    return Section(
        title="The turns that were named most",
        columns=("turn", "speaker", "share of its table", "named by, with change", "text"),
        rows=tuple(rows),
        notes=("Change: of agreement with the first side in that round. Being named shows no cause.",),
    )


def values(account: Account) -> Section:
    """Return the wisest values of the moral graph."""
    one = account.moral
    if one is None:
        return Section(title="Values")
    if isinstance(one, str):
        return Section(title="Moral graph", lines=(one,))
    kept = sum(not step.dropped for step in one.steps)
    rows = [
        (
            f"{v.rank:.3f}",
            f"{short(v.lo)} to {short(v.hi)}",
            f"{v.num_in}/{v.num_out}",
            v.title,
            shortened("; ".join(v.policies), 200),
        )
        for v in one.values[:8]
    ]
    equal = 1 / len(one.values) if one.values else 0
    return Section(
        title="Moral graph: the wisest values",
        lines=(
            (
                f"{one.num_cards} cards, {one.num_judgements} judgements by {one.num_participants} citizens; {kept} of "
                f"{len(one.steps)} steps are kept, {short(one.by_chance)} with shuffled verdicts; "
                f"{len(one.disputes)} disputes."
            ),
        ),
        columns=("rank", "95 % interval", "in/out", "value", "attends to"),
        rows=tuple(rows),
        right=(0,),
        notes=(f"PageRank towards the wiser card; equally wise values would have {short(equal)} each.",),
    )


def clauses(account: Account) -> Section:
    """Return every clause with its vote."""
    rows = []
    for one in account.chains:
        moved = f"; moved by {one.mover}, seconded by {one.seconder or 'nobody'}" if one.mover else ""
        moved += f": {one.reason}" if one.reason and not one.mover else ""
        votes = f"{one.yes}/{one.no}/{one.abstain}"
        rows.append((one.clause, f"{one.status}{moved}", votes, amount(one.support), _share(one.min_group), one.text))
    return Section(
        title="Clauses",
        columns=("clause", "status", "yes/no/abstain", "yes among yes and no", "least group", "text"),
        rows=tuple(rows),
        right=(2, 4),
        notes=("Yes among yes and no, with its 95 % interval; tossed coins: 0.5.",) if rows else (),
    )


def _share(value: float | None) -> str:
    return "-" if value is None else percent(value)


def audit(account: Account) -> Section:
    """Return the chain from each clause to its turns and votes, by ids."""
    one = account.outcome
    return Section(
        title="Audit: from each clause to its turns and votes",
        columns=("clause", "statement", "elected by", "opinions", "critiques", "turns heard", "votes", "complete"),
        rows=tuple(_chain_row(chain) for chain in account.chains),
        notes=(f"folkmoot show RUN --clause K1 --assembly {one.assembly} lists every link with its request.",)
        if account.chains
        else (),
    )


def _chain_row(one: Chain) -> tuple[str, ...]:
    heard = [turn.id for turn in one.turns] + list(one.answers)
    return (
        one.clause,
        names([text.id for text in one.statements if text.id != one.clause], 3),
        f"{len(one.elected)} ballots",
        f"{len(one.opinions)}: {names([text.id for text in one.opinions], 3)}",
        str(len(one.critiques)),
        f"{len(heard)}: {names(heard, 4)}" if heard else "none",
        f"{sum(bool(vote.identity) for vote in one.votes)} of {len(one.votes)} with request",
        "; ".join(one.gaps) or "yes",
    )
