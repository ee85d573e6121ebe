"""Rules on one raw monomial under its sums: powers of one atom, and products of several.

That they come to an end: each takes away a sum, an atom or a power of one, or merges two atoms to
one, and what it leaves is nested no deeper.  Two do not: `contract_delta` renames an index to one
that comes before it in the order of terms; `complete_range` lengthens a range, up to its axis.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import TypeAlias

from symelbo.index import build
from symelbo.index.canonical_names import rename_apart
from symelbo.index.polynomial import F0, F1, UNIT, Factors, Poly, accumulate, monomial_key
from symelbo.index.ring import Normalizer, PowerRule, ProductRule
from symelbo.index.signs import are_equal, is_within
from symelbo.index.substitute import free_indices, instantiate, replace_index
from symelbo.index.terms import (
    Add,
    Apply,
    Array,
    Call,
    Delta,
    Entry,
    Extent,
    Index,
    IndexTerm,
    Inverse,
    Number,
    Offset,
    Origin,
    Position,
    Role,
    Sum,
    Term,
    sort_key,
)
from symelbo.limits import EXPANDED_POWER, KEPT_DIVISORS

__all__ = ["POWERS", "PRODUCTS", "SUMS"]

_Bound: TypeAlias = tuple[Index, ...]


# ---------------------------------------------------------------- powers of one atom


def _others(factors: Factors, atom: Term) -> Factors:
    return {a: e for a, e in factors.items() if a is not atom}


def fold_bit(
    ring: Normalizer, bound: _Bound, factors: Factors, atom: Term, exponent: Fraction
) -> Poly | None:
    """z**2 -> z on {0, 1}

    >>> show(fold_bit(RING, (h,), factors("v[h]"), term("z[h]"), 3))
    sum(v[h]*z[h] for h in 1:H)
    """
    if exponent == 1 or exponent < 0 or not (isinstance(atom, Entry) and atom.symbol.domain.is_bit):
        return None
    return ring.reduce_monomial(bound, {**_others(factors, atom), atom: F1})


def fold_delta(
    ring: Normalizer, bound: _Bound, factors: Factors, atom: Term, exponent: Fraction
) -> Poly | None:
    """delta(i, j)**2 -> delta(i, j)

    >>> show(fold_delta(RING, (), factors("x"), Delta(d, e), 2))
    x*delta(d,e)
    """
    if exponent == 1 or exponent < 0:
        return None
    return ring.reduce_monomial(bound, {**_others(factors, atom), atom: F1})


def square_abs(
    ring: Normalizer, bound: _Bound, factors: Factors, atom: Term, exponent: Fraction
) -> Poly | None:
    """|a|**2 -> a**2

    >>> show(square_abs(RING, (), factors("y"), term("abs(x)"), Fraction(2)))
    x**2*y
    """
    if not (isinstance(atom, Call) and atom.name == "abs"):
        return None
    if exponent.denominator != 1 or exponent.numerator % 2:
        return None
    square = ring.power_poly(ring.to_poly(atom.arguments[0]), exponent)
    return ring.times(bound, _others(factors, atom), square)


def square_sine(
    ring: Normalizer, bound: _Bound, factors: Factors, atom: Term, exponent: Fraction
) -> Poly | None:
    """sin(a)**2 -> 1 - cos(a)**2

    >>> show(square_sine(RING, (), {}, term("sin(x)"), Fraction(3)))
    sin(x) - cos(x)**2*sin(x)
    """
    if exponent < 2 or not (isinstance(atom, Call) and atom.name == "sin"):
        return None
    square = build.subtract(build.ONE, build.power(build.call("cos", *atom.arguments), 2))
    left = _others(factors, atom)
    if exponent != 2:
        left[atom] = exponent - 2
    return ring.times(bound, left, ring.to_poly(square))


def expand_power(
    ring: Normalizer, bound: _Bound, factors: Factors, atom: Term, exponent: Fraction
) -> Poly | None:
    """(a + b)**(5/2) -> (a**2 + 2 a b + b**2) (a + b)**(1/2)

    >>> show(expand_power(RING, (), {}, term("s + t"), Fraction(5, 2)))
    2*s*t*sqrt(s + t) + s**2*sqrt(s + t) + t**2*sqrt(s + t)
    """
    whole = exponent.numerator // exponent.denominator
    if not 1 <= whole <= EXPANDED_POWER:
        return None
    left = _others(factors, atom)
    if exponent - whole:
        left[atom] = exponent - whole
    return ring.times(bound, left, ring.power_poly(ring.to_poly(atom), Fraction(whole)))


def fold_number(
    ring: Normalizer, bound: _Bound, factors: Factors, atom: Term, exponent: Fraction
) -> Poly | None:
    """2**(3/2) -> 2 2**(1/2);  3**(-1/2) -> 1/3 3**(1/2)

    >>> show(fold_number(RING, (), {}, term("3"), Fraction(-1, 2)))
    sqrt(3)/3
    """
    if not isinstance(atom, Number) or 0 <= exponent < 1:
        return None
    floor = exponent.numerator // exponent.denominator
    left = _others(factors, atom)
    if exponent - floor:
        left[atom] = exponent - floor
    result: Poly = {}
    accumulate(result, ring.reduce_monomial(bound, left), Fraction(atom.value**floor))
    return result


# ---------------------------------------------------------------- products


def merge_exponentials(ring: Normalizer, bound: _Bound, factors: Factors) -> Poly | None:
    """exp(a)**2 exp(b) -> exp(2 a + b)

    >>> show(merge_exponentials(RING, (), factors("exp(x)^2*exp(y)*s")))
    s*exp(2*x + y)
    """
    exponentials = [
        (atom, exponent)
        for atom, exponent in factors.items()
        if isinstance(atom, Call) and atom.name == "exp"
    ]
    if not exponentials or (len(exponentials) == 1 and exponentials[0][1] == 1):
        return None
    argument: Poly = {}
    for atom, exponent in exponentials:
        assert isinstance(atom, Call)
        accumulate(argument, ring.to_poly(atom.arguments[0]), exponent)
    rest = {a: e for a, e in factors.items() if not (isinstance(a, Call) and a.name == "exp")}
    if not argument:
        return ring.reduce_monomial(bound, rest)
    return ring.times(bound, rest, ring.call("exp", (argument,)))


def contract_delta(ring: Normalizer, bound: _Bound, factors: Factors) -> Poly | None:
    """sum_i delta(i, j) f(i) -> f(j) where j is in the range of i;
    delta(i, j) f(i) -> delta(i, j) f(j)

    >>> show(contract_delta(RING, (e,), factors(Delta(d, e), "mu[e]")))
    mu[d]
    >>> show(contract_delta(RING, (), factors(Delta(d, e), "mu[e]*mu[d]")))
    mu[d]**2*delta(d,e)
    """
    for atom in factors:
        if not isinstance(atom, Delta):
            continue
        equal = are_equal(atom.left, atom.right)
        rest = _others(factors, atom)
        if equal is True:
            return ring.reduce_monomial(bound, rest)
        if equal is False:
            return {}
        for index, other in ((atom.left, atom.right), (atom.right, atom.left)):
            if not isinstance(index, Index) or index not in bound:
                continue
            if is_within(other, index.extent, index.low):
                remaining = tuple(b for b in bound if b != index)
                replaced = [(replace_index(a, index, other), e) for a, e in rest.items()]
                return ring.renormalized_product(remaining, replaced)
        old, new = sorted((atom.left, atom.right), key=sort_key)[::-1]
        if not isinstance(old, Index):
            old, new = new, old
        if isinstance(new, Entry):  # a category stays a selector: delta(i, c) f(i) is kept
            continue
        if isinstance(old, Index) and any(old in free_indices(a) for a in rest):
            replaced = [(replace_index(a, old, new), e) for a, e in rest.items()]
            return _times_delta(ring, bound, atom, replaced)
    return None


def _times_delta(
    ring: Normalizer,
    bound: _Bound,
    delta: Delta,
    factors: list[tuple[Term, Fraction]],
) -> Poly:
    """i, delta, (a, b) -> sum_i delta a b, with delta kept as an atom."""
    product = ring.renormalized_product((), factors)
    result: Poly = {}
    for monomial, scale in product.items():
        inner = rename_apart(monomial) if bound else monomial
        merged = {**dict(inner.factors), delta: F1}
        accumulate(result, ring.reduce_monomial(bound + inner.bound, merged), scale)
    return result


def count_free_sum(ring: Normalizer, bound: _Bound, factors: Factors) -> Poly | None:
    """sum_{i=low..n} f -> (n - low + 1) f

    >>> show(count_free_sum(RING, (i,), factors("x")))
    C*x - x
    """
    met = frozenset().union(*map(free_indices, factors)) if bound else ()
    for index in bound:
        if index not in met:
            remaining = tuple(b for b in bound if b != index)
            return ring.times(
                remaining, factors, ring.to_poly(build.extent_length(index.extent, index.low))
            )
    return None


def complete_range(ring: Normalizer, bound: _Bound, factors: Factors) -> Poly | None:
    """sum_{i=1..C-1} f(i) -> sum_{i=1..C} f(i) - f(C), where f is defined at C

    >>> show(complete_range(RING, (i,), factors("pi[i]^2")))
    sum(pi[c]**2 for c in 1:C) - pi[C]**2
    """
    for index in bound:
        if index.extent.size is None or index.extent.offset >= 0:
            continue
        longer = Extent(index.extent.size, index.extent.offset + 1)
        if not all(_is_defined_up_to(atom, index, longer) for atom in factors):
            continue
        remaining = tuple(b for b in bound if b != index)
        wider = Index(f"{index.name}+", longer, index.low, Origin.PASSING)
        full = [(replace_index(a, index, wider), e) for a, e in factors.items()]
        last = [(replace_index(a, index, Position(longer)), e) for a, e in factors.items()]
        result = dict(ring.renormalized_product((*remaining, wider), full))
        accumulate(result, ring.renormalized_product(remaining, last), -F1)
        return result
    return None


def _is_defined_up_to(term: Term | Array, index: Index, extent: Extent) -> bool:
    """Whether every axis on which i or i + k is a place is long enough for i = `extent`."""
    if index not in free_indices(term):
        return True
    places: list[tuple[Extent, IndexTerm]] = []
    match term:
        case Entry(symbol):
            if symbol.role is Role.VALUE:
                return False  # minimal statistics of a value stay minimal
            places += zip(symbol.shape, term.indices, strict=True)
        case Apply(function, arguments):
            places += zip(function.shape, term.indices, strict=True)
            for slot, where in term.derivatives:
                axes = (formal.extent for formal in arguments[slot].indices)
                places += zip(axes, where, strict=True)
        case Inverse(matrix, row, column):
            axes = (formal.extent for formal in matrix.indices)
            places += zip(axes, (row, column), strict=True)
    for axis, place in places:
        by = place.by if isinstance(place, Offset) and place.index == index else 0
        last = Position(Extent(extent.size, extent.offset + by))
        if (by or place == index) and not is_within(last, axis):
            return False
    return all(
        _is_defined_up_to(part, index, extent)
        for part in term.parts()
        if isinstance(part, Term | Array)
    )


def sum_simplex(ring: Normalizer, bound: _Bound, factors: Factors) -> Poly | None:
    """sum_{i=1..C} p[i] -> 1 for p on the simplex

    >>> show(sum_simplex(RING, (c,), factors("pi[c]*x")))
    x
    """
    if not any(isinstance(a, Entry) and a.symbol.domain.entry_sum == 1 for a in factors):
        return None
    for index in bound:
        holders = [atom for atom in factors if index in free_indices(atom)]
        if len(holders) != 1 or factors[holders[0]] != 1:
            continue
        atom = holders[0]
        if not isinstance(atom, Entry) or atom.symbol.domain.entry_sum != 1:
            continue
        last = atom.indices[-1] == index and index.extent == atom.symbol.shape[-1]
        if last and index.low == 1 and index not in atom.indices[:-1]:
            remaining = tuple(b for b in bound if b != index)
            return ring.reduce_monomial(
                remaining, {a: e for a, e in factors.items() if a is not atom}
            )
    return None


def cancel_sum(ring: Normalizer, bound: _Bound, factors: Factors) -> Poly | None:
    """sum_i f(i) / sum_j f(j) -> 1

    >>> show(cancel_sum(RING, (h,), factors("v[h]*x/sum(v[j] for j in 1:H)")))
    x
    """
    for atom, exponent in factors.items():
        if not isinstance(atom, Sum) or exponent > -1 or free_indices(atom) & set(bound):
            continue
        poly = ring.to_poly(atom)
        monomial = next(iter(poly))
        if len(poly) != 1 or poly[monomial] != 1 or len(monomial.bound) != 1:
            continue
        (inner,) = monomial.bound
        for index in bound:
            if (index.extent, index.low) != (inner.extent, inner.low):
                continue
            inside = {a: e for a, e in factors.items() if index in free_indices(a)}
            wanted = {replace_index(a, inner, index): e for a, e in monomial.factors}
            if inside != wanted:
                continue
            left = {a: e for a, e in factors.items() if a not in inside and a is not atom}
            if exponent != -1:
                left[atom] = exponent + 1
            return ring.reduce_monomial(tuple(b for b in bound if b != index), left)
    return None


def contract_inverse(ring: Normalizer, bound: _Bound, factors: Factors) -> Poly | None:
    """sum_j inv(M)[i, j] M[j, k] -> delta(i, k), also from the right

    >>> show(contract_inverse(RING, (e,), factors(Inverse(matrix, d, e), "Sigma[e,f]")))
    delta(d,f)
    """
    for atom, exponent in factors.items():
        if not isinstance(atom, Inverse) or exponent != 1:
            continue
        for middle, outer, at_row in (
            (atom.column, atom.row, True),
            (atom.row, atom.column, False),
        ):
            if not isinstance(middle, Index) or middle not in bound or middle == outer:
                continue
            partners = [a for a in factors if a is not atom and middle in free_indices(a)]
            if len(partners) != 1 or factors[partners[0]] != 1:
                continue
            far = _match_matrix(ring, atom.matrix, partners[0], middle, at_row)
            if far is None:
                continue
            remaining = tuple(b for b in bound if b != middle)
            rest = [(a, e) for a, e in factors.items() if a is not atom and a is not partners[0]]
            return ring.renormalized_product(remaining, [*rest, (Delta(outer, far), F1)])
    return None


def _match_matrix(
    ring: Normalizer, matrix: Array, term: Term, middle: Index, at_row: bool
) -> IndexTerm | None:
    """The k with term = M[middle, k] (or M[k, middle]), if there is one."""
    for candidate in _index_places(term):
        if candidate == middle:
            continue
        places = (middle, candidate) if at_row else (candidate, middle)
        if ring.normal(instantiate(matrix, places)) == term:
            return candidate
    return None


def _index_places(term: Term) -> list[IndexTerm]:
    match term:
        case Entry(_, indices):
            return list(indices)
        case Apply(_, _, indices, derivatives):
            return [*indices, *(place for _, where in derivatives for place in where)]
        case Inverse(_, row, column):
            return [row, column]
    return []


def reduce_denominator(ring: Normalizer, bound: _Bound, factors: Factors) -> Poly | None:
    """p / (1 - p) -> 1/(1 - p) - 1;   1/(p (1 - p)) -> 1/p + 1/(1 - p)

    >>> show(reduce_denominator(RING, (), factors("p/(1 - p)")))
    1/(1 - p) - 1
    >>> show(reduce_denominator(RING, (), factors("1/(p*(1 - p))")))
    1/p + 1/(1 - p)
    """
    for atom, exponent in factors.items():
        if exponent >= 0 or exponent.denominator != 1 or not isinstance(atom, Add):
            continue
        lead = _leading_atom(ring, atom)
        if lead is None:
            continue
        symbol, scale, rest = lead
        power = factors.get(symbol, F0)
        if power.denominator != 1 or not power:
            continue
        others = {a: e for a, e in factors.items() if a is not atom and a != symbol}
        if power >= 1:
            # symbol = (q - rest) / scale
            fewer = {symbol: power - 1} if power > 1 else {}
            result: Poly = {}
            raised: Factors = {atom: exponent + 1} if exponent + 1 else {}
            accumulate(
                result, ring.reduce_monomial(bound, {**others, **fewer, **raised}), 1 / scale
            )
            same = {**others, **fewer, atom: exponent}
            accumulate(result, ring.times(bound, same, rest), -1 / scale)
            return result
        if set(rest) == {UNIT}:
            # 1/(s q) = (1/rest) (1/s - scale/q), q = scale s + rest
            value = rest[UNIT]
            raised = {atom: exponent + 1} if exponent + 1 else {}
            lowered = {symbol: power + 1} if power + 1 else {}
            result = {}
            first = {**others, symbol: power, **raised}
            accumulate(result, ring.reduce_monomial(bound, first), 1 / value)
            both = {**others, **lowered, atom: exponent}
            accumulate(result, ring.reduce_monomial(bound, both), -scale / value)
            return result
    return None


@lru_cache(maxsize=KEPT_DIVISORS)
def _leading_atom(ring: Normalizer, base: Add) -> tuple[Term, Fraction, Poly] | None:
    """q -> (s, c, rest) with q = c s + rest and s an atom that rest does not mention."""
    poly = ring.to_poly(base)
    for monomial in sorted(poly, key=monomial_key, reverse=True):
        if monomial.bound or len(monomial.factors) != 1 or monomial.factors[0][1] != 1:
            continue
        symbol = monomial.factors[0][0]
        if isinstance(symbol, Call) and symbol.name in ("sin", "cos"):
            continue  # sin^2 = 1 - cos^2 would bring back what this takes away, for ever
        rest = {m: c for m, c in poly.items() if m != monomial}
        if all(symbol not in dict(m.factors) for m in rest):
            return symbol, poly[monomial], rest
    return None


# ---------------------------------------------------------------- groups

POWERS: dict[type[Term], tuple[PowerRule, ...]] = {
    Entry: (fold_bit,),
    Call: (square_abs, square_sine),
    Add: (expand_power,),
    Sum: (expand_power,),
    Delta: (fold_delta,),
    Number: (fold_number,),
}
SUMS: tuple[ProductRule, ...] = (
    contract_delta,
    count_free_sum,
    contract_inverse,
    cancel_sum,
    complete_range,
    sum_simplex,
)
PRODUCTS: tuple[ProductRule, ...] = (merge_exponentials, *SUMS, reduce_denominator)
