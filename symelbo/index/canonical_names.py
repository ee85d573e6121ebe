"""Canonical names of bound indices, so that equal sums are equal values.

A bound index is numbered by height: larger than every bound index inside its body.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import TypeAlias

from symelbo.index.nodes import synthesized
from symelbo.index.polynomial import F0, Factors, Monomial
from symelbo.index.substitute import (
    free_indices,
    rename_indices,
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


# the key that is compared, the factors, the bound indices
_Named: TypeAlias = tuple[object, tuple[tuple[Term, Fraction], ...], tuple[Index, ...]]


@synthesized("_height")
def height(item: Node) -> int:
    """The largest number of a canonical index that is bound in the term."""
    return max((*(index.number for index in item.bound()), *map(height, item.parts())), default=0)


def rename_apart(monomial: Monomial) -> Monomial:
    """sum_i m -> the same sum, with bound indices that no other term uses.

    >>> ((monomial, _),) = poly("sum(v[j] for j in 1:H)").items()
    >>> rename_apart(monomial).bound != monomial.bound
    True
    """
    mapping = {i: i.like(f"@{i.name}", Origin.PASSING) for i in monomial.bound}
    factors = tuple((rename_indices(atom, mapping), e) for atom, e in monomial.factors)
    return Monomial(tuple(mapping.values()), factors)


def name_canonically(
    bound: tuple[Index, ...], factors: Factors, reorder: Callable[[Term], Term]
) -> Monomial:
    """sum_i m -> the same monomial, equal ones with equal names of bound indices.

    reorder: an atom -> the same atom with its parts in canonical order.

    >>> show(name_canonically((g,), factors("v[g]^2"), lambda atom: atom))
    sum(v[h]**2 for h in 1:H)
    """
    if not bound:
        return Monomial((), tuple(sorted(factors.items(), key=lambda f: sort_key(f[0]))))
    bound_set = set(bound)
    base = max((height(atom) for atom in factors), default=0)
    outside = [(a, e) for a, e in factors.items() if free_indices(a).isdisjoint(bound_set)]
    inside = [(a, e) for a, e in factors.items() if not free_indices(a).isdisjoint(bound_set)]
    neutral = {i: i.like(f"?{n}", Origin.PASSING) for n, i in enumerate(bound)}
    started = [(rename_indices(a, neutral), e) for a, e in inside]

    def named(order: tuple[Index, ...]) -> _Named:
        names = {i: i.canonical(base + 1 + n) for n, i in enumerate(order)}
        renamed = []
        for atom, exponent in started:
            fresh = rename_indices(atom, names)
            renamed.append((reorder(fresh), exponent))
        renamed.sort(key=lambda f: (sort_key(f[0]), f[1]))
        key = tuple((sort_key(atom), exponent) for atom, exponent in renamed)
        return key, tuple(renamed), tuple(names.values())

    best = _least_named(tuple(neutral.values()), started, named)
    merged: Factors = dict(outside)
    for atom, exponent in best[1]:
        merged[atom] = merged.get(atom, F0) + exponent
    return Monomial(best[2], tuple(sorted(merged.items(), key=lambda f: sort_key(f[0]))))


def _least_named(
    bound: tuple[Index, ...],
    factors: Sequence[tuple[Term, Fraction]],
    named: Callable[[tuple[Index, ...]], _Named],
) -> _Named:
    """The least name among the orders of the indices that what they are in leaves open.

    Colours are refined until they tell the indices apart; where some look the same, each is put
    first in turn, and those that give the same name as the first do are its images under a symmetry
    of the monomial, so that what follows them needs no look.
    """
    marked = Index("*", Extent(None, 0), origin=Origin.PASSING)
    blank = Index("?", Extent(None, 0), origin=Origin.PASSING)
    # of each index: the atoms that it is in, their shapes around it, the other indices in order
    places: dict[Index, list[tuple[tuple[object, ...], tuple[Index, ...]]]] = {i: [] for i in bound}
    inside = set(bound)
    number = {index: n for n, index in enumerate(bound)}
    for atom, exponent in factors if len(bound) > 1 else ():
        met = free_indices(atom) & inside
        few = len(met) < 3
        others = tuple(sorted(met, key=number.__getitem__)) if few else _in_order(atom, met)
        for index in met:
            shape = rename_indices(
                atom, {i: blank for i in others if i is not index} | {index: marked}
            )
            seen = (sort_key(shape), exponent)
            places[index].append((seen, tuple(i for i in others if i is not index)))

    def refine(colours: dict[Index, int]) -> dict[Index, int]:
        """Tell apart what differs in the colours of what it occurs with."""
        while len(set(colours.values())) < len(bound):
            signs = {
                i: (colours[i], sorted((s, [colours[o] for o in at]) for s, at in places[i]))
                for i in bound
            }
            ranks = _ranks(signs)
            if len(set(ranks.values())) == len(set(colours.values())):
                break
            colours = ranks
        return colours

    def tied(colours: Mapping[Index, int]) -> list[Index]:
        """The first indices that look the same."""
        cells: dict[int, list[Index]] = {}
        for i in bound:
            cells.setdefault(colours[i], []).append(i)
        return next((cells[c] for c in sorted(cells) if len(cells[c]) > 1), [])

    def first(colours: Mapping[Index, int], index: Index) -> dict[Index, int]:
        return refine(_ranks({i: (colours[i], i is not index) for i in bound}))

    def leaf(colours: dict[Index, int]) -> _Named:
        while cell := tied(colours):
            colours = first(colours, cell[0])
        return named(tuple(sorted(bound, key=colours.__getitem__)))

    def least(colours: dict[Index, int]) -> _Named:
        cell = tied(colours)
        if not cell:
            return leaf(colours)
        following = [first(colours, index) for index in cell]
        found = [least(following[0])]
        known = {leaf(following[0])[0]}
        for other in following[1:]:
            key = leaf(other)[0]
            if key not in known:
                known.add(key)
                found.append(least(other))
        return min(found, key=lambda name: name[0])  # type: ignore[arg-type,return-value]

    if len(bound) == 1:
        return named(bound)
    start = {
        i: (
            (i.extent.size or "", i.extent.offset, i.low),
            sorted(seen for seen, _ in places[i]),
        )
        for i in bound
    }
    return least(refine(_ranks(start)))


def _ranks(signs: Mapping[Index, object]) -> dict[Index, int]:
    """Of each index the number of its sign among all of them in order."""
    ordered = sorted(signs, key=signs.__getitem__)  # type: ignore[arg-type]
    ranks: dict[Index, int] = {}
    rank, last = -1, None
    for index in ordered:
        if rank < 0 or signs[index] != last:
            rank, last = rank + 1, signs[index]
        ranks[index] = rank
    return ranks


def _in_order(atom: Term, met: frozenset[Index]) -> tuple[Index, ...]:
    """Free indices in the order of a walk through the term."""
    found: dict[Index, None] = {}
    seen: set[Node] = set()
    stack: list[Node] = [atom]
    while stack:
        item = stack.pop()
        if item in met:
            found[item] = None
        elif item not in seen and not free_indices(item).isdisjoint(met):
            seen.add(item)
            stack += reversed(item.parts())
    return tuple(found)


def order_entry(symbol: Symbol, indices: tuple[IndexTerm, ...], term: Entry) -> Entry:
    """S[j, i] -> S[i, j] for a symmetric S and i before j.

    >>> show(order_entry(Sigma, (e, d), term("Sigma[e,d]")))
    Sigma[d,e]
    """
    if symbol.domain.is_symmetric and sort_key(indices[-1]) < sort_key(indices[-2]):
        return Entry(symbol, (*indices[:-2], indices[-1], indices[-2]))
    return term


def order_delta(left: IndexTerm, right: IndexTerm) -> Delta:
    """delta(j, i) -> delta(i, j) for i before j.

    >>> show(order_delta(e, d))
    delta(d,e)
    """
    return Delta(left, right) if sort_key(left) <= sort_key(right) else Delta(right, left)
