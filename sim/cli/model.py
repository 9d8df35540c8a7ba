"""`folkmoot model`: bring a model to this machine, list, find and delete it."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from agents.errors import UserError
from sim.cli.seam import Verb

if TYPE_CHECKING:
    from sim.models import Listing

_ACTIONS = ("pull", "ls", "path", "rm")


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.description = "Models on this machine. Entries are the YAML files in conf/model/."
    parser.add_argument("action", choices=_ACTIONS, help="pull: fetch and check; ls: list; path: print; rm: delete")
    parser.add_argument(
        "words",
        nargs="*",
        metavar="NAME",
        help="an entry, a YAML file or a model folder (default: smollm2_135m); KEY=VALUE fills a template, "
        "as in: pull hub repository=OWNER/NAME revision=COMMIT",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _entry_words(words: list[str]) -> tuple[str, dict[str, object]]:
    """Return the entry's name and its overrides from the words on the command line."""
    from sim.models.entry import DEFAULT_MODEL

    names = [word for word in words if "=" not in word]
    if len(names) > 1:
        raise UserError(
            f"{len(names)} models were named: {', '.join(names)}.", "one command handles one model.", "name one of them"
        )
    overrides: dict[str, object] = {}
    for word in words:
        if "=" in word:
            key, _, value = word.partition("=")
            overrides[key.removeprefix("model.")] = value
    return (names[0] if names else DEFAULT_MODEL), overrides


def _run(arguments: argparse.Namespace) -> int:
    from sim import models

    name, overrides = _entry_words(arguments.words)
    if arguments.action == "ls":
        if arguments.words:
            raise UserError(
                f"model ls takes no name, and {' '.join(arguments.words)} was given.",
                "it lists all models.",
                "leave the name out, or ask where one is: folkmoot model path NAME",
            )
        return _print_listing(models.ls(), as_json=arguments.json)
    if arguments.action == "rm":
        deleted = models.rm(models.load_entry(name, overrides) if overrides else name)
        if arguments.json:
            print(json.dumps({"deleted": [str(folder) for folder in deleted]}))
        else:
            for gone in deleted:
                print(f"deleted {gone}")
        return 0
    entry = models.load_entry(name, overrides)
    if arguments.action == "pull":
        folder = models.pull(entry, say=lambda text: print(text, file=sys.stderr, flush=True))
    else:
        folder = models.resolve(entry)
    if arguments.json:
        fields = {
            "name": folder.name,
            "path": str(folder.path),
            "digest": folder.digest,
            "revision": folder.revision,
            "licence": folder.licence,
            "size_bytes": folder.size_bytes,
            "note": entry.note,
        }
        print(json.dumps(fields))
    elif arguments.action == "path":
        print(folder.path)
    else:
        print(
            f"{folder.name} {folder.revision} ({folder.licence}, {folder.size_bytes / 1e6:,.0f} MB) is in {folder.path}"
        )
        print(f"sha256 of all files: {folder.digest}")
        if entry.note:
            print(f"note: {entry.note}")
    return 0


def _print_listing(listing: list[Listing], *, as_json: bool) -> int:
    if as_json:
        lines = [
            {
                "name": item.name,
                "kind": item.kind,
                "state": item.state,
                "path": str(item.path) if item.path else None,
                "size_bytes": item.size_bytes,
                "licence": item.licence,
                "note": item.note,
            }
            for item in listing
        ]
        print(json.dumps(lines))
        return 0
    width = max((len(item.name) for item in listing), default=4)
    for item in listing:
        size = f"{item.size_bytes / 1e6:,.0f} MB" if item.size_bytes else ""
        where = str(item.path or "")
        print(f"{item.name:<{width}}  {item.kind:<7}  {item.state:<8}  {size:>9}  {where}".rstrip())
    return 0


verb = Verb(help="fetch, list, find and delete models", configure=_configure, run=_run)
