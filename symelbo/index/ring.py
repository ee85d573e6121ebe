"""term -> polynomial in canonical atoms: the arithmetic of the normal form, given its rules.

Atoms are entries, function values, deltas, inverses, determinants, and composite bases under
negative or broken powers.  What else holds of atoms, and of their products and sums, is said by
rules, each of which is handed the ring that applies it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import Final, TypeAlias

from symelbo.index import build
from symelbo.index.canonical_names import (
    height,
    name_canonically,
    order_delta,
    order_entry,
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
from symelbo.index.substitute import (
    free_indices,
    instantiate,
    replace_index,
    symbols_of,
    walk_parts,
)
from symelbo.index.terms import (
    Add,
    Apply,
    Array,
    Call,
    Constant,
    Delta,
    Entry,
    Extent,
    Index,
    IndexTerm,
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
    Symbol,
    Term,
    sort_key,
)
from symelbo.index.work import TooLong, spend_work
from symelbo.limits import (
    CLEARED_DENOMINATORS,
    EXPANDED_POWER,
    KEPT_MATRICES,
    KEPT_NORMAL,
    KEPT_POLYNOMIALS,
    POLYNOMIAL_MONOMIALS,
)

__all__ = ["FunctionRule", "Normalizer", "PowerRule", "ProductRule", "atom_poly"]

# Rules give a polynomial of the same value, or None where they do not apply; the ring starts again
# with what they give.
FunctionRule: TypeAlias = "Callable[[Normalizer, Poly], Poly]"
"""ring, a -> f(a)"""
PowerRule: TypeAlias = (
    "Callable[[Normalizer, tuple[Index, ...], Factors, Term, Fraction], Poly | None]"
)
"""ring, i, factors, a, e -> sum_i of the product of the factors, of which a ** e is one"""
ProductRule: TypeAlias = "Callable[[Normalizer, tuple[Index, ...], Factors], Poly | None]"
"""ring, i, factors -> sum_i of the product of the factors"""


class Normalizer:
    """The polynomials in atoms, modulo groups of rules.

    functions: by the name of the function; powers: by the class of the atom, first come first
    served; products: of a whole monomial, tried in order.
    """

    __slots__ = ("_functions", "_powers", "_products", "is_symmetric", "normal", "to_poly")

    def __init__(
        self,
        functions: Mapping[str, FunctionRule],
        powers: Mapping[type[Term], tuple[PowerRule, ...]],
        products: tuple[ProductRule, ...],
    ) -> None:
        self._functions: Final = functions
        self._powers: Final = powers
        self._products: Final = products
        self.to_poly: Final = lru_cache(maxsize=KEPT_POLYNOMIALS)(self._to_poly)
        """term -> polynomial in canonical atoms (shared between callers: never mutate it)"""
        self.normal: Final = lru_cache(maxsize=KEPT_NORMAL)(self._normal)
        """term -> the canonical term of equal value"""
        self.is_symmetric: Final = lru_cache(maxsize=KEPT_MATRICES)(self._is_symmetric)

    def _to_poly(self, term: Term) -> Poly:
        """term -> polynomial in canonical atoms"""
        match term:
            case Number(value):
                return {UNIT: value} if value else {}
            case Constant() | Size():
                return atom_poly(term)
            case IndexValue(Position(extent)):
                return self.to_poly(build.extent_length(extent))
            case IndexValue(Offset(index, by)):
                return self.to_poly(build.add(IndexValue(index), build.number(by)))
            case IndexValue():
                return atom_poly(term)
            case Entry(symbol, indices):
                if symbol.domain.entry_sum is not None:
                    fixed = _fixed_by_sum(symbol, indices, symbol.domain.entry_sum)
                    if fixed is not None:
                        return self.to_poly(fixed)
                return atom_poly(order_entry(symbol, indices, term))
            case Add(terms):
                total: Poly = {}
                for part in terms:
                    accumulate(total, self.to_poly(part))
                return total
            case Mul(factors):
                product: Poly = {UNIT: F1}
                for factor in factors:
                    product = self.multiply(product, self.to_poly(factor))
                return product
            case Power(base, exponent):
                return self.power_term(self.to_poly(base), exponent)
            case Call(name, arguments):
                return self.call(name, tuple(self.to_poly(argument) for argument in arguments))
            case Sum(index, body):
                return self.sum_poly(index, body)
            case Delta(left, right):
                equal = are_equal(left, right)
                if equal is not None:
                    return {UNIT: F1} if equal else {}
                return atom_poly(order_delta(left, right))
            case Inverse(matrix, row, column):
                return atom_poly(self.order_inverse(self.normal_array(matrix), row, column))
            case LogDet(matrix):
                return atom_poly(LogDet(self.normal_array(matrix)))
            case Apply(function, arguments, indices, derivatives):
                normalized = tuple(self.normal_array(argument) for argument in arguments)
                ordered = tuple(
                    sorted(derivatives, key=lambda d: (d[0], tuple(map(sort_key, d[1]))))
                )
                return atom_poly(Apply(function, normalized, indices, ordered))
        raise TypeError(f"no term: {term!r}")

    def multiply(self, left: Poly, right: Poly) -> Poly:
        """p, q -> p q, term by term; bound indices of q that clash are renamed.

        TooLong where the product would be very long.

        >>> show(RING.multiply(poly("x + y"), poly("x - y")))
        x**2 - y**2
        """
        if len(left) * len(right) > POLYNOMIAL_MONOMIALS:
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
                accumulate(product, self.reduce_monomial(mine.bound + apart.bound, factors), scale)
        return product

    def power_poly(self, poly: Poly, exponent: Fraction) -> Poly:
        """p, e -> p ** e, multiplied out for small natural e, else with one composite atom.

        >>> show(RING.power_poly(poly("x + 1"), Fraction(2)))
        2*x + x**2 + 1
        >>> show(RING.power_poly(poly("2*s + 2*x"), Fraction(-1)))
        1/(2*(s + x))
        """
        if exponent == 0:
            return {UNIT: F1}
        if exponent == 1:
            return poly
        if len(poly) == 1:
            ((monomial, scale),) = poly.items()
            if not monomial.bound:
                return self.power_monomial(monomial, scale, exponent)
        if exponent > 0 and exponent.denominator == 1 and exponent <= EXPANDED_POWER:
            product = poly
            for _ in range(int(exponent) - 1):
                product = self.multiply(product, poly)
            return product
        if not poly and exponent > 0:
            return poly
        if not poly:
            raise ZeroDivisionError("division by an expression that is identically zero")
        content, scale, primitive = self.split_content(poly)
        outer = self.power_monomial(content, abs(scale), exponent)
        if scale < 0:
            if exponent.denominator == 1:
                outer = self.multiply(outer, {UNIT: F1 if exponent.numerator % 2 == 0 else -F1})
            else:
                primitive = {monomial: -value for monomial, value in primitive.items()}
        whole = Fraction(ceil(exponent) - 1 if exponent.denominator != 1 else 0)
        if exponent > 1 and whole > 0:
            outer = self.multiply(outer, self.power_poly(primitive, whole))
            exponent -= whole
        return self.multiply(outer, self.reduce_monomial((), {from_poly(primitive): exponent}))

    def power_monomial(self, monomial: Monomial, scale: Fraction, exponent: Fraction) -> Poly:
        """m, c, e -> (c m) ** e, whose roots are of positive atoms; (a**2)**(1/2) -> |a|

        >>> show(RING.power_poly(poly("4*s*x^2"), Fraction(1, 2)))
        2*sqrt(s)*abs(x)
        """
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
        accumulate(result, self.reduce_monomial((), factors), value)
        return result

    def power_term(self, base: Poly, exponent: Term) -> Poly:
        """p, e -> p ** e for any exponent; x**(a + 2 b) -> x**a (x**b)**2 where x > 0.

        >>> show(RING.power_term(poly("s"), term("x + 2*y")))
        s**x*(s**y)**2
        """
        if isinstance(exponent, Number):
            return self.power_poly(base, exponent.value)
        power = self.to_poly(exponent)
        if set(power) <= {UNIT}:
            return self.power_poly(base, power.get(UNIT, F0))
        term = from_poly(base)
        if term == Constant("e"):
            return self.call("exp", (power,))
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
        return self.reduce_monomial((), {atom: e for atom, e in factors.items() if e})

    def split_content(self, poly: Poly) -> tuple[Monomial, Fraction, Poly]:
        """poly -> common monomial, number, primitive part (its product is poly).

        The primitive part has leading coefficient 1, or is certainly positive.

        >>> show(RING.split_content(poly("2*s*x + 4*s*y")))
        (s, 2, x + 2*y)
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
                accumulate(
                    quotient, self.times(monomial.bound, inverse, _drop_bound(monomial)), value
                )
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

    def clear_denominators(self, poly: Poly) -> Poly:
        """a/q + b -> a + b q for composite q, which is 0 where the polynomial is.

        >>> show(RING.clear_denominators(poly("x/(s + t) + y")))
        s*y + t*y + x
        """
        for _ in range(CLEARED_DENOMINATORS):
            found = _find_denominator(poly)
            if found is None:
                return poly
            atom, exponent = found
            spend_work(len(poly))
            cleared: Poly = {}
            for monomial, scale in poly.items():
                raised = self.times(monomial.bound, {atom: exponent}, _drop_bound(monomial))
                accumulate(cleared, raised, scale)
            poly = cleared
        return poly

    def sum_poly(self, index: Index, body: Term) -> Poly:
        """i, f -> sum_i f, as a polynomial.

        >>> show(RING.sum_poly(h, term("(v[h] + 1)*x")))
        H*x + x*sum(v[h] for h in 1:H)
        """
        if _runs_over_two_shares(index, body):
            both = (Position(Extent(None, place)) for place in (1, 2))
            return self.to_poly(build.add(*(replace_index(body, index, at) for at in both)))
        fresh = index.like("@s", Origin.PASSING)
        count = 0
        while fresh in free_indices(body):
            count += 1
            fresh = index.like(f"@s{count}", Origin.PASSING)
        result: Poly = {}
        for monomial, scale in self.to_poly(replace_index(body, index, fresh)).items():
            accumulate(
                result,
                self.reduce_monomial((*monomial.bound, fresh), dict(monomial.factors)),
                scale,
            )
        return result

    def renormalized_product(
        self, bound: tuple[Index, ...], factors: Iterable[tuple[Term, Fraction]]
    ) -> Poly:
        """i, (a, b) -> sum_i a b, of factors whose parts were replaced.

        >>> show(RING.renormalized_product((h,), factors("v[h]*(z[h] + 1)").items()))
        sum(v[h]*z[h] for h in 1:H) + sum(v[h] for h in 1:H)
        """
        polys = [self.power_poly(self.to_poly(atom), exponent) for atom, exponent in factors]
        product: Poly = {UNIT: F1}
        for poly in polys:
            product = self.multiply(product, poly)
        result: Poly = {}
        for monomial, scale in product.items():
            everything = (*monomial.bound, *bound)
            accumulate(result, self.reduce_monomial(everything, dict(monomial.factors)), scale)
        return result

    def times(self, bound: tuple[Index, ...], factors: Factors, poly: Poly) -> Poly:
        """i, a, p -> sum_i a p, of canonical atoms a and a polynomial p that i may occur in.

        >>> show(RING.times((h,), factors("v[h]"), poly("z[h] + x")))
        sum(v[h]*z[h] for h in 1:H) + x*sum(v[h] for h in 1:H)
        """
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
            accumulate(result, self.reduce_monomial(bound + inner.bound, merged), scale)
        return result

    def reduce_monomial(self, bound: tuple[Index, ...], factors: Factors) -> Poly:
        """A raw monomial -> polynomial in canonical monomials; a rule that applies starts again.

        >>> show(RING.reduce_monomial((h,), factors("v[h]*exp(x)*exp(y)")))
        exp(x + y)*sum(v[h] for h in 1:H)
        """
        for atom, exponent in factors.items():
            for fold in self._powers.get(type(atom), ()):
                poly = fold(self, bound, factors, atom, exponent)
                if poly is not None:
                    return poly
        for rule in self._products:
            poly = rule(self, bound, factors)
            if poly is not None:
                return poly
        return {name_canonically(bound, factors, self.reorder): F1}

    def call(self, name: str, arguments: tuple[Poly, ...]) -> Poly:
        """f, a -> f(a), by the rule of f where it has one.

        >>> show(RING.call("tanh", (poly("-x"),)))
        -tanh(x)
        >>> show(RING.call("cos", (poly("-x"),)))
        cos(-x)
        """
        rule = self._functions.get(name)
        if rule is None:
            return atom_poly(Call(name, tuple(from_poly(argument) for argument in arguments)))
        return rule(self, *arguments)

    def reorder(self, atom: Term) -> Term:
        """a -> a, with its parts in canonical order after a renaming of indices.

        >>> show(RING.reorder(term("Sigma[e,d]")))
        Sigma[d,e]
        """
        if isinstance(atom, Entry) and not atom.symbol.domain.is_symmetric:
            return atom
        poly = self.to_poly(atom)
        if len(poly) == 1:
            ((monomial, scale),) = poly.items()
            if scale == 1 and len(monomial.factors) == 1 and monomial.factors[0][1] == 1:
                return monomial.factors[0][0]
        return from_poly(poly)

    def order_inverse(self, matrix: Array, row: IndexTerm, column: IndexTerm) -> Inverse:
        """inv(S)[j, i] -> inv(S)[i, j] for a symmetric S and i before j.

        >>> show(RING.order_inverse(matrix, e, d))
        inv(Sigma)[d,e]
        """
        if sort_key(column) < sort_key(row) and self.is_symmetric(matrix):
            row, column = column, row
        return Inverse(matrix, row, column)

    def _is_symmetric(self, matrix: Array) -> bool:
        row, column = matrix.indices
        if row.extent != column.extent:
            return False
        if not any(s.domain.is_symmetric for s in symbols_of(matrix.body)) and not isinstance(
            matrix.body, Add | Sum | Mul
        ):
            return False
        swapped = instantiate(matrix, (column, row))
        return self.to_poly(swapped) == self.to_poly(matrix.body)

    def _normal(self, term: Term) -> Term:
        """term -> the canonical term of equal value, or the term itself where that is very long."""
        try:
            return from_poly(self.to_poly(term))
        except TooLong:
            return term

    def normal_array(self, array: Array) -> Array:
        """\\i. body -> the same array with canonical indices and body.

        >>> show(RING.normal_array(Array((d,), term("mu[d] + mu[d]"))).body)
        2*mu[_1]
        """
        names = tuple(i.like(f"@{n}", Origin.PASSING) for n, i in enumerate(array.indices))
        body = self.normal(instantiate(array, names))
        first = height(body) + 1
        fresh = tuple(i.canonical(first + n) for n, i in enumerate(names))
        return Array(fresh, self.normal(instantiate(Array(names, body), fresh)))


def atom_poly(term: Term, exponent: Fraction = F1) -> Poly:
    """a, e -> a ** e as one monomial; z ** e -> z where z is 0 or 1

    >>> show(atom_poly(term("s"), Fraction(1, 2)))
    sqrt(s)
    >>> show(atom_poly(term("z[h]"), Fraction(3)))
    z[h]
    """
    if isinstance(term, Entry) and term.symbol.domain.is_bit and exponent > 0:
        exponent = F1  # z**2 = z on {0, 1}
    return {Monomial((), ((term, exponent),)): F1}


def _fixed_by_sum(symbol: Symbol, indices: tuple[IndexTerm, ...], whole: int) -> Term | None:
    """p[1] -> 1 of one entry, p[2] -> 1 - p[1] of two, where the entries sum to 1

    The last entry of more is one only where that is needed (`free_shares`): it would be long.
    """
    end = symbol.shape[-1]
    if end == Extent(None, 1):
        return build.number(whole)
    if end == Extent(None, 2) and indices[-1] == Position(end):
        first = Entry(symbol, (*indices[:-1], Position(Extent(None, 1))))
        return build.subtract(build.number(whole), first)
    return None


def _runs_over_two_shares(index: Index, body: Term) -> bool:
    """Whether sum_i f(p_i) is f(p_1) + f(1 - p_1); what delta(i, j) picks is no sum of two."""
    if index.low != 1 or index.extent != Extent(None, 2):
        return False
    parts = [part for part in walk_parts(body) if index in part.parts()]
    return any(
        isinstance(part, Entry)
        and part.symbol.domain.entry_sum == 1
        and part.symbol.shape[-1] == index.extent
        and part.indices[-1] == index
        for part in parts
    ) and not any(isinstance(part, Delta) for part in parts)


def _has_real_powers(atom: Term) -> bool:
    """Whether (c a)**e = c**e a**e for real e: positive atoms, and |a| away from 0."""
    return is_positive(atom) or (isinstance(atom, Call) and atom.name == "abs")


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


def _find_denominator(poly: Poly) -> tuple[Term, Fraction] | None:
    """a/q**e + b -> q, e for the first composite q."""
    for monomial in sorted(poly, key=monomial_key):
        for atom, exponent in monomial.factors:
            if exponent < 0 and isinstance(atom, Add | Sum) and is_free_of(atom, monomial.bound):
                return atom, -exponent
    return None
