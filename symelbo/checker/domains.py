"""What the checker knows of domains: one class for each word of a certificate.

Nobody else here tells domains apart.  The answers of `Domain` itself assume nothing: a class says
what is true of its values beyond that.  An entry carries its domain as a kind: the word; of ranges
with the numbers that are its ends, if there are any; or with the extent of the last axis.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, Final, NamedTuple, Protocol, TypeAlias

from .terms import FREE, ONE, ZERO, Raw, RawIndex, fresh, minus, negative, put, sum_of
from .work import work_left

__all__ = ["DOMAINS", "Domain", "End", "Ends", "Kind", "Motions", "Range", "domain_of"]

Kind: TypeAlias = tuple[Any, ...]
End: TypeAlias = tuple[int | Fraction, bool]  # of a range, and whether it is excluded
Range: TypeAlias = tuple[End | None, End | None]  # None: infinite
Extent: TypeAlias = tuple[str, int]
Block: TypeAlias = Mapping[tuple[int, ...], Fraction]
Where: TypeAlias = tuple[RawIndex, ...]
_PI: Final[Raw] = ("c", "pi")


class Ends(Protocol):
    """The ends of a domain at one point."""

    def number(self, end: Raw | None) -> Fraction | None:
        """Its value, None if it is not known to be a rational number."""

    def beyond(self, end: Raw | None, x: Fraction, side: int) -> bool:
        """side (x - end) > 0; true if there is no end."""


class Motions(NamedTuple):
    """r (v - about) + s; whole: one r for all entries over the last axes."""

    scales: bool
    shifts: bool
    about: Raw | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)  # no tuple: domains of different words differ
class Domain:
    """A domain of a certificate; lower and upper: its ends, which None leaves open."""

    lower: Raw | None = None
    upper: Raw | None = None

    word: ClassVar[str] = ""
    depth: ClassVar[int] = 0  # how many of the last axes one value spans
    is_line: ClassVar[bool] = False  # every real number, and nothing else
    is_positive: ClassVar[bool] = False
    is_continuous: ClassVar[bool] = False  # an entry alone hits no given number
    is_bit: ClassVar[bool] = False  # entries are 0 or 1
    is_place: ClassVar[bool] = False  # a category, which selects and is no number
    is_integer: ClassVar[bool] = False
    is_definite: ClassVar[bool] = False  # symmetric positive definite over the last two axes
    is_periodic: ClassVar[bool] = False  # both ends are one point
    is_invertible: ClassVar[bool] = False  # of a function: its whole Jacobian
    sums_to_one: ClassVar[bool] = False  # over the last axis
    carries_extent: ClassVar[bool] = False  # an entry knows how long the last axis is
    # pairs (a, b) with a + b v > 0 of every entry; these, and the sum to one, say what the domain
    # is: so a function or an argument may be shown to have values there.  None: they do not
    margins: ClassVar[tuple[tuple[int, int], ...] | None] = None

    @property
    def has_known_ends(self) -> bool:
        """Whether its ends are such as a domain of this word may have."""
        return True

    @classmethod
    def fits(cls, shape: Sequence[Extent]) -> bool:
        """Whether an array of this shape may have such values."""
        return len(shape) >= cls.depth

    # ------------------------------------------------------------ an entry

    def kind(self, shape: Sequence[Extent]) -> Kind:
        """The kind of an entry, as terms carry it: what the rules need of the domain."""
        return (self.word, *shape[-1]) if self.carries_extent and shape else (self.word,)

    @classmethod
    def sign(cls, kind: Kind, where: Where) -> str:
        """ "+" positive, "0" not negative, "" unknown: of an entry at a place, () if not known."""
        return "+" if cls.is_positive else "0" if cls.is_bit else ""

    @classmethod
    def range(cls, kind: Kind, least: Mapping[str, int]) -> Range | None:
        """The ends of the values of an entry, where both signs of what is affine in it are of use.

        None: not known, or its sign says as much.  least: the smallest value of a size, 1 if not.
        """
        return ((0, False), (1, False)) if cls.is_bit else None

    @classmethod
    def is_free_bit(cls) -> bool:
        """0 or 1, whatever the other entries are."""
        return cls.is_bit and not cls.depth

    # ------------------------------------------------------------ a value

    def inside(self, value: Raw, is_positive: Callable[[Raw], bool]) -> list[Raw]:
        """What is positive of a value because of the ends; is_positive: of an end."""
        return []

    def positive_of(self, value: Raw) -> list[Raw]:
        """What is positive of a scalar value by its margins."""
        if self.depth:
            return []
        return [_affine(a, b, value) for a, b in self.margins or ()]

    def admits(self, x: Fraction, ends: Ends) -> bool:
        """Whether an exact number is a value."""
        margins = self.margins
        return margins is not None and all(a + b * x > 0 for a, b in margins)

    def admits_block(self, block: Block, n: int, ends: Ends) -> bool:
        """Whether exact numbers over the last axes, each of length n, are a value together."""
        return all(self.admits(x, ends) for x in block.values()) and (
            not self.sums_to_one or sum(block.values()) == 1
        )

    def lies_inside(self, indices: Where, body: Raw) -> tuple[list[Raw], list[Raw]] | None:
        """(what is positive, what is 0) of an array of such values; None: that is no proof."""
        if self.margins is None:
            return None
        return [_affine(a, b, body) for a, b in self.margins], []

    # ------------------------------------------------------------ velocities

    def tangent_equation(self, indices: Where, body: Raw) -> Raw:
        """What has to be 0 for an array of velocities to be tangent."""
        return body if self.is_integer else ZERO

    def directions(self, entry: Callable[[Where], Raw], formals: Where, shape: Any) -> Raw:
        """Every tangent direction, linear in the entries of one array."""
        return entry(formals)

    @property
    def has_mirrored_directions(self) -> bool:
        """Whether entry [i, j] and entry [j, i] of that array are one direction."""
        return False

    @property
    def motions(self) -> Motions | None:
        """Affine motions that keep the domain; None if values of a latent cannot move."""
        return None

    @property
    def widest_motions(self) -> Motions | None:
        """No motion that keeps the domain is left out; there may be more."""
        return self.motions

    def divergence(self, rate: Raw, events: Where, shape: Sequence[Extent]) -> Raw:
        """Of a motion with the given rate: its sum over the independent entries of a value."""
        for index in reversed(events):
            rate = ("S", index, rate)
        return rate


def _affine(a: int, b: int, value: Raw) -> Raw:
    scaled = value if b == 1 else ("*", ("q", Fraction(b)), value)
    return sum_of(("q", Fraction(a)), scaled) if a else scaled


def domain_of(kind: Kind) -> type[Domain]:
    """The domain of an entry, by its kind."""
    return DOMAINS[kind[0]]


# ---------------------------------------------------------------- scalars


class Real(Domain):
    """Every real number."""

    __slots__ = ()
    word = "real"
    is_line = True
    is_continuous = True
    margins = ()

    @property
    def motions(self) -> Motions | None:
        """r v + s"""
        return Motions(scales=True, shifts=True)


class Positive(Domain):
    """v > 0"""

    __slots__ = ()
    word = "positive"
    is_positive = True
    is_continuous = True
    margins = ((0, 1),)

    @property
    def motions(self) -> Motions | None:
        """r v"""
        return Motions(scales=True, shifts=False)


class Unit(Domain):
    """0 < v < 1"""

    __slots__ = ()
    word = "unit"
    is_positive = True
    is_continuous = True
    margins = ((0, 1), (1, -1))

    @classmethod
    def range(cls, kind: Kind, least: Mapping[str, int]) -> Range | None:
        """(0, 1)"""
        return (0, True), (1, True)


class Interval(Domain):
    """lower..upper; a number as an end may be a value or not, which no rule asks."""

    __slots__ = ()
    word = "interval"
    is_continuous = True

    def kind(self, shape: Sequence[Extent]) -> Kind:
        """With the ends that are numbers; a real one if none is."""
        ends = [e[1] if e and e[0] == "q" else None for e in (self.lower, self.upper)]
        return ("real",) if ends == [None, None] else ("interval", *ends)

    @classmethod
    def sign(cls, kind: Kind, where: Where) -> str:
        """That of the lower end."""
        low = kind[1]
        return "" if low is None or low < 0 else "+" if low > 0 else "0"

    @classmethod
    def range(cls, kind: Kind, least: Mapping[str, int]) -> Range | None:
        """From end to end."""
        low, high = kind[1:3]
        return None if low is None else (low, False), None if high is None else (high, False)

    def inside(self, value: Raw, is_positive: Callable[[Raw], bool]) -> list[Raw]:
        """v - lower > 0 and upper - v > 0, almost everywhere"""
        found = []
        if self.lower is not None:
            found.append(minus(value, self.lower))
            if is_positive(self.lower):
                found.append(value)
        if self.upper is not None:
            found.append(minus(self.upper, value))
        return found

    def lies_inside(self, indices: Where, body: Raw) -> tuple[list[Raw], list[Raw]] | None:
        """Strictly between the ends."""
        return self.inside(body, lambda _: False), []

    def admits(self, x: Fraction, ends: Ends) -> bool:
        """Strictly inside, so that it does not matter whether the interval is open."""
        return ends.beyond(self.lower, x, 1) and ends.beyond(self.upper, x, -1)

    @property
    def motions(self) -> Motions | None:
        """r (v - end), where there is one end and it is a number"""
        return self.widest_motions if len(self._fixed) == 1 and self._has_one_end else None

    @property
    def widest_motions(self) -> Motions | None:
        """An end that is a number rests; an affine motion with two of them is at rest."""
        if len(self._fixed) == 2:
            return None
        if self._fixed:
            return Motions(scales=True, shifts=False, about=self._fixed[0])
        return Motions(scales=True, shifts=True)

    @property
    def _has_one_end(self) -> bool:
        return (self.lower is None) != (self.upper is None)

    @property
    def _fixed(self) -> list[Raw]:
        return [end for end in (self.lower, self.upper) if end is not None and end[0] == "q"]


class Angle(Interval):
    """lower..upper, a whole turn."""

    __slots__ = ()
    word = "angle"
    is_periodic = True

    @property
    def has_known_ends(self) -> bool:
        """-pi and pi: what turns is carried from one to the other."""
        return (self.lower, self.upper) in ((None, None), (negative(_PI), _PI))

    def inside(self, value: Raw, is_positive: Callable[[Raw], bool]) -> list[Raw]:
        """No end is left out: they are one point."""
        return []

    def lies_inside(self, indices: Where, body: Raw) -> tuple[list[Raw], list[Raw]] | None:
        """A number tells by its size."""
        return None

    def admits(self, x: Fraction, ends: Ends) -> bool:
        """At most 3, which is less than pi."""
        return abs(x) <= 3

    @property
    def motions(self) -> Motions | None:
        """s, a turn"""
        return Motions(scales=False, shifts=True)

    @property
    def widest_motions(self) -> Motions | None:
        """Turns alone are periodic."""
        return self.motions

    def divergence(self, rate: Raw, events: Where, shape: Sequence[Extent]) -> Raw:
        """0"""
        return ZERO


# ---------------------------------------------------------------- integers


class Integers(Domain):
    """Natural numbers, which do not move."""

    __slots__ = ()
    is_integer = True

    @classmethod
    def sign(cls, kind: Kind, where: Where) -> str:
        """Not negative."""
        return "0"

    def admits(self, x: Fraction, ends: Ends) -> bool:
        """0, 1, 2, ..."""
        return x.denominator == 1 and x >= 0


class Binary(Integers):
    """0 or 1"""

    __slots__ = ()
    word = "binary"
    is_bit = True

    def admits(self, x: Fraction, ends: Ends) -> bool:
        """0 or 1"""
        return x in (0, 1)


class Naturals(Integers):
    """0, 1, 2, ..., up to upper if that is given"""

    __slots__ = ()
    word = "naturals"

    def inside(self, value: Raw, is_positive: Callable[[Raw], bool]) -> list[Raw]:
        """upper - v + 1 > 0"""
        return [] if self.upper is None else [sum_of(self.upper, negative(value), ONE)]

    def admits(self, x: Fraction, ends: Ends) -> bool:
        """Whole, and at most upper."""
        if x.denominator != 1 or x < 0 or self.upper is None:
            return x.denominator == 1 and x >= 0
        most = ends.number(self.upper)
        return most is not None and x <= most


class Category(Integers):
    """1..upper, the place of a category"""

    __slots__ = ()
    word = "category"
    is_place = True

    @classmethod
    def sign(cls, kind: Kind, where: Where) -> str:
        """It is no number."""
        return ""

    def admits(self, x: Fraction, ends: Ends) -> bool:
        """Of a known number of places."""
        most = ends.number(self.upper)
        return x.denominator == 1 and x >= 1 and most is not None and x <= most


class Counts(Integers):
    """Natural numbers of the sum upper over the last axis."""

    __slots__ = ()
    word = "counts"
    depth = 1

    def total(self, ends: Ends) -> Fraction | None:
        """Their sum."""
        return ends.number(self.upper)

    def admits_block(self, block: Block, n: int, ends: Ends) -> bool:
        """Natural, of that sum."""
        return all(self.admits(x, ends) for x in block.values()) and (
            self.total(ends) == sum(block.values())
        )


class OneHot(Counts):
    """One entry is 1, the others are 0."""

    __slots__ = ()
    word = "onehot"
    is_bit = True

    def total(self, ends: Ends) -> Fraction | None:
        """1"""
        return Fraction(1)


# ---------------------------------------------------------------- vectors and matrices


class Simplex(Domain):
    """Positive, of the sum 1 over the last axis."""

    __slots__ = ()
    word = "simplex"
    depth = 1
    is_positive = True
    sums_to_one = True
    carries_extent = True
    margins = ((0, 1),)

    @classmethod
    def range(cls, kind: Kind, least: Mapping[str, int]) -> Range | None:
        """(0, 1], as a single entry is 1; (0, 1) of two entries or more"""
        _, size, offset = kind
        shortest = (least.get(size, 1) if size else 0) + offset
        return (0, True), (1, shortest > 1)

    def lies_inside(self, indices: Where, body: Raw) -> tuple[list[Raw], list[Raw]] | None:
        """Positive, of the sum 1."""
        return [body], [minus(_over_last(indices, body), ONE)]

    def tangent_equation(self, indices: Where, body: Raw) -> Raw:
        """They sum to 0."""
        return _over_last(indices, body)

    def directions(self, entry: Callable[[Where], Raw], formals: Where, shape: Any) -> Raw:
        """v_k at k < C, and minus their sum at C."""
        (size, offset), last, here = shape[-1], formals[-1], entry(formals)
        other = fresh(("i", "", 1, size, offset - 1))
        at_last = ("d", last, ("p", size, offset))
        rest = ("S", other, entry((*formals[:-1], other)))
        return sum_of(here, negative(("*", at_last, here)), negative(("*", at_last, rest)))


def _over_last(indices: Where, body: Raw) -> Raw:
    """The sum over the last index, which is free in the body and bound here."""
    over = fresh(indices[-1])
    return ("S", over, put(body, {indices[-1]: over}))


class PosDef(Domain):
    """Symmetric positive definite matrices over the last two axes."""

    __slots__ = ()
    word = "posdef"
    depth = 2
    is_continuous = True
    is_definite = True

    @classmethod
    def fits(cls, shape: Sequence[Extent]) -> bool:
        """Square ones."""
        return len(shape) >= cls.depth and shape[-1] == shape[-2]

    @classmethod
    def sign(cls, kind: Kind, where: Where) -> str:
        """Positive on the diagonal."""
        return "+" if where and where[-1] == where[-2] else ""

    def admits_block(self, block: Block, n: int, ends: Ends) -> bool:
        """Symmetric, of positive pivots."""
        rows = [[block[i, j] for j in range(1, n + 1)] for i in range(1, n + 1)]
        if any(rows[i][j] != rows[j][i] for i in range(n) for j in range(n)):
            return False
        work = work_left()
        for k in range(n):
            if rows[k][k] <= 0:
                return False
            bits = max(abs(x.numerator) | x.denominator for x in rows[k]).bit_length()
            work.spend((n - k) ** 2 * (2 + (bits * bits >> 18)), "the pivots of a matrix")
            for i in range(k + 1, n):
                factor = rows[i][k] / rows[k][k]
                rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k], strict=True)]
        return True

    def tangent_equation(self, indices: Where, body: Raw) -> Raw:
        """They are symmetric."""
        i, j = indices[-2:]
        a, b = (("i", f"{FREE}{n}{i[1]}", *like[2:]) for n, like in ((1, i), (2, j)))
        return minus(put(body, {i: a, j: b}), put(body, {i: b, j: a}))

    def directions(self, entry: Callable[[Where], Raw], formals: Where, shape: Any) -> Raw:
        """v + v'"""
        return sum_of(entry(formals), entry((*formals[:-2], formals[-1], formals[-2])))

    @property
    def has_mirrored_directions(self) -> bool:
        """Both are v[i, j] + v[j, i]."""
        return True

    @property
    def motions(self) -> Motions | None:
        """r v, one r for each matrix"""
        return Motions(scales=True, shifts=False, whole=True)

    def divergence(self, rate: Raw, events: Where, shape: Sequence[Extent]) -> Raw:
        """n (n + 1)/2 r"""
        size, offset = shape[-1]
        n: Raw = ("q", Fraction(offset))
        if size:
            n = ("+", ("n", size), n)
        return ("*", n, ("+", n, ONE), ("q", Fraction(1, 2)), rate)


class Invertible(Domain):
    """Of a function: an invertible map of vectors."""

    __slots__ = ()
    word = "invertible"
    is_invertible = True
    carries_extent = True

    @classmethod
    def fits(cls, shape: Sequence[Extent]) -> bool:
        """Vectors."""
        return len(shape) == 1


class Symmetric(Domain):
    """Directions in definite matrices, of which nothing is used."""

    __slots__ = ()
    word = "symmetric"


class Tangent(Domain):
    """Directions in a simplex, of which nothing is used."""

    __slots__ = ()
    word = "tangent"


DOMAINS: Final[dict[str, type[Domain]]] = {
    domain.word: domain
    for domain in (
        *(Real, Positive, Unit, Simplex, PosDef, Binary, Naturals, Counts, OneHot, Category),
        *(Interval, Angle, Invertible, Symmetric, Tangent),
    )
}
