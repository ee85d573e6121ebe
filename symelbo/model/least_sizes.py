"""The least sizes at which every place of a model exists, and every argument is in its domain.

z[2] on an axis H needs H >= 2; z[T-1] needs T >= 2; a range 3:T, of T - 2 places, needs T >= 2;
an entry of a simplex[C] as a probability strictly between 0 and 1 needs C >= 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from symelbo.index.build import category_extent
from symelbo.index.normal import normal
from symelbo.index.signs import bounds, domain_range
from symelbo.index.substitute import formal_indices, replace_symbols, symbols_of, walk_parts
from symelbo.index.terms import (
    Apply,
    Array,
    Domain,
    Entry,
    Extent,
    Index,
    IndexTerm,
    Node,
    Offset,
    Position,
    Symbol,
    Term,
)
from symelbo.limits import KEPT_NEEDS
from symelbo.model.model import Statement
from symelbo.notation.print_text import print_text
from symelbo.values import replace

__all__ = ["LeastSize", "find_least_sizes", "is_inside", "least_values", "lengthen_shares"]


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
    domains = {argument.name: argument.domain for argument in statement.form.arguments}
    for name, array in statement.arguments:
        if not is_inside(array.body, domains[name]):
            lengthened, sizes = lengthen_shares(array.body)
            if is_inside(lengthened, domains[name]):
                what = f"{print_text(array.body)} as {name} of {statement.family.name}"
                yield from ((size, least, what) for size, least in sizes)


def is_inside(body: Term, domain: Domain) -> bool:
    """Whether a scalar is shown to lie in the range of a domain."""
    return bounds(body).within(domain_range(domain))


def lengthen_shares(body: Term) -> tuple[Term, list[tuple[str, int]]]:
    """f(p[c]), p a simplex of C places -> the same of one of C + 1 places, and (C, 2)

    so that it has two places at least, as it has itself where C >= 2.
    """
    body = normal(body)
    longer: dict[Symbol, Array] = {}
    sizes = []
    for symbol in symbols_of(body):
        if symbol.domain.entry_sum == 1 and symbol.shape[-1].size is not None:
            size, offset = symbol.shape[-1].size, symbol.shape[-1].offset
            indices = formal_indices(symbol.shape)
            like = replace(symbol, shape=(*symbol.shape[:-1], Extent(size, max(offset, 1))))
            longer[symbol] = Array(indices, Entry(like, indices))
            sizes.append((size, 2 - offset))
    return replace_symbols(body, longer), sorted(sizes)


@lru_cache(maxsize=KEPT_NEEDS)
def _needs_of(item: Node) -> tuple[Need, ...]:
    found: list[Need] = []
    for part in walk_parts(item):
        if isinstance(part, Entry | Apply):
            (head,) = part.heads()
            found += _needs_of_places(head, part.indices)
        for index in part.bound():
            found += _needs_of_range(index)
    return tuple(found)


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
