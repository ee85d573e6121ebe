"""Statements by the name that they define, parents first."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from graphlib import TopologicalSorter

from symelbo.language.scope import Broken
from symelbo.language.syntax import Assignment, Expression, Sampling, StatementSyntax, names_used
from symelbo.model.context import Context, Parsed
from symelbo.model.strong_components import strong_components

__all__ = ["declare_targets", "find_parents", "in_order", "mentions"]


def declare_targets(context: Context, parsed: list[Parsed]) -> dict[str, list[Parsed]]:
    """Statements by the name they define; several only for the parts of one array."""
    groups: dict[str, list[Parsed]] = {}
    for item in parsed:
        name = item.syntax.target
        group = groups.get(name)
        if group and type(group[0].syntax) is type(item.syntax) and item.syntax.indices:
            group.append(item)
            continue
        what = "a node" if isinstance(item.syntax, Sampling) else "a deterministic quantity"
        if context.declare(name, what, item.place):
            groups[name] = [item]
    # until it is resolved, a name is known but has no meaning
    for name in groups:
        context.names[name] = Broken()
    return groups


def _expressions(syntax: StatementSyntax) -> Iterator[Expression]:
    if isinstance(syntax, Assignment):
        yield syntax.body
    else:
        for argument in syntax.arguments:
            yield argument.value


def mentions(syntax: StatementSyntax) -> set[str]:
    """The names on the right of a statement, but for its own loop variables."""
    used = {name for node in _expressions(syntax) for name in names_used(node)}
    return used.difference(item.variable for item in syntax.ranges)


def in_order(groups: dict[str, list[Parsed]]) -> list[list[str]]:
    """Names, parents first and else in the order of the file; those that need each other together.

    A name of several may need itself: z[t-1] in z[t].
    """
    parents = find_parents(groups)
    rank = {name: n for n, name in enumerate(groups)}
    components = strong_components(parents)
    number = {name: n for n, component in enumerate(components) for name in component}
    sorter = TopologicalSorter(
        {
            n: {number[p] for name in c for p in parents[name]} - {n}
            for n, c in enumerate(components)
        }
    )
    sorter.prepare()
    ready: list[tuple[int, int]] = []
    order: list[list[str]] = []
    while sorter.is_active():
        for n in sorter.get_ready():
            heapq.heappush(ready, (rank[components[n][0]], n))
        _, n = heapq.heappop(ready)
        order.append(components[n])
        sorter.done(n)
    return order


def find_parents(groups: dict[str, list[Parsed]]) -> dict[str, list[str]]:
    """name -> the names that its statements mention, in the order of the file."""
    parents: dict[str, list[str]] = {}
    for name, group in groups.items():
        used = set().union(*(mentions(item.syntax) for item in group))
        parents[name] = [parent for parent in groups if parent in used]
    return parents
