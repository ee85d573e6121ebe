"""Terms rearranged for numbers: squares kept as squares, absolute values by name."""

from __future__ import annotations

from collections.abc import Callable

from symelbo.index.build import mul, power
from symelbo.index.substitute import free_indices, instantiate, map_parts, symbols_of
from symelbo.index.terms import (
    Add,
    Apply,
    Array,
    Call,
    Delta,
    Domain,
    Entry,
    Index,
    IndexTerm,
    IndexValue,
    Inverse,
    LogDet,
    Mul,
    Power,
    Role,
    Sum,
    Symbol,
    Term,
)

__all__ = ["fold_absolutes", "is_affine_in", "map_terms", "name_residuals", "swap_term"]


def map_terms(
    term: Term,
    on_term: Callable[[Term], Term],
    on_place: Callable[[IndexTerm], IndexTerm] = lambda place: place,
) -> Term:
    """The term with its immediate parts mapped: as `map_parts`, but nothing folds or is reordered.

    requires: what `on_place` makes of the index of a sum or an array is not asked.
    """

    def on_array(array: Array) -> Array:
        return Array(array.indices, on_term(array.body))

    def on_places(places: tuple[IndexTerm, ...]) -> tuple[IndexTerm, ...]:
        return tuple(map(on_place, places))

    match term:
        case Add(terms):
            return Add(tuple(map(on_term, terms)))
        case Mul(factors):
            return Mul(tuple(map(on_term, factors)))
        case Power(base, exponent):
            return Power(on_term(base), on_term(exponent))
        case Call(name, arguments):
            return Call(name, tuple(map(on_term, arguments)))
        case Sum(index, body):
            return Sum(index, on_term(body))
        case Entry(symbol, places):
            return Entry(symbol, on_places(places))
        case Delta(left, right):
            return Delta(on_place(left), on_place(right))
        case IndexValue(place):
            return IndexValue(on_place(place))
        case Inverse(matrix, row, column):
            return Inverse(on_array(matrix), on_place(row), on_place(column))
        case LogDet(matrix):
            return LogDet(on_array(matrix))
        case Apply(function, given, places, slots):
            moved = tuple((slot, on_places(where)) for slot, where in slots)
            return Apply(function, tuple(map(on_array, given)), on_places(places), moved)
    return term


def name_residuals(term: Term) -> tuple[Term, dict[Symbol, Array]]:
    """(x[i] - m[i]) (x[j] - m[j]) -> r[i] r[j], r: sums that are factors stay unexpanded."""
    found: dict[Array, Symbol] = {}

    def name_sum(part: Term) -> Term:
        places = sorted(free_indices(part), key=lambda i: (i.name, i.low))
        formal = tuple(Index(f"r{n}!", i.extent, i.low) for n, i in enumerate(places))
        array = Array(formal, instantiate(Array(tuple(places), part), formal))
        if array not in found:
            name = "residual" + (str(len(found) + 1) if found else "")
            shape = tuple(i.extent for i in formal)
            found[array] = Symbol(name, Role.ARGUMENT, Domain("real"), shape)
        return Entry(found[array], tuple(places))

    def on_term(part: Term) -> Term:
        if isinstance(part, Mul):
            return mul(*(name_sum(f) if _is_residual(f) else on_term(f) for f in part.factors))
        if isinstance(part, Power) and _is_residual(part.base):
            return power(name_sum(part.base), part.exponent)
        return map_parts(part, on_term, lambda place: place, on_array)

    def on_array(array: Array) -> Array:
        return Array(array.indices, on_term(array.body))

    result = on_term(term)
    return result, {symbol: array for array, symbol in found.items()}


def _is_residual(term: Term) -> bool:
    """x - m: a sum in which a value meets something else."""
    if not isinstance(term, Add) or not all(i.low == 1 for i in free_indices(term)):
        return False
    values = (Role.VALUE, Role.OBSERVED, Role.LATENT)
    symbols = [symbols_of(part) for part in term.terms]
    with_value = [any(s.role in values for s in found) for found in symbols]
    others = [bool(found) and not value for found, value in zip(symbols, with_value, strict=True)]
    return any(with_value) and any(others)


def fold_absolutes(term: Term, replace: Callable[[Term, tuple[Index, ...]], Term]) -> Term:
    """|f(z)| -> replace(f(z), its free indices), at every absolute value that mentions latents."""

    def on_term(part: Term) -> Term:
        if isinstance(part, Call) and part.name == "abs" and _has_latents(part):
            places = sorted(free_indices(part), key=lambda i: (i.name, i.low))
            return replace(part.arguments[0], tuple(places))
        return map_parts(part, on_term, lambda place: place, on_array)

    def on_array(array: Array) -> Array:
        return Array(array.indices, on_term(array.body))

    return on_term(term)


def is_affine_in(term: Term, marks: frozenset[Symbol]) -> bool:
    """Whether the marked symbols enter by sums, and by products with what has no latent."""
    if marks.isdisjoint(symbols_of(term)):
        return True
    match term:
        case Entry():
            return True
        case Add(parts):
            return all(is_affine_in(part, marks) for part in parts)
        case Sum(_, body):
            return is_affine_in(body, marks)
        case Mul(factors):
            marked = [f for f in factors if not marks.isdisjoint(symbols_of(f))]
            free = not any(_has_latents(f) for f in factors)
            return free and len(marked) == 1 and is_affine_in(marked[0], marks)
    return False


def _has_latents(term: Term | IndexTerm | Array) -> bool:
    return any(s.role is Role.LATENT for s in symbols_of(term))


def swap_term(term: Term, old: Term, new: Term) -> Term:
    """term, a, b -> the term with b wherever a stands; a has no bound index of the term"""
    if term == old:
        return new

    def on_term(part: Term) -> Term:
        return swap_term(part, old, new)

    def on_array(array: Array) -> Array:
        return Array(array.indices, on_term(array.body))

    return map_parts(term, on_term, lambda place: place, on_array)
