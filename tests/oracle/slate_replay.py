"""The published validation of a slate, replayed from a file that the project may not ship.

Fish et al. 2023 asked a hundred new people to rate the five statements of a slate and matched them, twenty to each.
Their file has no licence, so fetch it yourself: github.com/generative-social-choice/chatbot_personalization, path
data/ratings_and_matching.csv (first column the person, one column a statement, then `assignments` and `utility`). Then

    python -m tests.oracle.slate_replay ratings_and_matching.csv

prints how many people have which utility under the file's matching and under the best balanced one. Published: 75 at
4, 18 at 3, 6 at 2, 1 at 0 (93 of 100 mostly or perfectly represented), total 366 under both, twenty a statement.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from societies.assembly.slate import constituencies


@dataclass(frozen=True)
class Replay:
    """Counts of utilities under the file's matching and under ours, and the sizes of our constituencies."""

    theirs: Counter[int]
    ours: Counter[int]
    sizes: tuple[int, ...]

    @property
    def represented(self) -> int:
        """How many are at 3 or 4 under the file's matching."""
        return self.theirs[3] + self.theirs[4]


def replay(path: Path) -> Replay:
    """Read the file and match its people anew."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    statements = [column for column in list(rows[0])[1:] if column not in ("assignments", "utility")]
    utilities = np.array([[float(row[s]) for s in statements] for row in rows])
    given = utilities[np.arange(len(rows)), [statements.index(row["assignments"]) for row in rows]]
    found = constituencies(utilities)
    return Replay(
        theirs=Counter(given.astype(int).tolist()),
        ours=Counter(found.utilities.astype(int).tolist()),
        sizes=tuple(len(seat.people) for seat in found.seats),
    )


def main() -> None:
    found = replay(Path(sys.argv[1]))
    for name, counts in (("file", found.theirs), ("best balanced matching", found.ours)):
        total = sum(u * num for u, num in counts.items())
        print(
            f"{name}: total {total}; " + ", ".join(f"{num} at {u}" for u, num in sorted(counts.items(), reverse=True))
        )
    print(f"mostly or perfectly represented: {found.represented}; people a statement: {found.sizes}")


if __name__ == "__main__":
    main()
