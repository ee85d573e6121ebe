"""Residues obey the functional equations of the numbers that they stand for."""

from __future__ import annotations

from fractions import Fraction

import pytest

from symelbo.index.build import ONE, add, call, divide, exp, log, mul, negate, number, power
from symelbo.index.domains import Real
from symelbo.index.modular import Modular
from symelbo.index.substitute import formal_indices
from symelbo.index.terms import Array, Entry, Extent, Inverse, Position, Role, Symbol, Term

_T = Symbol("t", Role.PARAMETER, Real())
T = Entry(_T)
DEEP = call("tanh", T)
EQUAL: dict[str, tuple[Term, Term]] = {
    "a sum": (exp(add(DEEP, number(2))), mul(exp(DEEP), exp(number(2)))),
    "a difference, scaled": (
        exp(divide(negate(add(number(3), negate(DEEP))), number(2))),
        mul(exp(divide(DEEP, number(2))), exp(number(Fraction(-3, 2)))),
    ),
    "a half, twice": (power(exp(divide(DEEP, number(2))), number(2)), exp(DEEP)),
    "a multiple": (exp(mul(number(3), DEEP)), power(exp(DEEP), number(3))),
    "what cancels": (exp(add(DEEP, negate(DEEP))), ONE),
    "a logarithm": (
        exp(mul(number(2), log(add(ONE, exp(DEEP))))),
        power(add(ONE, exp(DEEP)), number(2)),
    ),
}
APART: dict[str, tuple[Term, Term]] = {
    "another number": (exp(add(DEEP, number(2))), exp(add(DEEP, number(3)))),
    "another function": (exp(DEEP), exp(call("sigmoid", T))),
    "a square": (exp(mul(DEEP, DEEP)), power(exp(DEEP), number(2))),
}


def residue(machine: Modular, term: Term) -> int:
    return machine.term(term, {}).value


@pytest.fixture
def machine() -> Modular:
    return Modular({}, {("t", ()): Modular.rational(Fraction(3, 2))}, 0)


@pytest.mark.parametrize("name", EQUAL)
@pytest.mark.parametrize("turned", [False, True])
def test_exponentials_are_multiplicative(machine: Modular, name: str, turned: bool) -> None:
    left, right = EQUAL[name][::-1] if turned else EQUAL[name]
    assert residue(machine, left) == residue(machine, right)


@pytest.mark.parametrize("name", APART)
def test_what_differs_has_other_residues(machine: Modular, name: str) -> None:
    left, right = APART[name]
    assert residue(machine, left) != residue(machine, right)


def test_a_matrix_is_inverted_once_for_all_entries_until_what_it_holds_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    size = Extent(None, 3)
    symbol = Symbol("m", Role.PARAMETER, Real(), (size, size))
    indices = formal_indices(symbol.shape)
    matrix = Array(indices, Entry(symbol, indices))
    places = [(i, j) for i in range(1, 4) for j in range(1, 4)]
    inverted = []
    invert = Modular.invert

    def counted(self: Modular, *arguments: object) -> object:
        inverted.append(arguments)
        return invert(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Modular, "invert", counted)
    machine = Modular({}, {}, 0)
    for scale in (2, 3):
        values = {("m", at): Fraction(scale * (at[0] == at[1]) + at[0] * at[1]) for at in places}
        machine.move_to({at: Modular.rational(x) for at, x in values.items()})
        at_place = {
            (i, j): (Position(Extent(None, i)), Position(Extent(None, j))) for i, j in places
        }
        found = {at: machine.term(Inverse(matrix, *at_place[at]), {}).exact for at in places}
        for i, j in places:
            inner = (values["m", (i, k)] * (found[k, j] or 0) for k in range(1, 4))
            assert sum(inner) == (i == j)
    assert len(inverted) == 2
