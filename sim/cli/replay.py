"""`folkmoot replay`: play a run again from its journal alone, and prove that every byte comes out the same."""

from __future__ import annotations

import argparse
from pathlib import Path

from sim.cli.seam import Verb


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="run folder")
    parser.add_argument("--into", type=Path, metavar="DIR", help="keep the replayed run folder here")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _run(args: argparse.Namespace) -> int:
    import orjson

    from sim.cli.perform import say
    from sim.replay import replay

    result = replay(args.run, into=args.into, say=say)
    if args.json:
        print(orjson.dumps(result, option=orjson.OPT_INDENT_2).decode())
    else:
        print(f"{result['num_identical']} of {result['num_files']} files came out byte for byte the same.")
        for name in result["different"]:
            print(f"  differs: {name}")
    return 0 if not result["different"] else 1


verb = Verb(
    help="play a run again from its journal, with no model, and compare every byte", configure=_configure, run=_run
)
