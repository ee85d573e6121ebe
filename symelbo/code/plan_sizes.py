"""The least sizes at which every place of a model exists.

z[2] on an axis H needs H >= 2; z[T-1] needs T >= 2; a range 3:T, of T - 2 places, needs T >= 2.
"""

from __future__ import annotations

from collections.abc import Iterator

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
from symelbo.model.model import Model, Statement
from symelbo.notation.print_text import print_text

__all__ = ["least_sizes"]

Need = tuple[str, int, str]  # size, its least value, what needs it


def least_sizes(model: Model) -> dict[str, tuple[int, str]]:
    """size -> (its least value, what needs it), where that is more than one."""
    declared = () if isinstance(model.variational, str) else model.variational
    found: dict[str, tuple[int, str]] = {}
    for statement in (*model.statements, *declared):
        for size, least, what in _needs_of_statement(statement):
            if least > found.get(size, (1, ""))[0]:
                found[size] = (least, what)
    return found


def _needs_of_statement(statement: Statement) -> Iterator[Need]:
    for plate in statement.plates:
        yield from _needs_of_range(plate)
    yield from _needs_of_places(statement.node, statement.places)
    for _, array in statement.arguments:
        yield from _needs_of(array)


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
    for extent, place in zip(symbol.shape, places, strict=False):
        what = symbol.name + f"[{','.join(map(print_text, places))}]"
        match place:
            case Position(where):
                if where.size is not None:
                    yield where.size, 1 - where.offset, what
                yield from _needs_of_end(extent, where, what)
            case Index(_, upper):
                yield from _needs_of_end(extent, upper, what)
            case Offset(index, by):
                upper = Extent(index.extent.size, index.extent.offset + by)
                yield from _needs_of_end(extent, upper, what)


def _needs_of_end(extent: Extent, end: Extent, what: str) -> Iterator[Need]:
    """The place 3 on an axis H"""
    if end.size is None and extent.size is not None:
        yield extent.size, end.offset - extent.offset, what
