"""Closed terms of the model as decimal numbers with a proven radius, by the checker's intervals."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal
from fractions import Fraction
from math import isfinite

from symelbo.certify.encode import Clash, Encoder
from symelbo.checker.interval import Unbounded, determinant_bounds, enclose
from symelbo.checker.statement import Malformed, Terms
from symelbo.checker.terms import Raw
from symelbo.index.terms import Term

__all__ = ["determinant_of", "enclosure", "raw_matrix", "rounded"]


def enclosure(term: Term, digits: int = 30) -> str:
    """The closed term as `midpoint +/- radius`; ValueError if it cannot be bounded."""
    try:
        ((raw,),) = raw_matrix([[term]])
        return _show(enclose(raw, int(digits * 3.33) + 64), digits)
    except (Unbounded, Malformed, Clash) as error:
        raise ValueError("the term has no rigorous enclosure") from error


def determinant_of(matrix: Sequence[Sequence[Term]], digits: int = 30) -> str:
    """The determinant of closed terms as `midpoint +/- radius`."""
    return _show(determinant_bounds(raw_matrix(matrix)), digits)


def rounded(enclosed: str) -> str:
    """`midpoint +/- radius` -> the midpoint to four digits, also where no double is so large.

    >>> rounded("-6.02214076E+9999 +/- 0")
    '-6.022e+9999'
    """
    middle = Decimal(enclosed.split()[0])
    shown = float(middle)
    exists = isfinite(shown) and bool(shown) == bool(middle)
    return f"{shown if exists else middle:.4g}"


def raw_matrix(matrix: Sequence[Sequence[Term]]) -> list[list[Raw]]:
    """Terms as the checker reads them."""
    encoder = Encoder()
    numbers = [[encoder.term(term) for term in line] for line in matrix]
    terms = Terms(encoder.tables())
    return [[terms.term(number) for number in line] for line in numbers]


def _show(bounds: tuple[Fraction, Fraction], digits: int) -> str:
    low, high = bounds
    middle = (low + high) / 2
    shown = _decimal(middle, digits)
    radius = (high - low) / 2 + abs(middle - Fraction(shown))
    return f"{shown} +/- {_decimal(radius * Fraction(11, 10), 3) if radius else 0}"


def _decimal(value: Fraction, digits: int) -> Decimal:
    context = Context(prec=digits)
    return context.divide(Decimal(value.numerator), Decimal(value.denominator))
