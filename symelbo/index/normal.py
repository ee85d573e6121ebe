"""Normal form: a term as a polynomial in atoms, with sums of symbolic extent.

    normal(term)  -> the canonical term             is_zero(term): decided by the normal form
    to_poly(term) -> {monomial: coefficient}        from_poly: back again
    monomials_of(term): the same, for whom a term that is very long may stay in one piece

A term is shown to be zero only if it is zero wherever it is defined.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from symelbo.index.polynomial import Monomial, Poly, from_monomial, from_poly
from symelbo.index.rewrite_functions import FUNCTIONS
from symelbo.index.rewrite_products import POWERS, PRODUCTS
from symelbo.index.ring import Normalizer, atom_poly
from symelbo.index.terms import Term
from symelbo.index.work import TooLong

__all__ = [
    "RING",
    "Monomial",
    "Poly",
    "clear_denominators",
    "from_monomial",
    "from_poly",
    "is_zero",
    "monomials_of",
    "normal",
    "normal_array",
    "split_content",
    "to_poly",
]

RING: Final = Normalizer(FUNCTIONS, POWERS, PRODUCTS)
to_poly: Final[Callable[[Term], Poly]] = RING.to_poly
normal: Final[Callable[[Term], Term]] = RING.normal
normal_array = RING.normal_array
split_content, clear_denominators = RING.split_content, RING.clear_denominators


def monomials_of(term: Term) -> Poly:
    """term -> polynomial in canonical atoms; a term that is very long is one atom as it stands

    >>> show(monomials_of(term("x*(x + y)")))
    x*y + x**2
    """
    try:
        return to_poly(term)
    except TooLong:
        return atom_poly(term)


def is_zero(term: Term) -> bool:
    """Whether the term is identically zero; False means only that it was not shown."""
    try:
        return not clear_denominators(to_poly(term))
    except TooLong:
        return False
