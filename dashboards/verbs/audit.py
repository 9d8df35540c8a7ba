"""`folkmoot audit`: an assembly's audit as one file with digests, without a citizen where asked, and its check."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from agents.errors import UserError
from sim.cli.seam import Verb

EPILOG = """examples:
  folkmoot audit RUN --out audit.json                    (everything, with the root to make known)
  folkmoot audit RUN --out public.json --redact c003     (without one citizen; the root is the same)
  folkmoot audit --verify public.json --root HEX         (with no run at hand)

RUN/audit.key makes the digests and stays with the run: whoever has it can try names against a redacted field.
"""


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("run", nargs="?", type=Path, help="run folder with a finished assembly")
    parser.add_argument("--out", type=Path, metavar="FILE", help="file to write")
    parser.add_argument("--redact", nargs="+", default=[], metavar="CITIZEN", help="ids of citizens to take out")
    parser.add_argument("--assembly", default="", metavar="NAME", help="of which assembly, as in folkmoot show")
    parser.add_argument("--verify", type=Path, metavar="FILE", help="check an audit file instead")
    parser.add_argument("--root", default="", metavar="HEX", help="root that was made known, for --verify")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _run(args: argparse.Namespace) -> int:
    from dashboards.audit_export import verify_audit

    if args.verify is None:
        return _write(args)
    if args.run is not None or args.out is not None or args.redact:
        raise UserError("--verify was given with a run, --out or --redact.", "it needs a file alone.", "leave them out")
    found = verify_audit(args.verify, args.root)
    if args.json:
        print(json.dumps(asdict(found)))
    else:
        print(f"{'holds' if found.holds else 'DOES NOT HOLD'}: root {found.root}")
        print(f"{found.num_records} records, {found.num_fields} fields, {found.num_redacted} of them redacted")
        for one in found.broken[:20]:
            print(f"broken: {one}")
        if not args.root:
            print("The root is the file's own; compare it with one that was made known elsewhere (--root).")
    return 0 if found.holds else 1


def _write(args: argparse.Namespace) -> int:
    from dashboards.assembly_source import Archive
    from dashboards.audit_export import audit_of, check_place, write_audit
    from dashboards.lineage import find_assembly
    from dashboards.sources import Reader, stage_key
    from sim.store import Run

    if args.run is None or args.out is None:
        raise UserError(
            "An audit needs a run and --out FILE.",
            "it is written into one file, to be handed on.",
            "type: folkmoot audit RUN --out audit.json (or, to check a file: folkmoot audit --verify FILE)",
        )
    check_place(args.out)
    run = Run.open(args.run)
    reader = Reader(run)
    archive = Archive(reader, sorted((path.name for path in (run.folder / "events").glob("*")), key=stage_key))
    audit = audit_of(run, find_assembly(archive, args.assembly), reader, archive, redact=args.redact)
    write_audit(audit, args.out)
    num = sum(map(len, audit.redactions.values()))
    if args.json:
        print(json.dumps({"file": str(args.out), "root": audit.root, "records": len(audit.records), "redacted": num}))
    else:
        print(f"{args.out}: {len(audit.records)} records, {num} fields redacted")
        print(f"root {audit.root}")
    return 0


verb = Verb(
    help="write an assembly's audit with digests, redacted where asked, and verify it", configure=_configure, run=_run
)
