"""Continuous values that span axes: points on a simplex, matrices, and what is tangent to them."""

from __future__ import annotations

from fractions import Fraction
from math import exp
from random import Random
from typing import ClassVar

from symelbo.index.build import ONE, add, divide, mul, number, subtract
from symelbo.index.domains.continuous import (
    Continuous,
    End,
    Place,
    RealAt,
    fractions,
)
from symelbo.index.range import POSITIVE, REAL, Range
from symelbo.index.terms import (
    OPEN,
    Domain,
    Ends,
    Extent,
    Given,
    IndexTerm,
    Motions,
    Term,
)

__all__ = ["PosDef", "Simplex", "Symmetric", "Tangent"]


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

    def is_free(self, at: Place, n: int) -> bool:
        """All but the last entry."""
        return at[-1] != n

    def direction(self, at: Place, n: int) -> list[tuple[Place, int]]:
        """What an entry gains the last one loses."""
        return [(at, 1), ((*at[:-1], n), -1)]


class Simplex(_LastIsRest):
    """Positive vectors of sum 1 over the last axis.  No motions."""

    __slots__ = ()
    kind = "simplex"
    entry_sum = 1
    described = "positive, summing to one over the last axis"
    check = "simplex"
    WEIGHTS: ClassVar[tuple[Fraction, ...]] = fractions("1 2 3 1 4 3 2 6 1 8 9")

    def interval(
        self, least: End, most: End, places: tuple[IndexTerm, ...] = (), length: int = 1
    ) -> Range:
        """(0, 1], as a single entry is 1; (0, 1) of two entries or more"""
        return Range(Fraction(0), Fraction(1), upper_open=length > 1)

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

    def from_reals(self, real: RealAt, where: Place, n: int) -> tuple[float, float]:
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

    def interval(
        self, least: End, most: End, places: tuple[IndexTerm, ...] = (), length: int = 1
    ) -> Range:
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

    def interval(
        self, least: End, most: End, places: tuple[IndexTerm, ...] = (), length: int = 1
    ) -> Range:
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

    def is_free(self, at: Place, n: int) -> bool:
        """On the diagonal and above."""
        return at[-1] >= at[-2]

    def direction(self, at: Place, n: int) -> list[tuple[Place, int]]:
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

    def interval(
        self, least: End, most: End, places: tuple[IndexTerm, ...] = (), length: int = 1
    ) -> Range:
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

    # of D + u u' with a positive diagonal matrix D: the entries of u in turn, one after the other
    ROOTS: ClassVar[tuple[tuple[int, int], ...]] = ((0, 0), (1, 1), (1, -1), (2, 1), (1, -2))

    def draw_exact(self, number: int, given: Given) -> list[Fraction]:
        """D + u u' for a positive diagonal matrix D."""
        random, places = given.random, given.places
        if random is None:
            step = max(number - 1, 1)  # so that no two diagonals are proportional
            diagonal = [Fraction(2 + number + step * k) for k in range(len(places))]
            root = [Fraction(x) for x in self.ROOTS[number % len(self.ROOTS)]]
        else:
            diagonal = [Fraction(random.randint(60, 99), 17) for _ in places]
            root = [Fraction(random.randint(1, 9), 17)]
        last = [at[-2:] for at in places]
        return [
            diagonal[i - 1] if i == j else root[i % len(root)] * root[j % len(root)]
            for i, j in last
        ]

    @property
    def motions(self) -> Motions | None:
        """r v, the same r for all entries"""
        return Motions(scales=True, shifts=False, whole=True)

    def from_reals(self, real: RealAt, where: Place, n: int) -> tuple[float, float]:
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
