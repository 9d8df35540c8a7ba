"""The tables of an assembly run, for terminal and page alike: the same rows, so that both say the same. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.assembly import Account, Assemblies, Outcome
from dashboards.assembly_consensus import ConsensusLine
from dashboards.assembly_counterfactual_rows import arms_against_full, strategic_voters
from dashboards.assembly_replayed_rows import left_out_everywhere
from dashboards.assembly_source import CONTROL, MAIN
from dashboards.assembly_words import SIMULATED, amount, between, null, question_line, replaced_line, size, told
from dashboards.diff import changed_share, word_diff
from dashboards.drawing import short, shortened
from dashboards.rows import count, percent, spaced
from dashboards.terminal import Section

MOST_OUTCOMES = 24


def overview(found: Assemblies) -> Section:
    """Return how every arm of every assembly ended."""
    shown = found.outcomes[:MOST_OUTCOMES]
    lines = [SIMULATED]
    if found.num_unfinished:
        lines.append(
            f"Arms that began and left no result: {count(found.num_unfinished)}. They are in none of these numbers."
        )
    notes = []
    if len(found.outcomes) > len(shown):
        notes.append(f"{len(shown)} of {len(found.outcomes)} arms, in the order of playing; --json has all.")
    return Section(
        title="Assemblies",
        lines=tuple(lines),
        columns=("assembly", "arm", "winner", "by", "clauses", "dissents", "replaced", "question"),
        rows=tuple(_outcome_row(one) for one in shown),
        right=(4, 5, 6),
        notes=tuple(notes),
    )


def _outcome_row(one: Outcome) -> tuple[str, ...]:
    return (
        one.assembly if one.stage.startswith("r1.") else f"{one.stage}/{one.assembly}",
        spaced(one.arm),
        one.winner,
        one.rule,
        f"{one.num_adopted} of {one.num_clauses}",
        count(one.num_dissents),
        count(sum(one.degraded.values())),
        shortened(one.question, 90),
    )


def consensus_table(found: Assemblies) -> Section:
    """Return the signs of agreement, one line an arm, and the paired difference from the control."""
    rows: list[tuple[str, ...]] = []
    for line in found.consensus:
        for place, arm in enumerate(arm for arm in found.arms if arm in line.by_arm):
            one = line.by_arm[arm]
            rows.append(
                (
                    line.name if not place else "",
                    spaced(arm),
                    short(one.value),
                    between(one) or "-",
                    f"{null(one)} ({line.null_name})",
                    size(one),
                )
            )
        if line.versus is not None:
            rows.append(("", f"{MAIN} - {spaced(CONTROL)}", *_difference(line)))
    return Section(
        title="Is the agreement real?",
        columns=("sign", "arm", "value", "95 % interval", "null", "n"),
        rows=tuple(rows),
        right=(2,),
        notes=(CONSENSUS_NOTE,),
    )


def _difference(line: ConsensusLine) -> tuple[str, ...]:
    one = line.versus
    assert one is not None
    sign = "+" if one.value is not None and one.value > 0 else ""
    return f"{sign}{short(one.value)}", between(one) or "-", "0 (the arms alike)", f"{size(one)}, paired"


CONSENSUS_NOTE = (
    "Language models agree too readily. Concentration far above chance and variance below 1, in the assembly and not "
    "in the control without interaction, are agreement made by talking; in both arms they are the model's own. "
    "n: citizens, then assemblies. Intervals tell what other citizens would change; several assemblies are averaged "
    "and taken as given."
)


def assembly_sections(found: Assemblies) -> list[Section]:
    """Return everything that a terminal shows of assemblies."""
    from dashboards import assembly_clause_rows as drafted

    parts = [overview(found), consensus_table(found), arms_against_full(found), strategic_voters(found)]
    parts += [left_out_everywhere(found), panels(found)]
    parts.append(Section(title="Assemblies in detail", lines=(told(found),)))
    for account in found.shown:
        name = account.outcome.assembly
        lines = (question_line(account), account.outcome.winner_text, replaced_line(account))
        parts.append(Section(title=f"{name}, {spaced(account.outcome.arm)}", lines=tuple(filter(None, lines))))
        parts += [history(account), *account_sections(account), drafted.reports(account)]
    return [part for part in parts if part.lines or part.rows]


def panels(found: Assemblies) -> Section:
    """Return how far panels drawn for one question differ."""
    return Section(
        title="Would other people have come to the same?",
        columns=("opinion", "panels", "variance between panels", "null", "n", "spread of means", "dealt", "question"),
        rows=tuple(
            (one.what, str(one.num_panels), amount(one.between), f"{null(one.between)} (dealt at random)",
             size(one.between), short(one.spread), short(one.dealt), shortened(one.question, 80))
            for one in found.panels
        ),
        right=(1, 4, 5, 6),
        notes=("First side, arm full. Dealt: the spread when the same citizens fill the panels at random.",)
        if found.panels
        else (),
    )  # fmt: skip


def history(account: Account) -> Section:
    """Return the stations of the text; the page shows them as diffs."""
    return Section(
        title="How the text came about",
        columns=("station", "what happened", "support", "changed", "text"),
        rows=tuple(
            (
                step.title,
                step.about,
                amount(step.support),
                percent(changed_share(word_diff(step.before, step.after))) if step.before else "-",
                step.after,
            )
            for step in account.history
        ),
        right=(3,),
    )


def account_sections(account: Account) -> Iterator[Section]:
    """Yield the tables of one assembly that terminal and page share; empty ones are left out."""
    yield from (one for one in _sections(account) if one.lines or one.rows)


def _sections(account: Account) -> Iterator[Section]:
    from dashboards import assembly_beside_rows as beside
    from dashboards import assembly_clause_rows as drafted
    from dashboards import assembly_heard_rows as heard
    from dashboards import assembly_replayed_rows as replayed
    from dashboards import assembly_said as said
    from dashboards import assembly_tables as tables

    yield tables.lottery(account)
    yield tables.quotas(account)
    yield said.landscape(account)
    yield said.common_ground(account)
    yield tables.winners(account)
    yield beside.baselines(account)
    yield tables.candidates(account)
    yield tables.groups(account)
    yield heard.witnesses(account)
    yield heard.balance(account)
    yield beside.evidence(account)
    yield heard.planted(account)
    yield said.minds(account)
    yield said.citations(account)
    yield replayed.left_out(account)
    yield beside.quality(account)
    yield said.values(account)
    yield said.clauses(account)
    yield drafted.motions(account)
    yield drafted.pairs(account)
    yield drafted.reading(account)
    yield said.audit(account)
    yield tables.procedure(account)
