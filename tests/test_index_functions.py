"""The derivatives of the functions of the language, against those of mpmath in thirty digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import pytest

from symelbo.index.build import call, number
from symelbo.index.domains import Real
from symelbo.index.functions import DERIVATIVES
from symelbo.index.terms import Entry, Role, Symbol
from symelbo.trial.evaluate import World, evaluate

X = Symbol("x", Role.PARAMETER, Real())
EVERYWHERE, POSITIVE = (-2.3, -0.4, 0.7, 3.1), (0.2, 0.7, 3.1, 12.5)

# by their definitions (DLMF 4, 5, 7 and 10)
MPMATH: dict[str, tuple[Callable[[Any], Any], tuple[float, ...]]] = {
    "exp": (mpmath.exp, EVERYWHERE),
    "log": (mpmath.log, POSITIVE),
    "abs": (lambda x: x if x > 0 else -x, EVERYWHERE),
    "tanh": (
        lambda x: (mpmath.exp(x) - mpmath.exp(-x)) / (mpmath.exp(x) + mpmath.exp(-x)),
        EVERYWHERE,
    ),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), EVERYWHERE),
    "softplus": (lambda x: mpmath.log(1 + mpmath.exp(x)), EVERYWHERE),
    "loggamma": (lambda x: mpmath.log(mpmath.gamma(x)), POSITIVE),
    "digamma": (lambda x: mpmath.diff(lambda y: mpmath.log(mpmath.gamma(y)), x), POSITIVE),
    "erf": (mpmath.erf, EVERYWHERE),
    "cos": (mpmath.cos, EVERYWHERE),
    "sin": (mpmath.sin, EVERYWHERE),
    "logbesseli0": (lambda x: mpmath.log(mpmath.besseli(0, x)), POSITIVE),
    "besselratio": (lambda x: mpmath.besseli(1, x) / mpmath.besseli(0, x), POSITIVE),
}


@pytest.mark.parametrize("name", [name for name in DERIVATIVES if name != "polygamma"])
def test_the_derivative_is_that_of_the_function(name: str) -> None:
    function, points = MPMATH[name]
    (partial,) = DERIVATIVES[name](Entry(X))
    assert partial is not None
    with mpmath.workdps(30):
        for x in points:
            world = World({}, {("x", ()): x})
            value = evaluate(call(name, Entry(X)), world).value
            assert mpmath.almosteq(value, function(mpmath.mpf(x)), 1e-12)
            slope = mpmath.diff(function, mpmath.mpf(x))
            assert mpmath.almosteq(evaluate(partial, world).value, slope, 1e-10), x


@pytest.mark.parametrize("order", [1, 2, 3])
def test_a_polygamma_function_is_differentiated_to_the_next(order: int) -> None:
    by_order, partial = DERIVATIVES["polygamma"](number(order), Entry(X))
    assert by_order is None and partial is not None
    for x in POSITIVE:
        found = evaluate(partial, World({}, {("x", ()): x})).value
        assert mpmath.almosteq(found, mpmath.polygamma(order + 1, x), 1e-10)
