"""Long literal lengths -> lengths of any value, and back.

What holds of axes of any length holds of those of 150 places, and is found as quickly as if they
had no length.  What fails of short ones says nothing about these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import TypeAlias, TypeVar

from symelbo.index import build
from symelbo.index.substitute import walk_parts
from symelbo.index.terms import (
    Apply,
    Domain,
    Entry,
    Extent,
    Index,
    Node,
    Position,
    Size,
    Symbol,
)
from symelbo.limits import LENGTHS_BESIDE, LITERAL_LENGTH
from symelbo.values import dataclass

__all__ = ["Opening", "open_lengths"]

N = TypeVar("N", bound=Node)
_Change: TypeAlias = Callable[[Extent], Extent]


@dataclass(frozen=True, slots=True)
class Opening:
    """Which lengths are opened: 150 -> {150}, and 149 -> {150} - 1, which is taken for its kin.

    The name of an opened size is its digits, which no size of a specification is called.
    """

    lengths: Mapping[int, Extent]

    def open(self, item: N) -> N:
        """x[i] for i in 1:150 -> x[i] for i in 1:n"""
        return _map_extents(item, self.open_extent)

    def close(self, item: N) -> N:
        """x[i] for i in 1:n -> x[i] for i in 1:150"""
        return _map_extents(item, self.close_extent)

    def open_extent(self, extent: Extent) -> Extent:
        """150 -> n"""
        return self.lengths.get(extent.offset, extent) if extent.size is None else extent

    def close_extent(self, extent: Extent) -> Extent:
        """n - 1 -> 149"""
        size, offset = extent.size, extent.offset
        return extent if size is None or not size.isdigit() else Extent(None, int(size) + offset)

    def open_symbol(self, symbol: Symbol) -> Symbol:
        """x of 150 places -> x of n places"""
        return _map_symbol(symbol, self.open_extent)

    def close_symbol(self, symbol: Symbol) -> Symbol:
        """x of n places -> x of 150 places"""
        return _map_symbol(symbol, self.close_extent)


def open_lengths(items: Iterable[Node | Symbol]) -> Opening | None:
    """items -> how their long literal lengths are opened; None if none is long, or if a place or a
    start of a range is as far out, which an axis of any length does not have.
    """
    lengths: set[int] = set()
    places: set[int] = set()
    for item in items:
        for part in [item] if isinstance(item, Symbol) else walk_parts(item, binders=True):
            match part:
                case Symbol():
                    lengths.update(_literals(part.shape))
                case Index(_, extent, low):
                    lengths.update(_literals((extent,)))
                    places.add(low)
                case Position(extent):
                    places.update(_literals((extent,)))
                case Entry() | Apply():
                    for head in part.heads():
                        lengths.update(_literals(head.shape))
    opened: dict[int, Extent] = {}
    last = 0
    for n in sorted((n for n in lengths | places if n > LITERAL_LENGTH), reverse=True):
        if last - n > LENGTHS_BESIDE or not last:
            if n not in lengths:
                return None
            last = n
        opened[n] = Extent(str(last), n - last)
    return Opening(opened) if opened else None


def _literals(extents: Iterable[Extent]) -> Iterable[int]:
    return (extent.offset for extent in extents if extent.size is None)


def _map_extents(item: N, change: _Change) -> N:
    """x[i], e -> the same with every extent e(n), those of symbols and categories as well"""

    @cache
    def index(found: Index) -> Index:
        return Index(found.name, change(found.extent), found.low, found.origin, found.number)

    @cache
    def visit(part: Node) -> Node:
        match part:
            case Index():
                return index(part)
            case Position(extent):
                return Position(change(extent))
            case Size(name):
                return build.extent_length(change(Extent(name)))
        parts = [visit(inner) for inner in part.parts()]
        made = build.rebuild(part, tuple(map(index, part.bound())), parts)
        match made:
            case Entry(symbol, places):
                return Entry(_map_symbol(symbol, change), places)
            case Apply(function, arguments, places, derivatives):
                return Apply(_map_symbol(function, change), arguments, places, derivatives)
        return made

    return visit(item)  # type: ignore[return-value]


def _map_symbol(symbol: Symbol, change: _Change) -> Symbol:
    return Symbol(
        symbol.name,
        symbol.role,
        _map_domain(symbol.domain, change),
        tuple(map(change, symbol.shape)),
    )


def _map_domain(domain: Domain, change: _Change) -> Domain:
    """Places 1..150 -> places 1..n: the ends of a category are places, those of others numbers."""
    most = build.category_extent(domain)
    return domain if most is None else domain.with_ends(None, build.extent_length(change(most)))
