"""The term language: indexed scalars of symbolic extent, as frozen values.

A term denotes a real number that depends on its free indices.  Terms are data: building one never
evaluates, expands or guesses; `build` folds the obvious, `normal` decides equality.

    scalars   Number  Constant  Size  IndexValue  Entry  Add  Mul  Power  Call  Sum  Delta
              Apply (abstract function)  Inverse  LogDet
    indices   Index (bound or free)  Offset (i + 1)  Position (1, C)  Entry (a category selects)
    arrays    Array (indices abstracted from a scalar)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from functools import lru_cache
from typing import Final, TypeAlias

__all__ = [
    "Add",
    "Apply",
    "Array",
    "Call",
    "Constant",
    "Delta",
    "Domain",
    "Entry",
    "Extent",
    "Index",
    "IndexTerm",
    "IndexValue",
    "Inverse",
    "LogDet",
    "Mul",
    "Number",
    "Offset",
    "Position",
    "Power",
    "Role",
    "Size",
    "Sum",
    "Symbol",
    "Term",
    "literal_place",
    "sort_key",
]


class Role(Enum):
    """What a symbol stands for in a model."""

    PARAMETER = "parameter"  # learned
    CONSTANT = "constant"  # known, never learned
    INPUT = "input"  # observed covariate of a data point
    LATENT = "latent"
    OBSERVED = "observed"
    VARIATIONAL = "variational"  # parameter of q, one per data point
    FUNCTION = "function"  # abstract differentiable function
    ARGUMENT = "argument"  # formal argument of a family
    VALUE = "value"  # the value a family's density is evaluated at
    UNKNOWN = "unknown"  # solved for


@dataclass(frozen=True, slots=True)
class Domain:
    """Where the entries of a symbol live.

    kind: real, positive, unit, simplex (last index), posdef (last two), binary, naturals (up to
    `upper`, if given), counts (naturals that sum to `upper` over the last index), onehot (counts
    that sum to 1), category (1..extent), interval (lower..upper, None is infinite; the bounds
    are terms), angle (an interval whose ends are one point, so that values may be rotated).
    """

    kind: str
    lower: Term | None = None
    upper: Term | None = None

    @property
    def is_bit(self) -> bool:
        """Whether every entry is 0 or 1, hence its own square."""
        return self.kind in ("binary", "onehot")


@dataclass(frozen=True, slots=True)
class Extent:
    """A symbolic length `size + offset` (C, C-1), or the integer `offset` where size is None."""

    size: str | None
    offset: int = 0

    def __str__(self) -> str:
        if self.size is None:
            return str(self.offset)
        return self.size + (f"{self.offset:+d}" if self.offset else "")


@dataclass(frozen=True, slots=True)
class Symbol:
    """A named array; shape () is a scalar, every entry lies in `domain`."""

    name: str
    role: Role
    domain: Domain
    shape: tuple[Extent, ...] = ()
    _hash: int = field(default=0, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.name, self.role, self.shape)))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class Index:
    """An index variable that ranges over low..extent (inclusive, counted from 1 as in the spec)."""

    name: str
    extent: Extent
    low: int = 1


@dataclass(frozen=True, slots=True)
class Offset:
    """The index `index + by`, as in z[t-1]."""

    index: Index
    by: int


@dataclass(frozen=True, slots=True)
class Position:
    """A fixed place: the integer 2, or the symbolic last place C."""

    extent: Extent


def literal_place(place: IndexTerm) -> int | None:
    """The last literal place that is taken: 3 of z[3] and of t in 1:3; None if it is symbolic."""
    match place:
        case Position(Extent(None, last)) | Index(_, Extent(None, last)):
            return last
        case Offset(Index(_, Extent(None, last)), by):
            return last + by
    return None


class Term:
    """Base of all scalar terms; hashing is cached, since terms are keys everywhere."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Number(Term):
    value: Fraction
    _hash: int = field(default=0, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # the hash of a Fraction takes a modular inverse
        hashed = hash((self.value.numerator, self.value.denominator))
        object.__setattr__(self, "_hash", hashed)

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class Constant(Term):
    """A named real number: `pi` (PI in a spec) or `e`."""

    name: str


@dataclass(frozen=True, slots=True)
class Size(Term):
    """A symbolic size as a number, as the D in (D/2) log(...)."""

    name: str


@dataclass(frozen=True, slots=True)
class IndexValue(Term):
    """An index used as a number."""

    index: IndexTerm


@dataclass(frozen=True, slots=True)
class Entry(Term):
    """symbol[indices]; a scalar symbol has no indices."""

    symbol: Symbol
    indices: tuple[IndexTerm, ...] = ()


@dataclass(frozen=True, slots=True)
class Add(Term):
    terms: tuple[Term, ...]
    _hash: int = field(default=0, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash(("+", self.terms)))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class Mul(Term):
    factors: tuple[Term, ...]
    _hash: int = field(default=0, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash(("*", self.factors)))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class Power(Term):
    """base ** exponent; a square root is the exponent 1/2."""

    base: Term
    exponent: Term
    _hash: int = field(default=0, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash(("^", self.base, self.exponent)))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class Call(Term):
    """An elementary or special function: exp, log, abs, tanh, sigmoid, softplus, loggamma,
    digamma, polygamma (order, x), erf, besselratio ...; see `functions`."""

    name: str
    arguments: tuple[Term, ...]
    _hash: int = field(default=0, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.name, self.arguments)))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class Sum(Term):
    """sum over index of body; `index` is bound in body."""

    index: Index
    body: Term
    _hash: int = field(default=0, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash(("S", self.index, self.body)))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class Delta(Term):
    """1 where the two indices are equal, else 0."""

    left: IndexTerm
    right: IndexTerm


@dataclass(frozen=True, slots=True)
class Array:
    """The array whose entry at `indices` is `body`; the indices are bound.  A scalar has none."""

    indices: tuple[Index, ...]
    body: Term
    _hash: int = field(default=0, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash(("A", self.indices, self.body)))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class Apply(Term):
    """f(arguments)[indices] for an abstract smooth f, with partial derivatives.

    derivatives: (slot, indices) pairs, each a derivative by that entry of that argument; sorted.
    """

    function: Symbol
    arguments: tuple[Array, ...]
    indices: tuple[IndexTerm, ...] = ()
    derivatives: tuple[tuple[int, tuple[IndexTerm, ...]], ...] = ()
    _hash: int = field(default=0, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self,
            "_hash",
            hash((self.function, self.arguments, self.indices, self.derivatives)),
        )

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class Inverse(Term):
    """Entry (row, column) of the inverse of a square matrix (an Array of two indices)."""

    matrix: Array
    row: IndexTerm
    column: IndexTerm


@dataclass(frozen=True, slots=True)
class LogDet(Term):
    """log |det| of a square matrix (an Array of two indices)."""

    matrix: Array


IndexTerm: TypeAlias = Index | Offset | Position | Entry

_RANK: Final = {
    Number: 0,
    Constant: 1,
    Size: 2,
    IndexValue: 3,
    Entry: 4,
    Power: 5,
    Call: 6,
    Delta: 7,
    Inverse: 8,
    LogDet: 9,
    Apply: 10,
    Mul: 11,
    Add: 12,
    Sum: 13,
}


@lru_cache(maxsize=200_000)
def sort_key(item: Term | IndexTerm | Array) -> tuple[object, ...]:
    """term -> nested tuple of ints and strings: a total order that no hash seed can change."""
    match item:
        case Index(name, extent, low):
            return (20, name, extent.size or "", extent.offset, low)
        case Offset(index, by):
            return (21, *sort_key(index)[1:], by)
        case Position(extent):
            return (22, "", extent.size or "", extent.offset)
        case Array(indices, body):
            return (23, len(indices), tuple(map(sort_key, indices)), sort_key(body))
        case Number(value):
            return (0, value.numerator, value.denominator)
        case Constant(name) | Size(name):
            return (_RANK[type(item)], name)
        case IndexValue(index):
            return (3, sort_key(index))
        case Entry(symbol, indices):
            return (4, symbol.name, symbol.role.value, tuple(map(sort_key, indices)))
        case Power(base, exponent):
            return (5, sort_key(base), sort_key(exponent))
        case Call(name, arguments):
            return (6, name, tuple(map(sort_key, arguments)))
        case Delta(left, right):
            return (7, sort_key(left), sort_key(right))
        case Inverse(matrix, row, column):
            return (8, sort_key(matrix), sort_key(row), sort_key(column))
        case LogDet(matrix):
            return (9, sort_key(matrix))
        case Apply(function, arguments, indices, derivatives):
            return (
                10,
                function.name,
                tuple(map(sort_key, indices)),
                tuple((slot, tuple(map(sort_key, where))) for slot, where in derivatives),
                tuple(map(sort_key, arguments)),
            )
        case Mul(factors):
            return (11, len(factors), tuple(map(sort_key, factors)))
        case Add(terms):
            return (12, len(terms), tuple(map(sort_key, terms)))
        case Sum(index, body):
            return (13, sort_key(index), sort_key(body))
    raise TypeError(f"no term: {item!r}")
