"""Long sums in products are held: nothing false is shown of them, and what is true is found."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest

from symelbo.checker import forms, polynomial
from symelbo.checker.prove import is_zero, prove_defined, prove_zero
from symelbo.checker.terms import NotShown, Raw, bound_index, minus, negative, sum_of
from symelbo.checker.work import bounded_work

N = polynomial.MAX_FACTOR + 4


def v(name: str, kind: str = "real") -> Raw:
    return ("v", name, (kind,), ())


def power(base: Raw, n: int | Fraction) -> Raw:
    return ("^", base, ("q", Fraction(n)))


def long(name: str = "x", last: int = 1, kind: str = "real") -> Raw:
    """x0 + x1 + ... + last x11"""
    terms = [v(f"{name}{k}", kind) for k in range(N - 1)]
    return sum_of(*terms, ("*", ("q", Fraction(last)), v(f"{name}{N - 1}", kind)))


def spread(factor: Raw, total: Raw) -> Raw:
    """y (a + b) -> y a + y b"""
    return sum_of(*(("*", factor, term) for term in total[1:]))


Y, Z, W = v("y"), v("z"), v("w")
S, T, U = long(), long(last=2), long(kind="positive", name="u")
UP, DOWN = ("*", Y, S), ("*", Y, negative(S))

# more of them multiplied out are more than a product may have
PAIRS = [sum_of(v(f"a{n}"), ("*", v(f"b{n}"), v("bit", "binary"))) for n in range(8)]
MANY = ("*", *PAIRS)


def square_of(left: Raw, right: Raw) -> Raw:
    """(a + b)^2 -> a^2 + 2 a b + b^2"""
    return sum_of(power(left, 2), ("*", ("q", Fraction(2)), left, right), power(right, 2))


def spread_pairs(left: Raw, right: Raw) -> Raw:
    """(a + b) (c + d) -> a c + a d + b c + b d"""
    return sum_of(*(("*", a, b) for a in left[1:] for b in right[1:]))


TRUE: dict[str, Raw] = {
    "itself": minus(UP, UP),
    "two levels": minus(("*", Z, sum_of(UP, W)), sum_of(("*", Z, UP), ("*", Z, W))),
    "multiplied out": minus(UP, spread(Y, S)),
    "a multiple": minus(("*", Y, sum_of(S, S)), ("*", ("q", Fraction(2)), UP)),
    "its negative": sum_of(UP, DOWN),
    "the sum of two": minus(("*", Y, sum_of(S, T)), sum_of(UP, ("*", Y, T))),
    "in a function": minus(("f", "tanh", UP), ("f", "tanh", spread(Y, S))),
    "in a function of a held sum": minus(
        ("*", W, ("f", "exp", UP)), ("*", W, ("f", "exp", spread(Y, S)))
    ),
    "its inverse": minus(("*", Y, U, power(U, -1)), Y),
    "the inverse of a product": minus(
        ("*", U, power(("*", U, v("a", "positive")), -1)), power(v("a", "positive"), -1)
    ),
    "its logarithm": minus(
        ("f", "log", ("*", v("a", "positive"), U)),
        sum_of(("f", "log", v("a", "positive")), ("f", "log", U)),
    ),
    "the square": minus(("*", S, S), power(S, 2)),
    "a product of pairs": minus(MANY, ("*", *MANY[:0:-1])),
    "the square of a product": minus(power(sum_of(W, MANY), 2), square_of(W, MANY)),
    "a square in a product": minus(("*", MANY, PAIRS[0]), ("*", power(PAIRS[0], 2), *PAIRS[1:])),
    "powers of pairs": minus(power(PAIRS[0], 20), ("*", *[power(PAIRS[0], 4)] * 5)),
    "a product of two pairs": minus(("*", *PAIRS[:2]), spread_pairs(*PAIRS[:2])),
    "a difference of squares": minus(
        ("*", minus(S, T), sum_of(S, T)), minus(power(S, 2), power(T, 2))
    ),
}

FALSE: dict[str, Raw] = {
    "another pair": minus(MANY, ("*", *PAIRS[1:], PAIRS[1])),
    "a product and its square": minus(power(MANY, 2), MANY),
    "without one term": minus(power(sum_of(W, MANY), 2), sum_of(power(W, 2), power(MANY, 2))),
    "another sum": minus(UP, ("*", Y, T)),
    "another factor": minus(UP, ("*", Z, S)),
    "multiplied out wrongly": minus(UP, spread(Y, T)),
    "twice": minus(UP, sum_of(UP, UP)),
    "its size": minus(("f", "abs", UP), UP),
    "another square": minus(("*", S, S), power(T, 2)),
    "in a function": minus(("f", "tanh", UP), ("f", "tanh", ("*", Y, T))),
}


@pytest.mark.parametrize("name", TRUE)
def test_what_is_true_is_shown(name: str) -> None:
    assert is_zero(TRUE[name])


@pytest.mark.parametrize("name", FALSE)
def test_what_is_false_is_not_shown(name: str) -> None:
    assert not is_zero(FALSE[name])


@pytest.mark.parametrize("hidden", ["multiplied out", "a difference of squares", "the sum of two"])
def test_what_is_zero_in_disguise_is_not_inverted(hidden: str) -> None:
    """Held, y S and y x0 + y x1 + ... look like two things, whose difference could be inverted."""
    nothing = TRUE[hidden]
    with pytest.raises(NotShown):
        prove_zero(("*", ("q", Fraction(0)), power(nothing, -1)))
    with pytest.raises(NotShown):
        prove_defined(("f", "log", power(nothing, 2)))
    with pytest.raises(NotShown):
        prove_defined(power(sum_of(nothing, S), -1))


def test_signs_of_held_sums() -> None:
    a = v("a", "positive")
    prove_defined(power(("*", a, U), -1))
    prove_defined(("f", "log", sum_of(("*", a, U), ("*", a, power(Y, 2)))))
    with pytest.raises(NotShown):
        prove_defined(power(("*", a, S), -1))
    with pytest.raises(NotShown):
        prove_defined(("f", "log", minus(("*", a, U), power(Y, 2))))


def over(j: Raw, body: Callable[[Raw], Raw]) -> Raw:
    return ("S", j, body(j))


def test_held_sums_under_sums() -> None:
    i = ("i", "i", 1, "D", 0)
    j, k = bound_index("j", i), bound_index("k", i)

    def entries(at: Raw) -> Raw:
        return sum_of(*(("v", f"x{n}", ("real",), (at,)) for n in range(N)))

    def product(at: Raw) -> Raw:
        return ("*", ("v", "y", ("real",), (at,)), entries(at))

    assert is_zero(minus(over(j, product), over(k, product)))
    assert is_zero(minus(over(j, lambda at: ("*", ("d", at, i), product(at))), product(i)))
    assert not is_zero(minus(over(j, product), product(i)))
    assert not is_zero(minus(product(i), product(("i", "j", 1, "D", 0))))


def layers(n: int) -> Raw:
    """a_k = tanh(w_k a_{k-1}) + v_k a_{k-1}"""
    a = Z
    for k in range(n):
        a = sum_of(("f", "tanh", ("*", v(f"w{k}"), a)), ("*", v(f"v{k}"), a))
    return a


def test_the_work_grows_with_the_levels() -> None:
    spent = []
    for n in (40, 80):
        with bounded_work() as work:
            before = work.left
            form = forms.Forms({}, frozenset(), {})
            form.holds = True
            form.poly(layers(n))
            assert form.held
            spent.append(before - work.left)
    assert spent[1] < 2.5 * spent[0]
