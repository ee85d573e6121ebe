"""The field of a set of factors: one velocity per parameter, or what stands in its way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from symelbo.criterion.factor import Factor, criterion_equations, is_parent, parameters_of
from symelbo.expfam.form import Gauge
from symelbo.index.build import ZERO
from symelbo.index.solve import (
    Found,
    NotFound,
    find_by_elimination,
    find_scaling,
    formal_indices,
    unknown_like,
)
from symelbo.index.terms import Array, Entry, Symbol

__all__ = ["is_degenerate", "solve_field"]


def solve_field(factors: Sequence[Factor], *, radial_only: bool = False) -> Found | NotFound:
    """One field on the parameters along which every factor's eta grows as e^s eta."""
    parameters = sorted(
        frozenset().union(*(parameters_of(f.statement) for f in factors)), key=lambda s: s.name
    )
    if any(is_degenerate(factor) for factor in factors):
        return NotFound(ZERO)
    unknowns = {parameter: unknown_like(parameter, "beta_") for parameter in parameters}
    velocity: dict[Symbol, Array] = {}
    for parameter, unknown in unknowns.items():
        indices = formal_indices(parameter.shape)
        velocity[parameter] = Array(indices, Entry(unknown, indices))
    residual = NotFound(ZERO)
    # by the arguments of the families, then by the natural parameters themselves: the latter
    # also finds fields where the arguments are not determined by eta (logits up to a constant)
    for direct in (False,) if radial_only else (False, True):
        equations = [
            e
            for f in factors
            for e in criterion_equations(replace(f, radial=None) if direct else f, velocity)
        ]
        found = find_scaling(equations, {u: p for p, u in unknowns.items()})
        if not isinstance(found, Found):
            found = find_by_elimination(equations, tuple(unknowns.values()), is_parent)
        if isinstance(found, Found):
            return Found({p: found.values[u] for p, u in unknowns.items()}, found.nonzero)
        if not direct:
            residual = found
    return residual


def is_degenerate(factor: Factor) -> bool:
    """All of eta moved into the base measure would make the statement a tautology."""
    if factor.gauge is Gauge.CONSTANT:
        return False
    if not factor.blocks:
        return True
    return all(block.natural == ZERO for block in factor.blocks) and factor.gauge is Gauge.SHIFTED
