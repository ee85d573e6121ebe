"""What the generated functions that fill templates need: loops, attributes, lists of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

__all__ = ["Loop", "attribute", "batch", "join", "order"]

T = TypeVar("T")


class Loop:
    """Where a loop is: `first`, `last`, and `index`, which counts from 1."""

    __slots__ = ("first", "index", "last")

    def __init__(self, index: int, length: int) -> None:
        self.first, self.last, self.index = index == 1, index == length, index

    @classmethod
    def over(cls, items: Iterable[T]) -> Iterator[tuple[Loop, T]]:
        """Each item with where the loop is."""
        known = list(items)
        for n, item in enumerate(known, 1):
            yield cls(n, len(known)), item


def attribute(value: Any, name: str) -> Any:
    """value.name, or value["name"] of a mapping."""
    try:
        return getattr(value, name)
    except AttributeError:
        return value[name]


def join(items: Iterable[object], separator: str = "") -> str:
    """The texts of the items, one after the other."""
    return separator.join(map(str, items))


def batch(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items, so many at a time."""
    known = list(items)
    for start in range(0, len(known), size):
        yield known[start : start + size]


def order(items: Iterable[T], name: str) -> list[T]:
    """The items by an attribute of theirs, whatever the case of its letters."""
    return sorted(items, key=lambda item: str(attribute(item, name)).lower())
