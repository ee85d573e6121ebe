"""Deterministic quantities by the names that the user gave them: what a page defines, and where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from symelbo.index.substitute import symbols_of
from symelbo.index.terms import Array, Entry, Extent, Position, Role, Symbol, Term
from symelbo.limits import LISTED_QUANTITIES
from symelbo.model.model import Model, Statement
from symelbo.values import replace

__all__ = ["Definition", "explain_names", "left_side", "write_process"]

Definition = tuple[Symbol, Array]  # what a quantity is at the places of the array


def write_process(
    model: Model, statements: Iterable[Statement], known: Iterable[str] = ()
) -> tuple[Statement | Definition, ...]:
    """The statements as the user wrote them, each after the quantities that it is the first to
    need.

    known: names that are defined already.
    """
    found: list[Statement | Definition] = []
    defined = set(known)
    for statement in statements:
        given = ((n, Array(a.indices, _written(model, a.body))) for n, a in statement.arguments)
        arguments = tuple(given)
        new = _define(model, (array for _, array in arguments), defined)
        defined |= {symbol.name for symbol, _ in new}
        found += [*new, replace(statement, arguments=arguments)]
    return tuple(found)


def _define(model: Model, arrays: Iterable[Array], known: set[str]) -> list[Definition]:
    """The quantities in some arrays and those in them, inner first; not those that are known."""
    needed = _reachable(model, arrays) - known
    return [pair for pair in model.formulas if pair[0].name in needed]


def explain_names(model: Model, pairs: Iterable[Definition]) -> list[Definition]:
    """name := long -> name := formula in the names of quantities, and what these stand for.

    What was asked comes first; where very many names would follow, they are left to the
    specification, which defines them.
    """
    asked = dict(pairs)
    formulas: dict[str, list[Definition]] = {}
    for symbol, array in model.formulas:
        formulas.setdefault(symbol.name, []).append((symbol, array))
    found: list[Definition] = []
    for symbol, array in asked.items():
        own = formulas.get(symbol.name)
        found += own or [(symbol, Array(array.indices, _written(model, array.body)))]
    rest = _define(model, [array for _, array in found], {symbol.name for symbol in asked})
    names = dict.fromkeys(symbol.name for symbol, _ in reversed(rest))
    if len(names) > LISTED_QUANTITIES:
        return found
    return [*found, *(pair for name in names for pair in rest if pair[0].name == name)]


def left_side(symbol: Symbol, array: Array) -> Entry:
    """a[d] of a definition a[d] = ...; a place k is written as such, not as a range of one."""
    places = (Position(i.extent) if i.extent == Extent(None, i.low) else i for i in array.indices)
    return Entry(symbol, tuple(places))


def _written(model: Model, term: Term) -> Term:
    return model.written.get(term, term)


def _named(array: Array) -> Iterator[str]:
    return (s.name for s in symbols_of(array) if s.role is Role.ARGUMENT)


def _reachable(model: Model, arrays: Iterable[Array]) -> set[str]:
    """The quantities in some arrays, and in the formulas of these."""
    inside: dict[str, set[str]] = {}
    for symbol, array in model.formulas:
        inside.setdefault(symbol.name, set()).update(_named(array))
    stack = [name for array in arrays for name in _named(array)]
    found: set[str] = set()
    while stack:
        name = stack.pop()
        if name in inside and name not in found:
            found.add(name)
            stack += inside[name]
    return found
