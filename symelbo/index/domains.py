"""The domains: one class each, which answers all that is asked of a domain anywhere.

To add one, write its class here and its check in `templates/python/module.py.j2`, and tell the
checker its word.  What the answers mean is said at `Domain`; what a class does not say is so for a
scalar that may be any real number, or is no question of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import exp
from random import Random
from typing import ClassVar, Final, TypeAlias

from symelbo.index.build import ONE, add, divide, mul, number, power, subtract
from symelbo.index.range import NONNEGATIVE, POSITIVE, REAL, UNIT, Range
from symelbo.index.terms import (
    OPEN,
    Constant,
    Domain,
    Ends,
    Extent,
    Given,
    IndexTerm,
    Motions,
    Number,
    Term,
)
from symelbo.limits import DRAWN_BEYOND, DRAWN_DENOMINATORS, DRAWN_INSIDE, DRAWN_TRIALS
from symelbo.values import dataclass

__all__ = [
    "DOMAINS",
    "SUPPORTS",
    "TYPES",
    "Angle",
    "Binary",
    "Category",
    "Continuous",
    "Counts",
    "Integers",
    "Interval",
    "Invertible",
    "Naturals",
    "OneHot",
    "PosDef",
    "Positive",
    "Real",
    "Scalar",
    "Simplex",
    "Symmetric",
    "Tangent",
    "Unit",
]

_PI: Final = Constant("pi")
_MINUS_PI: Final = mul(number(-1), _PI)

_End: TypeAlias = Callable[[Term], Fraction | None]
_Place: TypeAlias = tuple[int, ...]
_Real: TypeAlias = Callable[[_Place], tuple[float, float]]


def _trials(end: Fraction | None) -> int:
    """A number of trials, which has to be a natural number."""
    if end is None or end.denominator != 1:
        raise LookupError("a number of trials that is not known")
    return int(end)


def _first_and_last(first: int, last: int) -> tuple[int | str, ...]:
    return tuple(dict.fromkeys([*range(first, min(last, 4) + 1), last]))


def _fractions(text: str) -> tuple[Fraction, ...]:
    return tuple(map(Fraction, text.split()))


# ---------------------------------------------------------------- continuous scalars


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

    # of few primes, so that few logarithms take part: one after the other, and the simplest first
    SIMPLE: ClassVar[tuple[Fraction, ...]] = _fractions("1 2 -1 3 -2 1/2 -3 3/2")
    FIRST: ClassVar[tuple[Fraction, ...]] = _fractions("0 1 -1 2 -2 3 1/2 -3")

    def draw_generic(self, random: Random) -> Fraction:
        """A scalar at which nothing holds by accident."""
        sign = random.choice((-1, 1))
        return Fraction(sign * random.randint(20, 99), random.choice(DRAWN_DENOMINATORS))

    def draw_exact(self, number: int, given: Given) -> list[Fraction]:
        """One of SIMPLE, or a generic one."""
        if given.random is not None:
            return [self.draw_generic(given.random)]
        return [self.SIMPLE[number % len(self.SIMPLE)]]

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

    def interval(self, least: _End, most: _End, places: tuple[IndexTerm, ...] = ()) -> Range:
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
    SIMPLE = _fractions("2 3 1/2 4 3/2 6 1/3 2/3 3/4 9")
    FIRST = _fractions("1 2 1/2 4 3 6 1/4 8")

    def interval(self, least: _End, most: _End, places: tuple[IndexTerm, ...] = ()) -> Range:
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
    SIMPLE = _fractions("1/3 1/4 2/3 3/4 1/9 8/9")
    FIRST = _fractions("1/2 1/4 3/4 1/3 2/3 1/5 2/5 4/5")

    def interval(self, least: _End, most: _End, places: tuple[IndexTerm, ...] = ()) -> Range:
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

    From a number on it has the motions r (v - lower).  Whatever its ends are, the motions that keep
    it are affine.
    """

    kind = "interval"
    has_ends = True
    described = "between the bounds of its support"
    check = "interval"

    lower: Term | None = None
    upper: Term | None = None

    def interval(self, least: _End, most: _End, places: tuple[IndexTerm, ...] = ()) -> Range:
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
        """r (v - lower), from a number on"""
        if isinstance(self.lower, Number) and self.upper is None:
            return Motions(scales=True, shifts=False, about=self.lower)
        return None

    @property
    def wider_motions(self) -> Motions | None:
        """r (v - lower), or all affine ones where the lower end is no number"""
        if isinstance(self.lower, Number):
            return Motions(scales=True, shifts=False, about=self.lower)
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


# ---------------------------------------------------------------- continuous vectors and matrices


class _LastIsRest(Continuous):
    """Vectors whose entries have a given sum: the last entry is no coordinate."""

    __slots__ = ()
    rank = 1

    @property
    def tangent(self) -> Domain:
        """Vectors of sum 0."""
        return Tangent()

    def dimension(self, n: Term) -> Term:
        """n - 1"""
        return subtract(n, ONE)

    def free_shape(self, shape: tuple[Extent, ...]) -> tuple[Extent, ...]:
        """Up to the last entry."""
        return (*shape[:-1], Extent(shape[-1].size, shape[-1].offset - 1))

    def is_free(self, at: _Place, n: int) -> bool:
        """All but the last entry."""
        return at[-1] != n

    def direction(self, at: _Place, n: int) -> list[tuple[_Place, int]]:
        """What an entry gains the last one loses."""
        return [(at, 1), ((*at[:-1], n), -1)]


class Simplex(_LastIsRest):
    """Positive vectors of sum 1 over the last axis.  No motions."""

    __slots__ = ()
    kind = "simplex"
    entry_sum = 1
    described = "positive, summing to one over the last axis"
    check = "simplex"
    WEIGHTS: ClassVar[tuple[Fraction, ...]] = _fractions("1 2 3 1 4 3 2 6 1 8 9")

    def interval(self, least: _End, most: _End, places: tuple[IndexTerm, ...] = ()) -> Range:
        """(0, 1]: a single entry is 1"""
        return Range(Fraction(0), Fraction(1), upper_open=False)

    def draw(self, random: Random, n: int, ends: Ends = OPEN) -> list[float]:
        """Away from the corners."""
        parts = [random.uniform(0.2, 1.0) for _ in range(n)]
        return [part / sum(parts) for part in parts]

    def draw_exact(self, number: int, given: Given) -> list[Fraction]:
        """Small weights over their sum."""
        count = len(given.places)
        if given.random is None:
            run = range(number * count, (number + 1) * count)
            weights = [self.WEIGHTS[k % len(self.WEIGHTS)] for k in run]
        else:
            weights = [Fraction(given.random.randint(3, 29)) for _ in given.places]
        return [weight / sum(weights) for weight in weights]

    def from_reals(self, real: _Real, where: _Place, n: int) -> tuple[float, float]:
        """softmax"""
        heads = [real((*where[:-1], k)) for k in range(1, n + 1)]
        exps = [(exp(v), exp(v) * t) for v, t in heads]
        total, moved = sum(v for v, _ in exps), sum(t for _, t in exps)
        v, t = exps[where[-1] - 1]
        return v / total, t / total - v * moved / total**2

    @property
    def in_words(self) -> str:
        """For a fault."""
        return "a vector of type simplex"

    def condition(self, source: str) -> str:
        """In words."""
        return f"{source} is positive and sums to one"


class Tangent(_LastIsRest):
    """Directions in a simplex: vectors of sum 0 over the last axis."""

    __slots__ = ()
    kind = "tangent"
    entry_sum = 0

    def interval(self, least: _End, most: _End, places: tuple[IndexTerm, ...] = ()) -> Range:
        """Everything."""
        return REAL

    def draw(self, random: Random, n: int, ends: Ends = OPEN) -> list[float]:
        """Normal, less their mean."""
        parts = [random.gauss(0, 1) for _ in range(n)]
        return [part - sum(parts) / n for part in parts]

    def draw_exact(self, number: int, given: Given) -> list[Fraction]:
        """Simple numbers, and minus their sum."""
        parts = [Fraction((number + k) % 4 - 1) for k in range(len(given.places) - 1)]
        return [*parts, Fraction(-sum(parts))]


class Symmetric(Continuous):
    """Symmetric matrices: directions in the definite ones."""

    __slots__ = ()
    kind = "symmetric"
    rank = 2
    is_symmetric = True

    def interval(self, least: _End, most: _End, places: tuple[IndexTerm, ...] = ()) -> Range:
        """Everything."""
        return REAL

    def draw(self, random: Random, n: int, ends: Ends = OPEN) -> list[float]:
        """Sums of a normal matrix and its transpose."""
        root = [[random.gauss(0, 1) for _ in range(n)] for _ in range(n)]
        return [root[i][j] + root[j][i] for i in range(n) for j in range(n)]

    def draw_exact(self, number: int, given: Given) -> list[Fraction]:
        """Small integers."""
        return [Fraction((number + at[-1] * at[-2]) % 5) for at in given.places]

    @property
    def tangent(self) -> Domain:
        """Itself."""
        return Symmetric()

    def dimension(self, n: Term) -> Term:
        """n (n + 1)/2"""
        return divide(mul(n, add(n, ONE)), number(2))

    def is_free(self, at: _Place, n: int) -> bool:
        """On the diagonal and above."""
        return at[-1] >= at[-2]

    def direction(self, at: _Place, n: int) -> list[tuple[_Place, int]]:
        """A place and its mirror image, which on the diagonal is itself."""
        mirrored = (*at[:-2], at[-1], at[-2])
        return [(at, 2)] if mirrored == at else [(at, 1), (mirrored, 1)]


class PosDef(Symmetric):
    """Symmetric positive definite matrices over the last two axes.  Motions: r v, one r."""

    __slots__ = ()
    kind = "posdef"
    is_definite = True
    described = "symmetric positive definite in the last two axes"
    check = "posdef"

    def interval(self, least: _End, most: _End, places: tuple[IndexTerm, ...] = ()) -> Range:
        """Positive on the diagonal."""
        return POSITIVE if len(places) > 1 and places[-1] == places[-2] else REAL

    def draw(self, random: Random, n: int, ends: Ends = OPEN) -> list[float]:
        """A Gram matrix of normal vectors, and a multiple of the unit matrix."""
        root = [[random.gauss(0, 1) for _ in range(n)] for _ in range(n)]

        def entry(i: int, j: int) -> float:
            left, right = root[min(i, j)], root[max(i, j)]
            gram = sum(left[k] * right[k] for k in range(n)) / n
            return gram + (0.5 if i == j else 0.0)

        return [entry(i, j) for i in range(n) for j in range(n)]

    def draw_exact(self, number: int, given: Given) -> list[Fraction]:
        """Of a dominant diagonal."""
        random, places = given.random, given.places
        if random is None:
            diagonal = [Fraction(2 + number + k) for k in range(len(places))]
            off = Fraction(number % 2)
        else:
            diagonal = [Fraction(random.randint(60, 99), 17) for _ in places]
            off = Fraction(random.randint(1, 9), 17)
        return [diagonal[at[-1] - 1] if at[-1] == at[-2] else off for at in places]

    @property
    def motions(self) -> Motions | None:
        """r v, the same r for all entries"""
        return Motions(scales=True, shifts=False, whole=True)

    def from_reals(self, real: _Real, where: _Place, n: int) -> tuple[float, float]:
        """1 + M M' for a matrix M of real functions"""
        *outer, i, j = where
        value, tangent = float(i == j), 0.0
        for k in range(1, n + 1):
            a, da = real((*outer, i, k))
            b, db = real((*outer, j, k))
            value, tangent = value + a * b, tangent + a * db + b * da
        return value, tangent

    @property
    def in_words(self) -> str:
        """For a fault."""
        return "a matrix of type posdef"

    def condition(self, source: str) -> str:
        """In words."""
        return f"{source} is symmetric positive definite"


# ---------------------------------------------------------------- integers


class Integers(Domain):
    """A domain whose entries are integers, which do not move."""

    __slots__ = ()
    is_integer = True

    @property
    def tangent(self) -> Domain:
        """Any real number, of which a velocity is 0."""
        return Real()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Naturals(Integers):
    """0, 1, 2, ..., up to `upper` if it is given."""

    kind = "naturals"
    has_ends = True
    latex = r"\mathbb{N}"
    described = "whole numbers from 0 on"
    check = "naturals"
    smooth = (1.5, 0.6)

    upper: Term | None = None

    def interval(self, least: _End, most: _End, places: tuple[IndexTerm, ...] = ()) -> Range:
        """From 0 on."""
        return NONNEGATIVE

    def draw(self, random: Random, n: int, ends: Ends = OPEN) -> list[float]:
        """All alike, up to an end that who asks has to give."""
        if ends[1] is None:
            raise LookupError("natural numbers without an end")
        return [float(random.randint(0, int(ends[1])))]

    def draw_exact(self, number: int, given: Given) -> list[Fraction]:
        """1, 2 and 3 in turn."""
        return [Fraction(1 + number % 3)]

    def exact_values(self, count: int, given: Given) -> list[list[Fraction]]:
        """The first ones."""
        last = count - 1 if self.upper is None else min(_trials(given.upper), count - 1)
        return [[Fraction(k)] for k in range(last + 1)]

    def values(self, n: int, upper: float | None, most: int) -> list[list[float]] | None:
        """0..upper"""
        return [[float(k)] for k in range((most if upper is None else int(upper)) + 1)]

    def probes(self) -> tuple[int | str, ...]:
        """The least ones and the largest."""
        if isinstance(self.upper, Number):
            return _first_and_last(0, int(self.upper.value))
        return (0, 1, 2, 3, 1000) if self.upper is None else (0, 1)

    def with_ends(self, lower: Term | None, upper: Term | None) -> Domain:
        """One trial is a binary one."""
        return Binary() if upper == ONE else Naturals(upper)

    def without_ends(self, lower_is_positive: bool) -> Domain:
        """All of them."""
        return Naturals()

    @property
    def in_words(self) -> str:
        """For a fault."""
        return "a natural number"

    def condition(self, source: str) -> str:
        """In words."""
        return f"{source} is a natural number"


class Binary(Integers):
    """0 or 1."""

    __slots__ = ()
    kind = "binary"
    is_bit = True
    latex = r"\{0,1\}"
    described = "0 or 1"
    check = "binary"
    wider = (Naturals,)

    def interval(self, least: _End, most: _End, places: tuple[IndexTerm, ...] = ()) -> Range:
        """[0, 1]"""
        return Range(Fraction(0), Fraction(1), False, False)

    def draw(self, random: Random, n: int, ends: Ends = OPEN) -> list[float]:
        """A fair coin."""
        return [float(random.randint(0, 1))]

    def draw_exact(self, number: int, given: Given) -> list[Fraction]:
        """0 and 1 in turn."""
        return [Fraction(number % 2)]

    def exact_values(self, count: int, given: Given) -> list[list[Fraction]]:
        """0 and 1"""
        return [[Fraction(0)], [Fraction(1)]]

    def values(self, n: int, upper: float | None, most: int) -> list[list[float]] | None:
        """0 and 1"""
        return [[0.0], [1.0]]

    def probes(self) -> tuple[int | str, ...]:
        """0 and 1"""
        return (0, 1)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Category(Integers):
    """1..upper: the place of a category; None where the number of them is said elsewhere."""

    kind = "category"
    is_place = True
    described = "a category, counted from 1"
    check = "category"

    upper: Term | None = None

    def interval(self, least: _End, most: _End, places: tuple[IndexTerm, ...] = ()) -> Range:
        """From 1 on."""
        return Range(Fraction(1), lower_open=False)

    def draw(self, random: Random, n: int, ends: Ends = OPEN) -> list[float]:
        """All alike; the first one where their number is not known."""
        return [1.0 if ends[1] is None else float(random.randint(1, int(ends[1])))]

    def draw_exact(self, number: int, given: Given) -> list[Fraction]:
        """One after the other."""
        return [Fraction(1 + number % self.extent(given))]

    def exact_values(self, count: int, given: Given) -> list[list[Fraction]]:
        """All of them."""
        return [[Fraction(k)] for k in range(1, self.extent(given) + 1)]

    def extent(self, given: Given) -> int:
        """How many there are; two where that is not known."""
        return 2 if given.upper is None else int(given.upper)

    def values(self, n: int, upper: float | None, most: int) -> list[list[float]] | None:
        """1..upper"""
        return None if upper is None else [[float(k)] for k in range(1, int(upper) + 1)]

    def probes(self) -> tuple[int | str, ...]:
        """The first ones and the last."""
        if isinstance(self.upper, Number):
            return _first_and_last(1, int(self.upper.value))
        return (1, 2, 3)


class _CountVector(Integers):
    """Natural numbers of a given sum over the last axis."""

    __slots__ = ()
    rank = 1

    def trials(self, given: Given) -> int:
        """Their sum."""
        return _trials(given.upper)

    def draw(self, random: Random, n: int, ends: Ends = OPEN) -> list[float]:
        """Each trial alike."""
        trials = DRAWN_TRIALS if ends[1] is None else int(ends[1])
        taken = [random.randrange(n) for _ in range(trials)]
        return [float(taken.count(k)) for k in range(n)]

    def draw_exact(self, number: int, given: Given) -> list[Fraction]:
        """All in one place, or one beside it."""
        trials, count = self.trials(given), len(given.places)
        found = [Fraction(0)] * count
        found[number % count] = Fraction(trials)
        if number >= count and trials > 1:
            found[number % count] -= 1
            found[(number + 1) % count] += 1
        return found


class OneHot(_CountVector):
    """Counts of one trial: one entry is 1, the others are 0."""

    __slots__ = ()
    kind = "onehot"
    is_bit = True
    is_one_hot = True
    latex = r"\{0,1\}"
    described = "0 or 1"
    check = "onehot"

    def interval(self, least: _End, most: _End, places: tuple[IndexTerm, ...] = ()) -> Range:
        """[0, 1]"""
        return Range(Fraction(0), Fraction(1), False, False)

    def trials(self, given: Given) -> int:
        """1"""
        return 1

    def draw(self, random: Random, n: int, ends: Ends = OPEN) -> list[float]:
        """A fair die."""
        chosen = random.randrange(n)
        return [float(k == chosen) for k in range(n)]

    def values(self, n: int, upper: float | None, most: int) -> list[list[float]] | None:
        """The unit vectors."""
        return [[float(k == chosen) for k in range(n)] for chosen in range(n)]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Counts(_CountVector):
    """Natural numbers whose sum over the last axis is `upper`."""

    kind = "counts"
    latex = r"\mathbb{N}"
    described = "whole numbers from 0 on, with a given sum over the last axis"
    check = "counts"
    wider = (OneHot,)

    upper: Term | None = None

    def interval(self, least: _End, most: _End, places: tuple[IndexTerm, ...] = ()) -> Range:
        """From 0 on."""
        return NONNEGATIVE

    def with_ends(self, lower: Term | None, upper: Term | None) -> Domain:
        """One trial is a one-hot vector."""
        return OneHot() if upper == ONE else Counts(upper)

    def without_ends(self, lower_is_positive: bool) -> Domain:
        """Of any sum."""
        return Counts()


# ---------------------------------------------------------------- by their words

DOMAINS: Final[Mapping[str, Domain]] = {
    domain.kind: domain
    for domain in (
        Real(),
        Positive(),
        Unit(),
        Simplex(),
        PosDef(),
        Binary(),
        Naturals(),
        Counts(),
        OneHot(),
        Category(),
        Interval(),
        Angle(),
        Symmetric(),
        Tangent(),
        Invertible(),
    )
}
# what a quantity may be declared to be, and what values a family of the user's own may have
TYPES: Final = {d.kind: d for d in (Real(), Positive(), Unit(), Simplex(), PosDef())}
SUPPORTS: Final = {d.kind: d for d in (Real(), Positive(), Unit(), Naturals(), Binary())}
