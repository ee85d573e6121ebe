"""Functions that only emitted code has, by their definitions in the language of the terms."""

from __future__ import annotations

from collections.abc import Callable

from symelbo.code.gamma_rules import LOG_MULTINOMIAL
from symelbo.code.stable_rules import LOG_SOFTMAX, SOFTMAX
from symelbo.index.build import (
    ONE,
    add,
    divide,
    exp,
    log,
    mul,
    negate,
    power,
    subtract,
)
from symelbo.index.substitute import instantiate, map_terms
from symelbo.index.terms import Apply, Array, Call, Sum, Term

__all__ = ["DEFINITIONS", "define"]


def _log_factorial(x: Term) -> Term:
    return Call("loggamma", (add(x, ONE),))


def _deviance(x: Term, mean: Term, log_mean: Term) -> Term:
    return add(mul(x, log(x)), negate(mul(x, log_mean)), negate(x), mean)


DEFINITIONS: dict[str, Callable[..., Term]] = {
    "logzero": log,
    "weigh": mul,
    "ratio": divide,
    "xlogy": lambda x, y: mul(x, log(y)),
    "entr": lambda p: negate(mul(p, log(p))),
    "exprel": lambda x: divide(subtract(exp(x), ONE), x),
    "entropyoflogit": lambda a: subtract(Call("softplus", (a,)), mul(a, Call("sigmoid", (a,)))),
    "logstirling": lambda x: add(_log_factorial(x), negate(mul(x, log(x))), x),
    "logminusdigamma": lambda x: subtract(log(x), Call("digamma", (x,))),
    "deviance": _deviance,
    "logchoose": lambda x, y: subtract(
        _log_factorial(add(x, y)), add(_log_factorial(x), _log_factorial(y))
    ),
    "logratio": lambda x, y: log(divide(x, y)),
    "logbesseli0e": lambda k: subtract(Call("logbesseli0", (k,)), k),
    "besselgap": lambda k: subtract(ONE, Call("besselratio", (k,))),
    "versine": lambda a: subtract(ONE, Call("cos", (a,))),
    "raised": power,
    "over": divide,
}


def define(term: Term) -> Term:
    """term -> the same in functions of the language alone"""
    term = map_terms(term, define)
    match term:
        case Call(name, arguments) if name in DEFINITIONS:
            return DEFINITIONS[name](*arguments)
        case Apply(function, (array,), places) if function in (SOFTMAX, LOG_SOFTMAX):
            (index,) = array.indices
            own = instantiate(array, places)
            level = log(Sum(index, exp(array.body)))
            log_share = subtract(own, level)
            return log_share if function == LOG_SOFTMAX else exp(log_share)
        case Apply(function, (Array((index,), body),), ()) if function == LOG_MULTINOMIAL:
            return subtract(_log_factorial(Sum(index, body)), Sum(index, _log_factorial(body)))
    return term
