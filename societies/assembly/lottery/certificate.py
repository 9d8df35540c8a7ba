"""A lottery's certificate: what was asked, what was found, what was proven, and digests to hold it to.

Everything in it can be recomputed from the pool, the quotas and the seed; anybody may compare the digests.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

import numpy as np

from societies.assembly.lottery.fairness import fairness
from societies.assembly.lottery.instance import Instance
from societies.assembly.lottery.lottery import Lottery
from societies.assembly.lottery.recruit import end_to_end
from societies.assembly.lottery.tickets import Tickets
from societies.assembly.lottery.types import TIGHT, FloatArray

VERSION = 1


def certificate(found: Lottery, drawn: Tickets | None = None, in_pool: FloatArray | None = None) -> dict[str, Any]:
    """Return the certificate as plain JSON values, its own digest under "digest" (SHA-256 of the rest).

    in_pool: (n,), everybody's chance of coming into the pool; with it the certificate tells chances from end to end.
    """
    pool = found.pool
    body: dict[str, Any] = {
        "kind": "lottery certificate",
        "version": VERSION,
        "algorithm": found.algorithm,
        "seed": found.seed,
        "num_people": pool.n,
        "panel_size": pool.k,
        "households": pool.households is not None,
        "pool_digest": pool_digest(pool),
        "quotas": [asdict(quota) for quota in pool.quotas],
        "num_panels": len(found.q),
        "lottery_digest": digest([found.panels.tolist(), [f"{q:.12e}" for q in found.q]]),
        "fairness": asdict(fairness(found.pi)),
        "excluded": list(found.excluded),
        "log": dict(found.log),
        "checks": checks(found),
    }
    if in_pool is not None:
        body["end_to_end"] = {
            "fairness": asdict(fairness(end_to_end(in_pool, found.pi))),
            "in_pool_digest": digest([[one, f"{p:.12e}"] for one, p in zip(pool.people, in_pool, strict=True)]),
        }
    if drawn is not None:
        body["tickets"] = {
            "num": len(drawn.panels),
            "seed": drawn.seed,
            "largest_deviation": drawn.deviation,
            "digest": digest([[pool.people[i] for i in row] for row in drawn.panels]),
        }
    return body | {"digest": digest(body)}


def checks(found: Lottery) -> dict[str, bool]:
    """Return what every lottery must satisfy, recomputed from its panels and not from the solver's word."""
    pool, counts = found.pool, found.panels.astype(np.float64)
    return {
        "weights_are_positive_and_sum_to_one": bool((found.q > 0).all() and abs(found.q.sum() - 1) < TIGHT),
        "chances_sum_to_the_panel_size": bool(abs(found.pi.sum() - pool.k) < TIGHT * pool.k),
        "every_panel_meets_size_quotas_and_households": all(found.types.polytope.holds(panel) for panel in counts),
    }


def pool_digest(pool: Instance) -> str:
    """Return a digest of who is in the pool with which features, in which household."""
    homes = None if pool.households is None else pool.households.tolist()
    return digest([list(pool.people), list(pool.features), list(pool.values), pool.codes.tolist(), homes])


def digest(value: Any) -> str:
    """Return the SHA-256 of a plain value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
