"""How large a term is: how many operations have to be worked on, and how deep they are nested."""

from __future__ import annotations

from symelbo.index.terms import Array, Node

__all__ = ["count_operations", "height_of"]


def count_operations(item: Node, most: int) -> int:
    """The parts of a term that are no places, each once however often it is shared.

    Counts no further than one more than `most`.
    """
    seen = {item}
    stack = [item]
    while stack and len(seen) <= most:
        for part in _operands(stack.pop()):
            if part not in seen:
                seen.add(part)
                stack.append(part)
    return min(len(seen), most + 1)


def height_of(item: Node, memo: dict[Node, int]) -> int:
    """How deep operations are nested; `memo` carries the heights of shared parts."""
    known = memo.get(item)
    if known is None:
        heights = (height_of(part, memo) for part in _operands(item))
        known = memo[item] = 1 + max(heights, default=0)
    return known


def _operands(item: Node) -> list[Node]:
    return [part for part in item.parts() if isinstance(part, Array) or not item.selects]
