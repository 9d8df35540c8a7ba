"""`folkmoot align RUN`: learn from the samples of an existing run, measure before and after, and let the gate decide.

`folkmoot run` and `folkmoot resume` call the same work through `verb.perform` when `loop.num_rounds` is 1 or more.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.seam import Verb

if TYPE_CHECKING:
    from sim.session import Session

EPILOG = """examples:
  folkmoot align runs/demo/20260101-120000_ab12
  folkmoot align RUN recipe=matrix_dpo recipe.lr=2e-4
  folkmoot align RUN approve=yes          (answer a gate that waits for a person)
"""
SECTIONS = ("recipe", "measure", "loop", "limits")
ALSO = ("data.choices",)


def check(session: Session) -> None:
    """Validate recipe, measure and loop before a run starts, and that training is installed."""
    from importlib.util import find_spec

    from agents.errors import missing_extra
    from selfalign.loop.workshop import Workshop

    Workshop.of(session)
    for module in ("torch", "trl", "peft"):
        if find_spec(module) is None:
            raise missing_extra(module, "train")


def align_run(session: Session) -> dict[str, Any]:
    """Run the loop of an open session to its end, from wherever it was left; return what to print."""
    from selfalign.loop.graph import run_loop
    from selfalign.loop.workshop import Workshop

    shop = Workshop.of(session, on_progress=Teller(session.say))
    state = run_loop(shop)
    history = list(state.get("history", []))
    text = "\n".join([*history, f"policy in force: {state['current']}", f"run {session.run.folder}"])
    return {"policy": state["current"], "rounds": len(history), "history": history, "text": text}


class Teller:
    """Tells the training curve on standard error: the estimate, then at most a line every few seconds."""

    def __init__(self, say: Any, every_s: float = 5.0) -> None:
        self._say = say
        self._every_s = every_s
        self._told = 0.0

    def __call__(self, line: dict[str, Any]) -> None:
        """Tell one line of the curve, or leave it out."""
        if line.get("event") == "estimate":
            self._say(
                f"training: {line['num_rows']} rows ({line['num_too_long']} too long), "
                f"about {line['tokens']} tokens and {line['seconds']:.0f} s"
            )
        elif line.get("event") == "resumed":
            self._say(f"training: going on from step {line['step']}")
        elif time.monotonic() - self._told >= self._every_s or line.get("step") == line.get("max_steps"):
            self._told = time.monotonic()
            self._say(
                f"training: step {line['step']}/{line['max_steps']}, loss {line['loss']:.4f}, "
                f"{line['tokens_per_s']:.0f} tokens/s, {line['eta_s']:.0f} s to go"
            )


def with_overrides(config: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Return a run's config with other settings for learning. Raises UserError for keys of what was played already."""
    from agents.errors import UserError, did_you_mean
    from sim.config import overridden

    out = dict(config)
    values = []
    for word in overrides:
        key, equals, value = word.partition("=")
        section = key.partition(".")[0]
        if not equals or (section not in SECTIONS and key not in ALSO):
            raise UserError(
                f"{word} cannot be changed by align.",
                f"it changes only {', '.join((*SECTIONS, *ALSO))}; the rest was settled when the run was played.",
                did_you_mean(section, [*SECTIONS, "approve"]),
            )
        if key == section:
            out[section] = group(section, value)
        else:
            values.append(word)
    plain = overridden(out, values, closed=False)
    plain["loop"]["num_rounds"] = max(1, int(plain["loop"].get("num_rounds") or 0))
    return plain


def group(section: str, name: str) -> dict[str, Any]:
    """Return the settings of `conf/<section>/<name>.yaml`. Raises UserError for an unknown name."""
    from importlib import resources

    import yaml

    from agents.errors import UserError, did_you_mean

    folder = resources.files("conf") / section
    known = {item.name.removesuffix(".yaml"): item for item in folder.iterdir() if item.name.endswith(".yaml")}
    if name not in known:
        why = f"conf/{section} has no file of that name."
        raise UserError(f"{section}={name} is not known.", why, did_you_mean(name, known))
    return dict(yaml.safe_load(known[name].read_text(encoding="utf-8")))


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("run", type=Path, help="run folder with samples")
    parser.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="settings of recipe, measure, loop or limits; approve=yes|no"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _run(args: argparse.Namespace) -> int:
    from agents.errors import UserError
    from sim.cli.perform import guarded, say
    from sim.config import RunConfig, differing_keys, validate
    from sim.panel import watcher_for
    from sim.session import Session
    from sim.store import Run

    run = Run.open(args.run)
    answers = [word.partition("=")[2] for word in args.overrides if word.startswith("approve=")]
    if any(answer not in ("yes", "no") for answer in answers):
        raise UserError(
            f"approve={answers[-1]} is no answer.", "a gate is passed or not.", "say approve=yes or approve=no"
        )
    words = [word for word in args.overrides if not word.startswith("approve=")]
    config = with_overrides(run.config_in_force, words)
    session = Session(validate(RunConfig, config, ""), run=run, watcher=watcher_for(), say=say)
    check(session)

    def note() -> None:
        changed = differing_keys(run.config, config)
        if changed:
            run.note("align", {"config": config, "differs_from_config_yaml": changed})
        if answers:
            _answer(session, answers[-1])

    return guarded(session, as_json=args.json, first=note)


def _answer(session: Session, answer: str) -> None:
    """Write down what the person says at the gate that waits. Raises UserError when none does."""
    from agents.errors import UserError
    from selfalign.loop.graph import waiting_round
    from selfalign.loop.workshop import Workshop

    shop = Workshop.of(session)
    waiting = waiting_round(shop)
    if waiting is None:
        raise UserError(
            f"approve={answer}: no gate of {session.run.folder} waits for a person.",
            "its loop has not come to a gate yet, or asks nobody there.",
            "set loop.approve=true before the loop reaches its gate",
        )
    shop.approve(waiting, answer)


verb = Verb(
    help="train on a run's samples, measure before and after, and gate",
    configure=_configure,
    run=_run,
    check=check,
    perform=align_run,
)
