"""Parsed statements -> resolved statements, parents first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from symelbo.index.substitute import depth_of, replace_index
from symelbo.index.terms import Array, Extent, Index, IndexTerm, Offset, Position, Role, Symbol
from symelbo.language.measure import count_operations
from symelbo.language.resolve import Resolver
from symelbo.language.scope import Deterministic, Loops, Reach, is_tainted
from symelbo.language.syntax import Assignment, Sampling
from symelbo.limits import STATEMENT_HEIGHT, STATEMENT_OPERATIONS
from symelbo.model import word_faults
from symelbo.model.bind_call import bind_call, foresee_domain
from symelbo.model.context import Context, Parsed
from symelbo.model.model import Statement, tell_apart
from symelbo.model.order_places import find_place_cycle
from symelbo.model.order_statements import declare_targets, in_order, mentions
from symelbo.model.read_left_side import plate_shape, target_places
from symelbo.model.strong_components import find_way_round
from symelbo.values import dataclass

__all__ = ["resolve_model"]


@dataclass(frozen=True, slots=True)
class _Left:
    """The left side of a statement, and what resolves its right side; places: None if faulty."""

    item: Parsed
    loops: Loops
    places: tuple[IndexTerm, ...] | None
    resolver: Resolver


@dataclass(frozen=True, slots=True)
class _Unit:
    """What becomes known at once: one statement of a node, all of a deterministic quantity."""

    name: str
    lefts: tuple[_Left, ...]
    plates: tuple[Extent, ...] | None  # of all statements of the name; None if one is faulty

    @property
    def item(self) -> Parsed:
        """Its first statement."""
        return self.lefts[0].item

    @property
    def is_node(self) -> bool:
        """Whether it is a statement of a node."""
        return isinstance(self.item.syntax, Sampling)

    def needs(self, waiting: Iterable[str]) -> list[str]:
        """Those of the names that it mentions."""
        used = set().union(*(mentions(left.item.syntax) for left in self.lefts))
        return [name for name in waiting if name in used]

    def has_start(self, waiting: Collection[str]) -> bool:
        """Whether some places of a deterministic quantity mention none of the names."""
        return not self.is_node and any(
            mentions(left.item.syntax).isdisjoint(waiting) for left in self.lefts
        )


def resolve_model(
    context: Context, parsed: list[Parsed], unread: Iterable[str], observed: Iterable[str]
) -> tuple[Statement, ...]:
    """Every statement of the model, parents first; faults go to the context.

    unread: names that have a statement which could not be parsed.
    """
    for name in unread:
        context.break_name(name)
    groups = declare_targets(context, parsed)
    rank = {id(item): number for number, item in enumerate(parsed)}
    data = frozenset(observed)
    statements: list[Statement] = []
    for names in in_order(groups):
        units = [unit for name in names for unit in _units(context, name, groups[name])]
        units.sort(key=lambda unit: rank[id(unit.item)])
        statements += _resolve_together(context, names, units, data)
    return tell_apart(statements)


def _units(context: Context, name: str, group: list[Parsed]) -> list[_Unit]:
    """The statements of a name, their left sides read."""
    lefts = []
    for item in group:
        resolver = context.resolver(item.scalar, target=name)
        lefts.append(_Left(item, *target_places(context, item, resolver), resolver))
    reached: list[tuple[Parsed, tuple[Reach, ...]]] = []
    for left in lefts:
        reaches = [left.resolver.reach(place) for place in left.places or ()]
        reached.append((left.item, tuple(reach for reach in reaches if reach is not None)))
    sound = name not in context.faulty and all(left.places is not None for left in lefts)
    what = context.declared[name][0]
    plates = plate_shape(context, name, reached, what) if sound else None
    if isinstance(group[0].syntax, Assignment):
        return [_Unit(name, tuple(lefts), plates)]
    return [_Unit(name, (left,), plates) for left in lefts]


def _resolve_together(
    context: Context, names: list[str], units: list[_Unit], data: frozenset[str]
) -> list[Statement]:
    """The statements of names that need each other, in the order of the file.

    A unit waits for the names that it mentions.  A node is known by the first of its statements:
    all give it the same values and shape, and the first places of a chain need no other ones.
    Where all units wait for each other, the names are a cycle whatever the places are, unless one
    is a deterministic quantity with a start: then a node is known by its family alone, if it can.
    """
    before = len(context.faults)
    waiting = dict.fromkeys(names)
    pending = list(units)
    resolved: dict[int, Statement] = {}
    while pending:
        unit = next((unit for unit in pending if not unit.needs(waiting)), None)
        if unit is None:
            node = _foresee(context, pending, waiting, data)
            if node is not None:
                context.names[node.name] = node
                waiting.pop(node.name)
                continue
            _report_cycle(context, waiting, pending)
            waiting.clear()  # they are broken: what else is wrong is found, not what follows
            continue
        pending.remove(unit)
        waiting.pop(unit.name, None)
        if unit.is_node:
            statement = _sample(context, unit, data)
            if statement is not None:
                resolved[units.index(unit)] = statement
        else:
            _define(context, unit)
    statements = [resolved[number] for number in sorted(resolved)]
    if len(context.faults) == before and any(unit.needs(names) for unit in units):
        cycle = find_place_cycle(statements)
        if cycle is not None:
            word_faults.place_cycle(context, cycle)
    return statements


def _foresee(
    context: Context, pending: Sequence[_Unit], waiting: Collection[str], data: frozenset[str]
) -> Symbol | None:
    """A node that a quantity with a start waits for, known by its family; None if there is none."""
    if not any(unit.has_start(waiting) for unit in pending):
        return None
    for unit in pending:
        syntax = unit.item.syntax
        if unit.name in waiting and unit.plates is not None and isinstance(syntax, Sampling):
            domain = foresee_domain(context, syntax)
            if domain is not None:
                return Symbol(unit.name, _role(unit, data), domain, unit.plates)
    return None


def _role(unit: _Unit, data: frozenset[str]) -> Role:
    return Role.OBSERVED if unit.name in data else Role.LATENT


def _report_cycle(context: Context, waiting: Iterable[str], pending: list[_Unit]) -> None:
    """Every name has a unit that waits: following one of each must come round."""
    first = {unit.name: unit for unit in reversed(pending) if unit.name in waiting}
    parents = {name: first[name].needs(waiting) for name in waiting}
    cycle = find_way_round(parents)
    assert cycle is not None
    cycle.reverse()  # in the direction of influence
    unit = first[cycle[0]]
    if len(cycle) > 2 or not unit.lefts[0].item.syntax.indices:
        arrays = (n for n in cycle if first[n].is_node and first[n].item.syntax.indices)
        word_faults.cycle(context, unit.item, cycle, next(arrays, ""))
    elif not unit.is_node:
        word_faults.quantity_of_itself(context, unit.item, unit.name)
    elif unit.plates is not None:
        word_faults.own_cycle(context, unit.item, unit.name)


def _define(context: Context, unit: _Unit) -> None:
    """Let the name of a deterministic quantity stand for its arrays; broken after a fault."""
    before = len(context.faults)
    parts: list[Array] = []
    written: list[Array] = []
    for left in unit.lefts:
        assert isinstance(left.item.syntax, Assignment)
        syntax = left.item.syntax.body
        whole = Array((), left.resolver.scalar(syntax, left.loops))
        if left.places is not None:
            parts.append(_array_over(left.places, whole))
            named = left.resolver.in_names(syntax, left.loops) or whole
            written.append(_array_over(left.places, named))
    if unit.plates is None or len(context.faults) > before or any(map(is_tainted, parts)):
        return
    if all(_fits(context, left.item, parts) for left in unit.lefts):
        operations = sum(count_operations(part, STATEMENT_OPERATIONS) for part in parts)
        context.names[unit.name] = Deterministic(
            unit.name, tuple(parts), tuple(written), operations, unit.plates
        )


def _array_over(places: tuple[IndexTerm, ...], scalar: Array) -> Array:
    """g[t+1] = f(t), t in 1:T -> the array f(t - 1) over t in 2:T+1; a place k is the range k:k."""
    indices: list[Index] = []
    body = scalar.body
    for number, place in enumerate(places):
        match place:
            case Index() as index:
                pass
            case Offset(Index(name, extent, low) as old, by):
                index = Index(name, Extent(extent.size, extent.offset + by), low + by)
                body = replace_index(body, old, Offset(index, -by))
            case Position(Extent(None, only)):
                index = Index(f"place{number}", Extent(None, only), only)
            case _:
                raise ValueError("no place on the left")
        indices.append(index)
    return Array(tuple(indices), body)


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


def _sample(context: Context, unit: _Unit, data: frozenset[str]) -> Statement | None:
    """The statement of a node, whose name stands for it from the first one on."""
    (left,) = unit.lefts
    item, name = left.item, unit.name
    assert isinstance(item.syntax, Sampling)
    before = len(context.faults)
    call = bind_call(context, item, item.syntax, left.resolver, left.loops)
    if call is None or left.places is None or unit.plates is None or len(context.faults) > before:
        return None
    node = Symbol(name, _role(unit, data), call.domain, (*unit.plates, *call.event))
    known = context.names[name]
    if not isinstance(known, Symbol):
        context.names[name] = node
    elif known != node:
        word_faults.other_kind(context, item, item.syntax)
        return None
    if not _fits(context, item, [array for _, array in call.arguments]):
        return None
    return call.statement(item, node, left.loops, left.places)
