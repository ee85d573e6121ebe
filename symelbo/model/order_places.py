"""Whether the places of arrays depend on each other in an order, for all sizes.

A statement defines places of its node and reads places of others, which are known up to the loop
variables: `x[t] ~ ... y[t-1]` reads y one place earlier than it defines x.  What is random may read
any place that comes earlier in some order: places of other statements, x[t-1], x[i-1,j+4].
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod

from symelbo.index.signs import are_equal, at_least, place_bounds
from symelbo.index.substitute import free_indices, replace_index
from symelbo.index.terms import (
    Delta,
    Entry,
    Extent,
    Index,
    IndexTerm,
    Mul,
    Node,
    Offset,
    Origin,
    Position,
    Symbol,
)
from symelbo.limits import ORDER_AXES, ORDER_PLACES, ORDER_SIZE
from symelbo.model.least_sizes import least_values
from symelbo.model.model import Statement
from symelbo.model.strong_components import find_way_round, strong_components
from symelbo.values import dataclass

__all__ = ["PlaceCycle", "find_place_cycle"]


@dataclass(frozen=True, slots=True)
class PlaceCycle:
    """Why no order was found: a way round, or statements that no rule puts in order.

    path: in the direction of influence, its first place again at the end; empty if none was found.
    """

    statements: tuple[Statement, ...]
    path: tuple[str, ...]


_Least = Mapping[str, int]  # size -> the least that the model allows, where that is not 1
_Slot = tuple[Symbol, int]  # an axis of a node
_Weighted = tuple[int, int, int]  # reader, source, and how much is gained at most


@dataclass(frozen=True, slots=True)
class _Read:
    """A statement that reads places which another one defines."""

    reader: int
    source: int
    here: Mapping[_Slot, IndexTerm]
    there: Mapping[_Slot, IndexTerm]


def find_place_cycle(statements: Sequence[Statement]) -> PlaceCycle | None:
    """None where every place reads earlier ones only, in one order, whatever the sizes are.

    requires: statements of all places of the nodes that they are about.  ensures: a path is a true
    cycle at some sizes; without one, no order of the kind that is looked for exists.
    """
    least = least_values(statements)
    unordered = _find_unordered(statements, least)
    if not unordered:
        return None
    left = tuple(statements[n] for n in unordered)
    return PlaceCycle(left, tuple(_find_path(left, least)))


# ---------------------------------------------------------------- an order for all sizes


def _find_unordered(statements: Sequence[Statement], least: _Least) -> list[int]:
    """The statements among which no order is found; none if all are in order.

    Reads from another part of the graph are in order whatever the places are.  Within a part, a
    direction is sought along which no way round gains; reads that only lose along it are in order,
    and the others have to be so along another direction.  Source: Karp, Miller and Winograd (1967).
    """
    pending = [list(_reads(statements, least))]
    while pending:
        reads = pending.pop()
        graph: dict[int, list[int]] = {n: [] for n in range(len(statements))}
        for read in reads:
            graph[read.reader].append(read.source)
        for component in strong_components(graph):
            within = set(component)
            inner = [r for r in reads if r.reader in within and r.source in within]
            if not inner:
                continue
            rest = _reads_still_open(inner, least)
            if rest is None:
                return component
            pending.append(rest)
    return []


def _reads(statements: Sequence[Statement], least: _Least) -> Iterator[_Read]:
    """Every read of a place that one of the statements may define."""
    sources: dict[Symbol, list[int]] = {}
    for number, statement in enumerate(statements):
        sources.setdefault(statement.node, []).append(number)
    for number, statement in enumerate(statements):
        for at, entry in _entries(statement):
            for source in sources.get(entry.symbol, ()):
                places = statements[source].places
                pairs = zip(entry.indices, places, strict=False)
                if all(_may_meet(there, here, least) for there, here in pairs):
                    there = entry.indices[: len(places)]
                    here = _by_slot(statement.node, at)
                    yield _Read(number, source, here, _by_slot(entry.symbol, there))


def _entries(statement: Statement) -> list[tuple[tuple[IndexTerm, ...], Entry]]:
    """(places of the node, an entry that it reads there), each once."""
    found: dict[tuple[tuple[IndexTerm, ...], Entry], None] = {}
    seen: set[tuple[Node, tuple[IndexTerm, ...]]] = set()
    stack: list[tuple[Node, tuple[IndexTerm, ...]]] = [
        (array, statement.places) for _, array in reversed(statement.arguments)
    ]
    while stack:
        item, at = stack.pop()
        if (item, at) in seen:
            continue
        seen.add((item, at))
        if isinstance(item, Entry):
            found[at, item] = None
        parts = item.parts()
        for index in item.bound():
            if any(index in free_indices(place) for place in at):  # a namesake of one outside
                inner = index.like(f"{index.name}{len(seen)}", Origin.PASSING)
                parts = tuple(replace_index(part, index, inner) for part in parts)
        if isinstance(item, Mul):
            for delta in (f for f in item.factors if isinstance(f, Delta)):
                parts, at = _where_equal(delta, parts, at)
        stack += [(part, at) for part in reversed(parts)]
    return list(found)


def _where_equal(
    delta: Delta, parts: tuple[Node, ...], at: tuple[IndexTerm, ...]
) -> tuple[tuple[Node, ...], tuple[IndexTerm, ...]]:
    """delta(i, k) f(i, k) is read at places where i = k only: f(k, k)."""
    left, right = delta.left, delta.right
    if are_equal(left, right) is False:
        return (), at
    same: IndexTerm = right
    if isinstance(left, Index) and isinstance(right, Index):
        # of the two ranges what they have in common
        first, other = (left, right) if at_least(right.extent, left.extent) else (right, left)
        same = Index(other.name, first.extent, max(left.low, right.low))
    elif isinstance(right, Index):
        same = left
    for index in (left, right):
        if isinstance(index, Index):
            parts = tuple(replace_index(part, index, same) for part in parts)
            at = tuple(replace_index(place, index, same) for place in at)
    return parts, at


def _may_meet(left: IndexTerm, right: IndexTerm, least: _Least) -> bool:
    """Whether two index terms of different statements may be the same place."""
    one, other = place_bounds(left), place_bounds(right)
    if one is None or other is None:
        return True
    return not (_is_after(one[0], other[1], least) or _is_after(other[0], one[1], least))


def _is_after(left: Extent, right: Extent, least: _Least) -> bool:
    """left > right at all sizes that the model has."""
    if left.size == right.size:
        return left.offset > right.offset
    if right.size is not None or left.size is None:
        return False
    return least.get(left.size, 1) + left.offset > right.offset


def _by_slot(node: Symbol, places: Sequence[IndexTerm]) -> dict[_Slot, IndexTerm]:
    return {(node, axis): place for axis, place in enumerate(places)}


def _reads_still_open(reads: Sequence[_Read], least: _Least) -> list[_Read] | None:
    """The reads that a direction leaves to others, fewer than before; None if there is none."""
    for direction in _directions(_kinds_of_slots(reads)):
        weighted: list[_Weighted] = []
        for read in reads:
            gain = _gain(read, direction, least)
            if gain is None:
                break
            weighted.append((read.reader, read.source, gain))
        else:
            kept = _on_a_way_round_without_loss(weighted)
            if kept is not None and len(kept) < len(reads):
                return [reads[n] for n in kept]
    return None


def _kinds_of_slots(reads: Sequence[_Read]) -> list[frozenset[_Slot]]:
    """Axes that one index runs over are of one kind: t in x[t] and y[t-1]."""
    kinds: list[frozenset[_Slot]] = []
    for read in reads:
        groups: list[frozenset[_Slot]] = [frozenset((slot,)) for slot in (*read.here, *read.there)]
        by_index: dict[Index, set[_Slot]] = {}
        for slot, place in (*read.here.items(), *read.there.items()):
            index = _variable(place)
            if isinstance(index, Index):
                by_index.setdefault(index, set()).add(slot)
        for group in (*groups, *map(frozenset, by_index.values())):
            joined = [kind for kind in kinds if kind & group]
            kinds = [kind for kind in kinds if not kind & group]
            kinds.append(group.union(*joined))
    return kinds


def _directions(kinds: Sequence[frozenset[_Slot]]) -> Iterator[dict[_Slot, int]]:
    """Directions to try, slot -> factor of its place: one kind of axes, then several together."""
    for kind in kinds:
        for sign in (1, -1):
            yield dict.fromkeys(kind, sign)
    if 1 < len(kinds) <= ORDER_AXES:
        for factors in product((1, 0, -1), repeat=len(kinds)):
            if len(kinds) - factors.count(0) > 1:
                yield {s: f for kind, f in zip(kinds, factors, strict=True) for s in kind if f}


def _gain(read: _Read, direction: Mapping[_Slot, int], least: _Least) -> int | None:
    """The most that what is read lies further along the direction; None if that has no bound."""
    factors: dict[IndexTerm, int] = {}
    sizes: dict[str, int] = {}
    constant = 0
    for sign, places in ((1, read.there), (-1, read.here)):
        for slot, place in places.items():
            factor = sign * direction.get(slot, 0)
            match place:
                case Position(Extent(size, offset)):
                    constant += factor * offset
                    if size is not None:
                        sizes[size] = sizes.get(size, 0) + factor
                case Offset(index, by):
                    constant += factor * by
                    factors[index] = factors.get(index, 0) + factor
                case _:
                    factors[place] = factors.get(place, 0) + factor
    for place, factor in factors.items():
        if not factor:
            continue
        ends = place_bounds(place)
        if ends is None:
            return None
        end = ends[1] if factor > 0 else ends[0]
        constant += factor * end.offset
        if end.size is not None:
            sizes[end.size] = sizes.get(end.size, 0) + factor
    if any(factor > 0 for factor in sizes.values()):
        return None
    return constant + sum(factor * least.get(size, 1) for size, factor in sizes.items())


def _on_a_way_round_without_loss(reads: Sequence[_Weighted]) -> list[int] | None:
    """The numbers of the reads on a way round that gains 0; None if a way round gains.

    With potentials v such that gain + v(source) - v(reader) <= 0 throughout (Bellman and Ford),
    these are the reads of 0 that lie on a way round of such reads.
    """
    nodes = {n for reader, source, _ in reads for n in (reader, source)}
    potential = dict.fromkeys(nodes, 0)
    for _ in range(len(nodes) + 1):
        changed = False
        for reader, source, gain in reads:
            if gain + potential[source] > potential[reader]:
                potential[reader] = gain + potential[source]
                changed = True
        if not changed:
            break
    else:
        return None
    graph: dict[int, list[int]] = {n: [] for n in sorted(nodes)}
    level = [n for n, (r, s, gain) in enumerate(reads) if gain + potential[s] == potential[r]]
    for n in level:
        graph[reads[n][0]].append(reads[n][1])
    number = {n: k for k, component in enumerate(strong_components(graph)) for n in component}
    return [n for n in level if number[reads[n][0]] == number[reads[n][1]]]


# ---------------------------------------------------------------- a way round at some sizes


_Place = tuple[str, tuple[int, ...]]  # x[2,1]


def _find_path(left: Sequence[Statement], least: _Least) -> list[str]:
    """A cycle of places at the smallest sizes that have one; none where none was found."""
    for size in range(1, ORDER_SIZE + 1):
        graph = _graph_of_places(left, least, size)
        path = None if graph is None else find_way_round(graph)
        if path is not None:
            return [f"{name}[{','.join(map(str, at))}]" if at else name for name, at in path]
    return []


def _graph_of_places(
    statements: Sequence[Statement], least: _Least, size: int
) -> dict[_Place, list[_Place]] | None:
    """place -> the places that read it, with every size as given; None if there are too many."""

    def length(extent: Extent) -> int:
        known = 0 if extent.size is None else max(size, least.get(extent.size, 1))
        return known + extent.offset

    def values(place: IndexTerm) -> range:
        ends = place_bounds(place)
        return range(0) if ends is None else range(length(ends[0]), length(ends[1]) + 1)

    rank = {statement.node: len(statement.places) for statement in statements}
    graph: dict[_Place, list[_Place]] = {}
    count = 0
    for statement in statements:
        for at, entry in _entries(statement):
            if entry.symbol not in rank:
                continue
            there = entry.indices[: rank[entry.symbol]]
            variables = list(dict.fromkeys(map(_variable, (*at, *there))))
            count += prod(len(values(v)) for v in variables)
            if count > ORDER_PLACES:
                return None
            for chosen in product(*map(values, variables)):
                known = dict(zip(variables, chosen, strict=True))
                here = statement.node.name, _at(at, known)
                graph.setdefault(here, [])
                graph.setdefault((entry.symbol.name, _at(there, known)), []).append(here)
    return graph


def _variable(place: IndexTerm) -> IndexTerm:
    """What decides a place: an index, a category, or nothing but the place itself."""
    return place.index if isinstance(place, Offset) else place


def _at(places: Sequence[IndexTerm], known: Mapping[IndexTerm, int]) -> tuple[int, ...]:
    return tuple(
        known[_variable(place)] + (place.by if isinstance(place, Offset) else 0) for place in places
    )
