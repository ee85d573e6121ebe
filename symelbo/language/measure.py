"""How large a term is when written out as a tree (shared parts counted every time)."""

from __future__ import annotations

from symelbo.index.terms import Array, Node

__all__ = ["Measure", "measure"]

Measure = tuple[int, int]  # (nodes of the tree, its height)


def measure(item: Node, memo: dict[Node, Measure]) -> Measure:
    """Term -> (size, height); `memo` carries the measures of shared parts, so a DAG is cheap."""
    known = memo.get(item)
    if known is not None:
        return known
    parts = (part for part in item.parts() if isinstance(part, Array) or not item.selects)
    measures = [measure(part, memo) for part in parts]
    result = (
        1 + sum(size for size, _ in measures),
        1 + max((height for _, height in measures), default=0),
    )
    memo[item] = result
    return result
