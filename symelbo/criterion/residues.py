"""Dense linear equations modulo the large prime, and the fractions that solve them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import flint

from symelbo.index.modular import PRIME

__all__ = ["solve_in_fractions"]


def solve_in_fractions(
    table: Sequence[Mapping[int, int]], ends: Sequence[int], count: int
) -> list[Fraction] | None:
    """row . x + end = 0 for all rows -> x, 0 where it is open; None: none of small fractions."""
    if not table:
        return [Fraction(0)] * count
    matrix = flint.nmod_mat(len(table), count + 1, PRIME)
    for i, (row, end) in enumerate(zip(table, ends, strict=True)):
        for n, slope in row.items():
            matrix[i, n] = slope
        matrix[i, count] = -end % PRIME
    reduced, rank = matrix.rref()
    solution = [Fraction(0)] * count
    for i in range(rank):
        lead = next(n for n in range(count + 1) if int(reduced[i, n]))
        value = None if lead == count else _rational(int(reduced[i, count]))
        if value is None:
            return None
        solution[lead] = value
    return solution


def _rational(residue: int) -> Fraction | None:
    """The fraction of small numerator and denominator that has this residue."""
    small = 1 << 20
    a, b, x, y = PRIME, residue, 0, 1
    while b > small:
        q = a // b
        a, b, x, y = b, a - q * b, y, x - q * y
    return Fraction(b, y) if y and abs(y) <= small else None
