"""Normal form: a term as a polynomial in atoms, with sums of symbolic extent.

    to_poly(term) -> {monomial: coefficient}        from_poly: back again
    normal(term)  -> the canonical term             is_zero(term): decided by the normal form

A monomial is a set of bound indices over a product of powers of atoms.  Atoms are entries, function
values, deltas, inverses, determinants, and composite bases under negative or broken powers.  Bound
indices carry canonical names `_n`, numbered by height, so that equal sums are equal values.
A term is shown to be zero only if it is zero wherever it is defined.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from itertools import permutations
from math import ceil
from typing import NamedTuple, TypeAlias

from symelbo.index import build
from symelbo.index.build import ONE
from symelbo.index.functions import POSITIVE_FUNCTIONS
from symelbo.index.ranges import are_equal, is_within
from symelbo.index.substitute import (
    free_indices,
    instantiate,
    parts_of,
    replace_index,
    symbols_of,
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
    Position,
    Power,
    Role,
    Size,
    Sum,
    Symbol,
    Term,
    sort_key,
)

__all__ = [
    "Monomial",
    "Poly",
    "from_monomial",
    "from_poly",
    "is_positive",
    "is_zero",
    "normal",
    "normal_array",
    "split_content",
    "to_poly",
]

MAX_EXPANDED_POWER = 8
SYMMETRIC = ("posdef", "symmetric")
F0, F1 = Fraction(0), Fraction(1)


class Monomial(NamedTuple):
    """sum over `bound` of the product of atom ** exponent."""

    bound: tuple[Index, ...]
    factors: tuple[tuple[Term, Fraction], ...]


Poly: TypeAlias = dict[Monomial, Fraction]
Factors: TypeAlias = dict[Term, Fraction]
UNIT = Monomial((), ())


# ---------------------------------------------------------------- the public passes


def normal(term: Term) -> Term:
    """term -> the canonical term of equal value."""
    return from_poly(to_poly(term))


def normal_array(array: Array) -> Array:
    """\\i. body -> the same array with canonical indices and body."""
    first = _height(array.body) + 1
    names = tuple(Index(f"@{n}", i.extent, i.low) for n, i in enumerate(array.indices))
    body = normal(instantiate(array, names))
    first = _height(body) + 1
    fresh = tuple(Index(f"_{first + n}", i.extent, i.low) for n, i in enumerate(names))
    return Array(fresh, normal(instantiate(Array(names, body), fresh)))


def is_zero(term: Term) -> bool:
    """Whether the term is identically zero; False means only that it was not shown."""
    poly = to_poly(term)
    for _ in range(12):
        if not poly:
            return True
        composite = _find_denominator(poly)
        if composite is None:
            return False
        atom, exponent = composite
        poly = _multiply(poly, _power_poly(to_poly(atom), exponent))
    return False


def from_poly(poly: Poly) -> Term:
    """{monomial: c} -> sum of c * monomial."""
    return build.add(*(from_monomial(monomial, scale) for monomial, scale in poly.items()))


def from_monomial(monomial: Monomial, scale: Fraction = F1) -> Term:
    """monomial, c -> c * monomial, factors that need no summation outside the sums."""
    outside: list[Term] = [Number(scale)]
    inside: list[Term] = []
    bound = set(monomial.bound)
    for atom, exponent in monomial.factors:
        factor = build.power(atom, exponent)
        (outside if free_indices(atom).isdisjoint(bound) else inside).append(factor)
    body = build.mul(*inside)
    for index in monomial.bound:
        body = build.total(index, body)
    return build.mul(*outside, body) if monomial.bound else build.mul(*outside)


@lru_cache(maxsize=100_000)
def to_poly(term: Term) -> Poly:
    """term -> polynomial in canonical atoms (shared between callers: never mutate it)."""
    match term:
        case Number(value):
            return {UNIT: value} if value else {}
        case Constant() | Size():
            return _atom(term)
        case IndexValue(Position(extent)):
            return to_poly(build.extent_length(extent))
        case IndexValue(Offset(index, by)):
            return to_poly(build.add(IndexValue(index), build.number(by)))
        case IndexValue():
            return _atom(term)
        case Entry(symbol, indices):
            return _atom(_order_symmetric_entry(symbol, indices, term))
        case Add(terms):
            total: Poly = {}
            for part in terms:
                _accumulate(total, to_poly(part))
            return total
        case Mul(factors):
            product: Poly = {UNIT: F1}
            for factor in factors:
                product = _multiply(product, to_poly(factor))
            return product
        case Power(base, exponent):
            return _power_term(to_poly(base), exponent)
        case Call(name, arguments):
            return _call_poly(name, tuple(to_poly(argument) for argument in arguments))
        case Sum(index, body):
            return _sum_poly(index, body)
        case Delta(left, right):
            equal = are_equal(left, right)
            if equal is not None:
                return {UNIT: F1} if equal else {}
            return _atom(_order_delta(left, right))
        case Inverse(matrix, row, column):
            return _atom(_order_symmetric_inverse(normal_array(matrix), row, column))
        case LogDet(matrix):
            return _atom(LogDet(normal_array(matrix)))
        case Apply(function, arguments, indices, derivatives):
            normalized = tuple(normal_array(argument) for argument in arguments)
            ordered = tuple(sorted(derivatives, key=lambda d: (d[0], tuple(map(sort_key, d[1])))))
            return _atom(Apply(function, normalized, indices, ordered))
    raise TypeError(f"no term: {term!r}")


# ---------------------------------------------------------------- positivity


@lru_cache(maxsize=100_000)
def is_positive(term: Term) -> bool:
    """Whether the term is certainly > 0, from the domains of its symbols alone."""
    match term:
        case Number(value):
            return value > 0
        case Constant() | Size() | IndexValue(Index()):
            return True
        case Entry(symbol, indices):
            domain = symbol.domain
            if domain.kind in ("positive", "unit", "simplex"):
                return True
            if domain.kind == "posdef":
                return indices[-1] == indices[-2]
            if domain.kind == "interval":
                return domain.lower is not None and _is_nonnegative_number(domain.lower)
            return domain.kind == "category"
        case Apply(function, _, _, ()):
            return function.domain.kind in ("positive", "unit", "simplex")
        case Call(name, _):
            return name in POSITIVE_FUNCTIONS
        case Power(base, _):
            return is_positive(base)
        case Mul(factors):
            return all(is_positive(factor) for factor in factors)
        case Sum(_, body):
            return is_positive(body)
        case Add():
            return _is_positive_poly(to_poly(term))
        case Inverse(_, row, column):
            return row == column and _is_symmetric(term.matrix)
    return False


def _is_nonnegative_number(term: Term) -> bool:
    return isinstance(term, Number) and term.value >= 0


def _is_positive_poly(poly: Poly) -> bool:
    if not poly:
        return False
    strict = False
    for monomial, scale in poly.items():
        if scale < 0:
            return _is_complement_of_unit(poly)
        positive = all(is_positive(atom) for atom, _ in monomial.factors)
        even = all(
            is_positive(atom) or (exponent.denominator == 1 and exponent.numerator % 2 == 0)
            for atom, exponent in monomial.factors
        )
        if not even:
            return False
        strict = strict or positive
    return strict


def _is_complement_of_unit(poly: Poly) -> bool:
    """1 - p for p in (0, 1), and 1 - tanh**2."""
    if len(poly) != 2 or poly.get(UNIT) != 1:
        return False
    ((monomial, scale),) = ((m, c) for m, c in poly.items() if m != UNIT)
    if scale != -1 or monomial.bound or len(monomial.factors) != 1:
        return False
    atom, exponent = monomial.factors[0]
    if isinstance(atom, Call) and atom.name == "tanh":
        return exponent == 2
    return exponent >= 1 and _is_unit(atom)


def _is_unit(atom: Term) -> bool:
    match atom:
        case Entry(symbol, _):
            return symbol.domain.kind == "unit"
        case Apply(function, _, _, ()):
            return function.domain.kind == "unit"
        case Call("sigmoid", _):
            return True
    return False


# ---------------------------------------------------------------- polynomials


def _atom(term: Term, exponent: Fraction = F1) -> Poly:
    if isinstance(term, Entry) and term.symbol.domain.kind == "binary" and exponent > 0:
        exponent = F1  # z**2 = z on {0, 1}
    return {Monomial((), ((term, exponent),)): F1}


def _accumulate(total: Poly, poly: Poly, scale: Fraction = F1) -> None:
    for monomial, value in poly.items():
        result = total.get(monomial, F0) + value * scale
        if result:
            total[monomial] = result
        else:
            del total[monomial]


def _multiply(left: Poly, right: Poly) -> Poly:
    product: Poly = {}
    for mine, my_scale in left.items():
        for other, other_scale in right.items():
            scale = my_scale * other_scale
            if not mine.factors and not mine.bound:
                _accumulate(product, {other: scale})
                continue
            if not other.factors and not other.bound:
                _accumulate(product, {mine: scale})
                continue
            other_bound, other_factors = other
            if mine.bound and other.bound:
                other_bound, other_factors = _rename_apart(other)
            factors: Factors = dict(mine.factors)
            for atom, exponent in other_factors:
                merged = factors.get(atom, F0) + exponent
                if merged:
                    factors[atom] = merged
                else:
                    del factors[atom]
            _accumulate(product, _reduce(mine.bound + other_bound, factors), scale)
    return product


def _rename_apart(monomial: Monomial) -> Monomial:
    mapping = {i: Index(f"@{i.name}", i.extent, i.low) for i in monomial.bound}
    factors = tuple((_rename(atom, mapping), e) for atom, e in monomial.factors)
    return Monomial(tuple(mapping.values()), factors)


def _rename(term: Term, mapping: Mapping[Index, Index]) -> Term:
    for old, new in mapping.items():
        term = replace_index(term, old, new)
    return term


def _power_poly(poly: Poly, exponent: Fraction) -> Poly:
    if exponent == 0:
        return {UNIT: F1}
    if exponent == 1:
        return poly
    if len(poly) == 1:
        ((monomial, scale),) = poly.items()
        if not monomial.bound:
            return _power_monomial(monomial, scale, exponent)
    if exponent > 0 and exponent.denominator == 1 and exponent <= MAX_EXPANDED_POWER:
        product = poly
        for _ in range(int(exponent) - 1):
            product = _multiply(product, poly)
        return product
    if not poly:
        raise ZeroDivisionError("division by an expression that is identically zero")
    content, scale, primitive = split_content(poly)
    outer = _power_monomial(content, abs(scale), exponent)
    if scale < 0:
        if exponent.denominator == 1:
            outer = _multiply(outer, {UNIT: F1 if exponent.numerator % 2 == 0 else -F1})
        else:
            primitive = {monomial: -value for monomial, value in primitive.items()}
    whole = Fraction(ceil(exponent) - 1 if exponent.denominator != 1 else 0)
    if exponent > 1 and whole > 0:
        outer = _multiply(outer, _power_poly(primitive, whole))
        exponent -= whole
    return _multiply(outer, _reduce((), {from_poly(primitive): exponent}))


def _power_monomial(monomial: Monomial, scale: Fraction, exponent: Fraction) -> Poly:
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
        for prime, e in _factor_number(abs(scale)):
            power = e * exponent
            whole = power.numerator // power.denominator
            value *= Fraction(prime) ** whole
            if power - whole:
                factors[Number(Fraction(prime))] = power - whole
    if opaque:
        inner = build.mul(*(build.power(atom, e) for atom, e in opaque))
        factors[build.power(inner, exponent)] = F1
    result: Poly = {}
    _accumulate(result, _reduce((), factors), value)
    return result


def _power_term(base: Poly, exponent: Term) -> Poly:
    if isinstance(exponent, Number):
        return _power_poly(base, exponent.value)
    power = to_poly(exponent)
    if set(power) <= {UNIT}:
        return _power_poly(base, power.get(UNIT, F0))
    term = from_poly(base)
    if term == Constant("e"):
        return _call_poly("exp", (power,))
    single = len(base) == 1 and not next(iter(base)).bound
    if not is_positive(term) or not single:
        return _atom(Power(term, from_poly(power)))
    # positive base: x**(a + 2 b) = x**a (x**b)**2, numbers in the exponent stay numbers
    ((monomial, scale),) = base.items()
    pieces: list[tuple[Term, Fraction]] = [*monomial.factors]
    pieces += [(Number(Fraction(p)), e) for p, e in _factor_number(scale)]
    factors: Factors = {}
    for atom, e in pieces:
        for part, value in power.items():
            key = atom if part == UNIT else Power(atom, from_monomial(part))
            factors[key] = factors.get(key, F0) + e * value
    return _reduce((), {atom: e for atom, e in factors.items() if e})


def _factor_number(value: Fraction) -> list[tuple[int, Fraction]]:
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


def split_content(poly: Poly) -> tuple[Monomial, Fraction, Poly]:
    """poly -> common monomial, number, primitive part (its product is poly).

    The primitive part has leading coefficient 1, or is certainly positive.
    """
    # the smallest exponent of every atom over all monomials; 0 where one lacks it
    atoms = {a for m in poly for a, _ in m.factors if _is_free_of(a, m.bound)}
    shared: Factors = {}
    for atom in atoms:
        exponents = [
            exponent
            for m in poly
            for exponent in [dict(m.factors).get(atom, F0) if _is_free_of(atom, m.bound) else F0]
        ]
        if min(exponents):
            shared[atom] = min(exponents)
    content = Monomial((), tuple(sorted(shared.items(), key=lambda f: sort_key(f[0]))))
    divided: Poly = {}
    inverse = {atom: -exponent for atom, exponent in shared.items()}
    for monomial, value in poly.items():
        factors = dict(monomial.factors)
        for atom, exponent in inverse.items():
            merged = factors.get(atom, F0) + exponent
            if merged:
                factors[atom] = merged
            else:
                factors.pop(atom, None)
        _accumulate(divided, _reduce(monomial.bound, factors), value)
    lead = min(divided, key=_monomial_key)
    scale = divided[lead]
    primitive = {monomial: value / scale for monomial, value in divided.items()}
    if scale > 0 or len(primitive) == 1:
        return content, scale, primitive
    flipped = {monomial: -value for monomial, value in primitive.items()}
    if _is_positive_poly(flipped) and not _is_positive_poly(primitive):
        return content, -scale, flipped
    return content, scale, primitive


def _is_free_of(atom: Term, bound: tuple[Index, ...]) -> bool:
    return not bound or free_indices(atom).isdisjoint(bound)


def _monomial_key(monomial: Monomial) -> tuple[object, ...]:
    return (
        len(monomial.bound),
        len(monomial.factors),
        tuple((sort_key(atom), exponent) for atom, exponent in monomial.factors),
        tuple(map(sort_key, monomial.bound)),
    )


def _find_denominator(poly: Poly) -> tuple[Term, Fraction] | None:
    for monomial in sorted(poly, key=_monomial_key):
        for atom, exponent in monomial.factors:
            if exponent < 0 and isinstance(atom, Add | Sum) and _is_free_of(atom, monomial.bound):
                return atom, -exponent
    return None


# ---------------------------------------------------------------- functions


def _call_poly(name: str, arguments: tuple[Poly, ...]) -> Poly:
    if name == "polygamma":
        return _atom(Call(name, tuple(from_poly(argument) for argument in arguments)))
    if len(arguments) != 1:
        return _atom(Call(name, tuple(from_poly(argument) for argument in arguments)))
    (argument,) = arguments
    match name:
        case "log":
            return _log_poly(argument)
        case "exp":
            return _exp_poly(argument)
        case "abs":
            return _abs_poly(argument)
        case "loggamma" | "digamma":
            return _gamma_poly(name, argument)
        case "tanh" | "erf":
            sign, canonical = _canonical_sign(argument)
            folded = build.call(name, from_poly(canonical))
            result: Poly = {}
            _accumulate(result, {} if folded == build.ZERO else _atom(folded), sign)
            return result
        case "sigmoid" | "softplus":
            sign, canonical = _canonical_sign(argument)
            atom = _atom(Call(name, (from_poly(canonical),)))
            if not canonical:
                return {UNIT: Fraction(1, 2)} if name == "sigmoid" else _log_poly({UNIT: F1 * 2})
            if sign > 0:
                return atom
            # sigmoid(-a) = 1 - sigmoid(a), softplus(-a) = softplus(a) - a
            flipped: Poly = {UNIT: F1} if name == "sigmoid" else dict(argument)
            _accumulate(flipped, atom, -F1 if name == "sigmoid" else F1)
            return flipped
    return _atom(Call(name, (from_poly(argument),)))


def _canonical_sign(poly: Poly) -> tuple[Fraction, Poly]:
    if not poly:
        return F1, poly
    lead = min(poly, key=_monomial_key)
    if poly[lead] > 0:
        return F1, poly
    return -F1, {monomial: -value for monomial, value in poly.items()}


def _log_poly(argument: Poly) -> Poly:
    if not argument:
        raise ZeroDivisionError("log of zero")
    result: Poly = {}
    if len(argument) == 1 and not next(iter(argument)).bound:
        ((content, scale),) = argument.items()
        primitive: Poly = {UNIT: F1}
    else:
        content, scale, primitive = split_content(argument)
    positive = all(is_positive(atom) for atom, _ in content.factors)
    if not positive or scale < 0:
        return _atom(Call("log", (from_poly(argument),)))
    for atom, exponent in content.factors:
        _accumulate(result, _log_atom(atom), exponent)
    for prime, exponent in _factor_number(scale):
        _accumulate(result, _atom(Call("log", (Number(Fraction(prime)),))), exponent)
    if primitive != {UNIT: F1}:
        _accumulate(result, _log_primitive(primitive))
    return result


def _log_atom(atom: Term) -> Poly:
    match atom:
        case Constant("e"):
            return {UNIT: F1}
        case Call("exp", (argument,)):
            return to_poly(argument)
        case Call("sigmoid", (argument,)):
            result = dict(to_poly(argument))
            _accumulate(result, _call_poly("softplus", (to_poly(argument),)), -F1)
            return result
        case Power(base, exponent) if is_positive(base):
            return _multiply(to_poly(exponent), _log_atom(base))
        case Number(value):
            return _log_poly({UNIT: value})
    return _atom(Call("log", (atom,)))


def _log_primitive(primitive: Poly) -> Poly:
    # log(1 - sigmoid(a)) = -softplus(a)
    if len(primitive) == 2 and primitive.get(UNIT) == 1:
        ((monomial, scale),) = ((m, c) for m, c in primitive.items() if m != UNIT)
        if scale == -1 and len(monomial.factors) == 1 and not monomial.bound:
            atom, exponent = monomial.factors[0]
            if exponent == 1 and isinstance(atom, Call) and atom.name == "sigmoid":
                negative: Poly = {}
                _accumulate(negative, _call_poly("softplus", (to_poly(atom.arguments[0]),)), -F1)
                return negative
    return _atom(Call("log", (from_poly(primitive),)))


def _exp_poly(argument: Poly) -> Poly:
    """exp(c log b + r) = b**c exp(r), with one exp atom at most."""
    rest: Poly = {}
    product: Poly = {UNIT: F1}
    for monomial, scale in argument.items():
        base = _logged(monomial)
        if base is not None:
            product = _multiply(product, _power_term(to_poly(base), Number(scale)))
        elif monomial == UNIT:
            product = _multiply(product, _atom(Constant("e"), scale))
        else:
            rest[monomial] = scale
    if rest:
        product = _multiply(product, _atom(Call("exp", (from_poly(rest),))))
    return product


def _logged(monomial: Monomial) -> Term | None:
    if not monomial.bound and len(monomial.factors) == 1:
        atom, exponent = monomial.factors[0]
        if exponent == 1 and isinstance(atom, Call) and atom.name == "log":
            return atom.arguments[0]
    return None


def _abs_poly(argument: Poly) -> Poly:
    if not argument:
        return {}
    if len(argument) == 1 and not next(iter(argument)).bound:
        ((content, scale),) = argument.items()
        primitive: Poly = {UNIT: F1}
    else:
        content, scale, primitive = split_content(argument)
    factors: Factors = {}
    for atom, exponent in content.factors:
        keep = atom if is_positive(atom) else build.call("abs", atom)
        factors[keep] = factors.get(keep, F0) + exponent
    if primitive != {UNIT: F1}:
        term = from_poly(primitive)
        keep = term if is_positive(term) else build.call("abs", term)
        factors[keep] = factors.get(keep, F0) + F1
    result: Poly = {}
    _accumulate(result, _reduce((), factors), abs(scale))
    return result


def _gamma_poly(name: str, argument: Poly) -> Poly:
    """loggamma(a + 1) = loggamma(a) + log a; digamma(a + 1) = digamma(a) + 1/a, for a > 0."""
    shift = argument.get(UNIT, F0)
    steps = int(shift)
    base = {monomial: value for monomial, value in argument.items() if monomial != UNIT}
    if shift - steps:
        base[UNIT] = shift - steps
    if steps <= 0 or steps > MAX_EXPANDED_POWER or not base or not _is_positive_poly(base):
        if not base and steps > 0:  # at a positive integer
            return _gamma_at_integer(name, steps)
        return _atom(Call(name, (from_poly(argument),)))
    result = dict(_atom(Call(name, (from_poly(base),))))
    for step in range(steps):
        at = dict(base)
        _accumulate(at, {UNIT: Fraction(step)} if step else {})
        _accumulate(result, _log_poly(at) if name == "loggamma" else _power_poly(at, -F1))
    return result


def _gamma_at_integer(name: str, n: int) -> Poly:
    result: Poly = {} if name == "loggamma" else dict(_atom(Call("digamma", (ONE,))))
    for k in range(1, n):
        _accumulate(result, _log_poly({UNIT: F1 * k}) if name == "loggamma" else {UNIT: F1 / k})
    return result


# ---------------------------------------------------------------- sums and monomials


def _sum_poly(index: Index, body: Term) -> Poly:
    fresh = Index("@s", index.extent, index.low)
    count = 0
    while fresh in free_indices(body):
        count += 1
        fresh = Index(f"@s{count}", index.extent, index.low)
    result: Poly = {}
    for monomial, scale in to_poly(replace_index(body, index, fresh)).items():
        _accumulate(result, _reduce((*monomial.bound, fresh), dict(monomial.factors)), scale)
    return result


def _product(bound: tuple[Index, ...], factors: Iterable[tuple[Term, Fraction]]) -> Poly:
    """Renormalize factors whose parts were replaced, then sum over the bound indices."""
    polys = [_power_poly(to_poly(atom), exponent) for atom, exponent in factors]
    product: Poly = {UNIT: F1}
    for poly in polys:
        product = _multiply(product, poly)
    result: Poly = {}
    for monomial, scale in product.items():
        _accumulate(result, _reduce((*monomial.bound, *bound), dict(monomial.factors)), scale)
    return result


def _reduce(bound: tuple[Index, ...], factors: Factors) -> Poly:
    """A raw monomial -> polynomial in canonical monomials; each rule restarts with its result."""
    for rule in _RULES:
        poly = rule(bound, factors)
        if poly is not None:
            return poly
    return {_canonical(bound, factors): F1}


def _fold_atoms(bound: tuple[Index, ...], factors: Factors) -> Poly | None:
    """z**2 -> z on {0, 1};  |a|**2 -> a**2;  (a + b)**2 is expanded;  2**(3/2) -> 2 2**(1/2)."""
    for atom, exponent in factors.items():
        rest = {a: e for a, e in factors.items() if a is not atom}
        if exponent != 1 and exponent > 0 and isinstance(atom, Entry):
            if atom.symbol.domain.kind == "binary":
                return _reduce(bound, {**rest, atom: F1})
        elif isinstance(atom, Call) and atom.name == "abs":
            if exponent.denominator == 1 and exponent.numerator % 2 == 0:
                inner = to_poly(atom.arguments[0])
                return _times(bound, rest, _power_poly(inner, exponent))
        elif isinstance(atom, Add | Sum) and exponent >= 1:
            whole = Fraction(exponent.numerator // exponent.denominator)
            if whole <= MAX_EXPANDED_POWER:
                left = {**rest, atom: exponent - whole} if exponent - whole else rest
                return _times(bound, left, _power_poly(to_poly(atom), whole))
        elif isinstance(atom, Delta) and exponent != 1 and exponent > 0:
            return _reduce(bound, {**rest, atom: F1})
        elif isinstance(atom, Number) and (exponent >= 1 or exponent < 0):
            floor = exponent.numerator // exponent.denominator
            left = {**rest, atom: exponent - floor} if exponent - floor else rest
            result: Poly = {}
            _accumulate(result, _reduce(bound, left), Fraction(atom.value**floor))
            return result
    return None


def _times(bound: tuple[Index, ...], factors: Factors, poly: Poly) -> Poly:
    result: Poly = {}
    for monomial, scale in poly.items():
        inner_bound, inner = monomial
        if inner_bound and bound:
            inner_bound, inner = _rename_apart(monomial)
        merged = dict(factors)
        for atom, exponent in inner:
            value = merged.get(atom, F0) + exponent
            if value:
                merged[atom] = value
            else:
                del merged[atom]
        _accumulate(result, _reduce(bound + inner_bound, merged), scale)
    return result


def _merge_exponentials(bound: tuple[Index, ...], factors: Factors) -> Poly | None:
    """exp(a)**2 exp(b) -> exp(2 a + b)"""
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
        _accumulate(argument, to_poly(atom.arguments[0]), exponent)
    rest = {a: e for a, e in factors.items() if not (isinstance(a, Call) and a.name == "exp")}
    if not argument:
        return _reduce(bound, rest)
    return _times(bound, rest, _exp_poly(argument))


def _contract_delta(bound: tuple[Index, ...], factors: Factors) -> Poly | None:
    """sum_i delta(i, j) f(i) -> f(j) where j is in the range of i;
    delta(i, j) f(i) -> delta(i, j) f(j)
    """
    for atom in factors:
        if not isinstance(atom, Delta):
            continue
        equal = are_equal(atom.left, atom.right)
        rest = {a: e for a, e in factors.items() if a is not atom}
        if equal is True:
            return _reduce(bound, rest)
        if equal is False:
            return {}
        for index, other in ((atom.left, atom.right), (atom.right, atom.left)):
            if not isinstance(index, Index) or index not in bound:
                continue
            if is_within(other, index.extent, index.low):
                remaining = tuple(b for b in bound if b != index)
                replaced = [(replace_index(a, index, other), e) for a, e in rest.items()]
                return _product(remaining, replaced)
        old, new = sorted((atom.left, atom.right), key=sort_key)[::-1]
        if not isinstance(old, Index):
            old, new = new, old
        if isinstance(new, Entry):  # a category stays a selector: delta(i, c) f(i) is kept
            continue
        if isinstance(old, Index) and any(old in free_indices(a) for a in rest):
            replaced = [(replace_index(a, old, new), e) for a, e in rest.items()]
            return _times_delta(bound, atom, replaced)
    return None


def _times_delta(
    bound: tuple[Index, ...], delta: Delta, factors: list[tuple[Term, Fraction]]
) -> Poly:
    product = _product((), factors)
    result: Poly = {}
    for monomial, scale in product.items():
        inner_bound, inner = _rename_apart(monomial) if bound else monomial
        merged = {**dict(inner), delta: F1}
        _accumulate(result, _reduce(bound + inner_bound, merged), scale)
    return result


def _count_free_sum(bound: tuple[Index, ...], factors: Factors) -> Poly | None:
    """sum_{i=low..n} f -> (n - low + 1) f"""
    for index in bound:
        if not any(index in free_indices(atom) for atom in factors):
            remaining = tuple(b for b in bound if b != index)
            return _times(remaining, factors, to_poly(build.extent_length(index.extent, index.low)))
    return None


def _complete_range(bound: tuple[Index, ...], factors: Factors) -> Poly | None:
    """sum_{i=1..C-1} f(i) -> sum_{i=1..C} f(i) - f(C), where f is defined at C"""
    for index in bound:
        if index.extent.size is None or index.extent.offset >= 0:
            continue
        longer = Extent(index.extent.size, index.extent.offset + 1)
        if not all(_is_defined_up_to(atom, index, longer) for atom in factors):
            continue
        remaining = tuple(b for b in bound if b != index)
        wider = Index(f"{index.name}+", longer, index.low)
        full = [(replace_index(a, index, wider), e) for a, e in factors.items()]
        last = [(replace_index(a, index, Position(longer)), e) for a, e in factors.items()]
        result = dict(_product((*remaining, wider), full))
        _accumulate(result, _product(remaining, last), -F1)
        return result
    return None


def _is_defined_up_to(term: Term, index: Index, extent: Extent) -> bool:
    """Whether every axis that holds the index is at least `extent` long."""
    if index not in free_indices(term):
        return True
    match term:
        case Entry(symbol, indices):
            if symbol.role is Role.VALUE:
                return False  # minimal statistics of a value stay minimal
            for axis, place in zip(symbol.shape, indices, strict=True):
                if place == index and not is_within(Position(extent), axis):
                    return False
            return True
        case Inverse(matrix, row, column):
            for formal, place in zip(matrix.indices, (row, column), strict=True):
                if place == index and not is_within(Position(extent), formal.extent):
                    return False
    return all(
        _is_defined_up_to(part, index, extent) for part in parts_of(term) if isinstance(part, Term)
    ) and all(
        _is_defined_up_to(part.body, index, extent)
        for part in parts_of(term)
        if isinstance(part, Array)
    )


def _sum_simplex(bound: tuple[Index, ...], factors: Factors) -> Poly | None:
    """sum_{i=1..C} p[i] -> 1 for p on the simplex"""
    for index in bound:
        holders = [atom for atom in factors if index in free_indices(atom)]
        if len(holders) != 1 or factors[holders[0]] != 1:
            continue
        atom = holders[0]
        if not isinstance(atom, Entry) or atom.symbol.domain.kind != "simplex":
            continue
        last = atom.indices[-1] == index and index.extent == atom.symbol.shape[-1]
        if last and index.low == 1 and index not in atom.indices[:-1]:
            remaining = tuple(b for b in bound if b != index)
            return _reduce(remaining, {a: e for a, e in factors.items() if a is not atom})
    return None


def _contract_inverse(bound: tuple[Index, ...], factors: Factors) -> Poly | None:
    """sum_j inv(M)[i, j] M[j, k] -> delta(i, k), also from the right"""
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
            far = _match_matrix(atom.matrix, partners[0], middle, at_row)
            if far is None:
                continue
            remaining = tuple(b for b in bound if b != middle)
            rest = [(a, e) for a, e in factors.items() if a is not atom and a is not partners[0]]
            return _product(remaining, [*rest, (Delta(outer, far), F1)])
    return None


def _match_matrix(matrix: Array, term: Term, middle: Index, at_row: bool) -> IndexTerm | None:
    """The k with term = M[middle, k] (or M[k, middle]), if there is one."""
    for candidate in _index_places(term):
        if candidate == middle:
            continue
        places = (middle, candidate) if at_row else (candidate, middle)
        if normal(instantiate(matrix, places)) == term:
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


def _reduce_denominator(bound: tuple[Index, ...], factors: Factors) -> Poly | None:
    """p / (1 - p) -> 1/(1 - p) - 1;   1/(p (1 - p)) -> 1/p + 1/(1 - p)"""
    for atom, exponent in factors.items():
        if exponent >= 0 or exponent.denominator != 1 or not isinstance(atom, Add):
            continue
        lead = _leading_atom(atom)
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
            _accumulate(result, _reduce(bound, {**others, **fewer, **raised}), 1 / scale)
            same = {**others, **fewer, atom: exponent}
            _accumulate(result, _times(bound, same, rest), -1 / scale)
            return result
        if set(rest) == {UNIT}:
            # 1/(s q) = (1/rest) (1/s - scale/q), q = scale s + rest
            value = rest[UNIT]
            raised = {atom: exponent + 1} if exponent + 1 else {}
            lowered = {symbol: power + 1} if power + 1 else {}
            result = {}
            _accumulate(result, _reduce(bound, {**others, symbol: power, **raised}), 1 / value)
            both = {**others, **lowered, atom: exponent}
            _accumulate(result, _reduce(bound, both), -scale / value)
            return result
    return None


@lru_cache(maxsize=10_000)
def _leading_atom(base: Add) -> tuple[Term, Fraction, Poly] | None:
    """q -> (s, c, rest) with q = c s + rest and s an atom that rest does not mention."""
    poly = to_poly(base)
    for monomial in sorted(poly, key=_monomial_key, reverse=True):
        if monomial.bound or len(monomial.factors) != 1 or monomial.factors[0][1] != 1:
            continue
        symbol = monomial.factors[0][0]
        rest = {m: c for m, c in poly.items() if m != monomial}
        if all(symbol not in dict(m.factors) for m in rest):
            return symbol, poly[monomial], rest
    return None


_RULES = (
    _fold_atoms,
    _merge_exponentials,
    _contract_delta,
    _count_free_sum,
    _contract_inverse,
    _complete_range,
    _sum_simplex,
    _reduce_denominator,
)


# ---------------------------------------------------------------- canonical names


@lru_cache(maxsize=100_000)
def _height(item: Term | Array) -> int:
    """The largest n of a bound index `_n` in the term."""
    own = 0
    if isinstance(item, Sum):
        own = _number_of(item.index)
    elif isinstance(item, Array):
        own = max((_number_of(index) for index in item.indices), default=0)
    inner = (_height(part) for part in parts_of(item) if isinstance(part, Term | Array))
    return max(own, max(inner, default=0))


def _number_of(index: Index) -> int:
    return int(index.name[1:]) if index.name[0] == "_" and index.name[1:].isdigit() else 0


def _canonical(bound: tuple[Index, ...], factors: Factors) -> Monomial:
    """Name the bound indices so that equal monomials become equal values."""
    if not bound:
        return Monomial((), tuple(sorted(factors.items(), key=lambda f: sort_key(f[0]))))
    bound_set = set(bound)
    base = max((_height(atom) for atom in factors), default=0)
    outside = [(a, e) for a, e in factors.items() if free_indices(a).isdisjoint(bound_set)]
    inside = [(a, e) for a, e in factors.items() if not free_indices(a).isdisjoint(bound_set)]
    neutral = {i: Index(f"?{n}", i.extent, i.low) for n, i in enumerate(bound)}
    started = [(_rename(a, neutral), e) for a, e in inside]
    best: tuple[object, tuple[tuple[Term, Fraction], ...], tuple[Index, ...]] | None = None
    for order in _orders(tuple(neutral.values()), started):
        names = {i: Index(f"_{base + 1 + n}", i.extent, i.low) for n, i in enumerate(order)}
        renamed = []
        for atom, exponent in started:
            fresh = _rename(atom, names)
            renamed.append((_renormalize(fresh), exponent))
        renamed.sort(key=lambda f: (sort_key(f[0]), f[1]))
        key = tuple((sort_key(atom), exponent) for atom, exponent in renamed)
        if best is None or key < best[0]:  # type: ignore[operator]
            best = (key, tuple(renamed), tuple(names.values()))
    assert best is not None
    merged: Factors = dict(outside)
    for atom, exponent in best[1]:
        merged[atom] = merged.get(atom, F0) + exponent
    return Monomial(best[2], tuple(sorted(merged.items(), key=lambda f: sort_key(f[0]))))


def _renormalize(atom: Term) -> Term:
    """Restore the order of parts after a renaming of indices."""
    if isinstance(atom, Entry) and atom.symbol.domain.kind not in SYMMETRIC:
        return atom
    poly = to_poly(atom)
    if len(poly) == 1:
        ((monomial, scale),) = poly.items()
        if scale == 1 and len(monomial.factors) == 1 and monomial.factors[0][1] == 1:
            return monomial.factors[0][0]
    return from_poly(poly)


def _orders(
    bound: tuple[Index, ...], factors: list[tuple[Term, Fraction]]
) -> Iterable[tuple[Index, ...]]:
    if len(bound) == 1:
        return [bound]
    marked = Index("*", Extent(None, 0))
    blank = Index("?", Extent(None, 0))
    signatures: dict[Index, tuple[object, ...]] = {}
    for index in bound:
        seen = []
        for atom, exponent in factors:
            if index in free_indices(atom):
                shape = replace_index(atom, index, marked)
                for other in bound:
                    if other is not index:
                        shape = replace_index(shape, other, blank)
                seen.append((sort_key(shape), exponent))
        seen.sort()
        extent = (index.extent.size or "", index.extent.offset, index.low)
        signatures[index] = (extent, tuple(seen))
    groups: dict[tuple[object, ...], list[Index]] = {}
    for index in bound:
        groups.setdefault(signatures[index], []).append(index)
    ordered = [groups[key] for key in sorted(groups)]
    results: list[tuple[Index, ...]] = [()]
    for group in ordered:
        choices = list(permutations(group)) if len(group) <= 5 else [tuple(group)]
        results = [prefix + choice for prefix in results for choice in choices]
    return results


def _order_symmetric_entry(symbol: Symbol, indices: tuple[IndexTerm, ...], term: Entry) -> Entry:
    if symbol.domain.kind in SYMMETRIC and sort_key(indices[-1]) < sort_key(indices[-2]):
        return Entry(symbol, (*indices[:-2], indices[-1], indices[-2]))
    return term


def _order_symmetric_inverse(matrix: Array, row: IndexTerm, column: IndexTerm) -> Inverse:
    if sort_key(column) < sort_key(row) and _is_symmetric(matrix):
        row, column = column, row
    return Inverse(matrix, row, column)


@lru_cache(maxsize=10_000)
def _is_symmetric(matrix: Array) -> bool:
    row, column = matrix.indices
    if row.extent != column.extent:
        return False
    if not any(s.domain.kind in SYMMETRIC for s in symbols_of(matrix.body)) and not isinstance(
        matrix.body, Add | Sum | Mul
    ):
        return False
    swapped = instantiate(matrix, (column, row))
    return to_poly(swapped) == to_poly(matrix.body)


def _order_delta(left: IndexTerm, right: IndexTerm) -> Delta:
    return Delta(left, right) if sort_key(left) <= sort_key(right) else Delta(right, left)
