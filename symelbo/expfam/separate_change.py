"""log p - D log p, separated into what its value v multiplies: the criterion (U) of one family.

D moves the arguments a with unknown velocities U and the value as v -> r v + s:

    log p - D log p  =  sum_k C_k(a; U, r, s)' T_k(v)  +  R(a; U, r, s)

(U) asks that every C_k is a constant c_k, a share of log h that no argument and no parent enters.
T_k may contain arguments (|v - location|): then c_k = 0, and no exponential family is needed.
"""

from __future__ import annotations

from fractions import Fraction

from symelbo.expfam.group_by_value import (
    Group,
    gather,
    is_symmetric,
    select_by_indicator,
    split_exponentials,
    split_monomial,
    swap,
    symbols_of_monomial,
)
from symelbo.families.density import Density
from symelbo.index.build import (
    ZERO,
    add,
    divide,
    extent_length,
    mul,
    negate,
    number,
    subtract,
    total,
)
from symelbo.index.differentiate import derivative_along
from symelbo.index.domains import Real
from symelbo.index.normal import Poly, from_poly, monomials_of, normal
from symelbo.index.substitute import (
    formal_indices,
    symbols_of,
)
from symelbo.index.terms import (
    Array,
    Entry,
    Index,
    Role,
    Symbol,
    Term,
)
from symelbo.values import dataclass

__all__ = ["Change", "Part", "rate_symbol", "separate_change", "shift_symbol", "speed"]

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
    return Symbol(f"U {argument.name}", Role.UNKNOWN, argument.domain.tangent, argument.shape)


def rate_symbol(value: Symbol) -> Symbol:
    """v -> the r of its motion v -> r v + s, one for each entry (one in all for a matrix)."""
    motions = value.domain.motions
    shape = () if motions is not None and motions.whole else value.shape
    return Symbol("rate r", Role.HIDDEN, Real(), shape)


def shift_symbol(value: Symbol) -> Symbol:
    """v -> the s of its motion v -> r v + s."""
    return Symbol("shift s", Role.HIDDEN, Real(), value.shape)


def value_velocity(value: Symbol) -> Array | None:
    """v -> the array r v + s that its support allows; None if it stands still."""
    motions = value.domain.motions
    if motions is None:
        return None
    indices = formal_indices(value.shape)
    moved: list[Term] = []
    if motions.scales:
        rate = rate_symbol(value)
        factor = Entry(rate, indices if rate.shape else ())
        moved.append(mul(factor, Entry(value, indices)))
        if motions.about is not None:
            moved.append(negate(mul(factor, motions.about)))
    if motions.shifts:
        moved.append(Entry(shift_symbol(value), indices))
    return Array(indices, add(*moved))


def divergence_of(value: Symbol) -> Term:
    """The sum of r over the independent entries of the value."""
    motions = value.domain.motions
    if motions is None or not motions.scales:
        return ZERO
    rate = rate_symbol(value)
    if motions.whole:
        return mul(Entry(rate), value.domain.dimension(extent_length(value.shape[-1])))
    indices = formal_indices(value.shape, "e")
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
    kept = {
        m: c for m, c in monomials_of(coefficient).items() if not arguments & symbols_of_monomial(m)
    }
    return from_poly(kept)


# ---------------------------------------------------------------- grouping by the value


def _group(term: Term, density: Density) -> tuple[list[Part], Term]:
    """term -> its parts by the functions of the value, simplest first, and what has no value."""
    value, arguments = density.value, frozenset(density.arguments)
    rest, selected = select_by_indicator(term, value)
    pieces: list[Group] = []
    free: Poly = {}
    for joined, scale in monomials_of(rest).items():
        monomial = split_exponentials(joined, value)
        if value in symbols_of_monomial(monomial):
            pieces.append(split_monomial(monomial, scale, value))
        else:
            free[monomial] = free.get(monomial, Fraction(0)) + scale
    if selected is not None:
        pieces.append(selected)
    parts = []
    for group in gather(pieces):
        indices, coefficient = group.indices, group.coefficient
        symmetric = is_symmetric(indices, group.statistic)
        if symmetric:  # a coefficient counts only by its symmetric part
            coefficient = normal(divide(add(coefficient, swap(indices, coefficient)), TWO))
        pure = not symbols_of(group.statistic) & arguments
        parts.append(Part(indices, group.statistic, coefficient, ZERO, pure, symmetric))
    return parts, normal(from_poly(free))
