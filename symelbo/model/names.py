"""The names that a model takes."""

from __future__ import annotations

from symelbo.index.substitute import walk_parts
from symelbo.index.terms import Index
from symelbo.model.model import Model

__all__ = ["names_in"]


def names_in(model: Model) -> frozenset[str]:
    """Its symbols, sizes and nodes, and the indices of its statements and of those of q."""
    symbols = (*model.parameters, *model.constants, *model.inputs, *model.functions)
    names = {symbol.name for symbol in (*symbols, *model.variational_symbols)} | set(model.sizes)
    for statement in model.all_statements:
        names.add(statement.node.name)
        names |= {index.name for index in statement.plates}
        for _, array in statement.arguments:
            names |= {
                part.name for part in walk_parts(array, binders=True) if isinstance(part, Index)
            }
    return frozenset(names)
