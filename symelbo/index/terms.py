"""The term language: indexed scalars of symbolic extent, as frozen values.

A term denotes a real number that depends on its free indices.  Terms are data: building one never
evaluates, expands or guesses; `build` folds the obvious, `normal` decides equality.  Equal terms
are one object (`nodes`).

    scalars   Number  Constant  Size  IndexValue  Entry  Add  Mul  Power  Call  Sum  Delta
              Apply (abstract function)  Inverse  LogDet
    indices   Index (bound or free)  Offset (i + 1)  Position (1, C)  Entry (a category selects)
    arrays    Array (indices abstracted from a scalar)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Any, TypeAlias

from symelbo.index.nodes import Interned, Node, node, synthesized

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
    "Interned",
    "Inverse",
    "LogDet",
    "Mul",
    "Node",
    "Number",
    "Offset",
    "Origin",
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


@node
class Extent(Interned):
    """A symbolic length `size + offset` (C, C-1), or the integer `offset` where size is None."""

    size: str | None
    offset: int = 0

    def __str__(self) -> str:
        if self.size is None:
            return str(self.offset)
        return self.size + (f"{self.offset:+d}" if self.offset else "")


@node
class Symbol(Interned):
    """A named array; shape () is a scalar, every entry lies in `domain`."""

    name: str
    role: Role
    domain: Domain
    shape: tuple[Extent, ...] = ()


class Origin(Enum):
    """Where an index comes from; all but the first have names that nobody can write."""

    NAMED = "named"  # by a person, or by a pass that chose a letter
    CANONICAL = "canonical"  # bound in a normal form, and numbered there
    FREED = "freed"  # bound before an equation was split
    PASSING = "passing"  # gone when the pass that made it ends


@node
class Index(Node):
    """An index variable that ranges over low..extent (inclusive, counted from 1 as in the spec).

    number: of a canonical index, larger than those of all canonical indices inside its range.
    """

    rank = 20
    name: str
    extent: Extent
    low: int = 1
    origin: Origin = Origin.NAMED
    number: int = 0

    def like(self, name: str, origin: Origin = Origin.NAMED, number: int = 0) -> Index:
        """Another index of the same range."""
        return Index(name, self.extent, self.low, origin, number)

    def canonical(self, number: int) -> Index:
        """The canonical index of this range with this number."""
        return self.like(f"_{number}", Origin.CANONICAL, number)

    def label(self) -> tuple[object, ...]:
        return self.name, self.extent.size or "", self.extent.offset, self.low


@node
class Offset(Node):
    """The index `index + by`, as in z[t-1]."""

    rank = 21
    selects = True
    index: Index
    by: int

    def parts(self) -> tuple[Node, ...]:
        return (self.index,)

    def label(self) -> tuple[object, ...]:
        return *self.index.label(), self.by

    def rebuilt(self, bound: tuple[Index, ...], parts: Sequence[Any]) -> IndexTerm:
        """(i + 1) + 2 -> i + 3 where the index itself became a place."""
        return shift_place(parts[0], self.by)


@node
class Position(Node):
    """A fixed place: the integer 2, or the symbolic last place C."""

    rank = 22
    extent: Extent

    def label(self) -> tuple[object, ...]:
        return "", self.extent.size or "", self.extent.offset


def shift_place(place: IndexTerm, by: int) -> IndexTerm:
    """i, 1 -> i + 1;  C - 1, 1 -> C."""
    match place:
        case Index():
            return Offset(place, by) if by else place
        case Offset(index, more):
            return shift_place(index, by + more)
        case Position(Extent(size, offset)):
            return Position(Extent(size, offset + by))
    raise ValueError("a category cannot be shifted")


def literal_place(place: IndexTerm) -> int | None:
    """The last literal place that is taken: 3 of z[3] and of t in 1:3; None if it is symbolic."""
    match place:
        case Position(Extent(None, last)) | Index(_, Extent(None, last)):
            return last
        case Offset(Index(_, Extent(None, last)), by):
            return last + by
    return None


class Term(Node):
    """Base of all scalar terms."""

    __slots__ = ()


@node
class Number(Term):
    rank = 0
    value: Fraction

    @staticmethod
    def _identify(value: Fraction) -> tuple[object, ...]:
        return value.numerator, value.denominator  # the hash of a Fraction takes an inverse

    def label(self) -> tuple[object, ...]:
        return self.value.numerator, self.value.denominator


@node
class Constant(Term):
    """A named real number: `pi` (PI in a spec) or `e`."""

    rank = 1
    name: str

    def label(self) -> tuple[object, ...]:
        return (self.name,)


@node
class Size(Term):
    """A symbolic size as a number, as the D in (D/2) log(...)."""

    rank = 2
    name: str

    def label(self) -> tuple[object, ...]:
        return (self.name,)


@node
class IndexValue(Term):
    """An index used as a number."""

    rank = 3
    selects = True
    index: IndexTerm

    def parts(self) -> tuple[Node, ...]:
        return (self.index,)

    def rebuilt(self, bound: tuple[Index, ...], parts: Sequence[Any]) -> IndexValue:
        return IndexValue(*parts)


@node
class Entry(Term):
    """symbol[indices]; a scalar symbol has no indices."""

    rank = 4
    selects = True
    symbol: Symbol
    indices: tuple[IndexTerm, ...] = ()

    def parts(self) -> tuple[Node, ...]:
        return self.indices

    def heads(self) -> tuple[Symbol, ...]:
        return (self.symbol,)

    def label(self) -> tuple[object, ...]:
        return self.symbol.name, self.symbol.role.value

    def rebuilt(self, bound: tuple[Index, ...], parts: Sequence[Any]) -> Entry:
        return Entry(self.symbol, tuple(parts))


@node
class Add(Term):
    rank = 12
    terms: tuple[Term, ...]

    def parts(self) -> tuple[Node, ...]:
        return self.terms

    def label(self) -> tuple[object, ...]:
        return (len(self.terms),)

    def rebuilt(self, bound: tuple[Index, ...], parts: Sequence[Any]) -> Add:
        return Add(tuple(parts))


@node
class Mul(Term):
    rank = 11
    factors: tuple[Term, ...]

    def parts(self) -> tuple[Node, ...]:
        return self.factors

    def label(self) -> tuple[object, ...]:
        return (len(self.factors),)

    def rebuilt(self, bound: tuple[Index, ...], parts: Sequence[Any]) -> Mul:
        return Mul(tuple(parts))


@node
class Power(Term):
    """base ** exponent; a square root is the exponent 1/2."""

    rank = 5
    base: Term
    exponent: Term

    def parts(self) -> tuple[Node, ...]:
        return self.base, self.exponent

    def rebuilt(self, bound: tuple[Index, ...], parts: Sequence[Any]) -> Power:
        return Power(*parts)


@node
class Call(Term):
    """An elementary or special function: exp, log, abs, tanh, sigmoid, softplus, loggamma,
    digamma, polygamma (order, x), erf, besselratio ...; see `functions`."""

    rank = 6
    name: str
    arguments: tuple[Term, ...]

    def parts(self) -> tuple[Node, ...]:
        return self.arguments

    def label(self) -> tuple[object, ...]:
        return (self.name,)

    def rebuilt(self, bound: tuple[Index, ...], parts: Sequence[Any]) -> Call:
        return Call(self.name, tuple(parts))


@node
class Sum(Term):
    """sum over index of body; `index` is bound in body."""

    rank = 13
    index: Index
    body: Term

    def bound(self) -> tuple[Index, ...]:
        return (self.index,)

    def parts(self) -> tuple[Node, ...]:
        return (self.body,)

    def rebuilt(self, bound: tuple[Index, ...], parts: Sequence[Any]) -> Sum:
        (index,), (body,) = bound, parts
        return Sum(index, body)


@node
class Delta(Term):
    """1 where the two indices are equal, else 0."""

    rank = 7
    selects = True
    left: IndexTerm
    right: IndexTerm

    def parts(self) -> tuple[Node, ...]:
        return self.left, self.right

    def rebuilt(self, bound: tuple[Index, ...], parts: Sequence[Any]) -> Delta:
        return Delta(*parts)


@node
class Array(Node):
    """The array whose entry at `indices` is `body`; the indices are bound.  A scalar has none."""

    rank = 23
    indices: tuple[Index, ...]
    body: Term

    def bound(self) -> tuple[Index, ...]:
        return self.indices

    def parts(self) -> tuple[Node, ...]:
        return (self.body,)

    def label(self) -> tuple[object, ...]:
        return (len(self.indices),)

    def rebuilt(self, bound: tuple[Index, ...], parts: Sequence[Any]) -> Array:
        return Array(bound, *parts)


@node
class Apply(Term):
    """f(arguments)[indices] for an abstract smooth f, with partial derivatives.

    derivatives: (slot, indices) pairs, each a derivative by that entry of that argument; sorted.
    """

    rank = 10
    selects = True
    function: Symbol
    arguments: tuple[Array, ...]
    indices: tuple[IndexTerm, ...] = ()
    derivatives: tuple[tuple[int, tuple[IndexTerm, ...]], ...] = ()

    def parts(self) -> tuple[Node, ...]:
        places = (place for _, where in self.derivatives for place in where)
        return *self.arguments, *self.indices, *places

    def heads(self) -> tuple[Symbol, ...]:
        return (self.function,)

    def label(self) -> tuple[object, ...]:
        # before the arguments, which are long
        return (
            self.function.name,
            tuple(map(sort_key, self.indices)),
            tuple((slot, tuple(map(sort_key, where))) for slot, where in self.derivatives),
        )

    def rebuilt(self, bound: tuple[Index, ...], parts: Sequence[Any]) -> Apply:
        rest = iter(parts)

        def take(many: Sequence[object]) -> tuple[Any, ...]:
            return tuple(next(rest) for _ in many)

        arguments, indices = take(self.arguments), take(self.indices)
        derivatives = tuple((slot, take(where)) for slot, where in self.derivatives)
        return Apply(self.function, arguments, indices, derivatives)


@node
class Inverse(Term):
    """Entry (row, column) of the inverse of a square matrix (an Array of two indices)."""

    rank = 8
    selects = True
    matrix: Array
    row: IndexTerm
    column: IndexTerm

    def parts(self) -> tuple[Node, ...]:
        return self.matrix, self.row, self.column

    def rebuilt(self, bound: tuple[Index, ...], parts: Sequence[Any]) -> Inverse:
        return Inverse(*parts)


@node
class LogDet(Term):
    """log |det| of a square matrix (an Array of two indices)."""

    rank = 9
    matrix: Array

    def parts(self) -> tuple[Node, ...]:
        return (self.matrix,)

    def rebuilt(self, bound: tuple[Index, ...], parts: Sequence[Any]) -> LogDet:
        return LogDet(*parts)


IndexTerm: TypeAlias = Index | Offset | Position | Entry


@synthesized("_key")
def sort_key(item: Node) -> tuple[object, ...]:
    """term -> nested tuple of ints and strings: a total order that no hash seed can change."""
    return (
        item.rank,
        *item.label(),
        *map(sort_key, item.bound()),
        *map(sort_key, item.parts()),
    )
