"""Evidence that a log-density has no finite separation: a certified lower bound of its rank.

If log p(v; a) = sum_{k=1}^{r} f_k(a) g_k(v), every matrix log p(v_i; a_j) has rank at most r.  An
n x n minor that is certainly not zero therefore excludes every separation with fewer than n terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from symelbo.index.concretize import concretize
from symelbo.index.terms import Symbol, Term
from symelbo.language.density import Density
from symelbo.verify.interval import ball

__all__ = ["separation_rank"]

POINTS = 8
_VALUES = {
    "real": [Fraction(n, 3) for n in (-7, -4, -2, -1, 1, 3, 5, 8)],
    "positive": [Fraction(n, 3) for n in (1, 2, 4, 5, 7, 8, 10, 13)],
    "unit": [Fraction(n, 10) for n in (1, 2, 3, 4, 5, 6, 7, 9)],
    "naturals": [Fraction(n) for n in range(POINTS)],
    "binary": [Fraction(0), Fraction(1)],
}


def separation_rank(density: Density, moving: tuple[Symbol, ...]) -> int | None:
    """A number of terms that every separation needs at least; None if it was not computed.

    Scalar densities only; arguments that do not move are taken at one admissible value.
    """
    value = density.value
    if value.shape or any(argument.shape for argument in density.arguments):
        return None
    values = _VALUES.get(value.domain.kind)
    if values is None:
        return None
    fixed = {a.name: _VALUES.get(a.domain.kind, [Fraction(2)])[3] for a in density.arguments}
    rows = []
    for n in range(len(values)):
        point = dict(fixed)
        for shift, argument in enumerate(moving):
            choices = _VALUES.get(argument.domain.kind)
            if choices is None:
                return None
            point[argument.name] = choices[(n + 3 * shift) % len(choices)]
        try:
            rows.append([ball(_closed(density.term, {**point, value.name: v})) for v in values])
        except (ValueError, ZeroDivisionError):
            return None
    return _certain_rank(rows)


def _closed(term: Term, point: Mapping[str, Fraction]) -> Term:
    return concretize(term, {}, lambda name, place: point.get(name))


def _certain_rank(rows: list[list]) -> int:  # type: ignore[type-arg]
    """Elimination on balls; a pivot counts only if its ball excludes zero."""
    rank = 0
    columns = list(range(len(rows[0])))
    while rows and columns:
        candidates = [
            (abs(float(row[c].mid())), i, c)
            for i, row in enumerate(rows)
            for c in columns
            if not row[c].contains(0)
        ]
        if not candidates:
            break
        _, i, c = max(candidates)
        pivot = rows.pop(i)
        rows = [
            [x - row[c] / pivot[c] * y for x, y in zip(row, pivot, strict=True)] for row in rows
        ]
        columns.remove(c)
        rank += 1
    return rank
