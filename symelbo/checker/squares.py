"""Sums of squares: a polynomial as m' Q m in monomials m, Q positive semidefinite."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from .polynomial import Monomial, Poly, Rational, rational_of
from .work import work_left

__all__ = ["is_sum_of_squares"]

MAX_MONOMIALS = 80  # of a polynomial
MAX_SQUARES = 24


def is_sum_of_squares(
    poly: Poly,
    signed: Callable[[int], bool],
    is_bit: Callable[[int], bool],
    last: Monomial | None = None,
) -> bool:
    """Whether p = sum_k d_k (n_k + ...)^2, d_k >= 0, by LDL' over the rational numbers.

    The n_k are the roots of the monomials of p that are squares; a product of two that may be had
    in several ways is shared out evenly.  signed: which atoms are not negative, and so have roots;
    is_bit: which are 0 or 1, and so their own roots.  last: a monomial of p whose root comes
    last, so that it stands alone in its square: then d > 0 is asked for it.

    >>> form = poly(sum_of(power(x, 2), ("*", x, y), power(y, 2)))
    >>> is_sum_of_squares(form, lambda a: False, lambda a: False)
    True
    """
    if len(poly) > MAX_MONOMIALS:
        return False
    roots = {
        m: root for m, c in poly.items() if c > 0 and (root := _root(m, signed, is_bit)) is not None
    }
    order = sorted(roots, key=lambda m: (m == last, m))
    if not order or len(order) > MAX_SQUARES or (last is not None and last not in roots):
        return False
    work_left().spend(len(order) ** 3 // 4 + len(poly), "a sum of squares")
    pairs: dict[Monomial, list[tuple[int, int]]] = {}
    for j, n in enumerate(order):
        for i in range(j):
            pairs.setdefault(_times(roots[order[i]], roots[n], is_bit), []).append((i, j))
    matrix = [[Fraction(0)] * len(order) for _ in order]
    for m, c in poly.items():
        if m in roots:
            at = order.index(m)
            matrix[at][at] += c
            continue
        for i, j in pairs.get(m, ()):
            matrix[i][j] = matrix[j][i] = Fraction(c) / (2 * len(pairs[m]))
        if m not in pairs:
            return False
    pivots = _pivots(matrix)
    return pivots is not None and (last is None or pivots[-1] > 0)


def _root(
    monomial: Monomial, signed: Callable[[int], bool], is_bit: Callable[[int], bool]
) -> Monomial | None:
    """m -> n with n^2 = m; None if some factor may be negative."""
    found: list[tuple[int, Rational]] = []
    for a, e in monomial:
        if is_bit(a) and e == 1:
            found.append((a, e))
        elif (e.denominator == 1 and e % 2 == 0) or signed(a):
            found.append((a, rational_of(Fraction(e) / 2)))
        else:
            return None
    return tuple(found)


def _times(left: Monomial, right: Monomial, is_bit: Callable[[int], bool]) -> Monomial:
    """n, m -> n m, by exponents."""
    table = dict(left)
    for a, e in right:
        total = rational_of(table.get(a, 0) + e)
        table[a] = 1 if total > 1 and is_bit(a) else total
    return tuple(sorted((a, e) for a, e in table.items() if e))


def _pivots(matrix: Sequence[list[Fraction]]) -> list[Fraction] | None:
    """The d of Q = L diag(d) L', which is reduced in place; None if Q is not semidefinite."""
    found = []
    for k, row in enumerate(matrix):
        pivot = row[k]
        if pivot < 0 or (not pivot and any(row[k:])):
            return None
        found.append(pivot)
        for other in matrix[k + 1 :]:
            if other[k]:
                factor = other[k] / pivot
                for n in range(k, len(matrix)):
                    other[n] = Fraction(rational_of(other[n] - factor * row[n]))
    return found
