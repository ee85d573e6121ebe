"""The reduced echelon form of residues, of few rows without any library.

A run has few and small systems, and importing the library takes longer than all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from symelbo.index.modular import PRIME
from symelbo.limits import ELIMINATION_STEPS

__all__ = ["Echelon", "echelon_of"]

Echelon: TypeAlias = dict[int, dict[int, int]]
"""Of each row the column where it starts, with a 1, and what else is in it: column -> residue."""


def echelon_of(rows: Sequence[Mapping[int, int]]) -> Echelon:
    """rows -> their reduced echelon form, the same in every order of the rows.

    Ensures: no row has anything where another one starts.

    >>> echelon_of([{0: 2, 1: 4, 2: 6}, {1: 1, 2: 1}, {0: 1, 1: 3, 2: 4}])
    {0: {2: 1}, 1: {2: 1}}
    """
    found = _eliminate(rows)
    return dict(sorted(found.items())) if found is not None else _of_library(rows)


def _eliminate(rows: Sequence[Mapping[int, int]]) -> Echelon | None:
    """The form, one row after the other; None where that takes long."""
    found: Echelon = {}
    left = ELIMINATION_STEPS
    for given in rows:
        row = {n: rest for n, x in given.items() if (rest := x % PRIME)}
        for start in found.keys() & row.keys():
            other = found[start]
            _subtract(row, row.pop(start), other)
            left -= 1 + len(other)
        if not row:
            continue
        start = min(row)
        inverse = pow(row.pop(start), -1, PRIME)
        row = {n: x * inverse % PRIME for n, x in row.items()}
        for other in found.values():
            factor = other.pop(start, 0)
            if factor:
                _subtract(other, factor, row)
                left -= 1 + len(row)
        found[start] = row
        if left < 0:
            return None
    return found


def _subtract(row: dict[int, int], factor: int, other: Mapping[int, int]) -> None:
    """r, c, s -> r - c s, in place."""
    for n, x in other.items():
        rest = (row.get(n, 0) - factor * x) % PRIME
        if rest:
            row[n] = rest
        else:
            del row[n]


def _of_library(rows: Sequence[Mapping[int, int]]) -> Echelon:
    from flint import nmod_mat

    columns = sorted({n for row in rows for n in row})
    place = {n: k for k, n in enumerate(columns)}
    table = nmod_mat(len(rows), len(columns), PRIME)
    for i, row in enumerate(rows):
        for n, x in row.items():
            table[i, place[n]] = x
    reduced, rank = table.rref()
    found: Echelon = {}
    for i in range(rank):
        row = {n: x for k, n in enumerate(columns) if (x := int(reduced[i, k]))}
        start = min(row)
        del row[start]
        found[start] = row
    return found
