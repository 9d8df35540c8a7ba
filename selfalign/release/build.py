"""Building a release: take in, clean, filter, tie together, write, verify, and only then give it its name.

Read from the top: `build_release` is the whole story. Nothing in it looks at a clock, a host or the order of files.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.errors import UserError, nearest
from selfalign.release.account import Account, Table, default_order
from selfalign.release.clean import Cleaner
from selfalign.release.config import ReleaseConfig
from selfalign.release.coverage import coverage
from selfalign.release.croissant import croissant
from selfalign.release.documents import documents
from selfalign.release.filters import key_of
from selfalign.release.intake import OWN, Intake, Item, open_runs
from selfalign.release.judging import Judged, judges, owned
from selfalign.release.meanings import LINES, described
from selfalign.release.names import source_names
from selfalign.release.origins import Facts, Origins, again_key, authors_of, facts_of, item_origin
from selfalign.release.policies import adapters
from selfalign.release.provenance import run_record, write_provenance
from selfalign.release.reading import few_collections
from selfalign.release.rows import RULES, VOTES, Draft, Losses, Pair, ballot_rows, sample_rows, weak_report
from selfalign.release.schemas import COLUMNS, base_of
from selfalign.release.shelf import Press, Shelf, Texts
from selfalign.release.sources import apart, generators, licence_record, used_sources
from selfalign.release.splits import groups, side
from selfalign.release.stock import Stock, take_in
from selfalign.release.talks import talk_rows
from selfalign.release.told import scene_rows
from selfalign.release.trajectories import score_rows, trajectory_rows
from selfalign.release.write import canary_of, write_json, write_sums, write_text

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Built:
    """A finished release."""

    folder: Path
    account: Account


def build_release(folders: Sequence[Path], config: ReleaseConfig, say: Say = lambda line: None) -> Built:
    """Build a release from run folders. say: is told of each step.

    Raises UserError for runs that cannot be used, licences that are missing or clash, a version that exists, and a
    release that fails its own verification.
    """
    target = Path(config.out) / config.folder
    if target.exists():
        raise UserError(
            f"{target} exists.",
            "a version is never overwritten.",
            "raise release.version, or choose another release.out",
        )
    _check_configs(config)
    _check_reason(target, config)
    intakes = open_runs(folders, config)
    with few_collections():
        return _build(target, intakes, config, say)


def _build(target: Path, intakes: Sequence[Intake], config: ReleaseConfig, say: Say) -> Built:
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        account = _write(temporary, intakes, config, say)
        say("verifying")
        _must_pass(temporary)
        temporary.replace(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Built(target, account)


def _check_configs(config: ReleaseConfig) -> None:
    for name in config.configs:
        if base_of(name) not in COLUMNS:
            raise UserError(
                f'release.configs names "{name}".',
                f"a release can hold {', '.join(COLUMNS)}.",
                nearest(name, COLUMNS),
            )


def _check_reason(target: Path, config: ReleaseConfig) -> None:
    earlier = sorted(path.name for path in target.parent.glob(f"{config.name}-v*.*.*") if path.is_dir())
    if earlier and not config.why and config.version not in config.changes:
        raise UserError(
            f"{target.name} says nothing about why it exists beside {earlier[-1]}.",
            "a new version comes with a sentence why, in its CHANGELOG.md.",
            'add why="ONE SENTENCE", or name the version under changes in the release config',
        )


def _must_pass(folder: Path) -> None:
    from selfalign.release.verify import verify_release

    failed = [check for check in verify_release(folder) if not check.passed]
    if failed:
        raise UserError(
            "The release fails its own verification.",
            "; ".join(f"{check.name}: {check.found}" for check in failed),
            "put right what is named (settings, runs), then build again; nothing was written",
        )


def _write(folder: Path, intakes: Sequence[Intake], config: ReleaseConfig, say: Say) -> Account:
    """Write everything into a folder. What was read is let go at the end, before anything is verified."""
    names, compared = source_names(intakes, config.sources)
    cleaner = Cleaner(names=names, compared=compared)
    stock = take_in(intakes, config, cleaner, say)
    voted = {one.item.source for one in stock.again}
    used = used_sources(voted | set(stock.num_by_source), intakes, config)
    models = generators(intakes, config)
    spoke = adapters(intakes, config, stock.num_by_policy)
    facts = facts_of(intakes, [*stock.items, *(one.item for one in stock.again)])
    own = owned((*stock.items, *(one.item for one in stock.again)), facts)
    origins, shelves, losses, judged = shelve(intakes, facts, stock, config, cleaner, apart(used, intakes))
    say("rows: " + ", ".join(f"{shelf.num_made - shelf.num_repeats} {name}" for name, shelf in shelves.items()))
    tied, sides = _sides(origins, stock.ties, config)
    canary = canary_of(config.folder)
    press = Press(folder, config, canary, origins.table(tied), sides)
    tables = tuple(press.print(shelves[name]) for name in default_order(list(shelves)))
    press.close()
    reports = {
        "funnel": _funnel_report(stock, shelves, tables, losses),
        "splits": _split_report(tied, sides, config),
        **stock.reports,
        "pii": cleaner.report(config.seed),
        "judges": judges(judged, facts, own, config.seed),
        "coverage": coverage(intakes, config.sources, origins.people, config.seed),
        "weak_pairs": weak_report(losses.weak, sum(one.rule == VOTES for one in judged), config),
    }
    told = [licence_record(one) for one in used]
    account = _account(intakes, stock, config, tables, reports, models, spoke, told, canary)
    for name, text in documents(account).items():
        write_text(folder / name, text)
    write_json(folder / "croissant.json", croissant(account))
    write_json(folder / "schema.json", {name: described(name) for name in (*(table.name for table in tables), LINES)})
    for name, report in reports.items():
        write_json(folder / "reports" / f"{name}.json", report)
    write_provenance(folder / "provenance", config, intakes, account)
    write_sums(folder)
    return account


def shelve(
    intakes: Sequence[Intake],
    facts: Sequence[Facts],
    stock: Stock,
    config: ReleaseConfig,
    cleaner: Cleaner,
    nc: tuple[set[str], set[str]],
) -> tuple[Origins, dict[str, Shelf], Losses, list[Judged]]:
    """Make the rows of all configs; the stock's items are used up. nc: sources and runs whose rows stand apart."""
    origins, texts = Origins(by_topic="topic" in config.split_by), Texts()
    shelves: dict[str, Shelf] = {}
    losses = Losses()
    judged: list[Judged] = []

    def put(name: str, draft: Draft) -> None:
        if config.configs and name not in config.configs:
            return
        meta = draft.row["meta"]
        whole = f"nc_{name}" if meta["source"] in nc[0] or meta["run"] in nc[1] else name
        shelf = shelves.get(whole)
        if shelf is None:
            shelf = shelves[whole] = Shelf(whole, texts)
        if shelf.add(draft, origins.names[draft.origin]) and name == "preference":
            longer = len(draft.row["chosen"][0]["content"]) - len(draft.row["rejected"][0]["content"])
            judged.append(Judged(longer, meta["rule"], meta["probability"], meta["disagreement"]))

    kept = {(item.run, item.stage, str(item.sample.meta.get("scene_id") or "")) for item in stock.items}
    repeated = {one.first for one in stock.again}
    stock.items.reverse()
    while stock.items:  # each is let go when it is on the shelves, which take as much memory again
        item = stock.items.pop()
        row, keys = item_origin(item, facts[item.run], config.split_by)
        own = key_of(item, intakes)
        tie = [again_key(own)] if own in repeated else []
        number = origins.add(row, [*keys, *tie], authors_of(item, facts[item.run]))
        for name, draft in sample_rows(number, item.sample, config, _meta(item, intakes), losses):
            put(name, draft)
    for again in stock.again:
        item = again.item
        row, keys = item_origin(item, facts[item.run], config.split_by, again=True)
        number = origins.add(row, [*keys, again_key(again.first)])
        for name, draft in ballot_rows(number, item.sample, _meta(item, intakes)):
            put(name, draft)
    for run, one in enumerate(facts):
        for stage in one.intake.stages:
            names = {scene for r, s, scene in kept if (r, s) == (run, stage)}
            for name, draft in scene_rows(one, stage, names, origins, cleaner, stock.matcher):
                put(name, draft)
            for name, draft in talk_rows(one, stage, origins, cleaner, stock.matcher):
                put(name, draft)
            for name, draft in trajectory_rows(one, stage, origins):
                put(name, draft)
        for name, draft in score_rows(one, origins):
            put(name, draft)
    if not shelves:
        raise UserError("No config has a row.", f"release.configs = {config.configs}.", f"known: {', '.join(COLUMNS)}")
    return origins, shelves, losses, judged


def _meta(item: Item, intakes: Sequence[Intake]) -> Callable[[str, Pair | None], dict[str, Any]]:
    """Return what makes the meta of a sample's rows from the rule and the pair."""
    sample, intake = item.sample, intakes[item.run]
    common = {
        "subject": key_of(item, intakes),
        "run": intake.run_id,
        "scene": str(sample.meta.get("scene_id") or ""),
        "society": intake.society,
        "kind": sample.kind,
        "source": item.source,
    }
    policies = list(sample.lineage.policies)

    def meta(rule: str, pair: Pair | None) -> dict[str, Any]:
        return {
            **common,
            "rule": rule,
            "dim": pair.dim if pair else "",
            "probability": pair.probability if pair else None,
            "num_votes": pair.num_votes if pair else 0,
            "disagreement": pair.disagreement if pair else None,
            "policies": policies,
        }

    return meta


def _sides(origins: Origins, ties: Sequence[tuple[int, int]], config: ReleaseConfig) -> tuple[list[str], list[str]]:
    """Return the group and the split of each origin.

    Near duplicates and what shares a scene, prompt or person are kept together.
    """
    for number, (i, j) in enumerate(ties):
        for place in (i, j):  # samples are the first origins, in order
            origins.keys[place].append(f"~near|{number}")
    names = groups(origins.keys)
    if len(set(names)) == 1:  # whatever its hash says: a release that is all test is of no use
        return names, ["train"] * len(names)
    return names, [side(name, config.seed, config.test_share, config.validation_share) for name in names]


def _split_report(tied: Sequence[str], sides: Sequence[str], config: ReleaseConfig) -> dict[str, Any]:
    sizes = Counter(tied)
    largest = max(sizes.values()) / len(tied)
    shares = {name: round(num / len(sides), 4) for name, num in sorted(Counter(sides).items())}
    told = ", ".join(f"{name} {100 * share:.1f} %" for name, share in shares.items())
    return {
        "tool": "folkmoot splits",
        "version": 1,
        "parameters": {"seed": config.seed, "split_by": config.split_by, "test_share": config.test_share},
        "num_groups": len(sizes),
        "share_of_largest_group": round(largest, 4),
        "shares": shares,
        "summary": f"Splits: {len(sizes)} groups that share a {', '.join(config.split_by)} or near-equal answers; "
        f"{told}; the largest group holds {100 * largest:.0f} %.",
    }


def _funnel_report(stock: Stock, shelves: dict[str, Shelf], tables: Sequence[Table], losses: Losses) -> dict[str, Any]:
    steps = [
        {"name": s.name, "num_in": s.num_in, "num_out": s.num_out, "reasons": dict(s.reasons)}
        for s in stock.funnel.steps
    ]
    told = {}
    for table in tables:
        shelf = shelves[table.name]
        told[table.name] = {
            "num_made": shelf.num_made,
            "num_repeats": shelf.num_repeats,
            "num_rows": table.num_rows(),
            "splits": {split: table.num_rows(split) for split in table.splits},
            "samples_without_row": dict(sorted(getattr(losses, table.name, Counter()).items())),
        }
    first = stock.funnel.steps[0].num_in
    return {
        "tool": "folkmoot funnel",
        "version": 1,
        "parameters": {},
        "steps": steps,
        "num_kept": stock.num,
        "configs": told,
        "summary": f"Funnel: {first} samples played, {stock.num} kept ("
        + "; ".join(f"{s['name']} {s['num_in']} to {s['num_out']}" for s in steps)
        + ").",
    }


def _account(
    intakes: Sequence[Intake],
    stock: Stock,
    config: ReleaseConfig,
    tables: tuple[Table, ...],
    reports: dict[str, Any],
    models: Sequence[dict[str, str]],
    spoke: Sequence[dict[str, Any]],
    sources: Sequence[Any],
    canary: str,
) -> Account:
    by_source, by_run = stock.num_by_source, stock.num_by_run
    composition = [{**one, "num": by_source[one["name"]]} for one in sources if by_source[one["name"]]]
    if by_source[OWN]:
        own = {"name": OWN, "licence": config.licence, "commercial": True, "citation": "", "num": by_source[OWN]}
        composition.append({**own, "note": "prompts that the society made up"})
    warnings = [warning for intake in intakes for warning in intake.warnings]
    if config.test_share and "test" not in reports["splits"]["shares"]:
        warnings.append(
            "There is no test split: everything is tied together by "
            + ", ".join(config.split_by)
            + f" ({reports['splits']['num_groups']} groups)"
        )
    told = [name for name, share in reports["diversity"]["languages"].items() if name != "und" and share >= 0.01]
    return Account(
        config=config,
        canary=canary,
        tables=tables,
        generators=tuple(models),
        adapters=tuple(spoke),
        sources=tuple(sources),
        composition=tuple(composition),
        runs=tuple(run_record(intake, by_run[number]) for number, intake in enumerate(intakes)),
        reports=reports,
        rules={name: RULES.get(name, name) for name in reports["judges"]["rules"]},
        languages=tuple(told) or ("und",),
        warnings=tuple(warnings),
        rebuild="folkmoot release build "
        + " ".join(f"runs/{intake.run_id}" for intake in intakes)
        + f" out=again --config {config.folder}/provenance/config.yaml",
    )
