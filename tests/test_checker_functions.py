"""Functions in the checker's normal form have their values, and refuse what has none."""

from __future__ import annotations

import math

import pytest
from checker_values import value_of, value_of_poly
from test_checker_signs import I, N, e, everywhere, forms, i, k, minus, q

from symelbo.checker.functions import FUNCTIONS
from symelbo.checker.terms import ONE, NotShown, Raw, sum_of

V, T = e("v", i), e("t", i)
A, B, X, Y, Z = (e(name) for name in "abxyz")
GRAM = ("S", k, ("^", e("v", k), q(2)))
ANY: dict[str, Raw] = {
    "an entry": V,
    "minus an entry": ("*", q(-1), V),
    "a sum": sum_of(X, ("*", q("-3/2"), V), q(2)),
    "a product": ("*", q("-2/3"), X, V, T),
    "logarithms": sum_of(("f", "log", T), ("*", q("-2"), ("f", "log", A)), X),
    "half a logarithm": sum_of(("*", q("1/2"), ("f", "log", T)), V),
    "zero": q(0),
    "a square and an odd power": ("*", ("^", X, q(2)), ("^", V, q(3))),
    "a sum over places": ("S", k, e("v", k)),
}
POSITIVE: dict[str, Raw] = {
    "an entry": T,
    "a product": ("*", q("6/35"), T, A, ("^", B, q(-2))),
    "a root": ("*", ("^", T, q("1/2")), ("^", sum_of(T, A), q("-3/2"))),
    "a sum": sum_of(T, ("^", X, q(2)), q("1/3")),
    "an exponential": ("*", ("f", "exp", sum_of(V, X)), A),
    "an even power": ("*", ("^", X, q(2)), A),
    "moved by a number": sum_of(A, q("7/2")),
    "moved by a size": sum_of(T, N),
    "moved down by a number": minus(N, q("1/3")),
    "a root of a number": ("*", ("^", q(6), q("1/2")), T),
    "an index": I,
    "a size and an index": sum_of(minus(N, I), ONE),
    "a number": q("5/2"),
    "a large number": q(12),
    "one": ONE,
    "squares and one": sum_of(GRAM, ONE),
}
EVERYWHERE = [n for n in FUNCTIONS if n not in ("log", "loggamma", "digamma", "polygamma")]


def assert_has_value(raw: Raw) -> None:
    form = forms()
    poly = form.poly(raw)
    count = 0
    for at in everywhere(5, 9):
        expected = value_of(raw, at)
        found = value_of_poly(form, poly, at)
        assert math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9)
        count += 1
    assert count > 9


@pytest.mark.parametrize("argument", ANY)
@pytest.mark.parametrize("name", EVERYWHERE)
def test_functions_have_their_values(name: str, argument: str) -> None:
    if name == "sign" and argument == "zero":
        return  # has no slope there: below
    assert_has_value(("f", name, ANY[argument]))


@pytest.mark.parametrize("argument", POSITIVE)
@pytest.mark.parametrize("name", ["log", "loggamma", "digamma"])
def test_functions_of_what_is_positive_have_their_values(name: str, argument: str) -> None:
    if argument == "an even power" and name != "log":
        return  # it may be 0
    assert_has_value(("f", name, POSITIVE[argument]))


@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize("argument", [n for n in POSITIVE if n != "an even power"])
def test_polygamma_functions_have_their_values(order: int, argument: str) -> None:
    assert_has_value(("f", "polygamma", q(order), POSITIVE[argument]))


EQUAL: dict[str, tuple[Raw, Raw]] = {
    "log of a product": (
        ("f", "log", ("*", T, ("^", A, q(-2)))),
        minus(("f", "log", T), ("*", q(2), ("f", "log", A))),
    ),
    "log of a number": (
        ("f", "log", q("12/5")),
        minus(sum_of(("*", q(2), ("f", "log", q(2))), ("f", "log", q(3))), ("f", "log", q(5))),
    ),
    "log of exp": (("f", "log", ("f", "exp", V)), V),
    "log of a square": (
        ("f", "log", ("^", X, q(2))),
        ("*", q(2), ("f", "log", ("f", "abs", X))),
    ),
    "exp of log": (("f", "exp", ("*", q("1/2"), ("f", "log", T))), ("^", T, q("1/2"))),
    "exp of a sum": (
        ("f", "exp", sum_of(V, ("*", q(2), X))),
        ("*", ("f", "exp", V), ("^", ("f", "exp", X), q(2))),
    ),
    "tanh": (("f", "tanh", V), minus(("*", q(2), ("f", "sigmoid", ("*", q(2), V))), ONE)),
    "softplus": (minus(("f", "softplus", V), ("f", "softplus", ("*", q(-1), V))), V),
    "loggamma": (("f", "loggamma", sum_of(A, ONE)), sum_of(("f", "log", A), ("f", "loggamma", A))),
    "a factorial": (("f", "loggamma", q(5)), ("f", "log", q(24))),
    "digamma": (("f", "digamma", sum_of(T, ONE)), sum_of(("^", T, q(-1)), ("f", "digamma", T))),
    "an odd function": (("f", "erf", ("*", q(-1), V)), ("*", q(-1), ("f", "erf", V))),
    "an even function": (("f", "cos", minus(X, Y)), ("f", "cos", minus(Y, X))),
    "abs": (("f", "abs", ("*", q(-3), T, X)), ("*", q(3), T, ("f", "abs", X))),
    "sign": (("f", "sign", ("*", q(-3), T)), q(-1)),
    "two angles": (
        ("f", "sin", sum_of(X, Y)),
        sum_of(("*", ("f", "sin", X), ("f", "cos", Y)), ("*", ("f", "cos", X), ("f", "sin", Y))),
    ),
}


@pytest.mark.parametrize("name", EQUAL)
def test_equal_terms_have_one_normal_form(name: str) -> None:
    left, right = EQUAL[name]
    form = forms()
    assert form.poly(left) == form.poly(right)
    assert form.poly(left) != form.poly(sum_of(right, q("1/7")))
    assert_has_value(left)


REFUSED: dict[str, Raw] = {
    "log of any sign": ("f", "log", V),
    "log of a difference": ("f", "log", minus(A, B)),
    "log of a negative number": ("f", "log", q(-2)),
    "log of a bit": ("f", "log", Z),
    "log of zero": ("f", "log", q(0)),
    "loggamma of any sign": ("f", "loggamma", V),
    "loggamma of a size less one": ("f", "loggamma", minus(N, ONE)),
    "digamma of a negative number": ("f", "digamma", q("-1/2")),
    "polygamma of half an order": ("f", "polygamma", q("1/2"), A),
    "polygamma of a negative order": ("f", "polygamma", q(-1), A),
    "polygamma of any order": ("f", "polygamma", N, A),
    "sign of zero": ("f", "sign", q(0)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_value_is_refused(name: str) -> None:
    form = forms()
    form.kinks = False  # a slope of |a| where a is 0
    with pytest.raises(NotShown):
        form.poly(REFUSED[name])


def test_every_function_is_tried() -> None:
    assert {*EVERYWHERE, "log", "loggamma", "digamma", "polygamma"} == set(FUNCTIONS)
