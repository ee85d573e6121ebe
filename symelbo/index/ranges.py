"""What is known of index places for all sizes >= 1: equal, different, or within a range."""

from __future__ import annotations

from symelbo.index.terms import Entry, Extent, Index, IndexTerm, Number, Offset, Position, Size

__all__ = ["are_equal", "at_least", "is_within"]


def at_least(left: Extent, right: Extent) -> bool:
    """Whether left >= right is certain for all sizes >= 1."""
    if left.size == right.size:
        return left.offset >= right.offset
    return right.size is None and left.size is not None and 1 + left.offset >= right.offset


def _bounds(place: IndexTerm) -> tuple[Extent, Extent] | None:
    match place:
        case Index(_, extent, low):
            return Extent(None, low), extent
        case Offset(Index(_, extent, low), by):
            return Extent(None, low + by), Extent(extent.size, extent.offset + by)
        case Position(extent):
            return extent, extent
        case Entry(symbol, _):
            upper = symbol.domain.upper
            if isinstance(upper, Size):
                return Extent(None, 1), Extent(upper.name)
            if isinstance(upper, Number):
                return Extent(None, 1), Extent(None, int(upper.value))
    return None


def is_within(place: IndexTerm, extent: Extent, low: int = 1) -> bool:
    """Whether the place certainly lies in low..extent."""
    bounds = _bounds(place)
    if bounds is None:
        return False
    return at_least(bounds[0], Extent(None, low)) and at_least(extent, bounds[1])


def are_equal(left: IndexTerm, right: IndexTerm) -> bool | None:
    """True: always equal.  False: never equal.  None: it depends."""
    if left == right:
        return True
    if isinstance(left, Offset) and isinstance(right, Offset) and left.index == right.index:
        return False  # equal objects were caught above
    if isinstance(left, Offset) and left.index == right and left.by:
        return False
    if isinstance(right, Offset) and right.index == left and right.by:
        return False
    mine, other = _bounds(left), _bounds(right)
    if mine is None or other is None:
        return None
    for (low, _), (_, high) in ((mine, other), (other, mine)):
        if at_least(low, Extent(high.size, high.offset + 1)):
            return False
    return None
