"""Derivatives of terms: along a field of velocities, and by one entry (with deltas).

Both are one pass: the derivative along {x: \\i. velocity}; the partial derivative by x[k] is the
derivative along the velocity \\i. delta(i, k).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from symelbo.index import build
from symelbo.index.build import ZERO, add, mul, power, total
from symelbo.index.functions import DERIVATIVES
from symelbo.index.nodes import Memo
from symelbo.index.substitute import free_indices, instantiate, replace_index, symbols_of
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
    LogDet,
    Mul,
    Position,
    Power,
    Sum,
    Symbol,
    Term,
)
from symelbo.limits import KEPT_DERIVATIVES

__all__ = ["derivative_along", "derivative_by", "fresh_index"]


def fresh_index(extent: Extent, taken: set[str], low: int = 1, stem: str = "k") -> Index:
    """An index over low..extent whose name is not in `taken`; the name is added to it."""
    count = 1
    while f"{stem}{count}" in taken:
        count += 1
    name = f"{stem}{count}"
    taken.add(name)
    return Index(name, extent, low)


def derivative_along(term: Term, field: Mapping[Symbol, Array]) -> Term:
    """f, {x: v} -> d/ds f(x + s v) at s = 0, for all symbolic sizes.

    >>> show(derivative_along(term("x^2*s"), {x: Array((), term("y"))}))
    2*s*x*y
    """
    own = [(symbol, field[symbol]) for symbol in symbols_of(term) if symbol in field]
    return _derivative(term, frozenset(own)) if own else ZERO


@lru_cache(maxsize=KEPT_DERIVATIVES)
def _derivative(term: Term, velocities: frozenset[tuple[Symbol, Array]]) -> Term:
    """f, (x, v) -> d/ds f(x + s v) at s = 0; requires: all x are in the term"""
    field = dict(velocities)
    incoming = frozenset().union(*map(free_indices, field.values()))

    def rule(along: Memo[Term, Term], part: Term) -> Term:
        if symbols_of(part).isdisjoint(field):
            return ZERO
        return _along(part, field, incoming, along.__getitem__)

    return Memo(rule)[term]


def _along(
    term: Term,
    field: Mapping[Symbol, Array],
    incoming: frozenset[Index],
    along: Callable[[Term], Term],
) -> Term:
    """f(a, b) -> df/ds, where `along` gives da/ds and db/ds: one step of `derivative_along`.

    incoming: the free indices of the velocities.
    """
    match term:
        case Entry(symbol, indices):
            velocity = field.get(symbol)
            return ZERO if velocity is None else instantiate(velocity, indices)
        case Add(terms):
            return add(*(along(part) for part in terms))
        case Mul(factors):
            products = []
            for position, factor in enumerate(factors):
                change = along(factor)
                if change != ZERO:
                    products.append(mul(*factors[:position], change, *factors[position + 1 :]))
            return add(*products)
        case Power(base, exponent):
            by_base = mul(exponent, power(base, add(exponent, build.MINUS_ONE)), along(base))
            change = along(exponent)
            if change == ZERO:
                return by_base
            return add(by_base, mul(term, build.log(base), change))
        case Call(name, arguments):
            partials = DERIVATIVES[name](*arguments)
            products = []
            for argument, partial in zip(arguments, partials, strict=True):
                change = along(argument)
                if change == ZERO:
                    continue
                if partial is None:
                    raise ValueError(f"{name} is not differentiated by that argument")
                products.append(mul(partial, change))
            return add(*products)
        case Sum(index, body):
            if index in incoming:  # rename the bound index, or it would capture
                taken = {i.name for i in incoming | free_indices(body)}
                fresh = fresh_index(index.extent, taken, index.low)
                index, body = fresh, replace_index(body, index, fresh)
            return total(index, along(body))
        case Inverse(matrix, row, column):
            # d(M^-1) = -M^-1 dM M^-1
            k, m, change = _change_of_matrix(matrix, incoming, along, (row, column))
            product = mul(Inverse(matrix, row, k), change, Inverse(matrix, m, column))
            return build.negate(total(k, total(m, product)))
        case LogDet(matrix):
            # d log det M = tr(M^-1 dM)
            k, m, change = _change_of_matrix(matrix, incoming, along, ())
            return total(k, total(m, mul(Inverse(matrix, m, k), change)))
        case Apply(function, arguments, indices, derivatives):
            products = []
            for slot, array in enumerate(arguments):
                taken = _taken_names(term, incoming)
                places = tuple(fresh_index(i.extent, taken, i.low) for i in array.indices)
                change = along(instantiate(array, places))
                if change == ZERO:
                    continue
                more = tuple(
                    sorted(
                        (*derivatives, (slot, places)), key=lambda item: (item[0], repr(item[1]))
                    )
                )
                product = mul(Apply(function, arguments, indices, more), change)
                for place in places:
                    product = total(place, product)
                products.append(product)
            return add(*products)
    raise TypeError(f"cannot differentiate {type(term).__name__}")


def _change_of_matrix(
    matrix: Array,
    incoming: frozenset[Index],
    along: Callable[[Term], Term],
    around: tuple[IndexTerm, ...],
) -> tuple[Index, Index, Term]:
    """M, {x: v} -> k, m, dM[k, m] along v, with indices k, m that are new."""
    row, column = matrix.indices
    taken = _taken_names(matrix.body, incoming) | {i.name for p in around for i in free_indices(p)}
    k = fresh_index(row.extent, taken, row.low)
    m = fresh_index(column.extent, taken, column.low)
    return k, m, along(instantiate(matrix, (k, m)))


def _taken_names(term: Term, incoming: frozenset[Index]) -> set[str]:
    return {index.name for index in free_indices(term) | incoming}


def derivative_by(term: Term, symbol: Symbol, places: tuple[IndexTerm, ...]) -> Term:
    """f, x, k -> the partial derivative of f by x[k].

    The last entry of a simplex is 1 minus the others, so k ranges over the free coordinates; an
    entry above the diagonal of a symmetric matrix is taken as independent of the one below
    (contracted with a symmetric direction both conventions agree).

    >>> show(derivative_by(term("sum(W[d,j]*z[j] for j in 1:H)"), W, (e, g)))
    sum(z[j]*delta(d,e)*delta(j,g) for j in 1:H)
    """
    taken = {index.name for index in free_indices(term)}
    taken |= {index.name for place in places for index in free_indices(place)}
    formal = tuple(fresh_index(extent, taken) for extent in symbol.shape)
    factors: list[Term] = [Delta(left, right) for left, right in zip(formal, places, strict=True)]
    if symbol.domain.entry_sum is not None:
        last = Delta(formal[-1], Position(symbol.shape[-1]))
        factors[-1] = build.subtract(factors[-1], last)
    return derivative_along(term, {symbol: Array(formal, mul(*factors))})
