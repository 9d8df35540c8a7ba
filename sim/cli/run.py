"""`folkmoot run`: compose a config, check it, say what it will cost, and carry it out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sim.cli.seam import Verb

EPILOG = """examples:
  folkmoot run experiment=demo
  folkmoot run experiment=demo seed=1 society.num_roles=4
  folkmoot run experiment=demo --dry-run
  folkmoot run engine=scripted name=try        (no model: for trying things out, never for a result)
"""


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="Hydra overrides, such as experiment=demo")
    parser.add_argument("--conf", type=Path, metavar="DIR", help="a further folder of config groups")
    parser.add_argument("--dry-run", action="store_true", help="validate everything, estimate the cost and stop")
    parser.add_argument("--cfg", action="store_true", help="print the composed config and stop")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _run(args: argparse.Namespace) -> int:
    import yaml

    from sim.answered import EXPECTED
    from sim.cli.perform import check, guarded, say
    from sim.config import as_dict, compose
    from sim.panel import watcher_for
    from sim.session import Session

    config = compose(args.overrides, config_dir=args.conf)
    if args.cfg:
        print(yaml.safe_dump(as_dict(config), sort_keys=False), end="")
        return 0
    session = Session(config, watcher=watcher_for(), say=say)
    check(session)
    _ = session.personas  # a population that cannot be built is refused here, before there is a folder of the run
    estimate = session.estimate(session.setting())
    if args.dry_run:
        return _dry(session, estimate, as_json=args.json)
    run = session.start()
    run.note(EXPECTED, estimate.num_requests)
    say(f"run {run.folder}: {_requests(estimate)} requests to play {estimate.num_scripts} scripts")
    return guarded(session, as_json=args.json)


def _requests(estimate: Any) -> str:
    about = f"about {estimate.num_requests}"
    return about if estimate.between is None else f"{about} ({estimate.between[0]} to {estimate.between[1]})"


PREFILL_PER_S, DECODE_PER_S = 1_000.0, 700.0
"""Tokens a second of a 135M model on two CPU cores, for the estimate of time when nothing was measured yet."""


def _dry(session: Any, estimate: Any, *, as_json: bool) -> int:
    import orjson

    from sim.config import num_rounds

    _ = session.model, session.named
    rounds = max(1, num_rounds(session.config))
    # What a round costs may depend on its number.
    played = [estimate, *(session.estimate(session.setting(round_=k)) for k in range(2, rounds + 1))]
    prompt, output = sum(one.num_prompt_tokens for one in played), sum(one.num_output_tokens for one in played)
    seconds = prompt / PREFILL_PER_S + output / DECODE_PER_S
    facts = {
        "rounds": rounds,
        "scripts": sum(one.num_scripts for one in played),
        "requests": sum(one.num_requests for one in played),
        **_between(played),
        "prompt_tokens": prompt,
        "output_tokens": output,
        "seconds_on_two_cores": round(seconds),
    }
    if as_json:
        print(orjson.dumps(facts, option=orjson.OPT_INDENT_2).decode())
        return 0
    print("The config is valid. Playing the society will take about:")
    for name, value in facts.items():
        print(f"  {name.replace('_', ' '):<22} {value:>12,}")
    print(
        "Time is for a 135M model on two CPU cores without cache hits; training, measuring and replies that have to be"
    )
    print("asked for again come on top.")
    return 0


def _between(played: list[Any]) -> dict[str, int]:
    """Return the fewest and the most requests where a society tells them; nothing where the number is fixed."""
    if all(one.between is None for one in played):
        return {}
    spans = [one.between or (one.num_requests, one.num_requests) for one in played]
    return {"fewest_requests": sum(low for low, _ in spans), "most_requests": sum(high for _, high in spans)}


verb = Verb(help="start a run from the config, with overrides", configure=_configure, run=_run)
