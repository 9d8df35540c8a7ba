"""Assemblies as the page shows them: findings in, texts, tables and pictures out. Texts of agents stay plain text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dashboards.assembly import Account, Assemblies
from dashboards.assembly_audit import BallotCast, Chain, Text
from dashboards.assembly_clause_rows import by_group, signatures
from dashboards.assembly_consensus import ConsensusLine
from dashboards.assembly_counterfactual_rows import arms_against_full, strategic_voters
from dashboards.assembly_drafts import Step
from dashboards.assembly_drawing import MOST_PEOPLE, map_picture, opinion_picture, seats_picture
from dashboards.assembly_numbers import Number
from dashboards.assembly_replayed_rows import left_out_everywhere
from dashboards.assembly_rows import CONSENSUS_NOTE, account_sections, overview
from dashboards.assembly_source import CONTROL, MAIN
from dashboards.assembly_utility import Utilities
from dashboards.assembly_utility_rows import options, quality, shown_options
from dashboards.assembly_words import SIMULATED, amount, between, null, question_line, replaced_line, size, told
from dashboards.diff import Piece, changed_share, readable, side, word_diff
from dashboards.drawing import Dot, axis_range, interval_plot, short, shortened
from dashboards.rows import percent, spaced
from dashboards.terminal import Section

MAX_TEXT = 1_600
"""Characters shown of a statement or a report."""
MOST_TEXTS = 80
MOST_VOTES = 60
"""Texts and votes listed of a chain; `folkmoot show RUN --clause` lists all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellView:
    """A number in the table of arms."""

    value: str
    between: str
    n: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsensusView:
    """A sign of agreement, one cell an arm."""

    name: str
    about: str
    cells: tuple[CellView | None, ...]
    null: str
    versus: CellView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """A station of the text with its diff; one side only at the first."""

    title: str
    about: str
    support: str
    before: list[Piece]
    after: list[Piece]
    changed: str
    identity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainView:
    """A clause with the links behind it, cut to what a page holds. more: what was cut, in words."""

    chain: Chain
    links: tuple[tuple[str, str], ...]
    votes: tuple[BallotCast, ...]
    elected: tuple[BallotCast, ...]
    more: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DissentView:
    """A minority report with who stands behind it, in words."""

    clause: str
    author: str
    text: str
    signatures: str
    by_group: str
    lapsed: bool
    identity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """One assembly as the page shows it."""

    title: str
    about: str
    winner: str
    winner_text: str
    opinions: tuple[Markup, ...]
    opinion_note: str
    map: Markup
    seats: Markup
    tables: Mapping[str, Section]
    steps: tuple[StepView, ...]
    dissents: tuple[DissentView, ...]
    chains: tuple[ChainView, ...]
    texts: tuple[Text, ...]
    num_texts: int
    replaced: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssembliesView:
    """All of it."""

    simulated: str
    arms: tuple[str, ...]
    with_control: bool
    consensus: tuple[ConsensusView, ...]
    consensus_note: str
    counterfactuals: tuple[Section, ...]
    outcomes: Section
    told: str
    minority: str
    accounts: tuple[AccountView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilityView:
    """A utility vote as the page shows it."""

    quality: Section
    options: Section
    plot: Markup


def assemblies_view(found: Assemblies) -> AssembliesView:
    """Return assemblies as the page shows them."""
    return AssembliesView(
        simulated=SIMULATED,
        arms=tuple(map(spaced, found.arms)),
        with_control=CONTROL in found.arms and MAIN in found.arms,
        consensus=tuple(_consensus(line, found.arms) for line in found.consensus),
        consensus_note=CONSENSUS_NOTE,
        counterfactuals=tuple(
            part
            for part in (arms_against_full(found), strategic_voters(found), left_out_everywhere(found))
            if part.rows
        ),
        outcomes=overview(found),
        told=told(found),
        minority=""
        if found.minority is None
        else (
            f"Signed by {percent(found.minority)} of the citizens, by n/k of them (n citizens, k clauses of the text), "
            "or by most of an opinion group of the written round and more of it than chance would give."
        ),
        accounts=tuple(map(account_view, found.shown)),
    )


def _consensus(line: ConsensusLine, arms: Sequence[str]) -> ConsensusView:
    cells = [line.by_arm.get(arm) for arm in arms]
    nulls = [f"{null(one)}" for one in cells if one is not None]
    versus = line.versus
    return ConsensusView(
        name=line.name,
        about=line.about,
        cells=tuple(None if one is None else _cell(one) for one in cells),
        null=f"{' / '.join(dict.fromkeys(nulls))} ({line.null_name})",
        versus=None if versus is None else _cell(versus, ", paired"),
    )


def _cell(one: Number, how: str = "") -> CellView:
    return CellView(value=short(one.value), between=between(one), n=f"{size(one)}{how}")


def account_view(account: Account) -> AccountView:
    """Return one assembly as the page shows it."""
    outcome = account.outcome
    texts = _texts(account.chains)
    size_ = max(map(len, account.opinions.values()), default=0)
    cut = f" {MOST_PEOPLE} of {size_} citizens are drawn, evenly by where they began." if size_ > MOST_PEOPLE else ""
    one = account.certificate
    return AccountView(
        title=f"{outcome.assembly}, {spaced(outcome.arm)}: {shortened(outcome.question, 140)}",
        about=question_line(account),
        winner=f"{outcome.winner}, by {outcome.rule}",
        winner_text=_cut(outcome.winner_text),
        opinions=tuple(opinion_picture(own, spaced(arm)) for arm, own in account.opinions.items()),
        opinion_note=f"Agreement with the first side, 0 to 1. Hollow: before. Filled: after. Lines: means.{cut}",
        map=map_picture(account.map) if account.map else Markup(""),
        seats=seats_picture(one) if one and one.quotas else Markup(""),
        tables={section.title: section for section in account_sections(account)},
        steps=tuple(map(_step, account.history)),
        dissents=tuple(
            DissentView(
                clause=one.clause,
                author=one.author,
                text=one.text,
                signatures=signatures(one),
                by_group=by_group(one),
                lapsed=one.lapsed,
                identity=one.identity,
            )
            for one in sorted(account.dissents, key=lambda one: one.lapsed)
        ),
        chains=tuple(map(_chain, account.chains)),
        texts=texts[:MOST_TEXTS],
        num_texts=len(texts),
        replaced=replaced_line(account),
    )


def _step(step: Step) -> StepView:
    pieces = word_diff(_cut(step.before), _cut(step.after))
    changed = bool(step.before) and step.before.split() != step.after.split()
    shown = readable(pieces) if changed else [Piece("same", _cut(step.after))]
    told = "Not a word changed." if step.before else ""
    support = (
        ""
        if step.support is None
        else f"support {amount(step.support)}, null {null(step.support)}, n = {step.support.n}"
    )
    return StepView(
        title=step.title,
        about=step.about,
        support=support,
        before=side(shown, "before") if changed else [],
        after=side(shown, "after") or [Piece("same", "None.")],
        changed=f"{percent(changed_share(pieces))} of the words changed." if changed else told,
        identity=step.identity,
    )


def _chain(chain: Chain) -> ChainView:
    links = [
        ("Statements", ", ".join(one.id for one in chain.statements)),
        ("Opinions", ", ".join(one.id for one in chain.opinions)),
        ("Critiques", ", ".join(one.id for one in chain.critiques)),
        ("Turns heard", ", ".join(one.id for one in chain.turns)),
        ("Witnesses' answers heard", ", ".join(chain.answers)),
    ]
    cut = max(len(chain.votes), len(chain.elected)) - MOST_VOTES
    return ChainView(
        chain=chain,
        links=tuple((name, ids) for name, ids in links if ids),
        votes=chain.votes[:MOST_VOTES],
        elected=chain.elected[:MOST_VOTES],
        more=f"The first {MOST_VOTES} of {cut + MOST_VOTES} votes." if cut > 0 else "",
    )


def _texts(chains: Sequence[Chain]) -> tuple[Text, ...]:
    """Return every text behind the clauses once, what was written last first."""

    def all_() -> Iterator[Text]:
        for name in ("statements", "critiques", "opinions", "turns"):
            for chain in chains:
                yield from getattr(chain, name)

    return tuple({one.id: one for one in all_()}.values())


def utility_view(one: Utilities) -> UtilityView:
    """Return a utility vote as the page shows it."""
    lines = shown_options(one)
    low, high = axis_range([v for _, o in lines for v in (o.utility.value, o.utility.lo, o.utility.hi)], share=False)
    dots = [
        Dot(label=f"{rank}", point=o.utility.value, lo=o.utility.lo, hi=o.utility.hi, filled=True) for rank, o in lines
    ]
    best = shortened(one.options[0].option, 80) if one.options else "none"
    alt = f"Utilities with intervals, by rank. The highest: {best}."
    return UtilityView(quality=quality(one), options=options(one), plot=interval_plot(dots, low, high, alt, null=0.0))


def _cut(words: str) -> str:
    words = words.strip()
    return words if len(words) <= MAX_TEXT else f"{words[:MAX_TEXT]}\n[{len(words) - MAX_TEXT:,} more characters]"
