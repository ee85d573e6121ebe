"""What the names in a text stand for, and the functions of the language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from symelbo.index.build import extent_of
from symelbo.index.domains import Real
from symelbo.index.substitute import symbols_of
from symelbo.index.terms import (
    Array,
    Entry,
    Extent,
    Index,
    IndexTerm,
    IndexValue,
    Role,
    Symbol,
    Term,
)
from symelbo.limits import COPIED_OPERATIONS
from symelbo.values import dataclass

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
    "category_extent",
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
    """A deterministic quantity: its array, and how many operations that holds."""

    array: Array
    operations: int


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


def category_extent(symbol: Symbol) -> Extent | None:
    """A category node -> its number of categories."""
    return extent_of(symbol.domain.upper)


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
