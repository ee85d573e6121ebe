"""The mean and the covariance of a declared q, where both have a closed form."""

from __future__ import annotations

from symelbo.expfam.derive_moments import derive_moments
from symelbo.expfam.form import Inseparable
from symelbo.expfam.separate_density import separate_density
from symelbo.index.differentiate import derivative_by
from symelbo.index.normal import normal
from symelbo.index.substitute import formal_indices, instantiate, replace_symbols, symbols_of
from symelbo.index.terms import Array, Index, Role, Symbol
from symelbo.model.model import Model, Statement
from symelbo.values import dataclass

__all__ = ["MomentsOfQ", "find_moments_of_q", "rows_of"]


@dataclass(frozen=True)
class MomentsOfQ:
    """means: latent -> its mean over (plates, events); covariances: over (plates, events, events).

    Entries at different places of the plates, and different latents, are independent under q.
    normal: whether every statement of q is a normal density.
    """

    means: tuple[tuple[Symbol, Array], ...]
    covariances: tuple[tuple[Symbol, Array], ...]
    normal: bool


def find_moments_of_q(model: Model) -> MomentsOfQ | None:
    """model -> the moments of its latents; None if q is not declared, or one has no closed form."""
    if isinstance(model.variational, str):
        return None
    moments = [_moments(statement) for statement in model.variational]
    nodes = [statement.node for statement in model.variational]
    pairs = {node: m for node, m in zip(nodes, moments, strict=True) if m is not None}
    if len(pairs) != len(nodes) or set(nodes) != {s.node for s in model.latents}:
        return None
    return MomentsOfQ(
        tuple((node, mean) for node, (mean, _) in pairs.items()),
        tuple((node, covariance) for node, (_, covariance) in pairs.items()),
        all(map(_is_normal, model.variational)),
    )


def rows_of(symbol: Symbol, stem: str) -> tuple[Index, ...]:
    """One index per axis of a symbol."""
    return formal_indices(symbol.shape, stem)


def _is_normal(statement: Statement) -> bool:
    """Whether a log-density on the reals is quadratic in its value."""
    density = statement.density
    rows, columns = rows_of(density.value, "row"), rows_of(density.value, "column")
    slope = derivative_by(density.term, density.value, rows)
    second = normal(derivative_by(slope, density.value, columns))
    return density.value.domain.is_line and density.value not in symbols_of(second)


def _moments(statement: Statement) -> tuple[Array, Array] | None:
    """Mean and covariance of a declared density; the covariance over (plates, events, events)."""
    if any(s.role is Role.LATENT for _, a in statement.arguments for s in symbols_of(a)):
        return None
    density = statement.density
    separation = separate_density(density, density.arguments)
    if isinstance(separation, Inseparable) or statement.places != statement.plates:
        return None
    moments = derive_moments(separation.forms[0])
    if moments is None:
        return None
    rows, columns = rows_of(density.value, "i"), rows_of(density.value, "j")
    first = moments[0]
    covariance = normal(instantiate(moments[1], (*rows, *columns)))
    mapping = statement.actual()
    left = formal_indices([i.extent for i in statement.plates], "p")
    mean_array = Array(
        (*left, *rows),
        instantiate(
            Array(statement.plates, replace_symbols(instantiate(first, rows), mapping)), left
        ),
    )
    body = instantiate(Array(statement.plates, replace_symbols(covariance, mapping)), left)
    return mean_array, Array((*left, *rows, *columns), body)
