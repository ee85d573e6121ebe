"""Integers, which do not move: counts, bits and categories, and vectors of them."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from symelbo.index.build import ONE
from symelbo.index.domains.continuous import End, Real
from symelbo.index.range import NONNEGATIVE, Range
from symelbo.index.terms import (
    OPEN,
    Domain,
    Ends,
    Given,
    IndexTerm,
    Number,
    Term,
)
from symelbo.limits import DRAWN_TRIALS
from symelbo.values import dataclass

__all__ = ["Binary", "Category", "Counts", "Integers", "Naturals", "OneHot"]


def _trials(end: Fraction | None) -> int:
    """A number of trials, which has to be a natural number."""
    if end is None or end.denominator != 1:
        raise LookupError("a number of trials that is not known")
    return int(end)


def _first_and_last(first: int, last: int) -> tuple[int | str, ...]:
    return tuple(dict.fromkeys([*range(first, min(last, 4) + 1), last]))


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

    def interval(
        self, least: End, most: End, places: tuple[IndexTerm, ...] = (), length: int = 1
    ) -> Range:
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

    def interval(
        self, least: End, most: End, places: tuple[IndexTerm, ...] = (), length: int = 1
    ) -> Range:
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

    def interval(
        self, least: End, most: End, places: tuple[IndexTerm, ...] = (), length: int = 1
    ) -> Range:
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

    def with_ends(self, lower: Term | None, upper: Term | None) -> Domain:
        """Another number of them."""
        return Category(upper)

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
    check = "counts"

    def interval(
        self, least: End, most: End, places: tuple[IndexTerm, ...] = (), length: int = 1
    ) -> Range:
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
    upper_is_sum = True
    described = "whole numbers from 0 on, with a given sum over the last axis"
    check = "counts"
    wider = (OneHot,)

    upper: Term | None = None

    def interval(
        self, least: End, most: End, places: tuple[IndexTerm, ...] = (), length: int = 1
    ) -> Range:
        """From 0 on."""
        return NONNEGATIVE

    def with_ends(self, lower: Term | None, upper: Term | None) -> Domain:
        """One trial is a one-hot vector."""
        return OneHot() if upper == ONE else Counts(upper)

    def without_ends(self, lower_is_positive: bool) -> Domain:
        """Of any sum."""
        return Counts()
