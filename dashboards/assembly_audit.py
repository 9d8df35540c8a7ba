"""From a clause back to what it was made of: its statement, the opinions in it, the turns these had heard, the votes.

Every link names the request that made it; what cannot be followed is a gap, and gaps are shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.assembly_numbers import Number, number_of
from dashboards.assembly_source import Archive, Key
from dashboards.sources import number, text, whole

TESTIMONY = ("W", "O", "R", "G")
"""First letters of the ids of what witnesses said: answers, openings, replies, and when the guardian called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Something that was written or said. identity: of its request, "" for what no model wrote. parents: ids."""

    id: str
    kind: str
    author: str
    text: str
    identity: str
    parents: tuple[str, ...] = ()
    heard: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BallotCast:
    """One citizen's ballot. value: probability of yes on a clause, expected agreement with a statement."""

    citizen: str
    choice: str
    value: float | None
    identity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A clause and everything behind it.

    reason: of the mover, or why it was merged or struck. support: share of yes among yes and no; null: a coin.
    statements: what it was made from, down to the drafts. elected: ballots on the statement it is a part of, in the
    vote that decided. opinions, critiques: what the drafts were made of. turns: speeches that had reached the authors.
    answers: ids of witnesses' answers. gaps: links that cannot be followed; none in a whole run.
    """

    clause: str
    text: str
    status: str
    replaces: str
    replaced: str
    mover: str
    seconder: str
    reason: str
    support: Number
    min_group: float | None
    yes: int
    no: int
    abstain: int
    statements: tuple[Text, ...]
    opinions: tuple[Text, ...]
    critiques: tuple[Text, ...]
    turns: tuple[Text, ...]
    answers: tuple[str, ...]
    votes: tuple[BallotCast, ...]
    elected: tuple[BallotCast, ...]
    gaps: tuple[str, ...]

    @property
    def adopted(self) -> bool:
        """Whether it stands in the published text."""
        return self.status.startswith("adopted")


def chains_of(archive: Archive, key: Key) -> tuple[Chain, ...]:
    """Return every clause of one arm with its chain, in the order of the published text."""
    statements = {one.id: one for one in map(_statement, archive.rows(key, "statements"))}
    turns = {one.id: one for one in map(_turn, archive.rows(key, "turns"))}
    ballots = archive.rows(key, "ballots", ["citizen", "vote", "kind", "item", "value", "identity"])
    clauses = archive.rows(key, "clauses")
    num_citizens = whole(archive.summaries[key].get("num_citizens"))
    found = [_chain(row, statements, turns, ballots, num_citizens) for row in clauses]
    return tuple(sorted(found, key=lambda one: (*_place(one.replaces or one.clause), bool(one.replaces))))


def _place(clause: str) -> tuple[int, str]:
    """Return where a clause stands in the text by the number in its id, so that K10 comes after K2."""
    number_in = re.search(r"\d+", clause)
    return int(number_in.group()) if number_in else 0, clause


def _chain(
    row: Mapping[str, Any],
    statements: Mapping[str, Text],
    turns: Mapping[str, Text],
    ballots: Sequence[Mapping[str, Any]],
    num_citizens: int,
) -> Chain:
    from agents.statistics.intervals import wilson

    clause = text(row.get("clause"))
    sources = tuple(map(text, row.get("sources") or ()))
    behind, unknown = _ancestors(sources, statements)
    own = [one for one in (statements.get(clause),) if one is not None]
    opinions = tuple(one for one in behind if one.kind == "opinion")
    heard = tuple(dict.fromkeys(link for one in (*own, *behind) for link in one.heard))
    answers = tuple(link for link in heard if link[:1] in TESTIMONY)
    spoken = tuple(turns[link] for link in heard if link in turns)
    lost = [link for link in heard if link not in turns and link not in answers]
    texts = tuple(one for one in (*own, *behind) if one.kind not in ("opinion", "critique"))
    votes = _cast(ballots, "clauses", clause)
    yes, no = whole(row.get("yes")), whole(row.get("no"))
    unsigned = [one.id for one in (*behind, *spoken) if not one.identity and one.author != "agenda"]
    return Chain(
        clause=clause,
        text=text(row.get("text")),
        status=text(row.get("status")),
        replaces=text(row.get("replaces")),
        replaced=statements[text(row.get("replaces"))].text if text(row.get("replaces")) in statements else "",
        mover=text(row.get("mover")),
        seconder=text(row.get("seconder")),
        reason=text(row.get("reason")),
        support=number_of(wilson(yes, yes + no), 0.5, yes + no),
        min_group=number(row.get("min_group")),
        yes=yes,
        no=no,
        abstain=whole(row.get("abstain")),
        statements=texts,
        opinions=opinions,
        critiques=tuple(one for one in behind if one.kind == "critique"),
        turns=spoken,
        answers=answers,
        votes=votes,
        elected=_elected(ballots, behind),
        gaps=_gaps(opinions, unknown, lost, unsigned, votes, 0 if row.get("status") == "merged" else num_citizens),
    )


def _ancestors(sources: Sequence[str], statements: Mapping[str, Text]) -> tuple[list[Text], list[str]]:
    """Return what the sources were made of, nearest first, and the ids that lead nowhere."""
    pending, seen, found, unknown = list(sources), set(), [], []
    while pending:
        link = pending.pop(0)
        if link in seen:
            continue
        seen.add(link)
        if link in statements:
            found.append(statements[link])
            pending += statements[link].parents
        else:
            unknown.append(link)
    return found, unknown


def _elected(ballots: Sequence[Mapping[str, Any]], behind: Sequence[Text]) -> tuple[BallotCast, ...]:
    """Return the ballots of the last vote on the nearest statement that was voted on."""
    for one in behind:
        votes = sorted({text(b.get("vote")) for b in ballots if b.get("item") == one.id and b.get("kind") == "score"})
        if votes:
            return _cast(ballots, votes[-1], one.id)
    return ()


def _cast(ballots: Sequence[Mapping[str, Any]], vote: str, item: str) -> tuple[BallotCast, ...]:
    return tuple(
        BallotCast(
            citizen=text(row.get("citizen")),
            choice=text(row.get("kind")),
            value=number(row.get("value")),
            identity=text(row.get("identity")),
        )
        for row in ballots
        if row.get("vote") == vote and row.get("item") == item
    )


def _gaps(
    opinions: Sequence[Text],
    unknown: Sequence[str],
    lost: Sequence[str],
    unsigned: Sequence[str],
    votes: Sequence[BallotCast],
    num_citizens: int,
) -> tuple[str, ...]:
    gaps = []
    if not opinions:
        gaps.append("no opinion stands behind it")
    if unknown:
        gaps.append(f"statements that are not in the run: {', '.join(unknown)}")
    if lost:
        gaps.append(f"turns that are not in the run: {', '.join(lost)}")
    if unsigned:
        gaps.append(f"without a request: {', '.join(unsigned)}")
    if len(votes) != num_citizens or not all(vote.identity for vote in votes):
        gaps.append(f"{sum(bool(vote.identity) for vote in votes)} of {num_citizens} votes have a request")
    return tuple(gaps)


def _statement(row: Mapping[str, Any]) -> Text:
    return Text(
        id=text(row.get("statement")),
        kind=text(row.get("kind")),
        author=text(row.get("author")),
        text=text(row.get("text")),
        identity=text(row.get("identity")),
        parents=tuple(map(text, row.get("parents") or ())),
        heard=tuple(map(text, row.get("heard") or ())),
    )


def _turn(row: Mapping[str, Any]) -> Text:
    return Text(
        id=text(row.get("turn")),
        kind=text(row.get("kind")),
        author=text(row.get("speaker")),
        text=text(row.get("text")),
        identity=text(row.get("identity")),
    )
