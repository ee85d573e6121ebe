"""Degrees of homogeneity, against Euler's operator, and the multiples that they give."""

from __future__ import annotations

from fractions import Fraction

import pytest
from factors import factors_of

from symelbo.criterion.balance_degrees import _Degrees, find_by_degrees
from symelbo.criterion.residues import solve_in_fractions
from symelbo.expfam.form import Gauge
from symelbo.expfam.respond import Travel
from symelbo.index.build import add, call, mul, number, power, subtract
from symelbo.index.differentiate import derivative_along
from symelbo.index.domains import Real
from symelbo.index.modular import PRIME
from symelbo.index.normal import is_zero
from symelbo.index.terms import (
    Apply,
    Array,
    Entry,
    Extent,
    Index,
    Inverse,
    LogDet,
    Role,
    Sum,
    Symbol,
    Term,
)

D = Extent("D")
I, J, K = (Index(name, D) for name in "ijk")
V, W = (Symbol(name, Role.PARAMETER, Real(), (D,)) for name in "vw")
A = Symbol("A", Role.PARAMETER, Real(), (D, D))
F = Symbol("f", Role.FUNCTION, Real())
X, Y = (Symbol(name, Role.PARAMETER, Real()) for name in "xy")
x, y = Entry(X), Entry(Y)
GRAM = Array((I, J), mul(x, Entry(A, (I, J))))
THIRD = number("1/3")

# a term, the degrees of x, y, v, w, A, and that of the term
DEGREES: list[tuple[Term, tuple[int, ...], Fraction]] = [
    (mul(x, power(y, 3)), (2, -1, 0, 0, 0), Fraction(-1)),
    (add(mul(x, x), y), (1, 2, 0, 0, 0), Fraction(2)),
    (power(add(x, y), THIRD), (1, 1, 0, 0, 0), Fraction(1, 3)),
    (call("abs", mul(x, y)), (1, 1, 0, 0, 0), Fraction(2)),
    (call("tanh", mul(x, y)), (1, -1, 0, 0, 0), Fraction(0)),
    (power(mul(x, power(y, -1)), mul(x, power(y, -1))), (1, 1, 0, 0, 0), Fraction(0)),
    (Sum(I, mul(Entry(V, (I,)), Entry(W, (I,)))), (0, 0, 1, 2, 0), Fraction(3)),
    (Inverse(GRAM, K, K), (1, 0, 0, 0, 2), Fraction(-3)),
    (LogDet(GRAM), (-2, 0, 0, 0, 2), Fraction(0)),
    (Apply(F, (Array((I,), mul(x, Entry(V, (I,)))),)), (1, 0, -1, 0, 0), Fraction(0)),
]
SYMBOLS = (X, Y, V, W, A)


def residue(value: Fraction) -> int:
    return value.numerator * pow(value.denominator, -1, PRIME) % PRIME


def degrees_of(term: Term, given: tuple[int, ...]) -> tuple[int, bool]:
    """The degree of a term, and whether all that it asks for holds."""
    found = _Degrees({s: {n: 1} for n, s in enumerate(SYMBOLS)})
    form = found.degree(term)

    def value(of: object) -> int:
        return sum(x * given[n] for n, x in of.items()) % PRIME  # type: ignore[attr-defined]

    return value(form), all(value(row) == 0 for row in found.rows)


@pytest.mark.parametrize(("term", "given", "degree"), DEGREES)
def test_a_degree_is_that_of_the_derivative(
    term: Term, given: tuple[int, ...], degree: Fraction
) -> None:
    assert degrees_of(term, given) == (residue(degree), True)
    indices = {s: tuple(Index(f"n{k}", e) for k, e in enumerate(s.shape)) for s in SYMBOLS}
    field = {
        s: Array(indices[s], mul(number(k), Entry(s, indices[s])))
        for s, k in zip(SYMBOLS, given, strict=True)
        if k
    }
    change = derivative_along(term, field)
    if not isinstance(term, Inverse | LogDet):  # A^-1 A = 1 is no rule of the normal form
        assert is_zero(subtract(change, mul(number(degree), term)))


@pytest.mark.parametrize(
    ("term", "given"),
    [
        (add(x, y), (1, 2, 0, 0, 0)),
        (add(x, number(1)), (1, 0, 0, 0, 0)),
        (call("exp", x), (1, 0, 0, 0, 0)),
        (power(x, y), (1, 0, 0, 0, 0)),
        (power(number(2), x), (1, 0, 0, 0, 0)),
        (LogDet(GRAM), (1, 0, 0, 0, 0)),
        (Apply(F, (Array((), x),)), (1, 0, 0, 0, 0)),
    ],
)
def test_what_is_not_homogeneous_is_not_taken_for_it(term: Term, given: tuple[int, ...]) -> None:
    assert not degrees_of(term, given)[1]


def test_what_u_asks_of_the_arguments() -> None:
    """m' = r m, v' = (2 r - 1) v, and r = 1/2 of a standard normal latent."""
    latent, data = factors_of(
        ["z ~ Normal(0, 1)", "x ~ Normal(w*z, s)"], {"w": "real", "s": "positive"}
    )
    w, s = sorted(data.parameters(), key=lambda p: p.name, reverse=True)
    unknowns = [Symbol(name, Role.UNKNOWN, Real()) for name in ("r", "w", "s")]
    scaled = dict(zip((latent.node, w, s), unknowns, strict=True))
    moving = [
        (latent, Gauge.CONSTANT, Travel.AFFINE),
        (data, Gauge.CONSTANT, Travel.REST),
    ]
    found = find_by_degrees(moving, scaled, unknowns)
    assert found is not None
    assert list(found.values()) == [Fraction(1, 2), Fraction(-1, 2), Fraction(-1)]
    still = find_by_degrees(moving[1:], {w: unknowns[1], s: unknowns[2]}, unknowns)
    assert still is not None
    assert list(still.values()) == [0, 0, -1]


def test_a_velocity_that_is_no_multiple_is_none() -> None:
    (factor,) = factors_of(["x ~ Poisson(l)"], {"l": "positive"})
    (rate,) = factor.parameters()
    unknown = Symbol("l", Role.UNKNOWN, Real())
    given = (factor, Gauge.TEXTBOOK, Travel.REST)  # l' = l log l
    assert find_by_degrees([given], {rate: unknown}, [unknown]) is None


def test_a_contradiction_is_none() -> None:
    assert solve_in_fractions([{0: 1}, {0: 1}], [0, 1], 1) is None
    assert solve_in_fractions([{0: 2, 1: 1}], [PRIME - 1], 2) == [Fraction(1, 2), 0]
    assert solve_in_fractions([], [], 2) == [0, 0]
