"""What is known of the values of a model beyond the domains of its symbols."""

from __future__ import annotations

from symelbo.index.substitute import replace_symbols, symbols_of
from symelbo.index.terms import Array, Entry, Symbol
from symelbo.model.model import Model, Statement
from symelbo.values import dataclass

__all__ = ["Facts", "find_facts"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules for printing may use beyond the domains of the symbols.

    zeros: simplexes whose entries may be 0, the rest of the model being made for it;
    totals: counts x[..., k] -> their sum over k, an Array over the places before;
    bounds: values -> the least and the greatest of each (None where there is none), Arrays over
    their places.
    """

    zeros: frozenset[Symbol] = frozenset()
    totals: tuple[tuple[Symbol, Array], ...] = ()
    bounds: tuple[tuple[Symbol, tuple[Array | None, Array | None]], ...] = ()


def find_facts(model: Model) -> Facts:
    """The simplexes that only serve as probabilities of categories, totals and bounds of values."""
    known = (*model.parameters, *model.constants, *model.variational_symbols)
    zeros = {symbol for symbol in known if symbol.domain.entry_sum == 1}
    totals, bounds = [], []
    for statement in model.all_statements:
        for formal, (_, array) in zip(statement.form.arguments, statement.arguments, strict=True):
            body = array.body
            whole = isinstance(body, Entry) and body.indices[-1:] == array.indices
            if not (whole and formal.zeros):
                zeros -= symbols_of(array)
        if statement in model.declared or statement.places != statement.plates:
            continue
        ends = _bounds_of(statement)
        bounds.append((statement.node, ends))
        if statement.family.support.upper_is_sum and ends[1] is not None:
            totals.append((statement.node, ends[1]))
    return Facts(frozenset(zeros), tuple(totals), tuple(b for b in bounds if any(b[1])))


def _bounds_of(statement: Statement) -> tuple[Array | None, Array | None]:
    """The ends of the support of a family, in the arguments of a statement."""
    found: list[Array | None] = []
    arguments = dict(statement.arguments)
    for bound in (statement.family.support.lower, statement.family.support.upper):
        if bound is None or statement.family.support.is_place:
            found.append(None)
            continue
        given = {s: arguments[s.name] for s in symbols_of(bound)}
        found.append(Array(statement.plates, replace_symbols(bound, given)))
    return found[0], found[1]
