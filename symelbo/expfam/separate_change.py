"""log p - D log p, separated into what its value v multiplies: the criterion (U) of one family.

D moves the arguments a with unknown velocities U and the value as v -> r v + s:

    log p - D log p  =  sum_k C_k(a; U, r, s)' T_k(v)  +  R(a; U, r, s)

(U) asks that every C_k is a constant c_k, a share of log h that no argument and no parent enters.
T_k may contain arguments (|v - location|): then c_k = 0, and no exponential family is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from symelbo.families.density import Density
from symelbo.index.build import (
    ONE,
    ZERO,
    add,
    divide,
    exp,
    extent_length,
    mul,
    number,
    subtract,
    total,
)
from symelbo.index.differentiate import derivative_along
from symelbo.index.normal import Monomial, Poly, from_monomial, from_poly, normal, to_poly
from symelbo.index.solve import formal_indices
from symelbo.index.substitute import (
    free_indices,
    replace_index,
    replace_selector,
    selectors_of,
    symbols_of,
)
from symelbo.index.terms import (
    Array,
    Call,
    Delta,
    Domain,
    Entry,
    Extent,
    Index,
    Number,
    Position,
    Role,
    Symbol,
    Term,
    sort_key,
)

__all__ = ["Change", "Part", "can_move", "rate_symbol", "separate_change", "shift_symbol", "speed"]

_BLOCK_NAMES = ("i", "j", "k", "l")
TWO = number(2)


@dataclass(frozen=True, slots=True)
class Part:
    """One statistic T_k[indices] with its coefficient C_k in log p - D log p.

    textbook: what no argument enters of the coefficient of T_k in log p, the share of the textbook
    base measure; pure: no argument enters T_k, so that a share c_k of log h may stand beside it.
    """

    indices: tuple[Index, ...]
    statistic: Term
    coefficient: Term
    textbook: Term
    pure: bool
    symmetric: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """log p - D log p of a density: its parts, and the rest R that the value does not enter."""

    density: Density
    parts: tuple[Part, ...]
    rest: Term
    divergence: Term  # of the value's motion: the sum of r over its entries


def speed(argument: Symbol) -> Symbol:
    """a -> the unknown velocity U of a formal argument."""
    kind = {"posdef": "symmetric", "simplex": "tangent"}.get(argument.domain.kind, "real")
    return Symbol(f"U {argument.name}", Role.UNKNOWN, Domain(kind), argument.shape)


def rate_symbol(value: Symbol) -> Symbol:
    """v -> the r of its motion v -> r v + s, one for each entry (one in all for a matrix)."""
    shape = () if value.domain.kind == "posdef" else value.shape
    return Symbol("rate r", Role.CONSTANT, Domain("real"), shape)


def shift_symbol(value: Symbol) -> Symbol:
    """v -> the s of its motion v -> r v + s."""
    return Symbol("shift s", Role.CONSTANT, Domain("real"), value.shape)


def can_move(domain: Domain) -> bool:
    """Whether a latent of this support has affine motions that keep the support.

    Real: r v + s.  Positive, and positive definite: r v.  From a number on: r (v - lower).
    An angle: s.
    """
    if domain.kind == "interval":
        return isinstance(domain.lower, Number) and domain.upper is None
    return domain.kind in ("real", "positive", "posdef", "angle")


def value_velocity(value: Symbol) -> Array | None:
    """v -> the array r v + s that its support allows; None if it stands still."""
    if not can_move(value.domain):
        return None
    indices = formal_indices(value.shape)
    if value.domain.kind == "angle":
        return Array(indices, Entry(shift_symbol(value), indices))
    rate = rate_symbol(value)
    moved = mul(Entry(rate, indices if rate.shape else ()), Entry(value, indices))
    if value.domain.kind == "real":
        moved = add(moved, Entry(shift_symbol(value), indices))
    elif value.domain.kind == "interval":
        assert value.domain.lower is not None
        moved = subtract(moved, mul(Entry(rate, indices), value.domain.lower))
    return Array(indices, moved)


def divergence_of(value: Symbol) -> Term:
    """The sum of r over the independent entries of the value."""
    if not can_move(value.domain) or value.domain.kind == "angle":
        return ZERO
    rate = rate_symbol(value)
    if value.domain.kind == "posdef":
        size = extent_length(value.shape[-1])
        return mul(Entry(rate), divide(mul(size, add(size, ONE)), TWO))
    indices = tuple(Index(f"e{n}", extent) for n, extent in enumerate(value.shape))
    result: Term = Entry(rate, indices)
    for index in reversed(indices):
        result = total(index, result)
    return result


def separate_change(density: Density) -> Change:
    """density -> log p - D log p, separated by the functions of its value.

    Source: theory of the form-free criterion (U); for an exponential family with T affine under
    the motion the C_k are eta - D eta, up to the motion of T.
    """
    value = density.value
    field: dict[Symbol, Array] = {}
    for argument in density.arguments:
        indices = formal_indices(argument.shape)
        field[argument] = Array(indices, Entry(speed(argument), indices))
    own = value_velocity(value)
    if own is not None:
        field[value] = own
    change = subtract(density.term, derivative_along(density.term, field))
    parts, rest = _group(change, density)
    known, _ = _group(density.term, density)
    shares = {(p.indices, p.statistic): _known_share(p.coefficient, density) for p in known}
    complete = tuple(
        Part(
            p.indices,
            p.statistic,
            p.coefficient,
            shares.get((p.indices, p.statistic), ZERO) if p.pure else ZERO,
            p.pure,
            p.symmetric,
        )
        for p in parts
    )
    return Change(density, complete, rest, divergence_of(value))


def _known_share(coefficient: Term, density: Density) -> Term:
    """The monomials of a coefficient that no argument enters."""
    arguments = set(density.arguments)
    kept = {m: c for m, c in to_poly(coefficient).items() if not arguments & _symbols(m)}
    return from_poly(kept)


# ---------------------------------------------------------------- grouping by the value


def _group(term: Term, density: Density) -> tuple[list[Part], Term]:
    """term -> its parts by the functions of the value, simplest first, and what has no value."""
    value, arguments = density.value, frozenset(density.arguments)
    rest, selected = _select_by_indicator(term, value)
    grouped: dict[tuple[tuple[Term, Fraction], ...], tuple[tuple[Index, ...], list[Term]]] = {}
    free: Poly = {}
    for joined, scale in to_poly(rest).items():
        monomial = _split_exponentials(joined, value)
        if value not in _symbols(monomial):
            free[monomial] = free.get(monomial, Fraction(0)) + scale
            continue
        indices, statistic, coefficient = _split_monomial(monomial, scale, value)
        grouped.setdefault(statistic, (indices, []))[1].append(coefficient)
    if selected is not None:
        index, difference, indicator = selected
        term = from_monomial(Monomial((), ((indicator, Fraction(1)),)))
        grouped.setdefault(((term, Fraction(1)),), ((index,), []))[1].append(difference)
    parts = []
    for statistic, (indices, coefficients) in grouped.items():
        coefficient = normal(add(*coefficients))
        if coefficient != ZERO:
            shown = from_monomial(Monomial((), statistic))
            pure = not symbols_of(shown) & arguments
            symmetric = _is_symmetric(indices, shown)
            if symmetric:
                coefficient = normal(divide(add(coefficient, _swap(indices, coefficient)), TWO))
            parts.append(Part(indices, shown, coefficient, ZERO, pure, symmetric))
    parts = _fold_sums(parts)
    parts.sort(key=lambda p: (len(p.indices), _degree(p.statistic), sort_key(p.statistic)))
    return parts, normal(from_poly(free))


def _symbols(monomial: Monomial) -> frozenset[Symbol]:
    return frozenset().union(*(symbols_of(atom) for atom, _ in monomial.factors))


def _fold_sums(parts: list[Part]) -> list[Part]:
    """C' T + b sum_i T_i -> (C + b)' T: the statistics stay linearly independent."""
    result = list(parts)
    for vector in parts:
        if not vector.indices:
            continue
        whole = vector.statistic
        for index in reversed(vector.indices):
            whole = total(index, whole)
        whole = normal(whole)
        for scalar in parts:
            if not scalar.indices and normal(scalar.statistic) == whole:
                coefficient = normal(add(vector.coefficient, scalar.coefficient))
                folded = Part(
                    vector.indices,
                    vector.statistic,
                    coefficient,
                    ZERO,
                    vector.pure,
                    vector.symmetric,
                )
                result = [folded if p is vector else p for p in result if p is not scalar]
                vector = folded
    return result


def _select_by_indicator(
    term: Term, value: Symbol
) -> tuple[Term, tuple[Index, Term, Delta] | None]:
    """f(v) -> f(K), (i, f(i) - f(K), delta(v, i)): f(v) = f(K) + sum_{i<K} delta(v, i) (...).

    The minimal form of a density that a category v enters as an index (Eqn 40 of the paper).
    """
    selectors = [(e, axis) for e, axis in selectors_of(term) if e.symbol == value]
    if not selectors:
        return term, None
    entry, extent = selectors[0]
    index = Index("i", Extent(extent.size, extent.offset - 1))
    at_last = replace_selector(term, entry, Position(extent))
    change = subtract(replace_selector(term, entry, index), at_last)
    return at_last, (index, change, Delta(entry, index))


def _split_exponentials(monomial: Monomial, value: Symbol) -> Monomial:
    """exp(a(v) + b) -> exp(a(v)) exp(b), which the normal form keeps joined."""
    factors: list[tuple[Term, Fraction]] = []
    for atom, exponent in monomial.factors:
        if isinstance(atom, Call) and atom.name == "exp" and value in symbols_of(atom):
            of_value: list[Term] = []
            rest: list[Term] = []
            for part, scale in to_poly(atom.arguments[0]).items():
                term = from_monomial(part, scale)
                (of_value if value in symbols_of(term) else rest).append(term)
            factors += [(exp(add(*terms)), exponent) for terms in (of_value, rest) if terms]
            continue
        factors.append((atom, exponent))
    return Monomial(monomial.bound, tuple(factors))


def _split_monomial(
    monomial: Monomial, scale: Fraction, value: Symbol
) -> tuple[tuple[Index, ...], tuple[tuple[Term, Fraction], ...], Term]:
    """c sum_i a_i t_i -> (i), t_i, c a_i with block indices named i, j, k."""
    statistic = [f for f in monomial.factors if value in symbols_of(f[0])]
    natural = tuple(f for f in monomial.factors if value not in symbols_of(f[0]))
    needed = [b for b in monomial.bound if any(b in free_indices(a) for a, _ in statistic)]
    inner = tuple(b for b in monomial.bound if b not in needed)
    # an index that only the statistic needs is summed within it
    shared = [b for b in needed if any(b in free_indices(a) for a, _ in natural)]
    summed = tuple(b for b in needed if b not in shared)
    if summed:
        own = [f for f in statistic if free_indices(f[0]) & set(summed)]
        term = normal(from_monomial(Monomial(summed, tuple(own))))
        statistic = [f for f in statistic if f not in own] + [(term, Fraction(1))]
    shared.sort(key=lambda b: _first_place(b, statistic))
    names = {b: Index(_BLOCK_NAMES[n], b.extent, b.low) for n, b in enumerate(shared)}
    coefficient = from_monomial(Monomial(inner, natural), scale)
    for old, new in names.items():
        coefficient = replace_index(coefficient, old, new)
        statistic = [(replace_index(a, old, new), e) for a, e in statistic]
    key = tuple(sorted(statistic, key=lambda f: sort_key(f[0])))
    return tuple(names.values()), key, coefficient


def _first_place(index: Index, factors: list[tuple[Term, Fraction]]) -> tuple[int, str]:
    for position, (atom, _) in enumerate(sorted(factors, key=lambda f: sort_key(f[0]))):
        if index in free_indices(atom):
            return position, index.name
    return len(factors), index.name


def _is_symmetric(indices: tuple[Index, ...], statistic: Term) -> bool:
    """Whether T_ij = T_ji: then a coefficient counts only by its symmetric part."""
    if len(indices) != 2 or indices[0].extent != indices[1].extent:
        return False
    return to_poly(_swap(indices, statistic)) == to_poly(statistic)


def _swap(indices: tuple[Index, ...], term: Term) -> Term:
    i, j = indices
    spare = Index("swap", i.extent, i.low)
    return replace_index(replace_index(replace_index(term, i, spare), j, i), spare, j)


def _degree(statistic: Term) -> int:
    """x before x**2: the number of factors counted with their powers."""
    degree = Fraction(0)
    for monomial in to_poly(statistic):
        degree += sum((abs(e) for _, e in monomial.factors), Fraction(0))
    return int(degree)
