"""Capture-avoiding substitution on terms: of an index, and of an array for a symbol."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import overload

from symelbo.index import build
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
    IndexValue,
    Inverse,
    LogDet,
    Mul,
    Offset,
    Position,
    Power,
    Sum,
    Symbol,
    Term,
)

__all__ = [
    "count_subterms",
    "free_indices",
    "instantiate",
    "map_parts",
    "mentions",
    "part_names",
    "parts_of",
    "rename_indices",
    "replace_index",
    "replace_selector",
    "replace_symbols",
    "selectors_of",
    "symbols_of",
]


@lru_cache(maxsize=100_000)
def free_indices(item: Term | IndexTerm | Array) -> frozenset[Index]:
    """term -> the index variables that occur free in it."""
    match item:
        case Index():
            return frozenset((item,))
        case Offset(index, _):
            return frozenset((index,))
        case Sum(index, body):
            return free_indices(body) - {index}
        case Array(indices, body):
            return free_indices(body) - set(indices)
    return frozenset().union(*(free_indices(part) for part in parts_of(item)))


@lru_cache(maxsize=100_000)
def symbols_of(item: Term | IndexTerm | Array) -> frozenset[Symbol]:
    """term -> every symbol in it, abstract functions and selecting nodes included."""
    own: frozenset[Symbol] = frozenset()
    if isinstance(item, Entry):
        own = frozenset((item.symbol,))
    elif isinstance(item, Apply):
        own = frozenset((item.function,))
    return own.union(*(symbols_of(part) for part in parts_of(item)))


def count_subterms(term: Term) -> int:
    """The size of a term: itself and the terms in it; indices and arrays do not count."""
    return 1 + sum(count_subterms(part) for part in parts_of(term) if isinstance(part, Term))


def mentions(item: Term | IndexTerm | Array, test: Callable[[Symbol], bool]) -> bool:
    """Whether any symbol in the term satisfies the test."""
    return any(test(symbol) for symbol in symbols_of(item))


def parts_of(item: Term | IndexTerm | Array) -> tuple[Term | IndexTerm | Array, ...]:
    """item -> its immediate parts; binders themselves are left out."""
    match item:
        case Add(terms):
            return terms
        case Mul(factors):
            return factors
        case Power(base, exponent):
            return (base, exponent)
        case Call(_, arguments):
            return arguments
        case Entry(_, indices):
            return indices
        case Delta(left, right):
            return (left, right)
        case IndexValue(index):
            return (index,)
        case Sum(_, body) | Array(_, body):
            return (body,)
        case Inverse(matrix, row, column):
            return (matrix, row, column)
        case LogDet(matrix):
            return (matrix,)
        case Apply(_, arguments, indices, derivatives):
            places = tuple(place for _, where in derivatives for place in where)
            return (*arguments, *indices, *places)
        case Offset(index, _):
            return (index,)
    return ()


@overload
def map_parts(
    item: Array,
    on_term: Callable[[Term], Term],
    on_index: Callable[[IndexTerm], IndexTerm],
    on_array: Callable[[Array], Array],
) -> Array: ...
@overload
def map_parts(
    item: Term,
    on_term: Callable[[Term], Term],
    on_index: Callable[[IndexTerm], IndexTerm],
    on_array: Callable[[Array], Array],
) -> Term: ...
def map_parts(
    item: Term | Array,
    on_term: Callable[[Term], Term],
    on_index: Callable[[IndexTerm], IndexTerm],
    on_array: Callable[[Array], Array],
) -> Term | Array:
    """Rebuild a term from its mapped immediate parts; binders are the caller's concern."""
    match item:
        case Add(terms):
            return build.add(*(on_term(term) for term in terms))
        case Mul(factors):
            return build.mul(*(on_term(factor) for factor in factors))
        case Power(base, exponent):
            return build.power(on_term(base), on_term(exponent))
        case Call(name, arguments):
            return build.call(name, *(on_term(argument) for argument in arguments))
        case Entry(symbol, indices):
            return Entry(symbol, tuple(on_index(index) for index in indices)) if indices else item
        case Delta(left, right):
            return Delta(on_index(left), on_index(right))
        case IndexValue(index):
            return IndexValue(on_index(index))
        case Sum(index, body):
            return build.total(index, on_term(body))
        case Array(indices, body):
            return Array(indices, on_term(body))
        case Inverse(matrix, row, column):
            return Inverse(on_array(matrix), on_index(row), on_index(column))
        case LogDet(matrix):
            return LogDet(on_array(matrix))
        case Apply(function, arguments, indices, derivatives):
            return Apply(
                function,
                tuple(on_array(argument) for argument in arguments),
                tuple(on_index(index) for index in indices),
                tuple(
                    (slot, tuple(on_index(index) for index in where)) for slot, where in derivatives
                ),
            )
    return item


def rename_indices(term: Term, names: Mapping[Index, Index]) -> Term:
    """term, {i: j} -> the term with j for each free i, one after the other."""
    for old, new in names.items():
        term = replace_index(term, old, new)
    return term


def part_names(term: Term, taken: frozenset[str] = frozenset()) -> Term:
    """The same term, in which no bound index is called like one of another range around it."""
    taken = taken | {index.name for index in free_indices(term)}

    def renamed(indices: tuple[Index, ...], body: Term) -> tuple[tuple[Index, ...], Term]:
        names = taken
        fresh = []
        for index in indices:
            letter = index.name
            number = 0
            while letter in names:
                number += 1
                letter = f"{index.name}{number}"
            new = Index(letter, index.extent, index.low)
            body = replace_index(body, index, new)
            names = names | {letter}
            fresh.append(new)
        return tuple(fresh), part_names(body, names)

    def on_index(place: IndexTerm) -> IndexTerm:
        return place

    def on_term(part: Term) -> Term:
        return part_names(part, taken)

    def on_array(array: Array) -> Array:
        return Array(*renamed(array.indices, array.body))

    if isinstance(term, Sum):
        (index,), body = renamed((term.index,), term.body)
        return Sum(index, body)
    return map_parts(term, on_term, on_index, on_array)


def replace_index(term: Term, index: Index, by: IndexTerm) -> Term:
    """term, i, j -> term with every free i replaced by j."""
    return term if index == by else _replace(term, {index: by})


def instantiate(array: Array, indices: tuple[IndexTerm, ...]) -> Term:
    """(\\i. body), j -> body with i replaced by j."""
    if len(indices) != len(array.indices):
        raise ValueError(f"{len(array.indices)} indices expected, {len(indices)} given")
    mapping = {old: new for old, new in zip(array.indices, indices, strict=True) if old != new}
    return _replace(array.body, mapping) if mapping else array.body


def _replace(term: Term, mapping: Mapping[Index, IndexTerm]) -> Term:
    if free_indices(term).isdisjoint(mapping):
        return term

    def on_index(place: IndexTerm) -> IndexTerm:
        return _replace_place(place, mapping)

    def on_term(part: Term) -> Term:
        return _replace(part, mapping)

    def on_array(array: Array) -> Array:
        indices, body = _enter(array.indices, array.body, mapping)
        return Array(indices, body)

    if isinstance(term, Sum):
        (index,), body = _enter((term.index,), term.body, mapping)
        return build.total(index, body)
    return map_parts(term, on_term, on_index, on_array)


def _replace_place(place: IndexTerm, mapping: Mapping[Index, IndexTerm]) -> IndexTerm:
    match place:
        case Index():
            return mapping.get(place, place)
        case Offset(index, by):
            target = mapping.get(index, index)
            match target:
                case Index():
                    return Offset(target, by)
                case Offset(inner, more):
                    return Offset(inner, by + more) if by + more else inner
                case Position(extent):
                    return Position(type(extent)(extent.size, extent.offset + by))
                case Entry():
                    raise ValueError("a category cannot be shifted")
        case Entry(symbol, indices):
            return Entry(symbol, tuple(_replace_place(index, mapping) for index in indices))
    return place


def _enter(
    bound: tuple[Index, ...], body: Term, mapping: Mapping[Index, IndexTerm]
) -> tuple[tuple[Index, ...], Term]:
    """Push a replacement under a binder, renaming bound indices that would capture."""
    inner = {old: new for old, new in mapping.items() if old not in bound}
    incoming = {index for new in inner.values() for index in free_indices(new)}
    taken = {index.name for index in incoming | free_indices(body)}
    renamed: list[Index] = []
    for index in bound:
        if index in incoming:
            fresh = _fresh(index, taken)
            inner[index] = fresh
            renamed.append(fresh)
        else:
            renamed.append(index)
    return tuple(renamed), _replace(body, inner)


def replace_symbols(term: Term, arrays: Mapping[Symbol, Array]) -> Term:
    """term, {x: \\i. body} -> term with every x[j] replaced by body[i := j].

    A symbol in an index place may only be replaced by another entry or an index in place of it.
    """
    if symbols_of(term).isdisjoint(arrays):
        return term

    def on_index(place: IndexTerm) -> IndexTerm:
        if not isinstance(place, Entry):
            return place
        indices = tuple(on_index(index) for index in place.indices)
        array = arrays.get(place.symbol)
        if array is None:
            return Entry(place.symbol, indices)
        body = instantiate(array, indices)
        if isinstance(body, Entry):
            return body
        if isinstance(body, IndexValue):
            return body.index
        raise ValueError("an index can only be replaced by an index")

    def on_term(part: Term) -> Term:
        if symbols_of(part).isdisjoint(arrays):
            return part
        if isinstance(part, Entry) and part.symbol in arrays:
            return instantiate(arrays[part.symbol], tuple(on_index(i) for i in part.indices))
        if isinstance(part, Sum):
            (index,), body = _open((part.index,), part.body, incoming)
            return build.total(index, on_term(body))
        return map_parts(part, on_term, on_index, on_array)

    def on_array(array: Array) -> Array:
        indices, body = _open(array.indices, array.body, incoming)
        return Array(indices, on_term(body))

    incoming = frozenset().union(*(free_indices(array) for array in arrays.values()))
    return on_term(term)


def _open(
    bound: tuple[Index, ...], body: Term, incoming: frozenset[Index]
) -> tuple[tuple[Index, ...], Term]:
    """Rename the bound indices that would capture an index of what comes in."""
    clashing = [index for index in bound if index in incoming]
    if not clashing:
        return bound, body
    taken = {index.name for index in incoming | free_indices(body) | set(bound)}
    renamed = {index: _fresh(index, taken) for index in clashing}
    return tuple(renamed.get(index, index) for index in bound), _replace(body, renamed)


def _fresh(index: Index, taken: set[str]) -> Index:
    """An index like this one whose name is not taken; the name is added to `taken`."""
    count = 1
    while f"{index.name}.{count}" in taken:
        count += 1
    fresh = Index(f"{index.name}.{count}", index.extent, index.low)
    taken.add(fresh.name)
    return fresh


def selectors_of(item: Term | IndexTerm | Array) -> list[tuple[Entry, Extent]]:
    """mu[c, d] -> (c, the axis it selects from), for every category in an index place, in order."""
    found: list[tuple[Entry, Extent]] = []
    if isinstance(item, Entry):
        for axis, place in zip(item.symbol.shape, item.indices, strict=True):
            if isinstance(place, Entry):
                found.append((place, axis))
    if isinstance(item, Apply):
        for axis, place in zip(item.function.shape, item.indices, strict=True):
            if isinstance(place, Entry):
                found.append((place, axis))
    for part in parts_of(item):
        found.extend(selectors_of(part))
    return list(dict.fromkeys(found))


def replace_selector(term: Term, entry: Entry, by: IndexTerm) -> Term:
    """term, c, k -> term with the category c replaced by k in every index place."""

    def on_index(place: IndexTerm) -> IndexTerm:
        if place == entry:
            return by
        if isinstance(place, Entry):
            return Entry(place.symbol, tuple(on_index(index) for index in place.indices))
        return place

    def on_term(part: Term) -> Term:
        return map_parts(part, on_term, on_index, on_array)

    def on_array(array: Array) -> Array:
        return Array(array.indices, on_term(array.body))

    return on_term(term)
