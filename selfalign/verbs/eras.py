"""`folkmoot eras DATA --out FOLDER`: one adapter an era from dated text, for a history that a run can ask."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sim.cli.seam import Verb

EPILOG = """rows, in JSON lines or Parquet: {"creation_year": 1848, "source_dataset": "letters", "content": "..."}

examples:
  folkmoot eras texts/ --out eras --every 100 --dry-run
  folkmoot eras letters.jsonl --out eras --cuts 1700 1800 1900 2000 lr=1e-4 max_steps=200
  folkmoot run --conf eras/conf experiment=own_eras          (the eras as people; see docs/coevolution.md)

settings are those of every recipe (epochs, lr, batch, max_length, lora_r, seed ...).
"""
YEAR = re.compile(r"-?[0-9]{1,6}")
DEFAULTS: dict[str, Any] = {"epochs": 1.0, "lr": 2e-4, "batch": 2, "grad_accumulation": 4, "max_length": 512}
"""Ours, for a LoRA on a small model; the paper trains all weights of 8B models at 1.5e-5."""


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("words", nargs="+", metavar="DATA|KEY=VALUE", help="files or folders with dated text; settings")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where policies and record are kept")
    parser.add_argument("--model", default="", metavar="NAME", help="a model entry, YAML or folder (as folkmoot model)")
    parser.add_argument("--every", type=int, default=100, metavar="YEARS", help="length of an era (100)")
    parser.add_argument("--cuts", nargs="+", default=[], metavar="YEAR", help="first years, and the last end")
    parser.add_argument(
        "--characters", type=int, default=0, metavar="NUM", help="most text an era, chosen by hash; 0 is all"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what each era holds and stop")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _run(args: argparse.Namespace) -> int:
    from importlib.util import find_spec

    from agents.errors import missing_extra
    from selfalign.config import TrainConfig
    from selfalign.eras.corpus import read_corpus
    from selfalign.eras.train import train_eras
    from selfalign.verbs.align import Teller
    from sim.config import validate
    from sim.models import DEFAULT_MODEL, load_entry, resolve

    # An option with several values takes whatever follows it, settings too.
    cuts = [int(word) for word in args.cuts if YEAR.fullmatch(word)]
    data, given = _split([*args.words, *(word for word in args.cuts if not YEAR.fullmatch(word))])
    config = validate(TrainConfig, {**DEFAULTS, **given}, "eras")
    corpus = read_corpus(data, every=args.every, cuts=cuts, max_characters=max(0, args.characters), seed=config.seed)
    if args.dry_run:
        _tell([era.facts() for era in corpus.eras], corpus.lost, as_json=args.json)
        return 0
    for module in ("torch", "peft"):
        if find_spec(module) is None:
            raise missing_extra(module, "train")

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    model = resolve(load_entry(args.model or DEFAULT_MODEL))
    record = train_eras(corpus, model, config, args.out, say=say, on_progress=Teller(say))
    _tell(record["eras"], record["lost"], as_json=args.json)
    if not args.json:
        print(f"ask them: folkmoot run --conf {args.out / 'conf'} experiment=own_eras")
    return 0


def _split(words: Sequence[str]) -> tuple[list[Path], dict[str, Any]]:
    """Return (data, settings). Raises UserError when there is no data."""
    import yaml

    from agents.errors import UserError

    settings = [word for word in words if "=" in word and not Path(word).exists()]
    data = [Path(word) for word in words if word not in settings]
    if not data:
        raise UserError("eras was given no text.", "every word was a setting.", "name files or folders with dated text")
    given = {}
    for word in settings:
        key, _, value = word.partition("=")
        try:
            given[key] = _number(yaml.safe_load(value))
        except yaml.YAMLError:
            raise UserError(
                f"{word} is no setting.", f"{value!r} is no value.", "write KEY=VALUE, as in lr=1e-4"
            ) from None
    return data, given


def _number(value: Any) -> Any:
    """Return "1e-4", which YAML takes for a word, as the number that was meant."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _tell(eras: Sequence[dict[str, Any]], lost: Any, *, as_json: bool) -> None:
    if as_json:
        import orjson

        print(orjson.dumps({"eras": list(eras), "lost": dict(lost)}, option=orjson.OPT_INDENT_2).decode())
        return
    print(f"{'era':<8} {'years':>11} {'documents':>10} {'found':>8} {'characters':>11}  {'loss':>7}")
    for era in eras:
        loss = era.get("metrics", {}).get("loss")
        told = "" if loss is None else f"{loss:.3f}"
        print(
            f"{era['name']:<8} {era['start']:>5}-{era['end'] - 1:<5} {era['num_documents']:>10} {era['num_found']:>8} "
            f"{era['num_characters']:>11}  {told:>7}"
        )
    for why, num in lost.items():
        print(f"left out, {why}: {num}")


verb = Verb(help="train an adapter an era from dated text", configure=_configure, run=_run)
