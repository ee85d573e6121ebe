"""Terms at one exact point: matrices of numbers, and sums whose index is an exponent."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from random import Random

import flint
import pytest

from symelbo.checker.instance import Exact
from symelbo.checker.polynomial import Poly
from symelbo.checker.terms import NOWHERE, Instance, NotShown, Raw, RawIndex

I: RawIndex = ("i", "i", 1, "D", 0)
J: RawIndex = ("i", "j", 1, "D", 0)


def at(k: int) -> RawIndex:
    return ("p", "", k)


def entry(*where: RawIndex) -> Raw:
    return ("v", "A", ("posdef",), where)


def value_of(poly: Poly) -> Fraction:
    assert set(poly) <= {()}
    return Fraction(poly.get((), 0))


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_inverses_and_determinants_of_numbers(size: int) -> None:
    """As exact elimination has them; the sum over a row with a column of the inverse is a delta."""
    random = Random(size)
    root = [[Fraction(random.randint(-3, 3)) for _ in range(size)] for _ in range(size)]
    places = range(size)
    numbers = [
        [sum(root[i][k] * root[j][k] for k in places) + (i == j) for j in places] for i in places
    ]
    values = {("A", (i + 1, j + 1)): numbers[i][j] for i, j in product(places, places)}
    exact = Exact(Instance({"D": size}))
    matrix = ((I, J), entry(I, J))
    whole = flint.fmpq_mat(size, size, [flint.fmpq(int(x)) for line in numbers for x in line])
    inverse = whole.inv()
    for i, j in product(places, places):
        found = value_of(exact.number(("Inv", matrix, at(i + 1), at(j + 1)), values))
        expected = inverse[i, j]
        assert found == Fraction(int(expected.p), int(expected.q))
    row: RawIndex = ("i", "k", 1, "D", 0)
    for j in places:
        product_ = ("S", row, ("*", entry(at(1), row), ("Inv", matrix, row, at(j + 1))))
        assert value_of(exact.number(product_, values)) == (j == 0)
    determinant: Raw = ("q", Fraction(int(whole.det().p)))
    difference = ("+", ("LD", matrix), ("*", ("q", Fraction(-1)), ("f", "log", determinant)))
    assert exact.vanishes(exact.number(difference, values))
    with pytest.raises(NotShown):
        exact.number(("Inv", matrix, at(size + 1), at(1)), values)


def test_a_singular_matrix_has_no_inverse() -> None:
    values = {("A", (i, j)): Fraction(1) for i, j in product((1, 2), (1, 2))}
    exact = Exact(Instance({"D": 2}))
    matrix = ((I, J), entry(I, J))
    for raw in (("Inv", matrix, at(1), at(1)), ("LD", matrix)):
        with pytest.raises(NotShown):
            exact.number(raw, values)


def test_a_sum_whose_index_is_an_exponent_is_written_out() -> None:
    """sum_k (k + 2)^(k - 1) x^k, where the length is known; else nothing is shown."""
    k: RawIndex = ("i", "k", 1, "K", 0)
    x: Raw = ("v", "x", ("real",), ())
    index: Raw = ("iv", k)
    less = ("+", index, ("q", Fraction(-1)))
    raw = ("S", k, ("*", ("^", ("+", index, ("q", Fraction(2))), less), ("^", x, index)))
    for length, number in product((1, 3, 4), (Fraction(0), Fraction(-2, 3))):
        found = value_of(Exact(Instance({"K": length})).number(raw, {("x", ()): number}))
        assert found == sum((n + 2) ** (n - 1) * number**n for n in range(1, length + 1))
    with pytest.raises(NotShown):
        Exact(NOWHERE).number(raw)
