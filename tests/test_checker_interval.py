"""The checker's intervals against mpmath at more digits: every value lies inside, closely."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import Any

import mpmath  # type: ignore[import-untyped]
import pytest

from symelbo.checker.interval import Unbounded, certainly_nonsingular, enclose

MP = mpmath.mp
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "exp": MP.exp,
    "log": MP.log,
    "abs": abs,
    "tanh": MP.tanh,
    "sigmoid": lambda x: 1 / (1 + MP.exp(-x)),
    "softplus": lambda x: MP.log(1 + MP.exp(x)),
    "loggamma": MP.loggamma,
    "digamma": MP.digamma,
    "erf": MP.erf,
    "sin": MP.sin,
    "cos": MP.cos,
    "logbesseli0": lambda x: MP.log(MP.besseli(0, x)),
    "besselratio": lambda x: MP.besseli(1, x) / MP.besseli(0, x),
}
POSITIVE = ("log", "loggamma", "digamma")


def arguments(name: str, random: Random) -> list[Fraction]:
    """Small, large and ordinary ones of both signs."""
    scales = (Fraction(1, 1000), Fraction(1, 7), Fraction(1), Fraction(40))
    found = [Fraction(random.randint(-1000, 1000), 997) * scale for scale in scales * 3]
    return [abs(x) + Fraction(1, 10**6) for x in found] if name in POSITIVE else found


def check(raw: Any, expected: Any, bits: int) -> None:
    low, high = enclose(raw, bits)
    slack = abs(expected) * MP.mpf(2) ** (-2 * bits)
    assert MP.mpf(low.numerator) / low.denominator <= expected + slack
    assert expected - slack <= MP.mpf(high.numerator) / high.denominator
    assert (high - low) * 2 ** (bits - 40) < 1 + abs(low)


@pytest.mark.parametrize("bits", [64, 256])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_lie_inside(name: str, bits: int) -> None:
    with MP.workprec(3 * bits + 100):
        for x in arguments(name, Random(name)):
            expected = FUNCTIONS[name](MP.mpf(x.numerator) / x.denominator)
            check(("f", name, ("q", x)), expected, bits)


@pytest.mark.parametrize("order", [1, 2, 5])
def test_polygammas_lie_inside(order: int) -> None:
    with MP.workprec(400):
        for x in arguments("loggamma", Random(order)):
            x += Fraction(1, 10)
            expected = MP.polygamma(order, MP.mpf(x.numerator) / x.denominator)
            check(("f", "polygamma", ("q", Fraction(order)), ("q", x)), expected, 128)


def test_powers_sums_and_pi() -> None:
    with MP.workprec(400):
        check(("c", "pi"), MP.pi, 128)
        root = ("^", ("q", Fraction(2)), ("q", Fraction(1, 2)))
        check(root, MP.sqrt(2), 128)
        i = ("i", "~i", 1, "", 5)
        check(("S", i, ("^", ("iv", i), ("q", Fraction(-2)))), MP.mpf(5269) / 3600, 128)


def test_what_has_no_bound_has_none() -> None:
    zero = ("q", Fraction(0))
    for raw in (
        ("f", "log", zero),
        ("^", zero, ("q", Fraction(-1))),
        ("f", "loggamma", ("q", Fraction(-1, 2))),
        ("f", "exp", ("q", Fraction(10**9))),
        ("f", "exp", ("f", "exp", ("q", Fraction(40)))),
        ("^", ("q", Fraction(3)), ("q", Fraction(10**9))),
        ("v", "x", ("real",), ()),
        ("f", "mystery", zero),
    ):
        with pytest.raises(Unbounded):
            enclose(raw)
        assert not certainly_nonsingular(((raw,),))
