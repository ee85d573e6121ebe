"""Linear equations modulo the large prime, and the fractions that solve them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache

from symelbo.index.echelon import echelon_of
from symelbo.index.modular import PRIME
from symelbo.limits import KEPT_RATIONALS, WEIGHT_PARTS

__all__ = ["rational_of", "solve_in_fractions"]


def solve_in_fractions(
    table: Sequence[Mapping[int, int]], ends: Sequence[int], count: int
) -> list[Fraction] | None:
    """row . x + end = 0 for all rows -> x, 0 where it is open; None: none of small fractions."""
    rows = [{**row, count: -end % PRIME} for row, end in zip(table, ends, strict=True)]
    reduced = echelon_of(rows)
    if count in reduced:
        return None
    found = []
    for n in range(count):
        value = rational_of(reduced[n].get(count, 0)) if n in reduced else Fraction(0)
        if value is None:
            return None
        found.append(value)
    return found


@lru_cache(maxsize=KEPT_RATIONALS)
def rational_of(residue: int) -> Fraction | None:
    """The small rational number with this residue, None if there is none."""
    # half of Euclid's algorithm: residue = r / t modulo the prime along the way
    r, s, t, u = PRIME, residue, 0, 1
    while s >= WEIGHT_PARTS:
        q = r // s
        r, s, t, u = s, r - q * s, u, t - q * u
    if not u or abs(u) >= WEIGHT_PARTS:
        return None
    return Fraction(s, u)
