"""The entropy of a density, by (U) with a constant base measure: H = d - R."""

from __future__ import annotations

from symelbo.criterion.factor import make_factor, open_density
from symelbo.expfam.form import Gauge
from symelbo.expfam.respond import Travel, respond, value_at
from symelbo.expfam.separate_change import separate_change, speed
from symelbo.families.density import Density
from symelbo.index.build import negate
from symelbo.index.normal import normal
from symelbo.index.substitute import replace_symbols, symbols_of
from symelbo.index.terms import Array, Role, Symbol, Term
from symelbo.index.tidy import sum_over
from symelbo.model.model import Statement

__all__ = ["entropy_at_point", "entropy_of_statement", "radial_entropy"]


def radial_entropy(statement: Statement) -> tuple[Density, dict[Symbol, Array], Term] | None:
    """log p(v; a) -> the density with its arguments open, the speeds of these along which (U) holds
    with b = 0, and the entropy in them, nats; None if no motion of a yields it.

    With b = 0 the criterion makes H~ the entropy, whatever the model does with the density.
    """
    density = open_density(statement)
    change = separate_change(density)
    response = respond(change, Gauge.CONSTANT, Travel.REST)
    if response is None or response.left:
        return None
    assert all(s.role is not Role.VALUE for s in symbols_of(change.rest)), "R mentions the value"
    values: dict[Symbol, Array] = {speed(a): array for a, array in response.values.items()}
    still = value_at(density.value, Travel.REST)
    entropy = normal(negate(replace_symbols(replace_symbols(change.rest, values), still)))
    speeds = {
        a: Array(array.indices, replace_symbols(array.body, still))
        for a, array in response.values.items()
    }
    return density, speeds, entropy


def entropy_at_point(statement: Statement) -> Term | None:
    """The entropy of a density at one point of its plates, in nats; None if it is not derived.

    That of an abstract family has no formula but its name.
    """
    found = None if statement.family.abstract else radial_entropy(statement)
    return None if found is None else replace_symbols(found[2], make_factor(statement).actual())


def entropy_of_statement(statement: Statement) -> Term | None:
    """The entropy of a declared density over its plates, in nats; None if it is not derived."""
    found = entropy_at_point(statement)
    return None if found is None else normal(sum_over(statement.plates, found))
