"""The exact posterior of a linear-Gaussian model: its precision, and its entropy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symelbo.index.build import add, divide, log, mul, negate, number, total
from symelbo.index.differentiate import derivative_by
from symelbo.index.normal import normal
from symelbo.index.substitute import mentions, replace_symbols
from symelbo.index.terms import (
    Array,
    Constant,
    Entry,
    Extent,
    Index,
    IndexTerm,
    LogDet,
    Role,
    Size,
    Symbol,
    Term,
)
from symelbo.language.density import density_term
from symelbo.spec.model import Model, Statement

__all__ = ["ExactPosterior", "derive_exact_posterior"]


@dataclass(frozen=True, slots=True)
class ExactPosterior:
    """A normal posterior over the entries of one latent, with a precision free of data.

    precision: -d2 log p(x, z) / dz dz'; entropy: nats.
    """

    latent: Symbol
    precision: Array
    entropy: Term


def log_joint(statements: Sequence[Statement]) -> Term:
    """log p(x, z), summed over all plates."""
    parts = []
    for statement in statements:
        density = density_term(statement.family, statement.form, dict(statement.extents))
        given = dict(statement.arguments)
        mapping = {symbol: given[symbol.name] for symbol in density.arguments}
        events = tuple(Index(f"v{n}", extent) for n, extent in enumerate(density.value.shape))
        mapping[density.value] = Array(events, Entry(statement.node, (*statement.places, *events)))
        part = replace_symbols(density.term, mapping)
        for index in reversed(statement.plates):
            part = total(index, part)
        parts.append(part)
    return add(*parts)


def derive_exact_posterior(model: Model) -> ExactPosterior | None:
    """log p(x, z) quadratic in one real latent z -> the normal posterior p(z | x); else None.

    The second derivatives by z must contain neither z nor data; then the posterior is normal with
    that precision, for every data point alike.
    """
    latents = list(dict.fromkeys(s.node for s in model.latents))
    if len(latents) != 1 or latents[0].domain.kind != "real" or len(latents[0].shape) > 1:
        return None
    (latent,) = latents
    joint = log_joint(model.statements)
    if not latent.shape:
        row: tuple[IndexTerm, ...] = ()
        second = derivative_by(derivative_by(joint, latent, ()), latent, ())
        precision = Array((), normal(negate(second)))
        determinant = log(precision.body)
        size: Term = number(1)
    else:
        (extent,) = latent.shape
        i, j = Index("h", extent), Index("k", extent)
        row = (i,)
        second = derivative_by(derivative_by(joint, latent, row), latent, (j,))
        precision = Array((i, j), normal(negate(second)))
        determinant = LogDet(precision)
        size = _size(extent)
    if mentions(precision, lambda s: s.role in (Role.LATENT, Role.OBSERVED, Role.INPUT)):
        return None
    if mentions(precision, lambda s: s.role is Role.FUNCTION):
        return None
    two_pi_e = add(log(mul(number(2), Constant("pi"))), number(1))
    entropy = add(divide(mul(size, two_pi_e), number(2)), divide(negate(determinant), number(2)))
    return ExactPosterior(latent, precision, normal(entropy))


def _size(extent: Extent) -> Term:
    return (
        number(extent.offset)
        if extent.size is None
        else add(Size(extent.size), number(extent.offset))
    )
