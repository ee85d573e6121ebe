"""Terms and normal forms of the checker as numbers, at small sizes: shares nothing with it.

raw terms   q c n v iv + * ^ f S d Inv LD          atoms   N c n v iv d f P S Inv LD
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from random import Random
from typing import Any

import numpy as np
from test_checker_random import call, power

from symelbo.checker.forms import Forms
from symelbo.checker.polynomial import Poly
from symelbo.checker.terms import Raw, RawIndex

__all__ = ["At", "admissible", "value_of", "value_of_poly"]

Values = Mapping[tuple[str, tuple[int, ...]], float]


@dataclass(frozen=True)
class At:
    """Sizes, the entries of arrays, and where the indices are."""

    sizes: Mapping[str, int]
    values: Values
    env: Mapping[RawIndex, int] = field(default_factory=dict)

    def length(self, size: str, offset: int) -> int:
        """The last place of a range."""
        return offset + (self.sizes[size] if size else 0)

    def places(self, index: RawIndex) -> range:
        """The range of an index."""
        return range(index[2], self.length(*index[3:]) + 1)

    def put(self, *pairs: tuple[RawIndex, int]) -> At:
        """The same with indices elsewhere."""
        return At(self.sizes, self.values, {**self.env, **dict(pairs)})

    def place(self, index: RawIndex) -> int:
        """The number of an index."""
        match index:
            case ("o", inner, by):
                return self.place(inner) + by
            case ("p", size, offset):
                return self.length(size, offset)
        return self.env[index]

    def over(self, indices: tuple[RawIndex, ...]) -> Iterator[At]:
        """Everywhere in the ranges of some indices."""
        for places in product(*map(self.places, indices)):
            yield self.put(*zip(indices, places, strict=True))


def value_of(raw: Raw, at: At) -> float:
    """The value of a term as it is handed to the checker."""
    match raw:
        case ("q", value):
            return float(value)
        case ("c", _):
            return math.pi
        case ("n", size):
            return float(at.sizes[size])
        case ("v", name, _, where):
            return at.values[name, tuple(map(at.place, where))]
        case ("iv", index):
            return float(at.place(index))
        case ("+", *parts):
            return math.fsum(value_of(part, at) for part in parts)
        case ("*", *parts):
            return math.prod(value_of(part, at) for part in parts)
        case ("^", base, exponent):
            return power(value_of(base, at), value_of(exponent, at))
        case ("f", name, *arguments):
            return call(name, *(value_of(a, at) for a in arguments))
        case ("d", left, right):
            return float(at.place(left) == at.place(right))
        case ("S", index, body):
            return math.fsum(value_of(body, here) for here in at.over((index,)))
        case ("Inv", (indices, body), row, column):
            table = _table(at, indices, lambda here: value_of(body, here))
            return float(np.linalg.inv(table)[at.place(row) - 1, at.place(column) - 1])
        case ("LD", (indices, body)):
            return _log_det(_table(at, indices, lambda here: value_of(body, here)))
    raise TypeError(raw[0])


def value_of_poly(forms: Forms, poly: Poly, at: At) -> float:
    """The value of a normal form."""
    return math.fsum(
        float(c) * math.prod(power(_atom(forms, forms.atoms[a], at), float(e)) for a, e in m)
        for m, c in poly.items()
    )


def _atom(forms: Forms, atom: tuple[Any, ...], at: At) -> float:
    match atom:
        case ("N", value):
            return float(value)
        case ("P", frozen):
            return value_of_poly(forms, dict(frozen), at)
        case ("f", name, *arguments):
            return call(name, *(value_of_poly(forms, dict(p), at) for p in arguments))
        case ("S", indices, monomial):
            return math.fsum(value_of_poly(forms, {monomial: 1}, h) for h in at.over(indices))
        case ("Inv", (indices, frozen), row, column):
            table = _table(at, indices, lambda here: value_of_poly(forms, dict(frozen), here))
            return float(np.linalg.inv(table)[at.place(row) - 1, at.place(column) - 1])
        case ("LD", (indices, frozen)):
            return _log_det(
                _table(at, indices, lambda here: value_of_poly(forms, dict(frozen), here))
            )
    return value_of(atom, at)


def _table(at: At, indices: tuple[RawIndex, RawIndex], entry: Any) -> np.ndarray:
    rows, columns = indices
    return np.array(
        [
            [entry(at.put((rows, i), (columns, j))) for j in at.places(columns)]
            for i in at.places(rows)
        ]
    )


def _log_det(table: np.ndarray) -> float:
    sign, value = np.linalg.slogdet(table)
    if sign <= 0:
        raise ValueError("a determinant that is not positive")
    return float(value)


def admissible(random: Random, sizes: Mapping[str, int]) -> Values:
    """Values of the scalars x, y, a, b, p, z, z2 and of the arrays v, w, t, u, s, pi, table."""
    rows, categories = range(1, sizes["D"] + 1), range(1, sizes["C"] + 1)
    n = len(rows)
    root = [[random.gauss(0, 1) for _ in rows] for _ in rows]
    rows_of_table = [[random.uniform(0.2, 1) for _ in categories] for _ in (0, *categories)]
    weights, *table = [[x / sum(row) for x in row] for row in rows_of_table]
    return {
        **{(name, ()): random.gauss(0, 1.5) for name in "xy"},
        **{(name, ()): random.uniform(0.2, 3) for name in "ab"},
        ("p", ()): random.uniform(0.05, 0.95),
        **{(name, ()): float(random.randint(0, 1)) for name in ("z", "z2")},
        **{("v", (i,)): random.gauss(0, 1) for i in rows},
        **{("t", (i,)): random.uniform(0.2, 3) for i in rows},
        **{("u", (i,)): random.uniform(0.05, 0.95) for i in rows},
        **{("w", (i, j)): random.gauss(0, 1) for i in rows for j in rows},
        **{
            ("s", (i + 1, j + 1)): sum(root[i][k] * root[j][k] for k in range(n))
            + (0.5 if i == j else 0.0)
            for i in range(n)
            for j in range(n)
        },
        **{("pi", (k,)): weights[k - 1] for k in categories},
        **{("table", (k, m)): table[k - 1][m - 1] for k in categories for m in categories},
    }
