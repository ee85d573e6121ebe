"""term -> polynomial in canonical atoms: the arithmetic of the normal form.

Atoms are entries, function values, deltas, inverses, determinants, and composite bases under
negative or broken powers.  `rewrite_functions` and `rewrite_products` hold the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import lru_cache
from math import ceil

from symelbo.index import build
from symelbo.index.canonical_names import (
    height,
    name_canonically,
    order_delta,
    order_entry,
    order_inverse,
    rename_apart,
)
from symelbo.index.polynomial import (
    F0,
    F1,
    UNIT,
    Factors,
    Monomial,
    Poly,
    accumulate,
    factor_number,
    from_monomial,
    from_poly,
    is_free_of,
    monomial_key,
)
from symelbo.index.signs import are_equal, is_positive, is_positive_poly
from symelbo.index.substitute import free_indices, instantiate, replace_index
from symelbo.index.terms import (
    Add,
    Apply,
    Array,
    Call,
    Constant,
    Delta,
    Entry,
    Index,
    IndexValue,
    Inverse,
    LogDet,
    Mul,
    Number,
    Offset,
    Origin,
    Position,
    Power,
    Size,
    Sum,
    Term,
    sort_key,
)
from symelbo.index.work import TooLong, spend_work
from symelbo.limits import CLEARED_DENOMINATORS, EXPANDED_POWER, PRODUCT_MONOMIALS

__all__ = [
    "atom_poly",
    "clear_denominators",
    "multiply",
    "normal",
    "normal_array",
    "power_monomial",
    "power_poly",
    "power_term",
    "reduce_monomial",
    "renormalized_product",
    "split_content",
    "sum_poly",
    "times",
    "to_poly",
]


@lru_cache(maxsize=100_000)
def to_poly(term: Term) -> Poly:
    """term -> polynomial in canonical atoms (shared between callers: never mutate it)."""
    match term:
        case Number(value):
            return {UNIT: value} if value else {}
        case Constant() | Size():
            return atom_poly(term)
        case IndexValue(Position(extent)):
            return to_poly(build.extent_length(extent))
        case IndexValue(Offset(index, by)):
            return to_poly(build.add(IndexValue(index), build.number(by)))
        case IndexValue():
            return atom_poly(term)
        case Entry(symbol, indices):
            return atom_poly(order_entry(symbol, indices, term))
        case Add(terms):
            total: Poly = {}
            for part in terms:
                accumulate(total, to_poly(part))
            return total
        case Mul(factors):
            product: Poly = {UNIT: F1}
            for factor in factors:
                product = multiply(product, to_poly(factor))
            return product
        case Power(base, exponent):
            return power_term(to_poly(base), exponent)
        case Call(name, arguments):
            return _rules()[0](name, tuple(to_poly(argument) for argument in arguments))
        case Sum(index, body):
            return sum_poly(index, body)
        case Delta(left, right):
            equal = are_equal(left, right)
            if equal is not None:
                return {UNIT: F1} if equal else {}
            return atom_poly(order_delta(left, right))
        case Inverse(matrix, row, column):
            return atom_poly(order_inverse(normal_array(matrix), row, column))
        case LogDet(matrix):
            return atom_poly(LogDet(normal_array(matrix)))
        case Apply(function, arguments, indices, derivatives):
            normalized = tuple(normal_array(argument) for argument in arguments)
            ordered = tuple(sorted(derivatives, key=lambda d: (d[0], tuple(map(sort_key, d[1])))))
            return atom_poly(Apply(function, normalized, indices, ordered))
    raise TypeError(f"no term: {term!r}")


def atom_poly(term: Term, exponent: Fraction = F1) -> Poly:
    """a, e -> a ** e as one monomial; z ** e -> z where z is 0 or 1"""
    if isinstance(term, Entry) and term.symbol.domain.is_bit and exponent > 0:
        exponent = F1  # z**2 = z on {0, 1}
    return {Monomial((), ((term, exponent),)): F1}


def multiply(left: Poly, right: Poly) -> Poly:
    """p, q -> p q, term by term; bound indices of q that clash are renamed.

    TooLong where the product would be very long.
    """
    if len(left) * len(right) > PRODUCT_MONOMIALS:
        raise TooLong("the normal form")
    product: Poly = {}
    for mine, my_scale in left.items():
        for other, other_scale in right.items():
            scale = my_scale * other_scale
            if not mine.factors and not mine.bound:
                accumulate(product, {other: scale})
                continue
            if not other.factors and not other.bound:
                accumulate(product, {mine: scale})
                continue
            apart = rename_apart(other) if mine.bound and other.bound else other
            factors: Factors = dict(mine.factors)
            for atom, exponent in apart.factors:
                known = factors.get(atom)
                merged = exponent if known is None else known + exponent
                if merged:
                    factors[atom] = merged
                else:
                    del factors[atom]
            accumulate(product, reduce_monomial(mine.bound + apart.bound, factors), scale)
    return product


def power_poly(poly: Poly, exponent: Fraction) -> Poly:
    """p, e -> p ** e, multiplied out for small natural e, else with one composite atom."""
    if exponent == 0:
        return {UNIT: F1}
    if exponent == 1:
        return poly
    if len(poly) == 1:
        ((monomial, scale),) = poly.items()
        if not monomial.bound:
            return power_monomial(monomial, scale, exponent)
    if exponent > 0 and exponent.denominator == 1 and exponent <= EXPANDED_POWER:
        product = poly
        for _ in range(int(exponent) - 1):
            product = multiply(product, poly)
        return product
    if not poly and exponent > 0:
        return poly
    if not poly:
        raise ZeroDivisionError("division by an expression that is identically zero")
    content, scale, primitive = split_content(poly)
    outer = power_monomial(content, abs(scale), exponent)
    if scale < 0:
        if exponent.denominator == 1:
            outer = multiply(outer, {UNIT: F1 if exponent.numerator % 2 == 0 else -F1})
        else:
            primitive = {monomial: -value for monomial, value in primitive.items()}
    whole = Fraction(ceil(exponent) - 1 if exponent.denominator != 1 else 0)
    if exponent > 1 and whole > 0:
        outer = multiply(outer, power_poly(primitive, whole))
        exponent -= whole
    return multiply(outer, reduce_monomial((), {from_poly(primitive): exponent}))


def power_monomial(monomial: Monomial, scale: Fraction, exponent: Fraction) -> Poly:
    """m, c, e -> (c m) ** e, whose roots are of positive atoms; (a**2)**(1/2) -> |a|"""
    integral = exponent.denominator == 1
    factors: Factors = {}
    opaque: list[tuple[Term, Fraction]] = []
    for atom, e in monomial.factors:
        if integral or is_positive(atom):
            factors[atom] = e * exponent
        elif e.denominator == 1 and e.numerator % 2 == 0:
            size = build.call("abs", atom)  # (a**2)**(1/2) = |a|
            factors[size] = factors.get(size, F0) + e * exponent
        else:
            opaque.append((atom, e))
    value = F1
    if integral:
        if scale == 0:
            raise ZeroDivisionError("division by zero")
        value = scale**exponent.numerator
    else:
        if scale < 0:
            opaque.append((Number(F1 * -1), F1))
        for prime, e in factor_number(abs(scale)):
            power = e * exponent
            whole = power.numerator // power.denominator
            value *= Fraction(prime) ** whole
            if power - whole:
                factors[Number(Fraction(prime))] = power - whole
    if opaque:
        inner = build.mul(*(build.power(atom, e) for atom, e in opaque))
        factors[build.power(inner, exponent)] = F1
    result: Poly = {}
    accumulate(result, reduce_monomial((), factors), value)
    return result


def power_term(base: Poly, exponent: Term) -> Poly:
    """p, e -> p ** e for any exponent; x**(a + 2 b) -> x**a (x**b)**2 where x > 0."""
    if isinstance(exponent, Number):
        return power_poly(base, exponent.value)
    power = to_poly(exponent)
    if set(power) <= {UNIT}:
        return power_poly(base, power.get(UNIT, F0))
    term = from_poly(base)
    if term == Constant("e"):
        return _rules()[0]("exp", (power,))
    single = len(base) == 1 and not next(iter(base)).bound and min(base.values()) > 0
    if not single or not all(_has_real_powers(a) for a, _ in next(iter(base)).factors):
        return atom_poly(Power(term, from_poly(power)))
    # positive base: x**(a + 2 b) = x**a (x**b)**2, numbers in the exponent stay numbers
    ((monomial, scale),) = base.items()
    pieces: list[tuple[Term, Fraction]] = [*monomial.factors]
    pieces += [(Number(Fraction(p)), e) for p, e in factor_number(scale)]
    factors: Factors = {}
    for atom, e in pieces:
        for part, value in power.items():
            key = atom if part == UNIT else Power(atom, from_monomial(part))
            factors[key] = factors.get(key, F0) + e * value
    return reduce_monomial((), {atom: e for atom, e in factors.items() if e})


def _has_real_powers(atom: Term) -> bool:
    """Whether (c a)**e = c**e a**e for real e: positive atoms, and |a| away from 0."""
    return is_positive(atom) or (isinstance(atom, Call) and atom.name == "abs")


def split_content(poly: Poly) -> tuple[Monomial, Fraction, Poly]:
    """poly -> common monomial, number, primitive part (its product is poly).

    The primitive part has leading coefficient 1, or is certainly positive.
    """
    taken: Factors = {}
    divided = poly
    for _ in range(EXPANDED_POWER):  # clearing a denominator may show more common factors
        shared = _shared_factors(divided)
        if not shared:
            break
        inverse = {atom: -exponent for atom, exponent in shared.items()}
        quotient: Poly = {}
        for monomial, value in divided.items():
            accumulate(quotient, times(monomial.bound, inverse, _drop_bound(monomial)), value)
        if not quotient:
            break  # zero, which only the division showed: there is nothing to take out
        divided = quotient
        for atom, exponent in shared.items():
            taken[atom] = taken.get(atom, F0) + exponent
    factors = sorted(((a, e) for a, e in taken.items() if e), key=lambda f: sort_key(f[0]))
    content = Monomial((), tuple(factors))
    lead = min(divided, key=monomial_key)
    scale = divided[lead]
    primitive = {monomial: value / scale for monomial, value in divided.items()}
    if scale > 0 or len(primitive) == 1:
        return content, scale, primitive
    flipped = {monomial: -value for monomial, value in primitive.items()}
    if is_positive_poly(flipped) and not is_positive_poly(primitive):
        return content, -scale, flipped
    return content, scale, primitive


def _drop_bound(monomial: Monomial) -> Poly:
    """sum_i m -> m"""
    return {Monomial((), monomial.factors): F1}


def _shared_factors(poly: Poly) -> Factors:
    """The smallest exponent of every atom over all monomials, where it is not 0."""
    atoms = dict.fromkeys(a for m in poly for a, _ in m.factors if is_free_of(a, m.bound))
    shared: Factors = {}
    for atom in atoms:
        exponents = [
            dict(m.factors).get(atom, F0) if is_free_of(atom, m.bound) else F0 for m in poly
        ]
        if min(exponents):
            shared[atom] = min(exponents)
    return shared


def clear_denominators(poly: Poly) -> Poly:
    """a/q + b -> a + b q for composite q, which is 0 where the polynomial is."""
    for _ in range(CLEARED_DENOMINATORS):
        found = _find_denominator(poly)
        if found is None:
            return poly
        atom, exponent = found
        spend_work(len(poly))
        cleared: Poly = {}
        for monomial, scale in poly.items():
            raised = times(monomial.bound, {atom: exponent}, _drop_bound(monomial))
            accumulate(cleared, raised, scale)
        poly = cleared
    return poly


def _find_denominator(poly: Poly) -> tuple[Term, Fraction] | None:
    """a/q**e + b -> q, e for the first composite q."""
    for monomial in sorted(poly, key=monomial_key):
        for atom, exponent in monomial.factors:
            if exponent < 0 and isinstance(atom, Add | Sum) and is_free_of(atom, monomial.bound):
                return atom, -exponent
    return None


def sum_poly(index: Index, body: Term) -> Poly:
    """i, f -> sum_i f, as a polynomial."""
    fresh = index.like("@s", Origin.PASSING)
    count = 0
    while fresh in free_indices(body):
        count += 1
        fresh = index.like(f"@s{count}", Origin.PASSING)
    result: Poly = {}
    for monomial, scale in to_poly(replace_index(body, index, fresh)).items():
        accumulate(result, reduce_monomial((*monomial.bound, fresh), dict(monomial.factors)), scale)
    return result


def renormalized_product(
    bound: tuple[Index, ...], factors: Iterable[tuple[Term, Fraction]]
) -> Poly:
    """i, (a, b) -> sum_i a b, of factors whose parts were replaced."""
    polys = [power_poly(to_poly(atom), exponent) for atom, exponent in factors]
    product: Poly = {UNIT: F1}
    for poly in polys:
        product = multiply(product, poly)
    result: Poly = {}
    for monomial, scale in product.items():
        everything = (*monomial.bound, *bound)
        accumulate(result, reduce_monomial(everything, dict(monomial.factors)), scale)
    return result


def times(bound: tuple[Index, ...], factors: Factors, poly: Poly) -> Poly:
    """i, a, p -> sum_i a p, of canonical atoms a and a polynomial p that i may occur in."""
    result: Poly = {}
    for monomial, scale in poly.items():
        inner = rename_apart(monomial) if monomial.bound and bound else monomial
        merged = dict(factors)
        for atom, exponent in inner.factors:
            known = merged.get(atom)
            value = exponent if known is None else known + exponent
            if value:
                merged[atom] = value
            else:
                del merged[atom]
        accumulate(result, reduce_monomial(bound + inner.bound, merged), scale)
    return result


@lru_cache(maxsize=1)
def _rules() -> tuple[Callable[..., Poly], tuple[Callable[..., Poly | None], ...]]:
    """The rules, imported late since they are written in this algebra."""
    from symelbo.index.rewrite_functions import rewrite_call
    from symelbo.index.rewrite_products import RULES

    return rewrite_call, RULES


def reduce_monomial(bound: tuple[Index, ...], factors: Factors) -> Poly:
    """A raw monomial -> polynomial in canonical monomials; each rule restarts with its result."""
    for rule in _rules()[1]:
        poly = rule(bound, factors)
        if poly is not None:
            return poly
    return {name_canonically(bound, factors): F1}


def normal(term: Term) -> Term:
    """term -> the canonical term of equal value, or the term itself where that is very long."""
    try:
        return from_poly(to_poly(term))
    except TooLong:
        return term


def normal_array(array: Array) -> Array:
    """\\i. body -> the same array with canonical indices and body."""
    names = tuple(i.like(f"@{n}", Origin.PASSING) for n, i in enumerate(array.indices))
    body = normal(instantiate(array, names))
    first = height(body) + 1
    fresh = tuple(i.canonical(first + n) for n, i in enumerate(names))
    return Array(fresh, normal(instantiate(Array(names, body), fresh)))
