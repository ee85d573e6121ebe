"""Closed terms by rigorous interval arithmetic: is a number certainly not zero?

Balls of python-flint (Arb) where it is installed, else the intervals of mpmath with the functions
they
bound rigorously.  Never a comparison of floats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from importlib import import_module
from math import factorial
from typing import Any

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

__all__ = ["ball", "certainly_nonzero", "certainly_positive", "enclosure"]

PRECISIONS = (64, 256, 1024, 4096)  # bits


class _Open(Exception):
    """The term is not closed, or a function has no rigorous bound here."""


def certainly_nonzero(term: Term) -> bool:
    """True only if some enclosure of the closed term excludes zero; False: not shown."""
    for bits in PRECISIONS:
        for arithmetic in (_Balls, _Intervals):
            try:
                if arithmetic(bits).excludes_zero(term):
                    return True
            except (_Open, ImportError, ValueError, ZeroDivisionError, OverflowError):
                continue
            break  # the first arithmetic that could bound it
    return False


def certainly_positive(term: Term) -> bool:
    """True only if some enclosure of the closed term lies above zero; False: not shown."""
    for bits in PRECISIONS[:2]:
        for arithmetic in (_Balls, _Intervals):
            try:
                if arithmetic(bits).is_positive(term):
                    return True
            except (_Open, ImportError, ValueError, ZeroDivisionError, OverflowError):
                continue
            break
    return False


def ball(term: Term, bits: int = 512) -> Any:
    """The closed term as a ball of Arb (python-flint); ValueError if it cannot be bounded."""
    flint = import_module("flint")
    flint.ctx.prec = bits
    try:
        return _Balls(bits).ball(term)
    except _Open as error:
        raise ValueError(str(error)) from error


def enclosure(term: Term, digits: int = 30) -> str:
    """The closed term as `midpoint +/- radius`; ValueError if it cannot be bounded."""
    bits = int(digits * 3.33) + 32
    for arithmetic in (_Balls, _Intervals):
        try:
            return arithmetic(bits).show(term, digits)
        except (_Open, ImportError, ZeroDivisionError, OverflowError):
            continue
    raise ValueError("the term has no rigorous enclosure")


class _Arithmetic:
    """Structure of a closed term; a subclass gives the numbers."""

    functions: Mapping[str, Callable[[Any], Any]]

    def rational(self, value: Fraction) -> Any:
        raise NotImplementedError

    def pi(self) -> Any:
        raise NotImplementedError

    def contains_zero(self, value: Any) -> bool:
        raise NotImplementedError

    def polygamma(self, order: int, value: Any) -> Any:
        raise _Open("polygamma")

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
                    if self.contains_zero(value):
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


class _Balls(_Arithmetic):
    """Arb, through python-flint."""

    def __init__(self, bits: int) -> None:
        self.flint = import_module("flint")
        self.bits = bits
        one = self.flint.arb(1)
        self.functions = {
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
        zeta = self.flint.arb(order + 1).zeta(value)
        return (-1) ** (order + 1) * factorial(order) * zeta

    def rational(self, value: Fraction) -> Any:
        return self.flint.arb(self.flint.fmpq(value.numerator, value.denominator))

    def pi(self) -> Any:
        return self.flint.arb.pi()

    def contains_zero(self, value: Any) -> bool:
        return not value.is_finite() or bool(value.contains(0))

    def ball(self, term: Term) -> Any:
        before = self.flint.ctx.prec
        self.flint.ctx.prec = self.bits
        try:
            value = self.term(term, {})
        finally:
            self.flint.ctx.prec = before
        if not value.is_finite():
            raise _Open("no finite enclosure")
        return value

    def excludes_zero(self, term: Term) -> bool:
        return not self.contains_zero(self.ball(term))

    def is_positive(self, term: Term) -> bool:
        return bool(self.ball(term) > 0)

    def show(self, term: Term, digits: int) -> str:
        text = str(self.ball(term).str(digits)).strip("[]")
        return text if "+/-" in text else f"{text} +/- 0"


class _Intervals(_Arithmetic):
    """mpmath.iv, for the functions it bounds by outward rounding."""

    def __init__(self, bits: int) -> None:
        self.mpmath = import_module("mpmath")
        self.bits = bits
        iv = self.mpmath.iv
        self.functions = {
            "exp": iv.exp,
            "log": self._positive(iv.log),
            "sqrt": self._positive(iv.sqrt),
            "log1p": self._positive(iv.log, 1),
            "sigmoid": lambda a: 1 / (1 + iv.exp(-a)),
            "softplus": lambda a: iv.log(1 + iv.exp(a)),
            "tanh": lambda a: 1 - 2 / (1 + iv.exp(2 * a)),
            "abs": abs,
        }

    def _positive(self, function: Callable[[Any], Any], by: int = 0) -> Callable[[Any], Any]:
        def guarded(value: Any) -> Any:
            value = value + by
            if not value.a > 0:
                raise _Open("an argument not shown to be positive")
            return function(value)

        return guarded

    def rational(self, value: Fraction) -> Any:
        return self.mpmath.iv.mpf(value.numerator) / self.mpmath.iv.mpf(value.denominator)

    def pi(self) -> Any:
        return +self.mpmath.iv.pi

    def contains_zero(self, value: Any) -> bool:
        return not (value.a > 0 or value.b < 0)

    def interval(self, term: Term) -> Any:
        before = self.mpmath.iv.prec
        self.mpmath.iv.prec = self.bits
        try:
            return self.term(term, {})
        finally:
            self.mpmath.iv.prec = before

    def excludes_zero(self, term: Term) -> bool:
        return not self.contains_zero(self.interval(term))

    def is_positive(self, term: Term) -> bool:
        return bool(self.interval(term).a > 0)

    def show(self, term: Term, digits: int) -> str:
        value = self.interval(term)
        radius = self.mpmath.nstr(self.mpmath.mpf(value.delta), 3)
        return f"{self.mpmath.nstr(self.mpmath.mpf(value.mid), digits)} +/- {radius}"
