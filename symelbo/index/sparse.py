"""Linear equations modulo the large prime, most of whose coefficients are zero: have they a
solution?

What is sparse is eliminated with pivots that fill in little, and only what is left is a matrix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush

from symelbo.index.echelon import echelon_of
from symelbo.index.modular import PRIME
from symelbo.limits import DENSE_GAIN

__all__ = ["is_consistent"]


def is_consistent(rows: Sequence[Mapping[int, int]], end: int) -> bool:
    """Whether some x satisfies sum_n row[n] x[n] + row[end] = 0 for all rows.

    Terminates: every step takes one unknown out of all rows.
    """
    left: dict[int, dict[int, int]] = {}
    holders: dict[int, set[int]] = {}
    for i, given in enumerate(rows):
        left[i] = row = {n: slope for n, slope in given.items() if slope}
        for n in row:
            if n != end:
                holders.setdefault(n, set()).add(i)
    queue = [(len(inside), n) for n, inside in holders.items()]
    heapify(queue)
    while queue:
        count, n = heappop(queue)
        inside = holders.get(n)
        if not inside or len(inside) != count:
            if inside:
                heappush(queue, (len(inside), n))
            continue
        pivot = min(inside, key=lambda i: (len(left[i]), i))
        if DENSE_GAIN * (count - 1) * len(left[pivot]) > len(left) * len(holders):
            return _is_dense_consistent(list(left.values()), list(holders), end)
        row = left.pop(pivot)
        del holders[n]
        for column in row:
            if column not in (n, end):
                holders[column].discard(pivot)
        inside.discard(pivot)
        inverse = pow(row.pop(n), -1, PRIME) if inside else 0
        for i in inside:
            other = left[i]
            factor = other.pop(n) * inverse % PRIME
            for column, slope in row.items():
                rest = (other.get(column, 0) - factor * slope) % PRIME
                if rest:
                    if column not in other and column != end:
                        holders[column].add(i)
                    other[column] = rest
                elif other.pop(column, None) is not None and column != end:
                    holders[column].discard(i)
            if other.keys() == {end}:
                return False
            if not other:
                del left[i]
    return not any(row.get(end) for row in left.values())


def _is_dense_consistent(rows: Sequence[Mapping[int, int]], unknowns: list[int], end: int) -> bool:
    """As above, with a matrix."""
    place = {n: k for k, n in enumerate(unknowns)}
    place[end] = len(unknowns)
    # no solution if a row says 0 = 1
    return len(unknowns) not in echelon_of([{place[n]: x for n, x in r.items()} for r in rows])
