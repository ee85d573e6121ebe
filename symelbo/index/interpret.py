"""Put a definition in the place of an abstract function."""

from __future__ import annotations

from collections.abc import Mapping

from symelbo.index.nodes import Memo
from symelbo.index.substitute import instantiate, map_terms, replace_symbols, symbols_of
from symelbo.index.terms import Apply, Array, Symbol, Term
from symelbo.values import dataclass

__all__ = ["Interpretation", "interpret_functions"]


@dataclass(frozen=True, slots=True)
class Interpretation:
    """f(formals)[indices] := body, with formal arguments of role ARGUMENT."""

    formals: tuple[Symbol, ...]
    array: Array


def interpret_functions(term: Term, meaning: Mapping[Symbol, Interpretation]) -> Term:
    """f(a)[i], {f: (x, \\j. body)} -> body with x := a, j := i; no derivatives of f.

    >>> square = Interpretation((x,), Array((), term("x^2")))
    >>> show(interpret_functions(term("m(y + 1)"), {m: square}))
    (y + 1)**2
    """

    if symbols_of(term).isdisjoint(meaning):
        return term

    def rule(interpreted: Memo[Term, Term], part: Term) -> Term:
        if isinstance(part, Apply) and part.function in meaning:
            if part.derivatives:
                raise ValueError("a derivative of an abstract function is not interpreted")
            chosen = meaning[part.function]
            actual = {
                formal: Array(argument.indices, interpreted[argument.body])
                for formal, argument in zip(chosen.formals, part.arguments, strict=True)
            }
            return replace_symbols(instantiate(chosen.array, part.indices), actual)
        return map_terms(part, interpreted.__getitem__)

    return Memo(rule)[term]
