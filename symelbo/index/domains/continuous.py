"""Real numbers and ranges of them; what a value may be moved by."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import ClassVar, Final, TypeAlias

from symelbo.index.build import ONE, add, divide, mul, number, power, subtract
from symelbo.index.range import POSITIVE, REAL, UNIT, Range
from symelbo.index.terms import (
    OPEN,
    Constant,
    Domain,
    Ends,
    Given,
    IndexTerm,
    Motions,
    Number,
    Term,
)
from symelbo.limits import DRAWN_BEYOND, DRAWN_DENOMINATORS, DRAWN_INSIDE
from symelbo.values import dataclass

__all__ = [
    "Angle",
    "Continuous",
    "End",
    "Interval",
    "Invertible",
    "Place",
    "Positive",
    "Real",
    "RealAt",
    "Scalar",
    "Unit",
    "fractions",
]

_PI: Final = Constant("pi")
_MINUS_PI: Final = mul(number(-1), _PI)

End: TypeAlias = Callable[[Term], Fraction | None]
Place: TypeAlias = tuple[int, ...]
RealAt: TypeAlias = Callable[[Place], tuple[float, float]]


def fractions(text: str) -> tuple[Fraction, ...]:
    """ "1 -1/2" -> 1, -1/2"""
    return tuple(map(Fraction, text.split()))


class Continuous(Domain):
    """A domain whose values can move."""

    __slots__ = ()

    @property
    def tangent(self) -> Domain:
        """Any real number."""
        return Real()


class Scalar(Continuous):
    """A continuous domain of scalars, with a list of simple ones."""

    __slots__ = ()

    # of few primes, so that few logarithms take part: one after the other, and the simplest first;
    # points take every third, so that 3 must not divide how many there are
    SIMPLE: ClassVar[tuple[Fraction, ...]] = fractions("1 2 -1 3 -2 1/2 -3 3/2")
    FIRST: ClassVar[tuple[Fraction, ...]] = fractions("0 1 -1 2 -2 3 1/2 -3")
    ROUND: ClassVar[int] = 64  # numbers, after which come halves of them, thirds, and so on

    def draw_generic(self, random: Random) -> Fraction:
        """A scalar at which nothing holds by accident."""
        sign = random.choice((-1, 1))
        return Fraction(sign * random.randint(20, 99), random.choice(DRAWN_DENOMINATORS))

    def draw_exact(self, number: int, given: Given) -> list[Fraction]:
        """One of SIMPLE, a part of one, or a generic one."""
        if given.random is not None:
            return [self.draw_generic(given.random)]
        return [self.SIMPLE[number % len(self.SIMPLE)] / (1 + number // self.ROUND)]

    def exact_values(self, count: int, given: Given) -> list[list[Fraction]]:
        """FIRST, or generic ones."""
        if given.random is not None:
            return [[self.draw_generic(given.random)] for _ in range(count)]
        return [[value] for value in self.FIRST]


class Real(Scalar):
    """The real line.  Motions: r v + s."""

    __slots__ = ()
    kind = "real"
    is_line = True

    def interval(
        self, least: End, most: End, places: tuple[IndexTerm, ...] = (), length: int = 1
    ) -> Range:
        """Everything."""
        return REAL

    def draw(self, random: Random, n: int, ends: Ends = OPEN) -> list[float]:
        """Standard normal."""
        return [random.gauss(0, 1)]

    def probes(self) -> tuple[int | str, ...]:
        """One of each sign."""
        return (1, -1)

    @property
    def motions(self) -> Motions | None:
        """r v + s"""
        return Motions(scales=True, shifts=True)


class Positive(Scalar):
    """(0, oo).  Motions: r v."""

    __slots__ = ()
    kind = "positive"
    latex = r"(0,\infty)"
    described = "positive"
    check = "positive"
    hint = "declare it `positive`, or write exp(...) or softplus(...)"
    smooth = (1.5, 0.6)
    wider = (Real,)
    SIMPLE = fractions("2 3 1/2 4 3/2 6 1/3 2/3 3/4 9")
    FIRST = fractions("1 2 1/2 4 3 6 1/4 8")

    def interval(
        self, least: End, most: End, places: tuple[IndexTerm, ...] = (), length: int = 1
    ) -> Range:
        """(0, oo)"""
        return POSITIVE

    def draw(self, random: Random, n: int, ends: Ends = OPEN) -> list[float]:
        """Near 1."""
        return [random.uniform(*DRAWN_BEYOND)]

    def draw_generic(self, random: Random) -> Fraction:
        """Near 1 too."""
        return Fraction(random.randint(30, 299), random.choice(DRAWN_DENOMINATORS))

    def probes(self) -> tuple[int | str, ...]:
        """Near 0, and large."""
        return ("1/1000000", 1000000)

    def margins(self, value: Term) -> tuple[Term, ...]:
        """v > 0"""
        return (value,)

    @property
    def motions(self) -> Motions | None:
        """r v"""
        return Motions(scales=True, shifts=False)

    def from_real(self, real: Term) -> Term:
        """1 + x^2"""
        return add(ONE, power(real, 2))

    @property
    def in_words(self) -> str:
        """For a fault."""
        return "a positive number"

    def condition(self, source: str) -> str:
        """0 < source"""
        return f"0 < {source}"


class Unit(Scalar):
    """(0, 1).  No motions."""

    __slots__ = ()
    kind = "unit"
    latex = "(0,1)"
    described = "strictly between 0 and 1"
    check = "unit"
    hint = "declare it `unit`, or write sigmoid(...)"
    smooth = (0.5, 0.2)
    wider = (Positive, Real)
    SIMPLE = fractions("1/3 1/4 2/3 3/4 1/9 8/9 1/2")
    FIRST = fractions("1/2 1/4 3/4 1/3 2/3 1/5 2/5 4/5")

    def interval(
        self, least: End, most: End, places: tuple[IndexTerm, ...] = (), length: int = 1
    ) -> Range:
        """(0, 1)"""
        return UNIT

    def draw(self, random: Random, n: int, ends: Ends = OPEN) -> list[float]:
        """Away from both ends."""
        return [random.uniform(*DRAWN_INSIDE)]

    def draw_generic(self, random: Random) -> Fraction:
        """Of the denominator 101."""
        return Fraction(random.randint(5, 95), 101)

    def probes(self) -> tuple[int | str, ...]:
        """Near both ends."""
        return ("1/1000000", "999999/1000000")

    def margins(self, value: Term) -> tuple[Term, ...]:
        """v > 0 and 1 - v > 0"""
        return (value, subtract(ONE, value))

    def from_real(self, real: Term) -> Term:
        """1/(2 + x^2)"""
        return divide(ONE, add(number(2), power(real, 2)))

    @property
    def in_words(self) -> str:
        """For a fault."""
        return "a number between 0 and 1, both excluded"

    def condition(self, source: str) -> str:
        """0 < source < 1"""
        return f"0 < {source} < 1"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Interval(Continuous):
    """lower..upper, whose ends are terms; None is infinite.

    With one end, a number, it has the motions r (v - end), and none where both are numbers.
    Whatever its ends are, the motions that keep it are affine.
    """

    kind = "interval"
    has_ends = True
    described = "between the bounds of its support"
    check = "interval"

    lower: Term | None = None
    upper: Term | None = None

    def interval(
        self, least: End, most: End, places: tuple[IndexTerm, ...] = (), length: int = 1
    ) -> Range:
        """Its ends, which may be values."""
        return Range(
            None if self.lower is None else least(self.lower),
            None if self.upper is None else most(self.upper),
            lower_open=False,
            upper_open=False,
        )

    def draw(self, random: Random, n: int, ends: Ends = OPEN) -> list[float]:
        """Away from its ends."""
        lower, upper = ends
        if lower is not None and upper is not None:
            return [lower + (upper - lower) * random.uniform(*DRAWN_INSIDE)]
        if lower is not None:
            return [lower + random.uniform(*DRAWN_BEYOND)]
        if upper is not None:
            return [upper - random.uniform(*DRAWN_BEYOND)]
        return [random.gauss(0, 1)]

    def inside(self, by: Fraction, given: Given) -> Fraction:
        """The point at a distance from its ends, or from 0 where there are none."""
        lower, upper = given.lower, given.upper
        if lower is not None and upper is not None:
            return lower + (upper - lower) * by / (by + 4)
        if lower is not None:
            return lower + by
        return upper - by if upper is not None else by

    def draw_exact(self, number: int, given: Given) -> list[Fraction]:
        """At a distance of 1, 2 or 3 from an end."""
        return [self.inside(Fraction(1 + number % 3), given)]

    def exact_values(self, count: int, given: Given) -> list[list[Fraction]]:
        """At several distances."""
        halves = (2, 4, 1, 3, 6, 5, 8)
        return [[self.inside(Fraction(half, 2), given)] for half in halves]

    def fits(self, prior: Domain) -> bool:
        """Whether both are of continuous scalars; the ends may depend on parameters."""
        return isinstance(prior, Continuous) and not prior.rank

    def with_ends(self, lower: Term | None, upper: Term | None) -> Domain:
        """Between other ends."""
        return type(self)(lower, upper)

    def without_ends(self, lower_is_positive: bool) -> Domain:
        """A half-line or the line."""
        return Positive() if lower_is_positive else Real()

    @property
    def motions(self) -> Motions | None:
        """r (v - end), where there is one end and it is a number"""
        if self.lower is None or self.upper is None:
            found = self.wider_motions
            return found if found is not None and found.about is not None else None
        return None

    @property
    def wider_motions(self) -> Motions | None:
        """r (v - end) for an end that is a number, none for two; all affine ones without one"""
        fixed = [end for end in (self.lower, self.upper) if isinstance(end, Number)]
        if len(fixed) == 2:
            return None
        if fixed:
            return Motions(scales=True, shifts=False, about=fixed[0])
        return Motions(scales=True, shifts=True)

    @property
    def in_words(self) -> str:
        """For a fault."""
        return self.spelled(lambda end: str(end.value) if isinstance(end, Number) else "its bound")

    def condition(self, source: str) -> str:
        """In words."""
        return f"{source} lies in {self.in_words}"

    def spelled(self, show: Callable[[Term], str]) -> str:
        """lower..upper"""
        lower = "-oo" if self.lower is None else show(self.lower)
        upper = "oo" if self.upper is None else show(self.upper)
        return f"{lower}..{upper}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Angle(Interval):
    """An interval whose ends are one point, so that values may be rotated.  Motions: s."""

    kind = "angle"

    lower: Term | None = _MINUS_PI
    upper: Term | None = _PI

    def inside(self, by: Fraction, given: Given) -> Fraction:
        """Near 0."""
        return by - 2

    @property
    def motions(self) -> Motions | None:
        """s"""
        return Motions(scales=False, shifts=True)

    @property
    def wider_motions(self) -> Motions | None:
        """s"""
        return self.motions


class Invertible(Real):
    """Values of an abstract function whose Jacobian is invertible everywhere."""

    __slots__ = ()
    kind = "invertible"
    is_line = False
    is_invertible = True
