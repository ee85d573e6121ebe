"""The elementary and special functions of the term language, with their derivatives.

`DERIVATIVES[f]` maps the arguments of f to its partial derivatives, one per argument (None where
the function is not differentiated by it).  Reference: NIST DLMF, chapters 4, 5 and 10.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from symelbo.index.build import ONE, add, call, exp, mul, negate, number, power
from symelbo.index.terms import Constant, Term

__all__ = ["DERIVATIVES"]

Partials = tuple[Term | None, ...]


def _sigmoid(x: Term) -> Partials:
    value = call("sigmoid", x)
    return (mul(value, add(ONE, negate(value))),)


def _erf(x: Term) -> Partials:
    scale = mul(number(2), power(Constant("pi"), number("-1/2")))
    return (mul(scale, exp(negate(power(x, 2)))),)


def _bessel_ratio(x: Term) -> Partials:
    ratio = call("besselratio", x)
    return (add(ONE, negate(mul(ratio, power(x, -1))), negate(power(ratio, 2))),)


DERIVATIVES: Final[dict[str, Callable[..., Partials]]] = {
    "exp": lambda x: (call("exp", x),),
    "log": lambda x: (power(x, -1),),
    "abs": lambda x: (mul(call("abs", x), power(x, -1)),),  # away from 0
    "tanh": lambda x: (add(ONE, negate(power(call("tanh", x), 2))),),
    "sigmoid": _sigmoid,
    "softplus": lambda x: (call("sigmoid", x),),
    "loggamma": lambda x: (call("digamma", x),),
    "digamma": lambda x: (call("polygamma", ONE, x),),
    "polygamma": lambda n, x: (None, call("polygamma", add(n, ONE), x)),
    "erf": _erf,
    "cos": lambda x: (negate(call("sin", x)),),
    "sin": lambda x: (call("cos", x),),
    # log I0, and the ratio r = I1/I0 with r' = 1 - r/x - r**2 (DLMF 10.29)
    "logbesseli0": lambda x: (call("besselratio", x),),
    "besselratio": _bessel_ratio,
}
