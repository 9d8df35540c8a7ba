"""`folkmoot resume`: go on with a run that was stopped, killed or failed."""

from __future__ import annotations

import argparse
from pathlib import Path

from agents.errors import UserError
from sim.cli.seam import Verb


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", nargs="?", help="run folder; the newest one below ./runs when left out")
    parser.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="only limits.* may differ from the run's config"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _run(args: argparse.Namespace) -> int:
    import yaml

    from sim.cli.perform import check, guarded, say
    from sim.config import RunConfig, as_dict, differing_keys, overridden, validate
    from sim.panel import watcher_for
    from sim.session import Session
    from sim.store import Run, latest_run

    words = [word for word in (args.run, *args.overrides) if word]
    folder = words.pop(0) if words and "=" not in words[0] else None
    run = Run.open(folder) if folder else latest_run(Path("runs"))
    config = run.config_in_force
    wanted = overridden(config, words, closed=True)
    changed = [key for key in differing_keys(config, wanted) if not key.startswith("limits.")]
    if changed:
        raise UserError(
            f"The run {run.folder} was started with another config.",
            "these keys differ: " + ", ".join(changed) + ".",
            "resume it without them, or start a new run",
        )
    session = Session(validate(RunConfig, wanted, ""), run=run, watcher=watcher_for(), say=say)
    check(session)
    if as_dict(session.config) != config:
        say("limits differ from config.yaml for this attempt: " + yaml.safe_dump(wanted["limits"]).strip())
    return guarded(session, as_json=args.json)


verb = Verb(help="go on with a run that was stopped, killed or failed", configure=_configure, run=_run)
