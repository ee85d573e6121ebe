"""Canonical names of bound indices, so that equal sums are equal values.

A bound index is numbered by height: larger than every bound index inside its body.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from itertools import permutations

from symelbo.index.nodes import synthesized
from symelbo.index.polynomial import F0, Factors, Monomial
from symelbo.index.substitute import (
    free_indices,
    rename_indices,
    replace_index,
)
from symelbo.index.terms import (
    Delta,
    Entry,
    Extent,
    Index,
    IndexTerm,
    Node,
    Origin,
    Symbol,
    Term,
    sort_key,
)

__all__ = [
    "height",
    "name_canonically",
    "order_delta",
    "order_entry",
    "rename_apart",
]


@synthesized("_height")
def height(item: Node) -> int:
    """The largest number of a canonical index that is bound in the term."""
    return max((*(index.number for index in item.bound()), *map(height, item.parts())), default=0)


def rename_apart(monomial: Monomial) -> Monomial:
    """sum_i m -> the same sum, with bound indices that no other term uses."""
    mapping = {i: i.like(f"@{i.name}", Origin.PASSING) for i in monomial.bound}
    factors = tuple((rename_indices(atom, mapping), e) for atom, e in monomial.factors)
    return Monomial(tuple(mapping.values()), factors)


def name_canonically(
    bound: tuple[Index, ...], factors: Factors, reorder: Callable[[Term], Term]
) -> Monomial:
    """sum_i m -> the same monomial, equal ones with equal names of bound indices.

    reorder: an atom -> the same atom with its parts in canonical order.
    """
    if not bound:
        return Monomial((), tuple(sorted(factors.items(), key=lambda f: sort_key(f[0]))))
    bound_set = set(bound)
    base = max((height(atom) for atom in factors), default=0)
    outside = [(a, e) for a, e in factors.items() if free_indices(a).isdisjoint(bound_set)]
    inside = [(a, e) for a, e in factors.items() if not free_indices(a).isdisjoint(bound_set)]
    neutral = {i: i.like(f"?{n}", Origin.PASSING) for n, i in enumerate(bound)}
    started = [(rename_indices(a, neutral), e) for a, e in inside]
    best: tuple[object, tuple[tuple[Term, Fraction], ...], tuple[Index, ...]] | None = None
    for order in _orders(tuple(neutral.values()), started):
        names = {i: i.canonical(base + 1 + n) for n, i in enumerate(order)}
        renamed = []
        for atom, exponent in started:
            fresh = rename_indices(atom, names)
            renamed.append((reorder(fresh), exponent))
        renamed.sort(key=lambda f: (sort_key(f[0]), f[1]))
        key = tuple((sort_key(atom), exponent) for atom, exponent in renamed)
        if best is None or key < best[0]:  # type: ignore[operator]
            best = (key, tuple(renamed), tuple(names.values()))
    assert best is not None
    merged: Factors = dict(outside)
    for atom, exponent in best[1]:
        merged[atom] = merged.get(atom, F0) + exponent
    return Monomial(best[2], tuple(sorted(merged.items(), key=lambda f: sort_key(f[0]))))


def _orders(
    bound: tuple[Index, ...], factors: list[tuple[Term, Fraction]]
) -> Iterable[tuple[Index, ...]]:
    if len(bound) == 1:
        return [bound]
    marked = Index("*", Extent(None, 0), origin=Origin.PASSING)
    blank = Index("?", Extent(None, 0), origin=Origin.PASSING)
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


def order_entry(symbol: Symbol, indices: tuple[IndexTerm, ...], term: Entry) -> Entry:
    """S[j, i] -> S[i, j] for a symmetric S and i before j."""
    if symbol.domain.is_symmetric and sort_key(indices[-1]) < sort_key(indices[-2]):
        return Entry(symbol, (*indices[:-2], indices[-1], indices[-2]))
    return term


def order_delta(left: IndexTerm, right: IndexTerm) -> Delta:
    """delta(j, i) -> delta(i, j) for i before j."""
    return Delta(left, right) if sort_key(left) <= sort_key(right) else Delta(right, left)
