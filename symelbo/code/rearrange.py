"""Terms rearranged for numbers: nothing folded, absolute values by name."""

from __future__ import annotations

from collections.abc import Callable

from symelbo.index.build import add, number, total
from symelbo.index.substitute import free_indices, map_parts, symbols_of
from symelbo.index.terms import (
    Add,
    Array,
    Call,
    Entry,
    Extent,
    Index,
    IndexTerm,
    Mul,
    Node,
    Number,
    Offset,
    Power,
    Role,
    Sum,
    Symbol,
    Term,
)

__all__ = [
    "factors_of",
    "fold_absolutes",
    "has_latents",
    "is_affine_in",
    "map_unfolded",
    "pull_out",
    "own_places",
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


def fold_absolutes(term: Term, replace: Callable[[Term, tuple[Index, ...]], Term]) -> Term:
    """|f(z)| -> replace(f(z), its free indices), at every absolute value that mentions latents."""

    def on_term(part: Term) -> Term:
        if isinstance(part, Call) and part.name == "abs" and has_latents(part):
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
            free = not any(has_latents(f) for f in factors)
            return free and len(marked) == 1 and is_affine_in(marked[0], marks)
    return False


def has_latents(term: Node) -> bool:
    """Whether a latent occurs in a term."""
    return any(s.role is Role.LATENT for s in symbols_of(term))


def own_places(indices: tuple[Index, ...]) -> tuple[tuple[Extent, ...], tuple[IndexTerm, ...]]:
    """(t in 2:T) -> (T - 1), (t - 1): the lengths of an array over the indices, and places there"""
    lengths = tuple(Extent(i.extent.size, i.extent.offset - i.low + 1) for i in indices)
    return lengths, tuple(i if i.low == 1 else Offset(i, 1 - i.low) for i in indices)


def pull_out(term: Term, axes: frozenset[Index]) -> Term:
    """sum_i (log a[i] - f[i,n]**2) -> sum_i log a[i] - sum_i f[i,n]**2,  n among `axes`

    for numbers and logarithms beside squares: the former are less than a thousand, and the latter
    are no difference of what is large.  What cancels otherwise has to meet at every place.
    """
    match term:
        case Add(parts):
            return Add(tuple(pull_out(part, axes) for part in parts))
        case Mul((Number() as factor, inner)):
            return Mul((factor, pull_out(inner, axes)))
        case Sum(index, body) if not axes.isdisjoint(free_indices(body)):
            fixed = [part for part in summands_of(body) if _is_small(part)]
            fixed = [part for part in fixed if axes.isdisjoint(free_indices(part))]
            rest = [part for part in summands_of(body) if part not in fixed]
            if fixed and rest and all(map(_is_square, rest)):
                return add(total(index, add(*fixed)), total(index, add(*rest)))
    return term


def _is_square(term: Term) -> bool:
    """Whether it is a multiple of a square."""
    *others, last = factors_of(term)
    match last:
        case Power(_, exponent) | Call("raised", (_, exponent)):
            return exponent == number(2) and all(isinstance(f, Number) for f in others)
    return False


def _is_small(term: Term) -> bool:
    """Whether it is a number or a logarithm of floats, or such a product."""
    return (
        all(
            isinstance(f, Number) or (isinstance(f, Call) and f.name == "log")
            for f in factors_of(term)
        )
        and sum(isinstance(f, Call) for f in factors_of(term)) <= 1
    )


def swap_term(term: Term, old: Term, new: Term) -> Term:
    """term, a, b -> the term with b wherever a stands; what is bound around a is bound around b"""
    if term == old:
        return new

    def on_term(part: Term) -> Term:
        return swap_term(part, old, new)

    def on_array(array: Array) -> Array:
        return Array(array.indices, on_term(array.body))

    return map_parts(term, on_term, lambda place: place, on_array)
