"""Polynomials in atoms, as data: {monomial: coefficient}, a monomial a sum over bound indices.

from_poly: {sum_i a_i**2 b: 3} -> 3 b sum_i a_i**2
"""

from __future__ import annotations

from fractions import Fraction
from typing import TypeAlias

from symelbo.index import build
from symelbo.index.substitute import free_indices
from symelbo.index.terms import Index, Term, sort_key
from symelbo.index.work import TooLong
from symelbo.limits import POLYNOMIAL_MONOMIALS
from symelbo.values import dataclass, field

__all__ = [
    "F0",
    "F1",
    "UNIT",
    "Factors",
    "Monomial",
    "Poly",
    "accumulate",
    "factor_number",
    "from_monomial",
    "from_poly",
    "is_free_of",
    "monomial_key",
]

F0, F1 = Fraction(0), Fraction(1)
_set = object.__setattr__


@dataclass(frozen=True, slots=True)
class Monomial:
    """sum over `bound` of the product of atom ** exponent; a key, so that its hash is kept."""

    bound: tuple[Index, ...]
    factors: tuple[tuple[Term, Fraction], ...]
    _hash: int = field(init=False, repr=False, compare=False)
    _product: Term | None = field(init=False, repr=False, compare=False)  # once it is asked for

    def __init__(
        self, bound: tuple[Index, ...], factors: tuple[tuple[Term, Fraction], ...]
    ) -> None:
        exponents = tuple([e.as_integer_ratio() for _, e in factors])
        _set(self, "bound", bound)
        _set(self, "factors", factors)
        _set(self, "_hash", hash((bound, tuple([atom for atom, _ in factors]), exponents)))
        _set(self, "_product", None)

    @property
    def product(self) -> Term:
        """The monomial as a term, factors that need no summation outside the sums."""
        found = self._product
        if found is None:
            found = _product_of(self)
            _set(self, "_product", found)
        return found

    def __hash__(self) -> int:
        return self._hash


Poly: TypeAlias = dict[Monomial, Fraction]
Factors: TypeAlias = dict[Term, Fraction]


UNIT = Monomial((), ())


def accumulate(total: Poly, poly: Poly, scale: Fraction = F1) -> None:
    """total += scale * poly.  TooLong where the total gets very long."""
    for monomial, value in poly.items():
        result = value if scale is F1 else value * scale
        known = total.get(monomial)
        if known is not None:
            result += known
        if result:
            total[monomial] = result
        else:
            total.pop(monomial, None)
    if len(total) > POLYNOMIAL_MONOMIALS:
        raise TooLong("the normal form")


def from_poly(poly: Poly) -> Term:
    """{monomial: c} -> sum of c * monomial.

    >>> show(from_poly(poly("x*(y + 1)")))
    x + x*y
    """
    return build.add_multiples([(monomial.product, scale) for monomial, scale in poly.items()])


def from_monomial(monomial: Monomial, scale: Fraction = F1) -> Term:
    """monomial, c -> c * monomial

    >>> ((monomial, _),) = poly("x^2*s").items()
    >>> show(from_monomial(monomial, Fraction(3)))
    3*s*x**2
    """
    return build.times_number(monomial.product, scale)


def _product_of(monomial: Monomial) -> Term:
    """sum_i a b(i) -> a sum_i b(i)"""
    outside: list[Term] = []
    inside: list[Term] = []
    bound = monomial.bound
    for atom, exponent in monomial.factors:
        factor = atom if exponent is F1 else build.power(atom, exponent)
        (outside if is_free_of(atom, bound) else inside).append(factor)
    if bound:
        body = build.mul(*inside)
        for index in bound:
            body = build.total(index, body)
        outside.append(body)
    return build.mul(*outside)


def monomial_key(monomial: Monomial) -> tuple[object, ...]:
    """An order of monomials that no hash seed can change: the shorter ones first."""
    return (
        len(monomial.bound),
        len(monomial.factors),
        tuple((sort_key(atom), exponent) for atom, exponent in monomial.factors),
        tuple(map(sort_key, monomial.bound)),
    )


def is_free_of(atom: Term, bound: tuple[Index, ...]) -> bool:
    """Whether none of these indices is free in an atom."""
    return not bound or free_indices(atom).isdisjoint(bound)


def factor_number(value: Fraction) -> list[tuple[int, Fraction]]:
    """12/5 -> 2**2 3**1 5**-1; large cofactors are left whole."""
    result: list[tuple[int, Fraction]] = []
    for part, sign in ((value.numerator, 1), (value.denominator, -1)):
        n, p = abs(part), 2
        while p * p <= n and p < 1000:
            count = 0
            while n % p == 0:
                n //= p
                count += 1
            if count:
                result.append((p, Fraction(sign * count)))
            p += 1
        if n > 1:
            result.append((n, Fraction(sign)))
    return result
