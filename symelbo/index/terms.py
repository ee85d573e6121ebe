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

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from enum import Enum
from fractions import Fraction
from random import Random
from typing import Any, ClassVar, Final, NamedTuple, TypeAlias

from symelbo.index.nodes import Interned, Node, node, synthesized
from symelbo.index.range import Range

__all__ = [
    "OPEN",
    "Add",
    "Apply",
    "Array",
    "Call",
    "Constant",
    "Delta",
    "Domain",
    "Ends",
    "Entry",
    "Extent",
    "Given",
    "Index",
    "IndexTerm",
    "IndexValue",
    "Interned",
    "Inverse",
    "LogDet",
    "Motions",
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
    HIDDEN = "hidden"  # of passes alone: nobody declares it, whatever its name


Ends: TypeAlias = tuple[float | None, float | None]  # lower and upper, None where not known
OPEN: Final[Ends] = (None, None)


class Given(NamedTuple):
    """What an exact value is drawn from: where its entries are, and the ends of its domain.

    random: for values at which nothing holds by accident; None: simple ones, of few primes.
    """

    places: Sequence[tuple[int, ...]] = ((),)
    random: Random | None = None
    lower: Fraction | None = None
    upper: Fraction | None = None


class Motions(NamedTuple):
    """The motions v -> r (v - about) + s of a value: r where it scales, s where it shifts.

    about: None is 0; whole: all entries of one value have the same r.
    """

    scales: bool
    shifts: bool
    about: Term | None = None
    whole: bool = False


class Domain(ABC):
    """Where the values of a symbol live; the domains themselves are in `domains`.

    All that depends on a domain is asked of it here; nobody compares domains by name.  A value may
    span the last axes of a symbol (`rank`), each of length n.  A domain is its class and its ends,
    which are terms; who asks for numbers says what the ends are.
    """

    __slots__ = ()

    kind: ClassVar[str]  # its word in specifications, in JSON and for the checker
    rank: ClassVar[int] = 0  # how many of the last axes one value spans
    is_integer: ClassVar[bool] = False  # every entry is an integer
    is_bit: ClassVar[bool] = False  # every entry is 0 or 1, hence its own square
    is_one_hot: ClassVar[bool] = False  # one entry of the last axis is 1, the others are 0
    is_place: ClassVar[bool] = False  # a value is a place on an axis: it selects
    has_ends: ClassVar[bool] = False  # numbers between ends, where these are given
    upper_is_sum: ClassVar[bool] = False  # of the entries over the last axis
    is_line: ClassVar[bool] = False  # every real number is a value
    is_symmetric: ClassVar[bool] = False  # over the last two axes
    is_definite: ClassVar[bool] = False  # symmetric positive definite over the last two axes
    is_invertible: ClassVar[bool] = False  # of a function: so is its Jacobian, everywhere
    # where the last entry of the last axis is this minus the others, which are the coordinates
    entry_sum: ClassVar[int | None] = None
    latex: ClassVar[str] = r"\mathbb{R}"  # the set of one entry
    described: ClassVar[str] = "real"  # of an argument in the emitted module
    check: ClassVar[str] = "real"  # what the emitted module checks; a word of its template
    hint: ClassVar[str] = ""  # how to write an argument that lies in it
    smooth: ClassVar[tuple[float, float]] = (0.1, 0.8)  # c, h with c - h..c + h well inside
    wider: ClassVar[tuple[type[Domain], ...]] = ()  # a family on this one is a q on those too

    @property
    def lower(self) -> Term | None:
        """The lower end where it is a term of its own; None where it is not, or infinite."""
        return None

    @property
    def upper(self) -> Term | None:
        """The upper end, the largest value or the sum of the entries, where it is a term."""
        return None

    # ------------------------------------------------------------ which numbers

    @abstractmethod
    def interval(
        self,
        least: Callable[[Term], Fraction | None],
        most: Callable[[Term], Fraction | None],
        places: tuple[IndexTerm, ...] = (),
        length: int = 1,
    ) -> Range:
        """What the entry at these places lies in; least, most: what is known of an end; length:
        the least that the last axis may have.
        """

    @abstractmethod
    def draw(self, random: Random, n: int, ends: Ends = OPEN) -> list[float]:
        """The entries of a random value."""

    @abstractmethod
    def draw_exact(self, number: int, given: Given) -> list[Fraction]:
        """An admissible exact value, one entry for each of its places; near numbers differ.

        LookupError if an end that it needs is not known.
        """

    def exact_values(self, count: int, given: Given) -> list[list[Fraction]]:
        """Admissible exact values, the simplest first; about `count` of them."""
        return [self.draw_exact(number, given) for number in range(len(given.places) + 2)]

    def values(self, n: int, upper: float | None, most: int) -> list[list[float]] | None:
        """All values (natural numbers without an end: up to `most`); None if they have no list."""
        return None

    def probes(self) -> tuple[int | str, ...]:
        """Scalar values near the ends, at which a term may leave its own domain."""
        return ()

    def margins(self, value: Term) -> tuple[Term, ...]:
        """What is positive of a scalar value, as terms."""
        return ()

    def fits(self, prior: Domain) -> bool:
        """Whether a family on this domain may be q of a latent on another one."""
        return isinstance(prior, (type(self), *self.wider))

    def with_ends(self, lower: Term | None, upper: Term | None) -> Domain:
        """The same domain between other ends."""
        return self

    def without_ends(self, lower_is_positive: bool) -> Domain:
        """A domain that holds this one whatever its ends are."""
        return self

    # ------------------------------------------------------------ coordinates and motions

    @property
    @abstractmethod
    def tangent(self) -> Domain:
        """Where the directions live in which a value may move."""

    def dimension(self, n: Term) -> Term:
        """The number of coordinates of one value."""
        return Number(Fraction(1))

    def free_shape(self, shape: tuple[Extent, ...]) -> tuple[Extent, ...]:
        """The shape of the coordinates by which is differentiated."""
        return shape

    def is_free(self, at: tuple[int, ...], n: int) -> bool:
        """Whether the entry at a place is a coordinate: it is not given by others."""
        return True

    def direction(self, at: tuple[int, ...], n: int) -> list[tuple[tuple[int, ...], int]]:
        """The entries that move with the coordinate at a place, and by how much."""
        return [(at, 1)]

    @property
    def motions(self) -> Motions | None:
        """The affine motions that keep the domain; None if there are none but rest."""
        return None

    @property
    def wider_motions(self) -> Motions | None:
        """The motions that a certificate excludes: those that keep the domain, or more."""
        return self.motions

    # ------------------------------------------------------------ from real numbers

    def from_real(self, real: Term) -> Term:
        """A smooth function of a real number with values in a scalar domain."""
        return real

    def from_reals(
        self,
        real: Callable[[tuple[int, ...]], tuple[float, float]],
        where: tuple[int, ...],
        n: int,
    ) -> tuple[float, float]:
        """One entry, with its slope, of a smooth function of entries that are real numbers."""
        return real(where)

    # ------------------------------------------------------------ words

    @property
    def in_words(self) -> str:
        """What an argument has to be."""
        return f"a value of type {self.kind}"

    def condition(self, source: str) -> str:
        """That a written expression lies in the domain."""
        return f"{source} is {self.in_words}"

    def spelled(self, show: Callable[[Term], str]) -> str:
        """As it is written in a specification."""
        return self.kind

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return (
            isinstance(other, Domain)
            and type(self) is type(other)
            and (self.lower, self.upper) == (other.lower, other.upper)
        )

    def __hash__(self) -> int:
        return hash((self.kind, self.lower, self.upper))

    def __repr__(self) -> str:
        ends = [f"{end!r}" for end in (self.lower, self.upper) if end is not None]
        return f"{type(self).__name__}({', '.join(ends)})"


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
    """Where an index comes from; it is another one than any of the same name from elsewhere."""

    NAMED = "named"  # by a person, or by a pass that chose a letter
    FORMAL = "formal"  # over an axis of an array that a pass makes: no place of a model has it
    CANONICAL = "canonical"  # bound in a normal form, and numbered there
    FREED = "freed"  # bound before an equation was split
    CHOSEN = "chosen"  # any category, in the place of one that selects
    PLANNED = "planned"  # an axis of the emitted module: of data points, samples, categories
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
        extent = self.extent
        return self.name, extent.size or "", extent.offset, self.low, self.origin.value


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
    """A rational number."""

    rank = 0
    value: Fraction

    # the hash of a Fraction takes an inverse
    _identify = staticmethod(Fraction.as_integer_ratio)

    def label(self) -> tuple[object, ...]:
        return self.value.as_integer_ratio()


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
    """The sum of two terms or more."""

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
    """The product of two factors or more; a number is the first."""

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
            self.function.role.value,
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
