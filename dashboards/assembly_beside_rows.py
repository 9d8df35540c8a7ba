"""The tables of what stands beside the result: baselines, quality of the talk, evidence. Records in, rows out."""

from __future__ import annotations

from dashboards.assembly import Account
from dashboards.assembly_words import amount, between, null
from dashboards.drawing import short, shortened
from dashboards.rows import spaced
from dashboards.terminal import Section


def baselines(account: Account) -> Section:
    """Return the texts that no assembly made, against the winner."""
    return Section(
        title="Against texts that no assembly made",
        columns=("text of", "support", "the winner's", "winner ahead by", "null", "n", "text"),
        rows=tuple(
            (
                one.about,
                amount(one.support),
                null(one.support),
                amount(one.ahead),
                "0 (alike)",
                str(one.ahead.n),
                shortened(one.text, 160),
            )
            for one in account.baselines
        ),
        right=(2, 5),
        notes=("Asked as in the deciding vote, of the same citizens; differences are paired by citizen.",)
        if account.baselines
        else (),
    )


def quality(account: Account) -> Section:
    """Return the quality of the talk on every scale, with how far judges agree."""
    one = account.quality
    if one is None:
        return Section(title="Quality of the talk")
    judges = f"{one.num_judges} judges read {one.num_turns} speeches; {one.num_unread} judgements could not be read."
    few = "" if one.num_judges >= 3 else " Fewer than three judges say little of how far judges agree."
    return Section(
        title="Quality of the talk",
        lines=(f"{judges} Mean of the published scales: {amount(one.total)}, of 0 to 1.{few}",),
        columns=("scale", "mean", "95 % interval", "agreement of judges (alpha)", "null", "n"),
        rows=tuple(
            (
                spaced(line.name),
                short(line.mean.value),
                between(line.mean) or "-",
                amount(line.alpha),
                f"{null(line.alpha)} (dice)",
                str(line.mean.n),
            )
            for line in one.scales
        ),
        right=(1, 5),
        notes=("The judge is a language model too. Where alpha covers 0, the scale says nothing.",),
    )


def evidence(account: Account) -> Section:
    """Return which evidence was cited by whom."""
    one = account.uptake
    if one is None:
        return Section(title="Evidence")
    return Section(
        title="Evidence and its uptake",
        lines=(f"{one.num_turns} speeches; {amount(one.citing)} of them cite a piece of the briefing by its number.",),
        columns=("id", "stance", "speeches", "answers of witnesses", "claim", "source"),
        rows=tuple(
            (
                piece.id,
                piece.stance,
                str(piece.num_turns),
                str(piece.num_answers),
                shortened(piece.claim, 140),
                shortened(piece.source, 60),
            )
            for piece in one.pieces
        ),
        right=(2, 3),
    )
