"""How many operations a numerical evaluation takes, counted before it is begun."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from symelbo.index.terms import Node, Symbol
from symelbo.trial.evaluate import World

__all__ = ["count_entries", "count_operations"]


def count_operations(items: Iterable[Node], world: World) -> int:
    """Nodes that `evaluate` visits, each as often as the sums and arrays around it have places."""
    known: dict[Node, int] = {}

    def count(item: Node) -> int:
        if item not in known:
            inside = 1 + sum(map(count, item.parts()))
            known[item] = inside * prod(
                max(0, world.length(index.extent) + 1 - index.low) for index in item.bound()
            )
        return known[item]

    return sum(map(count, items))


def count_entries(symbols: Iterable[Symbol], world: World) -> int:
    """Entries that are drawn."""
    return sum(prod(map(world.length, symbol.shape)) for symbol in symbols)
