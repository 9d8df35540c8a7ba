"""A numeric population: up to millions of people as columns, with a known drift, and a copy of them for each arm.

Each timestep people talk to their neighbours, drift with their group, and meet chance. The copies talk as well; they
are drawn to the history and to their AI. All arms share the network and, through the history, chance. Work goes through
blocks of rows, so that cost is linear in people and ties, and results do not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from agents.requests import Script
from agents.statistics.drift import Kind, steps, stream
from societies.coevolution.protocols import Policy, Pulls
from societies.coevolution.records import Answers, ValueVector
from societies.coevolution.votes import PairBank, flipped, shares

FloatArray = npt.NDArray[np.float64]
Columns = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
T = TypeVar("T")
BLOCK = 8192
SPREAD_PANEL = 4096
"""People whose differences stand for everybody's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folk:
    """What a numeric population is made of; see `config.HumansConfig` for each field."""

    people: int
    dims: int
    num_timesteps: int
    start_sd: float = 1.0
    person_sd: float = 1.0
    drift: Kind = "linear"
    drift_sd: float = 0.4
    period: float = 20.0
    noise_sd: float = 0.0
    influence: float = 0.0
    degree: int = 10
    rewiring: float = 0.1
    segregated: bool = False
    num_threads: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """How people are asked. num_voters: size of the panel drawn anew each timestep; 0 asks everybody."""

    num_voters: int = 0
    noise: float = 0.0
    missing: float = 0.0


class NumericHumans:
    """The humans of `protocols.Humans`, in float32 columns; nothing here asks a model.

    arms: names of the arms that get a copy. minority: share of people of a second group with a drift of its own.
    """

    def __init__(
        self, folk: Folk, bank: PairBank, poll: Poll, *, seed: int, arms: Sequence[str] = (), minority: float = 0.0
    ) -> None:
        self.dims = tuple(f"v{n:02d}" for n in range(folk.dims))
        self.timestep = 0
        self._folk, self._bank, self._poll, self._seed = folk, bank, poll, seed
        self._place = {name: n for n, name in enumerate(arms)}
        num_minor = round(folk.people * minority)
        self.groups: tuple[str, ...] = ("majority", "minority") if num_minor else ()
        sizes = [folk.people - num_minor, num_minor] if num_minor else [folk.people]
        self._bounds = [0, *np.cumsum(sizes).tolist()]
        self._blocks = [
            (slice(at, min(at + BLOCK, hi)), group)
            for group, (lo, hi) in enumerate(zip(self._bounds[:-1], self._bounds[1:], strict=True))
            for at in range(lo, hi, BLOCK)
        ]
        self.steps = np.stack([self._steps(group) for group in range(len(sizes))])
        self._people = np.empty((folk.people, folk.dims), dtype=np.float32)
        self._means = self._sums(self._settle) / np.array(sizes)[:, None]
        self._spare = np.empty_like(self._people)
        self._copies = np.repeat(self._people[:, None], len(arms), axis=1)
        self._spare_copies = np.empty_like(self._copies)
        self._copy_means = np.repeat(self._means[:, None], len(arms), axis=1)
        self._ties = self._talk()

    def tick(self) -> Script[None]:
        """Move the history: talk, drift, chance."""
        yield from ()
        self.timestep += 1
        self._means = self._sums(self._tick) / self._sizes[:, None]
        self._people, self._spare = self._spare, self._people

    def pull(self, policies: Mapping[str, Policy | None], pulls: Pulls) -> Script[None]:
        """Move every copy: talk, then towards the history, then towards its AI. Raises ValueError for a policy name."""
        yield from ()
        targets = np.zeros((len(self._place), self._folk.dims), dtype=np.float32)
        force = np.zeros((len(self._place), 1), dtype=np.float32)
        for name, policy in policies.items():
            if policy is None:
                continue
            if isinstance(policy, str):
                raise ValueError(f'numeric humans cannot listen to the policy name "{policy}"')
            targets[self._place[name]] = policy
            force[self._place[name]] = pulls.ai
        self._copy_means = (
            self._sums(lambda rows, number, group: self._pull(rows, number, targets, force, pulls))
            / self._sizes[:, None, None]
        )
        self._copies, self._spare_copies = self._spare_copies, self._copies

    def disturb(self, arms: Sequence[str], displacement: FloatArray, share: float) -> Script[None]:
        """Push the same random share of people in these copies."""
        yield from ()
        places = [self._place[name] for name in arms]
        push = np.asarray(displacement, dtype=np.float32)
        for number, (rows, group) in enumerate(self._blocks):
            hit = stream(self._seed, "shock", self.timestep, number).random(rows.stop - rows.start) < share
            for place in places:
                self._copies[rows, place] += hit[:, None] * push
                self._copy_means[group, place] += int(hit.sum()) / self._sizes[group] * push.astype(np.float64)

    def ask(self, pairs: IntArray, *, arm: str = "") -> Script[Answers]:
        """Ask a panel, the same people in every arm; it is drawn anew each timestep."""
        yield from ()
        poll, bank = self._poll, self._bank
        rng = stream(self._seed, "panel", self.timestep)
        num = min(poll.num_voters, self._folk.people)
        if bank.kind == "readings" and not num:
            share = self._mean(arm, "")[bank.dim[pairs]]
        else:
            crowd = self._crowd(arm)
            share = shares(crowd[rng.integers(0, len(crowd), num)] if num else crowd, bank, pairs)
        voters = num or self._folk.people
        value = flipped(share, bank, poll.noise, voters, stream(self._seed, "flips", self.timestep))
        if poll.missing:
            lost = stream(self._seed, "missing", self.timestep).random(bank.num_pairs) < poll.missing
            value = np.where(lost[pairs], np.nan, value)
        return Answers(pairs=pairs, value=value, num_voters=float(voters))

    def measure(self, *, arm: str = "", group: str = "") -> Script[ValueVector]:
        """Return the mean over everybody: no sampling, so no interval."""
        yield from ()
        name = arm or "history"
        return ValueVector(
            policy=f"{name}/{group}" if group else name,
            timestep=self.timestep,
            dims=self.dims,
            values=self._mean(arm, group),
            num_items=self._folk.dims,
        )

    def spread(self, *, arm: str = "") -> float:
        """Return the standard deviation over the first few thousand places of a fixed random panel."""
        crowd = self._crowd(arm)
        chosen = stream(self._seed, "spread").integers(0, len(crowd), min(len(crowd), SPREAD_PANEL))
        return float(crowd[chosen].astype(np.float64).std(axis=0).mean())

    @property
    def _sizes(self) -> FloatArray:
        return np.diff(self._bounds).astype(np.float64)

    def _mean(self, arm: str, group: str) -> FloatArray:
        means = self._copy_means[:, self._place[arm]] if arm else self._means
        if group:
            return np.array(means[self.groups.index(group)])
        return np.asarray(self._sizes @ means / self._sizes.sum())

    def _crowd(self, arm: str) -> Columns:
        return self._copies[:, self._place[arm]] if arm else self._people

    def _steps(self, group: int) -> FloatArray:
        folk = self._folk
        rng = stream(self._seed, "drift", group)
        return steps(
            folk.drift,
            num_timesteps=folk.num_timesteps,
            num_dims=folk.dims,
            sd=folk.drift_sd,
            period=folk.period,
            rng=rng,
        )

    def _talk(self) -> list[Any] | None:
        folk = self._folk
        if not folk.influence or folk.people < 3 or folk.degree < 2:
            return None
        from societies.coevolution.network import in_blocks, influence_matrix, small_world

        rng = stream(self._seed, "network")
        seats = rng.permutation(folk.people) if self.groups and not folk.segregated else None
        ties = small_world(folk.people, folk.degree, folk.rewiring, rng, seats=seats)
        return in_blocks(influence_matrix(ties, folk.influence), [rows for rows, _ in self._blocks])

    def _sums(self, work: Callable[[slice, int, int], FloatArray]) -> FloatArray:
        """Run `work` on every block and return the sums of its results by group, added up in a fixed order."""
        jobs = [(rows, number, group) for number, (rows, group) in enumerate(self._blocks)]
        total: list[FloatArray | None] = [None] * (len(self._bounds) - 1)
        for (_, _, group), part in zip(jobs, self._each(work, jobs), strict=True):
            known = total[group]
            total[group] = part if known is None else known + part
        return np.stack([part for part in total if part is not None])

    def _each(
        self, work: Callable[[slice, int, int], FloatArray], jobs: list[tuple[slice, int, int]]
    ) -> Iterable[FloatArray]:
        if self._folk.num_threads < 2 or len(jobs) < 2 * self._folk.num_threads:
            return [work(*job) for job in jobs]
        with ThreadPoolExecutor(self._folk.num_threads) as pool:
            return list(pool.map(lambda job: work(*job), jobs))

    def _settle(self, rows: slice, number: int, group: int) -> FloatArray:
        """Seat the people of a block; all groups start from the same mean."""
        folk = self._folk
        new = stream(self._seed, "people", number).standard_normal(
            (rows.stop - rows.start, folk.dims), dtype=np.float32
        )
        new *= np.float32(folk.person_sd)
        new += stream(self._seed, "start").normal(0.0, folk.start_sd, folk.dims).astype(np.float32)
        self._people[rows] = new
        return _total(new)

    def _tick(self, rows: slice, number: int, group: int) -> FloatArray:
        folk, new = self._folk, self._spare[rows]
        new[:] = self._people[rows] if self._ties is None else self._ties[number] @ self._people
        new += self.steps[group, self.timestep].astype(np.float32)
        if folk.noise_sd:
            chance = stream(self._seed, "chance", self.timestep, number).standard_normal(new.shape, dtype=np.float32)
            chance *= np.float32(folk.noise_sd)
            new += chance
        return _total(new)

    def _pull(self, rows: slice, number: int, targets: Columns, force: Columns, pulls: Pulls) -> FloatArray:
        """Move a block of all copies. Everything is (rows, arms x dims): short inner axes are what makes numpy slow."""
        old = self._copies.reshape(len(self._copies), -1)
        new = self._spare_copies.reshape(old.shape)[rows]
        new[:] = old[rows] if self._ties is None else self._ties[number] @ old
        new *= np.float32(1 - pulls.history)
        new += np.tile(np.float32(pulls.history) * self._people[rows], (1, len(self._place)))
        if force.any():
            heard = np.repeat(force, targets.shape[1], axis=1).reshape(1, -1)
            if pulls.spread:
                unequal = stream(self._seed, "listening", number).uniform(-1.0, 1.0, (len(new), 1))
                heard = (1 + np.float32(pulls.spread) * unequal.astype(np.float32)) * heard
            way = targets.reshape(1, -1) - new
            way *= heard
            new += way
        return _total(new).reshape(targets.shape)


def _total(block: Columns) -> FloatArray:
    """Return the sum over rows: short runs in float32, the rest in float64; fast, and good to about 1e-6."""
    runs = np.add.reduceat(block, np.arange(0, len(block), 128), axis=0)
    return np.asarray(runs.sum(axis=0, dtype=np.float64))
