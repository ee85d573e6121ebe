"""term -> closed term: sizes become integers, sums are written out, entries become numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from itertools import product

from symelbo.index import build
from symelbo.index.build import ONE, ZERO, add, mul, number
from symelbo.index.substitute import instantiate, map_terms, replace_index
from symelbo.index.terms import (
    Apply,
    Array,
    Delta,
    Entry,
    Extent,
    Index,
    IndexTerm,
    IndexValue,
    Inverse,
    LogDet,
    Offset,
    Position,
    Size,
    Sum,
    Term,
)

__all__ = ["Values", "concretize", "extent_value", "index_tuples"]

Values = Callable[[str, tuple[int, ...]], Fraction | None]
"""name, indices -> the value of that entry; None leaves the entry symbolic."""


def extent_value(extent: Extent, sizes: Mapping[str, int]) -> int:
    """C-1, {C: 3} -> 2"""
    return extent.offset + (sizes[extent.size] if extent.size is not None else 0)


def index_tuples(indices: Sequence[Index], sizes: Mapping[str, int]) -> list[tuple[int, ...]]:
    """(i in 1..D, j in 1..H), {D: 1, H: 2} -> [(1, 1), (1, 2)]"""
    ranges = [range(i.low, extent_value(i.extent, sizes) + 1) for i in indices]
    return list(product(*ranges))


def concretize(term: Term, sizes: Mapping[str, int], values: Values) -> Term:
    """term, sizes, values -> the same number, with every sum written out.

    >>> show(concretize(term("sum(v[j]*x for j in 1:H)"), {"H": 2}, lambda symbol, at: None))
    v[1]*x + v[2]*x
    """

    def place(index: IndexTerm) -> Position:
        match index:
            case Position(extent):
                return Position(Extent(None, extent_value(extent, sizes)))
            case Entry(symbol, indices):
                at = tuple(place(i).extent.offset for i in indices)
                value = values(symbol.name, at)
                if value is None or value.denominator != 1:
                    raise ValueError(f"{symbol.name} selects and has no value")
                return Position(Extent(None, int(value)))
            case Offset(inner, by):
                return Position(Extent(None, place(inner).extent.offset + by))
        raise ValueError(f"free index {index}")

    def write_out(array: Array) -> list[list[Term]]:
        row, column = array.indices
        return [
            [
                on_term(instantiate(array, (_fixed(i), _fixed(j))))
                for j in range(column.low, extent_value(column.extent, sizes) + 1)
            ]
            for i in range(row.low, extent_value(row.extent, sizes) + 1)
        ]

    @cache
    def on_term(part: Term) -> Term:
        match part:
            case Size(name):
                return number(sizes[name])
            case IndexValue(index):
                return number(place(index).extent.offset)
            case Entry(symbol, indices):
                at = tuple(place(index).extent.offset for index in indices)
                value = values(symbol.name, at)
                if value is None:
                    return Entry(symbol, tuple(_fixed(n) for n in at))
                return number(value)
            case Delta(left, right):
                return ONE if place(left) == place(right) else ZERO
            case Sum(index, body):
                last = extent_value(index.extent, sizes)
                return add(
                    *(
                        on_term(replace_index(body, index, _fixed(n)))
                        for n in range(index.low, last + 1)
                    )
                )
            case Inverse(matrix, row, column):
                rows = write_out(matrix)
                i, j = place(row).extent.offset - 1, place(column).extent.offset - 1
                return build.divide(_cofactor(rows, j, i), _determinant(rows))
            case LogDet(matrix):
                return build.log(build.call("abs", _determinant(write_out(matrix))))
            case Apply():
                raise ValueError("an abstract function has no value; interpret it first")
        return map_terms(part, on_term)

    return on_term(term)


def _fixed(n: int) -> Position:
    return Position(Extent(None, n))


def _determinant(rows: list[list[Term]]) -> Term:
    """M -> det M, by its first row."""
    if not rows:
        return ONE
    return add(
        *(mul(rows[0][j], _cofactor(rows, 0, j)) for j in range(len(rows)) if rows[0][j] != ZERO)
    )


def _cofactor(rows: list[list[Term]], i: int, j: int) -> Term:
    """M, i, j -> (-1)**(i + j) det of M without row i and column j."""
    minor = [row[:j] + row[j + 1 :] for n, row in enumerate(rows) if n != i]
    value = _determinant(minor)
    return value if (i + j) % 2 == 0 else build.negate(value)
