"""How large a term is: how many operations have to be worked on."""

from __future__ import annotations

from symelbo.index.substitute import operands
from symelbo.index.terms import Node

__all__ = ["count_operations"]


def count_operations(item: Node, most: int) -> int:
    """The parts of a term that are no places, each once however often it is shared.

    Counts no further than one more than `most`.
    """
    seen = {item}
    stack = [item]
    while stack and len(seen) <= most:
        for part in operands(stack.pop()):
            if part not in seen:
                seen.add(part)
                stack.append(part)
    return min(len(seen), most + 1)
