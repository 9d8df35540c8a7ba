"""`folkmoot release verify`: everything that can be checked offline, each check by itself, none trusting another.

Neither torch nor an engine is needed. A check that cannot be made because a file is broken has failed, and says so.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import yaml

from selfalign.release import checks_files, checks_rows
from selfalign.release.config import ReleaseConfig
from selfalign.release.reading import Release, few_collections
from selfalign.release.write import read_sums

BROKEN = (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, pa.ArrowException, yaml.YAMLError)
NUM_WALKED = 100


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the table. found: what was looked at, or what is wrong."""

    name: str
    passed: bool
    found: str


def verify_release(folder: Path, *, runs: Sequence[Path] = (), rebuild: ReleaseConfig | None = None) -> list[Check]:
    """Check a release. Raises UserError when the folder is none.

    runs: run folders; a sample of rows is walked back to them. rebuild: settings; the release is built again from the
    runs, and its bytes are compared.
    """
    with few_collections():
        return _checks(Release.open(folder), runs, rebuild)


def _checks(release: Release, runs: Sequence[Path], rebuild: ReleaseConfig | None) -> list[Check]:
    checks = [
        _check("files and checksums", lambda: checks_files.sums(release), "every file is listed and unchanged"),
        _check("schemas", lambda: checks_files.schemas(release), "columns as in schema.json"),
        _check("counts", lambda: checks_files.counts(release), "files, card, Croissant and funnel agree"),
        *_rows(release),
        *_crossing(release),
        _check("canary", lambda: checks_files.canary(release), "in the card and in every file"),
        _check("documents", lambda: checks_files.documents(release), "they agree, and nothing is left to fill in"),
        _check("licences", lambda: checks_files.licences(release), "of every model and source, none in conflict"),
    ]
    if runs:
        checks.append(
            _check(
                "walk-back",
                lambda: _walked(release, runs),
                f"up to {NUM_WALKED} rows and their words are in the runs",
            )
        )
    if rebuild is not None:
        checks.append(
            _check("same bytes again", lambda: _rebuilt(release, runs, rebuild), "a second build is identical")
        )
    return checks


def _check(name: str, look: Callable[[], list[str]], well: str) -> Check:
    try:
        wrong = look()
    except BROKEN as error:
        return Check(
            name,
            False,
            f"cannot be checked: {type(error).__name__}: {str(error).splitlines()[0][:160] if str(error) else ''}",
        )
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    return Check(name, not wrong, f"{wrong[0]}{more}" if wrong else well)


def _rows(release: Release) -> list[Check]:
    told = (
        ("ids", "ids", "unique, sorted, and the hash of their content"),
        ("lineage", "lineage", "one line a row"),
        ("conversations", "conversations", "well formed, no control token"),
        ("votes", "votes", "preferences follow from their ballots"),
        ("personal data", "pii", "the rules find nothing"),
        ("repeats", "repeats", "no row says what another says"),
    )
    try:
        found = checks_rows.scan(release)
    except BROKEN as error:
        why = f"cannot be checked: {type(error).__name__}: {str(error).splitlines()[0][:160] if str(error) else ''}"
        return [Check(name, False, why) for name, _, _ in told]
    out = []
    for name, key, well in told:
        num = found.wrong.get(key, 0)
        looked = found.num.get(key)
        if key == "votes" and not looked:
            well = "no preference was voted on, or its ballots are not in this release"
        well = f"{well} (n = {looked})" if looked else well
        more = f" (and {num - 1} more)" if num > 1 else ""
        out.append(Check(name, not num, f"{found.examples[key]}{more}" if num else well))
    return out


def _crossing(release: Release) -> list[Check]:
    num = 0

    def look() -> list[str]:
        nonlocal num
        wrong, num = checks_rows.crossing(release)
        return wrong

    check = _check("splits", look, "nothing is on two sides")
    return [replace(check, found=f"{check.found} (near duplicates: n = {num})") if check.passed else check]


def _walked(release: Release, runs: Sequence[Path]) -> list[str]:
    """Return what of a sample of rows is not in the runs; rows are drawn by their ids, which are hashes."""
    from selfalign.release.heard import unsaid
    from selfalign.release.walk import missing_from, runs_by_id

    known = runs_by_id(runs)
    columns = ["id", "config", "run_id", "stage", "sample_id", "request_keys", "request_digests"]
    table = release.lineage(columns)
    order = pc.sort_indices(table["id"])
    step = max(1, table.num_rows // NUM_WALKED)
    lines = table.take(order[::step] if step > 1 else order).to_pylist()
    wrong = []
    for run in sorted({line["run_id"] for line in lines}):
        own = [line for line in lines if line["run_id"] == run]
        if run not in known:
            wrong.append(f"the run {run} was not given")
            continue
        wrong += missing_from(known[run], own) + unsaid(release, known[run], own)
    return wrong


def _rebuilt(release: Release, runs: Sequence[Path], config: ReleaseConfig) -> list[str]:
    from selfalign.release.build import build_release

    with tempfile.TemporaryDirectory() as scratch:
        again = build_release(runs, replace(config, out=scratch))
        new, old = read_sums(again.folder), read_sums(release.folder)
    return [f"{name} differs" for name in sorted(new.keys() | old.keys()) if new.get(name) != old.get(name)]
