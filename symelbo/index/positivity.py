"""Which terms are certainly positive, from the domains of their symbols alone."""

from __future__ import annotations

from functools import lru_cache

from symelbo.index.canonical_names import is_symmetric
from symelbo.index.functions import POSITIVE_FUNCTIONS
from symelbo.index.polynomial import UNIT, Poly
from symelbo.index.terms import (
    Add,
    Apply,
    Call,
    Constant,
    Entry,
    Index,
    IndexValue,
    Inverse,
    Mul,
    Number,
    Power,
    Size,
    Sum,
    Term,
)

__all__ = ["is_positive", "is_positive_poly"]


@lru_cache(maxsize=100_000)
def is_positive(term: Term) -> bool:
    """Whether the term is certainly > 0, from the domains of its symbols alone."""
    match term:
        case Number(value):
            return value > 0
        case Constant() | Size() | IndexValue(Index()):
            return True
        case Entry(symbol, indices):
            domain = symbol.domain
            if domain.kind in ("positive", "unit", "simplex"):
                return True
            if domain.kind == "posdef":
                return indices[-1] == indices[-2]
            if domain.kind == "interval":
                return domain.lower is not None and _is_nonnegative_number(domain.lower)
            return domain.kind == "category"
        case Apply(function, _, _, ()):
            return function.domain.kind in ("positive", "unit", "simplex")
        case Call(name, _):
            return name in POSITIVE_FUNCTIONS
        case Power(base, _):
            return is_positive(base)
        case Mul(factors):
            return all(is_positive(factor) for factor in factors)
        case Sum(_, body):
            return is_positive(body)
        case Add():
            from symelbo.index.algebra import to_poly  # late: the algebra asks for signs

            return is_positive_poly(to_poly(term))
        case Inverse(_, row, column):
            return row == column and is_symmetric(term.matrix)
    return False


def _is_nonnegative_number(term: Term) -> bool:
    return isinstance(term, Number) and term.value >= 0


def is_positive_poly(poly: Poly) -> bool:
    if not poly:
        return False
    strict = False
    for monomial, scale in poly.items():
        if scale < 0:
            return _is_complement_of_unit(poly)
        positive = all(is_positive(atom) for atom, _ in monomial.factors)
        even = all(
            is_positive(atom) or (exponent.denominator == 1 and exponent.numerator % 2 == 0)
            for atom, exponent in monomial.factors
        )
        if not even:
            return False
        strict = strict or positive
    return strict


def _is_complement_of_unit(poly: Poly) -> bool:
    """1 - p for p in (0, 1), and 1 - tanh**2."""
    if len(poly) != 2 or poly.get(UNIT) != 1:
        return False
    ((monomial, scale),) = ((m, c) for m, c in poly.items() if m != UNIT)
    if scale != -1 or monomial.bound or len(monomial.factors) != 1:
        return False
    atom, exponent = monomial.factors[0]
    if isinstance(atom, Call) and atom.name == "tanh":
        return exponent == 2
    return exponent >= 1 and _is_unit(atom)


def _is_unit(atom: Term) -> bool:
    match atom:
        case Entry(symbol, _):
            return symbol.domain.kind == "unit"
        case Apply(function, _, _, ()):
            return function.domain.kind == "unit"
        case Call("sigmoid", _):
            return True
    return False
