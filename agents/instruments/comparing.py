"""Before and after: every scale of an instrument compared pair by pair, with an interval and an honest p."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from agents.errors import UserError
from agents.instruments.summary import Summarised, flatten, per_item, scale_items
from agents.instruments.types import MAX_FORFEIT_SHARE, Comparison, Mode, Readings, Scale
from agents.statistics.intervals import NOTHING, bootstrap_mean, paired_shares
from agents.statistics.paired import holm, mcnemar_exact, minimum_detectable_effect, sign_flip


def compare_outcomes(
    instrument: Summarised, before: Sequence[Readings | None], after: Sequence[Readings | None]
) -> list[Comparison]:
    """Return a paired comparison of every scale, p corrected over them by Holm.

    Raises UserError when the two were measured with different items or prompts.
    """
    _check_versions(instrument, before, after)
    first, second = per_item(instrument, before), per_item(instrument, after)
    plain = [scale for scale in instrument.scales if scale.mode is not Mode.DERIVED]
    drafts = [_compared(instrument, scale, first, second) for scale in plain]
    corrected = holm([draft["p"] for draft in drafts])
    return [
        Comparison(
            instrument=instrument.name,
            scale=scale.name,
            group=scale.group,
            before=draft["before"],
            after=draft["after"],
            diff=draft["diff"],
            lo=draft["lo"],
            hi=draft["hi"],
            p=draft["p"],
            p_holm=p_holm,
            test="mcnemar exact" if draft["share"] else "sign flip",
            n=int(draft["n"]),
            mde=draft["mde"],
            better=scale.better,
            flags=_compared_flags(instrument, scale, draft),
        )
        for scale, draft, p_holm in zip(plain, drafts, corrected, strict=True)
    ]


def _check_versions(
    instrument: Summarised, before: Sequence[Readings | None], after: Sequence[Readings | None]
) -> None:
    versions = {reading.version for reading in (*flatten(before), *flatten(after))}
    if len(versions) > 1:
        raise UserError(
            f"{instrument.name} was measured with different items or prompts: versions {', '.join(sorted(versions))}.",
            "only answers to the same items can be compared.",
            "measure both again with the same config",
        )


def _compared(
    instrument: Summarised,
    scale: Scale,
    first: Mapping[str, Mapping[str, float]],
    second: Mapping[str, Mapping[str, float]],
) -> dict[str, float]:
    items = scale_items(instrument, scale)
    common = [i for i in items if scale.name in first.get(i, {}) and scale.name in second.get(i, {})]
    x = np.array([first[i][scale.name] for i in common])
    y = np.array([second[i][scale.name] for i in common])
    n = len(common)
    share = scale.kind == "share" and bool(np.isin(x, (0.0, 1.0)).all() and np.isin(y, (0.0, 1.0)).all())
    if n == 0:
        interval, p, sd = NOTHING, math.nan, math.nan
    elif share:
        up, down = int((y > x).sum()), int((x > y).sum())
        interval = paired_shares(int((x * y).sum()), down, up, int(((1 - x) * (1 - y)).sum()))
        p, sd = mcnemar_exact(down, up), math.sqrt((up + down + 1) / (n + 2))
    else:
        interval, p = bootstrap_mean(y - x), sign_flip(y - x)
        sd = float((y - x).std(ddof=1)) if n > 1 else math.nan
    return {
        "before": float(x.mean()) if n else math.nan,
        "after": float(y.mean()) if n else math.nan,
        "diff": interval.point,
        "lo": interval.lo,
        "hi": interval.hi,
        "p": p,
        "n": n,
        "dropped": len(items) - n,
        "share": share,
        "mde": minimum_detectable_effect(sd, n),
    }


def _compared_flags(instrument: Summarised, scale: Scale, draft: Mapping[str, float]) -> tuple[str, ...]:
    flags = []
    if draft["n"] == 0:
        flags.append("no item was answered both times")
    elif draft["n"] < instrument.min_n:
        flags.append(f"n below {instrument.min_n}: not a finding")
    if draft["dropped"]:
        flags.append(f"{int(draft['dropped'])} items without a pair")
    if draft["dropped"] > MAX_FORFEIT_SHARE * (draft["n"] + draft["dropped"]):
        flags.append("invalid: too many items without a pair")
    return tuple(flags)
