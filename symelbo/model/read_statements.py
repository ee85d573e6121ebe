"""Parsed statements -> resolved statements, parents first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from symelbo.index.substitute import depth_of, walk_parts
from symelbo.index.terms import (
    Array,
    Entry,
    Index,
    IndexTerm,
    Offset,
    Position,
    Role,
    Symbol,
)
from symelbo.language.measure import count_operations
from symelbo.language.resolve import Resolver
from symelbo.language.scope import Deterministic, Loops, Reach, is_tainted
from symelbo.language.syntax import Assignment, Sampling
from symelbo.limits import STATEMENT_HEIGHT, STATEMENT_OPERATIONS
from symelbo.model import word_faults
from symelbo.model.bind_call import bind_call
from symelbo.model.context import Context, Parsed
from symelbo.model.model import Statement
from symelbo.model.order_statements import declare_targets, in_order, mentions
from symelbo.model.read_left_side import plate_shape, target_places

__all__ = ["resolve_model"]


def resolve_model(
    context: Context, parsed: list[Parsed], observed: Iterable[str]
) -> tuple[Statement, ...]:
    """Every statement of the model, parents first; faults go to the context."""
    groups = declare_targets(context, parsed)
    data = frozenset(observed)
    statements: list[Statement] = []
    for name in in_order(context, groups):
        group = groups[name]
        first = group[0].syntax
        if isinstance(first, Assignment):
            _define(context, group[0], first)
        else:
            statements.extend(_sample(context, name, group, name in data))
    return tuple(statements)


def _define(context: Context, item: Parsed, syntax: Assignment) -> None:
    """Let the name of a deterministic quantity stand for its array; broken after a fault."""
    before = len(context.faults)
    resolver = context.resolver(item.scalar)
    loops, places = target_places(context, item, resolver)
    body = resolver.scalar(syntax.body, loops)
    if places is None:
        return
    indices = tuple(place for place in places if isinstance(place, Index) and place.low == 1)
    if len(indices) != len(places):
        word_faults.places_left_out(context, item)
        return
    array = Array(indices, body)
    if len(context.faults) == before and not is_tainted(array) and _fits(context, item, [array]):
        context.names[syntax.target] = Deterministic(
            array, count_operations(array, STATEMENT_OPERATIONS)
        )


def _fits(context: Context, item: Parsed, arrays: Iterable[Array]) -> bool:
    """Whether a statement stays of a size that can be worked on."""
    for array in arrays:
        height = depth_of(array)
        size = count_operations(array, STATEMENT_OPERATIONS)
        if size > STATEMENT_OPERATIONS or height > STATEMENT_HEIGHT:
            word_faults.too_large(
                context, item, size, height, STATEMENT_OPERATIONS, STATEMENT_HEIGHT
            )
            return False
    return True


def _sample(
    context: Context, name: str, group: list[Parsed], observed: bool
) -> Iterator[Statement]:
    lefts: list[tuple[Parsed, Loops, tuple[IndexTerm, ...], Resolver]] = []
    for item in group:
        resolver = context.resolver(item.scalar)
        loops, places = target_places(context, item, resolver)
        if places is not None:
            lefts.append((item, loops, places, resolver))
        elif isinstance(item.syntax, Sampling):
            bind_call(context, item, item.syntax, resolver, loops)  # for its own faults
    if len(lefts) != len(group):
        return
    reached: list[tuple[Parsed, tuple[Reach, ...]]] = []
    for item, _, places, resolver in lefts:
        reaches = [resolver.reach(place) for place in places]
        reached.append((item, tuple(reach for reach in reaches if reach is not None)))
    plates = plate_shape(context, name, reached)

    # A statement that does not refer to its own node says what the node's entries are.
    lefts.sort(key=lambda left: name in mentions(left[0].syntax))
    if name in mentions(lefts[0][0].syntax):
        if plates is not None:
            word_faults.own_cycle(context, lefts[0][0], name)
        return
    role = Role.OBSERVED if observed else Role.LATENT
    node: Symbol | None = None
    results: list[tuple[int, Statement]] = []
    for item, loops, places, resolver in lefts:
        assert isinstance(item.syntax, Sampling)
        before = len(context.faults)
        call = bind_call(context, item, item.syntax, resolver, loops)
        if call is None or plates is None or len(context.faults) > before:
            continue
        this = Symbol(name, role, call.domain, (*plates, *call.event))
        if node is None:
            node = this
            context.names[name] = node
        elif this.shape != node.shape or this.domain != node.domain:
            word_faults.other_kind(context, item, item.syntax)
            continue
        arrays = [array for _, array in call.arguments]
        if not _fits(context, item, arrays) or not _looks_back(context, item, node, places, arrays):
            continue
        results.append((group.index(item), call.statement(item, node, loops, places)))
    yield from (statement for _, statement in sorted(results, key=lambda pair: pair[0]))


def _looks_back(
    context: Context,
    item: Parsed,
    node: Symbol,
    places: tuple[IndexTerm, ...],
    arrays: Iterable[Array],
) -> bool:
    """z[t] may depend on z[t-1]: one index strictly earlier, in every reference to itself."""
    parts = (part for array in arrays for part in walk_parts(array))
    for entry in (p for p in parts if isinstance(p, Entry) and p.symbol == node):
        earlier = any(
            _is_earlier(there, here) for there, here in zip(entry.indices, places, strict=False)
        )
        if not earlier:
            word_faults.own_cycle(context, item, node.name)
            return False
    return True


def _is_earlier(there: IndexTerm, here: IndexTerm) -> bool:
    def split(place: IndexTerm) -> tuple[object, int]:
        match place:
            case Offset(index, by):
                return index, by
            case Position(extent):
                return extent.size, extent.offset
        return place, 0

    base, by = split(there)
    other, shift = split(here)
    return base == other and by < shift
