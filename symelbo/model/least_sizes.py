"""The least sizes at which every place of a model exists.

z[2] on an axis H needs H >= 2; z[T-1] needs T >= 2; a range 3:T, of T - 2 places, needs T >= 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from symelbo.index.build import category_extent
from symelbo.index.substitute import walk_parts
from symelbo.index.terms import (
    Apply,
    Entry,
    Extent,
    Index,
    IndexTerm,
    Node,
    Offset,
    Position,
    Symbol,
)
from symelbo.model.model import Statement
from symelbo.notation.print_text import print_text

__all__ = ["LeastSize", "find_least_sizes", "least_values"]


class LeastSize(NamedTuple):
    """The least value of a size, and the place or the range that needs it."""

    value: int
    needed_by: str


Need = tuple[str, int, str]  # size, its least value, what needs it


def find_least_sizes(statements: Iterable[Statement]) -> dict[str, LeastSize]:
    """statements -> the sizes that have to be larger than one, and why."""
    found: dict[str, LeastSize] = {}
    for statement in statements:
        for size, least, what in _needs_of_statement(statement):
            if least > (found[size].value if size in found else 1):
                found[size] = LeastSize(least, what)
    return found


def least_values(statements: Iterable[Statement]) -> dict[str, int]:
    """statements -> the least value of every size that has to be larger than one."""
    return {name: size.value for name, size in find_least_sizes(statements).items()}


def _needs_of_statement(statement: Statement) -> Iterator[Need]:
    for plate in statement.plates:
        yield from _needs_of_range(plate)
    yield from _needs_of_places(statement.node, statement.places)
    count = category_extent(statement.node.domain)
    if count is not None and count.size is not None:
        yield count.size, 1 - count.offset, f"a category of 1:{count}"
    for _, array in statement.arguments:
        yield from _needs_of(array)
    yield from _needs_of(statement.density.term)  # one of the user's own may read any place


def _needs_of(item: Node) -> Iterator[Need]:
    for part in walk_parts(item):
        if isinstance(part, Entry | Apply):
            (head,) = part.heads()
            yield from _needs_of_places(head, part.indices)
        for index in part.bound():
            yield from _needs_of_range(index)


def _needs_of_range(index: Index) -> Iterator[Need]:
    """low..extent has extent - low + 1 >= 0 places"""
    size, offset = index.extent.size, index.extent.offset
    if size is not None:
        yield size, index.low - 1 - offset, f"the range {index.low}:{index.extent}"


def _needs_of_places(symbol: Symbol, places: tuple[IndexTerm, ...]) -> Iterator[Need]:
    shown = [print_text(place) for place in places]
    for axis, (extent, place) in enumerate(zip(symbol.shape, places, strict=False)):
        match place:
            case Position(end):
                pass
            case Index(_, end):
                pass
            case Offset(index, by):
                end = Extent(index.extent.size, index.extent.offset + by)
            case Entry(category) if (count := category_extent(category.domain)) is not None:
                end = count  # c of three on an axis H
            case _:
                continue
        last = ",".join((*shown[:axis], str(end), *shown[axis + 1 :]))
        what = f"{symbol.name}[{last}]"
        if isinstance(place, Position) and end.size is not None:  # z[T-1] is a place from T = 2 on
            yield end.size, 1 - end.offset, what
        if end.size is None and extent.size is not None:  # the place 3 on an axis H
            yield extent.size, end.offset - extent.offset, what
