"""Every voting rule against independent implementations, in an environment of its own.

The oracles (pref_voting, abcvoting, pabutools) drag in packages that must not be here at run time, so they live apart
and pytest does not collect this file. From the repository root:

    uv venv /tmp/oracle -p 3.11
    uv pip install -p /tmp/oracle/bin/python 'pref_voting>=1.18' 'abcvoting>=2.19' pabutools numpy scipy
    PYTHONPATH=. /tmp/oracle/bin/python tests/oracle/voting_oracle.py --profiles 200

Without a counterpart in these packages are veto by consumption and the veto core (held against all groups tried, in
tests/assembly/test_rules.py), consensus thresholds and welfare_2 (one formula each), Birdwatch, and the two rules over
groups (held against production outputs of Polis by `folkmoot polis --golden math`). Fewer than all profiles are counted
where a comparison would say nothing: ties that the two break differently, even electorates, non-unique optima, and for
ranked pairs profiles with more than 500 orders of equal margins, all of which the oracle would go through.

Rankings: 3 to 6 candidates, 3 to 30 voters, impartial, Mallows and Euclidean in turn; then with ties and truncation.
"equal": the sets of winners are the same. "inside": ours is one of theirs, where we break ties and they list them all.
"""

from __future__ import annotations

import argparse
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from societies.assembly import rules as r
from societies.assembly.rules.kemeny import disagreements

warnings.filterwarnings("ignore")


@dataclass
class Row:
    """Agreements of one rule with one oracle."""

    rule: str
    oracle: str
    how: str
    num: int = 0
    agree: int = 0
    misses: list[str] = field(default_factory=list)

    def note(self, good: bool, detail: str) -> None:
        self.num += 1
        self.agree += good
        if not good and len(self.misses) < 3:
            self.misses.append(detail)


def profiles(num: int, rng: np.random.Generator) -> Iterator[r.Profile]:
    cultures: list[Callable[..., r.Profile]] = [r.impartial, r.mallows, r.euclidean]
    for k in range(num):
        yield cultures[k % 3](int(rng.integers(3, 31)), int(rng.integers(3, 7)), rng)


def orders(profile: r.Profile) -> list[list[int]]:
    return np.argsort(profile.ranks, axis=1, kind="stable").tolist()


def rankings(num: int, rng: np.random.Generator) -> list[Row]:
    from pref_voting import voting_methods as v
    from pref_voting.profiles import Profile

    same = {
        "plurality": v.plurality,
        "two_round": v.plurality_with_runoff_put,
        "instant_runoff": v.instant_runoff_put,
        "borda": v.borda,
        "bradley_terry": v.borda,
        "copeland": v.copeland,
        "minimax": v.minimax,
        "schulze": v.beat_path,
        "split_cycle": v.split_cycle,
        "stable_voting": v.stable_voting,
        "kemeny": v.kemeny_young,
    }
    rows = {name: Row(name, f"pref_voting.{method.name}", "equal") for name, method in same.items()}
    pairs = Row("ranked_pairs", "pref_voting.ranked_pairs", "inside")
    smith = Row("smith_set", "pref_voting.top_cycle", "equal")
    lottery = Row("maximal_lottery", "pref_voting.maximal_lottery", "equal to 1e-6, unique optimum")
    bipartisan = Row("maximal_lottery sign", "pref_voting.c1_maximal_lottery", "equal to 1e-6, unique optimum")
    kemeny = Row("kemeny ranking", "pref_voting.kemeny_young_rankings", "same disagreements")
    for p in profiles(num, rng):
        theirs = Profile(orders(p))
        detail = str(orders(p))
        for name, method in same.items():
            rows[name].note(sorted(r.RULES[name](p).winners) == sorted(method(theirs)), detail)
        if _tie_orders(p) <= 500:
            pairs.note(set(r.ranked_pairs(p).winners) <= set(v.ranked_pairs(theirs)), detail)
        smith.note(sorted(r.smith_set(p.margins)) == sorted(v.top_cycle(theirs)), detail)
        best, _ = v.kemeny_young_rankings(theirs)
        ours = [c for tier in r.kemeny(p).ranking for c in tier]
        found = disagreements(ours, p.support)
        kemeny.note(abs(found - disagreements(list(best[0]), p.support)) < 1e-9, detail)
        if p.num_voters % 2:
            for row, method, matrix in (
                (lottery, v.maximal_lottery, "margin"),
                (bipartisan, v.c1_maximal_lottery, "sign"),
            ):
                other = method(theirs)
                gap = max(abs(x - other.get(c, 0)) for c, x in enumerate(r.maximal_lottery(p, matrix=matrix).lottery))
                row.note(gap < 1e-6, detail)
    return [*rows.values(), pairs, smith, kemeny, lottery, bipartisan]


def _tie_orders(profile: r.Profile) -> int:
    """Return in how many orders equal margins can stand; the oracle goes through all of them."""
    above = profile.margins[np.triu_indices(profile.num_candidates, 1)]
    _, sizes = np.unique(np.abs(above), return_counts=True)
    return math.prod(math.factorial(int(size)) for size in sizes) * 2 ** int((above == 0).sum())


def tied(num: int, rng: np.random.Generator) -> list[Row]:
    from pref_voting import voting_methods as v
    from pref_voting.profiles_with_ties import ProfileWithTies

    same = {
        "copeland": v.copeland,
        "minimax": v.minimax,
        "split_cycle": v.split_cycle,
        "stable_voting": v.stable_voting,
    }
    rows = {name: Row(f"{name}, ties and truncation", f"pref_voting.{m.name}", "equal") for name, m in same.items()}
    irv = Row("instant_runoff, truncated", "pref_voting (truncated linear)", "equal, no tie for last")
    for _ in range(num):
        n, m = int(rng.integers(3, 31)), int(rng.integers(3, 7))
        ranks = rng.integers(0, m, (n, m))
        ranked = rng.random((n, m)) < 0.8
        ranked[:, 0] |= ~ranked.any(axis=1)
        p = r.profile_of(ranks, ranked=ranked)
        theirs = ProfileWithTies(
            [{c: int(ranks[i, c]) for c in range(m) if ranked[i, c]} for i in range(n)], candidates=list(range(m))
        )
        theirs.use_extended_strict_preference()
        for name, method in same.items():
            rows[name].note(sorted(r.RULES[name](p).winners) == sorted(method(theirs)), str((ranks, ranked)))
        _truncated(irv, n, m, rng)
    return [*rows.values(), irv]


def _truncated(row: Row, n: int, m: int, rng: np.random.Generator) -> None:
    from pref_voting import voting_methods as v
    from pref_voting.profiles_with_ties import ProfileWithTies

    full = np.argsort(rng.random((n, m)), axis=1)
    length = rng.integers(1, m + 1, n)
    cut = [full[i, : length[i]].tolist() for i in range(n)]
    ours = r.instant_runoff(r.profile_from_orders(cut, m))
    if not ours.ranking or len(ours.winners) > 1:
        return
    theirs = ProfileWithTies([{c: k for k, c in enumerate(o)} for o in cut], candidates=list(range(m)))
    theirs.use_extended_strict_preference()
    row.note(list(ours.winners) == list(v.instant_runoff_for_truncated_linear_orders(theirs)), str(cut))


def grades(num: int, rng: np.random.Generator) -> list[Row]:
    from pref_voting import grade_methods as g
    from pref_voting.grade_profiles import GradeProfile

    methods = {"score": (r.score, g.score_voting), "star": (r.star, g.star)}
    # Theirs takes the midpoint of two medians and stops at the majority gauge; ours goes on to the majority value.
    judged = Row("majority_judgement", "pref_voting.Majority Judgement", "inside, odd electorates")
    rows = {name: Row(name, f"pref_voting.{theirs.name}", "equal") for name, (_, theirs) in methods.items()}
    approvals = Row("approval", "pref_voting.approval", "equal")
    for _ in range(num):
        n, m = int(rng.integers(3, 31)), int(rng.integers(2, 7))
        x = rng.integers(0, 6, (n, m))
        theirs = GradeProfile([dict(enumerate(row)) for row in x.tolist()], list(range(6)), candidates=list(range(m)))
        ours = r.ratings_of(x, lo=0, hi=5)
        for name, (mine, other) in methods.items():
            rows[name].note(sorted(mine(ours).winners) == sorted(other(theirs)), str(x.tolist()))
        if n % 2:
            judged.note(set(r.majority_judgement(ours).winners) <= set(g.majority_judgement(theirs)), str(x.tolist()))
        y = (x > 2).astype(int)
        theirs = GradeProfile([dict(enumerate(row)) for row in y.tolist()], [0, 1], candidates=list(range(m)))
        approvals.note(sorted(r.approval(r.ratings_of(y, lo=0, hi=1)).winners) == sorted(g.approval(theirs)), str(y))
    return [*rows.values(), judged, approvals]


def welfare(num: int, rng: np.random.Generator) -> list[Row]:
    """Rules over utilities. Theirs reads the numbers as they are; ours is given numbers that it does not rescale."""
    from pref_voting import utility_methods as u
    from pref_voting.utility_profiles import UtilityProfile

    rows = {name: Row(name, f"pref_voting.{name_}", "equal") for name, name_ in _WELFARE.items()}
    for _ in range(num):
        n, m = int(rng.integers(3, 16)), int(rng.integers(2, 7))
        x = rng.integers(0, 10, (n, m))
        ours = r.ratings_of(x, lo=0, hi=9)
        # The floor makes utilities .1 ... 1 in steps of .1; ten times that are whole numbers for the oracle.
        theirs = UtilityProfile([dict(enumerate((row + 1).tolist())) for row in x])
        # Their Nash product is of gains over a status quo: a further candidate that everybody values at 0.
        over = UtilityProfile([{**dict(enumerate((row + 1).tolist())), m: 0} for row in x])
        for name, other in _WELFARE.items():
            rule = r.score if name == "score (sum)" else r.RATING_RULES[name]
            found = u.nash(over, sq=m) if name == "nash" else getattr(u, other)(theirs)
            rows[name].note(sorted(rule(ours).winners) == sorted(found), str(x.tolist()))
    return list(rows.values())


_WELFARE = {"score (sum)": "sum_utilitarian", "nash": "nash", "egalitarian": "maximin"}


def transfers(num: int, rng: np.random.Generator) -> list[Row]:
    """The transferable vote with weighted inclusive Gregory transfers, where no tie had to be broken."""
    from pref_voting import proportional_methods as p
    from pref_voting.profiles import Profile

    row = Row("stv", "pref_voting.stv_wig (droop)", "equal, no tie met")
    for profile in profiles(num, rng):
        k = int(rng.integers(1, profile.num_candidates))
        ours = r.single_transferable_vote(profile, k)
        if ours.tie_break is not None:
            continue
        found = p.stv_wig(Profile(orders(profile)), num_seats=k, quota_rule="droop")
        row.note(sorted(ours.members) == sorted(found), f"{orders(profile)} for {k}")
    return [row]


def chances(num: int, rng: np.random.Generator) -> list[Row]:
    from pref_voting import probabilistic_methods as q
    from pref_voting.profiles import Profile

    row = Row("random_dictator", "pref_voting.random_dictator", "equal to 1e-9")
    for profile in profiles(num, rng):
        other = q.random_dictator(Profile(orders(profile)))
        gap = max(abs(x - other.get(c, 0)) for c, x in enumerate(r.random_dictator(profile).lottery))
        row.note(gap < 1e-9, str(orders(profile)))
    return [row]


def committees(num: int, rng: np.random.Generator) -> list[Row]:
    from abcvoting import abcrules, properties
    from abcvoting.preferences import Profile

    same = {
        "pav": (r.pav, abcrules.compute_pav),
        "sequential_pav": (r.sequential_pav, abcrules.compute_seqpav),
        "phragmen": (r.phragmen, abcrules.compute_seqphragmen),
        "equal_shares": (r.method_of_equal_shares, abcrules.compute_equal_shares),
        "chamberlin_courant": (r.chamberlin_courant, abcrules.compute_cc),
        "coverage": (r.coverage, abcrules.compute_seqcc),
        "monroe": (r.monroe, abcrules.compute_monroe),
    }
    rows = {name: Row(name, f"abcvoting.{other.__name__}", "inside") for name, (_, other) in same.items()}
    checks = {"JR": r.jr_failure, "PJR": r.pjr_failure, "EJR": r.ejr_failure, "EJR+": r.ejr_plus_failure}
    tests = {name: Row(f"{name} checker", "abcvoting.properties", "equal") for name in checks}
    for _ in range(num):
        n, m = int(rng.integers(4, 16)), int(rng.integers(3, 8))
        k = int(rng.integers(1, m))
        a = rng.random((n, m)) < rng.uniform(0.2, 0.6)
        a[np.arange(n), rng.integers(0, m, n)] = True
        theirs = Profile(m)
        theirs.add_voters([np.flatnonzero(row).tolist() for row in a])
        for name, (mine, other) in same.items():
            found = other(theirs, committeesize=k, resolute=False)
            rows[name].note(set(mine(a, k).members) in [set(one) for one in found], str((a.astype(int).tolist(), k)))
        some = rng.choice(m, size=k, replace=False).tolist()
        for name, check in checks.items():
            holds = properties.check(name.lower(), theirs, some)
            tests[name].note((check(a, some, k) is None) == holds, str((a.astype(int).tolist(), some)))
    return [*rows.values(), *tests.values()]


def budgets(num: int, rng: np.random.Generator) -> list[Row]:
    from pabutools import election as e
    from pabutools.rules import method_of_equal_shares

    row = Row("equal_shares (budget)", "pabutools", "equal, no tie met")
    for _ in range(num):
        n, m = int(rng.integers(4, 16)), int(rng.integers(3, 8))
        u = rng.integers(0, 6, (n, m)).astype(float)
        costs, budget = rng.integers(2, 20, m).astype(float), float(rng.integers(15, 60))
        ours = r.equal_shares(u, costs, budget)
        if ours.num_ties:
            continue
        projects = [e.Project(str(c), int(costs[c])) for c in range(m)]
        ballots = [e.CardinalBallot({projects[c]: int(u[i, c]) for c in range(m) if u[i, c]}) for i in range(n)]
        found = method_of_equal_shares(
            e.Instance(projects, budget_limit=int(budget)),
            e.CardinalProfile(ballots),
            sat_class=e.Additive_Cardinal_Sat,
        )
        row.note(sorted(int(p.name) for p in found) == sorted(ours.projects), str((u, costs, budget)))
    return [row]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profiles", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print(f"{'rule':<36}{'oracle':<40}{'agree':>7}{'of':>6}  how")
    for number, part in enumerate((grades, budgets, tied, committees, rankings, welfare, transfers, chances)):
        for row in part(args.profiles, np.random.default_rng([args.seed, number])):
            print(f"{row.rule:<36}{row.oracle:<40}{row.agree:>7}{row.num:>6}  {row.how}", flush=True)
            for miss in row.misses:
                print(f"    differs on {miss[:300]}")


if __name__ == "__main__":
    main()
