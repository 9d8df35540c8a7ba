"""What goes into a release: the samples of all runs, cleaned and filtered, with a report of every filter.

Reports that look at whole texts are made here too, so that signatures, which are large, are let go at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agents.errors import UserError
from selfalign.release import measure
from selfalign.release.clean import Cleaner
from selfalign.release.config import ReleaseConfig
from selfalign.release.decontaminate import Matcher, load_sets
from selfalign.release.filters import (
    Again,
    clean_again,
    decontaminate,
    deduplicate,
    drop_items,
    key_of,
    near_ties,
    why_unusable,
)
from selfalign.release.intake import Intake, Item, read_items
from selfalign.release.reviews import review_report
from selfalign.samples import Funnel


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """What the filters leave, and their reports. ties: pairs of items whose rows must not be on two sides.

    again: removed repeats whose votes stay.
    """

    items: list[Item]
    again: list[Again]
    funnel: Funnel
    reports: dict[str, Any]
    ties: list[tuple[int, int]]
    matcher: Matcher
    num_by_source: Counter[str]
    num_by_run: Counter[int]
    num_by_policy: Counter[tuple[int, str]]

    @property
    def num(self) -> int:
        """How many samples are left."""
        return self.num_by_run.total()


def take_in(intakes: Sequence[Intake], config: ReleaseConfig, cleaner: Cleaner, say: Callable[[str], None]) -> Stock:
    """Read, clean and filter the samples of all runs. Raises UserError when nothing is left."""
    items = []
    for item in read_items(intakes):
        clean = cleaner.sample(item.sample, key_of(item, intakes))
        items.append(item if clean is item.sample else replace(item, sample=clean))
    say(f"{len(items)} samples from {len(intakes)} runs")
    _check_unique(items, intakes)
    ids: dict[str, set[str]] = {intake.run_id: set() for intake in intakes}
    for item in items:
        ids[intakes[item.run].run_id].add(item.sample.sample_id)
    reviews = review_report({intake.run_id: intake.reviews for intake in intakes}, ids)
    items, funnel = drop_items(items, Funnel(), "well formed", [why_unusable(item.sample) for item in items])
    flagged = [intakes[item.run].reviews.flagged(item.sample.sample_id) for item in items]
    why = ["flagged by a reviewer" if one else None for one in flagged]
    items, funnel = drop_items(items, funnel, "not flagged", why)
    found, signed, again = deduplicate(items, intakes, funnel, config.near_threshold, config.seed)
    say(found.report["summary"])
    sets = load_sets(config.evaluations)
    for one in sets:
        if one.why_not:
            say(f"evaluation set {one.name} is not available: {one.why_not}")
    matcher = Matcher(sets)
    clean_items, mask = decontaminate(found.items, intakes, found.funnel, sets, matcher)
    again, told = clean_again(again, matcher)
    found.report.update({**told, "summary": found.report["summary"] + told["summary"]})
    say(clean_items.report["summary"])
    if not clean_items.items and clean_items.funnel.steps[0].num_in:
        raise UserError(
            "No sample is left for a release.",
            str(clean_items.funnel).replace("\n", "; ") + ".",
            "take more runs, or look at what was lost with folkmoot show RUN",
        )
    kept, signed = clean_items.items, signed.take(mask.nonzero()[0])
    return Stock(
        items=kept,
        again=again,
        funnel=clean_items.funnel,
        reports={
            "dedup": found.report,
            "decontamination": clean_items.report,
            "human_review": reviews,
            "toxicity": measure.harms(kept, intakes, config.seed),
            "diversity": measure.diversity(kept, intakes, signed.whole(), config.seed),
        },
        ties=near_ties(kept, signed, config.near_threshold),
        matcher=matcher,
        num_by_source=Counter(item.source for item in kept),
        num_by_run=Counter(item.run for item in kept),
        num_by_policy=Counter((item.run, name) for item in kept for name in set(item.sample.lineage.policies)),
    )


def _check_unique(items: Sequence[Item], intakes: Sequence[Intake]) -> None:
    counts = Counter((item.run, item.sample.sample_id) for item in items)
    twice = [(intakes[run].run.folder, name) for (run, name), num in counts.items() if num > 1]
    if twice:
        raise UserError(
            f'The run {twice[0][0]} holds the sample "{twice[0][1]}" more than once.',
            f"{len(twice)} ids repeat, so their rows could not be walked back.",
            f"play the run again (folkmoot replay {twice[0][0]}), or leave it out",
        )
