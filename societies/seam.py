"""What a society is to the rest of the house: a config class, event tables, and scripts to play."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from agents.persona import Persona
from agents.requests import Script

Column = str
"""Type of an event column: "str", "int", "float", "bool", or a list of one of them: "list[str]" and so on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the run gives to a society.

    cast:  draws personas: (number, seed) -> personas, from the run's population.
    policies: role of a policy in play -> policy name, such as {"all": "base"} or {"ego": "p1", "others": "base"}.
    round: round of the alignment loop, from 0.
    data_folder: relative data paths of the config are looked up here, then in the working directory.
    """

    seed: int
    cast: Callable[[int, int], list[Persona]]
    policies: Mapping[str, str] = field(default_factory=lambda: {"all": "base"})
    round: int = 0
    data_folder: Path = Path()

    def file(self, given: str) -> Path | None:
        """Return the path of a file that the config names; None for "", which takes what is built in."""
        if not given:
            return None
        path = self.data_folder / given
        return path if path.exists() else Path(given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a play will cost, before anything runs, were every reply usable at once.

    between: the fewest and the most requests, where the play itself decides how many there are.
    """

    num_scripts: int
    num_requests: int
    num_prompt_tokens: int
    num_output_tokens: int
    between: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A column of an event table that is a number of the run: its mean over rows goes into `metrics.parquet`.

    A bool column becomes a share with Wilson's interval; a number becomes a mean with Student's interval, so its rows
    should be independent (one a scene, one an assembly). Rows without a value are left out.
    name: what the number is called; "{metric}" stands for the column of that name. by: columns that keep rows apart.
    step: the column that counts, such as "timestep"; "" for one number a stage. null: the value that stands for
    nothing happening; None where there is none.
    ready: rows are means already, one a group and step, with columns `lo`, `hi` and `n` beside `column`.
    """

    table: str
    column: str
    name: str
    definition: str
    unit: str = ""
    by: tuple[str, ...] = ()
    step: str = ""
    null: float | None = None
    ready: bool = False


@runtime_checkable
class Charted(Protocol):
    """A society that names the columns which are numbers of the run; one that does not simply has no curves."""

    curves: Sequence[Curve]


class Society(Protocol):
    """A registered society (entry-point group `folkmoot.societies`).

    config: a dataclass, validated by pydantic from the `society` section of the run's config (without `name`).
    tables: event table -> column -> type. package: where its prompts lie.
    """

    name: str
    package: str
    config: type[Any]
    tables: Mapping[str, Mapping[str, Column]]

    def scripts(self, config: Any, setting: Setting) -> Iterator[tuple[str, Script[Any]]]:
        """Yield (name, script) lazily; names are unique. Raises UserError for unusable data before the first yield."""

    def estimate(self, config: Any, setting: Setting) -> Estimate:
        """Return what `scripts` will cost."""


Rows = Callable[[str], Sequence[Mapping[str, Any]]]
"""Event table -> its rows in one script and the script's children, in their order; empty where there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memories:
    """What one agent of a play is and has perceived.

    card: in plain text. policy: who answered for it. perceived: the oldest first; only what reached this agent.
    """

    name: str
    card: str
    policy: str
    perceived: tuple[str, ...]


@runtime_checkable
class Remembers(Protocol):
    """A society that can tell from its events what an agent perceived, so that the agent can be asked about it."""

    def memories(self, agent: str, rows: Rows) -> Memories | None:
        """Return what an agent of one script perceived; None when nobody there is called that."""
