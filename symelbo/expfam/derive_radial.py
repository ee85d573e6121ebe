"""The radial field, the mean parameters and the entropy of an exponential-family form."""

from __future__ import annotations

from symelbo.expfam.form import Block, ExponentialForm, RadialField
from symelbo.index.build import ZERO, add, mul, subtract, total
from symelbo.index.differentiate import derivative_along, derivative_by
from symelbo.index.normal import normal
from symelbo.index.solve import (
    Found,
    find_by_elimination,
    find_scaling,
    formal_indices,
    unknown_like,
)
from symelbo.index.terms import Array, Domain, Entry, Extent, Index, Role, Symbol, Term

__all__ = ["derive_entropy", "derive_means", "derive_radial"]


def derive_radial(form: ExponentialForm) -> RadialField | None:
    """E -> r = (DE)^-1 E: the velocity of the moving arguments along which eta grows as e^s eta.

    None where the map has no such field.  Source: the chain rule for Warnken et al. (2025),
    Definition 1; e.g. (0, -variance) for a normal, p (log p_i - sum_c p_c log p_c) for a category.
    """
    unknowns = {argument: unknown_like(argument, "r_") for argument in form.moving}
    field = {}
    for argument, unknown in unknowns.items():
        indices = formal_indices(argument.shape)
        field[argument] = Array(indices, Entry(unknown, indices))
    equations = [
        subtract(derivative_along(block.natural, field), block.natural) for block in form.blocks
    ]
    found = find_scaling(equations, {u: a for a, u in unknowns.items()})
    if not isinstance(found, Found):
        found = find_by_elimination(equations, tuple(unknowns.values()))
    if not isinstance(found, Found) or found.nonzero:
        return None
    return {argument: found.values[unknown] for argument, unknown in unknowns.items()}


def derive_entropy(form: ExponentialForm, radial: RadialField) -> Term:
    """H~ = A - eta' grad A = A - dA/ds along the radial field; the entropy where h = 1.

    Nats.  Source: Warnken et al. (2025), Eqn 51, by eta' grad A = r' J' grad A.
    """
    change = derivative_along(form.log_partition, radial)
    return normal(subtract(form.log_partition, change))


def derive_means(form: ExponentialForm) -> tuple[Array, ...] | None:
    """E[T_k] for every block, from J' E[T] = dA/da; None where J' does not determine them."""
    unknowns = [_unknown_mean(block, n) for n, block in enumerate(form.blocks)]
    equations = []
    for argument in form.moving:
        shape = list(argument.shape)
        if argument.domain.kind == "simplex":
            shape[-1] = Extent(shape[-1].size, shape[-1].offset - 1)
        places = tuple(Index(f"a{n}", extent) for n, extent in enumerate(shape))
        change: list[Term] = []
        for block, unknown in zip(form.blocks, unknowns, strict=True):
            slope = derivative_by(block.natural, argument, places)
            part = mul(slope, Entry(unknown, block.indices)) if slope != ZERO else ZERO
            for index in reversed(block.indices):
                part = total(index, part)
            change.append(part)
        slope = derivative_by(form.log_partition, argument, places)
        equations.append(subtract(add(*change), slope))
    found = find_by_elimination(equations, unknowns)
    if not isinstance(found, Found) or found.nonzero:
        return None
    return tuple(found.values[unknown] for unknown in unknowns)


def _unknown_mean(block: Block, number: int) -> Symbol:
    kind = "symmetric" if block.symmetric else "real"
    shape = tuple(index.extent for index in block.indices)
    return Symbol(f"m{number}", Role.UNKNOWN, Domain(kind), shape)
