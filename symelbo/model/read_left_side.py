"""The left of a statement: the places that it covers, and the shape of its node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from symelbo.index.terms import Extent, Index, IndexTerm, Offset, Position
from symelbo.language.resolve import Resolver
from symelbo.language.scope import Loops, Reach, is_sound
from symelbo.language.syntax import Sampling, names_used
from symelbo.model import word_faults
from symelbo.model.context import Context, Parsed

__all__ = ["plate_shape", "target_places"]

_FIRST: Final = Extent(None, 1)


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
    shape = _tile([reach for _, reach in group], starts_anywhere=not is_node)
    if shape is None:
        _report_gap(context, name, group, what)
    return shape


def _tile(
    boxes: Sequence[tuple[Reach, ...]], *, starts_anywhere: bool = False
) -> tuple[Extent, ...] | None:
    """The last place of each axis, of boxes of places that tile all of them; None if they do not.

    Several boxes are cut along an axis into slices, each of which begins behind the one before it,
    and whose boxes tile the other axes in the same way.
    """
    if len(boxes) == 1:
        (box,) = boxes
        begins = all(starts_anywhere or _start(reach) == _FIRST for reach in box)
        return tuple(reach.high for reach in box) if begins else None
    for axis in range(len(boxes[0])):
        slices: dict[tuple[Extent, Extent], list[tuple[Reach, ...]]] = {}
        for box in boxes:
            rest = (*box[:axis], *box[axis + 1 :])
            slices.setdefault((_start(box[axis]), box[axis].high), []).append(rest)
        high = _follow(list(slices), starts_anywhere) if len(slices) > 1 else None
        if high is not None:  # each slice has to be tiled then, and no other cut can help
            shapes = {_tile(rest, starts_anywhere=starts_anywhere) for rest in slices.values()}
            shape = shapes.pop()
            return None if shape is None or shapes else (*shape[:axis], high, *shape[axis:])
    return None


def _follow(intervals: Sequence[tuple[Extent, Extent]], starts_anywhere: bool) -> Extent | None:
    """The end of intervals of which each begins behind the one before it; None if they do not."""
    following = dict(intervals)
    start, high = _FIRST, _FIRST
    if starts_anywhere and start not in following:
        literal = [first for first in following if first.size is None]
        start = min(literal, key=lambda first: first.offset, default=start)
    for _ in intervals:
        if start not in following:
            return None
        high = following.pop(start)
        start = Extent(high.size, high.offset + 1)
    return high


def _report_gap(
    context: Context, name: str, group: list[tuple[Parsed, tuple[Reach, ...]]], what: str
) -> None:
    """Places of which some have no statement, or two."""
    first, reaches = group[0]
    if len(group) == 1:
        late = next(reach.low for reach in reaches if _start(reach) != _FIRST)
        word_faults.late_first_place(context, name, first, late)
        return
    boxes = [reach for _, reach in group]
    twice = next((item for n, (item, reach) in enumerate(group) if reach in boxes[:n]), None)
    if twice is not None:
        word_faults.second_statement(context, name, twice, first, what)
    else:
        word_faults.parts_that_do_not_meet(context, name, group[1][0], first, what)


def _start(reach: Reach) -> Extent:
    return reach.high if reach.low is None else Extent(None, reach.low)
