"""How many operations a numerical evaluation takes, counted before it is begun."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from symelbo.index.terms import Node
from symelbo.trial.evaluate import World
from symelbo.trial.remember import Remembered

__all__ = ["count_operations"]


def count_operations(items: Iterable[Node], world: World) -> int:
    """Nodes that `evaluate` visits, each as often as the sums and arrays around it have places.

    What is remembered counts once.
    """
    known: dict[Node, int] = {}

    def count(item: Node) -> int:
        if isinstance(item, Remembered):
            return 1 if item.term in known else 1 + count(item.term)
        if item not in known:
            inside = 1 + sum(map(count, item.parts()))
            known[item] = inside * prod(
                max(0, world.length(index.extent) + 1 - index.low) for index in item.bound()
            )
        return known[item]

    return sum(map(count, items))
