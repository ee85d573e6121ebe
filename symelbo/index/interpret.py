"""Put a definition in the place of an abstract function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from symelbo.index.substitute import instantiate, map_parts, replace_symbols
from symelbo.index.terms import Apply, Array, IndexTerm, Symbol, Term

__all__ = ["Interpretation", "interpret_functions"]


@dataclass(frozen=True, slots=True)
class Interpretation:
    """f(formals)[indices] := body, with formal arguments of role ARGUMENT."""

    formals: tuple[Symbol, ...]
    array: Array


def interpret_functions(term: Term, meaning: Mapping[Symbol, Interpretation]) -> Term:
    """f(a)[i], {f: (x, \\j. body)} -> body with x := a, j := i; no derivatives of f."""

    def on_index(place: IndexTerm) -> IndexTerm:
        return place

    def on_array(array: Array) -> Array:
        return Array(array.indices, on_term(array.body))

    def on_term(part: Term) -> Term:
        if isinstance(part, Apply) and part.function in meaning:
            if part.derivatives:
                raise ValueError("a derivative of an abstract function is not interpreted")
            chosen = meaning[part.function]
            actual = {
                formal: on_array(argument)
                for formal, argument in zip(chosen.formals, part.arguments, strict=True)
            }
            return replace_symbols(instantiate(chosen.array, part.indices), actual)
        return map_parts(part, on_term, on_index, on_array)

    return on_term(term)
