"""How the text came about: the winner of each vote, what the next one changed, and what became of each clause."""

from __future__ import annotations

from dataclasses import dataclass

from dashboards.assembly_audit import Chain
from dashboards.assembly_numbers import Number, number_of
from dashboards.assembly_source import Archive, Key, Poll
from dashboards.sources import text, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One station of the text. before, after: the text up to here and from here on; before is "" at the first.

    support: mean expected agreement with `after` in its vote, null: with the best of candidates to whom each
    citizen's ballots were dealt at random, since the winner was picked for its support; None without a vote.
    """

    title: str
    about: str
    before: str
    after: str
    support: Number | None
    identity: str


def history_of(archive: Archive, key: Key, poll: Poll, chains: tuple[Chain, ...]) -> tuple[Step, ...]:
    """Return the stations of one arm: a vote after another, then the published text, then each amendment."""
    statements = {text(row.get("statement")): row for row in archive.rows(key, "statements")}
    critiques = [whole(row.get("round")) for row in statements.values() if row.get("kind") == "critique"]
    steps: list[Step] = []
    earlier, winner = "", ""
    for row in sorted(archive.rows(key, "results"), key=lambda row: text(row.get("vote"))):
        vote, order = text(row.get("vote")), [text(one) for one in row.get("ranking") or ()]
        previous, winner = winner, order[0] if order else ""
        said = statements.get(winner, {})
        stood = f"{winner} stood" if previous == winner else f"{winner} won"
        num = critiques.count(int(vote[1:])) if vote[1:].isdigit() else 0
        told = f"{stood} against {len(order) - 1} others by {text(row.get('rule'))}"
        told += f", after {num} critiques of {previous}" if previous else ""
        told += f"; ties: {text(row.get('tie_break'))}" if whole(row.get("ties")) else ""
        now = text(said.get("text"))
        steps.append(
            Step(
                title=f"Vote {vote}",
                about=f"{told}.",
                before=earlier,
                after=now,
                support=_support(poll, vote, winner),
                identity=text(said.get("identity")),
            )
        )
        earlier = now
    steps += _published(chains, earlier)
    return tuple(steps)


def _support(poll: Poll, vote: str, winner: str) -> Number | None:
    from agents.statistics.intervals import bootstrap_mean
    from dashboards.assembly_signs import best_by_chance

    for name, items, levels in poll.votes:
        if name == vote and winner in items:
            own = levels[:, items.index(winner)]
            return number_of(bootstrap_mean(own), best_by_chance(levels), own.size)
    return None


def _published(chains: tuple[Chain, ...], winner: str) -> list[Step]:
    if not chains:
        return []
    first = [one for one in chains if not one.mover]
    adopted = [one for one in chains if one.adopted]
    amended, added = (sum(bool(one.replaces) is put for one in adopted if one.mover) for put in (True, False))
    text_ = "\n".join(one.text for one in adopted)
    about = (
        f"{len(adopted) - added} of {len(first)} clauses of the winner stand, {amended} of them amended; {added} were "
        "added."
    )
    steps = [Step(title="Published text", about=about, before=winner, after=text_, support=None, identity="")]
    for one in chains:
        if one.replaces:
            steps.append(
                Step(
                    title=f"Amendment {one.clause}",
                    about=f"{one.status}; moved by {one.mover}, seconded by {one.seconder or 'nobody'}.",
                    before=one.replaced,
                    after=one.text,
                    support=one.support,
                    identity=next((own.identity for own in one.statements if own.id == one.clause), ""),
                )
            )
        elif one.mover:
            steps.append(
                Step(
                    title=f"Addition {one.clause}",
                    about=f"{one.status}; moved by {one.mover}, seconded by {one.seconder or 'nobody'}.",
                    before="",
                    after=one.text,
                    support=one.support,
                    identity=next((own.identity for own in one.statements if own.id == one.clause), ""),
                )
            )
    return steps
