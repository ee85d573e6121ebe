"""Normal form: a term as a polynomial in atoms, with sums of symbolic extent.

    normal(term)  -> the canonical term             is_zero(term): decided by the normal form
    to_poly(term) -> {monomial: coefficient}        from_poly: back again

A term is shown to be zero only if it is zero wherever it is defined.
"""

from __future__ import annotations

from symelbo.index.algebra import (
    clear_denominators,
    normal,
    normal_array,
    split_content,
    to_poly,
)
from symelbo.index.polynomial import Monomial, Poly, from_monomial, from_poly
from symelbo.index.terms import Term
from symelbo.index.work import TooLong

__all__ = [
    "Monomial",
    "Poly",
    "from_monomial",
    "from_poly",
    "is_zero",
    "normal",
    "normal_array",
    "split_content",
    "to_poly",
]


def is_zero(term: Term) -> bool:
    """Whether the term is identically zero; False means only that it was not shown."""
    try:
        return not clear_denominators(to_poly(term))
    except TooLong:
        return False
