"""The left of a statement: the places that it covers, and the shape of its node."""

from __future__ import annotations

from symelbo.index.terms import Extent, Index, IndexTerm, Offset, Position
from symelbo.language.resolve import Resolver
from symelbo.language.scope import Loops, Reach, is_sound
from symelbo.language.syntax import Sampling, names_used
from symelbo.model import word_faults
from symelbo.model.context import Context, Parsed

__all__ = ["plate_shape", "target_places"]


def target_places(
    context: Context, item: Parsed, resolver: Resolver
) -> tuple[Loops, tuple[IndexTerm, ...] | None]:
    """`z[t, d]` with `for t in 2:T, d in 1:D` -> loop variables and left-hand indices.

    The indices are None after a fault; the loop variables then serve to find faults further right.
    Every loop variable stands on the left exactly once, in the order of the ranges.
    """
    syntax = item.syntax
    loops = resolver.ranges(syntax.ranges, {})
    sound = is_sound(loops)
    places: list[IndexTerm] = []
    used: list[str] = []
    for node in syntax.indices:
        if any(context.is_no_size(name) for name in names_used(node) if name not in loops):
            word_faults.no_left_index(context, item, node)
            sound = False
            continue
        place = resolver.index(node, loops)
        match place:
            case None:
                sound = False
                continue
            case Index(name):
                used.append(name)
            case Offset(Index(name), _):
                used.append(name)
            case Position(Extent(size)) if size is None or isinstance(syntax, Sampling):
                pass
            case _:
                word_faults.no_left_index(context, item, node)
                sound = False
                continue
        places.append(place)
    if not sound:
        return loops, None
    wanted = list(loops)
    if used != wanted:
        word_faults.other_left_indices(context, item, used, wanted)
        return loops, None
    return loops, tuple(places)


def plate_shape(
    context: Context, name: str, group: list[tuple[Parsed, tuple[Reach, ...]]], what: str
) -> tuple[Extent, ...] | None:
    """The last place of each axis, of places that statements cover evidently without overlap.

    A node has a first place; a deterministic quantity may begin later.  what: is being defined.
    """
    first, reaches = group[0]
    is_node = isinstance(first.syntax, Sampling)
    ranks = {len(reach) for _, reach in group}
    if len(ranks) > 1:
        odd = next(item for item, reach in group if len(reach) != len(reaches))
        word_faults.other_rank(context, name, odd, first, what)
        return None
    shape: list[Extent] = []
    parted = 0
    for axis in range(len(reaches)):
        parts = {(_start(reach[axis]), reach[axis].high): item for item, reach in group}
        parted += len(parts) > 1
        following = {start: (high, item) for (start, high), item in parts.items()}
        # of a quantity that begins later, the first of its parts
        starts = [start for start in following if start.size is None]
        start = Extent(None, 1)
        if not is_node and start not in following and starts:
            start = min(starts, key=lambda extent: extent.offset)
        if len(parts) == 1 and start not in following:
            word_faults.late_first_place(context, name, first, reaches[axis].low)
            return None
        high = start
        met = 0
        while start in following:  # each part begins behind the one before it
            high, _ = following.pop(start)
            start = Extent(high.size, high.offset + 1)
            met += 1
        if met < len(parts):
            left = [item for _, item in following.values()]
            other = next((item for item in left if item is not first), group[-1][0])
            word_faults.parts_that_do_not_meet(context, name, other, first, what)
            return None
        shape.append(high)
    if len(group) > 1 and parted != 1:
        word_faults.second_statement(context, name, group[1][0], first, what)
        return None
    return tuple(shape)


def _start(reach: Reach) -> Extent:
    return reach.high if reach.low is None else Extent(None, reach.low)
