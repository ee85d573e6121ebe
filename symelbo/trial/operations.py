"""How many operations a numerical evaluation takes, counted before it is begun."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from symelbo.index.terms import Index, Node, Symbol
from symelbo.trial.evaluate import World, free_indices
from symelbo.trial.remember import Remembered

__all__ = ["count_entries", "count_operations"]


def count_operations(items: Iterable[Node], world: World) -> int:
    """Nodes that `evaluate` visits, each as often as the sums and arrays around it have places.

    What is remembered counts once for all values of its free indices.
    """
    known: dict[Node, int] = {}
    remembered: list[Remembered] = []

    def places(indices: Iterable[Index]) -> int:
        return prod(max(0, world.length(i.extent) + 1 - i.low) for i in indices)

    def count(item: Node) -> int:
        if item not in known:
            if isinstance(item, Remembered):
                remembered.append(item)
                known[item] = 1
            else:
                known[item] = (1 + sum(map(count, item.parts()))) * places(item.bound())
        return known[item]

    whole = sum(map(count, items))
    for item in remembered:  # which grows while what it holds is counted
        whole += count(item.term) * places(free_indices(item))
    return whole


def count_entries(symbols: Iterable[Symbol], world: World) -> int:
    """Entries that are drawn."""
    return sum(prod(map(world.length, symbol.shape)) for symbol in symbols)
