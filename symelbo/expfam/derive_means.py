"""The mean parameters of an exponential-family form."""

from __future__ import annotations

from symelbo.expfam.form import Block, ExponentialForm
from symelbo.index.build import ZERO, add, mul, subtract, total
from symelbo.index.differentiate import derivative_by
from symelbo.index.domains import Real, Symmetric
from symelbo.index.solve import Found, find_by_elimination
from symelbo.index.terms import Array, Entry, Index, Role, Symbol, Term

__all__ = ["derive_means"]


def derive_means(form: ExponentialForm) -> tuple[Array, ...] | None:
    """E[T_k] for every block, from J' E[T] = dA/da; None where J' does not determine them."""
    unknowns = [_unknown_mean(block, n) for n, block in enumerate(form.blocks)]
    equations = []
    for argument in form.moving:
        shape = argument.domain.free_shape(argument.shape)
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
    domain = Symmetric() if block.symmetric else Real()
    shape = tuple(index.extent for index in block.indices)
    return Symbol(f"m{number}", Role.UNKNOWN, domain, shape)
