"""The term language: indexed scalars of symbolic extent, as frozen values.

A term denotes a real number that depends on its free indices.  Terms are data: building one never
evaluates, expands or guesses; `build` folds the obvious, `normal` decides equality.

    scalars   Number  Constant  Size  IndexValue  Entry  Add  Mul  Power  Call  Sum  Delta
              Apply (abstract function)  Inverse  LogDet
    indices   Index (bound or free)  Offset (i + 1)  Position (1, C)  Entry (a category selects)
    arrays    Array (indices abstracted from a scalar)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from functools import lru_cache
from random import Random
from typing import ClassVar, Final, NamedTuple, TypeAlias

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
    "Inverse",
    "LogDet",
    "Motions",
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
    ) -> Range:
        """What the entry at these places lies in; least, most: what is known of an end."""

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
        return f"{source} lies in {self.in_words}"

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
