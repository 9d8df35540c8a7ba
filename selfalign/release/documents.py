"""Card, datasheet, licence, citation and changelog, rendered from one account."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import jinja2
import yaml

from selfalign.release.account import Account, front_matter
from selfalign.release.sources import link

PLACEHOLDER = re.compile(
    r"\b(?:TODO|TBD|FIXME|XXX|lorem ipsum|to be written)\b|\[\[[^\]]*\]\]|\{\{|\}\}", re.IGNORECASE
)
DOCUMENTS = {
    "README.md": "card.md.jinja",
    "DATASHEET.md": "datasheet.md.jinja",
    "LICENSE": "licence.jinja",
    "CITATION.cff": "citation.jinja",
    "CHANGELOG.md": "changelog.jinja",
}


@cache
def _environment() -> jinja2.Environment:
    folder = resources.files("selfalign.release") / "templates"
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class _View:
    """What templates see: the account, and a few words made from it."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.licence_url = link(account.config.licence)
        self.noncommercial = [str(one["licence"]) for one in account.sources if not one["commercial"]]
        self.personas = _personas(account)
        told = dict(account.config.changes)
        told.setdefault(account.config.version, account.config.why or "First build of this version.")
        self.changes = sorted(told.items(), key=lambda pair: [int(n) for n in pair[0].split(".")], reverse=True)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._account, name)


def _personas(account: Account) -> str:
    """Return where personas come from, under which licence, which margins they match and where they fail."""
    terms = {str(one["name"]): one for one in account.sources}
    told = []
    for name, margins in sorted({(str(run["population"]), str(run["margins"])) for run in account.runs}):
        if name:
            source = terms.get(f"population:{name}", {})
            note = f", {source['note']}" if source.get("note") else ""
            match = f"They match the margins of {margins}." if margins else "Which margins they match is not stated."
            told.append(f"the population {name} ({source.get('licence', 'licence not stated')}{note}). {match}")
    return " Others come from ".join(told) or "the society's own lists of roles, which match no margins."


def documents(account: Account) -> Mapping[str, str]:
    """Return file -> text of every document."""
    view = _View(account)
    texts = {name: _environment().get_template(template).render(a=view) for name, template in DOCUMENTS.items()}
    header = yaml.safe_dump(front_matter(account), sort_keys=False, allow_unicode=True, width=120)
    texts = {name: re.sub(r"\n{3,}", "\n\n", text) for name, text in texts.items()}
    texts["README.md"] = f"---\n{header}---\n\n{texts['README.md']}"
    return texts


def placeholders(text: str) -> list[str]:
    """Return what was left in a document for a person to fill in; code blocks and real rows do not count."""
    outside = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return [match.group() for match in PLACEHOLDER.finditer(outside)]


_QUESTION = re.compile(r"^- \*\*(.+?)\*\*[ \t]*(.*)$", re.MULTILINE)


def questions(datasheet: str) -> list[tuple[str, str]]:
    """Return (question, answer) of a datasheet."""
    return _QUESTION.findall(datasheet)


def read_front_matter(text: str) -> dict[str, Any]:
    """Return a card's YAML header; {} when it has none."""
    parts = text.split("---\n", 2)
    found = yaml.safe_load(parts[1]) if len(parts) == 3 and not parts[0] else {}
    return found if isinstance(found, dict) else {}
