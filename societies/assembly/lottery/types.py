"""People who are alike are interchangeable: a panel is a count of seats for each type.

Everything the algorithms do, they do with counts; who sits is drawn inside a type at the end. So people of one type
have the same selection probability, and a thousand people are a few hundred variables. With households the rule
stays exact: households with the same mix of people are interchangeable too, and a type is then "this kind of person
in that kind of household".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from societies.assembly.lottery.instance import Instance, IntArray

FloatArray = npt.NDArray[np.float64]
TIGHT = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Polytope:
    """Seat counts x, shape (T,): lower <= matrix @ x <= upper and least <= x <= most. sizes: people a type (T,).

    matrix: sparse (R, T): one row a quota, one for the panel's size, one for each kind of household of mixed
    types.
    """

    matrix: sparse.csr_array
    lower: FloatArray
    upper: FloatArray
    least: FloatArray
    most: FloatArray
    sizes: FloatArray

    def holds(self, panel: FloatArray) -> bool:
        """Say whether a count of seats meets everything (to 1e-6)."""
        rows = self.matrix @ panel
        inside = (rows >= self.lower - 1e-6).all() and (rows <= self.upper + 1e-6).all()
        return bool(inside and (panel >= self.least - 1e-6).all() and (panel <= self.most + 1e-6).all())

    def face(self, target: FloatArray) -> Polytope:
        """Return the panels that can have a part in a lottery whose mean is `target` (T,).

        If the mean lies on a bound, so does every panel that is drawn with a chance above zero.
        """
        rows = self.matrix @ target
        at_top, at_bottom = rows > self.upper - TIGHT, rows < self.lower + TIGHT
        return replace(
            self,
            lower=np.where(at_top, self.upper, self.lower),
            upper=np.where(at_bottom, self.lower, self.upper),
            least=np.where(target > self.most - TIGHT, self.most, self.least),
            most=np.where(target < self.least + TIGHT, self.least, self.most),
        )


@dataclass(frozen=True, slots=True, eq=False)
class HouseKind:
    """Households with the same mix of people. rooms: int64 (households, people in each), in the order of `types`.

    types: the types its people belong to. share: how many people of each of these types live in one household.
    """

    rooms: IntArray
    types: tuple[int, ...]
    share: tuple[int, ...]

    def people(self, number: int) -> IntArray:
        """Return (households, share) of the people of the kind's type with this position."""
        start = sum(self.share[:number])
        return self.rooms[:, start : start + self.share[number]]


@dataclass(frozen=True, slots=True, eq=False)
class Types:
    """The pool by type. of: int64 (n,), the type of each person. kinds: every type belongs to exactly one of them."""

    of: IntArray
    polytope: Polytope
    kinds: tuple[HouseKind, ...]

    @property
    def num(self) -> int:
        """Return how many types there are."""
        return len(self.polytope.sizes)

    def spread(self, panels: FloatArray) -> FloatArray:
        """Return the selection probability of each person (n,) for mean seat counts (T,)."""
        return (panels / self.polytope.sizes)[self.of]


def types_of(pool: Instance, *, whole: bool = False) -> Types:
    """Return the types: people who count for the same quotas (whole: who have the same value of every feature)."""
    marks = pool.codes if whole else pool.member
    if marks.shape[1]:
        plain = np.unique(marks, axis=0, return_inverse=True)[1].reshape(-1)
    else:
        plain = np.zeros(pool.n, dtype=np.int64)
    homes = np.arange(pool.n) if pool.households is None else pool.households
    kinds, of = _kinds(plain, homes)
    return Types(of=of, polytope=_polytope(pool, of, kinds), kinds=kinds)


def _kinds(plain: IntArray, homes: IntArray) -> tuple[tuple[HouseKind, ...], IntArray]:
    """Group households by the sorted types of their people."""
    order = np.lexsort((np.arange(len(plain)), plain, homes))
    starts = np.flatnonzero(np.diff(homes[order], prepend=-1))
    found: dict[tuple[int, ...], list[IntArray]] = {}
    for room in np.split(order, starts[1:]):
        found.setdefault(tuple(plain[room].tolist()), []).append(room)
    of = np.empty(len(plain), dtype=np.int64)
    kinds = []
    number = 0
    for mix in sorted(found):
        rooms = np.stack(found[mix]).astype(np.int64)
        inside = sorted(set(mix))
        share = tuple(mix.count(each) for each in inside)
        types = tuple(range(number, number + len(inside)))
        for position, type_ in zip(np.cumsum((0, *share)), types, strict=False):
            of[rooms[:, position : position + share[type_ - number]]] = type_
        kinds.append(HouseKind(rooms=rooms, types=types, share=share))
        number += len(inside)
    return tuple(kinds), of


def _polytope(pool: Instance, of: IntArray, kinds: tuple[HouseKind, ...]) -> Polytope:
    sizes = np.bincount(of).astype(np.float64)
    first = np.unique(of, return_index=True)[1]
    shared = [kind for kind in kinds if len(kind.types) > 1]
    groups = sparse.lil_array((len(shared), len(sizes)))
    for row, kind in enumerate(shared):
        groups[row, list(kind.types)] = 1.0
    most = np.empty(len(sizes))
    for kind in kinds:
        most[list(kind.types)] = len(kind.rooms)
    quotas = sparse.csr_array(pool.member[first].T.astype(np.float64))
    size = sparse.csr_array(np.ones((1, len(sizes))))
    blocks = [quotas, size, groups.tocsr()] if len(pool.quotas) else [size, groups.tocsr()]
    lower = [float(q.least) for q in pool.quotas] + [float(pool.k)] + [0.0] * len(shared)
    upper = [float(q.most) for q in pool.quotas] + [float(pool.k)] + [float(len(kind.rooms)) for kind in shared]
    matrix = sparse.csr_array(sparse.vstack([block for block in blocks if block.shape[0]]))
    return Polytope(matrix, np.array(lower), np.array(upper), np.zeros(len(sizes)), np.minimum(most, pool.k), sizes)
