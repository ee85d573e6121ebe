"""Linear equations modulo the large prime, and the fractions that solve them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from symelbo.index.echelon import echelon_of
from symelbo.index.modular import PRIME

__all__ = ["solve_in_fractions"]


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
        value = _rational(reduced[n].get(count, 0)) if n in reduced else Fraction(0)
        if value is None:
            return None
        found.append(value)
    return found


def _rational(residue: int) -> Fraction | None:
    """The fraction of small numerator and denominator that has this residue."""
    small = 1 << 20
    a, b, x, y = PRIME, residue, 0, 1
    while b > small:
        q = a // b
        a, b, x, y = b, a - q * b, y, x - q * y
    return Fraction(b, y) if y and abs(y) <= small else None
