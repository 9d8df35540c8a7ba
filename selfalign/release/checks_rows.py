"""Checks that look at every row: ids, conversations, votes, personal data and repeats, in one pass over each config."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import Any

import pyarrow.parquet as pq

from agents.sample import Vote
from selfalign.label.votes import pair_probability, reward
from selfalign.release.minhash import Document, near_pairs, sign
from selfalign.release.pii import find
from selfalign.release.reading import Release
from selfalign.release.rows import VOTES
from selfalign.release.schemas import COLUMNS, TURNS, base_of, row_id
from selfalign.release.shelf import DISTINCT, Texts
from selfalign.release.text import CONTROL

NUM_COMPARED = 10_000
_NAMES = frozenset(
    ("id", "meta", "subject", "citizen", "turn_id", "role_id", "audience", "role", "group", "dim", "kind")
)
"""Columns that hold names, not texts."""
_BEFORE = ("prompt",)
_AFTER = ("completion", "chosen", "rejected")


class Findings:
    """What was found wrong, a few examples of each kind, and how much was looked at."""

    def __init__(self) -> None:
        self.wrong: dict[str, int] = {}
        self.examples: dict[str, str] = {}
        self.num: dict[str, int] = {}

    def note(self, check: str, what: str) -> None:
        """Count one thing that is wrong with a check; the first is kept as an example."""
        self.wrong[check] = self.wrong.get(check, 0) + 1
        self.examples.setdefault(check, what)

    def looked(self, check: str, num: int = 1) -> None:
        """Count what a check looked at."""
        self.num[check] = self.num.get(check, 0) + num


def scan(release: Release) -> Findings:
    """Look at every row of every config once."""
    found = Findings()
    texts, checked, votes = Texts(), _Checked(), _Votes()
    known = set(release.lineage(["config"])["config"].unique().to_pylist())
    for name in sorted(known - set(release.configs())):
        found.note("lineage", f"{name} is in the lineage and has no file")
    for config in release.configs():
        keys = _lineage_keys(release, config, found)
        last, seen = ("", ""), set[bytes]()
        talks = [name for name, kind in COLUMNS[base_of(config)] if kind == TURNS]
        others = [name for name, kind in COLUMNS[base_of(config)] if kind != TURNS and name not in _NAMES]
        for split, row in release.rows(config):
            where = f"{config}/{row['id']}"
            if last[0] == split and row["id"] <= last[1]:
                found.note("ids", f"{where} is not after {last[1]}")
            last = (split, row["id"])
            _identity(config, split, row, keys.pop(row["id"], None), found)
            _conversations(base_of(config), row, where, found)
            for column in talks:
                for turn in row[column]:
                    checked.text(turn["content"], where, found)
            for column in others:
                for text in texts_of(row[column]):
                    checked.text(text, where, found)
            said = texts.of_row(config, row) if base_of(config) in DISTINCT else None
            if said is not None and said in seen:
                found.note("repeats", f"{where} says what another row says")
            elif said is not None:
                seen.add(said)
            votes.take(base_of(config), row, where)
        for name in keys:
            found.note("lineage", f"{config}/{name} is in the lineage and not in the config")
    votes.count(found)
    return found


def _identity(config: str, split: str, row: Mapping[str, Any], line: tuple[str, str] | None, found: Findings) -> None:
    """Check that a row's id is the hash of its content and that its line in the lineage names its split."""
    where = f"{config}/{row['id']}"
    found.looked("ids")
    if line is None:
        found.note("lineage", f"{where} has no line in the lineage")
        return
    if line[0] != split:
        found.note("lineage", f"{where} is in {split}, and in {line[0]} by the lineage")
    if row_id(config, line[1], row) != row["id"]:
        found.note("ids", f"{where} is not the hash of its content")


def _lineage_keys(release: Release, config: str, found: Findings) -> dict[str, tuple[str, str]]:
    """Return id -> (split, key for the hash) of a config. Repeats are noted."""
    path = release.folder / "provenance" / "lineage.parquet"
    columns = ["id", "split", "run_id", "sample_id", "scene_id", "part"]
    out: dict[str, tuple[str, str]] = {}
    for line in pq.read_table(path, columns=columns, filters=[("config", "=", config)]).to_pylist():
        if line["id"] in out:
            found.note("lineage", f"{config}/{line['id']} is twice in the lineage")
        out[line["id"]] = (line["split"], f"{line['run_id']}|{line['sample_id'] or line['scene_id']}|{line['part']}")
    return out


def texts_of(value: Any) -> Iterator[str]:
    """Yield every text in a value but names."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from texts_of(one)
    elif isinstance(value, dict):
        for name, one in value.items():
            if name not in _NAMES:
                yield from texts_of(one)


class _Checked:
    """Personal data and control tokens, each text once."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def text(self, text: str, where: str, found: Findings) -> None:
        key = hash(text)
        if key in self._seen:
            return
        self._seen.add(key)
        found.looked("pii")
        hits = find(text)
        if hits:
            found.note("pii", f"{where} holds what looks like {hits[0].rule}")
        if ("<" in text or "[" in text) and CONTROL.search(text):
            found.note("conversations", f"{where} holds a control token")


def _conversations(config: str, row: Mapping[str, Any], where: str, found: Findings) -> None:
    columns = [name for name in (*_BEFORE, *_AFTER) if isinstance(row.get(name), list)]
    if not columns:
        return
    found.looked("conversations")
    for name in columns:
        why = _badly_formed(row[name], ends="user" if name in _BEFORE else "assistant", alone=config == "reward")
        if why:
            found.note("conversations", f"{where}, {name}: {why}")
    if "chosen" in columns and row["chosen"] == row["rejected"]:
        found.note("conversations", f"{where}: chosen equals rejected")


def _badly_formed(turns: list[dict[str, str]], *, ends: str, alone: bool) -> str:
    if any(not (turn["content"] or "").strip() for turn in turns):
        return "an empty message"
    return _out_of_order(tuple(turn["role"] for turn in turns), ends, alone)


@cache
def _out_of_order(roles: tuple[str, ...], ends: str, alone: bool) -> str:
    """Return what is wrong with the order of who speaks, or ""."""
    if not roles:
        return "no message"
    if set(roles) - {"system", "user", "assistant"}:
        return "an unknown role"
    if roles[-1] != ends:
        return f"the last message is not by {ends}"
    said = roles[1:] if roles[0] == "system" else roles
    if any(a == b or "system" in (a, b) for a, b in pairwise(said)):
        return "roles do not alternate"
    return "a conversation that begins with an answer" if alone and said[0] != "user" else ""


class _Votes:
    """Ballots and the preferences that should follow from them; of texts only hashes are kept, for there are many."""

    def __init__(self) -> None:
        self._ballots: dict[str, list[Vote]] = {}
        self._options: dict[str, tuple[int, ...]] = {}
        self._pairs: list[tuple[str, str, int, int, float, int]] = []

    def take(self, config: str, row: Mapping[str, Any], where: str) -> None:
        """Remember a ballot, or a preference that was voted on."""
        if config == "ballots":
            subject, value = f"{row['subject']}|{row['dim']}", tuple(row["values"])
            vote = Vote(voter=row["citizen"], group="", dim="", kind=row["kind"], value=value)
            self._ballots.setdefault(subject, []).append(vote)
            self._options[subject] = tuple(hash(text) for text in row["options"])
        elif config == "preference" and row["meta"]["rule"] == VOTES:
            meta = row["meta"]
            sides = (hash(row["chosen"][0]["content"]), hash(row["rejected"][0]["content"]))
            subject = f"{meta['subject']}|{meta['dim']}"
            self._pairs.append((where, subject, *sides, meta["probability"] or 0.0, meta["num_votes"]))

    def count(self, found: Findings) -> None:
        """Count the votes again; note where a preference does not follow from them."""
        for where, subject, better, worse, probability, num_votes in self._pairs if self._ballots else ():
            found.looked("votes")
            votes, options = self._ballots.get(subject, []), self._options.get(subject, ())
            if not votes:
                found.note("votes", f"{where} has no ballot")
                continue
            mean = reward(votes, len(options))
            chosen, rejected = mean.index(max(mean)), mean.index(min(mean))
            if (options[chosen], options[rejected]) != (better, worse):
                found.note("votes", f"{where}: its ballots choose another answer")
            elif abs(pair_probability(votes, chosen, rejected) - probability) > 1e-9:
                found.note("votes", f"{where}: its ballots give another probability")
            elif len({vote.voter for vote in votes}) != num_votes:
                found.note("votes", f"{where}: it has another number of voters")


def crossing(release: Release) -> tuple[list[str], int]:
    """Return (what is on two sides, number of documents compared for near duplicates).

    Scenes, people and groups are compared in all rows; near duplicates in at most 10,000 rows a side and config, drawn
    by their ids, which are hashes.
    """
    links = set(release.settings().get("split_by", ()))
    wrong = _people_on_two_sides(release, links)
    num = 0
    threshold = float(release.settings().get("near_threshold", 0.8))
    for config in release.configs():
        if base_of(config) not in ("sft", "preference", "unpaired"):
            continue
        sides: dict[str, list[tuple[str, Document]]] = {}
        columns = ["id", *(name for name, _ in COLUMNS[base_of(config)] if name in (*_BEFORE, *_AFTER))]
        for split, row in release.rows(config, columns, most=NUM_COMPARED):
            said = "\n".join(turn["content"] for turn in row["prompt"] if turn["role"] != "system")
            answers = tuple(row[name][-1]["content"] for name in _AFTER if name in row)
            sides.setdefault(split, []).append((row["id"], Document(said, answers)))
        if len(sides) < 2:
            continue
        flat = [(split, name, document) for split, some in sides.items() for name, document in some]
        num += len(flat)
        documents = [document for _, _, document in flat]
        for i, j in near_pairs(documents, threshold, sign(documents).whole()):
            if flat[i][0] != flat[j][0]:
                wrong.append(f"{config}: {flat[i][1]} ({flat[i][0]}) is nearly {flat[j][1]} ({flat[j][0]})")
    return wrong, num


def _people_on_two_sides(release: Release, links: set[str]) -> list[str]:
    side: dict[str, str] = {}
    wrong: dict[str, None] = {}
    by_topic = ["topics"] if "topic" in links else []  # a release of an older version has no such column
    for line in release.lines(["split", "run_id", "scene_id", *by_topic, "citizen_ids", "vote_ids", "group"]):
        keys = [f"group {line['group']}"] + ([f"scene {line['run_id']}|{line['scene_id']}"] if line["scene_id"] else [])
        keys += [one for name in by_topic for one in line[name]]
        keys += [f"person {one}" for one in line["citizen_ids"] if "persona" in links]
        keys += [f"person {one.rpartition('#')[0]}" for one in line["vote_ids"] if "voter" in links]
        for key in keys:
            if side.setdefault(key, line["split"]) != line["split"]:
                wrong[key] = None
    return [f"{key} is on two sides" for key in wrong]
