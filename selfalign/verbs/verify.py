"""`folkmoot verify RELEASE`: the short form of `folkmoot release verify`."""

from __future__ import annotations

import argparse
from pathlib import Path

from sim.cli.seam import Verb

EPILOG = """examples:
  folkmoot verify releases/demo-v0.1.0
  folkmoot verify releases/demo-v0.1.0 --runs RUN RUN --rebuild

the same as `folkmoot release verify`; exit codes: 0 all checks passed, 1 a check failed, 2 not a release
"""


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("release", type=Path, help="release folder")
    parser.add_argument("--runs", nargs="+", type=Path, default=[], help="run folders to walk rows back to")
    parser.add_argument("--rebuild", action="store_true", help="build again from --runs and compare every byte")
    parser.add_argument("--config", type=Path, help="with --rebuild: YAML with settings (else the release's own)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _run(args: argparse.Namespace) -> int:
    from selfalign.verbs.release import verb as release

    parser = argparse.ArgumentParser()
    release.configure(parser)
    words = ["verify", str(args.release), *(["--rebuild"] if args.rebuild else []), *(["--json"] if args.json else [])]
    words += ["--config", str(args.config)] if args.config else []
    words += ["--runs", *map(str, args.runs)] if args.runs else []
    return int(release.run(parser.parse_intermixed_args(words)))


verb = Verb(help="check a release offline (the short form of release verify)", configure=_configure, run=_run)
