"""Terms rearranged for numbers: squares kept as squares, absolute values by name."""

from __future__ import annotations

from collections.abc import Callable

from symelbo.index.build import mul, power
from symelbo.index.domains import Real
from symelbo.index.substitute import free_indices, instantiate, map_parts, symbols_of
from symelbo.index.terms import (
    Add,
    Array,
    Call,
    Entry,
    Index,
    IndexTerm,
    Mul,
    Node,
    Origin,
    Power,
    Role,
    Sum,
    Symbol,
    Term,
)

__all__ = [
    "factors_of",
    "fold_absolutes",
    "is_affine_in",
    "map_unfolded",
    "name_residuals",
    "summands_of",
    "swap_term",
]


def factors_of(term: Term) -> tuple[Term, ...]:
    """The factors of a product; anything else is its own only one."""
    return term.factors if isinstance(term, Mul) else (term,)


def summands_of(term: Term) -> tuple[Term, ...]:
    """The terms of a sum; anything else is its own only one."""
    return term.terms if isinstance(term, Add) else (term,)


def map_unfolded(
    term: Term,
    on_term: Callable[[Term], Term],
    on_place: Callable[[IndexTerm], IndexTerm] = lambda place: place,
) -> Term:
    """The term with the terms and places immediately inside mapped; nothing folds or is reordered.

    requires: the free indices of what is mapped are not bound here.
    """

    def on_part(part: Node) -> Node:
        if isinstance(part, Array):
            return Array(part.indices, on_term(part.body))
        return on_place(part) if term.selects else on_term(part)  # type: ignore[arg-type]

    return term.rebuilt(term.bound(), [on_part(part) for part in term.parts()])  # type: ignore[return-value]


def name_residuals(term: Term) -> tuple[Term, dict[Symbol, Array]]:
    """(x[i] - m[i]) (x[j] - m[j]) -> r[i] r[j], r: sums that are factors stay unexpanded."""
    found: dict[Array, Symbol] = {}

    def name_sum(part: Term) -> Term:
        places = sorted(free_indices(part), key=lambda i: (i.name, i.low))
        formal = tuple(i.like(f"r{n}", Origin.PASSING) for n, i in enumerate(places))
        array = Array(formal, instantiate(Array(tuple(places), part), formal))
        if array not in found:
            name = "residual" + (str(len(found) + 1) if found else "")
            shape = tuple(i.extent for i in formal)
            found[array] = Symbol(name, Role.ARGUMENT, Real(), shape)
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


def _has_latents(term: Node) -> bool:
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
