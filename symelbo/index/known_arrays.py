"""Which entry of which named array a term is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from symelbo.index.signs import is_within
from symelbo.index.substitute import depth_of, free_indices, instantiate, symbols_of
from symelbo.index.terms import Array, Entry, Index, IndexTerm, Node, Symbol, Term

__all__ = ["KnownArrays"]

_Path = tuple[int, ...]  # numbers of parts, from outside in
_Key = tuple[type, frozenset[Symbol], int]


class KnownArrays:
    """Arrays with names; of two that a term is an entry of, the one that was added first counts.

    arrays: what each name stands for.

    >>> from symelbo.index.build import call
    >>> from symelbo.index.domains import Real
    >>> from symelbo.index.terms import Extent, Role
    >>> def vector(name): return Symbol(name, Role.ARGUMENT, Real(), (Extent("D"),))
    >>> d, k = Index("d", Extent("D")), Index("k", Extent("D"))
    >>> known = KnownArrays([(vector("a"), Array((d,), call("exp", Entry(vector("b"), (d,)))))])
    >>> entry = known.entry_of(call("exp", Entry(vector("b"), (k,))))
    >>> entry.symbol.name, entry.indices == (k,)
    ('a', True)
    """

    def __init__(self, arrays: Iterable[tuple[Symbol, Array]] = ()) -> None:
        self._known: defaultdict[_Key, list[tuple[Symbol, Array, tuple[_Path, ...]]]]
        self._known = defaultdict(list)
        self.arrays: dict[Symbol, Array] = {}
        for symbol, array in arrays:
            self.add(symbol, array)

    def add(self, symbol: Symbol, array: Array) -> None:
        """From now on, body[i := j] is symbol[j]; not where it does not say what j is.

        A symbol that stands for an entry or a number stands for nothing that is long.
        """
        if depth_of(array.body) > 1 and free_indices(array.body) >= {*array.indices}:
            paths = tuple(_path_to(index, array.body) for index in array.indices)
            self._known[_key(array.body)].append((symbol, array, paths))
            self.arrays[symbol] = array

    def entry_of(self, term: Term) -> Entry | None:
        """body[i := j], name := \\i. body -> name[j], for places j that the array has."""
        for symbol, array, paths in self._known.get(_key(term), ()):
            found = [_follow(term, path) for path in paths]
            places = tuple(place for place in found if isinstance(place, IndexTerm))
            ends = zip(places, array.indices, strict=False)
            if (
                len(places) == len(paths)
                and all(is_within(place, index.extent, index.low) for place, index in ends)
                and instantiate(array, places) is term
            ):
                return Entry(symbol, places)
        return None


def _key(term: Term) -> _Key:
    """What a term has in common with all entries of its array."""
    return type(term), symbols_of(term), depth_of(term)


def _path_to(index: Index, body: Term) -> _Path:
    """Where an index that is free in the body stands first."""
    path: list[int] = []
    node: Node = body
    while node is not index:
        number = next(n for n, part in enumerate(node.parts()) if index in free_indices(part))
        path.append(number)
        node = node.parts()[number]
    return tuple(path)


def _follow(node: Node, path: _Path) -> Node | None:
    for number in path:
        parts = node.parts()
        if number >= len(parts):
            return None
        node = parts[number]
    return node
