"""What a person decides about a release: its name, its licence, what is taken in, and the words that need judgement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from agents.errors import UserError, nearest

Share = Annotated[float, Field(ge=0.0, lt=1.0)]
LINKS = ("scene", "prompt", "topic", "persona", "voter")
"""What may tie rows to one side of a split."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where instructions or personas came from, and under which terms."""

    name: str
    """As events name it: a file name, "bank", or "population:NAME"."""
    licence: str
    """SPDX identifier."""
    url: str = ""
    citation: str = ""
    note: str = ""
    path: str = ""
    """Of a population of survey rows: its file, so that copied names can be looked for; empty takes the run's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generator:
    """What the manifest of a run does not say about a model."""

    name: str
    licence: str
    url: str = ""
    terms: str = ""
    """Whether its terms restrict training on its output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A named evaluation set that must not be in the release."""

    name: str
    path: str = ""
    """Any layout that instructions come in; empty or missing is reported as not available."""
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The parts of card and datasheet that only a person can judge. The defaults are true of every simulated set."""

    summary: str = ""
    """What it is, in up to three sentences; empty makes them from the counts."""
    motivation: str = "Study and training of alignment methods on data that a simulated society made."
    good_for: str = "Comparing alignment recipes, auditing how votes become labels, and reproducing the runs behind it."
    not_good_for: str = (
        "Estimating what real people think, deciding anything about real people, or training a product unexamined."
    )
    limits: str = (
        "Texts and votes are the output of models or rules. Errors, repetition and the biases of those are in it."
    )
    evidence: str = "Not yet tested: no model trained on this version has been measured."
    maintainer: str = "The person who built this release."
    contact: str = "Not stated by its makers; ask whoever gave it to you."
    behalf: str = "not stated."
    funder: str = "Not stated by its makers."
    ethics: str = "None is recorded. There are no human subjects, so that most rules ask for none."
    users: str = "None is known to its makers."
    comments: str = "Nothing."


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseConfig:
    """The section `release`; `conf/release/default.yaml` holds the defaults."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")] = "folkmoot"
    """The folder is NAME-vVERSION."""
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")] = "0.1.0"
    """Major: a column or its meaning changes. Minor: rows. Patch: documents."""
    title: str = ""
    """Pretty name; empty takes `name`."""
    out: str = "releases"
    """Releases are made below this folder."""
    licence: str = "CC-BY-4.0"
    """SPDX identifier of what the release adds; non-commercial sources keep their own in nc_ configs."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Decides splits and which rows are looked at in samples."""
    configs: list[str] = field(default_factory=list)
    """Only these; empty takes every config that has rows."""
    test_share: Share = 0.1
    validation_share: Share = 0.0
    split_by: list[str] = field(default_factory=lambda: list(LINKS))
    """What must never be on two sides: scene, prompt, topic (of an assembly's question), persona, voter."""
    dims: list[str] = field(default_factory=list)
    """Vote on these dimensions only; empty takes each of them, one preference row a dimension."""
    min_votes: Annotated[int, Field(ge=1)] = 2
    """Voters that a preference by votes needs."""
    min_margin: Annotated[float, Field(ge=0.0, le=1.0)] = 0.1
    """Least |2p - 1| of such a preference."""
    near_threshold: Annotated[float, Field(gt=0.5, le=1.0)] = 0.8
    """Jaccard similarity of answers from which two rows are near duplicates."""
    evaluations: list[Evaluation] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    models: list[Generator] = field(default_factory=list)
    words: Words = field(default_factory=Words)
    authors: list[str] = field(default_factory=lambda: ["Folkmoot"])
    changes: dict[str, str] = field(default_factory=dict)
    """Version -> one sentence why it exists."""
    why: str = ""
    """One sentence why this version exists, where `changes` does not name it; a second version needs it."""
    allow_partial: bool = False
    """Take stages that were not played to the end."""
    allow_other_versions: bool = False
    """Take runs of another minor version of Folkmoot."""
    shard_mb: Annotated[int, Field(ge=1, le=2000)] = 500
    row_group: Annotated[int, Field(ge=1)] = 20_000

    def __post_init__(self) -> None:
        """Refuse link names that do not exist, and shares that leave nothing to train on."""
        for word in self.split_by:
            if word not in LINKS:
                raise UserError(
                    f'release.split_by names "{word}".',
                    f"rows can be kept in one split by {', '.join(LINKS)}.",
                    nearest(word, LINKS),
                )
        if "scene" not in self.split_by:
            raise UserError(
                "release.split_by leaves out scene.", "rows of one scene would leak across splits.", "add scene"
            )
        if self.test_share + self.validation_share >= 1:
            raise UserError(
                f"release.test_share + release.validation_share = {self.test_share + self.validation_share:g}.",
                "nothing would be left to train on.",
                "lower them",
            )

    @property
    def folder(self) -> str:
        """Name of the folder that is made."""
        return f"{self.name}-v{self.version}"


def load_config(path: Path | None, overrides: Sequence[str]) -> ReleaseConfig:
    """Return the shipped defaults, merged with a YAML file and then with KEY=VALUE words.

    Raises UserError for a missing file, unknown keys, and values out of range.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    from sim.config import validate

    shipped = (resources.files("conf") / "release" / "default.yaml").read_text(encoding="utf-8")
    given: list[Any] = [OmegaConf.create(shipped)]
    if path is not None:
        if not path.is_file():
            raise UserError(
                f"There is no release config {path}.",
                "--config names a YAML file.",
                "correct the path, or leave --config out: the defaults then hold, and KEY=VALUE words change them",
            )
        given.append(_yaml(path))
    for word in overrides:
        if "=" not in word:
            raise UserError(
                f"{word} is neither a run folder nor KEY=VALUE.",
                "a release is made from run folders, with settings such as version=0.2.0.",
                "see `folkmoot ls` for the run folders",
            )
    try:
        merged = OmegaConf.merge(*given, OmegaConf.from_dotlist([w.removeprefix("release.") for w in overrides]))
        plain: Any = OmegaConf.to_container(merged, resolve=True)
    except OmegaConfBaseException as error:
        raise UserError(
            "The release config cannot be put together.",
            str(error).splitlines()[0],
            "correct that setting; conf/release/default.yaml shows the form of each",
        ) from None
    return validate(ReleaseConfig, plain, "release")


def _yaml(path: Path) -> Any:
    import yaml
    from omegaconf import OmegaConf

    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not YAML.", str(error).splitlines()[0], "correct it") from None
    if not isinstance(raw, dict):
        raise UserError(
            f"{path} holds no settings.",
            "it is empty." if raw is None else f"it holds one {type(raw).__name__}; settings have names.",
            "write one KEY: VALUE a line, such as version: 0.2.0",
        )
    return OmegaConf.create(raw.get("release", raw))
