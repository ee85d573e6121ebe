"""Statements by the name that they define, parents first."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from contextlib import suppress
from graphlib import CycleError, TopologicalSorter

from symelbo.language.scope import Broken
from symelbo.language.syntax import Assignment, Expression, Sampling, StatementSyntax, names_used
from symelbo.model import word_faults
from symelbo.model.context import Context, Parsed

__all__ = ["declare_targets", "in_order", "mentions"]


def declare_targets(context: Context, parsed: list[Parsed]) -> dict[str, list[Parsed]]:
    """Statements by the name they define; several only for the parts of one random array."""
    groups: dict[str, list[Parsed]] = {}
    for item in parsed:
        name = item.syntax.target
        group = groups.get(name)
        parts = group and all(isinstance(p.syntax, Sampling) for p in (*group, item))
        if group and parts and item.syntax.indices:
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
    """The names on the right of a statement."""
    return {name for node in _expressions(syntax) for name in names_used(node)}


def in_order(context: Context, groups: dict[str, list[Parsed]]) -> list[str]:
    """Names, parents first and else in the order of the file; cycles are reported and come last."""
    parents: dict[str, list[str]] = {}
    for name, group in groups.items():
        used = set().union(*(mentions(item.syntax) for item in group))
        if isinstance(group[0].syntax, Sampling):
            used.discard(name)  # z[t-1] in z[t]: judged where the indices are known
        parents[name] = [parent for parent in groups if parent in used]
    names = list(groups)
    rank = {name: n for n, name in enumerate(names)}
    sorter = TopologicalSorter(parents)
    with suppress(CycleError):  # it still hands out what no cycle holds up
        sorter.prepare()
    ready: list[int] = []
    order: list[str] = []
    while True:
        for name in sorter.get_ready():
            heapq.heappush(ready, rank[name])
        if not ready:
            break
        order.append(names[heapq.heappop(ready)])
        sorter.done(order[-1])
    done = set(order)
    left = [name for name in names if name not in done]
    for cycle in _find_cycles(parents, left):
        word_faults.cycle(context, groups[cycle[0]][0], cycle)
    return order + left


def _find_cycles(parents: dict[str, list[str]], left: list[str]) -> Iterator[list[str]]:
    """Cycles among the names left over, parent -> child, the first name again at the end.

    Every name left over has a parent left over, so walking up must come round.
    """
    pending = set(left)
    settled: set[str] = set()
    for start in left:
        path: list[str] = []
        name = start
        while name not in settled and name not in path:
            path.append(name)
            name = next(parent for parent in parents[name] if parent in pending)
        if name in path:
            cycle = path[path.index(name) :]
            cycle.reverse()
            turn = cycle.index(min(cycle, key=left.index))
            yield [*cycle[turn:], *cycle[:turn], cycle[turn]]
        settled.update(path)
