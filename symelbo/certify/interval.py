"""Closed terms by rigorous ball arithmetic (Arb): is a number certainly not zero?

Never a comparison of floats: what is not shown is not claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import factorial
from typing import Any

import flint

from symelbo.index.terms import (
    Add,
    Call,
    Constant,
    Delta,
    Index,
    IndexTerm,
    IndexValue,
    Mul,
    Number,
    Offset,
    Position,
    Power,
    Sum,
    Term,
)

__all__ = [
    "ball",
    "certainly_nonsingular",
    "certainly_nonzero",
    "certainly_positive",
    "determinant_of",
    "enclosure",
]

PRECISIONS = (64, 256, 1024, 4096)  # bits


class _Open(Exception):
    """The term is not closed, or a function has no rigorous bound here."""


_UNBOUNDED = (_Open, ValueError, ZeroDivisionError, OverflowError)


def certainly_nonzero(term: Term) -> bool:
    """True only if some enclosure of the closed term excludes zero; False: not shown."""
    return certainly_nonsingular(((term,),))


def certainly_nonsingular(matrix: Sequence[Sequence[Term]]) -> bool:
    """True only if some enclosure of the determinant of closed terms excludes zero."""
    for bits in PRECISIONS:
        try:
            balls = [[_Balls(bits).ball(term) for term in line] for line in matrix]
            with flint.ctx.workprec(bits):
                if not _may_be_zero(flint.arb_mat(balls).det()):
                    return True
        except _UNBOUNDED:
            continue
    return False


def certainly_positive(term: Term) -> bool:
    """True only if some enclosure of the closed term lies above zero; False: not shown."""
    for bits in PRECISIONS[:2]:
        try:
            if _Balls(bits).ball(term) > 0:  # of balls: only if every point is
                return True
        except _UNBOUNDED:
            continue
    return False


def ball(term: Term, bits: int = 512) -> Any:
    """The closed term as a ball of Arb (python-flint); ValueError if it cannot be bounded."""
    try:
        return _Balls(bits).ball(term)
    except _Open as error:
        raise ValueError(str(error)) from error


def determinant_of(matrix: Sequence[Sequence[Term]], digits: int = 30) -> str:
    """The determinant of closed terms as `midpoint +/- radius`."""
    bits = PRECISIONS[-1]
    balls = [[_Balls(bits).ball(term) for term in line] for line in matrix]
    with flint.ctx.workprec(bits):
        text = str(flint.arb_mat(balls).det().str(digits)).strip("[]")
    return text if "+/-" in text else f"{text} +/- 0"


def enclosure(term: Term, digits: int = 30) -> str:
    """The closed term as `midpoint +/- radius`; ValueError if it cannot be bounded."""
    try:
        text = str(_Balls(int(digits * 3.33) + 32).ball(term).str(digits)).strip("[]")
    except _UNBOUNDED as error:
        raise ValueError("the term has no rigorous enclosure") from error
    return text if "+/-" in text else f"{text} +/- 0"


def _may_be_zero(value: Any) -> bool:
    return not value.is_finite() or bool(value.contains(0))


class _Balls:
    """Enclosures of closed terms at one precision."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        one = flint.arb(1)
        self.functions: Mapping[str, Callable[[Any], Any]] = {
            "exp": lambda a: a.exp(),
            "expm1": lambda a: a.expm1(),
            "log": self._positive(lambda a: a.log()),
            "log1p": self._positive(lambda a: a.log(), 1),
            "sqrt": self._positive(lambda a: a.sqrt()),
            "abs": abs,
            "tanh": lambda a: a.tanh(),
            "sigmoid": lambda a: one / (one + (-a).exp()),
            "softplus": lambda a: (one + a.exp()).log(),
            "loggamma": self._positive(lambda a: a.lgamma()),
            "digamma": self._positive(lambda a: a.digamma()),
            "erf": lambda a: a.erf(),
            "sin": lambda a: a.sin(),
            "cos": lambda a: a.cos(),
            "logbesseli0": lambda a: a.bessel_i(0 * one).log(),
            "besselratio": lambda a: a.bessel_i(one) / a.bessel_i(0 * one),
        }

    def _positive(self, function: Callable[[Any], Any], by: int = 0) -> Callable[[Any], Any]:
        def guarded(value: Any) -> Any:
            value = value + by
            if not value > 0:  # of balls: true only if every point is positive
                raise _Open("an argument not shown to be positive")
            return function(value)

        return guarded

    def polygamma(self, order: int, value: Any) -> Any:
        # psi^(n)(x) = (-1)^(n+1) n! zeta(n + 1, x)
        if order == 0:
            return self.functions["digamma"](value)
        if not value > 0:
            raise _Open("an argument not shown to be positive")
        zeta = flint.arb(order + 1).zeta(value)
        return (-1) ** (order + 1) * factorial(order) * zeta

    def rational(self, value: Fraction) -> Any:
        return flint.arb(flint.fmpq(value.numerator, value.denominator))

    def pi(self) -> Any:
        return flint.arb.pi()

    def ball(self, term: Term) -> Any:
        with flint.ctx.workprec(self.bits):
            value = self.term(term, {})
        if not value.is_finite():
            raise _Open("no finite enclosure")
        return value

    def index(self, index: IndexTerm, env: Mapping[Index, int]) -> int:
        if isinstance(index, Index) and index in env:
            return env[index]
        if isinstance(index, Offset):
            return self.index(index.index, env) + index.by
        if isinstance(index, Position) and index.extent.size is None:
            return index.extent.offset
        raise _Open("a free index")

    def term(self, term: Term, env: Mapping[Index, int]) -> Any:
        match term:
            case Number(value):
                return self.rational(value)
            case Constant("pi" | "PI"):
                return self.pi()
            case Constant("e"):
                return self.functions["exp"](self.rational(Fraction(1)))
            case IndexValue(index):
                return self.rational(Fraction(self.index(index, env)))
            case Delta(left, right):
                equal = self.index(left, env) == self.index(right, env)
                return self.rational(Fraction(equal))
            case Add(terms):
                result = self.rational(Fraction(0))
                for part in terms:
                    result = result + self.term(part, env)
                return result
            case Mul(factors):
                result = self.rational(Fraction(1))
                for part in factors:
                    result = result * self.term(part, env)
                return result
            case Power(base, Number(exponent)) if exponent.denominator == 1:
                value = self.term(base, env)
                if exponent < 0:
                    if _may_be_zero(value):
                        raise ZeroDivisionError("a divisor that may be zero")
                    return self.rational(Fraction(1)) / value ** int(-exponent)
                return value ** int(exponent)
            case Power(base, exponent):
                inner = self.functions["log"](self.term(base, env)) * self.term(exponent, env)
                return self.functions["exp"](inner)
            case Call("polygamma", (Number(order), argument)) if order.denominator == 1:
                return self.polygamma(int(order), self.term(argument, env))
            case Call(name, (argument,)) if name in self.functions:
                return self.functions[name](self.term(argument, env))
            case Sum(index, body) if index.extent.size is None:
                result = self.rational(Fraction(0))
                for k in range(index.low, index.extent.offset + 1):
                    result = result + self.term(body, {**env, index: k})
                return result
        raise _Open(f"no rigorous bound for {type(term).__name__}")
