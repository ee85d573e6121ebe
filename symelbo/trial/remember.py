"""Terms whose repeated parts are evaluated once: a graph is not walked as a tree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from symelbo.index.nodes import node
from symelbo.index.terms import Array, Entry, IndexTerm, Node, Term
from symelbo.limits import REMEMBERED_FROM

__all__ = ["Remembered", "remember"]

N = TypeVar("N", bound=Node)


@node
class Remembered(Term):
    """A term that is evaluated once in a world, at each value of its free indices."""

    rank = 30
    term: Term

    def parts(self) -> tuple[Node, ...]:
        return (self.term,)

    def rebuilt(self, bound: tuple[IndexTerm, ...], parts: Sequence[Any]) -> Remembered:
        return Remembered(*parts)


def remember(items: Mapping[str, N]) -> dict[str, N]:
    """Large items -> the same, in which what several nodes share is `Remembered`; by their names.

    Items that are small as trees stay as they are: there is nothing to gain.
    """
    sizes: dict[Node, int] = {}
    order = _inner_first(items.values(), sizes)
    if max((sizes[item] for item in items.values()), default=0) <= REMEMBERED_FROM:
        return dict(items)
    uses = Counter(part for item in order for part in dict.fromkeys(item.parts()))
    # the body of an array that several nodes share is shared as well
    uses.update(item.body for item in order if isinstance(item, Array) and uses[item] > 1)
    made: dict[Node, Any] = {}
    for item in order:
        parts = [
            part if item.selects and not isinstance(part, Array) else made[part]
            for part in item.parts()
        ]
        again: Any = item.rebuilt(item.bound(), parts) if parts else item
        shared = uses[item] > 1 and parts and isinstance(item, Term)
        made[item] = Remembered(again) if shared and not isinstance(item, Entry) else again
    return {name: made[item] for name, item in items.items()}


def _inner_first(items: Any, sizes: dict[Node, int]) -> list[Node]:
    """Every node inside, its parts before it; sizes: of each as a tree."""
    order: list[Node] = []
    stack: list[Node] = list(items)
    while stack:
        top = stack[-1]
        waiting = [part for part in top.parts() if part not in sizes]
        if waiting:
            stack += waiting
            continue
        stack.pop()
        if top not in sizes:
            sizes[top] = 1 + sum(sizes[part] for part in top.parts())
            order.append(top)
    return order
