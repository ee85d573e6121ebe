"""A parameter-free scale prior -> the same with a learnable scale, where that changes nothing.

z -> a z moves the scale of a latent between the prior and the first layer of the decoder.  If the
layer is linear in z with free weights, and the family of q is closed under scaling, the scale's
derivative vanishes at stationary points although the scale itself is no parameter of the model.
Source: Lücke & Warnken (2022), Example 2; Damm et al. (2023), VAE-2; Warnken et al. (2025),
Section 3, before Eqn 27.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from symelbo.criterion.factor import is_parent, parameters_of
from symelbo.index.build import ONE, ZERO, add, mul, subtract
from symelbo.index.differentiate import derivative_along
from symelbo.index.normal import to_poly
from symelbo.index.solve import Found, find_by_elimination, find_scaling, formal_indices
from symelbo.index.substitute import replace_symbols, symbols_of
from symelbo.index.terms import Array, Domain, Entry, Role, Symbol, Term
from symelbo.language.density import density_term
from symelbo.spec.model import Model, Statement

__all__ = ["NotReparameterized", "Reparameterization", "reparameterize_prior"]


@dataclass(frozen=True, slots=True)
class Reparameterization:
    """A prior whose known scale argument may be treated as learned.

    argument: the scale argument; value: what the model fixes it to; scale: the symbol that stands
    for it, one entry per plate; exponent: k in (z -> e^s z, scale -> e^(k s) scale);
    compensation: the parameter field that moves all other factors as
    z[a] -> (1 + s stretch[a]) z[a] does; its negative undoes the stretching.
    """

    node: Symbol
    argument: str
    value: Term
    scale: Symbol
    statement: Statement  # the prior with the learned scale
    exponent: Fraction
    stretch: Symbol
    compensation: Mapping[Symbol, Array]
    q_condition: str  # "assumed", "exact posterior" or "shown"


@dataclass(frozen=True, slots=True)
class NotReparameterized:
    """Why the prior of a node cannot be given a learnable scale."""

    node: Symbol
    reason: str


def reparameterize_prior(
    model: Model, statement: Statement
) -> Reparameterization | NotReparameterized:
    """A parameter-free prior -> its learnable-scale form, or the reason against it."""
    node = statement.node
    if model.reparameterize == "never":
        return NotReparameterized(node, "the specification says reparameterize: never")
    if node.name in model.observed:
        return NotReparameterized(node, f"{node.name} is observed")
    if sum(1 for s in model.statements if s.node == node) > 1:
        return NotReparameterized(node, f"{node.name} has more than one statement")
    scaled = _find_scale(statement)
    if scaled is None:
        return NotReparameterized(
            node, f"{statement.family.name} has no known scale that stretches {node.name} about 0"
        )
    argument, exponent = scaled
    others = [s for s in model.statements if s is not statement]
    stretch = Symbol(f"stretch of {node.name}", Role.CONSTANT, Domain("real"), node.shape)
    compensation = _find_compensation(node, stretch, others)
    if compensation is None:
        return NotReparameterized(
            node,
            f"the layer that reads {node.name} is not linear in it with free weights, so a scale of"
            f" {node.name} cannot be moved into the weights",
        )
    q_condition = _check_variational(model, node)
    if q_condition is None:
        return NotReparameterized(
            node, f"the variational family of {node.name} is not closed under scaling {node.name}"
        )
    name = _fresh_name(model, node)
    scale = Symbol(
        name, Role.PARAMETER, Domain("positive"), tuple(i.extent for i in statement.plates)
    )
    entry = Entry(scale, statement.plates)
    arguments = tuple(
        (n, Array((), entry) if n == argument else array) for n, array in statement.arguments
    )
    value = dict(statement.arguments)[argument].body
    learned = replace(statement, arguments=arguments)
    return Reparameterization(
        node, argument, value, scale, learned, exponent, stretch, compensation, q_condition
    )


def _fresh_name(model: Model, node: Symbol) -> str:
    taken = {s.name for s in (*model.parameters, *model.constants, *model.inputs, *model.functions)}
    taken |= {s.node.name for s in model.statements} | set(model.sizes)
    taken |= {s.name for s in model.variational_symbols}
    taken |= {name.removesuffix("2") for name in taken}  # tau2 is printed as a square of tau
    for name in ("tau", "rho", "scale", f"scale_{node.name}"):
        if name not in taken:
            return name
    return f"scale_{node.name}_prior"


def _find_scale(statement: Statement) -> tuple[str, Fraction] | None:
    """The argument and the k with log p(e^s v; e^(k s) a) = log p(v; a) - s."""
    if statement.node.shape != tuple(i.extent for i in statement.plates):
        return None  # a multivariate prior has no single scale
    density = density_term(statement.family, statement.form, dict(statement.extents))
    given = dict(statement.arguments)
    for candidate in density.arguments[::-1]:
        if candidate.domain.kind != "positive" or candidate.shape:
            continue
        known = {a: given[a.name] for a in density.arguments if a != candidate}
        term = replace_symbols(density.term, known)
        unknown = Symbol("exponent", Role.UNKNOWN, Domain("real"))
        value = density.value
        field = {value: Array((), Entry(value)), candidate: Array((), Entry(unknown))}
        equation = add(derivative_along(term, field), ONE)
        found = find_scaling([equation], {unknown: candidate})
        if isinstance(found, Found):
            exponents = list(to_poly(found.values[unknown].body).values())
            return candidate.name, exponents[0]
    return None


def _find_compensation(
    node: Symbol, stretch: Symbol, statements: Sequence[Statement]
) -> dict[Symbol, Array] | None:
    """The parameter field that moves every other factor as z[a] -> (1 + s stretch[a]) z[a] does."""
    parameters = sorted(
        frozenset().union(*(parameters_of(s) for s in statements)), key=lambda s: s.name
    )
    unknowns: dict[Symbol, Symbol] = {}
    field: dict[Symbol, Array] = {}
    for parameter in parameters:
        if parameter.domain.kind in ("simplex", "posdef"):
            continue
        name = f"omega_{parameter.name}"
        unknowns[parameter] = Symbol(name, Role.UNKNOWN, Domain("real"), parameter.shape)
        indices = formal_indices(parameter.shape)
        field[parameter] = Array(indices, Entry(unknowns[parameter], indices))
    formal = formal_indices(node.shape)
    velocity = Array(formal, mul(Entry(stretch, formal), Entry(node, formal)))
    equations = []
    for statement in statements:
        for _, array in statement.arguments:
            change = derivative_along(array.body, field)
            wanted = derivative_along(array.body, {node: velocity})
            if change != ZERO or wanted != ZERO:
                equations.append(subtract(change, wanted))
    found = find_by_elimination(equations, tuple(unknowns.values()), is_parent)
    if not isinstance(found, Found) or found.nonzero:
        return None
    return {
        parameter: found.values[unknown]
        for parameter, unknown in unknowns.items()
        if found.values[unknown].body != ZERO
    }


def _check_variational(model: Model, node: Symbol) -> str | None:
    """How it is known that q may be scaled in the node; None if it may not."""
    if model.variational == "any":
        return "assumed"
    if model.variational == "exact":
        return "exact posterior"
    assert not isinstance(model.variational, str)
    for statement in model.variational:
        if statement.node == node and not _is_closed_under_scaling(statement):
            return None
    return "shown"


def _is_closed_under_scaling(statement: Statement) -> bool:
    """Whether some motion of q's own parameters stretches its node."""
    density = density_term(statement.family, statement.form, dict(statement.extents))
    given = dict(statement.arguments)
    node = density.value
    term = replace_symbols(density.term, {a: given[a.name] for a in density.arguments})
    symbols = [s for s in symbols_of(term) if s.role is Role.VARIATIONAL]
    unknowns = {
        s: Symbol(f"v_{s.name}", Role.UNKNOWN, Domain("real"), s.shape)
        for s in sorted(symbols, key=lambda s: s.name)
    }
    field: dict[Symbol, Array] = {node: Array((), Entry(node))}
    for symbol, unknown in unknowns.items():
        indices = formal_indices(symbol.shape)
        field[symbol] = Array(indices, Entry(unknown, indices))
    if density.value.shape:
        return False
    equation = add(derivative_along(term, field), ONE)
    found = find_by_elimination([equation], tuple(unknowns.values()), lambda s: s == node)
    return isinstance(found, Found)
