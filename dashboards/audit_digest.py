"""Commitments to the records of an audit, field by field, so that a field can be taken out and the digests still hold.

Every field is hashed with its record, its name and a salt of its own; a record's digest is over its fields' digests,
and the root is over the records' digests in order. A redacted field keeps its digest and loses value and salt. Without
the salt (128 bits from a key that stays with the run) nobody can try names against the digest. Pure.
Source of the idea: redactable signatures, Johnson et al. 2002, Homomorphic signature schemes; here one flat list stands
in place of their tree, and nothing is signed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FORMAT = "folkmoot-audit-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What verifying found. broken: fields whose value does not give their digest, as "record field".

    root: computed from the digests that are there. holds: nothing is broken and the root is the file's own.
    """

    root: str
    holds: bool
    broken: tuple[str, ...]
    num_records: int
    num_fields: int
    num_redacted: int


def committed(record: str, fields: Mapping[str, Any], key: bytes) -> dict[str, Any]:
    """Return a record as an audit holds it: each field with value, salt and digest."""
    out = {}
    for name, value in fields.items():
        salt = hmac.new(key, _bytes([record, name]), hashlib.sha256).hexdigest()[:32]
        out[name] = {"value": value, "salt": salt, "digest": field_digest(record, name, value, salt)}
    return {"record": record, "fields": out}


def field_digest(record: str, name: str, value: Any, salt: str) -> str:
    """Return the digest of one field."""
    return hashlib.sha256(_bytes([FORMAT, "field", record, name, value, salt])).hexdigest()


def root_of(head: Mapping[str, Any], records: Sequence[Mapping[str, Any]]) -> str:
    """Return the digest of everything, from the fields' digests alone."""
    parts = [[one["record"], {name: field["digest"] for name, field in one["fields"].items()}] for one in records]
    digests = [hashlib.sha256(_bytes([FORMAT, "record", *part])).hexdigest() for part in parts]
    return hashlib.sha256(_bytes([FORMAT, "root", dict(head), digests])).hexdigest()


def redacted(record: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return a record without the values and salts of some fields."""
    fields = {name: {"digest": field["digest"]} if name in names else field for name, field in record["fields"].items()}
    return {"record": record["record"], "fields": fields}


def check(head: Mapping[str, Any], records: Sequence[Mapping[str, Any]], root: str) -> Check:
    """Verify every field that is still there, and the root."""
    broken, num_fields, num_redacted = [], 0, 0
    for one in records:
        for name, field in one["fields"].items():
            num_fields += 1
            if "salt" not in field:
                num_redacted += 1
            elif field_digest(one["record"], name, field["value"], field["salt"]) != field["digest"]:
                broken.append(f"{one['record']} {name}")
    found = root_of(head, records)
    return Check(
        root=found,
        holds=not broken and found == root,
        broken=tuple(broken),
        num_records=len(records),
        num_fields=num_fields,
        num_redacted=num_redacted,
    )


def _bytes(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode()
