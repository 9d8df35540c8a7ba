"""`folkmoot release build|verify|diff|show|push`: make data from runs that a careful stranger can trust."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agents.errors import UserError, missing_extra, nearest
from sim.cli.seam import Verb

EPILOG = """examples:
  folkmoot release build runs/demo/20260101-120000_ab12 name=demo version=0.1.0
  folkmoot release build RUN RUN --config release.yaml --json
  folkmoot release verify releases/demo-v0.1.0
  folkmoot release verify releases/demo-v0.1.0 --runs RUN RUN --rebuild --config release.yaml
  folkmoot release diff releases/demo-v0.1.0 releases/demo-v0.2.0
  folkmoot release show releases/demo-v0.1.0 3fa9 --runs RUN
  folkmoot show 3fa9            (the same, searched in ./releases, with the runs below ./runs)
  folkmoot verify releases/demo-v0.1.0
  folkmoot release push releases/demo-v0.1.0 OWNER/NAME          (says what it would do)
  folkmoot release push releases/demo-v0.1.0 OWNER/NAME --really (does it, private)

exit codes: 0 done or all checks passed, 1 a check failed or a version number says too little, 2 something to put right
"""


NUM_PROMPTS = 3
"""Prompts that `show` prints in full unless it is asked for all."""
ACTIONS = {
    "build": ("RUN [RUN ...] [KEY=VALUE ...]", "make a release from run folders", ("config",)),
    "verify": ("RELEASE", "check a release offline", ("runs", "rebuild", "config")),
    "diff": ("RELEASE RELEASE", "say what changed between two releases", ()),
    "show": ("[RELEASE] ID", "walk a row back to its scene, turns, votes, exact prompts and model",
             ("runs", "config_name", "prompts")),
    "push": ("RELEASE OWNER/NAME", "publish a verified release; says what it would do, and does it with --really",
             ("really", "public")),
}  # fmt: skip
"""Action -> (words, help, options)."""


def _configure(parser: argparse.ArgumentParser) -> None:
    told = "\n".join(f"  {name} {words}\n      {text}" for name, (words, text, _) in ACTIONS.items())
    parser.epilog = f"actions:\n{told}\n\n{EPILOG}"
    parser.add_argument("action", metavar="ACTION", help=", ".join(ACTIONS))
    parser.add_argument("words", nargs="*", metavar="WORD", help="what the action is about, see below")
    parser.add_argument(
        "--config",
        type=Path,
        help="build, verify --rebuild: YAML with settings (rebuild: else the release's)",
    )
    parser.add_argument(
        "--runs",
        nargs="+",
        type=Path,
        default=[],
        help="verify, show: run folders to walk back to (show: else those below ./runs)",
    )
    parser.add_argument("--config-name", default="", help="show: the config, where rows of several begin alike")
    parser.add_argument(
        "--prompts", action="store_true", help=f"show: print every prompt in full, not the first {NUM_PROMPTS}"
    )
    parser.add_argument("--rebuild", action="store_true", help="verify: build again from --runs and compare every byte")
    parser.add_argument("--really", action="store_true", help="push: do it")
    parser.add_argument("--public", action="store_true", help="push: public instead of private")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _run(args: argparse.Namespace) -> int:
    actions = {"build": _build, "verify": _verify, "diff": _diff, "show": _show, "push": _push}
    if args.action not in ACTIONS:
        raise UserError(
            f'"{args.action}" is no action of release.',
            f"its actions are {', '.join(ACTIONS)}.",
            nearest(args.action, ACTIONS),
        )
    words, _, options = ACTIONS[args.action]
    for name in ("config", "runs", "rebuild", "really", "public", "config_name", "prompts"):
        if getattr(args, name) and name not in options:
            meant = [one for one, (_, _, takes) in ACTIONS.items() if name in takes]
            raise UserError(
                f"--{name.replace('_', '-')} means nothing to release {args.action}.",
                f"it is an option of {', '.join(meant)}.",
                "leave it out, or see: folkmoot release --help",
            )
    most = words.count(" ") + 1
    least = most - words.count("[RELEASE]")
    if (args.action == "build" and not args.words) or (args.action != "build" and not least <= len(args.words) <= most):
        raise UserError(
            f"release {args.action} was given {', '.join(args.words) or 'nothing'}.",
            f"it takes {words}.",
            f"type: folkmoot release {args.action} {words}",
        )
    _check_installed()
    return actions[args.action](args)


def _check_installed() -> None:
    from importlib.util import find_spec

    if find_spec("pyarrow") is None:
        raise missing_extra("pyarrow", "release")


def _build(args: argparse.Namespace) -> int:
    from selfalign.release.build import build_release
    from selfalign.release.config import load_config

    settings = [word for word in args.words if "=" in word and not Path(word).exists()]
    runs = [Path(word) for word in args.words if word not in settings]
    built = build_release(runs, load_config(args.config, settings), lambda line: print(line, file=sys.stderr))
    account = built.account
    counts = {table.name: {split: table.num_rows(split) for split in table.splits} for table in account.tables}
    if args.json:
        _print_json({"release": str(built.folder), "rows": counts, "warnings": list(account.warnings)})
        return 0
    rows = [
        (name, *(str(splits.get(s, "-")) for s in ("train", "validation", "test"))) for name, splits in counts.items()
    ]
    _print_table(("config", "train", "validation", "test"), rows)
    for report in account.reports.values():
        print(report["summary"])
    for warning in account.warnings:
        print(f"note: {warning}")
    print(f"release {built.folder}")
    return 0


def _verify(args: argparse.Namespace) -> int:
    from selfalign.release.config import load_config
    from selfalign.release.reading import Release
    from selfalign.release.verify import verify_release

    folder = Path(args.words[0])
    if args.rebuild and not args.runs:
        raise UserError("--rebuild needs runs.", "a release is built from runs.", "add --runs RUN [RUN ...]")
    rebuild = None
    if args.rebuild:
        try:
            settings = Release.open(folder).settings()
        except (OSError, ValueError, KeyError, TypeError):
            raise UserError(
                f"{folder} does not say how it was built.",
                "provenance/config.yaml is missing or damaged.",
                "leave --rebuild out: the other checks need it less",
            ) from None
        named = [f"name={settings['name']}", f"version={settings['version']}"]
        rebuild = load_config(args.config or folder / "provenance" / "config.yaml", named)
    checks = verify_release(folder, runs=args.runs, rebuild=rebuild)
    if args.json:
        _print_json({"passed": all(check.passed for check in checks), "checks": [asdict(check) for check in checks]})
    else:
        _print_table(("check", "", "found"), [(c.name, "passed" if c.passed else "FAILED", c.found) for c in checks])
    return 0 if all(check.passed for check in checks) else 1


def _diff(args: argparse.Namespace) -> int:
    from selfalign.release.diff import diff_releases

    found = diff_releases(Path(args.words[0]), Path(args.words[1]))
    if args.json:
        _print_json(asdict(found))
        return 1 if found.wrong else 0
    print(f"{found.before} -> {found.after}: asks for {found.asks_for}")
    head = ("config", "before", "after", "added", "removed", "moved", "columns")
    told = [
        (c.config, *map(str, (c.num_before, c.num_after, c.num_added, c.num_removed, c.num_moved)), c.columns or "same")
        for c in found.configs
    ]
    _print_table(head, told)
    print(f"{len(found.files)} files differ" + (f": {', '.join(found.files[:8])}" if found.files else ""))
    if found.wrong:
        print(f"FAILED: {found.wrong}")
    return 1 if found.wrong else 0


def _show(args: argparse.Namespace) -> int:
    from selfalign.release.reading import Release
    from selfalign.release.walk import runs_below, runs_by_id, search, walk_back

    name = args.words[-1]
    folder = Path(args.words[0]) if len(args.words) > 1 else search(Path("releases"), name)
    release = Release.open(folder)
    runs = runs_by_id(args.runs or runs_below(release, Path("runs")))
    walk = walk_back(release, name, runs, config=args.config_name)
    if args.json:
        _print_json(asdict(walk))
        return 0
    line = walk.lineage
    facts = [
        ("release", str(folder)),
        ("row", f"{walk.config}/{line['split']} {line['id']}"),
        ("run", f"{line['run_id']}, stage {line['stage']}, seed {line['run_seed']}"),
        ("sample", line["sample_id"]),
        ("scene", f"{line['scene_id']}, tick {line['tick']}, {line['part'] or 'whole'}"),
        ("topics", ", ".join(line.get("topics") or ()) or "none named"),
        ("rule", f"{walk.row['meta']['rule']} {walk.row['meta']['dim']}".strip()),
        ("people", ", ".join(line["citizen_ids"]) or "none named"),
        ("model", ", ".join(line["models"])),
        (
            "policies",
            f"{', '.join(line['policies'])} (versions {line['policy_version_min']} to {line['policy_version_max']})",
        ),
        *(
            (
                f"adapter {one['name']}",
                f"{one['sha256'][:12] or 'no files'}, {one['recipe']} from {one['parent']} of {one['base']}",
            )
            for one in walk.adapters
        ),
        ("judge, recipe", f"{line['judge'] or '-'}, {line['recipe'] or '-'}"),
        ("filters passed", ", ".join(line["filters_passed"])),
        ("journal", walk.journal),
    ]
    _print_table(("what", "value"), [(name, str(value)) for name, value in facts])
    _print_part("turns", ("turn",), [(one,) for one in walk.turns] or [(one,) for one in line["turn_ids"]])
    told = [(b["citizen"], b["group"], b["dim"], b["kind"], str(b["values"]), b["rationale"]) for b in walk.ballots]
    _print_part("votes", ("citizen", "group", "dim", "kind", "values", "why"), told)
    _print_part("prompts", ("name", "digest", "file"), [tuple(one) for one in walk.prompts])
    _print_part("requests", ("request", "digest", "reply"), [(r.key, r.digest[:12], r.reply) for r in walk.requests])
    _print_prompts(walk.requests, None if args.prompts else NUM_PROMPTS)
    for why in walk.missing:
        print(f"missing: {why}")
    return 0


def _print_prompts(requests: Sequence[Any], most: int | None) -> None:
    """Print prompts exactly as they were asked, each with its reply, and say of the others why they are not there."""
    there = [one for one in requests if one.prompt]
    if there:
        print("\nprompts as they were asked (rendered again from the run; the digests are equal)")
    for one in there[:most]:
        print(f"\n--- {one.key}, {one.digest[:12]}")
        for role, content in one.prompt:
            print(f"[{role}]\n{_printable(content)}")
        print(f"[reply]\n{_printable(one.reply)}")
    if most is not None and len(there) > most:
        print(f"\n{len(there) - most} more prompts: add --prompts")
    absent: dict[str, list[str]] = {}
    for one in requests:
        if not one.prompt:
            absent.setdefault(one.why_not, []).append(one.key)
    for why, keys in absent.items():
        hint = "; add --runs RUN" if "not given" in why else ""
        print(f"\n{len(keys)} prompts are not shown ({keys[0]}{' ...' if len(keys) > 1 else ''}): {why}{hint}")


def _printable(text: str) -> str:
    """Return a foreign text in which nothing but its line ends steers the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)


def _push(args: argparse.Namespace) -> int:
    from selfalign.release.push import push_release

    plan = push_release(Path(args.words[0]), args.words[1], really=args.really, private=not args.public)
    if args.json:
        _print_json({**asdict(plan), "num_bytes": plan.num_bytes})
        return 0
    _print_table(("file", "bytes"), [(name, str(size)) for name, size in plan.files])
    seen = "private" if plan.private else "PUBLIC"
    what = "published" if plan.done else "would publish (add --really to do it)"
    print(f"{what}: {plan.num_bytes} bytes to {plan.repository}, {seen}, tag {plan.tag}")
    return 0


def _print_part(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if rows:
        print(f"\n{title}")
        _print_table(head, rows)


def _print_table(head: Sequence[str], rows: Sequence[Sequence[str]], most: int = 100) -> None:
    """Print aligned columns; control characters of foreign texts are dropped, and long cells cut."""
    clean = [
        ["".join(c if c.isprintable() else " " for c in str(cell))[:most] for cell in row] for row in [head, *rows]
    ]
    widths = [max(len(row[k]) for row in clean) for k in range(len(head))]
    for row in clean:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _print_json(value: Any) -> None:
    import orjson

    print(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS, default=str).decode())


verb = Verb(help="build, verify, compare, walk back and publish a dataset release", configure=_configure, run=_run)
