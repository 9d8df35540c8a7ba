"""What people said about samples: `reviews.jsonl` in a run folder, one verdict a line; the last of each person counts.

A line is {"sample_id", "verdict": "accept" or "flag", "reviewer", "why", "time"}. One flag takes a sample out of the
next build. Names of reviewers stay in the run; a release knows them as numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from agents.errors import UserError

VERDICTS = ("accept", "flag")
FILE = "reviews.jsonl"


@dataclass(frozen=True, slots=True)
class Reviews:
    """Verdicts on one run's samples. verdicts: sample -> reviewer -> verdict. num_torn: unfinished last lines."""

    verdicts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    whys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    num_torn: int = 0

    def flagged(self, sample_id: str) -> bool:
        """Tell whether anybody flagged a sample."""
        return "flag" in self.verdicts.get(sample_id, {}).values()

    def accepted(self, sample_id: str) -> bool:
        """Tell whether a sample was looked at and nobody flagged it."""
        return sample_id in self.verdicts and not self.flagged(sample_id)


def read_reviews(folder: Path) -> Reviews:
    """Read the reviews of a run folder; none when there is no file.

    Raises UserError, with the line, for anything but a torn last line.
    """
    path = folder / FILE
    if not path.is_file():
        return Reviews()
    verdicts: dict[str, dict[str, str]] = {}
    whys: dict[str, list[str]] = {}
    data = path.read_bytes()
    lines = data.split(b"\n")
    torn = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            one = _review(orjson.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            if number == len(lines):  # without its line feed: a writer was stopped in the middle
                torn += 1
                continue
            raise UserError(
                f"{path}, line {number} is no review.",
                f"{error}".rstrip(".") + ".",
                'write {"sample_id": ..., "verdict": "accept" or "flag", "reviewer": ..., "why": ..., "time": ...}',
            ) from None
        verdicts.setdefault(one["sample_id"], {})[one["reviewer"]] = one["verdict"]
        if one["verdict"] == "flag" and one["why"]:
            whys.setdefault(one["sample_id"], []).append(one["why"])
    return Reviews(verdicts, {key: tuple(value) for key, value in whys.items()}, torn)


def _review(raw: Any) -> dict[str, str]:
    if raw["verdict"] not in VERDICTS:
        raise ValueError(f'verdict "{raw["verdict"]}" is neither accept nor flag')
    return {
        "sample_id": str(raw["sample_id"]),
        "verdict": str(raw["verdict"]),
        "reviewer": str(raw.get("reviewer") or "anonymous"),
        "why": str(raw.get("why") or ""),
    }


def krippendorff_alpha(units: Sequence[Sequence[str]]) -> float | None:
    """Return Krippendorff's alpha for nominal data, any number of raters, missing ratings allowed.

    units: the ratings that each unit got. None when fewer than two ratings can be paired or only one value occurs,
    where agreement cannot be told from chance. Source: Krippendorff 2011, Computing Krippendorff's Alpha-Reliability.
    """
    pairable = [list(unit) for unit in units if len(unit) > 1]
    total: Counter[str] = Counter()
    observed = 0.0
    for unit in pairable:
        counts = Counter(unit)
        total.update(counts)
        observed += sum(num * (len(unit) - num) for num in counts.values()) / (len(unit) - 1)
    n = sum(total.values())
    expected = sum(num * (n - num) for num in total.values())
    return None if not expected else 1.0 - (n - 1) * observed / expected


def review_report(reviews: Mapping[str, Reviews], kept: Mapping[str, set[str]]) -> dict[str, Any]:
    """Return the report: how many rows by how many people, their agreement, and what changed.

    kept: run -> ids of all its samples, to name reviews of samples that do not exist.
    """
    people: dict[str, str] = {}
    units: list[list[str]] = []
    unknown, flagged = 0, []
    whys: Counter[str] = Counter()
    for run, one in sorted(reviews.items()):
        for sample_id, verdicts in sorted(one.verdicts.items()):
            if sample_id not in kept.get(run, set()):
                unknown += 1
                continue
            for name in sorted(verdicts):
                people.setdefault(name, f"reviewer-{len(people) + 1}")
            units.append([verdicts[name] for name in sorted(verdicts)])
            if one.flagged(sample_id):
                flagged.append(f"{run}|{sample_id}")
                whys.update(one.whys.get(sample_id, ("no reason given",)))
    alpha = krippendorff_alpha(units)
    said = "no row was looked at by a person" if not units else f"{len(units)} rows by {len(people)} people"
    return {
        "tool": "folkmoot reviews",
        "version": 1,
        "parameters": {"rule": "one flag takes a sample out", "chosen": "by the reviewers, not at random"},
        "num_rows": len(units),
        "num_reviewers": len(people),
        "num_twice": sum(len(unit) > 1 for unit in units),
        "alpha": alpha,
        "num_flagged": len(flagged),
        "num_of_unknown_samples": unknown,
        "num_torn_lines": sum(one.num_torn for one in reviews.values()),
        "reasons": dict(sorted(whys.items())),
        "hits": flagged,
        "summary": f"Human review: {said}; {len(flagged)} taken out"
        + (f"; Krippendorff's alpha {alpha:.2f}." if alpha is not None else "; agreement cannot be computed."),
    }
