"""Closed terms of the model between proven bounds, by the checker's intervals."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal
from fractions import Fraction
from math import isfinite
from typing import TypeAlias

from symelbo.certify.encode import Clash, Encoder
from symelbo.checker.interval import Unbounded, determinant_bounds, enclose
from symelbo.checker.statement import Malformed, Terms
from symelbo.checker.terms import Raw
from symelbo.index.terms import Term
from symelbo.limits import ENCLOSED_BITS

__all__ = ["Bounds", "determinant_of", "enclosure", "raw_matrix", "rounded"]


Bounds: TypeAlias = tuple[Fraction, Fraction]


def enclosure(term: Term) -> Bounds:
    """Bounds of the closed term; ValueError if it cannot be bounded."""
    try:
        ((raw,),) = raw_matrix([[term]])
        return enclose(raw, ENCLOSED_BITS)
    except (Unbounded, Malformed, Clash) as error:
        raise ValueError("the term has no rigorous enclosure") from error


def determinant_of(matrix: Sequence[Sequence[Term]]) -> Bounds:
    """Bounds of the determinant of closed terms."""
    return determinant_bounds(raw_matrix(matrix))


def rounded(bounds: Bounds) -> str:
    """The midpoint to four digits, also where no double is so large.

    >>> rounded((Fraction(-602214076 * 10**9991),) * 2)
    '-6.022e+9999'
    """
    low, high = bounds
    middle = (low + high) / 2
    exact = Context(prec=30).divide(Decimal(middle.numerator), Decimal(middle.denominator))
    shown = float(exact)
    exists = isfinite(shown) and bool(shown) == bool(exact)
    return f"{shown if exists else exact:.4g}"


def raw_matrix(matrix: Sequence[Sequence[Term]]) -> list[list[Raw]]:
    """Terms as the checker reads them."""
    encoder = Encoder()
    numbers = [[encoder.term(term) for term in line] for line in matrix]
    terms = Terms(encoder.tables())
    return [[terms.term(number) for number in line] for line in numbers]
