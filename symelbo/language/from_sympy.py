"""A SymPy expression -> the text that says the same in the language of the specifications.

Imports SymPy: it is imported itself only where the caller has an expression of SymPy in hand.
"""

from __future__ import annotations

import re
from typing import Any, Final

import sympy as sp
from sympy.printing.str import StrPrinter

from symelbo.language.fault import TextError, TextFault, quote
from symelbo.limits import TEXT_DEPTH

__all__ = ["text_of_expression"]

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_WORDS: Final = ("for", "in", "sum", "PI")
_NODES: Final = (sp.Rational, sp.Float, sp.Symbol, sp.Add, sp.Mul, sp.Pow, sp.Indexed, sp.Sum)
_FUNCTIONS: Final = (
    *(sp.exp, sp.log, sp.Abs, sp.tanh, sp.loggamma, sp.polygamma, sp.erf, sp.cos, sp.sin),
    *(sp.sinh, sp.cosh, sp.sech, sp.csch, sp.coth),
)
_HINTS: Final = {
    sp.gamma: "only its logarithm has a counterpart, loggamma",
    sp.factorial: "only its logarithm has a counterpart, loggamma",
    sp.besseli: "only log(besseli(0, x)) has a counterpart",
    sp.Derivative: "evaluate it with `.doit()`",
    sp.Integral: "evaluate it with `.doit()`",
}


def text_of_expression(expression: Any) -> str:
    """An expression -> its text, exact; TextError for what has no counterpart.

    Places count from 0, as those of `Derivation.sympy` do: p[0] is p[1] of a specification, and
    Sum(p[i], (i, 0, K - 1)) is sum(p[i] for i in 1:K).  A Float is the shortest decimal that stands
    for it, as in Python.

    >>> import sympy as sp
    >>> v, s2 = sp.symbols("v s2", positive=True)
    >>> text_of_expression(2 * sp.log(v) - sp.log(sp.pi / 2) / 2 - v**2 / (2 * s2))
    '2*log(v) - log(PI/2)/2 - v**2/(2*s2)'
    """
    _check(expression, 0)
    return str(_Printer().doprint(expression))


def _fault(expression: Any, hint: str = "") -> TextError:
    found = f"{quote(str(expression))} of SymPy, which has no counterpart"
    return TextError(TextFault(0, found, "an expression of the language of specifications", hint))


def _check(expression: Any, depth: int) -> None:
    """TextError unless every node has a counterpart in the language."""
    if depth > TEXT_DEPTH:
        raise TextError(TextFault(0, f"an expression of SymPy nested deeper than {TEXT_DEPTH}"))
    parts = expression.args
    match expression:
        case sp.Float() if expression._prec != 53:
            raise _fault(expression, "write a Rational: this Float has a rounding of its own")
        case sp.Symbol():
            if not _NAME.fullmatch(expression.name) or expression.name in _WORDS:
                raise _fault(expression, "a name is letters, digits and _, and no reserved word")
        case sp.Indexed():
            parts = (expression.base.label, *expression.indices)
        case sp.Sum():
            parts = (parts[0], *(part for limit in expression.limits for part in limit))
        case sp.log(args=[sp.gamma(args=inner) | sp.factorial(args=inner)]):
            parts = inner
        case sp.log(args=[sp.besseli(args=[sp.S.Zero, inner])]):
            parts = (inner,)
        case _ if expression in (sp.pi, sp.E):
            pass
        case sp.Expr() if isinstance(expression, (*_NODES, *_FUNCTIONS)):
            pass
        case _:
            raise _fault(expression, _HINTS.get(type(expression), ""))
    for part in parts:
        _check(part, depth + 1)


class _Printer(StrPrinter):  # type: ignore[misc]
    """SymPy's printer of text, with the words of the language."""

    printmethod = ""  # no node prints itself

    def _print_Pi(self, expr: Any) -> str:
        return "PI"

    def _print_Exp1(self, expr: Any) -> str:
        return "exp(1)"

    def _print_Float(self, expr: Any) -> str:
        return repr(float(expr))

    def _print_Indexed(self, expr: Any) -> str:
        places = ", ".join(self._print(place + 1) for place in expr.indices)
        return f"{expr.base.label}[{places}]"

    def _print_Sum(self, expr: Any) -> str:
        """Sum(f(i), (i, a, b)) -> sum(f(i - 1) for i in a+1:b+1)"""
        body = expr.function.xreplace({index: index - 1 for index, *_ in expr.limits})
        ranges = [
            f"{index} in {self._print(low + 1)}:{self._print(high + 1)}"
            for index, low, high in expr.limits
        ]
        return f"sum({self._print(body)} for {', '.join(reversed(ranges))})"

    def _print_Abs(self, expr: Any) -> str:
        return f"abs({self._print(expr.args[0])})"

    def _print_log(self, expr: Any) -> str:
        match expr.args[0]:
            case sp.gamma(args=[argument]):
                return f"loggamma({self._print(argument)})"
            case sp.factorial(args=[argument]):
                return f"loggamma({self._print(argument + 1)})"
            case sp.besseli(args=[_, argument]):
                return f"logbesseli0({self._print(argument)})"
        return f"log({self._print(expr.args[0])})"

    def _print_polygamma(self, expr: Any) -> str:
        order, argument = expr.args
        if order == 0:
            return f"digamma({self._print(argument)})"
        return f"polygamma({self._print(order)}, {self._print(argument)})"

    def _hyperbolic(self, expr: Any) -> str:
        return f"({self._print(expr.rewrite(sp.exp))})"

    _print_sinh = _print_cosh = _print_sech = _print_csch = _print_coth = _hyperbolic
