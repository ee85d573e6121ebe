"""Derivatives by many columns at once: {column: slope} while that is short, else how it is made.

A value that is made of n others, each with a column of its own, has n slopes: along the way these
would be n squared numbers.  So long gradients stay sums of others until one is asked for, and are
then found backwards, each other one once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from symelbo.limits import SHORT_GRADIENT

__all__ = ["Gradient", "combine", "keep", "slopes_of"]


class _Chain:
    """sum of factor * gradient; kept: it is part of many others, table: its slopes, once known."""

    __slots__ = ("kept", "parts", "table")

    def __init__(self, parts: Sequence[tuple[int, Gradient]]) -> None:
        self.parts = parts
        self.kept = False
        self.table: Mapping[int, int] | None = None

    def __len__(self) -> int:
        return len(self.parts)


Gradient: TypeAlias = "Mapping[int, int] | _Chain"


def combine(parts: Sequence[tuple[int, Gradient]], prime: int) -> Gradient:
    """(a, g), (b, h) -> a g + b h modulo the prime

    >>> combine([(2, {0: 1}), (3, {0: 1, 1: 1})], 101)
    {0: 5, 1: 3}
    """
    if len(parts) == 1 and parts[0][0] == 1:
        return parts[0][1]
    columns = 0
    for _, gradient in parts:
        columns += len(gradient)
        if isinstance(gradient, _Chain) or columns > SHORT_GRADIENT:
            return _Chain(parts)
    merged: dict[int, int] = {}
    for factor, gradient in parts:
        for column, slope in gradient.items():  # type: ignore[union-attr]
            merged[column] = (merged.get(column, 0) + factor * slope) % prime
    return merged


def keep(gradient: Gradient) -> None:
    """It is part of many others: its slopes are found once."""
    if isinstance(gradient, _Chain):
        gradient.kept = True


def slopes_of(gradient: Gradient, prime: int) -> Mapping[int, int]:
    """{column: slope} modulo the prime.

    >>> long = combine([(1, {n: n}) for n in range(100)], 101)
    >>> slopes_of(combine([(2, long), (3, long)], 101), 101)[7]
    35
    """
    if not isinstance(gradient, _Chain):
        return gradient
    if gradient.table is None:
        gradient.table = _backwards(gradient, prime)
    return gradient.table


def _backwards(whole: _Chain, prime: int) -> Mapping[int, int]:
    """From the whole to what it is made of; what is kept is found by itself, but inside of such."""
    factors: dict[int, int] = {id(whole): 1}
    slopes: dict[int, int] = {}
    for chain in reversed(_order(whole)):
        by = factors[id(chain)]
        table = chain.table
        if table is None and chain.kept and not whole.kept:
            table = slopes_of(chain, prime)
        pieces = chain.parts if table is None else ((1, table),)
        for factor, part in pieces:
            scale = by * factor % prime
            if isinstance(part, _Chain):
                factors[id(part)] = (factors.get(id(part), 0) + scale) % prime
                continue
            for column, slope in part.items():
                slopes[column] = (slopes.get(column, 0) + scale * slope) % prime
    return slopes


def _order(whole: _Chain) -> list[_Chain]:
    """Every chain after those that it is made of."""
    found: list[_Chain] = []
    seen: set[int] = set()
    stack: list[tuple[_Chain, bool]] = [(whole, False)]
    while stack:
        chain, done = stack.pop()
        if done:
            found.append(chain)
        elif id(chain) not in seen:
            seen.add(id(chain))
            stack.append((chain, True))
            if chain.table is None and not (chain.kept and not whole.kept):
                stack += [(part, False) for _, part in chain.parts if type(part) is _Chain]
    return found
