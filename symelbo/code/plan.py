"""What a numeric module computes, as data: functions, their arguments, and assignments of terms.

All mathematics is done here.  The terms of a plan are *placed*: every symbol is a variable of the
module, called as there, with the axes of data points and of samples (or categories) among its own,
so that a term has the free indices for axes and can be evaluated as it stands.  Means over data and
under q are values of their own: which sum is taken first, and in what blocks, is decided when they
are lowered, for all functions and backends at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from symelbo.code.ops import Axes, Op
from symelbo.index.substitute import symbols_of
from symelbo.index.terms import Extent, Index, Symbol, Term
from symelbo.values import dataclass

__all__ = [
    "Argument",
    "Assignment",
    "Average",
    "Bound",
    "Exceeds",
    "Field",
    "Function",
    "Least",
    "Line",
    "Plan",
    "Ratio",
    "Solve",
    "Sums",
    "Total",
    "Unsupported",
    "Value",
    "symbols_in",
    "terms_in",
]


class Unsupported(Exception):
    """What has no numeric form, with the reason."""


@dataclass(frozen=True, slots=True)
class Average:
    """The mean of a value over the data, and under q where `over` is given.

    (1/N) sum_n sum_s weights[n,s] value;  with the axis `over` among `kept`, not summed over it.
    guarded: the value may be minus infinity, where a weight of 0 takes it out.  Weights without
    the axis of the data are means over them already.  by: weights of the data points, of mean one,
    where `weights` has not them as a factor.  shared: the value has an axis of data points by the
    samples alone.

    With the axis `data` among `kept`, by what all data points share.  Where they share the samples,
    the mean, at the one place of this axis.  Where they do not, there are terms for every n: the
    value itself, or (1/N) weights[n,s] value; what is summed over n, s and times what is shared is
    the same in both cases.
    """

    value: Term
    data: Index
    over: Index | None = None
    weights: Symbol | None = None
    kept: Axes = ()
    guarded: bool = False
    by: Symbol | None = None
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Total:
    """A sum of means, each with whether it is subtracted."""

    parts: tuple[tuple[bool, Average], ...]


@dataclass(frozen=True, slots=True)
class Ratio:
    """above / below"""

    above: Value
    below: Value


@dataclass(frozen=True, slots=True)
class Solve:
    """sum_j (matrix^-1)[i,j] right[n,j], for a symmetric matrix over `rows` (one axis, or none)."""

    matrix: Symbol
    rows: Axes
    right: Term


Value: TypeAlias = Term | Average | Total | Ratio | Solve


@dataclass(frozen=True, slots=True)
class Assignment:
    """target[axes] = value;  symmetric: the same with its last two axes the other way round."""

    target: Symbol
    axes: Axes
    value: Value
    comment: str = ""
    symmetric: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """An assignment as operations."""

    target: str
    op: Op
    comment: str = ""


Bound: TypeAlias = Term | None  # a number, a size, an argument, or pi


@dataclass(frozen=True, slots=True)
class Argument:
    """A keyword argument.

    kind: array, size, value (a number), samples (weights of samples), data_weights or centre (of
    data); domain: that of an array; lower, upper: bounds of its values, or their sum for counts;
    text: for its user; optional: only checked if given; shared: the size, if any, that is one where
    the axis of data points is left out of an array.
    """

    name: str
    kind: str
    text: str
    shape: tuple[Extent, ...] = ()
    domain: str = "real"
    lower: Bound = None
    upper: Bound = None
    optional: bool = False
    shared: str = ""

    @property
    def is_bounded(self) -> bool:
        """Whether the check needs bounds, hence what they are made of."""
        return self.domain == "interval" or self.upper is not None


@dataclass(frozen=True, slots=True)
class Least:
    """A size has at least this value, since the model uses a place."""

    size: str
    value: int
    place: str


@dataclass(frozen=True, slots=True)
class Exceeds:
    """Every value of an argument is larger than an extent."""

    argument: str
    extent: Extent


@dataclass(frozen=True, slots=True)
class Field:
    """A value of a class that a function returns: what it is, its shape, and how it is made."""

    name: str
    text: str
    shape: tuple[Extent, ...]
    op: Op


@dataclass(frozen=True, slots=True)
class Function:
    """One public function.

    summary: paragraphs of its documentation; statements, result: what it computes; lines, returned:
    the same as operations; reads: the sizes that these need as numbers.  results: what a function
    that returns several values returns, to be checked like an argument; fields: those of the class
    that it returns; own: fields of the class of which it is a method that it reads.
    """

    name: str
    summary: tuple[str, ...]
    arguments: tuple[Argument, ...]
    conditions: tuple[Exceeds | Least, ...]
    statements: tuple[Assignment, ...]
    result: Value | None
    lines: tuple[Line, ...]
    returned: Op | None
    reads: frozenset[str]
    comment: str = ""
    results: tuple[Argument, ...] = ()
    fields: tuple[Field, ...] = ()
    own: tuple[Argument, ...] = ()


@dataclass(frozen=True, slots=True)
class Sums:
    """A class of sums over the data, and what is made of them.

    points: its first field, the number of the data points or the sum of their weights; collect: the
    function that makes one; terms, profiles: its methods; whole: the arguments of the function that
    makes one of the data and calls `terms`; centres: (field, argument of `collect`,
    data).
    """

    points: str
    collect: Function
    terms: Function
    profiles: Function | None
    whole: tuple[Argument, ...]
    centres: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A module: sizes maps the sizes of the model to their names in the module."""

    title: str
    reference: str
    verdict: str
    sha256: str
    renamed: tuple[tuple[str, str], ...]
    sizes: Mapping[str, str]
    functions: tuple[Function, ...]
    sums: Sums | None = None


def terms_in(value: Value) -> Iterator[Term]:
    """The terms that a value is made of."""
    match value:
        case Average():
            yield value.value
        case Total(parts):
            for _, part in parts:
                yield from terms_in(part)
        case Ratio(above, below):
            yield from terms_in(above)
            yield from terms_in(below)
        case Solve():
            yield value.right
        case _:
            yield value


def symbols_in(value: Value) -> frozenset[Symbol]:
    """The variables that a value reads."""
    found = frozenset().union(*map(symbols_of, terms_in(value)))
    match value:
        case Average(weights=weights, by=by):
            return found | {symbol for symbol in (weights, by) if symbol is not None}
        case Total(parts):
            return found.union(*(symbols_in(part) for _, part in parts))
        case Ratio(above, below):
            return found | symbols_in(above) | symbols_in(below)
        case Solve(matrix):
            return found | {matrix}
    return found
