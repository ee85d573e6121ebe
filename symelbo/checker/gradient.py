"""The derivatives of a term at concrete places by all of its entries: one walk back over the graph.

What is used below n functions has a derivative of n factors.  Along one direction for each entry
these are n squared parts; backwards, from the term to its entries, every part gets one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import TypeAlias

from .terms import (
    MAX_WRITTEN_OUT,
    ONE,
    NotShown,
    Raw,
    RawIndex,
    map_indices,
    minus,
    negative,
    slope_of,
    sum_of,
)
from .work import work_left

__all__ = ["gradient"]

Slopes: TypeAlias = list[tuple[Raw, Raw]]


def gradient(raw: Raw, is_leaf: Callable[[Raw], bool], moves: Callable[[Raw], bool]) -> Slopes:
    """The leaves of a term, each with the derivative by it.

    A leaf is an entry, or a larger part at which the walk stops; what does not move is left out.

    >>> square = ("*", x, x, y)
    >>> slopes = gradient(square, lambda part: part in (x, y), lambda part: part != y)
    >>> [(leaf == x, is_zero(minus(slope, ("*", TWO, x, y)))) for leaf, slope in slopes]
    [(True, True)]
    """
    return _Gradient(is_leaf, moves).of(raw) if moves(raw) else []


class _Gradient:
    """inputs: what moves in each part that is no leaf, with the derivative by it alone."""

    def __init__(self, is_leaf: Callable[[Raw], bool], moves: Callable[[Raw], bool]) -> None:
        self.is_leaf, self.moves = is_leaf, moves
        self.work = work_left()
        self.inputs: dict[int, Slopes] = {}
        self.leaves: dict[int, Raw] = {}
        self.order: list[Raw] = []  # every part after those that it is made of

    def of(self, raw: Raw) -> Slopes:
        """d/dc = sum over the parts p that c is in of d/dp dp/dc, from the term to its leaves."""
        self.visit(raw)
        above: dict[int, list[Raw]] = {id(raw): [ONE]}
        for part in reversed(self.order):
            whole = _sum(above[id(part)])
            for child, slope in self.inputs[id(part)]:
                above.setdefault(id(child), []).append(_product(slope, whole))
        return [(leaf, _sum(above[name])) for name, leaf in self.leaves.items()]

    def visit(self, part: Raw) -> None:
        """Put everything that moves in order."""
        if id(part) in self.inputs or id(part) in self.leaves:
            return
        if self.is_leaf(part):
            self.leaves[id(part)] = part
            return
        self.inputs[id(part)] = found = [it for it in self.slopes(part) if self.moves(it[0])]
        for child, _ in found:
            self.visit(child)
        self.order.append(part)

    def slopes(self, t: Raw) -> Iterator[tuple[Raw, Raw]]:
        """What a part is made of, with the derivative by each."""
        self.work.spend(len(t), "a derivative")
        head = t[0]
        if head == "+":
            for part in t[1:]:
                yield part, ONE
        elif head == "*":
            for k, part in enumerate(t[1:], start=1):
                self.work.spend(len(t), "a derivative")
                yield part, ("*", *t[1:k], *t[k + 1 :])
        elif head == "^":
            _, base, exponent = t
            less: Raw = ("q", exponent[1] - 1) if exponent[0] == "q" else minus(exponent, ONE)
            yield base, ("*", exponent, ("^", base, less))
            if self.moves(exponent):  # then the base is positive
                yield exponent, ("*", t, ("f", "log", base))
        elif head == "f":
            if any(map(self.moves, t[2:-1])):
                raise NotShown(f"derivative of {t[1]} by its order")
            yield t[-1], slope_of(t[1], t[2:])
        elif head == "S":
            for place in self.places(t[1]):
                yield map_indices(t[2], {t[1]: place}), ONE
        elif head in ("Inv", "LD"):
            yield from self.matrix(t)
        elif head in ("v", "A"):
            raise NotShown("an entry, or an abstract function, that is no leaf")

    def matrix(self, t: Raw) -> Iterator[tuple[Raw, Raw]]:
        """d log|det A| / dA[k,m] = Inv[m,k], d Inv[r,c] / dA[k,m] = -Inv[r,k] Inv[m,c]"""
        (i, j), body = t[1]
        for k, m in product(self.places(i), self.places(j)):
            slope: Raw = ("Inv", t[1], m, k)
            if t[0] == "Inv":
                slope = negative(("*", ("Inv", t[1], t[2], k), ("Inv", t[1], m, t[3])))
            yield map_indices(body, {i: k, j: m}), slope

    @staticmethod
    def places(index: RawIndex) -> list[RawIndex]:
        """All places of a concrete range."""
        if index[3] or index[4] - index[2] >= MAX_WRITTEN_OUT:
            raise NotShown("a range that is not known, or too long to be written out")
        return [("p", "", k) for k in range(index[2], index[4] + 1)]


def _sum(parts: list[Raw]) -> Raw:
    return parts[0] if len(parts) == 1 else sum_of(*parts)


def _product(slope: Raw, whole: Raw) -> Raw:
    """Each factor by itself, so that what is shared stays shared."""
    if slope is ONE:
        return whole
    return slope if whole is ONE else ("*", slope, whole)
