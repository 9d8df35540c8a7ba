"""The audit of one assembly as one file: every row of its event tables and every answer behind them, committed to.

A citizen can be taken out of it: their name, card and texts, the model's answers that were these texts, and whatever
field of anybody else holds their name or eight words in a row of theirs. Id, group, seat and votes stay.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.errors import UserError, did_you_mean
from dashboards.assembly_source import Archive, Key
from dashboards.audit_digest import FORMAT, Check, check, committed, redacted, root_of
from dashboards.sources import Reader
from sim.store import Run

TABLES = (
    "assemblies", "lotteries", "quotas", "citizens", "camps", "seats", "evidence", "testimony", "turns", "notes",
    "influences", "statements", "ballots", "results", "motions", "clauses", "clause_pairs", "dissents", "cards",
    "upgrades", "probes", "quiz", "replays", "degraded",
)  # fmt: skip
OWNERS = ("citizen", "author", "speaker", "mover", "asker")
"""Columns that say whose row it is."""
PUBLIC = ("assemblies", "evidence")
"""Tables whose words are everybody's: quoting the question gives nobody away."""
TEXTS = frozenset({"text", "why", "reason", "title", "policies", "story", "question", "card", "name", "persona_id"})
"""Columns that hold what a row's owner is or said."""
KEY_FILE = "audit.key"
RUN_OF_WORDS = 8
PROVABLE = (
    "that every value still shown is the one committed to under the root, in its record and at its place",
    "how many records and fields there are, and which fields were taken out",
    "with ids, votes and links untouched, that votes recount and clauses lead back to statements, turns and answers",
)
NOT_PROVABLE = (
    "what a redacted field held, or that only what had to go was taken out: fields are listed, their contents are gone",
    "that the root is that of the run, unless it was made known before, or whoever holds the run shows the whole audit",
    "which prompt was asked: digests of requests go too, since names could be tried against them; replay needs the run",
    "that others did not paraphrase the citizen, or that group, votes and place do not give them away",
)
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """An audit as its file holds it. redactions: record -> fields taken out. citizens: those taken out."""

    head: Mapping[str, Any]
    root: str
    citizens: tuple[str, ...]
    redactions: Mapping[str, tuple[str, ...]]
    records: tuple[Mapping[str, Any], ...]


def audit_of(run: Run, key: Key, reader: Reader, archive: Archive, *, redact: Sequence[str] = ()) -> Audit:
    """Return the audit of one arm, without the named citizens. Raises UserError for an id that is none."""
    secret = _key(run)
    rows = list(_rows(archive, reader, key))
    known = [fields["citizen"] for name, fields in rows if name.startswith("citizens/")]
    for citizen in redact:
        if citizen not in known:
            raise UserError(
                f'There is no citizen "{citizen}" in {key.assembly}.{key.arm}.',
                "whoever is taken out is named by the id that the audit has.",
                did_you_mean(citizen, known),
            )
    head = {"format": FORMAT, "run": run.folder.name, "stage": key.stage, "assembly": key.assembly, "arm": key.arm}
    whole = [committed(name, fields, secret) for name, fields in rows]
    taken = _taken(rows, redact) if redact else {}
    records = [redacted(one, taken[one["record"]]) if one["record"] in taken else one for one in whole]
    return Audit(head=head, root=root_of(head, whole), citizens=tuple(redact), redactions=taken, records=tuple(records))


def write_audit(audit: Audit, path: Path) -> None:
    """Write an audit as JSON, with what it proves and what it does not. Raises UserError where it cannot be written."""
    check_place(path)
    whole = {
        **audit.head,
        "root": audit.root,
        "redacted_citizens": list(audit.citizens),
        "provable": list(PROVABLE),
        "not_provable": list(NOT_PROVABLE if audit.citizens else NOT_PROVABLE[1:2]),
        "redactions": {name: list(fields) for name, fields in audit.redactions.items()},
        "records": list(audit.records),
    }
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(json.dumps(whole, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    temporary.replace(path)


def check_place(path: Path) -> None:
    """Raise UserError where no file of that name can be written; call it before long work."""
    if path.is_dir():
        raise UserError(f"{path} is a folder.", "an audit is one file.", f"name a file in it: {path / 'audit.json'}")
    if not path.parent.is_dir():
        raise UserError(
            f"{path} cannot be written.", f"there is no folder {path.parent}.", f"make it: mkdir -p {path.parent}"
        )


def verify_audit(path: Path, root: str = "") -> Check:
    """Verify an audit file. root: one that was made known elsewhere; the file's own otherwise. Raises UserError."""
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
        head = {name: whole[name] for name in ("format", "run", "stage", "assembly", "arm")}
        if head["format"] != FORMAT:
            raise ValueError(f"its format is {head['format']}")
        return check(head, whole["records"], root or whole["root"])
    except OSError as error:
        raise UserError(f"{path} cannot be read.", f"{error.strerror}.", "check the path") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        why = f"it lacks {error}." if isinstance(error, KeyError) else f"{error}."
        raise UserError(f"{path} is no audit.", why, "write one with folkmoot audit RUN --out FILE") from error


def _rows(archive: Archive, reader: Reader, key: Key) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (record, fields) of every row, then of every journalled answer of the arm."""
    for table in TABLES:
        for number, row in enumerate(archive.rows(key, table)):
            yield (
                f"{table}/{number:05d}",
                {name: value for name, value in row.items() if name not in ("assembly", "arm")},
            )
    script = f"{key.stage}/{key.assembly}.{key.arm}"
    for record in reader.journal(key.stage):
        name = str(record["k"])
        if name.startswith((f"{script}#", f"{script}/")):
            yield f"answers/{name}", {"request_digest": record.get("d"), "answer": record.get("r")}


def _taken(rows: Sequence[tuple[str, Mapping[str, Any]]], redact: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return record -> fields that name a citizen or hold what they said."""
    names = {word for _, row in rows for word in _names(row) if row.get("citizen") in redact}
    taken: dict[str, set[str]] = {}
    own: list[str] = []
    for record, row in rows:
        if any(row.get(owner) in redact for owner in OWNERS):
            fields = {name for name in TEXTS & row.keys() if row[name]}
            own += [_said(row[name]) for name in fields - {"card", "persona_id"}]
            taken[record] = fields
    common = {
        one for record, row in rows if record.split("/")[0] in PUBLIC for v in row.values() for one in _runs(_said(v))
    }
    runs = {one for text in own for one in _runs(text)} - common
    identities = {row["identity"] for record, row in rows if record in taken and row.get("identity")}
    for record, row in rows:
        if record.startswith("answers/"):
            taken.setdefault(record, set()).add("request_digest")
            if record.removeprefix("answers/") in identities:
                taken[record].add("answer")
        for name, value in row.items():
            text = _said(value)
            if text and (names & set(_WORD.findall(text.casefold())) or runs & set(_runs(text))):
                taken.setdefault(record, set()).add(name)
    return {record: tuple(sorted(fields)) for record, fields in taken.items() if fields}


def _names(row: Mapping[str, Any]) -> set[str]:
    return {word for word in _WORD.findall(str(row.get("name") or "").casefold()) if len(word) >= 3}


def _said(value: Any) -> str:
    if isinstance(value, str):
        return value
    return " ".join(map(_said, value)) if isinstance(value, list | tuple) else ""


def _runs(text: str) -> list[str]:
    words = _WORD.findall(text.casefold())
    return [" ".join(words[k : k + RUN_OF_WORDS]) for k in range(len(words) - RUN_OF_WORDS + 1)]


def _key(run: Run) -> bytes:
    """Return the run's secret, made at the first audit; all audits of a run share their digests by it."""
    path = run.folder / KEY_FILE
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32) + "\n", encoding="utf-8")
    return bytes.fromhex(path.read_text(encoding="utf-8").strip())
