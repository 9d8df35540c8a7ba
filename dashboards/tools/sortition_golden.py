"""Hold the lotteries against public figures: `folkmoot sortition FOLDER --golden panels|pools`.

`panels`: what a published study found on ten real panels whose pools are private. NAME_statistics.txt and
NAME_prob_allocs_data.csv of pgoelz/citizensassemblies-replication, reference_output: figures are computed again from
the chances. The geometric mean of its greedy draw takes chances below 1 in 10,000 for that, as the study does.

`pools`: two public pools, each in a folder of its own: example_small_20 (respondents.csv and categories.csv, of the
same repository, data/) and pool_150 (candidates.csv and features.csv, of sortitionfoundation/sortition-algorithms,
tests/fixtures). LEXIMIN and MAXIMIN are run. Both repositories are GPL-3.0: read, never shipped.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np

from agents.errors import UserError
from dashboards.tools.public_checks import Check, same
from dashboards.tools.sortition_files import read
from societies.assembly.lottery import fairness, geometric_mean, gini, leximin, maximin
from societies.assembly.lottery.types import FloatArray

STATISTICS, CHANCES = "_statistics.txt", "_prob_allocs_data.csv"
FLOOR = 1e-4
"""Chance that the study takes for a smaller one in the geometric mean of the greedy draw."""
BOUND = re.compile(r"sample proportion ([\d.]+) and sample size ([\d,]+)")


def panel_checks(folder: Path) -> list[Check]:
    """Return the checks of every panel whose two files are in the folder."""
    found = [path for path in sorted(folder.glob(f"*{STATISTICS}")) if _chances_of(path).is_file()]
    if not found:
        raise UserError(
            f"{folder} holds no pair of NAME{STATISTICS} and NAME{CHANCES}.",
            "the figures are computed again from the chances.",
            "fetch reference_output of pgoelz/citizensassemblies-replication",
        )
    return [check for path in found for check in _panel_checks(path)]


def _chances_of(statistics: Path) -> Path:
    return statistics.with_name(statistics.name.removesuffix(STATISTICS) + CHANCES)


def _panel_checks(path: Path) -> list[Check]:
    name = path.name.removesuffix(STATISTICS)
    told = read_statistics(path)
    chances = read_chances(_chances_of(path))
    greedy, best = chances["Legacy"], chances["LexiMin"]
    checks = [
        same(name, "people", told["pool size n"], f"{best.size}"),
        same(name, "smallest chance, LEXIMIN", told["LEXIMIN minimum probability (exact)"], _percent(best.min())),
        same(name, "Gini, LEGACY", told["gini coefficient of LEGACY"], _percent(gini(greedy))),
        same(name, "Gini, LEXIMIN", told["gini coefficient of LEXIMIN"], _percent(gini(best))),
        same(name, "geometric mean, LEGACY", told["geometric mean of LEGACY"], _percent(_floored_mean(greedy))),
        same(name, "geometric mean, LEXIMIN", told["geometric mean of LEXIMIN"], _percent(geometric_mean(best))),
    ]
    bound = BOUND.search(told["LEGACY minimum probability"])
    if bound is not None:
        hits, draws = float(bound[1]) * float(bound[2].replace(",", "")), float(bound[2].replace(",", ""))
        expected = told["LEGACY minimum probability"].split()[1]
        checks.append(same(name, "bound of the smallest, LEGACY", expected, f"{jeffreys_bound(hits, draws):.2%}"))
    return checks


def read_statistics(path: Path) -> dict[str, str]:
    """Return the lines "name:<tab>value" of a statistics file. Raises UserError when one that is needed is missing."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read.", f"{error}.", "fetch the public file again") from None
    told = {name: value.strip() for name, tab, value in (line.partition(":\t") for line in lines) if tab}
    wanted = ["pool size n", "LEXIMIN minimum probability (exact)", "LEGACY minimum probability"]
    wanted += [
        f"{what} of {method}" for what in ("gini coefficient", "geometric mean") for method in ("LEGACY", "LEXIMIN")
    ]
    for name in wanted:
        if name not in told:
            raise UserError(f"{path} has no line {name!r}.", "it is not laid out as published.", "fetch it again")
    return told


def read_chances(path: Path) -> dict[str, FloatArray]:
    """Return algorithm -> chances of everybody. Raises UserError for another layout."""
    found: dict[str, list[float]] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        for line, row in enumerate(csv.DictReader(stream), start=2):
            try:
                found.setdefault(row["algorithm"], []).append(float(row["selection probability"]))
            except (KeyError, TypeError, ValueError) as error:
                raise UserError(
                    f"{path}, line {line} is not laid out as published.",
                    f"{type(error).__name__}: {error}.",
                    "it needs the columns algorithm and selection probability",
                ) from None
    for name in ("Legacy", "LexiMin"):
        if name not in found:
            raise UserError(f"{path} has no chances of {name}.", f"it has {', '.join(found)}.", "fetch it again")
    return {name: np.array(values) for name, values in found.items()}


def jeffreys_bound(hits: float, draws: float, *, level: float = 0.99) -> float:
    """Return the upper bound of a share by Jeffreys' prior. Source: Brown, Cai and DasGupta 2001."""
    from scipy.stats import beta

    return float(beta.ppf(level, hits + 0.5, draws - hits + 0.5))


def _floored_mean(chances: FloatArray) -> float:
    return geometric_mean(np.maximum(chances, FLOOR))


def _percent(value: float) -> str:
    return f"{value:.1%}"


def pool_checks(folder: Path) -> list[Check]:
    """Return the checks of the two public pools; a pool that is not there is named and not checked."""
    small, larger = folder / "example_small_20", folder / "pool_150"
    if not small.is_dir() and not larger.is_dir():
        raise UserError(
            f"{folder} holds neither example_small_20 nor pool_150.",
            "they are folders of the two public repositories.",
            "see the head of dashboards/tools/sortition_golden.py for where they come from",
        )
    return [*_small_checks(small), *_larger_checks(larger)]


def _small_checks(folder: Path) -> list[Check]:
    if not folder.is_dir():
        return [_absent("200 people, 20 seats", folder)]
    pi = leximin(read(folder / "respondents.csv", folder / "categories.csv", 20)).pi
    figures = fairness(pi)
    return [
        same("200 people, 20 seats", "every chance, LEXIMIN", "10.0% to 10.0%", f"{pi.min():.1%} to {pi.max():.1%}"),
        same("200 people, 20 seats", "Gini", "0.000", f"{figures.gini:.3f}"),
        same("200 people, 20 seats", "geometric mean", "10.0%", _percent(figures.geometric_mean)),
    ]


def _larger_checks(folder: Path) -> list[Check]:
    data = "150 people, 22 seats"
    if not folder.is_dir():
        return [_absent(data, folder)]
    pool = read(folder / "candidates.csv", folder / "features.csv", 22)
    figures, other = fairness(leximin(pool).pi), fairness(maximin(pool).pi)
    return [
        same(data, "smallest chance, LEXIMIN", "0.0909", f"{figures.smallest:.4f}"),
        same(data, "smallest chance, MAXIMIN", "0.0909", f"{other.smallest:.4f}"),
        same(data, "largest chance, LEXIMIN", "0.471", f"{figures.largest:.3f}"),
        same(data, "Gini, LEXIMIN", "0.140", f"{figures.gini:.3f}"),
    ]


def _absent(data: str, folder: Path) -> Check:
    return Check(data=data, claim=folder.name, expected="the folder", found="not there", ok=None)
