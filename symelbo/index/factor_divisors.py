"""Factor what a term divides by, so that the sign of each factor can be told.

1/(1 - a**2 - b**2 + a**2 b**2)  ->  1/((1 - a) (1 + a) (1 - b) (1 + b))
"""

from __future__ import annotations

from fractions import Fraction
from math import lcm

from symelbo.index.build import add, mul, power
from symelbo.index.nodes import Memo
from symelbo.index.normal import monomials_of
from symelbo.index.polynomial import Monomial, Poly, from_monomial
from symelbo.index.signs import is_nonzero
from symelbo.index.substitute import map_terms
from symelbo.index.terms import Add, Number, Power, Term, sort_key
from symelbo.limits import DIVISOR_DEGREE, DIVISOR_MONOMIALS

__all__ = ["factor_divisors"]


def factor_divisors(term: Term) -> Term:
    """a / p -> a / (p1 p2 ...): every p that may vanish, over the rational numbers.

    Ensures: the same value wherever the term has one.  A divisor whose atoms have other exponents
    than natural numbers, or are under a sum, is left as it is.

    >>> show(factor_divisors(term("1/(x^2 - y^2)")))
    1/((x + y)*(x - y))
    """

    def rule(factored: Memo[Term, Term], part: Term) -> Term:
        done = map_terms(part, factored.__getitem__)
        match done:
            case Power(Add() as base, Number(e)) if e < 0 and e.denominator == 1:
                if not is_nonzero(base):
                    return mul(*(power(factor, times * e) for factor, times in _factor(base)))
        return done

    return Memo(rule)[term]


def _factor(term: Add) -> list[tuple[Term, int]]:
    """p -> (p1, k1), (p2, k2), ... with p = p1**k1 p2**k2 ..."""
    poly = monomials_of(term)
    atoms = sorted({atom for monomial in poly for atom, _ in monomial.factors}, key=sort_key)
    if not _is_ordinary(poly):
        return [(term, 1)]
    from flint import Ordering, fmpz_mpoly_ctx  # few models divide by a polynomial

    context = fmpz_mpoly_ctx.get([f"x{n}" for n in range(len(atoms))], Ordering.lex)
    whole = lcm(*(value.denominator for value in poly.values()))
    exponents = {
        tuple(int(dict(monomial.factors).get(atom, 0)) for atom in atoms): int(value * whole)
        for monomial, value in poly.items()
    }
    content, found = context.from_dict(exponents).factor()
    if sum(times for _, times in found) < 2:
        return [(term, 1)]
    factors: list[tuple[Term, int]] = [(Number(Fraction(int(content), whole)), 1)]
    for factor, times in found:
        parts = (
            from_monomial(
                Monomial(
                    (), tuple((a, Fraction(int(e))) for a, e in zip(atoms, at, strict=True) if e)
                ),
                Fraction(int(value)),
            )
            for at, value in factor.to_dict().items()
        )
        factors.append((add(*parts), times))
    return factors


def _is_ordinary(poly: Poly) -> bool:
    """Whether this is a polynomial in atoms that no sum binds, and not too large."""
    return len(poly) <= DIVISOR_MONOMIALS and not any(
        monomial.bound or exponent.denominator != 1 or not 0 < exponent <= DIVISOR_DEGREE
        for monomial in poly
        for _, exponent in (monomial.factors or ((None, Fraction(1)),))
    )
