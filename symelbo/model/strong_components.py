"""Directed graphs: which nodes reach each other, and the ways round among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

__all__ = ["find_way_round", "strong_components"]

N = TypeVar("N")


def strong_components(successors: Mapping[N, Sequence[N]]) -> list[list[N]]:
    """graph -> its strongly connected components, what a component leads to before it.

    ensures: every node is in one of them; the nodes of a component are in the order of the graph.
    Source: Tarjan (1972), with a stack of its own.
    """
    rank = {node: n for n, node in enumerate(successors)}
    number: dict[N, int] = {}
    lowest: dict[N, int] = {}
    open_nodes: list[N] = []
    is_open: set[N] = set()
    result: list[list[N]] = []
    for root in successors:
        if root in number:
            continue
        stack = [(root, iter(successors[root]))]
        number[root] = lowest[root] = len(number)
        open_nodes.append(root)
        is_open.add(root)
        while stack:
            node, rest = stack[-1]
            for child in rest:
                if child not in number:
                    number[child] = lowest[child] = len(number)
                    open_nodes.append(child)
                    is_open.add(child)
                    stack.append((child, iter(successors[child])))
                    break
                if child in is_open:
                    lowest[node] = min(lowest[node], number[child])
            else:
                stack.pop()
                if stack:
                    above = stack[-1][0]
                    lowest[above] = min(lowest[above], lowest[node])
                if lowest[node] == number[node]:
                    component: list[N] = []
                    while node not in component[-1:]:
                        component.append(open_nodes.pop())
                    is_open.difference_update(component)
                    result.append(sorted(component, key=rank.__getitem__))
    return result


def find_way_round(successors: Mapping[N, Sequence[N]]) -> list[N] | None:
    """graph -> a shortest closed walk through one of its nodes, the first again at the end.

    None if the graph has no cycle.
    """
    for component in strong_components(successors):
        within = set(component)
        first = component[0]
        came_from: dict[N, N] = {}
        level = [first]
        while level:
            following = []
            for node in level:
                for child in successors[node]:
                    if child == first:
                        path = [first, node]
                        while path[-1] != first:
                            path.append(came_from[path[-1]])
                        return path[::-1]
                    if child in within and child not in came_from:
                        came_from[child] = node
                        following.append(child)
            level = following
    return None
