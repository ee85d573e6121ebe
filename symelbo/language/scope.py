"""What the names in a text stand for, and the functions of the language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from symelbo.index.build import add, mul, total
from symelbo.index.domains import Real
from symelbo.index.signs import is_within
from symelbo.index.substitute import free_indices, instantiate, symbols_of
from symelbo.index.terms import (
    Array,
    Delta,
    Entry,
    Extent,
    Index,
    IndexTerm,
    IndexValue,
    Position,
    Role,
    Symbol,
    Term,
)
from symelbo.limits import COPIED_OPERATIONS
from symelbo.values import dataclass
from symelbo.words import fresh_name

__all__ = [
    "DENSITY_FUNCTIONS",
    "FUNCTIONS",
    "MATRIX_FUNCTIONS",
    "STAND_IN",
    "UNKNOWN_EXTENT",
    "Broken",
    "Budget",
    "Deterministic",
    "Entity",
    "Loops",
    "Reach",
    "SizeName",
    "Undeclared",
    "array_shape",
    "is_sound",
    "is_tainted",
    "value_of",
]

# name -> number of arguments
FUNCTIONS: Final[Mapping[str, int]] = {
    "exp": 1,
    "log": 1,
    "sqrt": 1,
    "abs": 1,
    "tanh": 1,
    "sigmoid": 1,
    "softplus": 1,
    "log1p": 1,
    "loggamma": 1,
    "digamma": 1,
    "erf": 1,
}
# only in the log-density of a family
DENSITY_FUNCTIONS: Final[Mapping[str, int]] = {
    "polygamma": 2,
    "logbesseli0": 1,
    "cos": 1,
    "sin": 1,
}
MATRIX_FUNCTIONS: Final = ("inv", "logdet")


@dataclass(frozen=True, slots=True)
class SizeName:
    """A size, or in a density a formal extent bound to the extent it has here."""

    extent: Extent


@dataclass(frozen=True, slots=True)
class Deterministic:
    """A deterministic quantity: an array for each of its statements, and their operations.

    The own indices of an array run over the places that its statement defines: of the places up to
    `shape`, each is in one of them, from the first one of every axis on.

    parts: the quantities in them written out; written: the same in the names of these.
    """

    name: str
    parts: tuple[Array, ...]
    written: tuple[Array, ...]
    operations: int
    shape: tuple[Extent, ...]

    @property
    def symbol(self) -> Symbol:
        """What stands for it where it keeps its name."""
        return Symbol(self.name, Role.ARGUMENT, Real(), self.shape)

    @property
    def first(self) -> tuple[int, ...]:
        """The first place of every axis."""
        lows = ([index.low for index in part.indices] for part in self.parts)
        return tuple(map(min, zip(*lows, strict=True)))

    def at(self, places: tuple[IndexTerm, ...]) -> Term:
        """The entry at places that it has; of several parts the sum of delta(i, k) g_k over k."""
        if len(self.parts) == 1:
            return instantiate(self.parts[0], places)
        for part in self.parts:
            ends = zip(places, part.indices, strict=True)
            if all(is_within(place, index.extent, index.low) for place, index in ends):
                return instantiate(part, places)
        return add(*(_where_defined(part, places) for part in self.parts))


@dataclass(slots=True)
class Budget:
    """Operations that may still be copied for all texts together; bounds the time taken."""

    left: int = COPIED_OPERATIONS


@dataclass(frozen=True, slots=True)
class Broken:
    """A name that is declared by a faulty line; its uses are not reported again."""


Entity: TypeAlias = SizeName | Symbol | Deterministic | Broken
Loops: TypeAlias = Mapping[str, Index]
# What to do with a name nobody declared: (name, indices) -> its symbol.
Undeclared: TypeAlias = Callable[[str, tuple[IndexTerm, ...]], Symbol | None]

# Stands for a term that could not be resolved; never leaves the reader.
STAND_IN: Final = Entry(Symbol("?", Role.UNKNOWN, Real()))
UNKNOWN_EXTENT: Final = Extent("?")  # of a loop variable whose range is faulty


@dataclass(frozen=True, slots=True)
class Reach:
    """The places an index takes: low..high, where low is an integer, or equal to high if None."""

    low: int | None
    high: Extent


def _where_defined(part: Array, places: tuple[IndexTerm, ...]) -> Term:
    """The entry of a part, 0 at other places."""
    taken = {index.name for place in places for index in free_indices(place)}
    targets: list[IndexTerm] = []
    deltas: list[Term] = []
    summed: list[Index] = []
    for index, place in zip(part.indices, places, strict=True):
        target: IndexTerm = place
        if not is_within(place, index.extent, index.low):
            target = Position(index.extent)
            if index.extent != Extent(None, index.low):
                target = index.like(fresh_name(index.name, taken))
                summed.append(target)
            deltas.append(Delta(place, target))
        targets.append(target)
    term = mul(*deltas, instantiate(part, tuple(targets)))
    for index in summed:
        term = total(index, term)
    return term


def array_shape(array: Array) -> tuple[Extent, ...]:
    """The extents of an array's own indices."""
    return tuple(index.extent for index in array.indices)


def is_sound(loops: Loops) -> bool:
    """Whether every loop variable has a range."""
    return all(index.extent != UNKNOWN_EXTENT for index in loops.values())


def is_tainted(array: Array) -> bool:
    """Whether a faulty or broken part stands in a term: it is fit for further checks only."""
    return STAND_IN.symbol in symbols_of(array)


def value_of(symbol: Symbol, indices: tuple[IndexTerm, ...]) -> Term:
    """symbol, places -> its entry as a number; of a category the number that it selects."""
    entry = Entry(symbol, indices)
    return IndexValue(entry) if symbol.domain.is_place else entry
