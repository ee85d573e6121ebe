"""Normal form: a term as a polynomial in atoms, with sums of symbolic extent.

    normal(term)  -> the canonical term             is_zero(term): decided by the normal form
    to_poly(term) -> {monomial: coefficient}        from_poly: back again
    monomials_of(term): the same, for whom a term that is very long may stay in one piece

A term is shown to be zero only if it is zero wherever it is defined.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from symelbo.index.build import add, number, subtract
from symelbo.index.polynomial import F0, Monomial, Poly, accumulate, from_monomial, from_poly
from symelbo.index.rewrite_functions import FUNCTIONS
from symelbo.index.rewrite_products import POWERS, PRODUCTS
from symelbo.index.ring import Normalizer, atom_poly
from symelbo.index.substitute import free_indices
from symelbo.index.terms import Entry, Extent, Position, Term
from symelbo.index.work import TooLong

__all__ = [
    "RING",
    "Monomial",
    "Poly",
    "clear_denominators",
    "free_shares",
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
        return not free_shares(clear_denominators(to_poly(term)))
    except TooLong:
        return False


def free_shares(poly: Poly) -> Poly:
    """p[C] -> 1 - p[1] - ... - p[C-1] on a simplex of C places, so that what is left is free.

    ensures: equal up to a power of such entries.  Inside functions entries stay as they are.

    >>> show(free_shares(poly("shares[3]*x")))
    x - shares[1]*x - shares[2]*x
    """
    lasts = {atom: None for monomial in poly for atom, _ in monomial.factors if _is_last(atom)}
    for last in lasts:
        exponents = [dict(monomial.factors).get(last, F0) for monomial in poly]
        lowest = min(F0, *exponents)
        bound = {index for monomial in poly for index in monomial.bound}
        if any(e.denominator != 1 for e in exponents) or (lowest and bound & free_indices(last)):
            continue
        assert isinstance(last, Entry)
        places = [Position(Extent(None, k)) for k in range(1, last.symbol.shape[-1].offset)]
        others = [Entry(last.symbol, (*last.indices[:-1], place)) for place in places]
        rest = to_poly(subtract(number(last.symbol.domain.entry_sum or 0), add(*others)))
        result: Poly = {}
        for monomial, scale in poly.items():
            table = dict(monomial.factors)
            times = int(table.pop(last, F0) - lowest)
            product: Poly = {Monomial(monomial.bound, tuple(table.items())): scale}
            for _ in range(times):
                product = RING.multiply(product, rest)
            accumulate(result, product)
        poly = result
    return poly


def _is_last(atom: Term) -> bool:
    """Whether an atom is the last entry of a vector of known length that has a given sum."""
    if not isinstance(atom, Entry) or atom.symbol.domain.entry_sum is None:
        return False
    end = atom.symbol.shape[-1]
    return end.size is None and atom.indices[-1] == Position(end)
