"""Section 1 at random numbers: the criterion, of every factor of every model of models/."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from paper.case import Check, Draw
from paper.family import FiniteFamily
from paper.point import MODELS, Point, derive_model, draw_domain
from symelbo.criterion.factor import Factor, is_parent, make_factor
from symelbo.criterion.result import Closure
from symelbo.index.substitute import symbols_of
from symelbo.index.terms import Entry, Offset, Role, Symbol, Term
from symelbo.trial.evaluate import Smooth, World, evaluate, walk


def random_points(stem: str, draw: Draw) -> Point:
    """A model of models/ at random sizes, values and functions."""
    derivation = derive_model(stem)
    model = derivation.model
    sizes = draw.sizes(*model.sizes)
    functions: dict[str, Any] = {}
    point = Point(derivation, sizes, {}, functions)
    length = point.world().length
    nodes = [statement.node for statement in model.statements]
    known = (*model.constants, *model.inputs)
    values = {
        symbol.name: draw_domain(
            symbol.domain.kind,
            tuple(map(length, symbol.shape)),
            draw.rng,
            categories(symbol, sizes),
        )
        for symbol in (*known, *model.parameters, *model.variational_symbols, *nodes)
    }
    for symbol in model.functions:
        functions[symbol.name] = Smooth(symbol, length, draw.seed)
    for statement in model.statements:
        if statement.family.abstract:
            functions |= FiniteFamily(sizes["L"], draw.rng).functions(statement.family.name)
    return Point(derivation, sizes, values, functions)


def categories(symbol: Symbol, sizes: Mapping[str, int]) -> int:
    """The last category of a node."""
    upper = symbol.domain.upper
    return sizes.get("C", 1) if upper is None else int(evaluate(upper, World(sizes, {})).value)


def criterion(draw: Draw, of_prior: bool) -> Iterator[Check]:
    """Definition 1 for every factor of every model, and (U), which contains it.

    A prior without parameters, as in the standard parameterization of p-PCA, has no field: its
    natural parameters are numbers.  There the latent moves itself, z' = r z + s; Definition 1 holds
    of the layer that reads z along the parameters and z together, and of the prior holds (U).
    """
    for path in sorted(MODELS.glob("*.yaml")):
        point = random_points(path.stem, draw)
        derivation = point.derivation
        for result in derivation.factors:
            node, name = result.node, f"{path.stem}, {result.node}"
            assert (result.verdict == "holds") is (name not in REFUTED), name
            is_prior = node not in derivation.model.observed and not point.factor(node).parents()
            if is_prior is not of_prior or name in REFUTED:
                continue
            for what, left, right in (*definition_1(point, node), *form_free(point, node)):
                yield f"{name}: {what}", left, right
        if of_prior:
            for what, left, right in closure_of_q(point):
                yield f"{path.stem}: {what}", left, right


REFUTED = {"sbn_rigid, x1", "sbn_rigid, x2"}  # L&W, Example 3


def definition_1(point: Point, node: str) -> Iterator[Check]:
    """The natural parameters scale: along the field, and along the motion where a parent moves."""
    result, motion = point.result(node), point.result(node).motion
    moving = {symbol.name for symbol in motion.latents}
    assert result.field or moving, node
    mentioned = [symbol for array in result.field.values() for symbol in symbols_of(array)]
    assert not any(is_parent(symbol) for symbol in mentioned), f"{node}: depends on latents"
    arrays = [array for moved in motion.latents.values() for array in (moved.rate, moved.shift)]
    mentioned = [symbol for array in arrays for symbol in symbols_of(array)]
    parents = [s for s in mentioned if is_parent(s) and s not in point.derivation.model.inputs]
    assert not parents, f"{node}: r or s depends on latents"
    natural, field = point.natural(node), point.field(node)
    if point.factor(node).node.name in moving:
        # where parameters or parents move as well, it is no Definition 1: (U) alone is of it
        if not field and not point.factor(node).parents():
            yield "nothing scales", 0 * natural, point.natural_along(node, point.velocities())
        return
    by_parents = {name: v for name, v in point.velocities().items() if name in moving}
    rest = point.natural_along(node, by_parents)
    assert bool(np.any(abs(rest) > 1e-6)) is bool(moving), node  # without it (B) fails
    product = point.jacobian(node) @ point.field_vector(node)
    yield "Jacobian times field", natural, product + rest
    yield "derivative along the field", natural, point.natural_along(node, field | by_parents)


def mentions_own_value(factor: Factor, term: Term) -> bool:
    """Whether v stands in the term: of a chain z[t-1] is a parent, and z[t] is v."""
    entries = [e for e in walk((term,)) if isinstance(e, Entry) and e.symbol == factor.node]
    return any(not any(isinstance(i, Offset) for i in e.indices) for e in entries)


def form_free(point: Point, node: str) -> Iterator[Check]:
    """(U): log p - D log p = b - H~ + d at a random point, D along one motion for all factors.

    The density is the model's, and the derived exponential family; d is the divergence of the
    motion in the factor's own value, by derivatives; b, H~ and D b depend on what they may.
    """
    factor, identity = point.factor(node), point.result(node).identity
    assert identity is not None
    others = {s for s in symbols_of(identity.base) if s != factor.node}
    assert not any(s.role in (Role.PARAMETER, Role.LATENT, Role.OBSERVED) for s in others), node
    assert not mentions_own_value(factor, identity.entropy), node
    assert factor.node not in symbols_of(identity.divergence), node
    assert factor.node not in symbols_of(identity.base_change), node
    assert identity.is_entropy is (factor.node not in symbols_of(identity.base))
    velocities, over = point.velocities(), factor.over_plates
    base, divergence = over(identity.base), point.divergence(node)
    yield "d", divergence, point.number(over(identity.divergence))
    change = point.number(over(identity.base_change))
    yield "D b", point.number_along(base, velocities), change
    density = over(factor.log_density)
    right = point.number(base) - point.entropy(node) + divergence
    left = point.number(density) - point.number_along(density, velocities)
    yield "(U)", right, left
    yield "the form is the density", point.number(density), point.log_density(node)
    along = point.log_density_along(node, velocities)
    yield "(U) of the form", right, point.log_density(node) - along


def closure_of_q(point: Point) -> Iterator[Check]:
    """D log q = -(the sum of r) for declared q: its own parameters follow the latents."""
    derivation = point.derivation
    motion, declared = derivation.motion, derivation.model.variational
    if not motion.latents:
        assert derivation.closure is Closure.NOT_NEEDED
        return
    if isinstance(declared, str):
        assert derivation.closure is {"exact": Closure.EXACT, "any": Closure.ASSUMED}[declared]
        return
    assert derivation.closure is Closure.SHOWN
    assert motion.variational
    for statement in declared:
        factor = make_factor(statement)
        change = point.number_along(factor.over_plates(factor.log_density), point.velocities())
        yield f"D log q of {factor.name}", -point.divergence(factor.name), change
