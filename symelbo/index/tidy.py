"""Factor a normal form for reading; the value stays the same.

p log p - p**2 log p - p log(1-p) + p**2 log(1-p)  ->  p (1 - p) (log p - log(1 - p))
softplus(a) - log terms with equal functions       ->  one coefficient per function
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import lcm

from symelbo.index import build
from symelbo.index.build import add, mul
from symelbo.index.name_residuals import name_residuals
from symelbo.index.normal import (
    Monomial,
    Poly,
    from_monomial,
    from_poly,
    normal,
    split_content,
    to_poly,
)
from symelbo.index.signs import is_nonzero, is_positive
from symelbo.index.substitute import free_indices, is_long, replace_symbols, walk_parts
from symelbo.index.terms import Apply, Array, Call, Index, Inverse, LogDet, Size, Term
from symelbo.index.work import TooLong
from symelbo.limits import KEPT_TIDY

__all__ = [
    "expand_short",
    "ratio",
    "shorter_form",
    "sum_over",
    "tidy",
    "tidy_array",
    "tidy_residuals",
    "tidy_short",
]

_FUNCTIONS = (Call, LogDet, Apply, Inverse)


@lru_cache(maxsize=KEPT_TIDY)
def tidy(term: Term) -> Term:
    """term -> content * (sum over functions of coefficient * function), each factored.

    The term itself where it is very long.

    >>> show(tidy(term("x*log(s) - y*log(s)")))
    (x - y)*log(s)
    """
    try:
        return _tidy(to_poly(term))
    except TooLong:
        return term


def tidy_residuals(term: Term) -> Term:
    """term -> content * (sum of factored summands), where x - m is not expanded.

    >>> show(tidy_residuals(term("(z[h] - x)^2/s + x*y - x")))
    (z[h] - x)**2/s - x + x*y
    """
    named, residuals = name_residuals(term)
    return replace_symbols(tidy(named), residuals)


def expand_short(term: Term) -> Term:
    """term -> its normal form; a long term stays as it is, with what is shared in it.

    >>> show(expand_short(term("x*(y + 1)")))
    x + x*y
    """
    return term if is_long(term) else shorter_form(term)


def tidy_short(term: Term) -> Term:
    """term -> its normal form, factored; a long term stays as it is, with what is shared in it.

    >>> show(tidy_short(term("x*(y + 1)")))
    x*(y + 1)
    """
    found = expand_short(term)
    return found if is_long(found) else tidy(found)


def shorter_form(term: Term) -> Term:
    """term -> its normal form, or the term itself where that is long and a larger graph.

    >>> show(shorter_form(term("x*(y + 1) - x")))
    x*y
    """
    found = normal(term)
    if is_long(found) and _count_nodes(found) > _count_nodes(term):
        return term
    return found


def _count_nodes(term: Term) -> int:
    return sum(1 for _ in walk_parts(term))


def _tidy(poly: Poly) -> Term:
    """{monomial: c} -> content * (sum over functions of coefficient * function), each factored."""
    if len(poly) < 2:
        return from_poly(poly)
    outer, primitive = _take_out(poly)
    groups: dict[Monomial, Poly] = {}
    for monomial, value in primitive.items():
        key, rest = _split_functions(monomial)
        groups.setdefault(key, {})[rest] = value
    if len(groups) == 1 and not next(iter(groups)).factors:
        return mul(outer, _polynomial(primitive))
    common = _common_factor(list(groups.values()))
    if common is not None:
        ratios = [ratio(poly, common) for poly in groups.values()]
        inner = add(
            *(
                from_monomial(key, ratio)
                for key, ratio in zip(groups, ratios, strict=True)
                if ratio is not None
            )
        )
        return mul(outer, tidy(from_poly(common)), inner)
    parts = (
        mul(_polynomial(c), from_monomial(k)) if k.factors else from_poly(c)
        for k, c in groups.items()
    )
    return mul(outer, add(*parts))


def tidy_array(array: Array) -> Array:
    """\\i. body -> \\i. tidied body

    >>> show(tidy_array(Array((d,), term("s*mu[d] + s"))))
    d: s*(mu[d] + 1)
    """
    return Array(array.indices, tidy(array.body))


def sum_over(indices: tuple[Index, ...], term: Term) -> Term:
    """i, f -> sum_i f, or n f where f does not depend on i; f itself is left as it is.

    >>> show(sum_over((d, h), term("mu[d]")))
    sum(H*mu[d] for d in 1:D)
    """
    for index in reversed(indices):
        if index in free_indices(term):
            term = build.total(index, term)
        else:
            term = mul(build.extent_length(index.extent, index.low), term)
    return term


def _take_out(poly: Poly) -> tuple[Term, Poly]:
    """p a - p b -> p, a - b; numbers and denominators stay with their terms.

    Ensures: nothing is divided by that may be 0.
    """
    content, _, _ = split_content(poly)
    shared = {
        atom: exponent
        for atom, exponent in content.factors
        if exponent > 0
        and not isinstance(atom, (*_FUNCTIONS, Size))
        and (is_nonzero(atom) or all(dict(m.factors).get(atom, 0) >= exponent for m in poly))
    }
    if not shared:
        return build.ONE, poly
    inverse = from_monomial(Monomial((), tuple((a, -e) for a, e in shared.items())))
    return from_monomial(Monomial((), tuple(shared.items()))), to_poly(
        mul(inverse, from_poly(poly))
    )


def _split_functions(monomial: Monomial) -> tuple[Monomial, Monomial]:
    """a b log c -> log c, a b: the sums and functions of a monomial, and the rest."""
    bound = set(monomial.bound)
    chosen = tuple(
        f for f in monomial.factors if isinstance(f[0], _FUNCTIONS) or bound & free_indices(f[0])
    )
    rest = tuple(f for f in monomial.factors if f not in chosen)
    return Monomial(monomial.bound, chosen), Monomial((), rest)


def _common_factor(coefficients: list[Poly]) -> Poly | None:
    """2 p, 3 p -> p: what all coefficients are rational multiples of, if it is no mere number."""
    lead = coefficients[0]
    if len(lead) < 2 or len(coefficients) < 2:
        return None
    if all(ratio(poly, lead) is not None for poly in coefficients):
        return lead
    return None


def ratio(poly: Poly, by: Poly) -> Fraction | None:
    """poly = c * by, both nonzero -> c; None if no rational number c does it."""
    if poly.keys() != by.keys():
        return None
    ratios = {value / by[monomial] for monomial, value in poly.items()}
    return ratios.pop() if len(ratios) == 1 else None


def _polynomial(poly: Poly) -> Term:
    """2 - a - b -> -(a + b - 2), 1 - p -> 1 - p: whole numbers, a positive factor if known."""
    if len(poly) < 2:
        return from_poly(poly)
    content, scale, primitive = split_content(poly)
    if len(primitive) > 1 and any(exponent < 0 for _, exponent in content.factors):
        return from_poly(poly)  # 1/a + 1/b is easier to read than (a + b)/(a b)
    whole = lcm(*(value.denominator for value in primitive.values()))
    scale /= whole
    primitive = {monomial: value * whole for monomial, value in primitive.items()}
    negative = sum(value < 0 for value in primitive.values())
    flipped = {monomial: -value for monomial, value in primitive.items()}
    known = is_positive(from_poly(primitive))
    many = 2 * negative > len(primitive) or (scale < 0 and negative > 0)
    if not known and (is_positive(from_poly(flipped)) or many):
        scale, primitive = -scale, flipped
    return mul(from_monomial(content, scale), from_poly(primitive))
