"""The moments of an exponential-family form: derivatives by its natural parameters.

E[T_k] = dA / d eta_k          Cov(v, T_k) = dE[v] / d eta_k
"""

from __future__ import annotations

from functools import lru_cache

from symelbo.expfam.form import Block, ExponentialForm
from symelbo.index.build import ZERO, add, mul, subtract, total
from symelbo.index.differentiate import derivative_by
from symelbo.index.domains import Real, Symmetric
from symelbo.index.normal import normal
from symelbo.index.solve import Found, find_by_elimination
from symelbo.index.substitute import formal_indices, instantiate
from symelbo.index.terms import Array, Entry, Index, Role, Symbol, Term
from symelbo.limits import KEPT_MEANS

__all__ = ["derive_means", "derive_moments"]


@lru_cache(maxsize=KEPT_MEANS)
def derive_means(form: ExponentialForm) -> tuple[Array, ...] | None:
    """E[T_k] for every block; None where the moving arguments do not determine them."""
    return _derivatives_by_naturals(form, Array((), form.log_partition))


def derive_moments(form: ExponentialForm) -> tuple[Array, Array] | None:
    """E[v], and Cov(v, v) over the indices of v twice; None where v is no statistic of the form,
    or where the moving arguments do not determine both.
    """
    value = form.density.value
    own = next(
        (
            n
            for n, block in enumerate(form.blocks)
            if tuple(index.extent for index in block.indices) == value.shape
            and normal(block.statistic) == Entry(value, block.indices)
        ),
        None,
    )
    means = None if own is None else derive_means(form)
    if own is None or means is None:
        return None
    changes = _derivatives_by_naturals(form, means[own])
    return None if changes is None else (means[own], changes[own])


def _derivatives_by_naturals(form: ExponentialForm, function: Array) -> tuple[Array, ...] | None:
    """f[i](a) -> df[i] / d eta_k for every block k, over the indices i and those of the block.

    Solves the chain rule  df/da = sum_k df/d eta_k . d eta_k/da  for the moving arguments a; None
    where it has no solution, or has several.
    """
    own = formal_indices([index.extent for index in function.indices], "f")
    body = instantiate(function, own)
    unknowns = [_unknown(block, n, own) for n, block in enumerate(form.blocks)]
    equations = []
    for argument in form.moving:
        places = _independent_places(argument)
        change: list[Term] = []
        for block, unknown in zip(form.blocks, unknowns, strict=True):
            slope = _slope(block.natural, argument, places)
            part = mul(slope, Entry(unknown, (*own, *block.indices))) if slope != ZERO else ZERO
            for index in reversed(block.indices):
                part = total(index, part)
            change.append(part)
        equations.append(subtract(add(*change), _slope(body, argument, places)))
    found = find_by_elimination(equations, unknowns)
    if not isinstance(found, Found) or found.nonzero:
        return None
    return tuple(found.values[unknown] for unknown in unknowns)


def _slope(term: Term, argument: Symbol, places: tuple[Index, ...]) -> Term:
    """df/da[places]; a symmetric matrix moves in both of its entries at once."""
    slope = derivative_by(term, argument, places)
    if not argument.domain.is_symmetric:
        return slope
    *plates, row, column = places
    return add(slope, derivative_by(term, argument, (*plates, column, row)))


def _independent_places(argument: Symbol) -> tuple[Index, ...]:
    """The last entry of a simplex follows from the others."""
    return formal_indices(argument.domain.free_shape(argument.shape), "a")


def _unknown(block: Block, number: int, own: tuple[Index, ...]) -> Symbol:
    domain = Symmetric() if block.symmetric else Real()
    shape = tuple(index.extent for index in (*own, *block.indices))
    return Symbol(f"m{number}", Role.UNKNOWN, domain, shape)
