"""The names that a model takes."""

from __future__ import annotations

from collections.abc import Iterable

from symelbo.index.substitute import walk_parts
from symelbo.index.terms import Array, Index
from symelbo.model.model import Model
from symelbo.notation.print_text import BARE_WORDS, TextNotation

__all__ = ["indices_in", "names_in", "text_notation"]


def text_notation(model: Model) -> TextNotation:
    """The notation of text in which no word can be read as a name of the model.

    A size or an index takes no brackets, so that only a bare word may be read as one; bound indices
    are given other letters.
    """
    plates = {index.name for statement in model.all_statements for index in statement.plates}
    return TextNotation(frozenset(_symbols_of(model) | (BARE_WORDS & {*model.sizes, *plates})))


def _symbols_of(model: Model) -> set[str]:
    symbols = (*model.parameters, *model.constants, *model.inputs, *model.functions)
    nodes = (statement.node for statement in model.statements)
    named = (*symbols, *model.variational_symbols, *nodes, *dict(model.definitions))
    return {symbol.name for symbol in named}


def names_in(model: Model) -> frozenset[str]:
    """Its symbols, quantities, sizes and nodes, and the indices of its statements and of q's."""
    names = _symbols_of(model) | set(model.sizes)
    for statement in model.all_statements:
        names |= {index.name for index in statement.plates}
        names |= indices_in(array for _, array in statement.arguments)
    return frozenset(names)


def indices_in(arrays: Iterable[Array]) -> set[str]:
    """The names of their indices, bound ones too."""
    parts = (part for array in arrays for part in walk_parts(array, binders=True))
    return {part.name for part in parts if isinstance(part, Index)}
