"""The tables of `folkmoot show --clause`: one clause with every link behind it and the request of each. Pure."""

from __future__ import annotations

from dashboards.assembly_clause_rows import by_group, signatures
from dashboards.drawing import short, shortened
from dashboards.lineage import ClauseWalk
from dashboards.terminal import Section


def clause_sections(walk: ClauseWalk) -> list[Section]:
    """Return a clause's way back: its statement, what that was made of, what was heard, and every vote."""
    one = walk.chain
    told = [
        ("clause", f"{one.clause} of {walk.key.assembly}, {walk.key.arm} ({walk.key.stage}): {one.status}"),
        ("text", one.text),
        ("question", walk.question),
        ("votes", f"{one.yes} yes, {one.no} no, {one.abstain} abstentions"),
    ]
    told += [("moved by", f"{one.mover}, seconded by {one.seconder or 'nobody'}")] if one.mover else []
    told += [("why", one.reason)] if one.reason else []
    told += [("in place of", f"{one.replaces}: {one.replaced}")] if one.replaces else []
    told += [("dissent", f"{d.author}: {d.text} {signatures(d)} {by_group(d)}".strip()) for d in walk.dissents]
    told += [("witnesses heard", ", ".join(one.answers))] if one.answers else []
    found = walk.num_requests - len(walk.missing)
    told.append(("journal", f"{found} of {walk.num_requests} requests behind it are in the journal"))
    told += [("gap", gap) for gap in (*one.gaps, *(f"not in the journal: {key}" for key in walk.missing))]
    texts = (("Statements", one.statements), ("Opinions", one.opinions), ("Critiques", one.critiques))
    parts = [Section(title="Clause (simulated)", columns=("what", "text"), rows=tuple(told))]
    for title, links in (*texts, ("Turns that had been heard", one.turns)):
        rows = tuple((link.id, link.author, link.identity or "-", shortened(link.text, 300)) for link in links)
        parts.append(Section(title=title, columns=("id", "by", "request", "text"), rows=rows))
    for title, votes in (("Votes on the clause", one.votes), ("Ballots on its statement", one.elected)):
        cast = tuple((vote.citizen, vote.choice, short(vote.value), vote.identity or "-") for vote in votes)
        parts.append(Section(title=title, columns=("citizen", "vote", "value", "request"), rows=cast, right=(2,)))
    return [part for part in parts if part.rows]
