"""Derivatives by all entries at once are those along one direction for each entry."""

from __future__ import annotations

from fractions import Fraction
from math import isclose
from random import Random

import pytest
from checker_values import At, value_of

from symelbo.checker import gradient as module
from symelbo.checker.gradient import gradient
from symelbo.checker.terms import ONE, NotShown, Raw, RawIndex, bound_index, derivative, sum_of

I, J = (bound_index(name, ("i", "", 1, "", 2)) for name in "ij")
X, Y = ("v", "x", ("real",), ()), ("v", "y", ("real",), ())


def w(*where: RawIndex) -> Raw:
    return ("v", "w", ("real",), where)


def at(k: int) -> RawIndex:
    return ("p", "", k)


def q(value: int) -> Raw:
    return ("q", Fraction(value))


def call(name: str, *arguments: Raw) -> Raw:
    return ("f", name, *arguments)


def square(raw: Raw) -> Raw:
    return ("^", raw, q(2))


A = sum_of(q(1), square(X))  # positive
LAYER = call("tanh", ("*", w(at(1), at(2)), Y))
MATRIX = ((I, J), sum_of(("*", q(4), ("d", I, J)), ("*", w(I, J), call("sin", X))))

TERMS: dict[str, Raw] = {
    "an entry": X,
    "a number": q(3),
    "a product with a square": ("*", X, X, Y, w(at(1), at(1))),
    "a quotient": ("*", Y, ("^", A, q(-1))),
    "a root": ("^", A, ("q", Fraction(1, 2))),
    "an exponent": ("^", A, ("*", X, Y)),
    "two layers, used twice": sum_of(("*", LAYER, call("exp", LAYER)), call("sigmoid", LAYER)),
    "a sum": ("S", I, ("S", J, ("*", w(I, J), w(J, I), call("softplus", w(J, J))))),
    "an index": ("S", I, ("*", ("iv", I), square(w(I, at(2))))),
    "a logarithm of a determinant": ("*", Y, ("LD", MATRIX)),
    "an entry of an inverse": ("*", Y, ("Inv", MATRIX, at(1), at(2))),
    "functions of gamma": sum_of(call("loggamma", A), call("digamma", A)),
    "the error function": call("erf", ("*", X, Y)),
    **{name: call(name, ("*", X, w(at(2), at(1)))) for name in ("cos", "abs", "besselratio")},
    "an order": call("polygamma", ONE, A),
}


def places() -> list[tuple[str, tuple[int, ...]]]:
    return [("x", ()), ("y", ()), *(("w", (i, j)) for i in (1, 2) for j in (1, 2))]


def is_entry(part: Raw) -> bool:
    return bool(part[0] == "v")


@pytest.mark.parametrize("apart", (False, True))
@pytest.mark.parametrize("name", TERMS)
def test_it_is_the_derivative_along_each_entry(name: str, apart: bool) -> None:
    """apart: stop at the layers first, and go on from there."""
    random, raw = Random(1), TERMS[name]
    point = At({}, {place: random.uniform(0.3, 1.5) for place in places()})

    def is_leaf(part: Raw) -> bool:
        return is_entry(part) or (apart and part == LAYER)

    found = dict.fromkeys(places(), 0.0)
    for leaf, slope in gradient(raw, is_leaf, lambda part: part[0] != "q"):
        for entry, inner in gradient(leaf, is_entry, lambda part: part[0] != "q"):
            where = entry[1], tuple(i[2] for i in entry[3])
            found[where] += value_of(slope, point) * value_of(inner, point)
    for place, slope in found.items():
        expected = value_of(derivative(raw, along(*place)), point)
        assert isclose(slope, expected, rel_tol=1e-9, abs_tol=1e-12), place


def along(name: str, where: tuple[int, ...]) -> dict[str, tuple[tuple[RawIndex, ...], Raw]]:
    """One entry moves with velocity 1."""
    formals = (I, J)[: len(where)]
    deltas = (("d", i, at(k)) for i, k in zip(formals, where, strict=True))
    return {name: (formals, ("*", ONE, *deltas))}


def test_what_does_not_move_is_left_out() -> None:
    names = [leaf[1] for leaf, _ in gradient(TERMS["a quotient"], is_entry, lambda p: p != Y)]
    assert names == ["x"]
    assert not gradient(Y, is_entry, lambda part: part != Y)


def test_every_part_is_visited_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain that doubles at every level."""
    count = 0
    original = module._Gradient.slopes

    def slopes(self: object, part: Raw) -> object:
        nonlocal count
        count += 1
        return original(self, part)  # type: ignore[arg-type]

    monkeypatch.setattr(module._Gradient, "slopes", slopes)
    raw = X
    for _ in range(60):
        raw = ("*", raw, raw)
    ((leaf, _),) = gradient(raw, is_entry, lambda part: True)
    assert leaf is X and count == 60


@pytest.mark.parametrize(
    "raw",
    (
        call("polygamma", X, A),
        ("S", bound_index("k", ("i", "", 1, "D", 0)), X),
        ("A", "f", ("real",), (((), X),), (), ()),
    ),
)
def test_what_has_no_derivative_here(raw: Raw) -> None:
    with pytest.raises(NotShown):
        gradient(raw, is_entry, lambda part: part[0] != "q")
